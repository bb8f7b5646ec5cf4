"""The Python-based DALI backend on real DALI, and its pixels against training's own preprocessing."""

import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.unit.embedded_triton.backends.backend_loading import TritonModelException, load_backend
from tests.unit.embedded_triton.backends.dali_backend import (
    BAD,
    GOOD,
    PREPROCESS,
    SPECIFICATION,
    arguments,
    batches_module,
    expected,
    levels,
    pixels,
    request,
)

pytest.importorskip("nvidia.dali", reason="nvidia-dali is not installed: requirements/serve.txt has it")


@pytest.fixture(scope="module", params=["decode", "whole", "device"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An instance as on a CPU, and on the same CPU one whose pipeline does it all, as on a GPU.

    The latter's answers are NumPy arrays or, as where PyTorch can use the GPU, views of DALI's output.
    """
    with pytest.MonkeyPatch.context() as monkeypatch:
        backend = load_backend("dali", monkeypatch)
        instance = backend.TritonPythonModel()
        folder = PREPROCESS
        if request.param != "decode":
            folder = tmp_path_factory.mktemp("whole")
            whole_only(folder)
        instance.initialize(arguments(folder))
        if request.param == "device":
            instance._batches = batches_module().DeviceBatches(torch, "cpu")
        yield instance


def whole_only(folder: Path) -> None:
    """Copy the model there without the pipeline that decodes only."""
    shutil.copytree(PREPROCESS / "1", folder / "1")
    with (folder / "1" / "dali.py").open("a") as file:
        file.write("\ndel decode\n")


@pytest.mark.parametrize("name", GOOD)
def test_pixels_are_those_of_training(model: Any, name: str) -> None:
    (response,) = model.execute([request(GOOD[name])])
    answer = pixels(response)
    assert answer.dtype == np.uint8
    assert answer.shape == (1, 3, SPECIFICATION.size, SPECIFICATION.size)
    difference = levels(answer, expected(GOOD[name]))
    # Pillow rounds to whole levels between its two passes, DALI only once at the end.
    assert difference.mean() < 0.5
    assert difference.max() <= 12


def test_requests_of_one_batch_keep_their_order(model: Any) -> None:
    alone = [pixels(model.execute([request(file)])[0]) for file in GOOD.values()]
    together = model.execute([request(file) for file in GOOD.values()])
    for one, response in zip(alone, together, strict=True):
        np.testing.assert_array_equal(pixels(response), one)


def test_a_request_of_several_images_is_answered_as_one(model: Any) -> None:
    responses = model.execute([request(GOOD["wide"]), request(GOOD["tall"], GOOD["tall"])])
    assert [len(pixels(response)) for response in responses] == [1, 2]
    np.testing.assert_array_equal(pixels(responses[1])[0], pixels(responses[1])[1])


@pytest.mark.parametrize("name", BAD)
def test_only_the_broken_image_fails_and_the_next_batch_is_right(model: Any, name: str) -> None:
    files = [*GOOD.values()]
    files.insert(2, BAD[name])
    responses = model.execute([request(file) for file in files])
    assert [response.error is not None for response in responses] == [file == BAD[name] for file in files]
    error = responses[2].error
    assert error.status == "INVALID_ARG"
    assert "1 of 1 images could not be decoded: " in str(error)
    for file, response in zip(files, responses, strict=True):
        if response.error is None:
            assert levels(pixels(response), expected(file)).max() <= 12
    (after,) = model.execute([request(GOOD["strip"])])
    assert levels(pixels(after), expected(GOOD["strip"])).max() <= 12


def test_a_batch_of_nothing_but_broken_images(model: Any) -> None:
    responses = model.execute([request(file) for file in BAD.values()])
    assert all(response.error is not None for response in responses)


def test_a_thousand_good_and_bad_ones_in_random_batches(model: Any) -> None:
    # The pipeline goes on after errors: an answer that was left over from an earlier run would show here.
    randomness = random.Random(7)
    alone = {file: pixels(model.execute([request(file)])[0]) for file in GOOD.values()}
    for _ in range(90):
        files = randomness.choices([*GOOD.values(), *BAD.values()], k=randomness.randint(1, 16))
        for file, response in zip(files, model.execute([request(file) for file in files]), strict=True):
            if file in alone:
                np.testing.assert_array_equal(pixels(response), alone[file])
            else:
                assert response.error.status == "INVALID_ARG"


def test_answers_stay_as_they_are_while_later_batches_run(model: Any) -> None:
    # On a GPU they are views of DALI's own memory until Triton has read them.
    assert model._pipeline.exec_dynamic
    first = model.execute([request(file) for file in GOOD.values()])
    kept = [pixels(response).copy() for response in first]
    for _ in range(5):
        model.execute([request(GOOD["strip"])] * 8)
    for response, before in zip(first, kept, strict=True):
        np.testing.assert_array_equal(pixels(response), before)


def test_a_pipeline_that_still_answers_rightly_is_not_built_again(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model.execute([request(GOOD["strip"])])
    built: list[str] = []

    def build() -> Any:
        built.append("again")
        return model._pipeline

    monkeypatch.setattr(model, "_build", build)
    (response,) = model.execute([request(BAD["half a PNG"])])
    assert response.error is not None
    assert not built
    image, expected = model._known
    for wrong in (np.clip(expected + 5.0, 0, 255), expected * np.nan):
        monkeypatch.setattr(model, "_known", (image, wrong))
        model.execute([request(BAD["half a PNG"])])
    assert built == ["again"] * 2


def test_a_pipeline_that_answers_nothing_any_more_is_built_again(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model.execute([request(GOOD["strip"])])
    sound = model._pipeline

    class Broken:
        def feed_input(self, *_: object) -> None:
            raise RuntimeError("Error in a CUDA kernel")

    monkeypatch.setattr(model, "_pipeline", Broken())
    monkeypatch.setattr(model, "_build", lambda: sound)
    responses = model.execute([request(GOOD["strip"]), request(GOOD["tall"])])
    # The batch that met the broken pipeline is run again by halves on the new one: nobody notices.
    assert all(response.error is None for response in responses)


@pytest.mark.parametrize("name", GOOD)
def test_both_halves_are_the_whole_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    backend = load_backend("dali", monkeypatch)
    whole_only(tmp_path)
    answers = []
    for folder in (PREPROCESS, tmp_path):
        instance = backend.TritonPythonModel()
        instance.initialize(arguments(folder, parameters={"num_threads": {"string_value": "1"}}))
        answers.append(pixels(*instance.execute([request(GOOD[name])])))
    difference = levels(*answers)
    # DALI repeats the border where PyTorch cuts the filter off, and sums in another order.
    assert (difference > 0).mean() < 0.06
    assert difference.max() <= 2


@pytest.mark.parametrize("name", GOOD)
def test_a_cpu_gives_the_very_pixels_of_training(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    instance = load_backend("dali", monkeypatch).TritonPythonModel()
    instance.initialize(arguments(PREPROCESS))
    np.testing.assert_array_equal(pixels(*instance.execute([request(GOOD[name])])), expected(GOOD[name]))


def test_a_serialised_pipeline_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = load_backend("dali", monkeypatch)
    for name in ("source", "serialised"):
        (tmp_path / name).mkdir()
    whole_only(tmp_path / "source")
    source = backend._import(PREPROCESS / "1" / "dali.py")
    (tmp_path / "serialised" / "1").mkdir()
    (tmp_path / "serialised" / "1" / "model.dali").write_bytes(source.preprocess(device_id=None).serialize())
    answers = []
    for name in ("source", "serialised"):
        instance = backend.TritonPythonModel()
        instance.initialize(arguments(tmp_path / name))
        answers.append(pixels(*instance.execute([request(GOOD["turned"])])))
    one, other = answers
    np.testing.assert_array_equal(one, other)


def test_a_folder_without_a_pipeline_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = load_backend("dali", monkeypatch)
    with pytest.raises(TritonModelException, match=r"neither model\.dali nor dali\.py"):
        backend.TritonPythonModel().initialize(arguments(tmp_path))


def test_two_marked_pipelines_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = load_backend("dali", monkeypatch)
    shutil.copytree(PREPROCESS / "1", tmp_path / "1")
    with (tmp_path / "1" / "dali.py").open("a") as file:
        file.write("\nother = preprocess\n@autoserialize\n@pipeline_def(batch_size=1)\ndef third():\n    return None\n")
    with pytest.raises(TritonModelException, match="must mark one pipeline"):
        backend.TritonPythonModel().initialize(arguments(tmp_path))
