"""What step 4 puts into the cluster, takes away again and says; then the pause and the first question."""

import pytest

from tests.unit.deploy.rendering import CHOICES, ROOT, kustomized, of_kind, pod_specs, rendered
from tests.unit.deploy.steps import Checkout, Ran


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
