"""What a run trains on: views of photos, what each is to be answered with, how often each is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from training.dataset.entries import Entry, label_indices, load_pixels
from training.dataset.outliers import general_outliers
from training.dataset.targets import sampling_weights, target_distributions
from training.dataset.views import make_views
from training.train.features import teacher_features
from training.train.recipes import Recipe


@dataclass(frozen=True)
class TrainingSet:
    """N photos in V views each.

    Attributes:
        pictures: UINT8 [N, V, 3, S, S]; the first view is the photo as it is.
        targets: FP32 [N, classes], distributions.
        weights: FP64 [N], how often each photo is drawn.
        shares: FP64 [V], how often each view of it is.
        is_home: BOOL [N], whether a photo is of the first place, that of the official split.
        features: FP16 [N, V, D] of the teacher that saw ImageNet, or None.
    """

    pictures: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    shares: torch.Tensor
    is_home: torch.Tensor
    features: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def resized(self, size: int) -> "TrainingSet":
        """Return the same pictures at ``size`` pixels (antialiased)."""
        if self.pictures.shape[-1] == size:
            return self
        chunks = (
            torch.nn.functional.interpolate(chunk, (size, size), mode="bilinear", antialias=True)
            for chunk in torch.split(self.pictures.flatten(0, 1), 512)
        )
        return replace(self, pictures=torch.cat(list(chunks)).reshape(*self.pictures.shape[:3], size, size))

    def to(self, device: torch.device) -> "TrainingSet":
        """Return the same on a device."""
        features = None if self.features is None else self.features.to(device)
        return replace(self, pictures=self.pictures.to(device), targets=self.targets.to(device), features=features)

    def draw_views(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Draw one view for each of ``count`` photos: INT64 [count]."""
        if len(self.shares) == 1:
            return torch.zeros(count, dtype=torch.int64)
        return torch.multinomial(self.shares, count, replacement=True, generator=generator)


def sets_without_photos(recipe: Recipe, entries: Sequence[Entry]) -> str:
    """Return a sentence that names the sets of the recipe that no photo is of, or '' where there are none.

    Without one of them a recipe does something else than it says, as where TrashNet's folder has another name.
    """
    views = recipe.views
    named = [*recipe.no_threshold_by, *(views.cut_out if views else ()), *(views.surroundings if views else ())]
    there = {entry.place for entry in entries}
    missing = [name for name in dict.fromkeys(named) if name not in there]
    return f"the recipe names sets that are not among the photos: {', '.join(missing)}" if missing else ""


def load_training_set(
    entries: Sequence[Entry], classes: Sequence[str], recipe: Recipe, folder: Path, *, size: int, general: Path | None
) -> TrainingSet:
    """Read the photos, and make what the recipe wants of them.

    Args:
        entries: the photos; the place of the first is home.
        classes: the class names.
        recipe: says which views and features are made.
        folder: keeps them.
        size: edge of the pictures in pixels, where the recipe makes no views.
        general: small pictures of whatever there is, as backgrounds for views and as outliers.

    Raises:
        ValueError: a photo cannot be decoded, or has a label that is not among the classes; or the recipe wants general
            pictures that are not there.
    """
    if recipe.outliers is not None:
        if general is None:
            raise ValueError("the recipe draws outliers from general pictures: say --general PARQUET")
        entries = [*entries, *general_outliers(general, recipe.outliers, seed=recipe.seed)]
    labels, places = label_indices(entries, classes), [entry.place for entry in entries]
    features = None
    if recipe.views is None:
        pictures, shares = load_pixels(entries, size)[:, None], torch.ones(1, dtype=torch.float64)
    else:
        made = make_views(entries, recipe.views, folder, seed=recipe.seed, general=general)
        pictures = torch.from_numpy(made)
        others = (1 - recipe.views.plain) / recipe.views.count
        shares = torch.tensor([recipe.views.plain] + [others] * recipe.views.count, dtype=torch.float64)
        if recipe.features is not None:
            features = teacher_features(made, recipe.features, folder)
    weights = sampling_weights(
        labels, places, class_balance=recipe.balance, place_balance=recipe.place_balance, home=recipe.home
    )
    targets = target_distributions(labels, places, classes, recipe.doubtful_paper)
    is_home = torch.tensor([place == places[0] for place in places])
    return TrainingSet(pictures, targets, weights, shares, is_home, features)
