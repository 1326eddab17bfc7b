"""Colour profiles made here (ICC.1:2001-04), and how far two colours are apart."""

import struct
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageCms

Array = np.ndarray[Any, np.dtype[Any]]

# Primaries adapted to D50, as the profiles of Adobe and Apple have them.
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
DISPLAY_P3 = (
    (0.51512, 0.24120, -0.00105),
    (0.29198, 0.69225, 0.04189),
    (0.15710, 0.06657, 0.78407),
)
_D50 = (0.96420, 1.0, 0.82491)


def rgb_profile(primaries: tuple[tuple[float, float, float], ...], gamma: float = 2.2) -> bytes:
    tags = {
        name: _xyz(value)
        for name, value in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)
    }
    return _profile(b"RGB ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(gamma)))


def grey_profile(gamma: float = 1.8) -> bytes:
    return _profile(b"GRAY", {b"kTRC": _curve(gamma)})


def cmyk_profile() -> bytes:
    """Inks that make a slightly dull picture: red is 0.9 of what is left by cyan and black."""
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 9)] * 4, indexing="ij"), -1).reshape(-1, 4)
    light = (1 - grid[:, :3]) * (1 - grid[:, 3:]) * 0.9 + 0.05
    to_lab = _table(4, 3, 9, _lab_numbers(_lab_of((light * 255).round().astype("u1"))))
    steps = np.linspace(0, 1, 33)
    lab = np.stack(np.meshgrid(steps * 100, *[steps * 255 - 128] * 2, indexing="ij"), -1)
    rgb = _srgb_of(lab.reshape(-1, 3)) / 255
    left = np.clip((rgb - 0.05) / 0.9, 0, 1)
    inks = np.concatenate([1 - left, np.zeros((len(left), 1))], axis=1)
    to_inks = _table(3, 4, 33, (inks * 65_535).round())
    return _profile(b"CMYK", {b"A2B0": to_lab, b"B2A0": to_inks}, b"prtr", b"Lab ")


# XYB, as libjxl scales it for JPEGs (lib/jxl/cms/opsin_params.h).
_CONES = np.array(
    [
        [0.30, 0.622, 0.078],
        [0.23, 0.692, 0.078],
        [0.24342268924547819, 0.20476744424496821, 0.5518098665095536],
    ]
)
_BIAS = 0.0037930732552754493
_XYB_OFFSETS = np.array([0.015386134, 0.0, 0.27770459])
_XYB_SCALES = np.array([22.995788804, 1.183000077, 1.502141333])


def xyb(image: Image.Image) -> Image.Image:
    """An RGB picture in sRGB as jpegli's samples."""
    values = np.asarray(image) / 255
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    long, middle, short = np.moveaxis(np.cbrt(light @ _CONES.T + _BIAS) - np.cbrt(_BIAS), 2, 0)
    y = (long + middle) / 2
    found = (np.stack([(long - middle) / 2, y, short - y], 2) + _XYB_OFFSETS) * _XYB_SCALES
    return Image.fromarray(np.clip(found * 255, 0, 255).round().astype("u1"))


def xyb_profile() -> bytes:
    """As libjxl writes it: a way to colours (lutAToBType), and back a dummy."""
    x, y, b = 1 / _XYB_SCALES
    offsets = np.array(
        [
            _XYB_OFFSETS[0] + _XYB_OFFSETS[1],
            _XYB_OFFSETS[1] - _XYB_OFFSETS[0] + x,
            _XYB_OFFSETS[1] + _XYB_OFFSETS[2],
        ]
    )
    scales = 1 / np.array([x + y, x + y, y + b])
    grid = np.stack(np.meshgrid(*[[0.0, 1.0]] * 3, indexing="ij"), -1).reshape(-1, 3)
    values = grid / _XYB_SCALES - _XYB_OFFSETS
    mixed = np.stack(
        [values[:, 1] + values[:, 0], values[:, 1] - values[:, 0], values[:, 2] + values[:, 1]], 1
    )
    cube = ((mixed + offsets) * scales * 65_535).round().astype(">u2").tobytes()
    plain = _parametric(0, 1.0)
    shift = np.cbrt(_BIAS) - offsets
    curves = b"".join(
        _parametric(3, 3.0, 1 / scale, start, 0.0, max(0.0, -start * scale))
        for scale, start in zip(scales, shift, strict=True)
    )
    matrix = np.array(
        [
            [1.5170095, -1.1065225, 0.071623],
            [-0.050022, 0.5683655, -0.018344],
            [-1.387676, 1.1145555, 0.6857255],
        ]
    )
    ends = matrix @ np.full(3, -_BIAS)
    numbers = [round(value * 65_536) for value in (*matrix.ravel(), *ends)]
    to_colours = b"".join(
        [
            struct.pack(">4s4xBBxx5I", b"mAB ", 3, 3, 32, 244, 148, 80, 32),
            plain * 3,
            bytes((2, 2, 2)).ljust(16, b"\0") + b"\2\0\0\0" + cube,
            curves,
            struct.pack(">12i", *numbers),
        ]
    )
    back = struct.pack(">4s4xBBxx5I", b"mBA ", 3, 3, 32, 0, 0, 0, 0) + plain * 3
    name = "XYB_Per".encode("utf-16-be")
    described = struct.pack(">4s4xII4sII", b"mluc", 1, 12, b"enUS", len(name), 28) + name
    tags = {b"desc": described, b"A2B0": to_colours, b"B2A0": back}
    made = _profile(b"RGB ", tags)
    return made[:8] + b"\4\x40\0\0" + made[12:]


