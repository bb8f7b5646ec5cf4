"""The text of each ``config.pbtxt``: the embedded Triton 2.51 and NVIDIA's containers read the same files."""

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template

from training.export.profiles import Profile, Tuning

#: The drawing that warms ``preprocess`` up, inside the model repository.
WARMUP_IMAGE = Path("preprocess", "warmup", "drawing.jpg")

_TEMPLATES = Path(__file__).with_name("templates")


def render_preprocess(profile: Profile, *, size: int, warmup_bytes: int) -> str:
    """Return the configuration of ``preprocess``.

    Args:
        profile: what the machine wants.
        size: edge of the square image in pixels.
        warmup_bytes: length of the warm-up drawing's file, which Triton wants to know beforehand.
    """
    tuning = profile.preprocess
    return _render(
        "preprocess",
        _tuned(profile, tuning),
        size=size,
        warmup_bytes=warmup_bytes,
        warmup_file=WARMUP_IMAGE.name,
        parameters=_parameters({"num_threads": str(tuning.threads)} if tuning.threads else {}),
    )


def render_network(model: str, profile: Profile, *, size: int, classes: int, cpu_precision: str | None = None) -> str:
    """Return the configuration of the network ``model``: UINT8 [3, size, size] to FP32 [classes].

    Args:
        model: its name.
        profile: what the machine wants.
        size: edge of the square image in pixels.
        classes: how many classes there are.
        cpu_precision: of the embedded server on a CPU; None leaves the choice to it.
    """
    tuning = profile.tuning_of(model)
    parameters = {"INTRA_OP_THREAD_COUNT": str(tuning.threads)} if tuning.threads else {}
    parameters |= {"CPU_PRECISION": cpu_precision} if cpu_precision else {}
    names = {"model": model, "size": size, "classes": classes, "parameters": _parameters(parameters)}
    return _render("network", _tuned(profile, tuning), **names)


def render_ensemble(ensemble: str, model: str, *, classes: int, parameters: Mapping[str, str]) -> str:
    """Return the configuration of ``ensemble``, which chains ``preprocess`` and the network ``model``.

    Args:
        ensemble: its name, as in the URL.
        model: the network's name.
        classes: how many classes there are.
        parameters: facts about the weights for clients, which Triton hands on and does not read.
    """
    purpose = "What clients call: the bytes of an image file to the probability of each class of labels.txt."
    outputs = {"OUTPUT__0": _probabilities(classes)}
    return _render_ensemble(ensemble, model, purpose, outputs, _parameters(parameters))


def explaining(ensemble: str) -> str:
    """Return the name of the ensemble that says where ``ensemble`` looked."""
    return f"{ensemble}_explain"


def render_explaining_ensemble(ensemble: str, model: str, *, classes: int) -> str:
    """Return the configuration of ``ensemble``'s explaining counterpart: the same steps, with the maps handed out."""
    purpose = (
        f"Where {ensemble} looked: the bytes of an image file to the probabilities and, for each class, a map over the "
        "image."
    )
    maps = f'{{ name: "ACTIVATION_MAPS" data_type: TYPE_FP32 dims: [ {classes}, -1, -1 ] }}'
    outputs = {"OUTPUT__0": _probabilities(classes), "OUTPUT__1": maps}
    return _render_ensemble(explaining(ensemble), model, purpose, outputs, "")


def _render_ensemble(ensemble: str, model: str, purpose: str, outputs: Mapping[str, str], parameters: str) -> str:
    """Render the one template of ensembles; ``outputs`` has, by the network's output, the ensemble's declaration."""
    names = {each: declaration.split('"')[1] for each, declaration in outputs.items()}
    maps = (f'      output_map {{ key: "{each}" value: "{name}" }}' for each, name in names.items())
    return _render(
        "ensemble",
        {},
        purpose=purpose,
        ensemble=ensemble,
        model=model,
        outputs=",\n".join(f"  {declaration}" for declaration in outputs.values()),
        output_maps="\n".join(maps),
        parameters=parameters,
    )


def _probabilities(classes: int) -> str:
    return f'{{ name: "PROBABILITIES" data_type: TYPE_FP32 dims: [ {classes} ] label_filename: "labels.txt" }}'


def _render(template: str, tuned: Mapping[str, object], **names: object) -> str:
    text = (_TEMPLATES / f"{template}.pbtxt").read_text(encoding="utf-8")
    return Template(text).substitute(tuned, **names).rstrip("\n") + "\n"


def _tuned(profile: Profile, tuning: Tuning) -> dict[str, object]:
    """Return one model's tuning as text."""
    # See docs/experiments.md, 2026-11-27. A delay stalls a full batch too (triton-inference-server/server#8870).
    lines = ["# No queue policy: with one, Triton 2.51 forgets requests for half a second. The gateway bounds it."]
    if tuning.preferred_batch_sizes:
        lines.append(f"preferred_batch_size: [ {', '.join(map(str, tuning.preferred_batch_sizes))} ]")
    queueing = "".join(f"\n  {line}" for line in lines)
    return {**tuning.model_dump(), "queueing": queueing, "machine": profile.machine, "basis": profile.basis}


def _parameters(values: Mapping[str, str]) -> str:
    """Return parameters, a line each."""
    # JSON's quoting of strings is the text format's too, as long as other characters stay as they are.
    quoted = ((json.dumps(key), json.dumps(value, ensure_ascii=False)) for key, value in values.items())
    return "".join(f"parameters {{ key: {key} value {{ string_value: {value} }} }}\n" for key, value in quoted)
