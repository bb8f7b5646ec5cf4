"""The text of each ``config.pbtxt``: the embedded Triton 2.51 and NVIDIA's containers read the same files."""

import json
from collections.abc import Mapping
from pathlib import Path

from training.export.fingerprint import FILES
from training.export.profiles import Profile, Tuning

#: The drawing that warms ``preprocess`` up, inside the model repository.
WARMUP_IMAGE = Path("preprocess", "warmup", "drawing.jpg")

_HEADER = "# Rendered from labels.txt, spec.json and the model cards: see training/export/configurations.py.\n"

_PREPROCESS = """\
# From the bytes of an image file to the pixels that the networks take.
# Tuned for %(machine)s (%(basis)s, see training/export/profiles).
name: "preprocess"
backend: "dali"
max_batch_size: %(max_batch_size)d
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
  { name: "PIXELS" data_type: TYPE_UINT8 dims: [ 3, %(size)d, %(size)d ] }
]
# No kind: Triton takes the GPU where there is one, and the CPU where not.
instance_group [ { count: %(instances)d } ]
dynamic_batching {%(queueing)s
}
%(threads)smodel_warmup [
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
# TorchScript, with normalisation and softmax inside: pixels to the probabilities, in the order of labels.txt, and to
# the class activation maps that they are made of (training/models/served.py).
# Tuned for %(machine)s (%(basis)s, see training/export/profiles).
name: "%(model)s"
backend: "pytorch"%(file)s
max_batch_size: %(max_batch_size)d
input [
  { name: "INPUT__0" data_type: TYPE_UINT8 dims: [ 3, %(size)d, %(size)d ] }
]
output [
  { name: "OUTPUT__0" data_type: TYPE_FP32 dims: [ %(classes)d ] label_filename: "labels.txt" },
  { name: "OUTPUT__1" data_type: TYPE_FP32 dims: [ %(classes)d, -1, -1 ] }
]
# %(place)s
instance_group [ { count: %(instances)d%(kind)s } ]
dynamic_batching {%(queueing)s
}
%(threads)s%(graph)sparameters { key: "INFERENCE_MODE" value { string_value: "true" } }
# The Python backend would bring each photo to the host first; NVIDIA's own backend leaves it and ignores the word.
parameters { key: "FORCE_CPU_ONLY_INPUT_TENSORS" value { string_value: "no" } }
# For the embedded server's backend on a GPU; it costs no class (docs/experiments.md, 2026-11-25).
parameters { key: "HALF_ON_GPU" value { string_value: "true" } }
model_warmup [
%(warmups)s
]
"""

#: The just-in-time compiler looks at the first run, compiles in the second, and is fast from the third on.
_NETWORK_WARMUP = """\
  {
    name: "batch of %(batch)d"
    batch_size: %(batch)d
    count: 3
    inputs {
      key: "INPUT__0"
      value { data_type: TYPE_UINT8 dims: [ 3, %(size)d, %(size)d ] random_data: true }
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
%(parameters)s"""

_EXPLAINING_ENSEMBLE = """\
# Where %(explained)s looked: the bytes of an image file to the probabilities and, for each class, a map over the image.
name: "%(ensemble)s"
platform: "ensemble"
max_batch_size: 16
input [
  { name: "IMAGE" data_type: TYPE_UINT8 dims: [ -1 ] }
]
output [
  { name: "PROBABILITIES" data_type: TYPE_FP32 dims: [ %(classes)d ] label_filename: "labels.txt" },
  { name: "ACTIVATION_MAPS" data_type: TYPE_FP32 dims: [ %(classes)d, -1, -1 ] }
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
      output_map { key: "OUTPUT__1" value: "ACTIVATION_MAPS" }
    }
  ]
}
"""

_PARAMETER = "parameters { key: %(key)s value { string_value: %(value)s } }\n"


def render_preprocess(profile: Profile, *, size: int, warmup_bytes: int) -> str:
    """Return the configuration of ``preprocess``.

    Args:
        profile: what the machine wants.
        size: edge of the square image in pixels.
        warmup_bytes: length of the warm-up drawing's file, which Triton wants to know beforehand.
    """
    names = {"size": size, "warmup_bytes": warmup_bytes, "warmup_file": WARMUP_IMAGE.name}
    return _HEADER + _PREPROCESS % {**names, **_turned(profile, profile.preprocess, threads="num_threads")}


