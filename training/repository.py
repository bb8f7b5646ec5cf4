"""Renders the model repository's configurations and label files from the class file and the specification.

The rendered files are committed, so that a reader and Triton see them without running anything; a test compares them
with this module. ``write_repository`` renders them anew, say after the class file was changed.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from training.checkpoints import write_atomically
from training.classes import MODEL_REPOSITORY, read_classes
from training.networks import NETWORK_MODELS
from training.preprocessing import load_specification

#: The drawing that warms ``preprocess`` up, inside the model repository.
WARMUP_IMAGE = Path("preprocess", "warmup", "drawing.jpg")

_HEADER = (
    "# Rendered by training/repository.py from labels.txt and preprocess/1/spec.json: change those, or the template.\n"
)

_PREPROCESS = """\
# From the bytes of an image file to the normalised tensor that the networks take.
name: "preprocess"
backend: "dali"
max_batch_size: 16
input [
  {
    name: "IMAGE"
    data_type: TYPE_UINT8
    dims: [ -1 ]
    # Files differ in length: without this no two of them ever share a batch.
    allow_ragged_batch: true
  }
]
output [
  { name: "PIXELS" data_type: TYPE_FP32 dims: [ 3, %(size)d, %(size)d ] }
]
# No kind: Triton takes the GPU where there is one, and the CPU where not.
instance_group [ { count: 1 } ]
dynamic_batching {
  # A full queue answers at once, with UNAVAILABLE, instead of letting everyone wait.
  default_queue_policy { max_queue_size: 64 }
}
model_warmup [
  {
    name: "drawing"
    batch_size: 1
    inputs {
      key: "IMAGE"
      value { data_type: TYPE_UINT8 dims: [ %(warmup_bytes)d ] input_data_file: "%(warmup_file)s" }
    }
  }
]
"""

_NETWORK = """\
# TorchScript, with the softmax inside: the normalised tensor to the probabilities, in the order of labels.txt.
name: "%(model)s"
backend: "pytorch"
max_batch_size: 16
input [
  { name: "INPUT__0" data_type: TYPE_FP32 dims: [ 3, %(size)d, %(size)d ] }
]
output [
  { name: "OUTPUT__0" data_type: TYPE_FP32 dims: [ %(classes)d ] label_filename: "labels.txt" }
]
# No kind: Triton takes the GPU where there is one, and the CPU where not.
instance_group [ { count: 1 } ]
dynamic_batching {
  # Longer than the queue of preprocess: a photo that was decoded is not thrown away.
  default_queue_policy { max_queue_size: 256 }
}
parameters { key: "INFERENCE_MODE" value { string_value: "true" } }
model_warmup [
%(warmups)s
]
"""

_NETWORK_WARMUP = """\
  {
    name: "batch of %(batch)d"
    batch_size: %(batch)d
    inputs {
      key: "INPUT__0"
      value { data_type: TYPE_FP32 dims: [ 3, %(size)d, %(size)d ] random_data: true }
    }
  }"""

_ENSEMBLE = """\
# What clients call: the bytes of an image file to the probability of each class of labels.txt.
name: "%(ensemble)s"
platform: "ensemble"
max_batch_size: 16
input [
  { name: "IMAGE" data_type: TYPE_UINT8 dims: [ -1 ] }
]
output [
  { name: "PROBABILITIES" data_type: TYPE_FP32 dims: [ %(classes)d ] label_filename: "labels.txt" }
]
ensemble_scheduling {
  step [
    {
      model_name: "preprocess"
      model_version: -1
      input_map { key: "IMAGE" value: "IMAGE" }
      output_map { key: "PIXELS" value: "PIXELS" }
    },
    {
      model_name: "%(model)s"
      model_version: -1
      input_map { key: "INPUT__0" value: "PIXELS" }
      output_map { key: "OUTPUT__0" value: "PROBABILITIES" }
    }
  ]
}
"""


def render_preprocess(*, size: int, warmup_bytes: int) -> str:
    """Return the configuration of ``preprocess``.

    Args:
        size: edge of the square image in pixels.
        warmup_bytes: length of the warm-up drawing's file, which Triton wants to know beforehand.
    """
    return _HEADER + _PREPROCESS % {"size": size, "warmup_bytes": warmup_bytes, "warmup_file": WARMUP_IMAGE.name}


def render_network(model: str, *, size: int, classes: int) -> str:
    """Return the configuration of the network ``model``: FP32 [3, size, size] to FP32 [classes]."""
    warmups = ",\n".join(_NETWORK_WARMUP % {"batch": batch, "size": size} for batch in (1, 8))
    return _HEADER + _NETWORK % {"model": model, "size": size, "classes": classes, "warmups": warmups}


def render_ensemble(ensemble: str, model: str, *, classes: int) -> str:
    """Return the configuration of ``ensemble``, which chains ``preprocess`` and the network ``model``."""
    return _HEADER + _ENSEMBLE % {"ensemble": ensemble, "model": model, "classes": classes}


def render_repository(
    classes: tuple[str, ...], *, size: int, warmup_bytes: int, networks: Mapping[str, str] = NETWORK_MODELS
) -> dict[Path, str]:
    """Return every rendered file of the model repository.

    Args:
        classes: the class names in their order.
        size: edge of the square image in pixels.
        warmup_bytes: length of the warm-up drawing's file.
        networks: for each ensemble the name of its network.

    Returns:
        The content of each file by its path inside the repository.
    """
    labels = "".join(f"{name}\n" for name in classes)
    files = {Path("preprocess", "config.pbtxt"): render_preprocess(size=size, warmup_bytes=warmup_bytes)}
    for ensemble, model in networks.items():
        files[Path(model, "config.pbtxt")] = render_network(model, size=size, classes=len(classes))
        files[Path(ensemble, "config.pbtxt")] = render_ensemble(ensemble, model, classes=len(classes))
        files |= {Path(name, "labels.txt"): labels for name in (model, ensemble)}
    return files


def write_repository(model_repository: Path = MODEL_REPOSITORY) -> list[Path]:
    """Render the files whose content is not what it should be, each replaced atomically.

    Returns:
        The files that were written.

    Raises:
        FileNotFoundError: the class file, the specification or the warm-up drawing is missing.
    """
    files = render_repository(
        read_classes(model_repository),
        size=load_specification(model_repository).size,
        warmup_bytes=(model_repository / WARMUP_IMAGE).stat().st_size,
    )
    written = []
    for relative, content in files.items():
        path = model_repository / relative
        if not path.is_file() or path.read_text(encoding="utf-8") != content:
            write_atomically(path, partial(_write, content))
            written.append(path)
    return written


def _write(content: str, path: Path) -> None:
    path.write_text(content, encoding="utf-8")
