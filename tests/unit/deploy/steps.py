"""Runs the steps of scripts/gke with stand-ins for gcloud, kubectl and curl that write down their arguments."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.unit.deploy.rendering import ROOT

#: The numbered ones in their order, then the options.
STEPS = sorted(path.name for path in (ROOT / "scripts/gke").glob("*.sh") if path.name != "lib.sh")
#: Options without which a step refuses to do anything.
OPTIONS = {"6-teardown.sh": ["--yes"]}

#: Writes its arguments and its input down, then answers with the first answer whose words all stand in its arguments.
_STAND_IN = """#!{python}
import json, os, pathlib, select, sys
folder = pathlib.Path({folder!r})
words = [os.path.basename(sys.argv[0]), *sys.argv[1:]]
given = sys.stdin.read() if {{"-", "@-"}} & set(words) else ""
with (folder / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps({{"words": words, "input": given}}) + "\\n")
for answer in json.loads((folder / "answers.json").read_text()):
    if all(any(each in word for word in words) for each in answer["words"]):
        print(answer["output"])
        sys.exit(answer["status"])
"""


@dataclass
class Ran:
    """How a step went: its result, and what it called."""

    status: int
    said: str
    calls: list[list[str]]
    inputs: list[str]

    def printed(self) -> list[list[str]]:
        """The commands that it printed, as words."""
        lines = [line for line in self.said.splitlines() if line.startswith("+ ")]
        return [shlex.split(line[2:]) for line in lines]


class Checkout:
    """A copy of what the steps need of the checkout, with stand-ins first on the search path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers: list[dict[str, object]] = []
        for name in ("scripts/gke", "scripts/samples", "k8s"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("mine", "values.yaml"))
        shutil.copytree(folder / "k8s/overlays/example", folder / "k8s/overlays/mine")
        shutil.copy(ROOT / "pyproject.toml", folder)
        (folder / "bin").mkdir()
        for name in ("gcloud", "kubectl", "curl", "sleep"):
            path = folder / "bin" / name
            path.write_text(_STAND_IN.format(python=sys.executable, folder=str(folder)), encoding="utf-8")
            path.chmod(0o755)

    def answer(self, *words: str, output: str = "", status: int = 0) -> None:
        """Let calls with these words in their arguments put this out and end so."""
        self.answers.append({"words": words, "output": output, "status": status})

    def run(self, step: str, *options: str, **environment: str) -> Ran:
        """Run one step."""
        calls = self.folder / "calls.jsonl"
        calls.unlink(missing_ok=True)
        (self.folder / "answers.json").write_text(json.dumps(self.answers), encoding="utf-8")
        result = subprocess.run(
            ["bash", self.folder / "scripts/gke" / step, *options],
            env={"PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
            | {"PROJECT": "my-project", "DOMAIN": "photos.example.org"}
            | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []
        records = [json.loads(line) for line in lines]
        return Ran(
            result.returncode,
            result.stderr,
            [record["words"] for record in records],
            [record["input"] for record in records if record["input"]],
        )

    def nothing_exists(self) -> None:
        """Let every question for something be answered with no."""
        self.answer("gcloud", "describe", status=1)
        self.answer("kubectl", "get", "crd", status=1)
        self.answer("kubectl", "get", "service", status=1)
        self.answer("kubectl", "get", "scaledobject", status=1)

    def choose(self, overlay: str, *components: str) -> None:
        """Choose what to deploy, as a person does in the copied example."""
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": "bin-it-right",
            "resources": [f"../{overlay}"],
            "components": [f"../../components/{name}" for name in components],
        }
        path = self.folder / "k8s/overlays/mine/kustomization.yaml"
        path.write_text(yaml.safe_dump(kustomization), encoding="utf-8")
