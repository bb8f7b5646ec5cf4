"""One epoch of training, and inference over a photo set: the loops, with nothing about files or screens in them."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from training.dataset.augmentation import affine, colour, erase, mix
from training.dataset.preprocessing import normalise
from training.dataset.specification import Specification
from training.dataset.transfer import to_device
from training.train.distillation import Teacher
from training.train.recipes import Recipe, Stage
from training.train.state import TrainingState
from training.train.training_set import TrainingSet

#: Stored side against training side: a view of a part of the photo then needs no enlarging.
STORED_SCALE = 1.25


def learning_rate_factor(progress: float, warmup: float) -> float:
    """Return the share of the peak learning rate at ``progress`` (0 to 1): linear warm-up, then a cosine to zero."""
    if progress < warmup:
        return progress / warmup
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


def batches(count: int, recipe: Recipe, weights: torch.Tensor, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """Yield indices, INT64 [batch_size], for one epoch of ``count`` draws; a last incomplete batch is dropped.

    Where all ``weights`` are the same every photo is drawn once.
    """
    if (weights != weights[0]).any():
        order = torch.multinomial(weights, count, replacement=True, generator=generator)
    else:
        order = torch.randperm(count, generator=generator)
    whole = count - count % recipe.batch_size
    # Split even when empty, a tensor gives one (empty) part.
    yield from torch.split(order[:whole], recipe.batch_size) if whole else ()


@dataclass(frozen=True)
class Epoch:
    """What an epoch is told: how to train, and which of all steps of the run are its own."""

    recipe: Recipe
    stage: Stage
    specification: Specification
    first_step: int
    total_steps: int
    teacher: Teacher | None = None


def train_epoch(
    state: TrainingState,
    photos: TrainingSet,
    epoch_batches: list[torch.Tensor],
    epoch: Epoch,
    on_step: Callable[[torch.Tensor, float], None],
) -> float:
    """Train on every batch once and return the mean loss.

    The pictures of ``photos`` and the network are on the same device, and so is the loss.

    Args:
        state: the learner and the generator.
        photos: what is drawn from.
        epoch_batches: indices of photos, INT64 [batch_size] each.
        epoch: how.
        on_step: called after each step with its loss and the learning rate.
    """
    recipe, device = epoch.recipe, photos.pictures.device
    state.learner.begin(epoch.stage)
    losses = []
    for step, indices in enumerate(epoch_batches, start=epoch.first_step):
        rate = recipe.learning_rate * learning_rate_factor(step / epoch.total_steps, recipe.warmup)
        view = photos.draw_views(len(indices), state.generator)
        # Views lie in a file; only those that are drawn are read.
        chosen, view = to_device(indices, device), to_device(view, device)
        labels = photos.targets[chosen]
        images, targets = _augmented(photos.pictures[chosen, view], labels, epoch, state.generator)
        # The features of a mixture are nobody's.
        is_mixed = epoch.teacher is None and targets is not labels
        features = None if photos.features is None or is_mixed else photos.features[chosen, view]
        if epoch.teacher is not None:
            targets = epoch.teacher.teach(images, targets, photos.is_home[indices])
        if images.shape[-1] != epoch.stage.size:
            size = (epoch.stage.size, epoch.stage.size)
            images = functional.interpolate(images, size, mode="bilinear", antialias=True)
        losses.append(state.learner.step(images, targets, features, rate))
        on_step(losses[-1], rate)
    return float(torch.stack(losses).mean())


def _augmented(
    pictures: torch.Tensor, targets: torch.Tensor, epoch: Epoch, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    settings = epoch.recipe.augmentation
    views = affine(pictures.float(), epoch.recipe.view_size(epoch.stage), settings, generator)
    images = erase(normalise(colour(views, settings, generator), epoch.specification), settings, generator)
    if epoch.stage.mixing:
        images, targets = mix(images, targets, settings, generator)
    return images.contiguous(memory_format=torch.channels_last), targets


@torch.inference_mode()
def predict_logits(
    network: nn.Module, pixels: torch.Tensor, specification: Specification, *, batch_size: int = 64
) -> torch.Tensor:
    """Return logits FP32 [N, classes] for UINT8 pixels [N, 3, S, S] that the serving preprocessing made."""
    network.eval()
    device = next(network.parameters()).device
    chunks = [network(normalise(chunk.to(device), specification)).float() for chunk in torch.split(pixels, batch_size)]
    return torch.cat(chunks).cpu()
