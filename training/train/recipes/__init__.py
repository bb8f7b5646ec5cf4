"""Recipes: how a network is trained, as small TOML files beside this one, checked when they are read."""

import tomllib
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

RECIPES = Path(__file__).resolve().parent


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Augmentation(_Table):
    """Strengths of the augmentation; the defaults change nothing but a mirror image."""

    min_area: float = Field(default=1.0, gt=0, le=1, description="smallest share of the photo that a view shows")
    max_ratio: float = Field(default=1.0, ge=1, description="largest change of the aspect ratio")
    quarter_turns: bool = False
    degrees: float = Field(default=0.0, ge=0, description="further rotation, to either side")
    brightness: float = Field(default=0.0, ge=0, lt=1)
    contrast: float = Field(default=0.0, ge=0, lt=1)
    saturation: float = Field(default=0.0, ge=0)
    channel_gain: float = Field(default=0.0, ge=0, lt=1)
    erase: float = Field(default=0.0, ge=0, le=1, description="share of pictures with an erased rectangle")
    mixup: float = Field(default=0.0, ge=0, le=1, description="share of batches that are blended")
    cutmix: float = Field(default=0.0, ge=0, le=1, description="share of batches with a pasted square")


class Stage(_Table):
    """A run of epochs at one picture size."""

    epochs: int = Field(gt=0)
    size: int = Field(ge=32, description="side of the training pictures in pixels")
    train: Literal["all", "head"] = "all"
    mixing: bool = Field(default=True, description="whether mixup and CutMix apply in this stage")


class Distillation(_Table):
    """How much of what is to be learnt comes from a trained network (``training.train.distillation``)."""

    model: Literal["raw", "pretrained"] = Field(default="raw", description="what the teacher is")
    share: float = Field(gt=0, le=1, description="of the targets; the rest are the labels")
    size: int = Field(ge=32, description="side of the pictures that the teacher looks at, in pixels")
    home_only: bool = Field(default=False, description="teach photos of the official split only, no others")


class Views(_Table):
    """Views that are made of each photo before the training begins (``training.dataset.views``)."""

    count: int = Field(gt=0, description="of each photo, beside the photo as it is")
    size: int = Field(ge=32, description="their side in pixels")
    plain: float = Field(default=0.3, ge=0, le=1, description="share of draws that show the photo as it is")
    cut_out: tuple[str, ...] = Field(default=(), description="sets whose things are laid on other backgrounds")
    surroundings: tuple[str, ...] = Field(default=(), description="sets whose surroundings are such backgrounds")


class Outliers(_Table):
    """General pictures of none of the classes (``training.dataset.outliers``)."""

    count: int = Field(gt=0, description="pictures that are drawn from the general set, once for the run")
    kinds: tuple[str, ...] = Field(min_length=1, description="what the labels of such pictures begin with")


class Features(_Table):
    """Features of a network that saw ImageNet, to be predicted beside the classes (``training.train.features``)."""

    efficientnet_lite: Literal[0, 1, 2] = Field(description="which variant of the teacher")
    size: int = Field(ge=32, description="side in pixels at which the teacher looks at the views")
    weight: float = Field(gt=0, description="of the loss beside that of the classes")


