"""Train the top of ResNet-50, ``layer4`` and ``fc``, on maps of the layers below that are computed once for each view.

The layers below take three quarters of the time of a step, and on a CPU there is not enough of it to train them.
"""

import copy
import hashlib
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.lib.format import open_memmap
from torch import nn

from training.dataset.augmentation import mix
from training.dataset.entries import load_photos
from training.dataset.preprocessing import normalise
from training.dataset.specification import Specification
from training.models.resnet50 import ResNet50
from training.train import checkpoints
from training.train.checkpoint_writer import CheckpointWriter
from training.train.distillation import Teacher
from training.train.engine import batches, learning_rate_factor
from training.train.history import Row, validation_row
from training.train.initialisation import initialise
from training.train.precision import mixed_precision
from training.train.progress import Progress
from training.train.providers import PYTORCH
from training.train.pytorch_learner import PyTorchLearner
from training.train.recipes import Augmentation, Recipe
from training.train.run import (
    RunData,
    RunResult,
    RunStart,
    check_start,
    origin_of,
    restore,
    say_what_is_read,
    write_record,
)
from training.train.state import TrainingState
from training.train.training_set import TrainingSet, load_training_set

_BATCH = 32
#: Pictures by which the largest value of each channel is found.
_SAMPLE = 256
#: Share of a channel's values that eight bits hold; those above are cut.
_KEPT = 0.9995


class TopLayers(nn.Module):
    """``layer4`` and ``fc`` of a ResNet-50, shared with it: maps FP32 [N, 1024, H, W] to logits [N, classes]."""

    def __init__(self, network: ResNet50) -> None:
        super().__init__()
        self.layer4 = network.get_submodule("layer4")
        self.fc = network.fc

    def features(self, maps: torch.Tensor) -> torch.Tensor:
        """Return the last feature map, [N, 2048, H / 2, W / 2]."""
        return cast(torch.Tensor, self.layer4(maps))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return cast(torch.Tensor, self.fc(self.features(maps).mean(dim=(2, 3))))


@dataclass(frozen=True)
class KeptMaps:
    """Maps of V views of N photos in eight bits.

    Attributes:
        values: UINT8 [N, V, H, W, C] in a file.
        scale: FP32 [C], the value of one step.
    """

    values: np.ndarray
    scale: torch.Tensor

    def draw(self, rows: torch.Tensor, views: torch.Tensor) -> torch.Tensor:
        """Return the maps of some photos [B] in one view each [B]: FP32 [B, C, H, W], channels last in memory."""
        chosen = torch.from_numpy(self.values[rows.numpy(), views.numpy()])
        return (chosen * self.scale).permute(0, 3, 1, 2)


def kept_maps(network: ResNet50, pictures: np.ndarray, specification: Specification, folder: Path) -> KeptMaps:
    """Compute the map below ``layer4`` of every picture, or take what an earlier run left in ``folder``.

    Args:
        network: whose layers below ``layer4`` make the maps; in evaluation mode.
        pictures: UINT8 [N, V, 3, S, S], the views in ``folder``.
        specification: how pixels are normalised.
        folder: keeps the maps, 147 kB for a view of 192 pixels.
    """
    values_file, scale_file, stamp_file = (folder / name for name in ("maps.npy", "maps_scale.npy", "maps.json"))
    stamp = {"views": json.loads((folder / "views.json").read_text(encoding="utf-8")), "layers": _digest(network)}
    if not (stamp_file.exists() and json.loads(stamp_file.read_text(encoding="utf-8")) == stamp):
        stamp_file.unlink(missing_ok=True)
        flat = pictures.reshape(-1, *pictures.shape[2:])
        sample = np.random.default_rng(0).choice(len(flat), min(_SAMPLE, len(flat)), replace=False)
        found = np.concatenate([maps.numpy() for maps in _maps(network, flat[np.sort(sample)], specification)])
        scale = np.maximum(np.quantile(found, _KEPT, axis=(0, 2, 3)), 1e-3).astype(np.float32) / 255
        np.save(scale_file, scale)
        values = open_memmap(values_file, "w+", np.uint8, (len(flat), *found.shape[2:], found.shape[1]))
        first = 0
        for maps in _maps(network, flat, specification):
            steps = np.rint(maps.permute(0, 2, 3, 1).numpy() / scale)
            values[first : first + len(maps)] = steps.clip(0, 255)
            first += len(maps)
        values.flush()
        stamp_file.write_text(json.dumps(stamp), encoding="utf-8")
    values = np.load(values_file, mmap_mode="r")
    return KeptMaps(values.reshape(*pictures.shape[:2], *values.shape[1:]), torch.from_numpy(np.load(scale_file)))


