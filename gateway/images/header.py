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
        """Memory for the decoded picture: three bytes a pixel, and four times that where it is converted first.

        Converting holds Pillow's picture, its RGB copy, the uncompressed file and the message to Triton.
        """
        return self.pixels * (3 if self.native else 12)
