"""The benchmark of a folder on the command line, against a service that answers at once."""

import json
from pathlib import Path

import pytest

from scripts.bench import folder
from tests.support.asgi_server import served
from tests.unit.gateway.fakes import FakeClassifier, application

SAMPLES = Path(__file__).resolve().parents[3] / "scripts" / "samples"


def test_both_ways_are_measured(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    classifier = FakeClassifier()
    with served(application(classifier)) as url:
        words = ["folder", str(SAMPLES), "--url", url, "--rounds", "2", "--in-flight", "2"]
        monkeypatch.setattr("sys.argv", words)
        assert folder.main() == 0
    result = json.loads(capfd.readouterr().out.splitlines()[-1])
    photos = len(list(SAMPLES.iterdir()))
    assert (result["photos"], len(result["classify_per_second"]), len(result["plain_per_second"])) == (photos, 2, 2)
    assert len(classifier.asked) == 4 * photos


def test_no_photos(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.argv", ["folder", str(tmp_path)])
    with pytest.raises(SystemExit, match="no photos"):
        folder.main()
