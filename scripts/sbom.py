#!/usr/bin/env python3
"""Says what is released: a software bill of materials, the licences, and the known vulnerabilities of what is locked.

``make sbom`` runs it. The tools live in an environment of their own (``requirements/audit.txt``). Files go to
``build/sbom``; a vulnerability that is found, or one that could not be looked for, ends it with status 1.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("gateway", "serve")
ENVIRONMENT = ROOT / ".venv-audit"
OUTPUT = ROOT / "build" / "sbom"


def prepare_environment(folder: Path = ENVIRONMENT) -> Path:
    """Make the environment of the tools where it is missing or old; return its folder of programs."""
    lock = ROOT / "requirements" / "audit.txt"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = folder / "lock.sha256"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != digest:
        venv.create(folder, with_pip=True, clear=True)
        install: list[str | Path] = [
            folder / "bin" / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "-r",
            lock,
        ]
        subprocess.run(install, check=True)
        stamp.write_text(digest, encoding="utf-8")
    return folder / "bin"


def write_bill(programs: Path, lock: str) -> Path:
    """Write the CycloneDX bill of materials of one lock."""
    file = OUTPUT / f"{lock}.cdx.json"
    command = [str(programs / "cyclonedx-py"), "requirements", f"requirements/{lock}.txt"]
    options = ["--pyproject", "pyproject.toml", "--output-reproducible", "--output-file", str(file)]
    # It warns that a lock does not say who needs what, which is so.
    subprocess.run([*command, *options], check=True, cwd=ROOT, env=os.environ | {"PYTHONWARNINGS": "ignore"})
    return file


def locked_names(lock: str) -> list[str]:
    """Return the names of the packages of a lock."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    return sorted(set(re.findall(r"^([a-z0-9][\w.-]*)==", text, re.MULTILINE)))


def write_licences(programs: Path, lock: str, python: Path) -> Path:
    """Write the licence of each package of a lock that is installed beside ``python``."""
    file = OUTPUT / f"{lock}-licences.md"
    command = [
        str(programs / "pip-licenses"),
        f"--python={python}",
        "--from=mixed",
        "--format=markdown",
        "--with-system",
    ]
    subprocess.run([*command, f"--output-file={file}", "--packages", *locked_names(lock)], check=True, cwd=ROOT)
    return file


def vulnerabilities(programs: Path, lock: str) -> tuple[list[str], list[str]]:
    """Ask PyPI's advisory database about a lock.

    Returns:
        A line for each known vulnerability, and a line for each package that could not be looked up: pip-audit passes
        those over, and an audit without a connection would find nothing wrong.
    """
    command = [
        str(programs / "pip-audit"),
        "--require-hashes",
        "--disable-pip",
        "--requirement",
        f"requirements/{lock}.txt",
    ]
    result = subprocess.run(
        [*command, "--format=json", "--progress-spinner=off"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    try:
        return read_report(result.stdout)
    except ValueError:
        reason = (result.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
        return [], [f"everything in {lock}.txt: {reason}"]


def read_report(report: str) -> tuple[list[str], list[str]]:
    """Read pip-audit's JSON; raise ValueError where it is none."""
    found, unknown = [], []
    for package in json.loads(report)["dependencies"]:
        if "skip_reason" in package:
            unknown.append(f"{package['name']}: {package['skip_reason']}")
        for flaw in package.get("vulns", []):
            fixed = ", ".join(flaw["fix_versions"]) or "nothing yet"
            found.append(f"{package['name']} {package['version']}: {flaw['id']}, mended in {fixed}")
    return found, unknown


def main() -> int:
    """Write the files, print what was found; return 1 where that is a vulnerability or the scan was not whole."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    programs = prepare_environment()
    whole = True
    for lock in LOCKS:
        print(f"wrote {write_bill(programs, lock).relative_to(ROOT)}")
        print(f"wrote {write_licences(programs, lock, Path(sys.executable)).relative_to(ROOT)}")
        found, unknown = vulnerabilities(programs, lock)
        whole = whole and not found and not unknown
        for line in found:
            print(f"VULNERABLE {lock}: {line}")
        for line in unknown[:3]:
            print(f"NOT SCANNED {lock}: {line}")
        if len(unknown) > 3:
            print(f"NOT SCANNED {lock}: {len(unknown)} packages in all; can this machine ask PyPI itself?")
        if not found and not unknown:
            print(f"{lock}: no known vulnerability")
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
