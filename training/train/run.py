"""A training run: from photos and a recipe to the best weights, checkpoints, and curves."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from training.atomic_write import write_atomically
from training.dataset.entries import Entry, load_photos
from training.dataset.specification import Specification
from training.evaluate.card import sha256
from training.models.build import build_network
from training.train import checkpoints
from training.train.checkpoint_writer import CheckpointWriter
from training.train.distillation import Teacher
from training.train.distributed import ProcessRank, process_group
from training.train.engine import STORED_SCALE, Epoch, batches, predict_logits, train_epoch
from training.train.history import Row, validation_row
from training.train.initialisation import State, initialise
from training.train.progress import Progress
from training.train.providers import PYTORCH, check_provider, start_learner
from training.train.recipes import Recipe, Stage
from training.train.state import TrainingState
from training.train.training_set import TrainingSet, load_training_set, sets_without_photos


@dataclass(frozen=True)
class RunData:
    """What a run learns from and is chosen by.

    Attributes:
        train: photos to learn from; those labelled '' show none of the classes.
        val: photos to choose the best epoch by.
        classes: names in the order of the outputs.
        specification: preprocessing of serving.
        general: a Parquet file of small pictures, backgrounds for views and outliers.
    """

    train: Sequence[Entry]
    val: Sequence[Entry]
    classes: Sequence[str]
    specification: Specification
    general: Path | None = None


@dataclass(frozen=True)
class RunStart:
    """What a run starts from.

    Attributes:
        initial: weights; what does not fit stays random.
        teacher_weights: those of the recipe's teacher, for the same classes.
        resume: go on with the run in the output folder.
        provider: the framework that trains, ``pytorch`` or ``tensorflow``.
        description: further facts for ``run.json``.
    """

    initial: State | None = None
    teacher_weights: Path | None = None
    resume: bool = False
    provider: str = PYTORCH
    description: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunResult:
    """How a run ended: the kept epoch's figures on the validation split, and whether it was interrupted."""

    weights: Path
    best: Row
    epochs_done: int
    interrupted: bool


