"""The native core of media-processor. Imported only by media_processor/images/splice.py."""

from collections.abc import Sequence

from typing_extensions import Buffer

class Declined(ValueError):
    """The picture can't be spliced; the message says why, in a few words."""

class Spliced(Buffer):
    """A whole file. ``memoryview(spliced)`` gives its bytes without a copy."""

    @property
    def changed(self) -> int:
        """How many blocks of a JPEG, of all components, or rows of a PNG changed."""

    @property
    def blocks(self) -> int:
        """How many there are in the picture."""

    @property
    def end(self) -> int:
        """Where the picture ends in the source; what is behind it is left out."""

    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

def splice_jpeg(
    data: bytes,
    overlay: tuple[int, int, Sequence[bytes], bytes],
    places: Sequence[tuple[int, int]],
    segments: bytes,
    memory: int,
) -> Spliced:
    """Watermark a JPEG (ITU T.81) of 8 bits, grey or with three components.

    The overlay is its width, its height, one plane for grey or three for red, green and blue, and
    its alpha, each of width x height bytes. ``places`` are its left top corners in stored pixels,
    and may lie outside. ``segments`` (whole APPn segments) replace the
    source's. A picture in several scans needs at most ``memory`` bytes for its coefficients.

    Raises Declined. Doesn't hold the GIL.
    """

def splice_png(
    data: bytes,
    overlay: tuple[int, int, Sequence[bytes], bytes],
    places: Sequence[tuple[int, int]],
    chunks: bytes,
    memory: int,
) -> Spliced:
    """Watermark a PNG (W3C, third edition) of 8 or 16 bits that is grey or RGB, with alpha
    or without.

    The overlay is as ``splice_jpeg`` has it. ``chunks`` (whole chunks) replace all that
    isn't pixels. ``memory`` bytes must hold the rows down to the end of the block behind the
    overlay, uncompressed, twice, and the file four times.

    Raises Declined. Doesn't hold the GIL.
    """
