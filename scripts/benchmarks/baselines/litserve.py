"""LitServe with batching, tuned: TorchScript frozen, a worker of one thread for each core, batches of up to eight.

``bin-it-right dev benchmark`` starts it.
"""

import argparse
from typing import Any

import litserve
import torch
from fastapi import Request

from embedded_triton.install.cpu import usable_cores
from scripts.benchmarks.baselines.pixels import read_pixels
from scripts.benchmarks.baselines.prediction import as_prediction
from scripts.benchmarks.baselines.torchscript import load_frozen
from training.dataset.classes import read_classes
from training.dataset.specification import load_specification
from training.models.model_types import NETWORK_MODELS


class Classifier(litserve.LitAPI):  # type: ignore[misc] # its package has no types
    """One network; its workers decode and run it."""

    def __init__(self, model_type: str) -> None:
        super().__init__(max_batch_size=8, batch_timeout=0.002, api_path=f"/{model_type}/predict")
        self._model_type = model_type

    def setup(self, device: str) -> None:
        """Load the network into a worker."""
        torch.set_num_threads(1)
        self._classes, self._size = read_classes(), load_specification().size
        self._network = load_frozen(self._model_type)

    def decode_request(self, request: Request) -> torch.Tensor:
        """Turn bytes into pixels."""
        # LitServe hands a form over as its mapping of fields.
        return read_pixels(request["file"].file.read(), self._size)

    def batch(self, inputs: list[torch.Tensor]) -> torch.Tensor:
        """Put the pixels of several requests into one tensor."""
        return torch.cat(inputs)

    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Turn pixels into probabilities."""
        with torch.inference_mode():
            probabilities: torch.Tensor = self._network(x)[0]
        return probabilities

    def unbatch(self, output: torch.Tensor) -> list[torch.Tensor]:
        """Return a row for each request."""
        return list(output)

    def encode_response(self, output: torch.Tensor) -> dict[str, Any]:
        """Turn probabilities into the document."""
        return as_prediction(self._classes, output.tolist())


def main() -> None:
    """Serve on the loopback."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    server = litserve.LitServer(
        [Classifier(model_type) for model_type in NETWORK_MODELS],
        accelerator="cpu",
        workers_per_device=usable_cores(),
        fast_queue=True,
    )
    server.run(host="127.0.0.1", port=given.port, log_level="warning", generate_client_file=False)


if __name__ == "__main__":
    main()