def run(model_type: str, data: RunData, recipe: Recipe, output: Path, start: RunStart | None = None) -> RunResult:
    """Train ``model_type``; leave ``best.safetensors``, ``last.pt``, ``run.json``, history and curves in ``output``.

    The best epoch is the one whose averaged weights have the highest sum of accuracy and balanced accuracy on the
    validation split, or the last one where the recipe says so. Ctrl-C ends the run after the last whole epoch and keeps
    what it has.

    Args:
        model_type: ``raw`` or ``pretrained``.
        data: the photos.
        recipe: how to train.
        output: the folder of the run.
        start: what to start from; random weights by default.

    Raises:
        ValueError: the data, the initial weights or the teacher's do not fit; the recipe has a teacher and no weights
            are given for it, or the other way round; or ``output`` holds a run and ``resume`` is false, or
            holds one of another recipe and ``resume`` is true.
    """
    start = start or RunStart()
    best_file = output / "best.safetensors"
    check_start(recipe, output, start)
    with process_group() as process:
        check_provider(start.provider, recipe, process.world_size)
        torch.manual_seed(recipe.seed)
        progress = Progress(recipe.epochs, prints=process.is_main)
        say_what_is_read(data, recipe, progress)
        network = build_network(model_type, len(data.classes))
        if start.initial is not None:
            initialise(network, start.initial)
        network = network.to(process.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        teacher = _teacher(recipe, start.teacher_weights, len(data.classes), process.device)
        largest = round(max(recipe.view_size(stage) for stage in recipe.stages) * STORED_SCALE)
        photos = load_training_set(data.train, data.classes, recipe, output, size=largest, general=data.general)
        fitted = recipe.fitted_to(len(photos) // process.world_size)
        if fitted.batch_size != recipe.batch_size:
            progress.say(f"batches of {fitted.batch_size}: there are too few photos for {recipe.batch_size}")
        val_photos = load_photos(data.val, data.classes, data.specification.size)
        feature_size = None if photos.features is None else photos.features.shape[-1]
        learner = start_learner(start.provider, network, recipe, feature_size=feature_size, process=process)
        progress.say("training with " + ", ".join(f"{name} {version}" for name, version in learner.versions.items()))
        state = TrainingState(learner, torch.Generator().manual_seed(recipe.seed))
        origin = origin_of(recipe, start)
        restore(state, output, origin)
        if process.is_main:
            write_record(output, model_type, data, recipe, start, learner.versions)
        writer = CheckpointWriter(output)
        stored: TrainingSet | None = None
        interrupted = False
        try:
            for number in range(len(state.history), recipe.epochs):
                stored = _stored(photos, stored, recipe, recipe.stage_of(number), process.device)
                row = _train(number, state, stored, fitted, data.specification, teacher, (process, progress))
                logits = predict_logits(learner.averaged, val_photos.pixels, data.specification)
                row |= validation_row(logits, val_photos.labels)
                state.history.append(row)
                progress.epoch(row)
                if process.is_main:
                    is_best = row is _best(state.history, recipe)
                    writer.epoch(origin | state.state_dict(), learner.averaged if is_best else None)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            progress.close()
            writer.flush()
    if not state.history:
        raise ValueError("interrupted before the first epoch was over: nothing was kept")
    return RunResult(best_file, _best(state.history, recipe), len(state.history), interrupted)


def check_start(recipe: Recipe, output: Path, start: RunStart) -> None:
    """Refuse to start.

    Raises:
        ValueError: ``output`` holds a run and ``resume`` is false; or the recipe has a teacher and no weights are given
            for it, or the other way round.
    """
    if (output / "last.pt").exists() and not start.resume:
        raise ValueError(f"{output} holds a run already: say --resume to go on with it, or name another folder")
    if (recipe.teacher is None) != (start.teacher_weights is None):
        raise ValueError("a teacher needs both: a [teacher] table in the recipe, and its weights by --teacher FILE")


def say_what_is_read(data: RunData, recipe: Recipe, progress: Progress) -> None:
    """Say how many photos are read, and which sets of the recipe are not among them."""
    progress.say(f"reading {len(data.train)} training and {len(data.val)} validation photos")
    if missing := sets_without_photos(recipe, data.train):
        progress.say(missing)


def _teacher(recipe: Recipe, weights: Path | None, classes: int, device: torch.device) -> Teacher | None:
    if recipe.teacher is None or weights is None:
        return None
    network = build_network(recipe.teacher.model, classes)
    checkpoints.load_weights(network, weights)
    network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Teacher(network, recipe.teacher, mixed=recipe.mixed_precision)


def write_record(
    output: Path, model_type: str, data: RunData, recipe: Recipe, start: RunStart, further: Mapping[str, Any]
) -> None:
    """Write ``run.json``: how the weights in ``output`` came about, and ``further`` facts, such as versions."""
    output.mkdir(parents=True, exist_ok=True)
    facts = {"model": model_type, "recipe": recipe.model_dump(), "specification": asdict(data.specification)}
    facts |= {"provider": start.provider, **further}
    facts |= {"teacher_sha256": sha256(start.teacher_weights)} if start.teacher_weights else {}
    text = json.dumps({**start.description, **facts}, indent=1)
    write_atomically(output / "run.json", lambda path: path.write_text(text, encoding="utf-8"))


def _stored(
    photos: TrainingSet, stored: TrainingSet | None, recipe: Recipe, stage: Stage, device: torch.device
) -> TrainingSet:
    """Return the pictures on the device, at the size of the stage where no views were made beforehand."""
    side = photos.pictures.shape[-1] if recipe.views else round(recipe.view_size(stage) * STORED_SCALE)
    if stored is not None and stored.pictures.shape[-1] == side:
        return stored
    return photos.resized(side).to(device)


def _train(
    number: int,
    state: TrainingState,
    photos: TrainingSet,
    recipe: Recipe,
    specification: Specification,
    teacher: Teacher | None,
    where: tuple[ProcessRank, Progress],
) -> Row:
    process, progress = where
    stage = recipe.stage_of(number)
    mine = process.shard(list(batches(len(photos), recipe, photos.weights, state.generator)))
    started = time.monotonic()
    progress.begin(number, len(mine))
    epoch = Epoch(recipe, stage, specification, number * len(mine), recipe.epochs * len(mine), teacher)
    loss = train_epoch(state, photos, mine, epoch, progress.step)
    return {"epoch": number + 1, "seconds": round(time.monotonic() - started, 1), "train_loss": loss}


def _best(history: list[Row], recipe: Recipe) -> Row:
    # Of equal ones the last, whose weights are the ones in the file.
    return history[-1] if recipe.keep == "last" else max(reversed(history), key=_rank)


def _rank(row: Row) -> tuple[float, float]:
    return row["val_accuracy"] + row["val_balanced_accuracy"], -row["val_loss"]


def origin_of(recipe: Recipe, start: RunStart) -> dict[str, Any]:
    """Return what a run and one that goes on with it must have in common."""
    taught_by = sha256(start.teacher_weights) if start.teacher_weights else None
    return {"recipe": recipe.model_dump(mode="json"), "teacher": taught_by, "provider": start.provider}


def restore(state: TrainingState, output: Path, origin: dict[str, Any]) -> None:
    """Go on with the run in ``output``, if there is one.

    Raises:
        ValueError: it has another origin.
    """
    if not (output / "last.pt").exists():
        return
    saved = checkpoints.load_run(output / "last.pt")
    # Read, not compared as it is: a recipe of before may lack what has its default now.
    if Recipe.model_validate(saved["recipe"]) != Recipe.model_validate(origin["recipe"]):
        raise ValueError("the run to resume was made with another recipe; give the same one, or name another folder")
    if saved.get("teacher") != origin["teacher"]:
        raise ValueError("the run to resume had another teacher; give the same --teacher, or name another folder")
    if (provider := saved.get("provider", PYTORCH)) != origin["provider"]:
        raise ValueError(f"the run to resume was trained with another framework: say --provider {provider}")
    state.load_state_dict(saved)
