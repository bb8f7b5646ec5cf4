"""The steps to a GKE cluster, run against a gcloud and a kubectl that only write down what they are told."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.unit.deploy.rendering import Manifest, kustomized, named, of_kind, pod_specs, rendered, settings_of
from tests.unit.deploy.steps import OPTIONS, STEPS, Checkout
from tests.unit.deploy.tools import require

DRIVER = ("kubectl", "logs", "driver-check")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout with stand-ins."""
    return Checkout(tmp_path)


def test_the_steps_are_in_their_order() -> None:
    assert [step.partition("-")[0] for step in STEPS] == ["10", "20", "30", "40", "50", "55", "60", "70", "90"]


@pytest.mark.parametrize("step", STEPS)
def test_a_dry_run_prints_everything_and_calls_nobody(checkout: Checkout, step: str) -> None:
    dry = checkout.run(step, "--dry-run", *OPTIONS.get(step, []))
    assert dry.status == 0, dry.said
    assert dry.calls == []
    assert not list((checkout.folder / "k8s/overlays").glob("generated*"))
    checkout.nothing_exists()
    checkout.answer(*DRIVER, output="580.95.05, NVIDIA L4")
    checkout.answer("value(projectNumber)", output="PROJECT_NUMBER")
    checkout.answer("status.addresses", output="ADDRESS")
    real = checkout.run(step, *OPTIONS.get(step, []))
    assert real.status == 0, real.said
    commands = [command for command in dry.printed() if command[0] in {"gcloud", "kubectl", "curl"}]
    skipped = [call for call in real.calls if "secret" in call]  # looked at, not changed
    if step == "90-teardown.sh":  # what is not there is not taken away
        return
    assert [call for call in real.calls if call not in skipped] == commands


def test_what_is_there_is_taken_away_and_the_load_balancer_first(checkout: Checkout) -> None:
    checkout.answer("value(projectNumber)", output="7")
    ran = checkout.run("90-teardown.sh", "--yes")
    assert ran.status == 0, ran.said
    removed = [" ".join(call) for call in ran.calls if {"delete", "remove-iam-policy-binding"} & set(call)]
    assert "delete namespace bin-it-right" in removed[0]
    assert "container clusters delete" in removed[1]
    for what in (
        "artifacts repositories delete",
        "accounts delete bin-it-right-build",
        "accounts delete bin-it-right-nodes",
    ):
        assert any(what in call for call in removed), what
    assert "projects/7/" in removed[-1]


@pytest.mark.parametrize("step", STEPS)
def test_every_command_is_for_the_one_project_and_the_one_cluster(checkout: Checkout, step: str) -> None:
    for command in checkout.run(step, "--dry-run", *OPTIONS.get(step, [])).printed():
        if command[0] == "gcloud":
            assert command[1:3] == ["--project=my-project", "--quiet"]
        if command[0] == "kubectl":
            assert command[1] == "--context=gke_my-project_europe-west4-a_bin-it-right"


