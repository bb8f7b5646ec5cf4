"""Reads of the model repository what the embedded server needs to know: the ensembles, and whether all is there."""

import codecs
import shlex
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from embedded_triton.errors import RepositoryError

_ARTIFACTS = {"pytorch": ("model.pt",), "dali": ("dali.py", "model.dali")}


@dataclass(frozen=True)
class ModelRepository:
    """A model repository that was found whole.

    Attributes:
        path: the folder.
        models: the folders of its models.
        ensembles: the names of ensembles, which clients call; of those with the same steps one, whose answer speaks
            for all of them.
        probe_image: a small image file that every ensemble can answer.
        instances: how many of each model that computes work at the same time, on each device.
    """

    path: Path
    models: tuple[Path, ...]
    ensembles: tuple[str, ...]
    probe_image: Path
    instances: dict[str, int]


def read_repository(path: Path, profile: str | None = None) -> ModelRepository:
    """Read the configurations of all models and check that their files are there.

    Args:
        path: the folder.
        profile: the tuning profile that will be served; None for the configurations as they are.

    Raises:
        RepositoryError: a configuration cannot be parsed, or something is missing.
    """
    configs = {}
    for folder in sorted(file.parent for file in path.glob("[!.]*/config.pbtxt")):
        turned = folder / "configs" / f"{profile}.pbtxt"
        config = configs[folder] = _parse(turned if turned.is_file() else folder / "config.pbtxt")
        named = config.default_model_filename
        artifacts = (named,) if named else _ARTIFACTS.get(config.backend)
        found = [folder / "1" / name for name in artifacts or () if (folder / "1" / name).is_file()]
        if artifacts and not found:
            raise RepositoryError(
                f"The model {config.name} has no {' or '.join(artifacts)} in {folder / '1'}.",
                "Export the models first: `bin-it-right export`.",
            )
        for file in found:
            _require_whole(file)
        for output in config.output:
            _require_plain_labels(folder / output.label_filename if output.label_filename else None)
    by_steps: dict[tuple[str, ...], str] = {}
    for config in configs.values():
        if config.platform == "ensemble":
            by_steps.setdefault(tuple(step.model_name for step in config.ensemble_scheduling.step), config.name)
    ensembles = tuple(by_steps.values())
    images = sorted(path.glob("*/warmup/*.jpg"))
    if not ensembles or not images:
        raise RepositoryError(
            f"{path} holds {len(ensembles)} ensembles and {len(images)} warm-up images; one of each is the least.",
            "Name a model repository of this project.",
        )
    instances = {
        config.name: sum(group.count or 1 for group in config.instance_group) or 1
        for config in configs.values()
        if config.platform != "ensemble"
    }
    return ModelRepository(path, tuple(configs), ensembles, images[0], instances)


def _require_whole(file: Path) -> None:
    """Compare a TorchScript file with the checksums that it holds: a wrong bit would be a wrong answer, or worse."""
    if file.suffix != ".pt":
        return
    try:
        with zipfile.ZipFile(file) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error) as exc:
        damaged = str(exc)
    if damaged:
        raise RepositoryError(
            f"{file} is damaged: its checksum does not fit ({damaged}).",
            f"Export it anew: `rm {shlex.quote(str(file))}`, then `bin-it-right export`.",
        )


def _require_plain_labels(file: Path | None) -> None:
    """Refuse a byte order mark, which Triton would make a part of the first class's name."""
    if file is not None and file.is_file() and file.read_bytes().startswith(codecs.BOM_UTF8):
        raise RepositoryError(
            f"{file} begins with a byte order mark.",
            "Save it as UTF-8 without one, or render it: `bin-it-right export`.",
        )


def _parse(file: Path) -> model_config_pb2.ModelConfig:
    try:
        return text_format.Parse(file.read_text(encoding="utf-8"), model_config_pb2.ModelConfig())
    except text_format.ParseError as exc:
        raise RepositoryError(f"{file} cannot be parsed: {exc}.", "Render it anew: `bin-it-right export`.") from exc
