"""Every overlay with its components renders to valid objects whose references are whole."""

import functools
import json

import kubernetes_validate
import pytest

from tests.unit.deploy.rendering import CHOICES, COMBINATIONS, K8S, kustomized, named, of_kind, rendered, title

#: Kinds that Kubernetes itself does not know, and who brings them. Their schemas are not on this machine.
FOREIGN_KINDS = {
    "Gateway": "gateway.networking.k8s.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
    "HealthCheckPolicy": "networking.gke.io/v1",
    "GCPBackendPolicy": "networking.gke.io/v1",
    "PodMonitoring": "monitoring.googleapis.com/v1",
    "Rules": "monitoring.googleapis.com/v1",
    "ScaledObject": "keda.sh/v1alpha1",
    "TriggerAuthentication": "keda.sh/v1alpha1",
    "InferenceService": "serving.kserve.io/v1beta1",
    "ServingRuntime": "serving.kserve.io/v1alpha1",
}
#: The oldest version that KEDA 2.21 and GKE's regular channel know, and the newest that the validator knows.
VERSIONS = ("1.32", "1.37")
#: Components that are part of an overlay, or of k8s/deploy.
BUILT_IN = {"gpu", "gke", "monitoring", "canary", "installation-values"}


@functools.cache  # the combinations share most objects
def validate(manifest: str) -> None:
    for version in VERSIONS:
        kubernetes_validate.validate(json.loads(manifest), version, strict=True)


@pytest.mark.parametrize(("overlay", "components"), COMBINATIONS)
def test_every_object_is_valid_and_has_a_name_of_its_own(overlay: str, components: tuple[str, ...]) -> None:
    manifests = rendered(overlay, components)
    titles = [title(manifest) for manifest in manifests]
    assert titles
    assert len(set(titles)) == len(titles)
    for manifest in manifests:
        if manifest["kind"] == "Namespace":
            assert manifest["metadata"]["name"] == "bin-it-right"
        else:
            assert manifest["metadata"]["namespace"] == "bin-it-right", title(manifest)
        if manifest["kind"] in FOREIGN_KINDS:
            assert manifest["apiVersion"] == FOREIGN_KINDS[manifest["kind"]], title(manifest)
        else:
            validate(json.dumps(manifest))


def test_every_component_is_part_of_some_combination() -> None:
    reached = BUILT_IN | {name for names in CHOICES.values() for name in names}
    assert {path.name for path in (K8S / "components").iterdir()} == reached


@pytest.mark.parametrize("prefix", ["", "my-"])
@pytest.mark.parametrize("overlay", ["gke-cpu", "gke-gpu", "kserve"])
def test_references_are_whole(overlay: str, prefix: str) -> None:
    manifests = rendered(overlay, CHOICES[overlay], "stable", namespace="other", prefix=prefix)
    existing = {title(manifest) for manifest in manifests}
    assert all(name.partition("/")[2].startswith(prefix) for name in existing - {"Namespace/other"})
    wanted = set()
    for deployment in of_kind(manifests, "Deployment"):
        spec = deployment["spec"]["template"]["spec"]
        wanted.add(f"ServiceAccount/{spec['serviceAccountName']}")
        wanted |= {f"ConfigMap/{each['configMapRef']['name']}" for each in spec["containers"][0]["envFrom"][:1]}
    for policy in of_kind(manifests, "HealthCheckPolicy", "GCPBackendPolicy"):
        wanted.add(f"Service/{policy['spec']['targetRef']['name']}")
    for route in of_kind(manifests, "HTTPRoute"):
        wanted |= {f"Gateway/{parent['name']}" for parent in route["spec"]["parentRefs"]}
        backends = {each["name"] for rule in route["spec"]["rules"] for each in rule.get("backendRefs", [])}
        wanted |= {f"Service/{name}" for name in backends if not name.endswith("-canary")}
    for scaler in of_kind(manifests, "ScaledObject", "HorizontalPodAutoscaler"):
        wanted.add(f"Deployment/{scaler['spec']['scaleTargetRef']['name']}")
        for trigger in scaler["spec"].get("triggers", []):
            wanted.add(f"TriggerAuthentication/{trigger['authenticationRef']['name']}")
    for service in of_kind(manifests, "InferenceService"):
        predictor = service["spec"]["predictor"]
        wanted |= {
            f"ServiceAccount/{predictor['serviceAccountName']}",
            f"ServingRuntime/{predictor['model']['runtime']}",
        }
    assert wanted <= existing


@pytest.mark.parametrize("overlay", ["gke-cpu", "gke-gpu"])
def test_the_canary_is_an_installation_beside_the_first_one(overlay: str) -> None:
    """Deleting it by its label must delete nothing of the first one, and its Service is what the route names."""
    components = CHOICES[overlay]
    first = rendered(overlay, components, "stable", prefix="my-")
    canary = rendered(overlay, components, "canary", prefix="my-")
    assert not {title(each) for each in first} & {title(each) for each in canary}
    for instance, manifests in (("stable", first), ("canary", canary)):
        assert {each["metadata"]["labels"]["app.kubernetes.io/instance"] for each in manifests} == {instance}
    assert {"Gateway", "HTTPRoute", "Namespace", "ScaledObject", "PodMonitoring", "Rules"}.isdisjoint(
        each["kind"] for each in canary
    )
    backends = named(first, "HTTPRoute", "my-gateway")["spec"]["rules"][1]["backendRefs"]
    assert {each["name"]: each["weight"] for each in backends} == {"my-gateway": 95, "my-gateway-canary": 5}
    assert named(canary, "Service", "my-gateway-canary")
    assert {each["spec"]["replicas"] for each in of_kind(canary, "Deployment")} == {1}


def test_every_line_of_the_example_can_be_uncommented() -> None:
    text = (K8S / "overlays/example/kustomization.yaml").read_text(encoding="utf-8")
    offered = {name for name in CHOICES["gke-cpu"] + CHOICES["gke-gpu"] if f"../../components/{name}" in text}
    assert offered == set(CHOICES["gke-gpu"])
    (gateway,) = (
        each for each in of_kind(kustomized(K8S / "overlays/example"), "Deployment") if "gateway" in title(each)
    )
    sources = gateway["spec"]["template"]["spec"]["containers"][0]["envFrom"]
    assert {"secretRef": {"name": "gateway-api-keys"}} in sources, "closed unless somebody opens it"
