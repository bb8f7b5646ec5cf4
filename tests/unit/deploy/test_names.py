"""Versions, ports, paths and names that stand in several files are the same in all of them."""

import re
import tomllib

import pytest
import yaml

from gateway.settings import Settings
from tests.unit.deploy.rendering import K8S, ROOT, named, pod_specs, rendered, settings_of

DOCKERFILE = (ROOT / "scripts/images/Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def argument(name: str) -> str:
    """The default of one of the Dockerfile's build arguments."""
    values: set[str] = set(re.findall(rf"^ARG {name}=(.+)$", DOCKERFILE, re.MULTILINE))
    assert len(values) == 1, f"{name} is written {values}"
    return values.pop()


def test_images_have_the_projects_version() -> None:
    assert argument("VERSION") == VERSION
    built = [service["image"] for service in COMPOSE["services"].values() if "build" in service]
    in_kubernetes = re.findall(r"image: (localhost/\S+)", (K8S / "base/gateway.yaml").read_text("utf-8"))
    in_kubernetes += re.findall(r"image: (localhost/\S+)", (K8S / "base/triton.yaml").read_text("utf-8"))
    assert len(in_kubernetes) == 2
    for image in built + in_kubernetes:
        assert re.fullmatch(rf"localhost/bin-it-right/[a-z-]+:{re.escape(VERSION)}", image), image


def test_everyone_means_the_same_release_of_nvidias_container() -> None:
    release = argument("TRITON_RELEASE")
    assert tuple(int(part) for part in release.split(".")) >= (26, 8)
    for folder in ("k8s", "scripts"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix in {".yaml", ".sh", ".py", ".env"}:
                for other in re.findall(r"nvidia/tritonserver:(\d\d\.\d\d)", path.read_text(encoding="utf-8")):
                    assert other == release, path


def test_targets_of_compose_and_cloud_build_are_in_the_dockerfile() -> None:
    targets = set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE))
    wanted = {service["build"]["target"] for service in COMPOSE["services"].values() if "build" in service}
    cloud_build = yaml.safe_load((ROOT / "scripts/gke/cloudbuild.yaml").read_text(encoding="utf-8"))
    in_cloud = {each.partition("=")[2] for step in cloud_build["steps"] for each in step["args"] if "--target=" in each}
    assert in_cloud == {"gateway", "${_TRITON}"}
    assert cloud_build["substitutions"]["_TRITON"] in targets
    assert wanted | {"gateway", "triton-cpu", "triton-gpu"} <= targets


def test_names_of_compose_images_are_those_of_kubernetes() -> None:
    compose = {service["image"] for service in COMPOSE["services"].values() if "build" in service}
    for _, spec in pod_specs(rendered("kind")):
        assert spec["containers"][0]["image"] in compose


def test_ports_are_those_of_the_settings() -> None:
    """The gateway's port comes from the image's command, Triton's are its defaults."""
    assert '["--host", "0.0.0.0", "--port", "8080"]' in DOCKERFILE
    assert Settings().port == 8080
    ports: dict[tuple[str, str], int] = {}
    for owner, spec in pod_specs(rendered("kind")):
        for container in spec["containers"]:
            ports |= {(owner, port["name"]): port["containerPort"] for port in container["ports"]}
    assert ports == {
        ("Deployment/gateway", "http"): 8080,
        ("Deployment/triton", "http"): 8000,
        ("Deployment/triton", "grpc"): 8001,
        ("Deployment/triton", "metrics"): 8002,
    }


@pytest.mark.parametrize(("prefix", "suffix"), [("", ""), ("my-", ""), ("", "-canary"), ("my-", "-canary")])
def test_the_gateway_looks_for_the_service_that_is_there(prefix: str, suffix: str) -> None:
    manifests = rendered("gke-cpu", deploy="canary" if suffix else "stable", prefix=prefix)
    url = settings_of(manifests, f"{prefix}gateway{suffix}")["TRITON_URL"]
    service = named(manifests, "Service", f"{prefix}triton{suffix}")
    assert url == f"{prefix}triton{suffix}:{service['spec']['ports'][0]['port']}"
    # A virtual address would tie each long connection to one pod.
    assert service["spec"]["clusterIP"] == "None"


def test_every_setting_in_the_manifests_is_one() -> None:
    from embedded_triton.settings import Settings as EmbeddedSettings

    known = {f"GATEWAY_{name.upper()}" for name in Settings.model_fields} | {"TRITON_URL", "PORT"}
    embedded = {f"EMBEDDED_TRITON_{name.upper()}" for name in EmbeddedSettings.model_fields}
    for overlay in ("kind", "gke-cpu"):
        assert set(settings_of(rendered(overlay), "gateway")) <= known
        assert set(settings_of(rendered(overlay), "triton")) <= embedded
    assert set(settings_of(rendered("gke-gpu"), "triton")) == {"TUNING_PROFILE"}
    assert set(COMPOSE["services"]["gateway"]["environment"]) <= known


def test_kinds_port_is_the_one_that_its_configuration_publishes() -> None:
    kind = yaml.safe_load((K8S / "overlays/kind/kind-config.yaml").read_text(encoding="utf-8"))
    (mapping,) = kind["nodes"][0]["extraPortMappings"]
    (port,) = named(rendered("kind"), "Service", "gateway")["spec"]["ports"]
    assert mapping["containerPort"] == port["nodePort"]
    assert mapping["listenAddress"] == "127.0.0.1"
