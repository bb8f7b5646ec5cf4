"""What became of one photo."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answered:
    """The server's answer. Under the confidence threshold of the model's card it is `not_sure`."""

    file: str
    pred_class: str
    classes: dict[str, float]
    not_sure: bool

    @property
    def confidence(self) -> float:
        """The probability of the predicted class."""
        return self.classes[self.pred_class]


@dataclass(frozen=True, slots=True)
class Failed:
    """Why there is no answer. `status` is the HTTP status, or None where nothing was sent or nothing came back."""

    file: str
    status: int | None
    title: str
    detail: str


Outcome = Answered | Failed