def _parametric(kind: int, *values: float) -> bytes:
    numbers = (round(value * 65_536) for value in values)
    return struct.pack(f">4s4xHxx{len(values)}i", b"para", kind, *numbers)


def lab(image: Image.Image, icc: bytes | None) -> Array:
    """The L*a*b* of each pixel (height, width, 3), as its profile or sRGB gives it."""
    source = ImageCms.ImageCmsProfile(BytesIO(icc)) if icc else ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(
        source,
        ImageCms.createProfile("LAB"),
        image.mode,
        "LAB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None
    raw = np.frombuffer(converted.tobytes(), "u1").reshape(image.height, image.width, 3)
    signed = np.where(raw[:, :, 1:] > 127, raw[:, :, 1:] - 256.0, raw[:, :, 1:])
    return np.concatenate([raw[:, :, :1] / 2.55, signed], axis=2)


def delta_e(one: Array, other: Array) -> float:
    """CIEDE2000 (Sharma, Wu and Dalal, 2005) of two L*a*b* colours."""
    mean = (np.hypot(*one[1:]) + np.hypot(*other[1:])) / 2
    g = 0.5 * (1 - np.sqrt(mean**7 / (mean**7 + 25.0**7)))
    a1, a2 = one[1] * (1 + g), other[1] * (1 + g)
    c1, c2 = np.hypot(a1, one[2]), np.hypot(a2, other[2])
    h1, h2 = np.degrees(np.arctan2(one[2], a1)) % 360, np.degrees(np.arctan2(other[2], a2)) % 360
    turn = 0.0 if not c1 * c2 else (h2 - h1 + 180) % 360 - 180
    dl, dc = other[0] - one[0], c2 - c1
    dh = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)
    light, c, h = (one[0] + other[0]) / 2, (c1 + c2) / 2, h1 + turn / 2 if c1 * c2 else h1 + h2
    t = (
        1
        - 0.17 * np.cos(np.radians(h - 30))
        + 0.24 * np.cos(np.radians(2 * h))
        + 0.32 * np.cos(np.radians(3 * h + 6))
        - 0.20 * np.cos(np.radians(4 * h - 63))
    )
    sl = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    sc, sh = 1 + 0.045 * c, 1 + 0.015 * c * t
    rc = 2 * np.sqrt(c**7 / (c**7 + 25.0**7))
    rt = -rc * np.sin(np.radians(60 * np.exp(-(((h % 360 - 275) / 25) ** 2))))
    parts = dl / sl, dc / sc, dh / sh
    return float(np.sqrt(sum(part**2 for part in parts) + rt * parts[1] * parts[2]))


def _lab_of(rgb: Array) -> Array:
    row: Array = lab(Image.frombytes("RGB", (len(rgb), 1), rgb.tobytes()), None)[0]
    return row


def _srgb_of(colours: Array) -> Array:
    coded = np.concatenate([colours[:, :1] * 2.55, colours[:, 1:] % 256], axis=1)
    image = Image.frombytes("LAB", (len(colours), 1), coded.round().astype("u1").tobytes())
    transform = ImageCms.buildTransform(
        ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
    )
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None
    values: Array = np.frombuffer(converted.tobytes(), "u1").reshape(-1, 3).astype(float)
    return values


def _lab_numbers(colours: Array) -> Array:
    """The 16 bits of version 2: L 0 to 100 is 0 to 0xFF00, a and b are offset by 128."""
    scaled = colours * (652.8, 256, 256) + (0, 32_768, 32_768)
    return np.clip(scaled, 0, 65_535).round()


def _table(inputs: int, outputs: int, points: int, values: Array) -> bytes:
    # lut16Type (6.5.9)
    head = struct.pack(">4s4xBBBx", b"mft2", inputs, outputs, points)
    matrix = struct.pack(">9i", 65_536, 0, 0, 0, 65_536, 0, 0, 0, 65_536)
    ends = struct.pack(">2H", 0, 65_535)
    body = values.astype(">u2").tobytes()
    return head + matrix + struct.pack(">2H", 2, 2) + ends * inputs + body + ends * outputs


def _xyz(value: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(part * 65_536) for part in value))


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def _profile(
    space: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr", connection: bytes = b"XYZ "
) -> bytes:
    text = b"a test"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + bytes(79)
    tags = {b"desc": described, b"wtpt": _xyz(_D50), b"cprt": b"text\0\0\0\0none\0"} | tags
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        value += bytes(-len(value) % 4)
        table += name + struct.pack(">2I", at + len(body), len(value))
        body += value
    head = struct.pack(
        ">I4sI4s4s4s12s4s4s",
        at + len(body),
        b"test",
        0x02400000,
        kind,
        space,
        connection,
        struct.pack(">6H", 2026, 1, 1, 0, 0, 0),
        b"acsp",
        b"\0\0\0\0",
    )
    head = head.ljust(68, b"\0") + struct.pack(">3i", *(round(part * 65_536) for part in _D50))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body
