"""The steps to a GKE cluster, run against a gcloud and a kubectl that only write down what they are told."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.unit.deploy.rendering import CHOICES, ROOT, kustomized, of_kind, pod_specs, rendered
from tests.unit.deploy.steps import OPTIONS, STEPS, Checkout, Ran
from tests.unit.deploy.tools import require

GPU = {"TRITON": "gpu", "SPOT": "1", "GPU_SHARING": "1"}
#: What a dry run puts in the place of an answer.
ANSWERS = {
    "value(projectNumber)": "PROJECT_NUMBER",
    "status.addresses": "ADDRESS",
    "value(address)": "ADDRESS",
    "accelerator-types": "ZONES",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout with stand-ins, and with the example as the person's own overlay."""
    return Checkout(tmp_path)


def test_the_steps_are_numbered_without_gaps() -> None:
    numbers = [step.partition("-")[0] for step in STEPS if step[0].isdigit()]
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]


@pytest.mark.parametrize("step", STEPS)
def test_a_dry_run_prints_everything_and_calls_nobody(checkout: Checkout, step: str) -> None:
    dry = checkout.run(step, "--dry-run", *OPTIONS.get(step, []), **GPU)
    assert dry.status == 0, dry.said
    assert dry.calls == []
    assert not list((checkout.folder / "k8s/deploy").rglob("values.yaml"))
    if step == "6-teardown.sh":  # what is not there is not taken away
        return
    for words, output in ANSWERS.items():
        checkout.answer(words, output=output)
    checkout.nothing_exists()
    real = checkout.run(step, *OPTIONS.get(step, []), **GPU)
    assert real.status == 0, real.said
    commands = [command for command in dry.printed() if command[0] in {"gcloud", "kubectl", "curl", "sleep"}]
    assert [call for call in real.calls if "secret" not in call] == commands  # the Secret is looked at, not changed


def test_what_is_there_is_taken_away_and_the_load_balancer_first(checkout: Checkout) -> None:
    checkout.answer("value(projectNumber)", output="7")
    ran = checkout.run("6-teardown.sh", "--yes")
    assert ran.status == 0, ran.said
    removed = [" ".join(call) for call in ran.calls if {"delete", "remove-iam-policy-binding"} & set(call)]
    assert "delete namespace bin-it-right" in removed[0]
    assert "container clusters delete" in removed[1]
    assert "projects/7/" in removed[-1]


def test_all_that_the_steps_make_is_taken_away(checkout: Checkout) -> None:
    def things(steps: list[str], verbs: set[str]) -> set[tuple[str, ...]]:
        """Kind and name of what is made or taken away; for bindings the role."""
        found = set()
        for step in steps:
            for command in checkout.run(step, "--dry-run", *OPTIONS.get(step, []), **GPU).printed():
                if command[0] == "gcloud" and (verb := set(command) & verbs):
                    at = command.index(verb.pop())
                    role = tuple(word for word in command if word.startswith("--role="))
                    found.add(role or (*command[3:at], command[at + 1].partition("@")[0]))
        return found

    made = things([step for step in STEPS if step != "6-teardown.sh"], {"create", "add-iam-policy-binding"})
    gone = things(["6-teardown.sh"], {"delete", "remove-iam-policy-binding"})
    with_their_owner = {
        ("container", "node-pools", "nvidia-l4-spot-shared"),
        ("--role=roles/artifactregistry.writer",),
        ("--role=roles/artifactregistry.reader",),
    }
    assert made - gone == with_their_owner


@pytest.mark.parametrize("step", STEPS)
def test_every_command_is_for_the_one_project_and_the_one_cluster(checkout: Checkout, step: str) -> None:
    for command in checkout.run(step, "--dry-run", *OPTIONS.get(step, []), **GPU).printed():
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
        for command in checkout.run(step, "--dry-run", *OPTIONS.get(step, []), **GPU).printed()
        if command[0] == "gcloud"
    }
    assert len(commands) > 30
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


