"""Renders the kustomizations with kubectl, and finds things in what comes out."""

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.unit.deploy.tools import require

ROOT = Path(__file__).resolve().parents[3]
K8S = ROOT / "k8s"
Manifest = dict[str, Any]

#: What may be put on top of each overlay.
CHOICES: dict[str, tuple[str, ...]] = {
    "kind": ("api-keys",),
    "gke-cpu": ("api-keys", "autoscaling", "canary-route", "https"),
    "gke-gpu": ("api-keys", "autoscaling", "canary-route", "gpu-sharing", "https"),
    "kserve": ("api-keys", "https"),
}
#: Each overlay without any, with each one, and with all: so any two of them meet, and each one's absence too.
COMBINATIONS = [
    (overlay, components)
    for overlay, choices in CHOICES.items()
    for components in sorted({(), *((name,) for name in choices), choices})
]
VALUES = {"IMAGES": "registry.test/project/images", "TAG": "7", "PROJECT": "my-project", "CLUSTER": "my-cluster"}
VALUES |= {"ACCELERATOR": "nvidia-h100-80gb"}


@functools.cache
def rendered(
    overlay: str,
    components: tuple[str, ...] = (),
    deploy: str | None = None,
    namespace: str = "bin-it-right",
    prefix: str = "",
) -> tuple[Manifest, ...]:
    """Render an overlay with components on top, once for all tests.

    Args:
        overlay: a folder of ``k8s/overlays``.
        components: folders of ``k8s/components``.
        deploy: ``stable`` or ``canary`` renders what 4-deploy.sh applies, with ``VALUES``.
        namespace: as in the person's own overlay.
        prefix: for all names, as in the person's own overlay.
    """
    with tempfile.TemporaryDirectory() as folder:
        k8s = Path(folder, "k8s")
        shutil.copytree(K8S, k8s, ignore=shutil.ignore_patterns("mine", "values.yaml"))
        mine = k8s / "overlays" / "mine"
        mine.mkdir()
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": namespace,
            "namePrefix": prefix,
            "resources": [f"../{overlay}"],
            "components": [f"../../components/{name}" for name in components],
        }
        (mine / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
        if deploy is None:
            return kustomized(mine)
        values = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "installation", "annotations": {"config.kubernetes.io/local-config": "true"}},
            "data": VALUES,
        }
        (k8s / "deploy" / deploy / "values.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
        return kustomized(k8s / "deploy" / deploy)


def kustomized(folder: Path) -> tuple[Manifest, ...]:
    """All objects of one folder."""
    command = [require("kubectl"), "kustomize", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "Warning" not in result.stderr, result.stderr
    return tuple(yaml.load_all(result.stdout, yaml.CSafeLoader))


def of_kind(manifests: tuple[Manifest, ...], *kinds: str) -> Iterator[Manifest]:
    """The objects of these kinds."""
    return (manifest for manifest in manifests if manifest["kind"] in kinds)


def named(manifests: tuple[Manifest, ...], kind: str, name: str) -> Manifest:
    """The one object of this kind and name."""
    (found,) = (each for each in of_kind(manifests, kind) if each["metadata"]["name"] == name)
    return found


def title(manifest: Manifest) -> str:
    """Kind and name, for messages."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def pod_specs(manifests: tuple[Manifest, ...]) -> Iterator[tuple[str, Manifest]]:
    """Every pod template's specification, with the title of its owner."""
    for manifest in of_kind(manifests, "Deployment"):
        yield title(manifest), manifest["spec"]["template"]["spec"]
    for manifest in of_kind(manifests, "InferenceService"):  # KServe puts the two together
        runtime = named(manifests, "ServingRuntime", manifest["spec"]["predictor"]["model"]["runtime"])
        containers = {key: runtime["spec"][key] for key in ("containers", "volumes")}
        yield title(manifest), manifest["spec"]["predictor"] | containers


def settings_of(manifests: tuple[Manifest, ...], deployment: str) -> dict[str, str]:
    """The environment that a Deployment's ConfigMap gives its container."""
    (container,) = named(manifests, "Deployment", deployment)["spec"]["template"]["spec"]["containers"]
    (name,) = (source["configMapRef"]["name"] for source in container["envFrom"] if "configMapRef" in source)
    data: dict[str, str] = named(manifests, "ConfigMap", name)["data"]
    return data
