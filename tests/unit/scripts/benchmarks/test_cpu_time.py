"""CPU time by process: real processes, and the command lines that the service's have."""

import subprocess
import sys

import pytest

from embedded_triton.process.process_table import family
from scripts.benchmarks.breakdown.cpu_time import cpu_seconds, role

BUSY = "sum(range(30_000_000)); print('done', flush=True); input()"
PARENT = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {BUSY!r}]))"


def test_the_time_of_a_grandchild_counts_and_waiting_does_not() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
        assert len(family(process.pid)) == 2
        first = cpu_seconds(process.pid)["supervision"]
        assert first > 0.05
        assert cpu_seconds(process.pid)["supervision"] - first < 0.05
        process.communicate("\n")
    assert not cpu_seconds(process.pid)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("/b/triton_python_backend_stub /m/raw_cnn/1/model.pt prefix 1048576 88", "raw_cnn"),
        (
            "/b/triton_python_backend_stub /m/preprocess/1/model.py prefix 1048576 88",
            "preprocess",
        ),
    ],
)
def test_backends_are_named_after_their_model(command: str, said: str) -> None:
    assert role(command) == f"backend of {said}"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("/v/pytriton/tritonserver/bin/tritonserver --model-repository=/m", "tritonserver"),
        ("/v/bin/python -m gateway --host 127.0.0.1", "gateway"),
        ("/v/bin/python -m embedded_triton.process.subreaper", "supervision"),
        ("/v/bin/python /v/bin/bin-it-right serve --port 8080", "supervision"),
    ],
)
def test_the_others_by_what_they_do(command: str, said: str) -> None:
    assert role(command) == said
