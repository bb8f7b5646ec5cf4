"""One epoch of training, and inference over a photo set: the loops, with nothing about files or screens in them."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from training.dataset.augmentation import affine, colour, erase, mix
from training.dataset.entries import PhotoSet
from training.dataset.preprocessing import normalise
from training.dataset.specification import Specification
from training.dataset.transfer import to_device
from training.train.distillation import Teacher
from training.train.precision import mixed_precision
from training.train.recipes import Recipe, Stage

#: Stored side against training side: a view of a part of the photo then needs no enlarging.
STORED_SCALE = 1.25


def learning_rate_factor(progress: float, warmup: float) -> float:
    """Return the share of the peak learning rate at ``progress`` (0 to 1): linear warm-up, then a cosine to zero."""
    if progress < warmup:
        return progress / warmup
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


def sampling_weights(labels: torch.Tensor, classes: int, balance: float) -> torch.Tensor:
    """Return how often each photo is to be drawn: FP64 [N], proportional to its class's count to the power -balance."""
    counts = torch.bincount(labels, minlength=classes).double()
    return counts[labels] ** -balance


def batches(count: int, recipe: Recipe, weights: torch.Tensor, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """Yield indices, INT64 [batch_size], for one epoch of ``count`` draws; a last incomplete batch is dropped."""
    if recipe.balance:
        order = torch.multinomial(weights, count, replacement=True, generator=generator)
    else:
        order = torch.randperm(count, generator=generator)
    whole = count - count % recipe.batch_size
    # Split even when empty, a tensor gives one (empty) part.
    yield from torch.split(order[:whole], recipe.batch_size) if whole else ()


def train_epoch(
    network: nn.Module,
    averaged: AveragedModel,
    optimiser: torch.optim.Optimizer,
    photos: PhotoSet,
    epoch_batches: list[torch.Tensor],
    *,
    recipe: Recipe,
    stage: Stage,
    specification: Specification,
    teacher: Teacher | None,
    first_step: int,
    total_steps: int,
    generator: torch.Generator,
    on_step: Callable[[torch.Tensor, float], None],
) -> float:
    """Train on every batch once and return the mean loss.

    ``on_step`` is called after each step with its loss and the learning rate. The pictures of ``photos`` and the
    network are on the same device, and so is the loss: on a GPU whoever reads it waits for the step to end, while
    otherwise the next steps are queued already.
    """
    device = photos.pixels.device
    settings = recipe.augmentation
    network.train()
    losses = []
    for step, indices in enumerate(epoch_batches, start=first_step):
        factor = learning_rate_factor(step / total_steps, recipe.warmup)
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate * factor * group["scale"]
        chosen = to_device(indices, device)
        views = affine(photos.pixels[chosen].float(), recipe.view_size(stage), settings, generator)
        images = normalise(colour(views, settings, generator), specification)
        images = erase(images, settings, generator)
        targets = functional.one_hot(photos.labels[chosen], len(photos.classes)).float()
        if stage.mixing:
            images, targets = mix(images, targets, settings, generator)
        images = images.contiguous(memory_format=torch.channels_last)
        if teacher is not None:
            targets = teacher.teach(images, targets)
        if images.shape[-1] != stage.size:
            images = functional.interpolate(images, (stage.size, stage.size), mode="bilinear", antialias=True)
        with mixed_precision(device, wanted=recipe.mixed_precision):
            logits = network(images)
        loss = functional.cross_entropy(logits.float(), targets, label_smoothing=recipe.label_smoothing)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        averaged.update_parameters(network)
        losses.append(loss.detach())
        on_step(losses[-1], recipe.learning_rate * factor)
    return float(torch.stack(losses).mean())


@torch.inference_mode()
def predict_logits(
    network: nn.Module, pixels: torch.Tensor, specification: Specification, *, batch_size: int = 64
) -> torch.Tensor:
    """Return logits FP32 [N, classes] for UINT8 pixels [N, 3, S, S] that the serving preprocessing made."""
    network.eval()
    device = next(network.parameters()).device
    chunks = [network(normalise(chunk.to(device), specification)).float() for chunk in torch.split(pixels, batch_size)]
    return torch.cat(chunks).cpu()
