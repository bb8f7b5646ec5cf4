"""Rules that every rendered workload keeps."""

import json
from pathlib import Path

import pytest
import yaml

from tests.unit.deploy.rendering import (
    COMBINATIONS,
    ROOT,
    Manifest,
    named,
    of_kind,
    pod_specs,
    rendered,
    title,
)


@pytest.fixture(scope="module")
def pods() -> dict[str, Manifest]:
    """Every pod that any combination renders, once, by where it was found first; and the preflight's."""
    found: dict[str, tuple[str, Manifest]] = {}
    for overlay, components in COMBINATIONS:
        for owner, spec in pod_specs(rendered(overlay, components)):
            found.setdefault(json.dumps(spec), (f"{owner} of {'+'.join([overlay, *components])}", spec))
    driver_check = yaml.safe_load((ROOT / "scripts/gke/driver-check.yaml").read_text(encoding="utf-8"))["spec"]
    return dict(found.values()) | {"driver-check": driver_check}


def test_it_may_do_nothing_that_it_needs_not(pods: dict[str, Manifest], subtests: pytest.Subtests) -> None:
    """Kubernetes' restricted pod security standard, and a root file system that can not be written."""
    for owner, pod in pods.items():
        with subtests.test(owner):
            context = pod["securityContext"]
            assert context["runAsNonRoot"] is True
            assert context["runAsUser"] == 1000
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}
            assert pod["automountServiceAccountToken"] is False
            assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
            for container in pod["containers"]:
                own = container["securityContext"]
                assert own["allowPrivilegeEscalation"] is False
                assert own["readOnlyRootFilesystem"] is True
                assert own["capabilities"] == {"drop": ["ALL"]}
            assert all(set(volume) - {"name"} <= {"emptyDir", "configMap"} for volume in pod.get("volumes", []))


def test_its_image_has_a_version(pods: dict[str, Manifest], subtests: pytest.Subtests) -> None:
    for owner, pod in pods.items():
        with subtests.test(owner):
            for container in pod["containers"]:
                if container["image"] == "IMAGE":
                    continue
                name, _, tag = container["image"].rpartition(":")
                assert name
                assert tag[:1].isdigit(), container["image"]


def test_it_says_what_it_needs_and_where_it_ends(pods: dict[str, Manifest], subtests: pytest.Subtests) -> None:
    for owner, pod in pods.items():
        with subtests.test(owner):
            for container in pod["containers"]:
                resources = container["resources"]
                assert {"cpu", "memory"} <= set(resources["requests"])
                assert "memory" in resources["limits"]
            for volume in pod.get("volumes", []):
                assert "emptyDir" not in volume or "sizeLimit" in volume["emptyDir"], volume


def test_services_are_probed_spread_and_kept_from_service_variables(
    pods: dict[str, Manifest], subtests: pytest.Subtests
) -> None:
    services = {owner: spec for owner, spec in pods.items() if owner.startswith("Deployment/")}
    for owner, service in services.items():
        with subtests.test(owner):
            (container,) = service["containers"]
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
            (spread,) = service["topologySpreadConstraints"]
            assert spread["topologyKey"] == "kubernetes.io/hostname"
            # A Service called gateway would become GATEWAY_PORT=tcp://…, which is one of the gateway's settings.
            assert service["enableServiceLinks"] is False


def test_shared_memory_of_triton_is_memory_and_fits_its_limit() -> None:
    for overlay in ("kind", "gke", "gke-canary"):
        (spec,) = (spec for owner, spec in pod_specs(rendered(overlay)) if owner.startswith("Deployment/triton"))
        volumes = {volume["name"]: volume["emptyDir"] for volume in spec["volumes"]}
        mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in spec["containers"][0]["volumeMounts"]}
        assert mounts["/dev/shm"] == {"medium": "Memory", "sizeLimit": "1Gi"}
        assert "medium" not in mounts["/tmp"]
        assert int(spec["containers"][0]["resources"]["limits"]["memory"].removesuffix("Gi")) >= 4


def test_selectors_match_the_pods_they_are_meant_for() -> None:
    for overlay, components in COMBINATIONS:
        manifests = rendered(overlay, components)
        labels = {
            title(each): each["spec"]["template"]["metadata"]["labels"] for each in of_kind(manifests, "Deployment")
        }
        for name in labels.values():
            assert name["app.kubernetes.io/part-of"] == "bin-it-right"
        for each in of_kind(manifests, "Service", "PodDisruptionBudget", "Deployment"):
            selector = each["spec"]["selector"]
            selector = selector.get("matchLabels", selector)
            chosen = [owner for owner, its in labels.items() if selector.items() <= its.items()]
            assert chosen == [f"Deployment/{each['metadata']['name']}"], title(each)


def test_the_canary_and_the_first_installation_do_not_select_each_others_pods() -> None:
    first, canary = rendered("gke"), rendered("gke-canary")
    for these, others in ((first, canary), (canary, first)):
        pods = [each["spec"]["template"]["metadata"]["labels"] for each in of_kind(others, "Deployment")]
        for each in of_kind(these, "Service"):
            assert not any(each["spec"]["selector"].items() <= labels.items() for labels in pods)


def test_service_accounts_have_no_token() -> None:
    for overlay in ("kind", "gke", "gke-canary"):
        accounts = list(of_kind(rendered(overlay), "ServiceAccount"))
        assert len(accounts) == 2
        assert all(account["automountServiceAccountToken"] is False for account in accounts)


def test_the_namespace_enforces_the_restricted_standard() -> None:
    for overlay in ("kind", "gke"):
        labels = named(rendered(overlay), "Namespace", "bin-it-right")["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_an_update_takes_no_pod_away_before_another_is_ready() -> None:
    for overlay in ("kind", "gke", "gke-canary"):
        for deployment in of_kind(rendered(overlay), "Deployment"):
            assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        for budget in of_kind(rendered(overlay), "PodDisruptionBudget"):
            assert budget["spec"]["maxUnavailable"] == 1


def test_the_committed_gke_overlay_alone_asks_for_images_whose_name_says_what_to_do() -> None:
    assert Path(ROOT, "scripts/gke/60-deploy.sh").exists()
    for overlay in ("gke", "gke-canary"):
        for _, spec in pod_specs(rendered(overlay)):
            assert spec["containers"][0]["image"].startswith("run-scripts-gke-60-deploy.invalid/")


def test_gpu_pods_go_to_nodes_with_the_gpu() -> None:
    for overlay in ("gke", "gke-canary"):
        (spec,) = (spec for owner, spec in pod_specs(rendered(overlay)) if owner.startswith("Deployment/triton"))
        assert spec["nodeSelector"] == {"cloud.google.com/gke-accelerator": "nvidia-l4"}
        assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in spec["tolerations"]
        assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    for _, spec in pod_specs(rendered("kind")):
        assert "nvidia.com/gpu" not in spec["containers"][0]["resources"]["limits"]
        assert spec["containers"][0]["imagePullPolicy"] == "Never"


def test_keys_are_asked_for_on_both_ways() -> None:
    for overlay, deployment in (("gke", "gateway"), ("gke-canary", "gateway-canary"), ("kind", "gateway")):
        container = named(rendered(overlay, ("api-keys",)), "Deployment", deployment)["spec"]["template"]["spec"][
            "containers"
        ][0]
        assert {"secretRef": {"name": "gateway-api-keys"}} in container["envFrom"]
        assert not list(of_kind(rendered(overlay, ("api-keys",)), "Secret"))
