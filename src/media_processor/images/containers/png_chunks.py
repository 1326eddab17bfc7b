"""Chunks of a PNG (third edition, and its extensions): which stay, and what people call others."""

import re

from media_processor.images.containers import Data

# What the colours mean, how large a pixel is and when it was changed, with their only lengths.
_LENGTHS = {b"cHRM": 32, b"gAMA": 4, b"sRGB": 1, b"cICP": 4, b"pHYs": 9, b"tIME": 7}
_LENGTHS |= {b"mDCV": 24, b"mDCv": 24, b"cLLI": 8, b"cLLi": 8}  # also as drafts spelt them
_LENGTHS |= {b"oFFs": 9, b"sTER": 1, b"vpAg": 9, b"caNv": 16}  # the last two: ImageMagick's
_SCALE = re.compile(rb"[\1\2][0-9.eE+-]{1,30}\0[0-9.eE+-]{1,30}")
# What depends on the colour type; in a palette's case also on the palette.
OF_THE_COLOUR_TYPE = (b"bKGD", b"sBIT", b"pCAL")
_COLOURS = (b"cHRM", b"gAMA", b"sRGB", b"cICP", b"sBIT", b"pHYs")
# iDOT is Apple's: where a second thread may begin to decode.
_CODING = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT", b"iDOT")

COMMON = {
    b"bKGD": "background colour",
    b"caNv": "canvas",
    b"cLLI": "HDR brightness",
    b"cLLi": "HDR brightness",
    b"dSIG": "digital signature",
    b"fRAc": "fractal parameters",
    b"gdAT": "HDR gain map",  # Skia's, with gmAP
    b"gIFg": "GIF control",
    b"gIFt": "GIF text",
    b"gIFx": "GIF extension",
    b"gmAP": "HDR gain map",
    b"hIST": "histogram",
    b"mDCV": "HDR mastering display",
    b"mDCv": "HDR mastering display",
    b"oFFs": "offset",
    b"orNT": "orientation",
    b"pCAL": "calibration of samples",
    b"sBIT": "significant bits",
    b"sCAL": "physical scale",
    b"sPLT": "suggested palette",
    b"sTER": "stereo",
    b"tIME": "time of the last change",
    b"vpAg": "canvas",
}


def is_kept(data: Data, name: bytes, start: int, end: int) -> bool:
    if name == b"sCAL":
        return bool(_SCALE.fullmatch(data[start:end]))
    return _LENGTHS.get(name) == end - start


def is_lost(data: Data, name: bytes, start: int, end: int) -> bool:
    """Of what neither the codec nor Metadata takes."""
    if name in _CODING or name in OF_THE_COLOUR_TYPE:
        return False
    return not is_kept(data, name, start, end)


def is_lost_in_conversion(data: Data, name: bytes, start: int, end: int) -> bool:
    """Of what stays in a PNG. Colours and resolution are reported on their own."""
    if name in _COLOURS:
        return False
    return name in OF_THE_COLOUR_TYPE or is_kept(data, name, start, end)