@pytest.mark.parametrize("step", ["1-project.sh", "3-cluster.sh", "https.sh"])
def test_a_second_run_makes_nothing_again(checkout: Checkout, step: str) -> None:
    first = checkout.run(step, "--dry-run", **GPU)
    assert any("create" in command for command in first.printed())
    checkout.answer("accelerator-types", output="europe-west4-a")
    second = checkout.run(step, **GPU)  # every question for something is answered with yes
    assert second.status == 0
    assert not any("create" in call for call in second.calls)


def test_nodes_may_stream_images(checkout: Checkout) -> None:
    checkout.nothing_exists()
    ran = checkout.run("1-project.sh")
    granted = {call[-1] for call in ran.calls if "add-iam-policy-binding" in call and any("-nodes@" in w for w in call)}
    assert {
        "--role=roles/container.defaultNodeServiceAccount",
        "--role=roles/serviceusage.serviceUsageConsumer",
        "--role=roles/artifactregistry.reader",
    } == granted


@pytest.mark.parametrize("there", ["gateway", "triton-cpu"])
def test_a_tag_is_never_built_twice(checkout: Checkout, there: str) -> None:
    checkout.answer("describe", f"/{there}:7")
    checkout.nothing_exists()
    again = checkout.run("2-images.sh", TAG="7")
    assert again.status == 1
    assert f"{there}:7 is there already" in again.said
    assert not any("submit" in call for call in again.calls)


def test_builds_run_where_new_projects_may_build(checkout: Checkout) -> None:
    checkout.nothing_exists()
    (submit,) = (call for call in checkout.run("2-images.sh", **GPU).calls if "submit" in call)
    assert "--region=global" in submit
    assert "_TRITON=triton-gpu" in next(word for word in submit if word.startswith("--substitutions"))


def test_the_gpu_pool_is_named_after_its_gpu_starts_empty_and_in_every_zone_that_has_it(checkout: Checkout) -> None:
    checkout.answer("accelerator-types", output="europe-west4-a\neurope-west4-c")
    checkout.nothing_exists()
    ran = checkout.run("3-cluster.sh", TRITON="gpu", ACCELERATOR="nvidia-tesla-t4", GPU_MACHINE_TYPE="n1-standard-8")
    cluster, pool = (call for call in ran.calls if "create" in call)
    assert {"--enable-dataplane-v2", "--maintenance-window-recurrence=FREQ=DAILY"} <= set(cluster)
    assert "nvidia-tesla-t4" in pool
    assert {"--num-nodes=0", "--total-min-nodes=0", "--machine-type=n1-standard-8"} <= set(pool)
    assert "--node-locations=europe-west4-a,europe-west4-c" in pool
    assert "--accelerator=type=nvidia-tesla-t4,count=1,gpu-driver-version=latest" in pool
    assert "--spot" not in pool
    (pool,) = (call for call in checkout.run("3-cluster.sh", **GPU).calls if "node-pools" in call and "create" in call)
    assert "nvidia-l4-spot-shared" in pool
    assert "--spot" in pool


def test_without_gpus_no_gpu_is_asked_for(checkout: Checkout) -> None:
    for step in STEPS:
        for command in checkout.run(step, "--dry-run", *OPTIONS.get(step, [])).printed():
            assert "nvidia" not in " ".join(command)
            assert "quotas" not in " ".join(command)


#: What a person may forget: step, options and environment.
FORGOTTEN: dict[str, tuple[str, list[str], dict[str, str]]] = {
    "PROJECT": ("1-project.sh", [], {"PROJECT": ""}),
    "TRITON": ("3-cluster.sh", [], {"TRITON": "tpu"}),
    "a zone with the GPU": ("3-cluster.sh", [], {"TRITON": "gpu"}),
    "the Secret": ("4-deploy.sh", [], {}),
    "DOMAIN": ("https.sh", [], {"DOMAIN": ""}),
    "a known option": ("pause.sh", ["--stop"], {}),
    "consent": ("6-teardown.sh", [], {}),
}


@pytest.mark.parametrize("missing", FORGOTTEN)
def test_what_is_missing_is_said(checkout: Checkout, missing: str) -> None:
    checkout.answer("secret", status=1)
    step, options, environment = FORGOTTEN[missing]
    ran = checkout.run(step, *options, **environment)
    assert ran.status == 1
    assert "error: " in ran.said
    assert not any({"create", "apply", "delete", "scale"} & set(call) for call in ran.calls)


