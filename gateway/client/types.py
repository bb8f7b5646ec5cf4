"""What a client gives and gets: photos, answers, errors."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

Photo = bytes | str | os.PathLike[str]  # the bytes of a file, or its path


class ClientError(Exception):
    """The base of all errors; the text says what to do."""


class Unreachable(ClientError):  # noqa: N818 (it says what went wrong, as in gateway.errors)
    """Nobody answers at the URL, or no gateway does."""


class Refused(ClientError):  # noqa: N818
    """The gateway answered with a problem document.

    Attributes:
        status: The HTTP status.
        title: The kind of problem.
        detail: What happened and what to do.
        request_id: What finds the request in the gateway's log.
        file: The photo's path as it was given; None where bytes were given, or no photo is meant.
    """

    def __init__(self, status: int, title: str, detail: str, request_id: str | None, file: str | None = None) -> None:
        super().__init__(f"{title}. {detail}")
        self.status, self.title, self.detail, self.request_id, self.file = status, title, detail, request_id, file


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one photo.

    Attributes:
        pred_class: The most probable class.
        classes: The probability of each class.
        not_sure: The best probability is under the threshold of the model card.
        model_version: What answered; None for a batch that several versions answered.
        request_id: What finds the request in the gateway's log.
        file: The photo's path as it was given; None where bytes were given.
    """

    pred_class: str
    classes: Mapping[str, float]
    not_sure: bool
    model_version: str | None
    request_id: str | None
    file: str | None = None

    @property
    def confidence(self) -> float:
        """The probability of the predicted class."""
        return self.classes[self.pred_class]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where the network looked: a PNG, the class that it is about, and what answered."""

    picture: bytes
    explained_class: str
    model_version: str | None


@dataclass(frozen=True, slots=True)
class Model:
    """What the gateway says of a model. ``classes`` are empty until it has answered once."""

    name: str
    ready: bool
    version: str | None
    classes: tuple[str, ...]
    confidence_threshold: float | None
    accuracy: float | None
    held_out_accuracy: float | None
    explains: bool
