"""What an evaluation says about one model on one split: the tables of a model card."""

from pydantic import BaseModel, ConfigDict, Field

Interval = tuple[float, float]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClassReport(_Table):
    """How one class came off."""

    precision: float
    recall: float
    f1: float
    f1_interval: Interval
    support: int = Field(description="photos of the class in the split")


class SelectiveReport(_Table):
    """What the answer "not sure" does, given under the confidence threshold of the card."""

    flagged: float = Field(description="share of photos under the threshold")
    accuracy_of_rest: float | None = Field(description="accuracy over the threshold; null where nothing is over it")
    mistakes_flagged: float | None = Field(description="share of the mistakes that are flagged; null without mistakes")


class DuplicateReport(_Table):
    """What leaving out the photos changes that the training split has too, or nearly."""

    left_out: int
    metrics: dict[str, float] | None = Field(description="of the rest; null where nothing is left")


class SplitReport(_Table):
    """One model on one split. Shares and intervals lie between 0 and 1; intervals are bootstrapped, 95 %."""

    count: int
    metrics: dict[str, float] = Field(description="the eight metrics, by name")
    intervals: dict[str, Interval]
    per_class: dict[str, ClassReport]
    confusion: tuple[tuple[int, ...], ...] = Field(description="rows: the true class; columns: the answer")
    mean_confidence: float
    log_loss: float
    ece: float = Field(description="expected calibration error, with the card's temperature")
    ece_uncalibrated: float | None = Field(description="the same with temperature 1; null where only answers are known")
    selective: SelectiveReport
    without_duplicates: DuplicateReport | None = None


class PlaceReport(_Table):
    """One model on the photos of one place.

    Where a place has no class ``cardboard``, what it calls ``paper`` may be cardboard: that answer counts as right.
    """

    count: int = Field(description="photos of one of the classes")
    accuracy: float
    balanced_accuracy: float = Field(description="mean recall of the classes that the place has")
    sure: float = Field(description="share of the answers over the confidence threshold")
    right_when_sure: float | None = Field(description="accuracy of those; null where there is none")
    confusion: tuple[tuple[int, ...], ...] = Field(description="rows: the true class; columns: the answer as it was")
    none_count: int = Field(default=0, description="photos of none of the classes; in none of the figures above")
    none_sure: float | None = Field(default=None, description="share of their answers over the threshold")


class PlacesMean(_Table):
    """Means over places, each counted once however many photos it has."""

    places: int
    accuracy: float
    balanced_accuracy: float
    sure: float
    right_when_sure: float | None = Field(description="over the places with a sure answer; null where there is none")


class PlacesReport(_Table):
    """One model on photos from several places."""

    places: dict[str, PlaceReport]
    mean: PlacesMean
    held_out: tuple[str, ...] = Field(description="places that no choice and no training saw")
    held_out_mean: PlacesMean | None = Field(description="over the held-out places; null where none was named")


class OutOfDistributionReport(_Table):
    """Photos of none of the classes, for which every answer is wrong."""

    count: int
    auroc: float = Field(description="of the confidence: photos of the test split against these")
    flagged: float = Field(description="share under the threshold")
    over_99: float = Field(description="share answered with a confidence over 0.99")


class PrecisionReport(_Table):
    """What a network in lower precision says of a split."""

    accuracy: float
    balanced_accuracy: float
    changed: int = Field(description="images whose class is another than in float32")


class DriftReference(_Table):
    """What the answers looked like when the weights were made, for comparison with those of today.

    Taken on the validation split. Deciles are the nine values that part a sorted list into tenths.
    """

    count: int
    class_shares: dict[str, float] = Field(description="share of the answers, by class")
    confidence_deciles: tuple[float, ...]
    low_confidence_share: float
    brightness_deciles: tuple[float, ...] = Field(description="mean of all pixels and channels, 0 to 255")
