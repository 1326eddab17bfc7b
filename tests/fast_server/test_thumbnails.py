"""What a browser is shown: thumbnails, differences, previews."""

import asyncio
import gc
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import httpx2
import pytest
from PIL import Image, ImageChops

from media_processor.errors import StorageFull
from media_processor.fast_server.dependencies import Dependencies
from media_processor.fast_server.media_files import archived_file, local_watermark
from media_processor.fast_server.renditions import Key, Renditions, _sweep
from media_processor.harness.waiting import wait_until, wait_until_async
from media_processor.ids import new_media_id, now
from media_processor.images.splice import is_installed
from media_processor.messages.fast_server import Difference
from media_processor.messages.media import MediaStatus
from media_processor.settings import FastServerSettings
from media_processor.watermarks.tasks import TaskBuilder
from tests.images.pictures import WRITABLE, encoded, opened, photo
from tests.system import System
from tests.work.records import accept, park, spool_in, store, watermark

JPEG = encoded(photo((640, 480)), "JPEG", quality=92)
PNG = encoded(photo((900, 600)), "PNG")


@pytest.fixture(scope="module")
def stored(running: System) -> MediaStatus:
    return running.wait_for(running.upload(PNG, "sea.png").id, "stored")


def shown(running: System, path: str) -> Image.Image:
    answer = running.http.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["x-content-type-options"] == "nosniff"
    return opened(answer.content)


@pytest.mark.parametrize("of", ["original", "watermarked"])
@pytest.mark.parametrize(("side", "size"), [(384, (384, 256)), (1600, (900, 600))])
def test_a_thumbnail_is_the_picture_small_and_never_enlarged(
    running: System, stored: MediaStatus, of: str, side: int, size: tuple[int, int]
) -> None:
    small = shown(running, f"/media/{stored.id}/thumbnail?of={of}&side={side}")

    whole = opened(running.http.get(f"/media/{stored.id}/{of}").content).convert("RGB")
    assert (small.format, small.size) == ("WEBP", size)
    difference = ImageChops.difference(small.convert("RGB"), whole.resize(size))
    assert max(difference.convert("L").resize((8, 8)).tobytes()) < 12


def test_a_browser_may_keep_it(running: System, stored: MediaStatus) -> None:
    answer = running.http.get(f"/media/{stored.id}/thumbnail")

    assert "immutable" in answer.headers["cache-control"]


async def test_it_is_made_once_however_many_ask(tmp_path: Path) -> None:
    settings = FastServerSettings(media_data_dir=tmp_path)
    renditions = Renditions(settings, TaskBuilder(settings))
    picture, key, made = tmp_path / "picture", Key(new_media_id(), "once"), 0
    picture.write_bytes(JPEG)

    @asynccontextmanager
    async def source() -> AsyncIterator[Path]:
        nonlocal made
        made += 1
        yield picture

    together = await asyncio.gather(*(renditions.view(key, 384, source) for _ in range(8)))
    later = await renditions.view(key, 384, source)
    await renditions.close()

    assert set(together) == {later}
    assert made == 1


def test_the_cache_may_be_removed_at_any_time(running: System, stored: MediaStatus) -> None:
    path = f"/media/{stored.id}/thumbnail"
    before = running.http.get(path).content
    for file in (running.data / "thumbnails").rglob("*.webp"):
        file.unlink()

    assert running.http.get(path).content == before


def test_the_whole_folder_of_the_cache_may_be_removed(system: System) -> None:
    system.start("central-server")
    system.start("fast-server")
    system.wait_healthy()
    media = system.upload(JPEG)
    path = f"/media/{media.id}/thumbnail?of=original"
    before = system.http.get(path).content

    shutil.rmtree(system.data / "thumbnails")
    assert preview(system, JPEG)[0] == 200
    shutil.rmtree(system.data / "thumbnails")
    assert system.http.get(path).content == before


@pytest.mark.parametrize("kind", WRITABLE)
def test_every_format_can_be_shown(running: System, kind: str) -> None:
    media = running.wait_for(running.upload(encoded(photo((64, 48)), kind), "a").id, "stored")

    for of in ("original", "watermarked"):
        assert shown(running, f"/media/{media.id}/thumbnail?of={of}").size == (64, 48)


def test_what_is_turned_is_shown_upright(running: System) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(photo((640, 480)), "JPEG", exif=exif.tobytes())
    media = running.wait_for(running.upload(turned).id, "stored")

    assert shown(running, f"/media/{media.id}/thumbnail").size == (288, 384)
    found = difference(running, media.id)
    assert (found.width, found.height, found.columns, found.rows) == (480, 640, 60, 80)


def difference(running: System, media_id: str) -> Difference:
    answer = running.http.get(f"/media/{media_id}/difference")
    assert answer.status_code == 200, answer.text
    return Difference.model_validate_json(answer.content)


