"""JPEG (ITU-T T.81): the segments and scans of the picture. A reader of its own: Pillow does not say where it ends."""

import math
import re

from gateway.errors import BrokenImage
from gateway.images import exif
from gateway.images.header import ImageHeader
from imaging.jpeg import END

_MAX_SEGMENTS = 4096
_MAX_SCANS = 32
_MAX_COMPONENTS = 4  # of a scan; decoders refuse more
_MAX_STRAY_BYTES = 4096
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = 0xC2
_NATIVE_FRAMES = frozenset({0xC0, 0xC1, _PROGRESSIVE})  # baseline, extended sequential and progressive, Huffman-coded
_STANDALONE = frozenset(range(0xD0, 0xD8)) | {0x01}
_SCAN = 0xDA
# Tables, restart intervals, comments and application data may stand between scans.
_BETWEEN_SCANS = frozenset({0xC4, 0xCC, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)})
_RESTART_INTERVAL, _RESTART = 0xDD, b"\xff\xd0"
_SAME_RESTARTS = bytes.maketrans(bytes(range(0xD0, 0xD8)), 8 * _RESTART[1:])
_APP1, _EXIF = 0xE1, b"Exif\0\0"
_APP14, _ADOBE = 0xEE, b"Adobe"
_MARKER = re.compile(rb"\xff[^\x00\xff]")
# Within a scan an FF is followed by a zero or a restart marker; whatever else follows it ends the scan.
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_SAVE_AGAIN = "Save it again with a common program."


def sniff(data: bytes) -> bool:
    """Return whether the start of an image is followed by a marker."""
    return data.startswith(b"\xff\xd8\xff")


def read(data: bytes) -> ImageHeader:
    """Read the size from the frame header, and find the end of the last scan.

    The content is the picture alone: stray bytes between segments, which libjpeg skips, are left out, so are films,
    trailers and previews behind it, and a missing end marker is put in.

    Not native are arithmetic coding, lossless and 12-bit files, EXIF that is damaged or there twice, and CMYK without
    Adobe's marker.
    """
    segments = _Segments(data)
    frame: bytes | None = None
    kind = interval = 0
    has_adobe = False
    exif_blocks: list[bytes] = []
    for marker, start, end in segments:
        if marker in _FRAMES:
            # Sample precision, height, width, and the number of components.
            kind, frame = marker, data[start:end]
        elif marker == _RESTART_INTERVAL:
            interval = int.from_bytes(data[start : start + 2], "big")
        elif marker == _APP1 and data.startswith(_EXIF, start):
            exif_blocks.append(data[start + len(_EXIF) : end])
        elif marker == _APP14 and data.startswith(_ADOBE, start):
            has_adobe = True
        elif marker == _SCAN:
            break
    if frame is None:
        raise BrokenImage("The JPEG file has no frame header. Send the original file.")
    height, width, components = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big"), frame[5]
    native = kind in _NATIVE_FRAMES and frame[0] == 8 and (components != 4 or has_adobe)
    native = native and len(exif_blocks) <= 1 and all(map(exif.is_plain, exif_blocks))
    coefficient_bytes = 0
    if kind == _PROGRESSIVE or data[start] < components:
        scans, coefficients = segments.skip_scans(start)
        content, has_end = segments.content()
        complete = has_end or coefficients >= 64 * components
        coefficient_bytes = _coefficient_bytes(frame)
    else:  # the first scan has all components, and is the picture
        scans, first = 1, end
        segments.skip_scan()
        content, has_end = segments.content()
        # A decoder's warning about a missing marker may be followed by others.
        complete = not interval or _count_restarts(data[first : segments.position]) >= _restarts(frame, interval)
    return ImageHeader("JPEG", width, height, content, complete, native, scans, coefficient_bytes, has_end)


def _units(frame: bytes) -> tuple[int, int]:
    """Return how many of the smallest units of all components there are, and how many blocks each of them has."""
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    sampling = [(factors >> 4, factors & 15) for factors in frame[7 : 7 + 3 * frame[5] : 3]] if frame[5] > 1 else []
    columns = math.ceil(width / (8 * max((across for across, _ in sampling), default=1) or 1))
    rows = math.ceil(height / (8 * max((down for _, down in sampling), default=1) or 1))
    return columns * rows, sum(across * down for across, down in sampling) or 1


def _count_restarts(scan: bytes) -> int:
    """Return how many restart markers there are: a hostile scan has nothing else, ten million."""
    return scan.translate(_SAME_RESTARTS).count(_RESTART)


