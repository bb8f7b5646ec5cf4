"""The class file: which classes there are, and their order in every file, tensor and answer."""

from pathlib import Path

REPOSITORY_ROOT = Path(__file__).resolve().parents[2]
MODEL_REPOSITORY = REPOSITORY_ROOT / "model_repository"


def read_classes(model_repository: Path = MODEL_REPOSITORY) -> tuple[str, ...]:
    """Return the class names in their order.

    Raises:
        FileNotFoundError: ``labels.txt`` is missing from the model repository.
        ValueError: a name stands twice, or fewer than two names are there.
    """
    path = model_repository / "labels.txt"
    # Editors on Windows may begin the file with a byte order mark, which is no part of the first name.
    names = tuple(line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip())
    if len(names) < 2 or len(set(names)) != len(names):
        raise ValueError(f"{path} must name two or more classes, one a line, each once; it says {list(names)}")
    return names
