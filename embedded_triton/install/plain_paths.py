"""Paths of this project's own making for Triton, which launches its backends by an unquoted ``bash -c``.

A blank, ``&``, ``(``, ``;``, ``$`` or ``'`` in the path of the checkout, the model repository or TMPDIR would stop the
start, or run parts of the path as a command. So Triton gets links with plain names, and of the repository the models.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PlainPaths:
    """What Triton is told instead of the real paths.

    Attributes:
        folder: the private folder.
        model_repository: a folder with a link to each model, and nothing else.
        library_path: folders for the loader, whose list is split at ``;`` too.
    """

    folder: Path
    model_repository: Path
    library_path: tuple[Path, ...]


def link_plainly(private: Path, link: Path, *, models: Iterable[Path], library_path: Iterable[Path]) -> PlainPaths:
    """Make the links.

    Args:
        private: a folder of the server's own, which may lie anywhere.
        link: where to make the link to it: a path without special characters that does not exist yet.
        models: the folders of the models to serve.
        library_path: folders for the loader.

    Raises:
        OSError: a link could not be made.
    """
    link.symlink_to(private.resolve(), target_is_directory=True)
    (link / "models").mkdir()
    for model in models:
        (link / "models" / model.name).symlink_to(model.resolve(), target_is_directory=True)
    libraries = []
    for number, folder in enumerate(library_path):
        libraries.append(link / f"lib{number}")
        libraries[-1].symlink_to(folder.resolve(), target_is_directory=True)
    return PlainPaths(link, link / "models", tuple(libraries))