def test_the_difference_is_where_the_logo_is(running: System, stored: MediaStatus) -> None:
    found = difference(running, stored.id)

    assert (found.width, found.height, found.block) == (900, 600, 8)
    assert (found.columns, found.rows) == (113, 75)
    assert found.touched == sum(count for _, _, count in found.runs) > 100
    # 20 % of the picture at the top right, 10 px from its edges.
    assert all(row * 8 < 10 + 120 for row, _, _ in found.runs)
    assert all(start * 8 >= 900 - 10 - 180 - 8 for _, start, _ in found.runs)


@pytest.mark.skipif(not is_installed(), reason="no native core here")
def test_a_spliced_jpeg_differs_in_few_blocks(running: System) -> None:
    media = running.wait_for(running.upload(JPEG).id, "stored")

    found = difference(running, media.id)
    assert 0 < found.touched < found.columns * found.rows * 0.1


def test_a_picture_that_is_not_watermarked_yet(system: System) -> None:
    system.start("central-server")
    system.start("fast-server")
    system.wait_healthy()
    media = system.upload(JPEG)

    for path in ("thumbnail", "difference"):
        answer = system.http.get(f"/media/{media.id}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (409, "not_ready_yet")
    assert shown(system, f"/media/{media.id}/thumbnail?of=original").size == (384, 288)


def test_one_that_waits_for_the_archive_to_come_back_is_shown_watermarked(system: System) -> None:
    system.start("fast-server")
    system.wait_fast()
    spool = system.spool()
    media = spool.find(system.upload(JPEG).id)
    watermark(spool, media, JPEG)
    park(spool, media, now() + timedelta(hours=1))

    assert shown(system, f"/media/{media.record.id}/thumbnail").size == (384, 288)
    assert difference(system, media.record.id).touched == 0


def test_without_the_spools_copy_it_comes_from_the_archive(system: System) -> None:
    system.start_all()
    media = system.wait_for(system.upload(JPEG).id, "stored")
    wait_until(
        lambda: not list((system.data / "uploads" / "watermarked").iterdir()), "it is swept away"
    )

    assert shown(system, f"/media/{media.id}/thumbnail").size == (384, 288)
    assert not list((system.data / "thumbnails").glob(".*"))

    system.kill("central-server")
    answer = system.http.get(f"/media/{media.id}/thumbnail?side=1600")
    assert (answer.status_code, answer.json()["code"]) == (503, "central_unavailable")
    assert system.http.get(f"/media/{media.id}/thumbnail").status_code == 200
    assert not list((system.data / "thumbnails").glob(".*"))


async def test_a_picture_that_is_swept_from_the_spool_while_it_is_drawn(tmp_path: Path) -> None:
    settings = FastServerSettings(media_data_dir=tmp_path)
    renditions = Renditions(settings, TaskBuilder(settings))
    spool = spool_in(tmp_path)
    media = watermark(spool, accept(spool), JPEG)

    @asynccontextmanager
    async def fetch(_: str) -> AsyncIterator[object]:
        async def pieces(_: int) -> AsyncIterator[bytes]:
            yield JPEG

        yield SimpleNamespace(aiter_bytes=pieces)

    deps = SimpleNamespace(spool=spool, renditions=renditions, central=SimpleNamespace(fetch=fetch))

    @asynccontextmanager
    async def source() -> AsyncIterator[Path]:
        async with local_watermark(media, cast(Dependencies, deps)) as path:
            if spool.is_watermarked(media):
                store(spool, media)
                spool.drop_watermark(media.record.id)
            yield path

    small = await renditions.view(Key(new_media_id(), "swept"), 384, source)
    await renditions.close()

    assert opened(small).size == (384, 288)


async def test_what_nobody_waits_for_any_more_ends_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With an error, or with the server; then no picture process is started again."""
    settings = FastServerSettings(media_data_dir=tmp_path)
    renditions = Renditions(settings, TaskBuilder(settings))
    picture, asked, gone = tmp_path / "picture", asyncio.Event(), asyncio.Event()
    picture.write_bytes(JPEG)

    @asynccontextmanager
    async def source() -> AsyncIterator[Path]:
        asked.set()
        yield picture

    @asynccontextmanager
    async def failing() -> AsyncIterator[Path]:
        await gone.wait()
        raise StorageFull("nobody hears this")
        yield picture

    media_id = new_media_id()
    sources = {"first": source, "second": source, "third": source, "failing": failing}
    pages = [
        asyncio.create_task(renditions.view(Key(media_id, name), 8, each))
        for name, each in sources.items()
    ]
    await asked.wait()

    async def all_begun() -> bool:
        return len(renditions._making) == len(sources)

    await wait_until_async(all_begun, "all are being made")
    for page in pages:
        page.cancel()
    await asyncio.wait(pages)
    gone.set()
    await asyncio.wait([renditions._making[Key(media_id, "failing")]])
    await renditions.close()

    assert not renditions._making
    assert all(
        process._process is None or process._process.returncode is not None
        for process in renditions._sandbox._all
    )
    gc.collect()
    assert not caplog.records


async def test_a_full_disk_is_told_when_a_picture_is_fetched_from_the_archive() -> None:
    @contextmanager
    def scratch() -> Iterator[Path]:
        yield Path("/dev/full")

    @asynccontextmanager
    async def fetch(_: str) -> AsyncIterator[httpx2.Response]:
        yield httpx2.Response(200, content=JPEG)

    deps = SimpleNamespace(
        renditions=SimpleNamespace(scratch=scratch), central=SimpleNamespace(fetch=fetch)
    )
    with pytest.raises(StorageFull):
        async with archived_file("", cast(Dependencies, deps)):
            pass


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("side=385", 422, "invalid_field"),
        ("side=9999999", 422, "invalid_field"),
        ("of=../../etc", 422, "invalid_field"),
    ],
)
def test_nothing_else_can_be_asked_for(
    running: System, stored: MediaStatus, query: str, status: int, code: str
) -> None:
    answer = running.http.get(f"/media/{stored.id}/thumbnail?{query}")

    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("path", ["thumbnail", "difference"])
def test_an_unknown_picture_has_none(running: System, path: str) -> None:
    answer = running.http.get(f"/media/{new_media_id()}/{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, "media_not_found")


def preview(running: System, content: bytes, query: str = "") -> tuple[int, bytes]:
    answer = running.http.post(f"/preview{query}", files={"file": ("a.jpg", content)})
    return answer.status_code, answer.content


def test_a_preview_is_what_the_upload_becomes(running: System, stored: MediaStatus) -> None:
    status, content = preview(running, PNG)

    assert status == 200
    expected = shown(running, f"/media/{stored.id}/thumbnail?side=1600")
    assert opened(content).convert("RGB").tobytes() == expected.convert("RGB").tobytes()


def test_a_preview_leaves_nothing_behind(running: System) -> None:
    preview(running, JPEG)

    assert not running.open_records()
    assert not running.temporary_files()
    assert not list((running.data / "thumbnails").glob(".*"))


def test_a_preview_refuses_what_an_upload_would(running: System) -> None:
    for content, query in (
        (b"", ""),
        (b"no picture", ""),
        (JPEG, "?profile=nobody"),
        (JPEG[: len(JPEG) // 8], ""),
    ):
        answer = running.http.post(f"/preview{query}", files={"file": ("a.jpg", content)})
        upload = running.http.post(f"/media{query}", files={"file": ("a.jpg", content)})
        if upload.status_code == 202:  # damage that only decoding finds
            failed = running.wait_for(upload.json()["id"], "failed")
            assert failed.error
            assert answer.json()["code"] == failed.error.code
        else:
            assert answer.json() == upload.json()
    assert not list((running.data / "thumbnails").glob(".*"))


def test_a_hostile_picture_costs_only_its_own_process(running: System) -> None:
    cut = running.wait_for(running.upload(JPEG).id, "stored")
    original = next((running.data / "uploads" / "originals").rglob(f"{cut.id}*"))
    original.write_bytes(b"\xff\xd8\xff" + b"\0" * 5000)  # rotten since it was taken

    answer = running.http.get(f"/media/{cut.id}/thumbnail?of=original")

    assert (answer.status_code, answer.json()["code"]) == (422, "broken_picture")
    assert shown(running, f"/media/{cut.id}/thumbnail")


def test_the_cache_keeps_its_size(system: System) -> None:
    cache = system.data / "thumbnails"
    cache.mkdir(parents=True)
    for number in range(20):
        (cache / f"old-{number}.webp").write_bytes(b"\0" * 100_000)
    (cache / ".left.part").write_bytes(b"\0" * 100_000)
    for file in cache.iterdir():
        os.utime(file, (0, 0))
    system.start("central-server")
    system.start("fast-server", THUMBNAIL_CACHE_BYTES="1000000")
    system.wait_healthy()
    media = system.upload(JPEG)

    assert shown(system, f"/media/{media.id}/thumbnail?of=original")

    def total() -> int:
        return sum(file.stat().st_size for file in cache.rglob("*") if file.is_file())

    wait_until(lambda: total() <= 900_000, "the oldest are swept away")
    assert list(cache.rglob(f"{media.id}*"))
    assert BytesIO(next(cache.rglob(f"{media.id}*")).read_bytes()).read(4) == b"RIFF"


def test_what_a_crash_left_goes_whatever_room_there_is(tmp_path: Path) -> None:
    for name in ("kept.webp", ".left.part"):
        (tmp_path / name).write_bytes(JPEG)
        os.utime(tmp_path / name, (0, 0))

    _sweep(tmp_path, 10**9)

    assert {file.name for file in tmp_path.iterdir()} == {"kept.webp"}


def test_what_is_being_made_is_not_swept_away(tmp_path: Path) -> None:
    """Or whoever has it made would be answered 500, wherever the cache has little room."""
    for name in ("left", "made", ".being-made.part"):
        (tmp_path / name).write_bytes(JPEG)
    os.utime(tmp_path / "left", (0, 0))

    _sweep(tmp_path, 0)

    assert {file.name for file in tmp_path.iterdir()} == {"made", ".being-made.part"}


def test_a_full_disk_takes_no_previews(system: System) -> None:
    system.start("central-server")
    system.start("fast-server", MIN_FREE_BYTES=str(10**18))
    system.wait_healthy()

    answer = system.http.post("/preview", files={"file": ("a.jpg", JPEG)})

    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
