"""Both backends on the GPU: decoding there, no pixel by the host, and the answers of the CPU."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch.utils.dlpack import from_dlpack

from tests.support.pictures import ALL, bottle, with_orientation
from tests.unit.embedded_triton.backends.backend_loading import CUDA, InferenceResponse, Tensor, load_backend
from training.export.torchscript import ensure_exported
from training.models.model_types import NETWORK_MODELS

pytestmark = pytest.mark.gpu
pytest.importorskip("nvidia.dali", reason="nvidia-dali is not installed: requirements/serve.txt has it")
REPOSITORY = Path(__file__).resolve().parents[2] / "model_repository"
#: What reaches DALI as it came: every variant of JPEG, and what nvJPEG does not take.
NATIVE = (*(name for name in ALL if name.startswith("JPEG")), "PNG", "WebP", "BMP", "TIFF")
ON_GPU, ON_CPU = "GPU", "CPU"


class Request(dict[str, Tensor]):
    """Input tensors by name; asks for the probabilities."""

    def requested_output_names(self) -> tuple[str, ...]:
        return ("OUTPUT__0",)


def files() -> dict[str, bytes]:
    """Mixed formats, sizes and orientations, as they come in one batch."""
    found = {f"{name} {n}": ALL[name](bottle(500 - 37 * n % 400, 380 - 11 * n)) for n, name in enumerate(NATIVE)}
    return found | {f"orientation {n}": with_orientation(bottle(300, 200), n) for n in (1, 3, 6, 8)}


def load(name: str, folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch, **parameters: str) -> Any:
    model = load_backend(name, monkeypatch).TritonPythonModel()
    pixels = {"name": "INPUT__0", "data_type": "TYPE_UINT8", "dims": ["3", "192", "192"]}
    network = {"name": "network", "input": [pixels], "output": [{"name": "OUTPUT__0"}, {"name": "OUTPUT__1"}]}
    config = {"input": [{"name": "IMAGE"}], "output": [{"name": "PIXELS"}]} if name == "dali" else network
    values = {key: {"string_value": value} for key, value in parameters.items()}
    model.initialize(
        {
            "model_config": json.dumps(
                {**config, "max_batch_size": 32, "instance_group": [{"count": 1}], "parameters": values}
            ),
            "model_repository": str(folder),
            "model_version": "1",
            "model_instance_kind": kind,
            "model_instance_device_id": "0",
        }
    )
    return model


def photos(*contents: bytes) -> list[dict[str, Tensor]]:
    return [{"IMAGE": Tensor("IMAGE", np.frombuffer(content, np.uint8)[None])} for content in contents]


def only(response: InferenceResponse) -> Tensor:
    assert response.error is None, response.error
    (tensor,) = response.output_tensors
    return tensor


def test_mixed_formats_in_one_batch_stay_on_the_gpu_and_look_as_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    on_gpu, on_cpu = (load("dali", REPOSITORY / "preprocess", kind, monkeypatch) for kind in (ON_GPU, ON_CPU))
    contents = files()
    requests = photos(*contents.values())
    for name, served, expected in zip(contents, on_gpu.execute(requests), on_cpu.execute(requests), strict=True):
        assert only(served).__dlpack_device__()[0] == CUDA, name
        difference = np.abs(only(served).array().astype(int) - only(expected).array())
        assert difference.mean() < 1.5, name  # levels of 255
        assert difference.max() < 15, name


def test_jpeg_is_decoded_by_the_gpu_and_png_falls_back_to_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    # nvJPEG rounds otherwise than libjpeg-turbo, here and there by one; what the host decodes is the same to the bit.
    source = load_backend("dali", monkeypatch)._import(REPOSITORY / "preprocess" / "1" / "dali.py")

    def decode(device: str) -> Any:
        encoded = source.fn.external_source(name="IMAGE", device="cpu", ndim=1, dtype=source.types.UINT8)
        return source.fn.decoders.image(encoded, device=device, jpeg_fancy_upsampling=True)

    definition = source.pipeline_def(batch_size=2, num_threads=2, prefetch_queue_depth=1)(decode)
    noise = np.random.default_rng(1).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    contents = [np.frombuffer(ALL[name](Image.fromarray(noise)), np.uint8) for name in ("JPEG", "PNG")]
    decoded = []
    for device, device_id in (("mixed", 0), ("cpu", None)):
        pipeline = definition(device, device_id=device_id)
        pipeline.build()
        pipeline.feed_input("IMAGE", contents)
        (output,) = pipeline.run()
        decoded.append([np.array(sample) for sample in output.as_cpu()])
    (jpeg, png), (host_jpeg, host_png) = decoded
    assert np.abs(jpeg.astype(int) - host_jpeg).max() in range(1, 9)
    np.testing.assert_array_equal(png, host_png)


def test_only_the_broken_images_fail_and_the_pipeline_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load("dali", REPOSITORY / "preprocess", ON_GPU, monkeypatch)
    good = list(files().values())
    expected = [only(response).array() for response in model.execute(photos(*good))]
    for _ in range(20):
        contents = [*good[:3], good[0][:400], *good[3:], b"no image at all"]
        responses = model.execute(photos(*contents))
        assert [response.error is not None for response in responses] == [each not in good for each in contents]
        right = [only(response).array() for response in responses if response.error is None]
        for answer, before in zip(right, expected, strict=True):
            assert np.abs(answer.astype(int) - before).mean() < 1.5


@pytest.mark.parametrize("model_type", NETWORK_MODELS)
def test_half_precision_costs_no_class_and_the_gpu_agrees_with_the_cpu(
    monkeypatch: pytest.MonkeyPatch, model_type: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ensure_exported()
    pipeline = load("dali", REPOSITORY / "preprocess", ON_GPU, monkeypatch)
    on_host = load("dali", REPOSITORY / "preprocess", ON_CPU, monkeypatch)
    folder = REPOSITORY / NETWORK_MODELS[model_type]
    half = load("pytorch", folder, ON_GPU, monkeypatch, HALF_ON_GPU="true")
    single = load("pytorch", folder, ON_GPU, monkeypatch)
    cpu = load("pytorch", folder, ON_CPU, monkeypatch)
    # Neither fell back to single launches.
    assert {type(model._network._network).__name__ for model in (half, single)} == {"Graphs"}
    requests = photos(*files().values())
    on_gpu = [Request(INPUT__0=only(response)) for response in pipeline.execute(requests)]
    answers = {
        "half": half.execute(on_gpu),
        "single": single.execute(on_gpu),
        "cpu": cpu.execute([Request(INPUT__0=only(response)) for response in on_host.execute(requests)]),
    }
    values = {name: np.concatenate([only(each).array() for each in responses]) for name, responses in answers.items()}
    assert values["half"].dtype == np.float32
    ranked = np.sort(values["cpu"], axis=1)
    decided = ranked[:, -1] - ranked[:, -2] > 0.02
    assert decided.any()
    for name in ("half", "single"):
        assert np.abs(values[name] - values["cpu"]).max() <= 0.02, name
        np.testing.assert_array_equal(values[name].argmax(1)[decided], values["cpu"].argmax(1)[decided])
    assert np.abs(values["half"] - values["single"]).max() <= 0.02
    np.testing.assert_allclose(values["half"].sum(axis=1), 1, atol=1e-3)


def test_neither_backend_copies_a_photo_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = load("dali", REPOSITORY / "preprocess", ON_GPU, monkeypatch)
    (response,) = pipeline.execute(photos(next(iter(files().values()))))
    tensor = from_dlpack(only(response))
    network = load("pytorch", REPOSITORY / "raw_cnn", ON_GPU, monkeypatch)
    taken = network._network._tensor(tensor)
    assert taken.data_ptr() == tensor.data_ptr()
