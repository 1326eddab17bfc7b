"""exiftool reads source and result: the differences are those that docs/formats.md names."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from media_processor.images.profile import DEFAULT
from media_processor.images.watermark import watermark

from .hdr_files import (
    VIDEO,
    apple,
    iphone_heic,
    motion_photo,
    samsung,
    segment,
    ultra_hdr,
    with_segments,
)
from .parts import THUMBNAIL, resource
from .parts_of_pixels import in_p3
from .pictures import (
    LIMITS,
    animated,
    encoded,
    exif_with_thumbnail,
    photo,
    png_with,
    quartered_logo,
)
from .profiles import ADOBE_RGB, rgb_profile
from .test_avif_heic_losses import SIZE, played
from .test_kept import IPTC, XMP, exif, gif_with
from .test_png_chunks import KEPT

pytestmark = pytest.mark.skipif(
    not shutil.which("exiftool"), reason="exiftool isn't installed (libimage-exiftool-perl)"
)

ICC = rgb_profile(ADOBE_RGB)
DIGEST = bytes.fromhex("418f0d56c8aa77e579167f1c70cb9e28")  # MD5 of IPTC
ALL: dict[str, Any] = {"exif": exif(), "icc_profile": ICC, "xmp": XMP}


def jpeg(**more: Any) -> bytes:
    data = encoded(photo(), "JPEG", dpi=(240, 240), **more)
    photoshop = b"Photoshop 3.0\0" + resource(0x0404, IPTC) + resource(0x0425, DIGEST)
    return with_segments(data, segment(0xED, photoshop))


def png() -> bytes:
    texts = [(b"tEXt", b"Author\0Anna"), (b"iTXt", "Title\0\0\0\0\0Über".encode())]
    chunks = [(b"tIME", bytes((7, 232, 1, 2, 3, 4, 5))), (b"bKGD", bytes(6)), *texts]
    packet = (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
    data = encoded(photo(), "PNG", exif=exif(), icc_profile=ICC, dpi=(240, 240))
    return png_with(data, *chunks, packet)


FILES: dict[str, Callable[[], bytes]] = {
    "all.jpg": lambda: jpeg(comment=b"a comment", **ALL),
    "centimetres.jpg": lambda: _in_centimetres(encoded(photo(), "JPEG")),
    "thumbnail.jpg": lambda: jpeg(exif=exif_with_thumbnail(THUMBNAIL, 6)),
    "ultra.jpg": lambda: ultra_hdr(video=VIDEO),
    "apple.jpg": apple,
    "motion.jpg": motion_photo,
    "micro.jpg": lambda: motion_photo(micro=True),
    "samsung.jpg": samsung,
    "galaxy.jpg": lambda: samsung(xmp=True),
    "all.png": png,
    "chunks.png": lambda: png_with(encoded(photo(), "PNG"), *KEPT.items()),
    "all.webp": lambda: encoded(photo(), "WEBP", **ALL),
    "comment.gif": lambda: encoded(photo(), "GIF", comment=b"a comment"),
    "xmp.gif": lambda: gif_with(b"XMP DataXMP", XMP),
    "all.tif": lambda: encoded(
        photo(), "TIFF", dpi=(240, 240), tiffinfo={700: XMP, 305: "a program"}
    ),
    "plain.bmp": lambda: encoded(photo(), "BMP", dpi=(240, 240)),
    "all.avif": lambda: encoded(photo(), "AVIF", **ALL),
    "numbers.avif": lambda: in_p3("AVIF"),
    "thrice.avif": lambda: played(animated("AVIF", 2, SIZE), 3),
    "map.heic": lambda: iphone_heic(photo((160, 120)), (1.2, 0.005)),
}

# What says how the file is coded, not what it holds; and what docs/formats.md says is changed.
CODING = {
    "File:FileSize", "System:FileSize", "System:FileName", "System:Directory", "SourceFile",
    "ExifTool:ExifToolVersion", "Composite:GainMapImage",
    "MPF0:MPImageStart", "MPF0:MPImageLength", "MPImage1:MPImageStart", "MPImage1:MPImageLength",
    "MPImage2:MPImageStart", "MPImage2:MPImageLength", "MPImage2:MPImage2", "MPImage1:MPImage1",
    "XMP-Container:Directory",
    "IFD0:Compression", "IFD0:StripOffsets", "IFD0:RowsPerStrip", "IFD0:StripByteCounts",
    "IFD0:PlanarConfiguration", "IFD0:Predictor", "IFD0:BitsPerSample",
    "GIF:GIFVersion", "GIF:TransparentColor", "GIF:BackgroundColor",
    "GIF:ColorResolutionDepth", "GIF:BitsPerPixel", "GIF:HasColorMap",
    "File:NumColors", "File:ImageLength",
}  # fmt: skip
SYSTEM = ("System:File", "ExifTool:", "Meta:MediaData", "QuickTime:MediaData", "Meta:Item", "RIFF:")
_TIME = "Samsung:TimeStamp", "Samsung:SamsungTrailer_0x0a01Name"
DROPPED = {
    "thumbnail.jpg": ("IFD1:", "ExifTool:", "Composite:Thumbnail"),
    "samsung.jpg": _TIME,
    "galaxy.jpg": _TIME,
    # When it was coded, and how.
    "thrice.avif": (
        "Track1:Track",
        "Track1:Media",
        "Track2:Track",
        "Track2:Media",
        "QuickTime:",
        "Composite:Avg",
    ),
    "map.heic": ("QuickTime:", "Meta:", "File:", "JFIF:", "MPF0:", "MPImage", "Composite:"),
}
# Of these the file says how often it is shown.
STILL_THE_SAME = {"thrice.avif": ("QuickTime:Duration", "Track1:TrackDuration")}


def _in_centimetres(data: bytes) -> bytes:
    return data[:13] + b"\2\0\x76\0\x75" + data[18:]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, Any]]]:
    """By name, what exiftool says of the source and of the result; it starts once."""
    folders = {of: tmp_path_factory.mktemp(of) for of in ("before", "after")}
    for name, make in FILES.items():
        (folders["before"] / name).write_bytes(make())
        watermark(
            folders["before"] / name, folders["after"] / name, [quartered_logo()], DEFAULT, LIMITS
        )
    paths = [str(folder / name) for folder in folders.values() for name in FILES]
    command = ["exiftool", "-json", "-G1", "-a", "-u", "-n", "-struct", *paths]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    found = {entry["SourceFile"]: entry for entry in json.loads(done.stdout)}
    return {
        name: {of: found[str(folder / name)] for of, folder in folders.items()} for name in FILES
    }


@pytest.mark.parametrize("name", FILES)
def test_the_difference_is_what_is_documented(
    name: str, read: dict[str, dict[str, dict[str, Any]]]
) -> None:
    before, after = read[name]["before"], read[name]["after"]
    ignored = SYSTEM + DROPPED.get(name, ())
    tags = {tag for tag in {*before, *after} - CODING if not tag.startswith(ignored)}
    tags |= set(STILL_THE_SAME.get(name, ()))
    assert tags & set(before)
    differences = {
        tag: (before.get(tag), after.get(tag)) for tag in tags if before.get(tag) != after.get(tag)
    }
    assert not differences
    # Debian's doesn't know the segment of ISO 21496-1 yet.
    assert after.get("ExifTool:Warning") in (None, "[minor] Unknown APP2 segment")
    assert "ExifTool:Error" not in after


def test_lengths_and_offsets_are_right(read: dict[str, dict[str, dict[str, Any]]]) -> None:
    for name in ("ultra.jpg", "apple.jpg"):
        after = read[name]["after"]
        path = Path(after["SourceFile"])
        data = path.read_bytes()
        second = after["MPImage2:MPImageStart"], after["MPImage2:MPImageLength"]
        assert data[second[0] : second[0] + 3] == b"\xff\xd8\xff"
        tail = VIDEO if name == "ultra.jpg" else b""
        assert sum(second) + len(tail) == len(data)
    _, gain_map, video = read["ultra.jpg"]["after"]["XMP-Container:Directory"]
    assert gain_map["Item"]["Length"] == read["ultra.jpg"]["after"]["MPImage2:MPImageLength"]
    assert video["Item"]["Length"] == len(VIDEO)
