"""The steps to a GKE cluster, run against a gcloud and a kubectl that only write down what they are told."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.unit.deploy.rendering import ROOT, rendered
from tests.unit.deploy.steps import OPTIONS, STEPS, Checkout
from tests.unit.deploy.tools import require

GPU = {"TRITON": "gpu", "SPOT": "1", "GPU_SHARING": "1"}
#: What a dry run puts in the place of an answer.
ANSWERS = {
    "value(projectNumber)": "PROJECT_NUMBER",
    "status.addresses": "ADDRESS",
    "value(address)": "ADDRESS",
    "accelerator-types": "ZONES",
}


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
