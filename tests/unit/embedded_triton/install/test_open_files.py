"""The limit of open files, in a process of its own: a lowered limit does not come back."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
from embedded_triton.errors import ServerStartError
from embedded_triton.install.open_files import raise_open_files
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
try:
    raise_open_files()
except ServerStartError as exc:
    sys.exit(str(exc))
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(("soft", "hard", "status", "said"), [
    (64, 64, 1, "This process may open 64 files, and the server needs 512. Raise the limit"),
    (64, 1000, 0, "1000"),
    (64, 10000, 0, "4096"),
    (9000, 10000, 0, "9000"),
])  # fmt: skip
def test_the_limit_is_raised_or_named(soft: int, hard: int, status: int, said: str) -> None:
    program = PROGRAM.format(soft=soft, hard=hard)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, (done.stdout + done.stderr).startswith(said)) == (status, True), done.stderr