def test_without_an_overlay_of_ones_own_the_step_says_how_to_make_one(checkout: Checkout) -> None:
    (checkout.folder / "k8s/overlays/mine/kustomization.yaml").unlink()
    ran = checkout.run("4-deploy.sh")
    assert (ran.status, ran.calls) == (1, [])
    assert "cp -r k8s/overlays/example k8s/overlays/mine" in ran.said


def test_a_canary_without_images_is_refused(checkout: Checkout) -> None:
    checkout.choose("gke-cpu", "canary-route")
    ran = checkout.run("4-deploy.sh")
    assert (ran.status, ran.calls) == (1, [])
    assert "CANARY_TAG" in ran.said


def test_an_open_service_is_said(checkout: Checkout) -> None:
    checkout.choose("gke-cpu")
    assert "everyone can use the service" in checkout.run("4-deploy.sh", "--dry-run").said


def test_what_is_applied_has_the_images_of_the_project(checkout: Checkout) -> None:
    checkout.choose("gke-gpu", "api-keys", "canary-route")
    ran = checkout.run("4-deploy.sh", TAG="7", CANARY_TAG="8", LOCATION="us-central1", ACCELERATOR="nvidia-h100-80gb")
    assert ran.status == 0, ran.said
    registry = "us-central1-docker.pkg.dev/my-project/bin-it-right"
    for folder, tag in (("stable", "7"), ("canary", "8")):
        manifests = kustomized(checkout.folder / "k8s/deploy" / folder)
        specs = [spec for _, spec in pod_specs(manifests)]
        assert {spec["containers"][0]["image"] for spec in specs} == {
            f"{registry}/gateway:{tag}",
            f"{registry}/triton-gpu:{tag}",
        }
        assert {"cloud.google.com/gke-accelerator": "nvidia-h100-80gb"} in [spec.get("nodeSelector") for spec in specs]


