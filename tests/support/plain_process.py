"""A launched program without the process that guards it, so that tests see what happens when it is killed."""

import subprocess
from pathlib import Path
from typing import IO

from embedded_triton.process.program import Program

ROOT = Path(__file__).resolve().parents[2]


class PlainProcess(Program):
    """Starts its program as a plain child of the tests."""

    process: subprocess.Popen[bytes]
    #: Where it starts; the checkout by default.
    cwd = ROOT

    def spawn(self, output: IO[bytes] | None) -> subprocess.Popen[bytes]:
        """Start the process; it outlives this one if nobody stops it."""
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=self.cwd,
            env=self._environment,
        )
        return self.process
