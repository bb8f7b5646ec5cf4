"""Ways to train that are compared by the places that were left out."""

from dataclasses import dataclass, field

from scripts.left_out_places.probe import Head


@dataclass(frozen=True)
class Choice:
    """One way to train: balance, targets, which photos and which views.

    Attributes:
        name: for the table.
        class_balance: exponent, see ``sampling_weights``.
        place_balance: the same for places.
        home: how much more often photos of the official split are drawn.
        doubtful: targets of paper and cardboard for paper of a place without cardboard.
        unlabelled: whether photos of none of the classes are trained on.
        places: whether photos of other places are.
        plain: share of draws that show the photo as it is; None for what the recipe says.
        head: how the head is trained.
    """

    name: str
    class_balance: float = 0.5
    place_balance: float = 0.35
    home: float = 1.0
    doubtful: tuple[float, float] | None = (0.6, 0.35)
    unlabelled: bool = True
    places: bool = True
    plain: float = 0.5
    head: Head = field(default_factory=Head)


CHOICES = (
    Choice("base"),
    Choice("home and web only", places=False, unlabelled=False),
    Choice("no photos of none", unlabelled=False),
    Choice("photos as they are only", plain=1.0),
    Choice("changed views only", plain=0.0),
    Choice("paper is paper", doubtful=None),
    Choice("paper 0.45, cardboard 0.45", doubtful=(0.45, 0.45)),
    Choice("classes as they are", class_balance=0.0),
    Choice("every class as often", class_balance=1.0),
    Choice("places as they are", place_balance=0.0),
    Choice("places to the power -0.7", place_balance=0.7),
    Choice("home 2.2 times", home=2.2),
    Choice("no smoothing", head=Head(smoothing=0.0)),
    Choice("smoothing 0.2", head=Head(smoothing=0.2)),
    Choice("30 epochs", head=Head(epochs=30)),
)
