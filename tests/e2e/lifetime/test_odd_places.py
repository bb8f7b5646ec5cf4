"""A real start where much is odd at once: names of folders, proxies, a full disk, what lies beside the models."""

import shutil
from pathlib import Path

import pytest
from tritonclient.grpc import InferenceServerClient

from tests.support.plain_process import ROOT
from tests.support.running_triton import RunningTriton
from tests.support.toy_repository import write_toy_repository
from tests.support.triton_client import ask, encoded
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e

#: Each of its characters means something to a shell; `touch` shows whether one has read it.
NAME = "My Projects (work)/R&D; touch executed; it's $HOME `touch executed`"


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A folder with a checkout, a model repository and a folder for temporary files."""
    folder = tmp_path / NAME
    for package in ("embedded_triton", "imaging"):
        if (ROOT / package).is_dir():
            shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "temporary files").mkdir()
    repository = write_toy_repository(folder / "model repository")
    (repository / "lost+found").mkdir()
    shutil.copytree(repository / "raw", repository / ".raw")
    return folder


def test_it_answers_and_leaves_nothing(odd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "grpc_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("TMPDIR", str(odd / "temporary files"))
    monkeypatch.setenv("PYTHONPATH", str(odd))
    full = odd / "triton.log"
    full.symlink_to("/dev/full")
    server = RunningTriton(odd / "model repository", tmp_path / "printed.txt")
    server.cwd = odd
    server.command.append(f"--log={full}")
    with server:
        server.wait_until_ready()
        with InferenceServerClient(server.grpc_url, channel_args=[("grpc.enable_http_proxy", 0)]) as client:
            assert ask(client, "raw", encoded(120, 90, 7)).shape == (6,)
        stub = server.backend("raw_cnn")
        assert stub.environ()["PYTHONPATH"] == str(odd)
        assert list((odd / "temporary files").iterdir())
        assert "No space left on device" in server.log.read_text()
    assert eventually(lambda: not server.segments() and not list((odd / "temporary files").iterdir()))
    assert not list(tmp_path.rglob("executed"))
    assert not (ROOT / "executed").exists()