@torch.no_grad()
def _maps(network: ResNet50, pictures: np.ndarray, specification: Specification) -> Iterator[torch.Tensor]:
    device = next(network.parameters()).device
    for first in range(0, len(pictures), _BATCH):
        pixels = torch.from_numpy(np.array(pictures[first : first + _BATCH]))
        with mixed_precision(device, wanted=True):
            maps = network.maps_below(normalise(pixels.to(device), specification))
        yield maps.float().cpu()


def train_top_layers(
    model_type: str, data: RunData, recipe: Recipe, output: Path, start: RunStart | None = None
) -> RunResult:
    """Train ``layer4`` and ``fc`` of ``start.initial``; leave in ``output`` what ``training.train.run.run`` leaves.

    Args:
        model_type: ``pretrained``; no other network has these layers.
        data: the photos.
        recipe: one with ``maps_once``.
        output: the folder of the run.
        start: holds the initial weights; a teacher needs the same ones below ``layer4``.

    Raises:
        ValueError: the model is another one; there are no initial weights; photos, weights or the teacher's do not
            fit; or ``output`` holds a run and ``resume`` is false.
    """
    start = start or RunStart()
    if model_type != "pretrained" or start.provider != PYTORCH:
        raise ValueError("this recipe trains the top of ResNet-50 by PyTorch: say --model pretrained, no --provider")
    if start.initial is None:
        raise ValueError("this recipe trains the top of trained weights: say --init FILE")
    check_start(recipe, output, start)
    torch.manual_seed(recipe.seed)
    progress = Progress(recipe.epochs)
    say_what_is_read(data, recipe, progress)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = ResNet50(len(data.classes))
    initialise(network, start.initial)
    network = network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    teacher = _teacher(network, recipe, start.teacher_weights, len(data.classes), device)
    photos = load_training_set(data.train, data.classes, recipe, output, size=0, general=data.general)
    progress.say("computing their maps")
    maps = kept_maps(network, photos.pictures.numpy(), data.specification, output)
    val = load_photos(data.val, data.classes, data.specification.size)
    val_maps = torch.cat(list(_maps(network, val.pixels.numpy(), data.specification)))
    fitted = recipe.fitted_to(len(photos))
    feature_size = None if photos.features is None else photos.features.shape[-1]
    learner = PyTorchLearner(TopLayers(network), fitted, feature_size)
    state = TrainingState(learner, torch.Generator().manual_seed(recipe.seed))
    origin = origin_of(recipe, start)
    restore(state, output, origin)
    write_record(output, model_type, data, recipe, start, learner.versions)
    writer = CheckpointWriter(output)
    interrupted = False
    try:
        for number in range(len(state.history), recipe.epochs):
            row = _epoch(number, state, photos, maps, fitted, teacher, progress)
            row |= validation_row(_logits(learner.averaged, val_maps.to(device)), val.labels)
            state.history.append(row)
            progress.epoch(row)
            writer.epoch(origin | state.state_dict(), _with_top(network, learner.averaged))
    except KeyboardInterrupt:
        interrupted = True
    finally:
        progress.close()
        writer.flush()
    if not state.history:
        raise ValueError("interrupted before the first epoch was over: nothing was kept")
    return RunResult(output / "best.safetensors", state.history[-1], len(state.history), interrupted)


