"""What people said of wrongly judged photos: the gateway's feedback folder, as a training set."""

from collections.abc import Sequence
from pathlib import Path

import pillow_heif

from data.extras import read_photos, without_copies, write_set
from data.layout import Layout
from training.dataset.duplicates import perceptual_hashes
from training.dataset.entries import Entry


def make_feedback(folder: Path, layout: Layout, known: Sequence[Entry]) -> dict[str, int]:
    """Make ``processed/feedback`` (train) from a folder with one subfolder for each class.

    Near copies of ``known`` are left out, so that no photo of a validation or test list is trained on.

    Returns:
        The number of photos in each file.

    Raises:
        ValueError: the folder is missing or holds no class.
    """
    labels = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if not labels:
        raise ValueError(f"{folder} has no subfolder for any class: is it the gateway's GATEWAY_FEEDBACK_FOLDER?")
    pillow_heif.register_heif_opener(thumbnails=False)  # what phones send
    entries = [entry for label in labels for entry in read_photos(folder, label, label)]
    return write_set(layout.processed("feedback"), {"train": without_copies(entries, perceptual_hashes(known))})
