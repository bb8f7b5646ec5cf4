"""Checks NVIDIA's Triton container on this machine's GPU, in one command.

    bin-it-right dev container-check [--photos FOLDER] [--output REPORT.md]

Exports the models, starts the container with its native backends on them, runs the end-to-end tests against it and the
benchmark, stops it, and writes a report to paste into an issue. Needs Docker with NVIDIA's container toolkit, and 20 GB
for the image. Returns 1 where something failed; the report is written in any case.
"""

import argparse
import json
import platform
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from embedded_triton.install.cpu import usable_cores
from embedded_triton.install.profiles import fitting_profile, gpu_names
from scripts.benchmarks.gpu.watch import gpu_name
from scripts.container_check.container import ROOT, CheckError, docker, image, running
from scripts.container_check.report import Step, render

#: The tests that only ask; those that stop or harm a server need one of their own.
TESTS = (
    "tests/e2e/answers/test_triton_answers.py",
    "tests/e2e/answers/test_triton_explains.py",
    "tests/e2e/answers/test_contract.py",
    "tests/e2e/answers/test_formats.py",
    "tests/e2e/answers/test_skew.py",
    "tests/e2e/answers/test_other_routes.py",
    "tests/e2e/answers/test_hostile.py",
)
_TESTS_SECONDS, _BENCH_SECONDS, _EXPORT_SECONDS = 1200, 900, 300


def export_command(repository: Path) -> list[str]:
    """Bring the copy of the model repository up to date, in half precision."""
    return [sys.executable, "-m", "scripts.cli.main", "export", f"--model-repository={repository}", "--half"]


def tests_command(url: str, repository: Path) -> list[str]:
    """Ask the running container what its answers are like."""
    options = [f"--triton-url={url}", f"--triton-repository={repository}", "--quiet", "--no-header"]
    return [sys.executable, "-m", "pytest", *options, *TESTS]


def bench_command(url: str, repository: Path, photos: Path | None) -> list[str]:
    """Measure the running container, and the plain service beside it."""
    folder = [str(photos)] if photos else []
    return [
        sys.executable,
        "-m",
        "scripts.benchmarks.gpu",
        *folder,
        f"--triton={url}",
        f"--model-repository={repository}",
    ]


def _step(name: str, command: list[str], seconds: float) -> tuple[Step, str]:
    """Run a command; return how it went, and what it printed to standard output."""
    print(f"{name} …", file=sys.stderr, flush=True)
    began = time.monotonic()
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)
        passed, output, errors = done.returncode == 0, done.stdout, done.stderr
    except subprocess.TimeoutExpired as exc:
        passed, errors = False, f"ended after {seconds:.0f} s"
        output = exc.stdout.decode(errors="replace") if isinstance(exc.stdout, bytes) else ""
    print(f"{name}: {'passed' if passed else 'FAILED'}", file=sys.stderr, flush=True)
    return Step(name, passed, time.monotonic() - began, f"{output}\n{errors}".strip()), output


def check(photos: Path | None, output: Path, workspace: Path) -> bool:
    """Run the list and write the report; return whether all passed."""
    steps: list[Step] = []
    bench, log, refusal = None, "", ""
    gpu = gpu_name()
    profile = fitting_profile(gpu_names(), usable_cores()) or "l4"
    facts = {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "GPU": ", ".join(gpu.values()) if gpu else "none found (nvidia-smi)",
        "machine": f"{platform.platform()}, Python {platform.python_version()}",
        "commit": _commit(),
        "image": image(),
        "profile": f"{profile}, half precision",
    }
    repository = workspace / "model_repository"
    try:
        facts["docker"] = docker("version", "--format", "{{.Server.Version}}")
        shutil.copytree(ROOT / "model_repository", repository, dirs_exist_ok=True)
        step, _ = _step("export", export_command(repository), _EXPORT_SECONDS)
        steps.append(step)
        began = time.monotonic()
        with running(repository, profile) as container:
            facts["digest"] = docker("inspect", "--format", "{{index .RepoDigests 0}}", image())
            steps.append(Step("start of the container", True, time.monotonic() - began, ""))
            step, _ = _step("end-to-end tests", tests_command(container.url, repository), _TESTS_SECONDS)
            steps.append(step)
            step, printed = _step("benchmark", bench_command(container.url, repository, photos), _BENCH_SECONDS)
            steps.append(step)
            bench = json.loads(printed.splitlines()[-1]) if step.passed else None
            log = container.log()
    except CheckError as exc:
        refusal = str(exc)
        steps.append(Step("the container", False, 0, refusal))
        print(f"error: {refusal}", file=sys.stderr)
    output.write_text(render(facts, steps, bench, log), encoding="utf-8")
    print(f"The report is in {output}; paste it into an issue.", file=sys.stderr)
    if bench is not None:
        print(json.dumps(bench))
    return all(step.passed for step in steps)


def _commit() -> str:
    if shutil.which("git") is None:
        return "unknown"
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="photos to measure with; drawn ones by default")
    parser.add_argument("--output", type=Path, metavar="FILE", default=ROOT / "build" / "container-check.md")
    given = parser.parse_args(arguments)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    workspace = ROOT / "build" / "container-check"
    workspace.mkdir(parents=True, exist_ok=True)
    return 0 if check(given.photos, given.output.resolve(), workspace) else 1


if __name__ == "__main__":
    sys.exit(main())
