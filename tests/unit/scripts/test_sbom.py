"""What `make sbom` makes of the reports of its tools."""

import json

import pytest

from scripts.sbom import locked_names, read_report

FOUND = {
    "name": "pillow",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1", "2.0"]}, {"id": "PYSEC-2", "fix_versions": []}],
}
CLEAN = {"name": "anyio", "version": "4.0", "vulns": []}
UNKNOWN = {"name": "uvicorn", "skip_reason": "Dependency not found on PyPI and could not be audited: uvicorn (0.1)"}


def test_every_vulnerability_is_told_with_its_remedy() -> None:
    found, unknown = read_report(json.dumps({"dependencies": [FOUND, CLEAN]}))
    assert found == ["pillow 1.0: PYSEC-1, mended in 1.1, 2.0", "pillow 1.0: PYSEC-2, mended in nothing yet"]
    assert unknown == []


def test_what_was_not_looked_up_is_not_taken_for_clean() -> None:
    found, unknown = read_report(json.dumps({"dependencies": [CLEAN, UNKNOWN]}))
    assert found == []
    assert unknown == [f"uvicorn: {UNKNOWN['skip_reason']}"]


@pytest.mark.parametrize("report", ["", "Traceback: no connection"])
def test_no_report_is_no_clean_report(report: str) -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        read_report(report)


def test_locks_are_read_by_name() -> None:
    assert {"fastapi", "grpcio"} <= set(locked_names("gateway"))
    assert "torch" not in locked_names("gateway")
    assert {"torch", "nvidia-pytriton"} <= set(locked_names("serve"))
