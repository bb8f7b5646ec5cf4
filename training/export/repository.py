"""Writes the model repository's configurations and label files from class files, specification and model cards.

The files are committed, so that a reader and Triton see them without running anything; a test compares them with what
this module renders.
"""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from training.atomic_write import write_atomically
from training.dataset.class_descriptions import ClassDescription, read_class_descriptions
from training.dataset.classes import MODEL_REPOSITORY, read_classes
from training.dataset.specification import load_specification
from training.evaluate.card import WEIGHTS, ModelCard, card_path, read_card
from training.export.configurations import (
    WARMUP_IMAGE,
    explaining,
    render_ensemble,
    render_explaining_ensemble,
    render_network,
    render_preprocess,
)
from training.export.profiles import DEFAULT, load_profiles
from training.models.model_types import NETWORK_MODELS

_DIGEST = 12
_DECIMALS = 4


def describe_weights(card: ModelCard) -> dict[str, str]:
    """Return what the gateway learns of the weights from Triton: their digest, the threshold, and JSON documents.

    ``metrics`` holds the metrics by split, ``places`` how well it does at other places, ``drift_reference``
    what the answers looked like on the validation split.
    """
    parameters = {
        "weights_digest": card.weights_sha256[:_DIGEST],
        "confidence_threshold": str(round(card.calibration.confidence_threshold, _DECIMALS)),
        "metrics": _compact({name: report.metrics for name, report in card.metrics.items()}),
    }
    if card.places is not None:
        without_confusion = {"places": {"__all__": {"confusion"}}}
        parameters["places"] = _compact(card.places.model_dump(mode="json", exclude=without_confusion))
    if card.drift_reference is not None:
        parameters["drift_reference"] = _compact(card.drift_reference.model_dump(mode="json"))
    return parameters


def describe_classes(descriptions: Mapping[str, ClassDescription]) -> dict[str, str]:
    """Return what the gateway learns of the classes from Triton: names, advice and colours, as a JSON document."""
    if not descriptions:
        return {}
    return {"class_descriptions": _compact({name: each.model_dump() for name, each in descriptions.items()})}


def render_repository(
    classes: tuple[str, ...],
    *,
    size: int,
    warmup_bytes: int,
    cards: Mapping[str, ModelCard],
    networks: Mapping[str, str] = NETWORK_MODELS,
    descriptions: Mapping[str, ClassDescription] | None = None,
) -> dict[Path, str]:
    """Return every rendered file of the model repository.

    Args:
        classes: the class names in their order.
        size: edge of the square image in pixels.
        warmup_bytes: length of the warm-up drawing's file.
        cards: the model cards, by ensemble; an ensemble without one says nothing of its weights.
        networks: for each ensemble the name of its network.
        descriptions: what is shown of each class, where it is known.

    Returns:
        The content of each file by its path inside the repository.
    """
    labels = "".join(f"{name}\n" for name in classes)
    files = {}
    for name, profile in load_profiles().items():
        config = Path("config.pbtxt") if name == DEFAULT else Path("configs", f"{name}.pbtxt")
        files["preprocess" / config] = render_preprocess(profile, size=size, warmup_bytes=warmup_bytes)
        for ensemble, model in networks.items():
            precision = None if ensemble not in cards or cards[ensemble].allows_bfloat16() else "float32"
            files[model / config] = render_network(
                model, profile, size=size, classes=len(classes), cpu_precision=precision
            )
    for ensemble, model in networks.items():
        parameters = describe_weights(cards[ensemble]) if ensemble in cards else {}
        parameters |= describe_classes(descriptions or {})
        files[Path(ensemble, "config.pbtxt")] = render_ensemble(
            ensemble, model, classes=len(classes), parameters=parameters
        )
        explain = explaining(ensemble)
        files[Path(explain, "config.pbtxt")] = render_explaining_ensemble(ensemble, model, classes=len(classes))
        files |= {Path(name, "labels.txt"): labels for name in (model, ensemble, explain)}
    return files


def networks_of(weights_folder: Path) -> dict[str, str]:
    """Return, for each model type that a folder of one's own weights has a card of, the name of its network.

    Raises:
        FileNotFoundError: there is no card at all.
    """
    found = {name: model for name, model in NETWORK_MODELS.items() if card_path(name, weights_folder).exists()}
    if not found:
        raise FileNotFoundError(f"{weights_folder} has no model card: evaluate and promote weights into it first")
    return found


def render_from(
    model_repository: Path = MODEL_REPOSITORY,
    weights_folder: Path = WEIGHTS,
    networks: Mapping[str, str] = NETWORK_MODELS,
) -> dict[Path, str]:
    """Return every rendered file for the class file, specification, warm-up drawing and cards that are there.

    Raises:
        FileNotFoundError: one of the first three is missing.
        ValueError: a class file or a card is malformed, or a card belongs to other weights.
    """
    classes = read_classes(model_repository)
    return render_repository(
        classes,
        size=load_specification(model_repository).size,
        warmup_bytes=(model_repository / WARMUP_IMAGE).stat().st_size,
        cards={name: read_card(name, weights_folder) for name in networks if card_path(name, weights_folder).exists()},
        networks=networks,
        descriptions=read_class_descriptions(model_repository, classes),
    )


def write_repository(
    model_repository: Path = MODEL_REPOSITORY,
    weights_folder: Path = WEIGHTS,
    networks: Mapping[str, str] = NETWORK_MODELS,
) -> list[Path]:
    """Write the files whose content is not what ``render_from`` returns, each replaced atomically.

    Every model gets its version folder too: Triton ignores a model without one.

    Returns:
        The files that were written.
    """
    written = []
    for relative, content in render_from(model_repository, weights_folder, networks).items():
        path = model_repository / relative
        (model_repository / relative.parts[0] / "1").mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != content:
            write_atomically(path, partial(_write, content))
            written.append(path)
    return written


def _compact(document: object) -> str:
    return json.dumps(_rounded(document), ensure_ascii=False, separators=(",", ":"))


def _rounded(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return round(value, _DECIMALS) if isinstance(value, float) else value


def _write(content: str, path: Path) -> None:
    path.write_text(content, encoding="utf-8")
