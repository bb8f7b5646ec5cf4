"""What the DALI backend does otherwise where it decodes for a GPU; no GPU is needed to see it."""

from typing import Any

import pytest
import torch
from google.protobuf import json_format, text_format
from torch.utils.dlpack import from_dlpack
from tritonclient.grpc import model_config_pb2

from tests.unit.embedded_triton.backends.backend_loading import load_backend
from tests.unit.embedded_triton.backends.dali_backend import (
    BAD,
    GOOD,
    PREPROCESS,
    arguments,
    batches_module,
    expected,
    levels,
    pixels,
    request,
)

pytest.importorskip("nvidia.dali", reason="nvidia-dali is not installed: requirements/serve.txt has it")


def test_a_single_image_is_handed_over_as_a_capsule_for_which_the_stub_does_not_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load_backend("dali", monkeypatch)
    batches = batches_module().DeviceBatches(torch, "cpu")
    image = torch.arange(12, dtype=torch.uint8).reshape(3, 2, 2)
    single = batches.join([image])
    assert type(single).__name__ == "PyCapsule"
    assert from_dlpack(single).data_ptr() == image.data_ptr()
    # PyTorch may still be putting several together.
    assert isinstance(batches.join([image, image]), torch.Tensor)


def test_each_pipeline_of_a_gpu_begins_with_a_full_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = load_backend("dali", monkeypatch)
    config = text_format.Parse((PREPROCESS / "config.pbtxt").read_text(), model_config_pb2.ModelConfig())
    content = json_format.MessageToDict(config, preserving_proto_field_name=True)
    model = backend.TritonPythonModel()
    model.initialize(arguments(PREPROCESS, max_batch_size=4))
    assert model._first_batch == []
    model._first_batch = backend._warm_up(content, PREPROCESS) * 4
    ran: list[int] = []
    sound = model._build

    class Watched:
        def __init__(self) -> None:
            self._pipeline = sound()

        def feed_input(self, name: str, samples: list[Any]) -> None:
            ran.append(len(samples))
            self._pipeline.feed_input(name, samples)

        def run(self) -> Any:
            return self._pipeline.run()

    monkeypatch.setattr(model, "_build", Watched)
    model._pipeline = model._built()
    assert ran == [4]
    (response,) = model.execute([request(GOOD["strip"])])
    assert levels(pixels(response), expected(GOOD["strip"])).max() <= 12
    assert ran == [4, 1]
    # A pipeline that is built again begins so too.
    monkeypatch.setattr(model, "_known", None)
    model.execute([request(BAD["half a PNG"])])
    assert ran == [4, 1, 1, 4]


def test_a_gpu_decodes_jpeg_itself_and_a_cpu_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    source = load_backend("dali", monkeypatch)._import(PREPROCESS / "1" / "dali.py")
    devices: list[str] = []
    decode_image = source.fn.decoders.image

    def image(encoded: Any, **options: Any) -> Any:
        devices.append(options["device"])
        return decode_image(encoded, **options)

    monkeypatch.setattr(source.fn.decoders, "image", image)
    for device_id in (None, 0):
        source.preprocess(device_id=device_id)
    assert devices == ["cpu", "mixed"]


def test_where_pytorch_has_no_gpu_the_pixels_go_by_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    load_backend("dali", monkeypatch)
    batches = batches_module()
    for has_gpu, gpu, kind in (
        (False, None, batches.HostBatches),
        (True, None, batches.HostBatches),
        (False, 0, batches.HostBatches),
        (True, 0, batches.DeviceBatches),
    ):
        monkeypatch.setattr(torch.cuda, "is_available", lambda has_gpu=has_gpu: has_gpu)
        assert isinstance(batches.batches_for(gpu=gpu), kind)
