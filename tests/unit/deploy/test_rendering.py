"""Every overlay with every combination of components renders to valid objects."""

import functools
import json

import kubernetes_validate
import pytest

from tests.unit.deploy.rendering import COMBINATIONS, K8S, of_kind, rendered, title

#: Kinds that Kubernetes itself does not know, and who brings them. Their schemas are not on this machine.
FOREIGN_KINDS = {
    "Gateway": "gateway.networking.k8s.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
    "HealthCheckPolicy": "networking.gke.io/v1",
    "GCPBackendPolicy": "networking.gke.io/v1",
    "PodMonitoring": "monitoring.googleapis.com/v1",
    "ScaledObject": "keda.sh/v1alpha1",
    "TriggerAuthentication": "keda.sh/v1alpha1",
}
#: The oldest version that KEDA 2.21 and GKE's regular channel know, and the newest that the validator knows.
VERSIONS = ("1.32", "1.37")


@functools.cache  # the combinations share most objects
def validate(manifest: str) -> None:
    for version in VERSIONS:
        kubernetes_validate.validate(json.loads(manifest), version, strict=True)


@pytest.mark.parametrize(("overlay", "components"), COMBINATIONS)
def test_every_object_fits_the_schema_of_kubernetes(overlay: str, components: tuple[str, ...]) -> None:
    manifests = rendered(overlay, components)
    assert manifests
    for manifest in manifests:
        if manifest["kind"] in FOREIGN_KINDS:
            assert manifest["apiVersion"] == FOREIGN_KINDS[manifest["kind"]], title(manifest)
            continue
        validate(json.dumps(manifest))


@pytest.mark.parametrize(("overlay", "components"), COMBINATIONS)
def test_objects_have_names_of_their_own_in_the_one_namespace(overlay: str, components: tuple[str, ...]) -> None:
    manifests = rendered(overlay, components)
    titles = [title(manifest) for manifest in manifests]
    assert len(set(titles)) == len(titles)
    for manifest in manifests:
        if manifest["kind"] == "Namespace":
            assert manifest["metadata"]["name"] == "bin-it-right"
        else:
            assert manifest["metadata"]["namespace"] == "bin-it-right", title(manifest)


def test_every_component_is_part_of_some_combination() -> None:
    reached = {"gpu", "gke", "monitoring"} | {name for _, components in COMBINATIONS for name in components}
    assert {path.name for path in (K8S / "components").iterdir()} == reached


def test_deleting_the_canary_leaves_the_first_installation() -> None:
    first = {title(manifest) for manifest in rendered("gke", ("api-keys", "autoscaling", "canary"))}
    assert not first & {title(manifest) for manifest in rendered("gke-canary", ("api-keys",))}


def test_references_to_generated_and_named_objects_are_whole() -> None:
    for overlay, components in COMBINATIONS:
        manifests = rendered(overlay, components)
        existing = {title(manifest) for manifest in manifests}
        for deployment in of_kind(manifests, "Deployment"):
            spec = deployment["spec"]["template"]["spec"]
            assert f"ServiceAccount/{spec['serviceAccountName']}" in existing
            for source in spec["containers"][0]["envFrom"]:
                if "configMapRef" in source:
                    assert f"ConfigMap/{source['configMapRef']['name']}" in existing
        for policy in of_kind(manifests, "HealthCheckPolicy", "GCPBackendPolicy"):
            assert f"Service/{policy['spec']['targetRef']['name']}" in existing