def render_network(model: str, profile: Profile, *, size: int, classes: int) -> str:
    """Return the configuration of the network ``model``: UINT8 [3, size, size] to FP32 [classes]."""
    tuning = profile.tuning_of(model)
    warmups = ",\n".join(_NETWORK_WARMUP % {"batch": batch, "size": size} for batch in (1, 2))
    graph, file, kind, place = "", "", "", "No kind: Triton takes the GPU where there is one, and the CPU where not."
    if tuning.precision == "int8":
        # Nothing is left to fuse.
        graph = _PARAMETER % {"key": json.dumps("DISABLE_OPTIMIZED_EXECUTION"), "value": json.dumps("true")}
        file = f'\ndefault_model_filename: "{FILES["int8"]}"'
        kind, place = " kind: KIND_CPU", "A GPU has no operators in 8 bits for TorchScript."
    if tuning.precision == "bfloat16":
        graph = _PARAMETER % {"key": json.dumps("BFLOAT16_ON_CPU"), "value": json.dumps("true")}
    if tuning.overlap:
        graph += _PARAMETER % {"key": json.dumps("OVERLAP_ON_CPU"), "value": json.dumps(str(tuning.overlap))}
    names = {"model": model, "size": size, "classes": classes, "warmups": warmups, "graph": graph}
    names |= {"file": file, "kind": kind, "place": place}
    return _HEADER + _NETWORK % {**names, **_turned(profile, tuning, threads="INTRA_OP_THREAD_COUNT")}


def _turned(profile: Profile, tuning: Tuning, *, threads: str) -> dict[str, object]:
    """Return one model's tuning as text; ``threads`` is what its backend calls their number."""
    if tuning.queue is None:
        # See docs/experiments.md, 2026-11-27.
        lines = ["# No queue policy: with one, Triton 2.51 forgets requests for half a second. The gateway bounds it."]
    else:
        # The network's is longer than that of preprocess: a photo that was decoded is not thrown away.
        lines = [f"default_queue_policy {{ max_queue_size: {tuning.queue} }}"]
    if tuning.preferred_batch_sizes:
        lines.append(f"preferred_batch_size: [ {', '.join(map(str, tuning.preferred_batch_sizes))} ]")
    if tuning.queue_delay:
        lines.append(f"max_queue_delay_microseconds: {tuning.queue_delay}")
    queueing = "".join(f"\n  {line}" for line in lines)
    line = _PARAMETER % {"key": json.dumps(threads), "value": json.dumps(str(tuning.threads))} if tuning.threads else ""
    told = {"queueing": queueing, "threads": line, "machine": profile.machine, "basis": profile.basis}
    return {**tuning.model_dump(), **told}


def render_ensemble(ensemble: str, model: str, *, classes: int, parameters: Mapping[str, str]) -> str:
    """Return the configuration of ``ensemble``, which chains ``preprocess`` and the network ``model``.

    Args:
        ensemble: its name, as in the URL.
        model: the network's name.
        classes: how many classes there are.
        parameters: facts about the weights for clients, which Triton hands on and does not read.
    """
    # JSON's quoting of strings is the text format's too, as long as other characters stay as they are.
    lines = (
        _PARAMETER % {"key": json.dumps(key), "value": json.dumps(value, ensure_ascii=False)}
        for key, value in parameters.items()
    )
    names = {"ensemble": ensemble, "model": model, "classes": classes}
    return _HEADER + _ENSEMBLE % {**names, "parameters": "".join(lines)}


def explaining(ensemble: str) -> str:
    """Return the name of the ensemble that says where ``ensemble`` looked."""
    return f"{ensemble}_explain"


def render_explaining_ensemble(ensemble: str, model: str, *, classes: int) -> str:
    """Return the configuration of ``ensemble``'s explaining counterpart: the same steps, with the maps handed out."""
    names = {"explained": ensemble, "ensemble": explaining(ensemble), "model": model, "classes": classes}
    return _HEADER + _EXPLAINING_ENSEMBLE % names
