"""What exiftool reads of a source and not of its result, but for what notes or documents say."""

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

Tags: TypeAlias = Mapping[str, frozenset[str]]
"""Values by ``family 0:family 1:name``, as in "EXIF:IFD0:Artist"."""

_COMMAND = ("exiftool", "-json", "-G0:1:4", "-a", "-u", "-n", "-struct", "-q", "-q", "-@", "-")

# How a file is coded and where its parts lie; what it shows and holds is compared otherwise.
_CODING = re.compile(
    r"""
    SourceFile | (ExifTool | Composite | File:System):.* |
    File:File:(?!Comment|PixelsPerMeter|LinkedProfile|Profile|Gamma|.*Endpoint).* |
    JFIF:JFIF:JFIFVersion | APP14:Adobe:.* |
    PNG:PNG:(BitDepth|ColorType|Interlace|Compression|Filter|Palette|Transparency|
        SignificantBits|PaletteHistogram) |
    PNG:PNG:Animation.* | PNG:PNG:Unknown_(fcTL|fdAT) |
    GIF:GIF:(GIFVersion|HasColorMap|ColorResolutionDepth|BitsPerPixel|BackgroundColor|
        TransparentColor|ImageWidth|ImageHeight) |
    RIFF:RIFF:(?!Comment).* |
    (EXIF|MakerNotes):IFD0:(Compression|PhotometricInterpretation|StripOffsets|RowsPerStrip|StripByteCounts|
        PlanarConfiguration|Predictor|BitsPerSample|SamplesPerPixel|Tile(Width|Length|Offsets|ByteCounts)|
        FillOrder|T[46]Options|ExtraSamples|ColorMap|SampleFormat|JPEG.*|YCbCr.*|NewSubfileType|SubfileType|
        GrayResponse.*|ReferenceBlackWhite|Min|Max) |
    MPF:MPF0:MPImage.* | MPF:MPImage\d:(MPImage\d|MPImageStart|MPImageLength) |
    QuickTime:QuickTime:(MediaData.*|ChromaFormat|ChromaSamplePosition|CompatibleBrands|MajorBrand|
        MinorVersion|HandlerDescription|SeqLevelIdx0|SeqProfile|SeqTier0|ImagePixelDepth|
        ImageSpatialExtent|PixelAspectRatio|HighBitDepth) |
    QuickTime:(QuickTime:(Duration|TimeScale|NextTrackID|MovieHeaderVersion|Free|Initial.*|.*Date)|
        Track\d:.*) |
    EXIF:(IFD\d|SubIFD\d*):(StripOffsets|TileOffsets|PreviewImage(Start|Length)?) |
    XMP:XMP-x:XMPToolkit |
    QuickTime:Meta:(MetaImageSize|PrimaryItemReference|Item.*)
    """,
    re.VERBOSE,
)
# What a note speaks of.
_NOTED: dict[str, str] = {
    r"previews were removed": r"EXIF:(IFD[1-9]|SubIFD\d*):.*|.*(Thumbnail|Preview).*|JFIF:JFXX:.*",
    r"a larger picture in the file": r"EXIF:(IFD[1-9]|SubIFD\d*):.*|EXIF:IFD0:ThumbnailTIFF",
    r"some of Photoshop's resources": r"Photoshop:.*",
    r"application data was dropped.*XMP": r"XMP:.*",
    r"application data was dropped.*Ducky": r"Ducky:.*|APP12:.*",
    r"application data was dropped.*FPXR": r"FlashPix:.*",
    r"application data was dropped": r"APP\d+:.*",
    r"data behind the picture was dropped": r"(MakerNotes:Samsung|FotoStation|AFCP|IPTC:IPTC2):.*",
    r"boxes were dropped: sefd": r"MakerNotes:Samsung:.*",
    r"further pictures in the file were dropped, such": r"MPF:.*",
    r"further pictures in the file were dropped$": r"ICC_Profile:.*",
    r"EXIF was dropped|the camera's maker note": r"MakerNotes:.*",
    r"EXIF was dropped": r"EXIF:.*|File:File:ExifByteOrder",
    r"the colour profile was dropped": (
        r"ICC_Profile:.*|File:File:(LinkedProfile|Profile).*|PNG:PNG:(ICC_Profile|ProfileName)"
    ),
    r"the colour calibration was dropped": r"File:File:(Gamma|.*Endpoint).*",
    r"chunks were dropped: bKGD": r"PNG:PNG:BackgroundColor",
    r"chunks were dropped: orNT": r"PNG:PNG:Unknown_orNT",
    r"the HDR gain map was dropped": r"XMP:XMP-(HDRGainMap|hdrgm|Container):.*",
    r"the depth map was dropped": r"XMP:XMP-(apdi|depth.*|portraitLightingEffect):.*",
    r"the old JPEG-in-TIFF": r"EXIF:IFD0:OtherImage.*",
    # How HEVC is coded; docs/formats.md has what becomes of the orientation and of gain maps.
    r"converted from HEIC to JPEG": (
        r"QuickTime:.*|EXIF:IFD0:Orientation|XMP:XMP-(HDRGainMap|hdrgm|Container):.*"
    ),
}


def read(paths: Iterable[Path]) -> dict[Path, Tags]:
    names = "\n".join(map(str, paths))
    done = subprocess.run(
        _COMMAND, input=names, capture_output=True, text=True, timeout=120, check=False
    )
    return {Path(entry["SourceFile"]): _grouped(entry) for entry in json.loads(done.stdout)}


def _grouped(entry: dict[str, Any]) -> Tags:
    found: dict[str, set[str]] = defaultdict(set)
    for key, value in entry.items():
        parts = [part for part in key.split(":") if not re.fullmatch(r"Copy\d+", part)]
        if len(parts) == 2:
            parts.insert(1, parts[0])
        # The profiles of a file's items are numbered.
        parts[1:2] = [re.sub(r"^(ICC_Profile|ICC-.*)\d$", r"\1", part) for part in parts[1:2]]
        found[":".join(parts)].add(json.dumps(value, sort_keys=True))
    return {key: frozenset(values) for key, values in found.items()}


def unsaid(before: Tags, after: Tags, notes: Sequence[str]) -> dict[str, tuple[str, str]]:
    """By tag, the values lost and what is there instead."""
    # exiftool doesn't say which picture's a tag is.
    has_others = any(note.startswith("further pictures") for note in notes)
    covered = [tags for note, tags in _NOTED.items() if any(re.match(note, each) for each in notes)]
    return {
        tag: (_shown(values - after.get(tag, frozenset())), _shown(after.get(tag, frozenset())))
        for tag, values in before.items()
        if values - after.get(tag, frozenset())
        and not _CODING.fullmatch(tag)
        and not any(re.fullmatch(each, tag) for each in covered)
        and not (has_others and tag in after)
    }


def _shown(values: frozenset[str]) -> str:
    return " ".join(sorted(values))[:80]