def test_gcloud_knows_every_command_and_option(checkout: Checkout, tmp_path: Path) -> None:
    gcloud = require("gcloud")
    # The options for all commands stand first; the linter wants them last, and looks at nothing where they are not.
    commands = {
        shlex.join(["gcloud", *command[3:], *command[1:3]])
        for step in STEPS
        for command in checkout.run(step, "--dry-run", *OPTIONS.get(step, [])).printed()
        if command[0] == "gcloud"
    }
    assert len(commands) > 20
    file = tmp_path / "commands.json"
    file.write_text(json.dumps([{"command_string": command} for command in sorted(commands)]), encoding="utf-8")
    result = subprocess.run(
        [gcloud, "meta", "lint-gcloud-commands", f"--commands-file={file}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    verdicts = json.loads(result.stdout)
    assert len(verdicts) == len(commands)
    assert [each["error_message"] for each in verdicts if not each["success"]] == []
    assert all(each["command_string_no_args"].count(" ") >= 2 for each in verdicts)


@pytest.mark.parametrize("step", ["10-project.sh", "20-repository.sh", "40-cluster.sh"])
def test_a_second_run_makes_nothing_again(checkout: Checkout, step: str) -> None:
    first = checkout.run(step, "--dry-run")
    assert any("create" in command for command in first.printed())
    second = checkout.run(step)  # every question for something is answered with yes
    assert second.status == 0
    assert not any("create" in call for call in second.calls)


def test_a_tag_is_never_built_twice(checkout: Checkout) -> None:
    again = checkout.run("30-images.sh", TAG="7")
    assert again.status == 1
    assert "gateway:7 is there already" in again.said
    assert not any("submit" in call for call in again.calls)


def test_the_gpu_pool_starts_empty_and_with_a_driver(checkout: Checkout) -> None:
    checkout.nothing_exists()
    ran = checkout.run("40-cluster.sh", ACCELERATOR="nvidia-tesla-t4", MACHINE_TYPE="n1-standard-8")
    cluster, pool = (call for call in ran.calls if "create" in call)
    assert "--enable-dataplane-v2" in cluster
    assert {"--num-nodes=0", "--total-min-nodes=0", "--machine-type=n1-standard-8"} <= set(pool)
    assert "--accelerator=type=nvidia-tesla-t4,count=1,gpu-driver-version=latest" in pool


@pytest.mark.parametrize(
    "missing", ["PROJECT", "access", "canary tag", "known option", "consent", "secret", "bucket", "replicas"]
)
def test_what_is_missing_is_said(checkout: Checkout, missing: str) -> None:
    checkout.answer("secret", status=1)
    ran = {
        "PROJECT": lambda: checkout.run("10-project.sh", PROJECT=""),
        "access": lambda: checkout.run("60-deploy.sh"),
        "canary tag": lambda: checkout.run("60-deploy.sh", "--open", "--canary"),
        "known option": lambda: checkout.run("60-deploy.sh", "--open", "--fast"),
        "bucket": lambda: checkout.run("60-deploy.sh", "--open", "--bucket"),
        "replicas": lambda: checkout.run("60-deploy.sh", "--open", REPLICAS="0"),
        "consent": lambda: checkout.run("90-teardown.sh"),
        "secret": lambda: checkout.run("60-deploy.sh", "--api-keys"),
    }[missing]()
    assert ran.status == 1
    assert "error: " in ran.said
    assert all("secret" in call for call in ran.calls)


@pytest.mark.parametrize(("driver", "status"), [("570.172.08", 1), ("580.65.06", 0), ("1000.1", 0)])
def test_an_old_driver_is_found_before_the_deployment(checkout: Checkout, driver: str, status: int) -> None:
    checkout.answer(*DRIVER, output=f"{driver}, NVIDIA L4")
    ran = checkout.run("55-preflight.sh", TAG="7")
    assert ran.status == status
    (manifest,) = ran.inputs
    pod = yaml.safe_load(manifest)["spec"]
    assert pod["containers"][0]["image"] == "europe-west4-docker.pkg.dev/my-project/bin-it-right/triton-gpu:7"
    assert pod["nodeSelector"] == {"cloud.google.com/gke-accelerator": "nvidia-l4"}


def generated(checkout: Checkout, *options: str, **environment: str) -> tuple[Manifest, ...]:
    ran = checkout.run("60-deploy.sh", *options, **environment)
    assert ran.status == 0, ran.said
    return kustomized(checkout.folder / "k8s/overlays/generated")


def test_the_written_overlay_names_the_images_of_the_project(checkout: Checkout) -> None:
    manifests = generated(checkout, "--open", TAG="7", LOCATION="us-central1", ACCELERATOR="nvidia-h100-80gb")
    images = {spec["containers"][0]["image"] for _, spec in pod_specs(manifests)}
    registry = "us-central1-docker.pkg.dev/my-project/bin-it-right"
    assert images == {f"{registry}/gateway:7", f"{registry}/triton-gpu:7"}
    triton = named(manifests, "Deployment", "triton")["spec"]["template"]["spec"]
    assert triton["nodeSelector"] == {"cloud.google.com/gke-accelerator": "nvidia-h100-80gb"}
    assert settings_of(manifests, "triton")["TUNING_PROFILE"] == "h100"


def test_a_rollout_may_take_as_long_as_the_step_waits_for_it(checkout: Checkout) -> None:
    """A Deployment past its deadline ends the waiting with an error, though a GPU node may still be on its way."""
    ran = checkout.run("60-deploy.sh", "--open", "--dry-run")
    waits = {word for command in ran.printed() if "rollout" in command for word in command if "--timeout" in word}
    deadlines = {each["spec"]["progressDeadlineSeconds"] for each in of_kind(rendered("gke"), "Deployment")}
    assert waits == {"--timeout=30m"}
    assert deadlines == {30 * 60}


@pytest.mark.parametrize(("environment", "replicas"), [({}, 1), ({"REPLICAS": "3"}, 3)])
def test_one_gpu_is_taken_where_no_more_are_asked_for(
    checkout: Checkout, environment: dict[str, str], replicas: int
) -> None:
    manifests = generated(checkout, "--open", **environment)
    assert named(manifests, "Deployment", "triton")["spec"]["replicas"] == replicas
    assert f"at least {replicas + 1} (" in checkout.run("10-project.sh", "--dry-run", **environment).said


def test_the_written_overlay_points_the_autoscaler_at_the_projects_metrics(checkout: Checkout) -> None:
    manifests = generated(checkout, "--api-keys", "--autoscaling")
    addresses = {
        each["spec"]["triggers"][0]["metadata"]["serverAddress"] for each in of_kind(manifests, "ScaledObject")
    }
    assert addresses == {"https://monitoring.googleapis.com/v1/projects/my-project/location/global/prometheus"}
    assert not any("replicas" in each["spec"] for each in of_kind(manifests, "Deployment"))


def test_a_changed_bucket_rolls_the_pods(checkout: Checkout) -> None:
    names = set()
    for bucket in ("gs://one", "gs://two"):
        manifests = generated(checkout, "--open", "--bucket", BUCKET=bucket)
        data = settings_of(manifests, "triton")
        assert data["MODEL_REPOSITORY"] == f"{bucket}/model_repository"
        assert "EMBEDDED_TRITON_GRPC_MAX_CONNECTION_AGE" in data
        (spec,) = (spec for owner, spec in pod_specs(manifests) if owner == "Deployment/triton")
        names.add(spec["containers"][0]["envFrom"][0]["configMapRef"]["name"])
    assert len(names) == 2


@pytest.mark.parametrize("way", ["canary", "shadow"])
def test_a_canary_gets_its_share_and_asks_for_the_same_keys(checkout: Checkout, way: str) -> None:
    manifests = generated(checkout, "--api-keys", f"--{way}", TAG="7", CANARY_TAG="8")
    canary = kustomized(checkout.folder / "k8s/overlays/generated-canary")
    tags = {spec["containers"][0]["image"].rpartition(":")[2] for _, spec in pod_specs(canary)}
    assert tags == {"8"}
    secret = {"secretRef": {"name": "gateway-api-keys"}}
    container = named(canary, "Deployment", "gateway-canary")["spec"]["template"]["spec"]["containers"][0]
    assert secret in container["envFrom"]
    rule = named(manifests, "HTTPRoute", "gateway")["spec"]["rules"][1]
    shares = {backend["name"]: backend["weight"] for backend in rule["backendRefs"]}
    mirrors = [each["requestMirror"]["backendRef"]["name"] for each in rule.get("filters", [])]
    if way == "canary":
        assert (shares, mirrors) == ({"gateway": 95, "gateway-canary": 5}, [])
    else:
        assert (shares, mirrors) == ({"gateway": 100}, ["gateway-canary"])
    assert list(of_kind(canary, "Service")), "the route's backend"


def test_a_canary_of_before_is_taken_away_after_its_share(checkout: Checkout) -> None:
    ran = checkout.run("60-deploy.sh", "--open")
    changes = [call for call in ran.calls if {"apply", "delete"} & set(call)]
    assert [("apply" in call, "--selector=app.kubernetes.io/instance=canary" in call) for call in changes] == [
        (True, False),
        (False, True),
    ]


def test_the_tuning_profiles_are_there_and_their_variable_is_the_images() -> None:
    root = Path(__file__).resolve().parents[3]
    named_here = set(re.findall(r"TUNING_PROFILE:-(\w+)", (root / "scripts/gke/lib.sh").read_text(encoding="utf-8")))
    assert named_here <= {path.stem for path in root.glob("model_repository/*/configs/*.pbtxt")}
    assert "${TUNING_PROFILE:-" in (root / "scripts/images/triton-gpu.sh").read_text(encoding="utf-8")


def test_the_build_fits_cloud_builds_schema_and_pushes_what_the_deployment_asks_for() -> None:
    file = Path(__file__).resolve().parents[3] / "scripts/gke/cloudbuild.yaml"
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.cloudbuild", str(file)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
    build = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert build["images"] == ["${_IMAGES}/gateway:${_TAG}", "${_IMAGES}/triton-gpu:${_TAG}"]
    assert all("--file=scripts/images/Dockerfile" in step["args"] for step in build["steps"])
