"""Rules that every rendered workload keeps."""

import json
from pathlib import Path

import pytest
import yaml

from tests.unit.deploy.rendering import (
    CHOICES,
    COMBINATIONS,
    ROOT,
    VALUES,
    Manifest,
    named,
    of_kind,
    pod_specs,
    rendered,
    settings_of,
    title,
)


@pytest.fixture(scope="module")
def pods() -> dict[str, Manifest]:
    """Every pod that any combination renders, once, by where it was found first."""
    found: dict[str, tuple[str, Manifest]] = {}
    for overlay, components in COMBINATIONS:
        for owner, spec in pod_specs(rendered(overlay, components)):
            found.setdefault(json.dumps(spec), (f"{owner} of {'+'.join([overlay, *components])}", spec))
    return dict(found.values())


def test_it_may_do_nothing_that_it_needs_not(pods: dict[str, Manifest], subtests: pytest.Subtests) -> None:
    """Kubernetes' restricted pod security standard, and a root file system that cannot be written."""
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
    for owner, service in pods.items():
        with subtests.test(owner):
            (container,) = service["containers"]
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
            if "triton" in owner:  # ready means that each model has answered an inference
                assert container["startupProbe"]["exec"]["command"][:2] == ["python3", "/app/probe.py"]
            # A Service called gateway would become GATEWAY_PORT=tcp://…, which is one of the gateway's settings.
            assert service["enableServiceLinks"] is False


def test_replicas_are_spread_over_nodes() -> None:
    for _, spec in pod_specs(rendered("gke-cpu")):
        (spread,) = spec["topologySpreadConstraints"]
        assert spread["topologyKey"] == "kubernetes.io/hostname"


def test_shared_memory_of_triton_is_memory_and_fits_its_limit() -> None:
    for overlay in CHOICES:
        (spec,) = (spec for owner, spec in pod_specs(rendered(overlay)) if owner != "Deployment/gateway")
        volumes = {volume["name"]: volume["emptyDir"] for volume in spec["volumes"]}
        mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in spec["containers"][0]["volumeMounts"]}
        assert mounts["/dev/shm"] == {"medium": "Memory", "sizeLimit": "1Gi"}
        assert "medium" not in mounts["/tmp"]
        # Twice what it may fill at most: the models and the decoder need memory too.
        assert memory_bytes(spec) > 2 * 2**30


def memory_bytes(spec: Manifest) -> int:
    """Return the memory limit of a pod's first container."""
    limit = spec["containers"][0]["resources"]["limits"]["memory"]
    return int(limit[:-2]) * {"Mi": 2**20, "Gi": 2**30}[limit[-2:]]


def test_compose_and_kubernetes_give_the_same_memory() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))["services"]
    for service, deployment in (("gateway", "gateway"), ("triton-cpu", "triton")):
        limit = services[service]["mem_limit"]
        spec = named(rendered("kind"), "Deployment", deployment)["spec"]["template"]["spec"]
        assert int(limit[:-1]) * {"m": 2**20, "g": 2**30}[limit[-1]] == memory_bytes(spec)


def test_selectors_match_the_pods_they_are_meant_for() -> None:
    for overlay, components in COMBINATIONS:
        if overlay == "kserve":  # KServe makes those pods: test_network_policies.py
            continue
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
    first, canary = rendered("gke-gpu", deploy="stable"), rendered("gke-gpu", deploy="canary")
    for these, others in ((first, canary), (canary, first)):
        pods = [each["spec"]["template"]["metadata"]["labels"] for each in of_kind(others, "Deployment")]
        for each in of_kind(these, "Service"):
            assert not any(each["spec"]["selector"].items() <= labels.items() for labels in pods)


def test_service_accounts_have_no_token() -> None:
    for overlay in CHOICES:
        accounts = list(of_kind(rendered(overlay), "ServiceAccount"))
        assert len(accounts) == 2
        assert all(account["automountServiceAccountToken"] is False for account in accounts)