class Recipe(_Table):
    """Everything that decides a training run but the data and the initialisation."""

    seed: int = 1
    batch_size: int = Field(default=64, gt=1)
    optimiser: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = Field(gt=0, description="peak; warm-up before it, a cosine to zero after it")
    warmup: float = Field(default=0.05, ge=0, lt=1, description="share of the run")
    weight_decay: float = Field(default=5e-4, ge=0)
    layer_decay: float = Field(default=1.0, gt=0, le=1, description="learning rate of a layer against that of the next")
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    balance: float = Field(default=0.5, ge=0, le=1, description="0 draws photos as they are, 1 every class as often")
    place_balance: float = Field(default=0.0, ge=0, le=1, description="the same for the sets that photos come from")
    home: float = Field(default=1.0, gt=0, description="how much more often photos of the official split are drawn")
    doubtful_paper: tuple[float, float] | None = Field(
        default=None, description="targets of paper and cardboard for paper of a place that has no cardboard"
    )
    no_threshold_by: tuple[str, ...] = Field(
        default=(),
        description="sets that no threshold is chosen by: loose labels, or the layers below were trained on them",
    )
    frozen: tuple[str, ...] = Field(default=(), description="layers, by name, that are not trained")
    ema: float = Field(default=0.998, ge=0, lt=1, description="decay a step of the averaged weights, which are kept")
    keep: Literal["best", "last"] = Field(
        default="best",
        description="the epoch whose weights are kept: that which validation likes best, or the last, where validation "
        "knows only a part of what is learnt",
    )
    mixed_precision: bool = True
    augmentation: Augmentation = Augmentation()
    teacher: Distillation | None = None
    views: Views | None = None
    features: Features | None = None
    outliers: Outliers | None = None
    features_once: bool = Field(
        default=False, description="retrain the last layer alone, on features of each photo that are computed once"
    )
    maps_once: bool = Field(
        default=False,
        description="train `layer4` and `fc` of ResNet-50 alone, on maps of each view that are computed once",
    )
    furthest: float = Field(
        default=1.0, ge=0.05, le=1, description="how far from the old last layer to the new one it may go"
    )
    stages: tuple[Stage, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _only_the_last_layer(self) -> Self:
        if self.features_once and (self.views or self.teacher or any(stage.train != "head" for stage in self.stages)):
            raise ValueError('features_once needs stages with train = "head", and neither views nor a teacher')
        return self

    @model_validator(mode="after")
    def _only_what_maps_can_do(self) -> Self:
        possible = {"min_area", "quarter_turns", "mixup", "cutmix"}
        others = self.augmentation.model_dump(exclude=possible, exclude_defaults=True)
        if self.maps_once and others:
            raise ValueError(f"maps_once: maps can be cut, turned and mixed, no more: leave out {', '.join(others)}")
        if self.maps_once and (self.views is None or self.frozen or self.features_once or self.keep != "last"):
            raise ValueError('maps_once needs views and keep = "last", and neither frozen layers nor features_once')
        if self.maps_once and self.views and any(stage.size != self.views.size for stage in self.stages):
            raise ValueError(
                f"maps_once: maps are those of the views, so every stage has their size, {self.views.size}"
            )
        return self

    @property
    def epochs(self) -> int:
        """Epochs of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    def view_size(self, stage: Stage) -> int:
        """Return the side of the views in pixels: the student's own are made smaller where the teacher wants larger."""
        return max(stage.size, self.teacher.size) if self.teacher else stage.size

    def stage_of(self, epoch: int) -> Stage:
        """Return the stage that ``epoch`` (from 0) belongs to."""
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage
            epoch -= stage.epochs
        raise IndexError("the recipe has fewer epochs")

    def with_epochs(self, epochs: int) -> "Recipe":
        """Return the recipe stretched or cut to ``epochs``, shared among its stages as before, at least one each.

        With fewer epochs than stages, only the longest stages remain.

        Raises:
            ValueError: ``epochs`` is not positive.
        """
        if epochs < 1:
            raise ValueError(f"a run has at least one epoch, not {epochs}")
        longest = sorted(range(len(self.stages)), key=lambda index: -self.stages[index].epochs)[:epochs]
        kept = [self.stages[index] for index in sorted(longest)]
        whole = sum(stage.epochs for stage in kept)
        shares = [max(1, round(stage.epochs * epochs / whole)) for stage in kept]
        while (excess := epochs - sum(shares)) != 0:
            shares[shares.index(max(shares))] += excess if excess > 0 else -1
        stages = tuple(stage.model_copy(update={"epochs": share}) for stage, share in zip(kept, shares, strict=True))
        return self.model_copy(update={"stages": stages})

    def fitted_to(self, photos: int) -> "Recipe":
        """Return the recipe with a batch that is no larger than the number of photos.

        Raises:
            ValueError: there are fewer than two photos: batch normalisation needs two.
        """
        if photos < 2:
            raise ValueError(f"training needs at least two photos for each process, not {photos}")
        return self.model_copy(update={"batch_size": min(self.batch_size, photos)})


def load_recipe(name: str | Path) -> Recipe:
    """Read a recipe by its name in this folder or by its path.

    Raises:
        FileNotFoundError: there is no such recipe.
        ValueError: it is no TOML, or a value in it is wrong; the message names the key.
    """
    path = Path(name) if str(name).endswith(".toml") else RECIPES / f"{name}.toml"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in RECIPES.glob("*.toml")))
        raise FileNotFoundError(f"no recipe {path}; the ones that come with the project are {known}")
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as exc:
        raise ValueError(f"{path}: {exc}") from exc
