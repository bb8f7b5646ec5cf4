"""What serving needs of training imports nothing that only the training environment has."""

import subprocess
import sys

import pytest

from training.dataset.classes import REPOSITORY_ROOT

TRAINING_ONLY = (
    *("torchvision", "sklearn", "matplotlib", "pyarrow", "imagehash", "kagglehub", "IPython", "scipy"),
    *("keras", "tensorflow"),
)


@pytest.mark.parametrize(
    "module",
    [
        "training.export.torchscript",
        "training.export.repository",
        "training.evaluate.predict",
        "scripts.cli.main",
        "scripts.cli.export",
    ],
)
def test_it_is_imported_without_the_training_environment(module: str) -> None:
    blocked = f"import sys\nfor name in {TRAINING_ONLY!r}: sys.modules[name] = None\nimport {module}"
    done = subprocess.run(
        [sys.executable, "-c", blocked], cwd=REPOSITORY_ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
