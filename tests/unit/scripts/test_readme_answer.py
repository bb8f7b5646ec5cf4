"""The README's answer is what a service answers."""

from pathlib import Path

import numpy as np
import pytest

from scripts.readme_answer import main
from tests.support.asgi_server import served
from tests.unit.gateway.fakes import FakeClassifier, application

MARKERS = "before\n<!-- answer:begin -->\nold\n<!-- answer:end -->\nafter\n"


@pytest.mark.parametrize(("best", "not_sure"), [(0.95, False), (0.25, True)])
def test_it_is_written_with_what_to_think_of_it(tmp_path: Path, best: float, not_sure: bool) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(MARKERS)
    classifier = FakeClassifier()
    classifier.threshold = 0.5
    rest = (1 - best) / 5
    classifier.probabilities = np.array([rest] * 4 + [best, rest], np.float32)
    with served(application(classifier)) as url:
        assert main(["--url", url, "--readme", str(readme)]) == 0
    text = readme.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert '{"pred_class":"metal","classes":{"glass":' in text
    assert ("X-Confidence: low" in text) is not_sure


def test_no_service_and_no_markers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("no markers")
    with served(application(FakeClassifier())) as url:
        assert main(["--url", url, "--readme", str(readme)]) == 1
    assert main(["--url", url, "--readme", str(readme)]) == 1
    assert capsys.readouterr().err.count("error: ") == 2
    assert readme.read_text() == "no markers"
