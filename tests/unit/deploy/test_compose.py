"""docker-compose.yaml: its schema, its profiles, and what it opens to whom."""

import json
import subprocess
import sys
from typing import Any

import pytest
import yaml

from tests.unit.deploy.rendering import ROOT
from tests.unit.deploy.tools import require, require_compose

FILE = ROOT / "docker-compose.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
#: What each profile starts, beside the gateway, which has none.
PROFILES = {
    "cpu": {"triton-cpu"},
    "gpu": {"triton-gpu"},
    "monitoring": {"prometheus", "grafana"},
    "jupyter": {"jupyter"},
}


def test_it_fits_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("profile", PROFILES)
def test_docker_resolves_each_profile(profile: str) -> None:
    command = [*require_compose(), "--file", str(FILE), "--profile", profile, "config", "--format", "json"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert set(json.loads(result.stdout)["services"]) == {"gateway"} | PROFILES[profile]


def test_profiles_start_what_they_are_called() -> None:
    for profile, services in PROFILES.items():
        assert {name for name, service in SERVICES.items() if profile in service.get("profiles", [])} == services
    assert "profiles" not in SERVICES["gateway"]
    assert "COMPOSE_PROFILES=cpu" in (ROOT / ".env").read_text(encoding="utf-8").splitlines()


def test_only_the_gateway_is_published_beyond_this_machine() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert name == "gateway" or port.startswith("127.0.0.1:"), (name, port)
    assert SERVICES["gateway"]["ports"] == ["${PORT:-8080}:8080"]


def test_the_gateway_reaches_triton_by_the_closed_network_whichever_it_is() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    host, _, port = SERVICES["gateway"]["environment"]["TRITON_URL"].partition(":")
    for name in ("triton-cpu", "triton-gpu"):
        assert SERVICES[name]["networks"]["inside"]["aliases"] == [host]
        assert not SERVICES[name]["networks"]["outside"]
        assert f"127.0.0.1:{port}:{port}" in SERVICES[name]["ports"]
        assert SERVICES["gateway"]["depends_on"][name] == {"condition": "service_healthy", "required": False}


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened_and_bounded(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "mem_limit" in service
    assert service["pids_limit"]
    assert service["logging"]["options"]["max-size"]
    assert service["restart"] == ("no" if name == "jupyter" else "unless-stopped")
    tag = service["image"].rpartition(":")[2]
    assert tag.removeprefix("v")[0].isdigit()


@pytest.mark.parametrize("name", ["triton-cpu", "triton-gpu"])
def test_triton_has_shared_memory_and_a_folder_that_programs_start_from(name: str) -> None:
    """Docker's own /dev/shm has 64 MB, and its tmpfs is mounted noexec."""
    assert SERVICES[name]["shm_size"] == "1g"
    (tmpfs,) = SERVICES[name]["tmpfs"]
    assert tmpfs.startswith("/tmp:exec,")


def test_the_gpu_is_asked_for_by_one_profile_alone() -> None:
    (device,) = SERVICES["triton-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    assert not any("deploy" in service for name, service in SERVICES.items() if name != "triton-gpu")


def test_mounted_files_are_there_and_read_only() -> None:
    for name in ("prometheus", "grafana"):
        for volume in SERVICES[name]["volumes"]:
            source, _, rest = volume.partition(":")
            if source.startswith("."):
                assert (ROOT / source).is_dir(), source
                assert rest.endswith(":ro")
            else:
                assert source in COMPOSE["volumes"]


@pytest.mark.parametrize(("kind", "name"), [("config", "prometheus.yaml"), ("rules", "alerts.yaml")])
def test_prometheus_understands_its_files(kind: str, name: str) -> None:
    command = [require("promtool"), "check", kind, "--lint-fatal", str(ROOT / "scripts/monitoring" / name)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_prometheus_asks_services_and_ports_that_are_there() -> None:
    config = yaml.safe_load((ROOT / "scripts/monitoring/prometheus.yaml").read_text(encoding="utf-8"))
    targets = {each for job in config["scrape_configs"] for group in job["static_configs"] for each in group["targets"]}
    assert targets == {"gateway:8080", "triton:8002"}
    assert SERVICES["gateway"]["ports"] == ["${PORT:-8080}:8080"]
    assert "127.0.0.1:8002:8002" in SERVICES["triton-cpu"]["ports"]
