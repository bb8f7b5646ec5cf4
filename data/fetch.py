"""Sources to ``data/raw``: from Kaggle, from an archive on the web, or from what is on disk already."""

import shlex
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from data.download import download, members, unpack
from data.layout import Layout, whole_or_nothing

Fetch = Callable[[Path], None]


def fetch(name: str, layout: Layout, sources: Sequence[tuple[str, Fetch]], source: Path | None = None) -> Path:
    """Fill ``raw/NAME`` by the first source that works; once it is there it stays as it is.

    Args:
        name: of the set.
        layout: the folders.
        sources: titles and functions, tried in turn.
        source: the folder or archive that was asked for; what is there already has to come from it.

    Raises:
        ValueError: no source works, the message says what each one said, and what else can be done; or something else
            is there than the source has, and the message says how to replace it.
    """
    target = layout.raw(name)
    if target.is_dir() and source is not None:
        _compare(name, target, source)
        print(f"{name}: {target} has what {source} has, and stays as it is")
        return target
    if target.is_dir():
        print(f"{name}: {target} is there already and stays as it is; remove it to fetch it anew")
        return target
    refusals = []
    for title, fetch_into in sources:
        try:
            with whole_or_nothing(target) as staging:
                print(f"{name}: fetching from {title}")
                fetch_into(staging)
                _protect(staging)
            return target
        except (ValueError, OSError) as exc:
            print(f"{name}: {title} did not work: {exc}")
            refusals.append(f"{title}: {exc}")
    raise ValueError(
        f"{name} could not be fetched.\n  " + "\n  ".join(refusals) + "\nDownload it with a browser and say where it "
        "is: make data source=FILE_OR_FOLDER (for an extra set: bin-it-right data --extra-source NAME=FILE_OR_FOLDER)"
    )


def _compare(name: str, target: Path, source: Path) -> None:
    there = _files_of(target)
    keep = f"{target} has {len(there)} files of an earlier fetch, which stay"
    replace = f"To replace them: rm -rf {shlex.quote(str(target))}, then the same command again. To use them: no source"
    if not source.exists():
        raise ValueError(f"{name}: there is no file or folder {source}. {keep}. {replace}")
    other = _files_of(source)
    differing = sorted(file for file in there.keys() | other.keys() if there.get(file) != other.get(file))
    if differing:
        raise ValueError(
            f"{name}: {source} is not what was fetched earlier: {len(other)} files, {len(differing)} of them other "
            f"ones or of another size ({differing[0]}). {keep}. {replace}"
        )


def _files_of(source: Path) -> dict[str, int]:
    """Return the files of a folder or a zip archive with their sizes, as they are fetched.

    Raises:
        ValueError: it is no whole zip archive.
    """
    if source.is_dir():
        return {str(path.relative_to(source)): path.stat().st_size for path in source.rglob("*") if path.is_file()}
    return {str(member): size for member, size in members(source)}


def _protect(folder: Path) -> None:
    """Take the right to write from every file: processed data may be links to these."""
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o444)


def from_kaggle(handle: str) -> Fetch:
    """Fetch by kagglehub, which keeps its own cache and goes on with a broken download.

    Public sets need no account; where Kaggle asks for one all the same, its API token in ~/.kaggle answers.
    """

    def fetch_into(staging: Path) -> None:
        import kagglehub
        import requests
        from kagglehub import exceptions

        try:
            folder = Path(kagglehub.dataset_download(handle))
        except (exceptions.BackendError, exceptions.DataCorruptionError, exceptions.NotFoundError) as exc:
            raise ValueError(str(exc)) from exc
        except (exceptions.UnauthenticatedError, exceptions.CredentialError, requests.HTTPError) as exc:
            raise ValueError(
                f"{exc}. Kaggle refuses an anonymous download: put an API token (kaggle.com, Settings, API) "
                "into ~/.kaggle, or take another source"
            ) from exc
        shutil.copytree(folder, staging, dirs_exist_ok=True)

    return fetch_into


def from_web(url: str, layout: Layout) -> Fetch:
    """Fetch a zip archive; the archive itself is removed once it is unpacked."""

    def fetch_into(staging: Path) -> None:
        archive = download(url, layout.downloads / url.rsplit("/", 1)[-1])
        try:
            unpack(archive, staging)
        finally:
            # A broken archive would be found broken again the next time.
            archive.unlink(missing_ok=True)

    return fetch_into


def from_disk(source: Path) -> Fetch:
    """Take a folder or a zip archive that is there already; it is copied, never changed."""

    def fetch_into(staging: Path) -> None:
        if source.is_dir():
            shutil.copytree(source, staging, dirs_exist_ok=True)
        elif source.is_file():
            unpack(source, staging)
        else:
            raise ValueError(f"there is no file or folder {source}")

    return fetch_into
