"""Networks on a CPU inside the real server: OpenVINO's answers against the exported module's, and the kept models."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tritonclient.grpc import InferenceServerClient, InferInput

from embedded_triton.install.cpu import choose_precision
from embedded_triton.install.profiles import gpu_count
from tests.support.running_triton import RunningTriton
from tests.support.torchscript import read_exported
from tests.support.waiting import eventually
from training.dataset.entries import Entry, load_pixels
from training.dataset.specification import load_specification
from training.models.model_types import NETWORK_MODELS

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(600),
    pytest.mark.skipif(gpu_count() > 0, reason="the networks are on the GPU"),
]
Start = Callable[[Path, str], RunningTriton]
PAGE = Path(__file__).resolve().parents[3] / "gateway" / "web"
#: How many images each of the requests has that are sent at the same time.
SIZES = (1, 3, 2, 1, 1)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a server with an empty cache, and stops it after the test."""
    with ExitStack() as started:

        def start(repository: Path, cpu_precision: str) -> RunningTriton:
            server = RunningTriton(
                repository, tmp_path / "server.log", cache_folder=tmp_path / "cache", cpu_precision=cpu_precision
            )
            server.start_and_wait()
            started.callback(server.stop)
            return server

        yield start


def ask_network(url: str, network: str, pixels: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """Ask a network itself, without the decoder, for both outputs."""
    tensor = InferInput("INPUT__0", list(pixels.shape), "UINT8")
    tensor.set_data_from_numpy(pixels)
    with InferenceServerClient(url) as client:
        result = client.infer(network, [tensor], client_timeout=120)
    return [result.as_numpy(name) for name in ("OUTPUT__0", "OUTPUT__1")]


def compare_with_export(server: RunningTriton, *, probabilities: float, maps: float) -> None:
    """Ask both networks at the same time and alone, and compare with PyTorch."""
    size = load_specification(server.model_repository).size
    # Things that released weights tell apart, and coarse patches, which random ones do: noise looks alike to a network.
    files = [PAGE / f"rendered_{name}.webp" for name in ("cardboard", "metal", "paper", "plastic")]
    things = load_pixels([Entry(file, "", file.name) for file in files], size).numpy()
    coarse = np.random.default_rng(4).integers(0, 256, (len(files), 3, 4, 4), dtype=np.uint8)
    patches = np.kron(coarse, np.ones((size // 4,) * 2, np.uint8))
    batches = np.split(np.stack([things, patches], axis=1).reshape(-1, 3, size, size), np.cumsum(SIZES)[:-1])
    for network in NETWORK_MODELS.values():
        # Nothing is compiled for each size: that takes longer than it saves.
        plain = torch.jit.optimized_execution(False)  # type: ignore[attr-defined]
        module = read_exported(server.model_repository / network / "1" / "model.pt")
        with torch.inference_mode(), plain:
            expected = [[output.numpy() for output in module(torch.from_numpy(batch))] for batch in batches]
        with ThreadPoolExecutor(len(SIZES)) as pool:
            together = list(pool.map(lambda batch, to=network: ask_network(server.grpc_url, to, batch), batches))
        alone = ask_network(server.grpc_url, network, batches[0])
        for found, wanted in zip([*together, alone], [*expected, expected[0]], strict=True):
            np.testing.assert_allclose(found[0], wanted[0], atol=probabilities)
            np.testing.assert_allclose(found[1], wanted[1], atol=maps * np.abs(wanted[1]).max())
        assert np.ptp(np.concatenate([each[0] for each in expected]), axis=0).max() > 10 * probabilities


def holds_torch(server: RunningTriton, network: str) -> bool:
    """Say whether the backend process of a network has loaded PyTorch."""
    return "libtorch" in Path(f"/proc/{server.backend(network).pid}/maps").read_text()


def test_in_float32_answers_are_the_export_s_and_models_are_kept(
    start: Start, toy_repository: Path, tmp_path: Path
) -> None:
    """With tiny networks: that the released ones answer so in float32 is what every test of answers shows."""
    server = start(toy_repository, "float32")
    compare_with_export(server, probabilities=1e-3, maps=1e-3)
    assert not any(holds_torch(server, network) for network in NETWORK_MODELS.values())
    entries = sorted((tmp_path / "cache").iterdir())
    assert len(entries) == len(NETWORK_MODELS)
    written = [entry.stat().st_ino for entry in entries]
    # One is damaged, and the server started again: that one is converted again, the other taken as it is.
    weights = entries[0] / "model.bin"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 0xFF
    weights.write_bytes(content)
    server.kill_backend("raw_cnn")
    assert eventually(lambda: "Triton server answers again" in server.log.read_text(), seconds=170)
    compare_with_export(server, probabilities=1e-3, maps=1e-3)
    assert not any(holds_torch(server, network) for network in NETWORK_MODELS.values())
    assert f"{entries[0]} is damaged: the model is converted again" in server.log.read_text()
    assert [entry.stat().st_ino == before for entry, before in zip(entries, written, strict=True)] == [False, True]


def test_bfloat16_is_taken_by_itself_and_near_the_export(start: Start, model_repository: Path) -> None:
    precision, reason = choose_precision("auto")
    server = start(model_repository, "auto")
    for network in NETWORK_MODELS.values():
        assert f"{network} computes in {precision}: {reason}" in server.log.read_text()
    exact = precision == "float32"
    compare_with_export(server, probabilities=1e-3 if exact else 0.02, maps=1e-3 if exact else 0.05)
