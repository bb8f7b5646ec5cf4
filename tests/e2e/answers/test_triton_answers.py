"""The ensembles' answers, asked for straight at Triton."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from tritonclient.grpc import InferenceServerClient, InferRequestedOutput

from tests.support.running_triton import RunningTriton
from tests.support.torchscript import read_exported
from tests.support.triton_client import as_input, ask, ask_at_once, counts, encoded, of_many_sizes, outcomes_at_once
from training.dataset.preprocessing import decode, resize
from training.dataset.specification import load_specification
from training.models.model_types import NETWORK_MODELS

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("model", NETWORK_MODELS)
def test_values_are_those_of_the_exported_network(triton: RunningTriton, model: str) -> None:
    specification = load_specification(triton.model_repository)
    network = read_exported(triton.model_repository / NETWORK_MODELS[model] / "1" / "model.pt")
    files = of_many_sizes(8)
    images = torch.stack([resize(decode(file), specification.size) for file in files])
    with torch.inference_mode():
        expected = network(images)[0].numpy()
    np.testing.assert_allclose(np.stack(ask_at_once(triton.grpc_url, model, files)), expected, atol=triton.tolerance)
    assert np.ptp(expected, axis=0).max() > 0.02, "the pictures are too alike to tell one answer from another"


@pytest.mark.parametrize("model", NETWORK_MODELS)
def test_answers_stay_with_their_pictures_while_batches_overlap(triton: RunningTriton, model: str) -> None:
    """Nine at a time, for as many batches as it takes that cores work for two of them at once."""
    files = [encoded(64, 48, number) for number in range(30)]
    with InferenceServerClient(triton.grpc_url) as client, ThreadPoolExecutor(9) as pool:
        alone = np.stack([ask(client, model, file) for file in files])
        for _ in range(3):
            together = np.stack(list(pool.map(lambda file: ask(client, model, file), files)))
            np.testing.assert_allclose(together, alone, atol=triton.tolerance)
    assert np.ptp(alone, axis=0).max() > 0.02, "the pictures are too alike to tell one answer from another"


@pytest.mark.parametrize("model", NETWORK_MODELS)
def test_class_count_names_the_classes(triton: RunningTriton, model: str) -> None:
    labels = (triton.model_repository / "labels.txt").read_text().split()
    image = encoded(64, 48, 1)
    output = InferRequestedOutput("PROBABILITIES", class_count=len(labels))
    with InferenceServerClient(triton.grpc_url) as client:
        answer = client.infer(model, [as_input(image)], outputs=[output])
        plain = ask(client, model, image)
    triples = [entry.decode().split(":") for entry in answer.as_numpy("PROBABILITIES").ravel()]
    assert sorted(name for _, _, name in triples) == sorted(labels)
    assert [labels.index(name) for _, _, name in triples] == [int(index) for _, index, _ in triples]
    np.testing.assert_allclose([float(value) for value, _, _ in triples], np.sort(plain)[::-1], atol=1e-5)


def test_images_of_different_length_form_batches(triton: RunningTriton) -> None:
    files = of_many_sizes(32)
    before = {model: counts(triton.grpc_url, model) for model in ("preprocess", "raw_cnn")}
    answers = [answer for _ in range(4) for answer in ask_at_once(triton.grpc_url, "raw", files)]
    for model, (inferences, executions) in before.items():
        more_inferences, more_executions = counts(triton.grpc_url, model, at_least=inferences + len(answers))
        assert more_inferences - inferences >= len(answers)
        assert more_executions - executions <= (more_inferences - inferences) / 2


@pytest.mark.parametrize("broken", [b"no image at all", encoded(300, 200, 5)[:1500]], ids=["garbage", "truncated"])
def test_one_corrupt_image_fails_alone_among_thirty_one(triton: RunningTriton, broken: bytes) -> None:
    if not triton.isolates:
        pytest.skip("NVIDIA's DALI backend fails the whole batch; the gateway then asks again for each image alone")
    good = of_many_sizes(31)
    with InferenceServerClient(triton.grpc_url) as client:
        alone = [ask(client, "raw", file) for file in good]
    files = [*good[:13], broken, *good[13:]]
    answers, errors = outcomes_at_once(triton.grpc_url, "raw", files)
    assert list(errors) == [13]
    assert "StatusCode.INVALID_ARGUMENT" in str(errors[13])
    assert "could not be decoded" in str(errors[13])
    np.testing.assert_allclose(np.stack(list(answers.values())), np.stack(alone), atol=1e-4)