def test_the_namespace_enforces_the_restricted_standard() -> None:
    for overlay in CHOICES:
        labels = named(rendered(overlay), "Namespace", "bin-it-right")["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_an_update_takes_no_pod_away_before_another_is_ready() -> None:
    for overlay in CHOICES:
        for deployment in of_kind(rendered(overlay), "Deployment"):
            assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        for service in of_kind(rendered(overlay), "InferenceService"):
            strategy = service["spec"]["predictor"]["deploymentStrategy"]
            assert strategy["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        for budget in of_kind(rendered(overlay), "PodDisruptionBudget"):
            assert budget["spec"]["maxUnavailable"] == 1


def test_a_committed_overlay_alone_asks_for_images_whose_name_says_what_to_do() -> None:
    assert Path(ROOT, "scripts/gke/4-deploy.sh").exists()
    for overlay in ("gke-cpu", "gke-gpu", "kserve"):
        for _, spec in pod_specs(rendered(overlay)):
            assert spec["containers"][0]["image"].startswith("scripts-gke-4-deploy.invalid/")


def test_the_values_of_the_installation_are_put_in() -> None:
    for overlay, triton in (("gke-cpu", "triton-cpu"), ("gke-gpu", "triton-gpu"), ("kserve", "triton-gpu")):
        manifests = rendered(overlay, deploy="stable")
        images = {spec["containers"][0]["image"] for _, spec in pod_specs(manifests)}
        assert images == {f"{VALUES['IMAGES']}/{name}:{VALUES['TAG']}" for name in ("gateway", triton)}
        for owner, spec in pod_specs(manifests):
            if triton == "triton-gpu" and owner != "Deployment/gateway":
                assert spec["nodeSelector"]["cloud.google.com/gke-accelerator"] == VALUES["ACCELERATOR"]
        assert not [each for each in of_kind(manifests, "ConfigMap") if each["metadata"]["name"] == "installation"]


def test_gpu_pods_go_to_nodes_with_the_gpu_and_the_others_to_any() -> None:
    for overlay in ("gke-gpu", "kserve"):
        (spec,) = (spec for owner, spec in pod_specs(rendered(overlay)) if owner != "Deployment/gateway")
        assert spec["nodeSelector"] == {"cloud.google.com/gke-accelerator": "nvidia-l4"}
        assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in spec["tolerations"]
        assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    for overlay in ("kind", "gke-cpu"):
        for _, spec in pod_specs(rendered(overlay)):
            assert "nvidia.com/gpu" not in spec["containers"][0]["resources"]["limits"]
            assert "nodeSelector" not in spec
    for _, spec in pod_specs(rendered("kind")):
        assert spec["containers"][0]["imagePullPolicy"] == "Never"


def test_two_pods_that_share_a_gpu_fit_on_its_node() -> None:
    """A g2-standard-8 has 8 vCPU and 32 GiB; GKE keeps about 0.1 and 3.6 of them."""
    spec = named(rendered("gke-gpu", ("gpu-sharing",)), "Deployment", "triton")["spec"]["template"]["spec"]
    assert spec["nodeSelector"]["cloud.google.com/gke-gpu-sharing-strategy"] == "time-sharing"
    shares = int(spec["nodeSelector"]["cloud.google.com/gke-max-shared-clients-per-gpu"])
    resources = spec["containers"][0]["resources"]
    assert shares * int(resources["requests"]["cpu"]) < 7.9
    assert shares * int(resources["limits"]["memory"].removesuffix("Gi")) < 28
    cluster = (ROOT / "scripts/gke/3-cluster.sh").read_text(encoding="utf-8")
    assert f"gpu-sharing-strategy=time-sharing,max-shared-clients-per-gpu={shares}" in cluster


def test_keys_are_asked_for_on_both_ways() -> None:
    secret = {"secretRef": {"name": "gateway-api-keys"}}
    for manifests in (
        rendered("kind", ("api-keys",)),
        rendered("gke-cpu", CHOICES["gke-cpu"], "stable"),
        rendered("gke-cpu", CHOICES["gke-cpu"], "canary"),
    ):
        (spec,) = (spec for owner, spec in pod_specs(manifests) if owner.startswith("Deployment/gateway"))
        assert secret in spec["containers"][0]["envFrom"]
        assert not list(of_kind(manifests, "Secret"))


def test_the_gateways_alert_about_memory_can_fire() -> None:
    alerts = yaml.safe_load((ROOT / "scripts/monitoring/alerts.yaml").read_text(encoding="utf-8"))
    (rule,) = (each for each in alerts["groups"][0]["rules"] if each["alert"] == "TooMuchMemory")
    threshold = float(rule["expr"].rpartition(">")[2])
    for overlay in CHOICES:
        spec = named(rendered(overlay), "Deployment", "gateway")["spec"]["template"]["spec"]
        limit = int(spec["containers"][0]["resources"]["limits"]["memory"].removesuffix("Gi")) * 2**30
        assert limit > 1.2 * threshold


def test_triton_in_kind_does_not_look_at_the_hosts_cores() -> None:
    assert settings_of(rendered("kind"), "triton")["EMBEDDED_TRITON_PROFILE"] == "default"


def test_https_has_the_reserved_address_and_http_leads_to_it() -> None:
    manifests = rendered("gke-cpu", ("https",))
    gateway = named(manifests, "Gateway", "bin-it-right")
    script = (ROOT / "scripts/gke/https.sh").read_text(encoding="utf-8")
    (address,) = gateway["spec"]["addresses"]
    assert f"addresses create {address['value']} --global" in script
    assert f"maps create {gateway['metadata']['annotations']['networking.gke.io/certmap']}\n" in script
    assert {each["name"]: each["protocol"] for each in gateway["spec"]["listeners"]} == {
        "http": "HTTP",
        "https": "HTTPS",
    }
    (parent,) = named(manifests, "HTTPRoute", "gateway")["spec"]["parentRefs"]
    assert parent["sectionName"] == "https"
    redirect = named(manifests, "HTTPRoute", "redirect-to-https")["spec"]
    assert redirect["parentRefs"][0]["sectionName"] == "http"
    assert redirect["rules"][0]["filters"][0]["requestRedirect"] == {"scheme": "https", "statusCode": 301}


def test_metrics_are_not_the_worlds() -> None:
    """The API server refuses a path without ``replaceFullPath``: no other field goes with this type."""
    first, _ = named(rendered("gke-cpu"), "HTTPRoute", "gateway")["spec"]["rules"]
    assert first["matches"] == [{"path": {"type": "PathPrefix", "value": "/metrics"}}]
    (redirect,) = first["filters"]
    assert redirect["requestRedirect"]["path"] == {"type": "ReplaceFullPath", "replaceFullPath": "/docs"}
    assert "backendRefs" not in first
