"""AV1 (its Bitstream & Decoding Process Specification, 5.3 and 5.5): the frame size that the coded data declare.

A reader of its own: libavif decodes frames of any size, and scales them to what the boxes of the file say.
"""

from collections.abc import Callable, Iterator

_SEQUENCE_HEADER = 1
_LONGEST_HEADER = 512  # bytes
_MOST_ZEROS = 32  # before a number of variable length; decoders read on behind so many


def frame_sizes(data: bytes, count: Callable[[], None]) -> Iterator[tuple[int, int]]:
    """Yield the largest width and height of a frame that each sequence header in coded data allows.

    Args:
        data: the coded data of a picture.
        count: is called for each unit and each number in a sequence header, and may raise.
    """
    at = 0
    while at < len(data):
        count()
        kind, has_extension, has_size = data[at] >> 3 & 15, data[at] >> 2 & 1, data[at] >> 1 & 1
        at += 1 + has_extension
        size, shift = 0, 0
        while has_size and at < len(data) and shift < 56:
            size |= (data[at] & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if data[at - 1] < 0x80:
                break
        end = at + size if has_size else len(data)
        if kind == _SEQUENCE_HEADER:
            bits = _Bits(data[at : min(end, at + _LONGEST_HEADER)], count)
            try:
                yield _largest_frame(bits)
            except IndexError:
                return
        at = end


class _Bits:
    def __init__(self, data: bytes, count: Callable[[], None]) -> None:
        self._value, self._left, self._count = int.from_bytes(data, "big"), 8 * len(data), count

    def read(self, count: int) -> int:
        """Return the next bits as a number."""
        self._count()
        self._left -= count
        if self._left < 0:
            raise IndexError
        return self._value >> self._left & ((1 << count) - 1)


def _largest_frame(bits: _Bits) -> tuple[int, int]:
    bits.read(3 + 1)  # profile; whether it is a still picture
    if bits.read(1):  # the reduced header of a still picture
        bits.read(5)
    else:
        _skip_timing_and_levels(bits)
    width_bits, height_bits = bits.read(4) + 1, bits.read(4) + 1
    return bits.read(width_bits) + 1, bits.read(height_bits) + 1


def _skip_timing_and_levels(bits: _Bits) -> None:
    delay_bits = 0
    if bits.read(1):  # timing
        bits.read(32 + 32)
        if bits.read(1):  # all pictures last the same: a number of variable length
            zeros = 0
            while zeros < _MOST_ZEROS and not bits.read(1):
                zeros += 1
            bits.read(zeros if zeros < _MOST_ZEROS else 0)
        if bits.read(1):  # a model of the decoder
            delay_bits = bits.read(5) + 1
            bits.read(32 + 5 + 5)
    has_display_delay = bits.read(1)
    for _ in range(bits.read(5) + 1):
        bits.read(12)
        if bits.read(5) > 7:  # the level; higher ones have a tier
            bits.read(1)
        if delay_bits and bits.read(1):
            bits.read(2 * delay_bits + 1)
        if has_display_delay and bits.read(1):
            bits.read(4)
