"""The explaining ensembles on a real server: the same probabilities, and the maps of the exported network."""

import numpy as np
import pytest
import torch
from tritonclient.grpc import InferenceServerClient

from tests.support.running_triton import RunningTriton
from tests.support.torchscript import read_exported
from tests.support.triton_client import as_input, ask, counts, encoded
from training.dataset.preprocessing import decode, resize
from training.dataset.specification import load_specification
from training.export.configurations import explaining
from training.models.model_types import NETWORK_MODELS

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("model", NETWORK_MODELS)
def test_maps_are_those_of_the_exported_network(triton: RunningTriton, model: str) -> None:
    specification = load_specification(triton.model_repository)
    network = read_exported(triton.model_repository / NETWORK_MODELS[model] / "1" / "model.pt")
    file = encoded(300, 200, 3)
    with torch.inference_mode():
        _, maps = network(resize(decode(file), specification.size)[None])
    with InferenceServerClient(triton.grpc_url) as client:
        answer = client.infer(explaining(model), [as_input(file)])
        plain = ask(client, model, file)
    np.testing.assert_allclose(answer.as_numpy("PROBABILITIES")[0], plain, atol=1e-4)
    scale = float(maps.abs().max())
    np.testing.assert_allclose(answer.as_numpy("ACTIVATION_MAPS") / scale, maps.numpy() / scale, atol=0.02)
    assert np.ptp(maps.numpy()) > 0


def test_explanations_share_the_networks_of_plain_predictions(triton: RunningTriton) -> None:
    file = encoded(64, 48, 1)
    before = counts(triton.grpc_url, "raw_cnn")[0]
    with InferenceServerClient(triton.grpc_url) as client:
        client.infer(explaining("raw"), [as_input(file)])
    assert counts(triton.grpc_url, "raw_cnn", at_least=before + 1)[0] > before
