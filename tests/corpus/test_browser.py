"""What Chromium shows of a spliced picture is what Pillow shows."""

import base64
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from media_processor.harness.chromium import MISSING, find_chromium
from media_processor.images import splice
from media_processor.images.codecs import Options
from media_processor.images.overlay import Overlay
from media_processor.images.probe import probe
from media_processor.images.profile import DEFAULT
from tests.images.pictures import LIMITS, encoded, opened, photo
from tests.images.splicing import soft_logo

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]
pytest.importorskip("media_processor_native", reason="there is no cargo here")

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--force-color-profile=srgb", "--virtual-time-budget=20000", "--dump-dom"),
)
_PAGE = """<body><script>
for (const url of %s) (async () => {
  const image = new Image(); image.src = url; await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext("2d"); context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const shown = document.createElement("p");
  shown.id = url.slice(-40);
  shown.textContent = btoa(String.fromCharCode(...data));
  document.body.append(shown);
})();
</script></body>"""

SIZE = (70, 50)
PICTURES = {
    f"{kind} {options}": encoded(photo(SIZE, mode), kind, **options)
    for kind, mode, choices in (
        ("JPEG", "RGB", ({}, {"optimize": True}, {"progressive": True}, {"subsampling": 0})),
        ("JPEG", "L", ({}, {"progressive": True})),
        ("PNG", "RGB", ({}, {"compress_level": 0})),
        ("PNG", "L", ({},)),
    )
    for options in choices
}


def test_chromium_shows_the_same(tmp_path: Path) -> None:
    browser = find_chromium()
    if not browser:
        pytest.skip(MISSING)
    outs = []
    for data in PICTURES.values():
        info = probe(data, LIMITS)
        overlay = Overlay([soft_logo((40, 20))], DEFAULT, info)
        outs.append(bytes(splice.watermark(data, info, overlay, Options(LIMITS)).data))
    urls = [f"data:image;base64,{base64.b64encode(out).decode()}" for out in outs]
    (tmp_path / "page.html").write_text(_PAGE % urls)
    command = [browser, *_FLAGS, f"--user-data-dir={tmp_path}/profile", str(tmp_path / "page.html")]
    page = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    shown = dict(re.findall(r'<p id="([^"]+)">([^<]+)</p>', page))
    for name, out, url in zip(PICTURES, outs, urls, strict=True):
        seen = np.frombuffer(base64.b64decode(shown[url[-40:]]), np.uint8).astype(int)
        expected = np.asarray(opened(out).convert("RGBA")).astype(int)
        most = 0 if "PNG" in name else 3
        assert abs(seen.reshape(expected.shape) - expected).max() <= most, name
