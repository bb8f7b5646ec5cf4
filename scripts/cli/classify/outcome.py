"""What became of one photo."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answered:
    """A model's answer. Under the confidence threshold it is `not_sure`."""

    file: str
    model: str
    pred_class: str
    classes: dict[str, float]
    not_sure: bool

    @property
    def confidence(self) -> float:
        """The probability of the predicted class."""
        return self.classes[self.pred_class]


@dataclass(frozen=True, slots=True)
class Failed:
    """Why there is no answer. `status` is the HTTP status, or None where the photo was not sent."""

    file: str
    model: str
    status: int | None
    title: str
    detail: str


Outcome = Answered | Failed
