#!/usr/bin/env bash
# Builds the gateway's and the CPU Triton's image where there is neither Docker nor a registry, runs them as Compose would,
# classifies drawings through them, and prints what was seen as one JSON line.
#   sudo scripts/images/prove.sh [FOLDER]      FOLDER (default build/images) keeps Debian's base between runs
# Needs podman, debootstrap and a container runtime (Debian: podman debootstrap runc). Debian's mirror and a Python package
# index must be reachable; PYTORCH_CPU_INDEX=… names another index for PyTorch's CPU build, or a folder with its wheel.
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=$(realpath -m "${1:-build/images}")
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
index=${PYTORCH_CPU_INDEX:-https://download.pytorch.org/whl/cpu}
base=localhost/bin-it-right-base:bookworm
not_done=()

fail() {
    echo "error: $*" >&2
    exit 1
}

for tool in podman debootstrap curl; do
    command -v "$tool" >/dev/null || fail "$tool is missing; on Debian: apt-get install podman debootstrap runc curl"
done
[[ $(id -u) == 0 ]] || fail "debootstrap needs root: sudo $0"
for model in raw pretrained; do
    [[ -f training/weights/$model.safetensors ]] || fail "training/weights/$model.safetensors is missing: nothing to export"
done

# It complains of every machine that has no systemd; what fails says so all the same.
podman() { command podman --log-level fatal "$@"; }
# A few machines forbid more open files than their own limit, and their cgroups are too mixed for crun.
common=(--ulimit "nofile=$(ulimit -Hn):$(ulimit -Hn)" --ulimit nproc=4096:4096)
if command -v runc >/dev/null; then common=(--runtime runc "${common[@]}"); fi

make_base() { # Debian's own slim image is made like this; the certificates are this machine's, for its way to the index
    mkdir -p "$folder"
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
    podman build --quiet --format docker --network host "${common[@]}" "${arguments[@]}" \
        --file scripts/images/Dockerfile --target "$1" --tag "localhost/bin-it-right/$1:$version" . \
        >"$folder/$1.log" 2>&1 || { tail -20 "$folder/$1.log" >&2 && fail "$1 can not be built; all of it: $folder/$1.log"; }
}

hardened=(--read-only --cap-drop ALL --security-opt no-new-privileges "${common[@]}")
clean_up() {
    podman rm --force --time 10 prove-gateway prove-triton >/dev/null 2>&1 || true
}
await_healthy() { # await_healthy CONTAINER; prints the seconds that it took
    local began=$SECONDS
    until podman healthcheck run "prove-$1" >/dev/null 2>&1; do
        if ((SECONDS - began > 240)) || [[ $(podman inspect "prove-$1" --format '{{.State.Running}}') != true ]]; then
            podman logs "prove-$1" 2>&1 | tail -20 >&2
            fail "the container of $1 did not get healthy"
        fi
        sleep 0.5
    done
    echo $((SECONDS - began))
}

echo "base image" >&2 && make_base
for target in gateway triton-cpu; do echo "building $target" >&2 && build "$target"; done

trap clean_up EXIT
clean_up
# Both in one network that is nothing but a loopback device: what answers there has needed nobody outside.
echo '127.0.0.1 localhost triton' >"$folder/hosts"
podman run --detach "${hardened[@]}" --name prove-triton --network none --memory 4g --shm-size 1g \
    --tmpfs /tmp:rw,exec,mode=1777,size=512m "localhost/bin-it-right/triton-cpu:$version" >/dev/null
triton_seconds=$(await_healthy triton)
podman run --detach "${hardened[@]}" --name prove-gateway --network container:prove-triton --memory 1g \
    --tmpfs /tmp:rw,mode=1777,size=128m --env TRITON_URL=triton:8001 --volume "$folder/hosts:/etc/hosts:ro" \
    "localhost/bin-it-right/gateway:$version" >/dev/null
gateway_seconds=$(await_healthy gateway)

ask() { # ask CURL_ARGUMENT...: from inside that network
    nsenter --net --target "$(podman inspect prove-gateway --format '{{.State.Pid}}')" \
        curl --silent --show-error --fail --max-time 20 "$@"
}
answers=()
for model in raw pretrained; do
    for photo in scripts/samples/drawn_*; do
        answers+=("\"$model $(basename "$photo")\": $(ask -F "file=@$photo" "http://127.0.0.1:8080/$model/predict")")
    done
done

writable() { podman exec "prove-$1" sh -c 'touch /app/x 2>/dev/null && echo true || echo false'; }
facts() { # facts CONTAINER IMAGE SECONDS
    local user bytes stopped began=$SECONDS
    user=$(podman exec "prove-$1" id -u)
    local root_is_writable
    root_is_writable=$(writable "$1")
    bytes=$(podman image inspect "localhost/bin-it-right/$2:$version" --format '{{.Size}}')
    podman stop --time 30 "prove-$1" >/dev/null 2>&1
    stopped=$((SECONDS - began))
    printf '{"megabytes": %d, "user": %d, "root_is_writable": %s, "healthy_after_s": %d, "stopped_after_s": %d, "exit_status": %d}' \
        $((bytes / 1000000)) "$user" "$root_is_writable" "$3" "$stopped" \
        "$(podman inspect "prove-$1" --format '{{.State.ExitCode}}')"
}
not_done+=("start with Debian's image from a registry: the base here is made by debootstrap")
not_done+=("build triton-gpu and jupyter: the one needs NVIDIA's registry, the other PyTorch's index")
not_done+=("let the engine itself run the health checks and Compose the start: this script runs them")
join() { local IFS=,; echo "$*"; }
quoted=()
for each in "${not_done[@]}"; do quoted+=("\"$each\""); done
printf '{"what": "images", "date": "%s", "revision": "%s", "gateway": %s, "triton-cpu": %s, "answers": {%s}, "not_done": [%s]}\n' \
    "$(date --utc +%F)" "$(git rev-parse --short HEAD 2>/dev/null || echo unknown)" \
    "$(facts gateway gateway "$gateway_seconds")" "$(facts triton triton-cpu "$triton_seconds")" \
    "$(join "${answers[@]}")" "$(join "${quoted[@]}")"
