"""Whether an export is due is told without torch: `make run` asks it at every start."""

import subprocess
import sys

from training.dataset.classes import REPOSITORY_ROOT


def test_asking_what_is_due_does_not_import_torch() -> None:
    script = "import sys, training.export.fingerprint, training.export.repository; sys.exit('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
