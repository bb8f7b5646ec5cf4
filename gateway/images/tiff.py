"""TIFF: the size of the first picture, by its directory."""

from gateway.errors import BrokenImage
from gateway.images.header import ImageHeader
from imaging.tiff import Directory, Entry

_WIDTH, _HEIGHT, _SUBFILE_TYPE, _PHOTOMETRIC, _DNG_VERSION = 256, 257, 254, 262, 50706
_STRIPS = frozenset((273, 324))  # offsets of strips, of tiles
_REDUCED = 1  # a bit of the subfile type
_SENSOR_DATA = (32803, 34892)  # a colour filter array; linear raw
#: Directories of EXIF, GPS and interoperability, of which Pillow makes objects while it loads a picture.
_NEEDLESS = frozenset((34665, 34853, 40965))
_BYTES = frozenset((1, 2, 7))  # types that stay bytes: profiles, texts
_MAX_STRIPS = 65_536
_MAX_VALUES = 4 * _MAX_STRIPS


def sniff(data: bytes) -> bool:
    """Return whether the first bytes are those of a TIFF or BigTIFF of either byte order."""
    return data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read(data: bytes) -> ImageHeader:
    """Read the size, and leave out the directories that the picture does not need.

    Raises:
        BrokenImage: there is no size, the file is of a raw format, or has more strips or other values than any picture.
        struct.error: the directory is cut off.
        ValueError: there is none.
    """
    by_tag: dict[int, Entry] = {}
    needless: list[int] = []
    values = 0
    for entry in Directory(data):
        by_tag.setdefault(entry.tag, entry)
        if entry.kind not in _BYTES and entry.count <= len(data):  # Pillow skips what does not fit into the file
            values += entry.count
        if entry.tag in _NEEDLESS:
            needless.append(entry.position)
    _refuse_raw(data, by_tag)
    if any(by_tag[tag].count > _MAX_STRIPS for tag in _STRIPS & by_tag.keys()):
        raise BrokenImage(f"The TIFF file has more than {_MAX_STRIPS} strips. Save it again with a common program.")
    if values > _MAX_VALUES:
        raise BrokenImage(f"The TIFF file has more than {_MAX_VALUES} values. Save it again with a common program.")
    width, height = (_number(by_tag, tag) for tag in (_WIDTH, _HEIGHT))
    if width is None or height is None:
        raise BrokenImage("The TIFF file declares no size. Send the original file, or export it as JPEG.")
    return ImageHeader("TIFF", width, height, _without_tags(data, needless), native=False)


def _refuse_raw(data: bytes, by_tag: dict[int, Entry]) -> None:
    if (
        data[8:10] == b"CR"  # Canon
        or _DNG_VERSION in by_tag
        or _number(by_tag, _PHOTOMETRIC) in _SENSOR_DATA
        or (_number(by_tag, _SUBFILE_TYPE) or 0) & _REDUCED
    ):
        raise BrokenImage(
            "The file is of a raw format of cameras (as NEF, DNG, CR2, ARW), or its first picture is only a preview. "
            "Export it as JPEG."
        )


def _number(by_tag: dict[int, Entry], tag: int) -> int | None:
    return by_tag[tag].number if tag in by_tag else None


def _without_tags(data: bytes, positions: list[int]) -> bytes:
    """Return the file with entries of no meaning at these positions."""
    if not positions:
        return data
    content = bytearray(data)
    for position in positions:
        content[position : position + 2] = b"\0\0"
    return bytes(content)
