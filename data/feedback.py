"""What people said of wrongly judged photos: the gateway's feedback folder, as a training set."""

from collections.abc import Sequence
from pathlib import Path

from data.extras import read_photos, without_copies, write_set
from data.layout import Layout
from training.dataset.duplicates import perceptual_hashes
from training.dataset.entries import Entry
from training.dataset.photo_files import class_folders


def make_feedback(folder: Path, layout: Layout, known: Sequence[Entry]) -> dict[str, int]:
    """Make ``processed/feedback`` (train) from a folder with one subfolder for each class.

    Near copies of ``known`` are left out, so that no photo of a validation or test split is trained on.

    Returns:
        The number of photos in each file.

    Raises:
        ValueError: the folder is missing or holds no class.
    """
    labels = [path.name for path in class_folders(folder)]
    if not labels:
        raise ValueError(f"{folder} has no subfolder for any class: is it the gateway's GATEWAY_FEEDBACK_FOLDER?")
    entries = [entry for label in labels for entry in read_photos(folder, label, label)]
    return write_set(layout.processed("feedback"), {"train": without_copies(entries, perceptual_hashes(known))})
