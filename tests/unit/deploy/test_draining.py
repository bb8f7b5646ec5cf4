"""The times of an orderly end fit one another: settings, manifests, load balancer and Compose."""

import re

import pytest
import yaml

from embedded_triton.settings import Settings as EmbeddedSettings
from gateway.settings import Settings
from gateway.triton.channel import DNS_PAUSE_SECONDS
from tests.unit.deploy.rendering import ROOT, Manifest, named, rendered, settings_of

OVERLAYS = ("kind", "gke-cpu", "gke-gpu")
#: Seconds that a cluster's DNS server or the cache on a node may go on giving an old answer.
DNS_CACHE = 30


def gateway_settings(overlay: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a rendered gateway, read as the gateway reads them."""
    for name, value in settings_of(rendered(overlay), "gateway").items():
        monkeypatch.setenv(name, value)
    return Settings()


def pod(overlay: str, name: str) -> Manifest:
    spec: Manifest = named(rendered(overlay), "Deployment", name)["spec"]["template"]["spec"]
    return spec


def longest_request(settings: Settings) -> float:
    """Seconds from the first byte of the largest upload, as slow as allowed, to the answer at the deadline."""
    largest = max(settings.max_body_bytes, settings.max_batch_body_bytes)
    upload = settings.upload_grace_seconds + largest / settings.upload_bytes_per_second
    return upload + settings.deadline_seconds


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_gateway_ends_no_sooner_than_its_longest_request(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = gateway_settings(overlay, monkeypatch)
    assert settings.grace_seconds >= longest_request(settings)
    spec = pod(overlay, "gateway")
    assert spec["terminationGracePeriodSeconds"] >= settings.drain_seconds + settings.grace_seconds + 5


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_draining_gateway_is_seen_as_not_ready_before_it_stops_listening(
    overlay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = pod(overlay, "gateway")["containers"][0]["readinessProbe"]
    noticed = probe["periodSeconds"] * probe["failureThreshold"] + probe["timeoutSeconds"]
    assert gateway_settings(overlay, monkeypatch).drain_seconds > noticed


def test_googles_load_balancer_waits_for_the_longest_request(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = gateway_settings("gke-cpu", monkeypatch)
    default = named(rendered("gke-cpu"), "GCPBackendPolicy", "gateway")["spec"]["default"]
    assert default["timeoutSec"] >= longest_request(settings)
    assert default["connectionDraining"]["drainingTimeoutSec"] >= longest_request(settings)
    check = named(rendered("gke-cpu"), "HealthCheckPolicy", "gateway")["spec"]["default"]
    assert settings.drain_seconds > check["checkIntervalSec"] * check["unhealthyThreshold"] + check["timeoutSec"]
    # An endpoint that leaves a network endpoint group still gets requests for tens of seconds.
    assert settings.drain_seconds >= 60
    # Google's front ends keep idle connections for 600 s; who closes first loses a request.
    assert settings.keep_alive_seconds > 600


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_gateways_have_left_an_ending_triton_before_it_is_told_to_stop(
    overlay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The GPU's image has the same age in its start script, see below.
    for name, value in settings_of(rendered("gke-cpu"), "triton").items():
        monkeypatch.setenv(name, value)
    age = EmbeddedSettings().grpc_max_connection_age
    assert age is not None
    spec = pod(overlay, "triton")
    sleep = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    jitter = 1.1  # gRPC ends connections a tenth earlier or later, so that not all do at once
    assert sleep >= age * jitter + DNS_PAUSE_SECONDS + DNS_CACHE
    deadline = gateway_settings("gke-cpu", monkeypatch).deadline_seconds
    assert spec["terminationGracePeriodSeconds"] >= sleep + deadline


def test_both_images_of_triton_end_connections_at_the_same_age(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings_of(rendered("kind"), "triton").items():
        monkeypatch.setenv(name, value)
    age = EmbeddedSettings().grpc_max_connection_age
    (milliseconds,) = re.findall(
        r"--grpc-max-connection-age=(\d+)", (ROOT / "scripts/images/triton-gpu.sh").read_text(encoding="utf-8")
    )
    assert age is not None
    assert int(milliseconds) == 1000 * age


def test_compose_gives_each_container_the_time_it_asks_for() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))["services"]
    defaults = Settings()
    assert int(services["gateway"]["stop_grace_period"].removesuffix("s")) >= (
        defaults.drain_seconds + defaults.grace_seconds + 5
    )
    embedded = EmbeddedSettings()
    assert int(services["triton-cpu"]["stop_grace_period"].removesuffix("s")) >= embedded.stop_timeout + 5


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_busy_triton_has_time_to_answer_its_liveness_probe(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart of a server that is merely busy would only make the others busier."""
    probe = pod(overlay, "triton")["containers"][0]["livenessProbe"]
    (seconds,) = (float(word.partition("=")[2]) for word in probe["exec"]["command"] if word.startswith("--timeout="))
    ensembles = 2
    assert seconds > 2 * gateway_settings(overlay, monkeypatch).deadline_seconds
    assert probe["timeoutSeconds"] > ensembles * seconds