def test_ones_own_overlay_is_not_touched(checkout: Checkout) -> None:
    path = checkout.folder / "k8s/overlays/mine/kustomization.yaml"
    before = path.read_bytes()
    assert checkout.run("4-deploy.sh").status == 0
    assert path.read_bytes() == before
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/k8s/overlays/mine/", "/k8s/deploy/*/values.yaml"} <= set(ignored)


def test_a_rollout_may_take_as_long_as_the_step_waits_for_it(checkout: Checkout) -> None:
    """A Deployment past its deadline ends the waiting with an error, though a GPU node may still be on its way."""
    ran = checkout.run("4-deploy.sh", "--dry-run")
    waits = {word for command in ran.printed() if "rollout" in command for word in command if "--timeout" in word}
    deadlines = {each["spec"]["progressDeadlineSeconds"] for each in of_kind(rendered("gke-gpu"), "Deployment")}
    assert waits == {"--timeout=30m"}
    assert deadlines == {30 * 60}


def changes(ran: Ran) -> list[str]:
    """What a run changed in the cluster, and when it waited."""
    assert ran.status == 0, ran.said
    return [
        " ".join(word for word in call[1:] if word[0] != "-" or word in {"-k", "--prune"})
        for call in ran.calls
        if {"apply", "delete", "sleep"} & set(call) or call[0] == "sleep"
    ]


def test_what_is_no_more_in_the_overlay_is_deleted_after_the_rollout(checkout: Checkout) -> None:
    ran = checkout.run("4-deploy.sh")
    words = [" ".join(call) for call in ran.calls]
    prune = next(number for number, call in enumerate(words) if "--prune " in call)
    assert prune > max(number for number, call in enumerate(words) if "rollout status" in call)
    assert "--selector=app.kubernetes.io/part-of=bin-it-right,app.kubernetes.io/instance=stable" in words[prune]
    # All that any choice brings, but what holds everything else, and the load balancer with its address.
    asked = {word.rpartition("/")[2] for word in ran.calls[prune] if word.startswith("--prune-allowlist=")}
    kinds = {each["kind"] for overlay, names in CHOICES.items() for each in rendered(overlay, names)}
    assert asked == kinds - {"Namespace", "Gateway"}
    assert "Secret" not in asked


def test_only_kinds_that_the_cluster_knows_are_pruned(checkout: Checkout) -> None:
    checkout.answer("crd", status=1)
    ran = checkout.run("4-deploy.sh")
    assert not any("keda.sh" in word or "kserve" in word for call in ran.calls if "--prune" in call for word in call)


def test_the_canary_comes_before_its_share_and_goes_90_seconds_after_it(checkout: Checkout) -> None:
    checkout.choose("gke-cpu", "canary-route")
    with_it = changes(checkout.run("4-deploy.sh", CANARY_TAG="8"))
    assert with_it == [
        "apply -k k8s/deploy/canary",
        "apply -k k8s/deploy/stable",
        "apply -k k8s/deploy/stable --prune",
    ]
    checkout.choose("gke-cpu")
    *applied, waited, deleted = changes(checkout.run("4-deploy.sh"))
    assert applied == ["apply -k k8s/deploy/stable", "apply -k k8s/deploy/stable --prune"]
    assert waited == "90"
    assert deleted.startswith("bin-it-right delete deployment,service")


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ("FailedScaleUp: Node scale up in zones europe-west4-a failed: GCE out of resources.", "stock-out"),
        ("FailedScaleUp: Node scale up failed: GCE quota exceeded.", "quota is used up"),
        ("BackOff: Back-off restarting failed container", "get pods,events says why"),
    ],
)
def test_a_stock_out_is_told_from_a_quota(checkout: Checkout, event: str, sentence: str) -> None:
    checkout.answer("rollout", status=1)
    checkout.answer("events", output=event)
    ran = checkout.run("4-deploy.sh")
    assert ran.status == 1
    assert sentence in ran.said


@pytest.mark.parametrize("autoscaled", [False, True])
def test_a_pause_frees_the_gpus_and_ends(checkout: Checkout, autoscaled: bool) -> None:
    checkout.answer("get", "scaledobject", status=0 if autoscaled else 1)
    paused, resumed = checkout.run("pause.sh"), checkout.run("pause.sh", "--resume")
    for ran, replicas, annotation in ((paused, "0", "paused-replicas=0"), (resumed, "1", "paused-replicas-")):
        assert ran.status == 0, ran.said
        words = [" ".join(call) for call in ran.calls]
        assert words[-1].endswith(f"--selector=app.kubernetes.io/name=triton --replicas={replicas}")
        assert any(f"autoscaling.keda.sh/{annotation}" in call for call in words) == autoscaled


def test_the_address_is_asked_by_https_where_there_is_a_domain(checkout: Checkout) -> None:
    checkout.answer("status.addresses", output="203.0.113.7")
    for domain, url in (("photos.example.org", "https://photos.example.org"), ("", "http://203.0.113.7")):
        ran = checkout.run("5-ask.sh", DOMAIN=domain, API_KEY="secret")
        assert f"{url}/raw/predict" in ran.calls[-1]
        assert ran.inputs == ["X-API-Key: secret\n"]
        assert "X-API-Key" not in ran.said


def test_the_tuning_profiles_are_there_and_their_variable_is_the_images() -> None:
    named_here = {"l4"}
    for overlay in ("gke-gpu", "kserve"):
        text = yaml.safe_dump(list(rendered(overlay)))
        named_here |= set(re.findall(r"TUNING_PROFILE: (\w+)", text))
    assert named_here <= {path.stem for path in ROOT.glob("model_repository/*/configs/*.pbtxt")}
    assert "${TUNING_PROFILE:-" in (ROOT / "scripts/images/triton-gpu.sh").read_text(encoding="utf-8")


def test_the_build_fits_cloud_builds_schema_and_pushes_what_the_deployment_asks_for() -> None:
    file = ROOT / "scripts/gke/cloudbuild.yaml"
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.cloudbuild", str(file)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
    build = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert build["images"] == ["${_IMAGES}/gateway:${_TAG}", "${_IMAGES}/${_TRITON}:${_TAG}"]
    assert all("--file=scripts/images/Dockerfile" in step["args"] for step in build["steps"])
