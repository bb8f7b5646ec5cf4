"""What the structure of an image file says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Format and size in pixels of an encoded image.

    `complete` is false where the structure shows that the file is cut off. `native` says whether the DALI pipeline in
    Triton decodes this very variant as Pillow does; the others are converted first (`gateway.images.transcode`).
    """

    format: str
    width: int
    height: int
    complete: bool
    native: bool = True

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @property
    def decoded_bytes(self) -> int:
        """Bytes of the decoded picture: three channels of one byte."""
        return 3 * self.pixels
