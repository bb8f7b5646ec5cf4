"""NVIDIA's Triton container, started on an exported model repository and stopped again."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from embedded_triton.launch import free_ports

ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS, _PULL_SECONDS = 600.0, 3600.0


class CheckError(Exception):
    """The container cannot be checked here; ``str()`` says what to do."""


@dataclass(frozen=True)
class Container:
    """A running container and its gRPC address on the loopback."""

    name: str
    url: str

    def log(self) -> str:
        """Return everything that the server has said."""
        done = subprocess.run(
            ["docker", "logs", self.name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        return done.stdout


def image() -> str:
    """Return the image's name; its release is written in scripts/images/Dockerfile and nowhere else."""
    text = (ROOT / "scripts" / "images" / "Dockerfile").read_text(encoding="utf-8")
    match = re.search(r"^ARG TRITON_RELEASE=(\S+)$", text, re.MULTILINE)
    assert match is not None
    return f"nvcr.io/nvidia/tritonserver:{match[1]}-py3"


def docker(*words: str, timeout: float = 60) -> str:
    """Run docker and return what it prints.

    Raises:
        CheckError: docker is missing, fails or hangs.
    """
    try:
        done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=timeout, check=False)
    except FileNotFoundError as exc:
        raise CheckError("Docker is not installed: https://docs.docker.com/engine/install") from exc
    except subprocess.TimeoutExpired as exc:
        raise CheckError(f"`docker {words[0]}` did not end within {timeout:.0f} s.") from exc
    if done.returncode != 0:
        raise CheckError(f"`docker {' '.join(words[:2])}` failed: {done.stderr.strip()[-1000:]}")
    return done.stdout.strip()


@contextmanager
def running(model_repository: Path, profile: str) -> Iterator[Container]:
    """Start the container on the GPU, wait for every model, and remove the container at the end.

    Raises:
        CheckError: it does not start; the end of its log is in the message.
    """
    docker("pull", "--quiet", image(), timeout=_PULL_SECONDS)
    (port,) = free_ports(1)
    name = f"bin-it-right-check-{port}"
    docker(
        *("run", "--detach", "--name", name, "--gpus", "all", "--shm-size", "1g"),
        *("--publish", f"127.0.0.1:{port}:8001", "--env", "MODEL_REPOSITORY=/models"),
        *("--env", f"TUNING_PROFILE={profile}"),
        *("--volume", f"{model_repository.resolve()}:/models:ro"),
        *("--volume", f"{ROOT / 'scripts' / 'images' / 'triton-gpu.sh'}:/triton-gpu.sh:ro"),
        *("--entrypoint", "/triton-gpu.sh", image()),
    )
    container = Container(name, f"127.0.0.1:{port}")
    try:
        _wait(container, sorted(path.parent.name for path in model_repository.glob("*/config.pbtxt")))
        yield container
    finally:
        docker("rm", "--force", name)


def _wait(container: Container, models: list[str]) -> None:
    end = time.monotonic() + _START_SECONDS
    with InferenceServerClient(container.url) as client:
        while time.monotonic() < end:
            try:
                if all(client.is_model_ready(model, client_timeout=5) for model in models):
                    return
            except InferenceServerException:
                pass
            if docker("inspect", "--format", "{{.State.Running}}", container.name) != "true":
                break
            time.sleep(0.5)
    raise CheckError(f"NVIDIA's server did not get ready; the end of its log:\n{container.log()[-4000:]}")