def _epoch(
    number: int,
    state: TrainingState,
    photos: TrainingSet,
    maps: KeptMaps,
    recipe: Recipe,
    teacher: Teacher | None,
    progress: Progress,
) -> Row:
    learner, generator = cast(PyTorchLearner, state.learner), state.generator
    device = next(learner.network.parameters()).device
    stage = recipe.stage_of(number)
    learner.begin(stage)
    epoch_batches = list(batches(len(photos), recipe, photos.weights, generator))
    total = recipe.epochs * len(epoch_batches)
    began, losses = time.monotonic(), []
    progress.begin(number, len(epoch_batches))
    for step, rows in enumerate(epoch_batches, start=number * len(epoch_batches)):
        views = photos.draw_views(len(rows), generator)
        seen = _part(maps.draw(rows, views).to(device), recipe.augmentation, generator)
        targets = photos.targets[rows].to(device)
        if teacher is not None:
            targets = teacher.teach(seen, targets, photos.is_home[rows])
        mixed, mixed_targets = seen, targets
        if stage.mixing:
            mixed, mixed_targets = mix(seen, targets, recipe.augmentation, generator)
        # The features of a mixture are nobody's.
        features = photos.features[rows, views] if photos.features is not None and mixed is seen else None
        rate = recipe.learning_rate * learning_rate_factor(step / total, recipe.warmup)
        losses.append(learner.step(mixed, mixed_targets, None if features is None else features.to(device), rate))
        progress.step(losses[-1], rate)
    mean = float(torch.stack(losses).mean())
    return {"epoch": number + 1, "seconds": round(time.monotonic() - began, 1), "train_loss": mean}


def _part(maps: torch.Tensor, settings: Augmentation, generator: torch.Generator) -> torch.Tensor:
    """Cut a part out of maps [N, C, H, W], the same of all, mirrored or turned; nothing is interpolated."""
    edge = maps.shape[-1]
    side = int(torch.randint(math.ceil(edge * math.sqrt(settings.min_area)), edge + 1, (1,), generator=generator))
    top, left = torch.randint(0, edge - side + 1, (2,), generator=generator).tolist()
    maps = maps[:, :, top : top + side, left : left + side]
    if torch.rand(1, generator=generator) < 0.5:
        maps = maps.flip(3)
    if settings.quarter_turns:
        maps = torch.rot90(maps, int(torch.randint(0, 4, (1,), generator=generator)), (2, 3))
    return maps.contiguous(memory_format=torch.channels_last)


def _teacher(
    network: ResNet50, recipe: Recipe, weights: Path | None, classes: int, device: torch.device
) -> Teacher | None:
    if recipe.teacher is None or weights is None:
        return None
    teaches = ResNet50(classes)
    checkpoints.load_weights(teaches, weights)
    if _digest(teaches) != _digest(network):
        raise ValueError(f"{weights} has other layers below layer4 than --init: it cannot teach on the same maps")
    top = TopLayers(teaches).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Teacher(top, recipe.teacher, mixed=recipe.mixed_precision)


@torch.no_grad()
def _logits(top: nn.Module, maps: torch.Tensor) -> torch.Tensor:
    top.eval()
    return torch.cat([top(chunk).float() for chunk in torch.split(maps, _BATCH)]).cpu()


def _with_top(network: ResNet50, top: nn.Module) -> ResNet50:
    whole = copy.deepcopy(network)
    whole.load_state_dict(network.state_dict() | top.state_dict())
    return whole


def _digest(network: ResNet50) -> str:
    """Return the SHA-256 of all that maps depend on."""
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        if not name.startswith(("layer4.", "fc.")) and tensor.is_floating_point():
            digest.update(name.encode() + tensor.float().cpu().numpy().tobytes())
    return digest.hexdigest()
