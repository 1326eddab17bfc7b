"""A black-box check of a running system, from any machine with only httpx2 and Pillow.

    python testfiles/test.py http://127.0.0.1:8000 http://127.0.0.1:8003 [PICTURE…]

Sends pictures of its own (or the named ones), waits until each is stored, and checks that
it is watermarked where the default profile puts the logo, that nothing else changed, and that
the central server has the very same bytes and a line in its log. Exit status: 0 if all
is well.
"""

import hashlib
import io
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
from PIL import Image, ImageChops, ImageOps, ImageStat

PATIENCE = 120.0  # seconds for one picture, retries included
PADDING, SHARE = 10, 0.20
JPEG_NOISE = 3.0  # mean difference of a picture that was encoded once more, of 255


class Wrong(Exception):
    """What isn't as it should be."""


def own_pictures() -> dict[str, bytes]:
    scene = Image.merge(
        "RGB",
        [
            Image.linear_gradient("L").resize((800, 600)),
            Image.radial_gradient("L").resize((800, 600)),
            Image.linear_gradient("L").rotate(90).resize((800, 600)),
        ],
    )
    clear = scene.copy()
    clear.putalpha(Image.linear_gradient("L").resize((800, 600)))
    rotated = Image.Exif()
    rotated[0x0112] = 6
    return {
        "test-phone.jpg": encoded(scene, "JPEG", quality=92, exif=rotated),
        "test-clear.png": encoded(clear, "PNG"),
        "test-scene.webp": encoded(scene, "WEBP", lossless=True),
    }


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def upload(http: httpx2.Client, name: str, content: bytes) -> str:
    answer = http.post("/media", files={"file": (name, content)})
    if answer.status_code != 202:
        raise Wrong(f"POST /media answered {answer.status_code}: {answer.text}")
    accepted = answer.json()
    if accepted["sha256"] != hashlib.sha256(content).hexdigest():
        raise Wrong("the fast server's digest doesn't match the file that was sent")
    return str(accepted["id"])


def wait_until_stored(http: httpx2.Client, media_id: str) -> dict[str, Any]:
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        media: dict[str, Any] = http.get(f"/media/{media_id}").json()
        if media["status"] == "stored":
            return media
        if media["status"] == "failed":
            raise Wrong(f"it failed: {media['error']['detail']}")
        time.sleep(0.1)
    raise Wrong(f"it isn't stored after {PATIENCE:.0f} s, but {media['status']}")


def check_watermark(source: bytes, watermarked: bytes) -> None:
    before, after = (
        ImageOps.exif_transpose(Image.open(io.BytesIO(data))) for data in (source, watermarked)
    )
    if before.size != after.size:
        raise Wrong(f"the size changed from {before.size} to {after.size}")
    difference = ImageChops.difference(before.convert("RGBA"), after.convert("RGBA"))
    width, height = before.size
    box = (round(width * (1 - SHARE)) - PADDING - 1, 0, width, round(height * SHARE) + PADDING + 1)
    inside = ImageStat.Stat(difference.crop(box).convert("RGB"))
    if max(band[1] for band in inside.extrema) < 30:
        raise Wrong("there is no logo at the top right")
    difference.paste((0, 0, 0, 0), box)
    if max(ImageStat.Stat(difference).mean) > JPEG_NOISE:
        raise Wrong("the picture changed outside the logo")


def check_archive(central: httpx2.Client, media: dict[str, Any], watermarked: bytes) -> None:
    entry = central.get(f"/media/{media['id']}").json()
    file = central.get(f"/media/{media['id']}/file")
    if file.status_code != 200 or file.content != watermarked:
        raise Wrong("the archive's file is not the watermarked picture")
    if hashlib.sha256(file.content).hexdigest() != entry["sha256"]:
        raise Wrong("the archive's digest doesn't match its file")
    lines = central.get("/activity", params={"limit": 1000}).json()["lines"]
    wanted = (media["worker"], f"watermarked_{media['filename']}")
    if wanted not in [(line["worker"], line["image"]) for line in lines]:
        raise Wrong("the activity log has no line for it")


def check(http: httpx2.Client, central: httpx2.Client, name: str, content: bytes) -> str:
    started = time.monotonic()
    media = wait_until_stored(http, upload(http, name, content))
    took = (time.monotonic() - started) * 1000
    watermarked = http.get(f"/media/{media['id']}/watermarked").content
    check_watermark(content, watermarked)
    check_archive(central, media, watermarked)
    return f"stored in {took:.0f} ms by {media['worker']} as {media['result']['stored_path']}"


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__)
        return 2
    pictures = {Path(name).name: Path(name).read_bytes() for name in sys.argv[3:]}
    wrong = 0
    with (
        httpx2.Client(base_url=sys.argv[1], timeout=30) as http,
        httpx2.Client(base_url=sys.argv[2], timeout=30) as central,
    ):
        for name, content in (pictures or own_pictures()).items():
            try:
                print(f"✅ {name}: {check(http, central, name, content)}")
            except (Wrong, httpx2.HTTPError) as error:
                wrong += 1
                print(f"❌ {name}: {error}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
