"""The GitHub workflow fits its schema and calls a script that is there."""

import subprocess
import sys

import yaml

from tests.unit.deploy.rendering import ROOT

WORKFLOW = ROOT / ".github/workflows/kind.yaml"


def test_it_fits_the_schema_and_may_only_read() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(WORKFLOW)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    (job,) = workflow["jobs"].values()
    assert (ROOT / job["steps"][-1]["run"]).stat().st_mode & 0o111