def _restarts(frame: bytes, interval: int) -> int:
    """Return how many restart markers a scan of all components has."""
    units, _ = _units(frame)
    return math.ceil(units / interval) - 1


def _coefficient_bytes(frame: bytes) -> int:
    """Return what the coefficients of all components take: 64 of two bytes for each block."""
    units, blocks = _units(frame)
    return units * blocks * 64 * 2


class _Segments:
    """Iterates over the segments up to and with the first scan's header, and then over the scans."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 2  # behind the start of image
        self._stray: list[tuple[int, int]] = []
        self._stray_bytes = 0
        self._left = _MAX_SEGMENTS

    def __iter__(self) -> "_Segments":
        return self

    def __next__(self) -> tuple[int, int, int]:
        """Return the next segment's marker, and where its parameters begin and end.

        Raises:
            BrokenImage: there are too many segments or stray bytes.
            IndexError: the file ends.
        """
        data = self._data
        while True:
            self._left -= 1
            if self._left < 0:
                raise BrokenImage(f"The JPEG file has more than {_MAX_SEGMENTS} segments. {_SAVE_AGAIN}")
            position = self.position
            marker = data[position + 1]
            if not self._is_at_marker():
                self._skip_stray_bytes()
            elif marker in _STANDALONE:
                self.position += 2
            else:
                # The length counts its own two bytes; libjpeg skips them where it says less.
                end = position + 2 + max(2, int.from_bytes(data[position + 2 : position + 4], "big"))
                self.position = end
                return marker, position + 4, end

    def skip_scan(self) -> None:
        """Go to the end of one scan."""
        found = _SCAN_END.search(self._data, self.position)
        self.position = found.start() if found else len(self._data)

    def skip_scans(self, start: int) -> tuple[int, int]:
        """Go to the end of the last scan.

        Each goes over the whole picture again, however short it is. Encoders write twenty at most.

        Args:
            start: where the first scan's parameters begin.

        Returns:
            How many scans there are, and how many coefficients of a block they give with all their bits.

        Raises:
            BrokenImage: there are too many scans, segments or stray bytes.
        """
        coefficients = self._coefficients(start)
        scans = 1
        self.skip_scan()
        end = self.position
        try:
            while self._data[self.position + 1] in _BETWEEN_SCANS | {_SCAN}:
                marker, start, _ = next(self)
                if marker == _SCAN:
                    coefficients |= self._coefficients(start)
                    scans += 1
                    self.skip_scan()
                    end = self.position
                    if scans > _MAX_SCANS:
                        raise BrokenImage(f"The JPEG file has more than {_MAX_SCANS} scans. {_SAVE_AGAIN}")
                elif not self._is_at_marker():
                    self._skip_stray_bytes()
        except IndexError:
            pass  # the file ends in a segment behind a scan
        if self._data[self.position : self.position + 2] != END:
            self.position = end  # what follows the last scan belongs to something else
        return scans, len(coefficients)

    def _coefficients(self, start: int) -> set[tuple[int, int]]:
        """Return the components and coefficients that a scan gives with their last bit."""
        behind = start + 1 + 2 * self._data[start]
        components = self._data[start + 1 : behind : 2][:_MAX_COMPONENTS]
        first, last, bits = self._data[behind : behind + 3]
        if bits & 15:
            return set()
        return {(component, index) for component in components for index in range(first, min(last, 63) + 1)}

    def content(self) -> tuple[bytes, bool]:
        """Return the file up to here with an end marker, but without stray bytes, and whether it had that marker."""
        data, end = self._data, self.position
        has_end = data[end : end + 2] == END
        if has_end and not self._stray:
            return (data if end + 2 == len(data) else data[: end + 2]), True
        pieces, start = [], 0
        for stray_start, stray_end in self._stray:
            if stray_end <= end:
                pieces.append(data[start:stray_start])
                start = stray_end
        return b"".join((*pieces, data[start:end], END)), has_end

    def _is_at_marker(self) -> bool:
        return self._data[self.position] == 0xFF and self._data[self.position + 1] not in (0x00, 0xFF)

    def _skip_stray_bytes(self) -> None:
        found = _MARKER.search(self._data, self.position, self.position + _MAX_STRAY_BYTES + 2)
        if found is None and self.position + _MAX_STRAY_BYTES >= len(self._data):
            raise IndexError
        start, self.position = self.position, found.end() - 2 if found else self.position
        self._stray.append((start, self.position))
        self._stray_bytes += self.position - start
        if found is None or self._stray_bytes > _MAX_STRAY_BYTES:
            raise BrokenImage("The JPEG file has no marker where one must be. Send the original file.")
