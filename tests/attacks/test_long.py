"""Many hostile files: minutes, so marked `long`; `.ci/run` runs them too (`make test-long`)."""

import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from random import Random

import httpx2
import pytest

from media_processor.harness.waiting import wait_until
from tests.images.pictures import (
    animated,
    damaged,
    encoded,
    exif_with_thumbnail,
    heic,
    photo,
    srgb_profile,
)
from tests.system import System

pytestmark = pytest.mark.long

_DOWNLOAD = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
_CHECKS = [
    *("--checks", "not_a_server_error,status_code_conformance,content_type_conformance"),
    *("--max-examples", "40", "--seed", "7", "--request-timeout", "20"),
    *("--no-color", "--warnings", "off"),
    *("--exclude-path-regex", "events"),  # streams, which have tests of their own
]
_AT_A_TIME = 8
_MUTANTS = 20_000


@pytest.fixture(scope="module")
def survivors(running: System) -> Iterator[System]:
    before = {name: process.pid for name, process in running.processes.items()}
    yield running
    wait_until(lambda: not running.open_records(), "the spool drains", 60)
    assert {name: process.pid for name, process in running.processes.items()} == before
    assert all(process.poll() is None for process in running.processes.values())
    # A check of /ready writes one for a moment.
    wait_until(lambda: not running.temporary_files(), "no temporary file is left")


def send(system: System, files: Iterator[tuple[str, bytes]]) -> Counter[str]:
    """Returns how often each status or end came."""

    def one(file: tuple[str, bytes]) -> str:
        name, content = file
        answer = system.http.post("/media", files={"file": (name, content)})
        assert answer.status_code < 500, (name, answer.text)
        return answer.json()["id"] if answer.status_code == 202 else str(answer.status_code)

    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        answers = list(pool.map(one, files))
    taken = [answer for answer in answers if len(answer) > 3]
    ends = Counter(answer for answer in answers if len(answer) == 3)
    for media_id in taken:
        media = system.wait_for(media_id, "stored", "failed", seconds=60)
        ends[media.error.code if media.status == "failed" and media.error else media.status] += 1
    return ends


@pytest.fixture(scope="module")
def pillows_own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pillow")
    subprocess.run(
        [sys.executable, *_DOWNLOAD, "--dest", str(folder), f"pillow=={version('pillow')}"],
        check=True,
        timeout=300,
    )
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as content:
        content.extractall(folder, filter="data")
    (images,) = folder.glob("*/Tests/images")
    return images


@pytest.mark.timeout(600)
def test_pillows_own_pictures_harm_nobody(pillows_own: Path, survivors: System) -> None:
    files = sorted(path for path in pillows_own.rglob("*") if path.is_file())
    assert len(files) > 1000
    ends = send(survivors, ((path.name, path.read_bytes()) for path in files))
    assert ends.total() == len(files)
    assert ends["stored"] > 400
    assert not {"decoder_crash", "too_slow", "internal_error"} & ends.keys(), ends


SEEDS = {
    "jpeg": encoded(photo((48, 36)), "JPEG", exif=exif_with_thumbnail(b"x" * 30, 6), xmp=b"<x/>"),
    "profile": encoded(photo((24, 18)), "JPEG", icc_profile=srgb_profile()),
    "progressive": encoded(photo((48, 36)), "JPEG", progressive=True),
    "cmyk": encoded(photo((24, 18), "CMYK"), "JPEG"),
    "png": encoded(photo((24, 18), "RGBA"), "PNG", exif=exif_with_thumbnail(b"x", 6)),
    "palette": encoded(photo((24, 18)).quantize(16), "PNG", transparency=3),
    "apng": animated("PNG", 3, (24, 18)),
    "webp": encoded(photo((24, 18), "RGBA"), "WEBP", xmp=b"<x/>"),
    "lossless": encoded(photo((24, 18)), "WEBP", lossless=True),
    "animated webp": animated("WEBP", 3, (24, 18)),
    "gif": animated("GIF", 3, (24, 18)),
    "tiff": animated("TIFF", 2, (24, 18), compression="tiff_lzw"),
    "bmp": encoded(photo((24, 18)), "BMP"),
    "avif": encoded(photo((24, 18)), "AVIF", speed=10),
    "heic": heic(photo((64, 64))),
}


def mutants() -> Iterator[tuple[str, bytes]]:
    random = Random(2026)
    for number in range(_MUTANTS):
        name, seed = random.choice(list(SEEDS.items()))
        yield f"{name} {number}", damaged(seed, random) or b"x"


@pytest.mark.timeout(900)
def test_twenty_thousand_mutants_harm_nobody(survivors: System) -> None:
    ends = send(survivors, mutants())
    assert ends.total() == _MUTANTS
    assert ends["stored"] > 1000
    assert ends["broken_picture"] + ends["422"] > 1000
    assert not {"too_slow", "internal_error"} & ends.keys(), ends
    assert ends["decoder_crash"] <= 5, ends


@pytest.mark.timeout(600)
@pytest.mark.parametrize("server", ["fast", "central"])
def test_every_answer_is_a_documented_one(server: str, survivors: System) -> None:
    url = survivors.fast_url if server == "fast" else survivors.central_url
    done = subprocess.run(
        [Path(sys.executable).with_name("schemathesis"), "run", f"{url}/openapi.json", *_CHECKS],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert httpx2.get(f"{url}/health").status_code == 200
