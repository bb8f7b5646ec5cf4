"""What the structure of an image file says."""

from dataclasses import dataclass, field

#: Pixels times scans of a JPEG that are checked in less than about two milliseconds.
_QUICK = 1_000_000


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Format, size and content of an encoded image.

    Attributes:
        format: as Pillow calls it, but for ``WebP``.
        width: in pixels, as stored.
        height: in pixels, as stored.
        content: the file without what its picture does not need and decoders may refuse.
        complete: false where the structure shows that the file is cut off.
        native: whether the DALI pipeline in Triton decodes this very variant as a browser does; the others are
            converted first (``gateway.images.transcode``).
        scans: how often a decoder goes over the picture of a JPEG; 0 for other formats.
        coefficient_bytes: what libjpeg holds of a JPEG of several scans until the last one, beside the picture.
        has_end: whether a JPEG's own end marker stands behind its last scan.
    """

    format: str
    width: int
    height: int
    content: bytes = field(repr=False)
    complete: bool = True
    native: bool = True
    scans: int = 0
    coefficient_bytes: int = 0
    has_end: bool = True

    @property
    def pixels(self) -> int:
        """Return width times height."""
        return self.width * self.height

    @property
    def decoded_bytes(self) -> int:
        """Return the memory that decoding takes: three bytes a pixel, four times that where it is converted first.

        Converting holds Pillow's picture, its RGB copy, the uncompressed file and the message to Triton. A JPEG of
        several scans takes its coefficients on top.
        """
        return self.pixels * (3 if self.native else 12) + self.coefficient_bytes

    @property
    def is_quick(self) -> bool:
        """Return whether preparing it, with a look for damage, takes so little time that it needs no thread."""
        return self.native and self.pixels * self.scans <= _QUICK
