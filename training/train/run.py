"""A training run: from photos and a recipe to the best weights, checkpoints, and curves."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from training.atomic_write import write_atomically
from training.dataset.entries import Entry, PhotoSet, load_photos
from training.dataset.specification import Specification
from training.evaluate.card import sha256
from training.evaluate.metrics import eight_metrics
from training.models.build import build_network
from training.train import checkpoints
from training.train.checkpoint_writer import CheckpointWriter
from training.train.distillation import Teacher
from training.train.distributed import Place, place
from training.train.ema import ExponentialMovingAverage
from training.train.engine import STORED_SCALE, batches, predict_logits, sampling_weights, train_epoch
from training.train.history import Row
from training.train.initialisation import State, initialise
from training.train.progress import Progress
from training.train.recipes import Recipe, Stage


@dataclass(frozen=True)
class RunResult:
    """How a run ended: the best epoch's figures on the validation list, and whether it was interrupted."""

    weights: Path
    best: Row
    epochs_done: int
    interrupted: bool


def parameter_groups(network: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Group parameters by layer: lower rates towards the input, no decay for biases and normalisation.

    The rate of each child module is ``layer_decay`` times that of the next one (discriminative fine-tuning, Howard and
    Ruder, 2018, https://arxiv.org/abs/1801.06146).
    """
    children = [child for child in network.children() if any(True for _ in child.parameters())]
    groups = []
    for distance, child in enumerate(reversed(children)):
        scale = recipe.layer_decay**distance
        matrices = [parameter for parameter in child.parameters() if parameter.ndim > 1]
        vectors = [parameter for parameter in child.parameters() if parameter.ndim <= 1]
        groups.append({"params": matrices, "weight_decay": recipe.weight_decay, "scale": scale})
        groups.append({"params": vectors, "weight_decay": 0.0, "scale": scale})
    return groups


def _optimiser(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    groups = parameter_groups(network, recipe)
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, lr=recipe.learning_rate)


def _teacher(recipe: Recipe, weights: Path | None, classes: int, device: torch.device) -> Teacher | None:
    if recipe.teacher is None or weights is None:
        return None
    network = build_network(recipe.teacher.model, classes)
    checkpoints.load_weights(network, weights)
    network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Teacher(network, recipe.teacher, mixed=recipe.mixed_precision)


def _freeze_for(network: nn.Module, stage: Stage) -> None:
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(stage.train == "all" or name.startswith("fc."))


def _validate(network: nn.Module, photos: PhotoSet, specification: Specification) -> Row:
    logits = predict_logits(network, photos.pixels, specification)
    values = eight_metrics(photos.labels.numpy(), logits.argmax(dim=1).numpy())
    return {
        "val_loss": float(functional.cross_entropy(logits, photos.labels)),
        "val_accuracy": values["accuracy"],
        "val_balanced_accuracy": values["balanced_accuracy"],
    }


def _rank(row: Row) -> tuple[float, float]:
    return row["val_accuracy"] + row["val_balanced_accuracy"], -row["val_loss"]


def run(
    model_type: str,
    train_entries: Sequence[Entry],
    val_entries: Sequence[Entry],
    classes: Sequence[str],
    output: Path,
    *,
    recipe: Recipe,
    specification: Specification,
    initial: State | None = None,
    teacher_weights: Path | None = None,
    resume: bool = False,
    description: dict[str, Any] | None = None,
) -> RunResult:
    """Train ``model_type``; leave ``best.safetensors``, ``last.pt``, ``run.json``, history and curves in ``output``.

    The best epoch is the one whose averaged weights have the highest sum of accuracy and balanced accuracy on the
    validation list. Ctrl-C ends the run after the last whole epoch and keeps what it has.

    Args:
        model_type: ``raw`` or ``pretrained``.
        train_entries: photos to learn from.
        val_entries: photos to choose the best epoch by.
        classes: names in the order of the outputs.
        output: the folder of the run.
        recipe: how to train.
        specification: preprocessing of serving.
        initial: weights to start from; what does not fit stays random.
        teacher_weights: those of the recipe's teacher, for the same classes.
        resume: go on with the run in ``output``.
        description: further facts for ``run.json``.

    Raises:
        ValueError: the data, the initial weights or the teacher's do not fit; the recipe has a teacher and no weights
            are given for it, or the other way round; or ``output`` holds a run and ``resume`` is false, or
            holds one of another recipe and ``resume`` is true.
    """
    state_file, best_file = output / "last.pt", output / "best.safetensors"
    if state_file.exists() and not resume:
        raise ValueError(f"{output} holds a run already: say --resume to go on with it, or name another folder")
    if (recipe.teacher is None) != (teacher_weights is None):
        raise ValueError("a teacher needs both: a [teacher] table in the recipe, and its weights by --teacher FILE")
    largest = round(max(recipe.view_size(stage) for stage in recipe.stages) * STORED_SCALE)
    with place() as here:
        torch.manual_seed(recipe.seed)
        generator = torch.Generator().manual_seed(recipe.seed)
        network = build_network(model_type, len(classes))
        if initial is not None:
            initialise(network, initial)
        network = network.to(here.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        teacher = _teacher(recipe, teacher_weights, len(classes), here.device)
        taught_by = sha256(teacher_weights) if teacher_weights else None
        averaged = ExponentialMovingAverage(network, recipe.ema)
        optimiser = _optimiser(network, recipe)
        history: list[Row] = []
        if resume and state_file.exists():
            state = checkpoints.load_run(state_file)
            history = _restore(state, recipe, taught_by, network, averaged, optimiser, generator)
        progress = Progress(recipe.epochs, speaks=here.leads)
        progress.say(f"reading {len(train_entries)} training and {len(val_entries)} validation photos")
        train_photos = load_photos(train_entries, classes, largest)
        val_photos = load_photos(val_entries, classes, specification.size)
        if here.leads:
            output.mkdir(parents=True, exist_ok=True)
            facts = {"model": model_type, "recipe": recipe.model_dump()}
            facts |= {"specification": asdict(specification), "torch": torch.__version__}
            facts |= {"teacher_sha256": taught_by} if taught_by else {}
            text = json.dumps({**(description or {}), **facts}, indent=1)
            write_atomically(output / "run.json", lambda path: path.write_text(text, encoding="utf-8"))
        keeper = CheckpointWriter(output)
        stored: PhotoSet | None = None
        interrupted = False
        try:
            for epoch in range(len(history), recipe.epochs):
                side = round(recipe.view_size(recipe.stage_of(epoch)) * STORED_SCALE)
                if stored is None or stored.pixels.shape[-1] != side:
                    stored = train_photos.resized(side).to(here.device)
                row = _epoch(
                    epoch,
                    here,
                    network,
                    averaged,
                    optimiser,
                    stored,
                    recipe,
                    specification,
                    teacher,
                    generator,
                    progress,
                )
                row |= _validate(averaged.module, val_photos, specification)
                history.append(row)
                progress.epoch(row)
                if not here.leads:
                    continue
                state = {
                    "recipe": recipe.model_dump(mode="json"),
                    "teacher": taught_by,
                    "history": history,
                    "network": network.state_dict(),
                    "averaged": averaged.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "generator": generator.get_state(),
                }
                keeper.epoch(state, averaged.module if _rank(row) == max(map(_rank, history)) else None)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            progress.close()
            keeper.flush()
    if not history:
        raise ValueError("interrupted before the first epoch was over: nothing was kept")
    return RunResult(best_file, max(history, key=_rank), len(history), interrupted)


def _epoch(
    epoch: int,
    here: Place,
    network: nn.Module,
    averaged: AveragedModel,
    optimiser: torch.optim.Optimizer,
    photos: PhotoSet,
    recipe: Recipe,
    specification: Specification,
    teacher: Teacher | None,
    generator: torch.Generator,
    progress: Progress,
) -> Row:
    stage = recipe.stage_of(epoch)
    _freeze_for(network, stage)
    weights = sampling_weights(photos.labels.cpu(), len(photos.classes), recipe.balance)
    drawn = list(batches(len(photos), recipe, weights, generator))
    if not drawn:
        raise ValueError(f"{len(photos)} photos are fewer than one batch of {recipe.batch_size}")
    mine = here.share(drawn)
    started = time.monotonic()
    progress.begin(epoch, len(mine))
    loss = train_epoch(
        here.wrap(network),
        averaged,
        optimiser,
        photos,
        mine,
        recipe=recipe,
        stage=stage,
        specification=specification,
        teacher=teacher,
        first_step=epoch * len(mine),
        total_steps=recipe.epochs * len(mine),
        generator=generator,
        on_step=progress.step,
    )
    return {"epoch": epoch + 1, "seconds": round(time.monotonic() - started, 1), "train_loss": loss}


def _restore(
    state: dict[str, Any],
    recipe: Recipe,
    teacher: str | None,
    network: nn.Module,
    averaged: AveragedModel,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
) -> list[Row]:
    # Read, not compared as it is: a recipe of before may lack what has its default now.
    if Recipe.model_validate(state["recipe"]) != recipe:
        raise ValueError("the run to resume was made with another recipe; give the same one, or name another folder")
    if state.get("teacher") != teacher:
        raise ValueError("the run to resume had another teacher; give the same --teacher, or name another folder")
    network.load_state_dict(state["network"])
    averaged.load_state_dict(state["averaged"])
    optimiser.load_state_dict(state["optimiser"])
    generator.set_state(state["generator"])
    return list(state["history"])
