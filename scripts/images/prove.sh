#!/usr/bin/env bash
# Builds the gateway's and the CPU Triton's image where there is neither Docker nor a registry, lets Compose start them with
# docker-compose.yaml, classifies drawings through them, and prints what was seen as one JSON line.
#   sudo scripts/images/prove.sh [FOLDER]      FOLDER (default build/images) keeps Debian's base between runs
# podman stands in for Docker; `apt-get install podman netavark aardvark-dns iptables runc debootstrap curl` brings what
# is needed, `make dev` Compose. Debian's mirror and a Python package index must be reachable; PYTORCH_CPU_INDEX=… names
# another index for PyTorch's CPU build, or a folder with its wheel.
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=$(realpath -m "${1:-build/images}")
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
index=${PYTORCH_CPU_INDEX:-https://download.pytorch.org/whl/cpu}
base=localhost/bin-it-right-base:bookworm
export PATH=$PWD/.venv/bin:$PATH

fail() {
    echo "error: $*" >&2
    exit 1
}

[[ $(id -u) == 0 ]] || fail "debootstrap and podman's networks need root: sudo $0"
for tool in podman runc iptables debootstrap curl docker-compose; do
    command -v "$tool" >/dev/null || fail "$tool is missing; $0 says at its top where it comes from"
done
[[ $(docker-compose version --short) != 1.* ]] || fail "docker-compose is too old; make dev brings another"
for model in raw pretrained; do
    [[ -f training/weights/$model.safetensors ]] || fail "training/weights/$model.safetensors is missing: nothing to export"
done

mkdir -p "$folder"
# runc, because crun wants cgroups that some machines mix; the limits, because podman's own may be above what may be had.
cat >"$folder/containers.conf" <<CONF
[engine]
runtime = "runc"
[containers]
default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)", "nproc=4096:4096"]
CONF
export CONTAINERS_CONF=$folder/containers.conf
# It complains of every machine that has no systemd; what fails says so all the same.
podman() { command podman --log-level fatal "$@"; }

make_base() { # Debian's own slim image is made like this; the certificates are this machine's, for its way to the index
    if [[ -d $folder/base ]] && podman image exists "$base"; then return; fi
    if [[ ! -d $folder/base ]]; then
        debootstrap --variant=minbase bookworm "$folder/base.part" >&2
        mv "$folder/base.part" "$folder/base"
    fi
    local root=$folder/base mirror
    mirror=$(sed -n 's/^deb \(\S*\) bookworm .*/\1/p' "$root/etc/apt/sources.list")
    echo "deb $mirror bookworm-updates main" >"$root/etc/apt/sources.list.d/updates.list"
    echo "deb $mirror-security bookworm-security main" >"$root/etc/apt/sources.list.d/security.list"
    echo 'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache ""; Binary::apt::APT::Keep-Downloaded-Packages "false";' \
        >"$root/etc/apt/apt.conf.d/slim"
    printf 'path-exclude /usr/share/%s/*\n' doc man locale info >"$root/etc/dpkg/dpkg.cfg.d/slim"
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale,info}/*
    mkdir -p "$root/usr/local/share/ca-certificates"
    cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
    tar -C "$root" -c . | podman import --quiet \
        --change 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt' \
        --change 'ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt' - "$base" >/dev/null
}

build() { # build TARGET
    local arguments=(--build-arg "BASE_IMAGE=$base" --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)")
    if [[ -d $index ]]; then
        arguments+=(--volume "$(realpath "$index"):/wheels:ro" --build-arg PYTORCH_CPU_INDEX=/wheels)
    else
        arguments+=(--build-arg "PYTORCH_CPU_INDEX=$index")
    fi
    podman build --quiet --format docker --network host "${arguments[@]}" \
        --file scripts/images/Dockerfile --target "$1" --tag "localhost/bin-it-right/$1:$version" . \
        >"$folder/$1.log" 2>&1 || { tail -20 "$folder/$1.log" >&2 && fail "$1 cannot be built; all of it: $folder/$1.log"; }
}

compose=(docker-compose --project-name bin-it-right-proof --profile cpu)
children=()
clean_up() {
    "${compose[@]}" down --timeout 30 >/dev/null 2>&1 || true
    ((${#children[@]} == 0)) || kill "${children[@]}" 2>/dev/null || true
}
check_health() { # podman's own timer for the health checks is systemd's
    while sleep 1; do
        for container in $(podman ps --quiet --filter label=com.docker.compose.project=bin-it-right-proof); do
            podman healthcheck run "$container" >/dev/null 2>&1 || true
        done
    done
}

echo "base image" >&2 && make_base
for target in gateway triton-cpu; do echo "building $target" >&2 && build "$target"; done

export DOCKER_HOST=unix://$folder/podman.sock PORT=127.0.0.1:18310
trap clean_up EXIT
command podman system service --time=0 "$DOCKER_HOST" >"$folder/service.log" 2>&1 &
children+=($!)
for _ in {1..50}; do
    [[ ! -S $folder/podman.sock ]] || break
    sleep 0.2
done
if [[ ! -d /run/systemd/system ]]; then
    check_health &
    children+=($!)
fi
echo "starting both" >&2
began=$SECONDS
"${compose[@]}" up --detach --no-build --wait --wait-timeout 240 >"$folder/compose.log" 2>&1 ||
    { "${compose[@]}" logs --tail 20 >&2 && tail -5 "$folder/compose.log" >&2 && fail "Compose cannot start them"; }
started=$((SECONDS - began))

answers=()
for model in raw pretrained; do
    for photo in scripts/samples/drawn_*; do
        answer=$(curl --silent --show-error --fail --max-time 20 -F "file=@$photo" "http://$PORT/$model/predict")
        answers+=("\"$model $(basename "$photo")\": $answer")
    done
done

facts() { # facts SERVICE: what its container is like, and how it ends
    local container image began=$SECONDS user writable stopped
    container=$("${compose[@]}" ps --quiet "$1")
    image=$(podman inspect "$container" --format '{{.ImageName}}')
    user=$(podman exec "$container" id -u)
    writable=$(podman exec "$container" sh -c 'touch /app/x 2>/dev/null && echo true || echo false')
    podman stop --time 30 "$container" >/dev/null 2>&1
    stopped=$((SECONDS - began))
    printf '{"megabytes": %d, "user": %d, "root_is_writable": %s, "stopped_after_s": %d, "exit_status": %d}' \
        $(($(podman image inspect "$image" --format '{{.Size}}') / 1000000)) "$user" "$writable" "$stopped" \
        "$(podman inspect "$container" --format '{{.State.ExitCode}}')"
}
not_done=(
    "start with Debian's image from a registry: the base here is made by debootstrap"
    "build triton-gpu and jupyter: the one needs NVIDIA's registry, the other PyTorch's index"
    "run in Docker itself: podman stands in for it, with its own health checks' timer or this script's"
)
printf '{"what": "images", "date": "%s", "revision": "%s", "healthy_after_s": %d, "gateway": %s, "triton-cpu": %s, ' \
    "$(date --utc +%F)" "$(git rev-parse --short HEAD 2>/dev/null || echo unknown)" "$started" \
    "$(facts gateway)" "$(facts triton-cpu)"
printf '"answers": {%s}, "not_done": [%s]}\n' "$(IFS=, && echo "${answers[*]}")" \
    "$(printf '"%s"\n' "${not_done[@]}" | paste --serial --delimiters=,)"
