"""Renders the kustomizations with kubectl, and finds things in what comes out."""

import functools
import itertools
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

#: What may be put on top of each overlay. Of those in one group at most one.
CHOICES: dict[str, tuple[tuple[str, ...], ...]] = {
    "kind": (("api-keys",), ("loadtest",)),
    "gke": (("api-keys",), ("autoscaling",), ("loadtest",), ("model-bucket",), ("canary", "shadow")),
    "gke-canary": (("api-keys",),),
}
COMBINATIONS = [
    (overlay, tuple(name for name in chosen if name))
    for overlay, groups in CHOICES.items()
    for chosen in itertools.product(*(("", *group) for group in groups))
]
ALL_OF_GKE = ("api-keys", "autoscaling", "loadtest", "canary")


@functools.cache
def rendered(overlay: str, components: tuple[str, ...] = ()) -> tuple[Manifest, ...]:
    """All objects of an overlay with components on top, as 60-deploy.sh would put them there."""
    with tempfile.TemporaryDirectory() as folder:
        k8s = Path(folder, "k8s")
        shutil.copytree(K8S, k8s, ignore=shutil.ignore_patterns("generated*"))
        on_top = k8s / "overlays" / "on-top"
        on_top.mkdir()
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": "bin-it-right",
            "resources": [f"../{overlay}"],
            "components": [f"../../components/{name}" for name in components],
        }
        (on_top / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
        return kustomized(on_top)


def kustomized(folder: Path) -> tuple[Manifest, ...]:
    """All objects of one folder."""
    command = [require("kubectl"), "kustomize", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "Warning" not in result.stderr, result.stderr
    return tuple(yaml.safe_load_all(result.stdout))


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
    for manifest in of_kind(manifests, "Deployment", "Job"):
        yield title(manifest), manifest["spec"]["template"]["spec"]


def settings_of(manifests: tuple[Manifest, ...], deployment: str) -> dict[str, str]:
    """The environment that a Deployment's ConfigMap gives its container."""
    (container,) = named(manifests, "Deployment", deployment)["spec"]["template"]["spec"]["containers"]
    (name,) = (source["configMapRef"]["name"] for source in container["envFrom"] if "configMapRef" in source)
    data: dict[str, str] = named(manifests, "ConfigMap", name)["data"]
    return data
