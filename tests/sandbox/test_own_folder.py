"""What a process that a picture has taken over can do with its result: nothing but spoil it."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from PIL import Image

from media_processor.errors import DecoderCrash, MediaProcessorError
from media_processor.messages import json_lines
from media_processor.messages.results import WatermarkResult
from media_processor.messages.sandbox import SandboxReply
from media_processor.sandbox import own_folder
from tests.sandbox.test_pool import _children, sandbox, task
from tests.sandbox.test_starts import ORDER, box, pose_as_python


@pytest.mark.parametrize(
    "write",
    [
        "true",
        "echo '<script>alert(1)</script>' >$own/result",
        "mkdir $own/result",
        "ln -s /etc/passwd $own/result",
        "ln -s ../webp $own/result",
        "mkfifo $own/result",
        "cp png $own/result",
    ],
)
async def test_what_is_not_the_promised_picture_is_refused(
    write: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (9, 9)).save(tmp_path / "webp", "WEBP")
    Image.new("L", (9, 9)).save(tmp_path / "png", "PNG")
    pose_as_python(tmp_path, monkeypatch, f"echo ready; read order; {write}; echo {{}}; read x")
    one = box(tmp_path)
    with pytest.raises(MediaProcessorError):
        await one.make_thumbnail(replace(ORDER, target=str(tmp_path / "made")))
    await one.close()
    assert not os.path.lexists(tmp_path / "made")


async def test_what_it_leaves_is_gone_before_the_next_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (9, 9)).save(tmp_path / "webp", "WEBP")
    script = "echo ready; while read order; do ls -a $own >>seen; cp webp $own/result; touch $own/x"
    pose_as_python(tmp_path, monkeypatch, f"{script}; echo {{}}; done")
    one, order = box(tmp_path), replace(ORDER, target=str(tmp_path / "made"))
    await one.make_thumbnail(order)
    await one.make_thumbnail(order)
    await one.close()
    assert (tmp_path / "seen").read_text().split() == [".", ".."] * 2


async def test_what_a_crashed_one_leaves_is_gone_before_the_next_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "ls -a $own >>seen; echo ready; read order; touch $own/x; exit 1"
    pose_as_python(tmp_path, monkeypatch, script)
    one = box(tmp_path)
    for _ in range(2):
        with pytest.raises(DecoderCrash):
            await one.make_thumbnail(ORDER)
    await one.close()
    assert (tmp_path / "seen").read_text().split() == [".", ".."] * 2


@pytest.mark.parametrize("content_type", ["", "text/html", None])
async def test_a_picture_of_no_kind_is_refused(
    content_type: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = content_type is not None and WatermarkResult(content_type, "", 3, 1, 1, "decode")
    (tmp_path / "reply").write_bytes(json_lines.encode(SandboxReply(watermarked=made or None)))
    pose_as_python(
        tmp_path, monkeypatch, "echo ready; read order; echo hi >$own/result; cat reply; read x"
    )
    one = box(tmp_path)
    with pytest.raises(DecoderCrash):
        await one.watermark(task(tmp_path))
    await one.close()
    assert not (tmp_path / "out").exists()


async def test_a_folder_in_it_goes_too(tmp_path: Path) -> None:
    own = own_folder.OwnFolder(tmp_path)
    (own.path / "a" / "b").mkdir(parents=True)
    own.result.touch()
    own.clear()
    assert not list(own.path.iterdir())


async def test_each_process_has_its_own_and_takes_it_along(tmp_path: Path) -> None:
    parent = tmp_path / "processes"
    async with sandbox(parent, processes=2) as two:
        folders = list(parent.iterdir())
        assert len(folders) == 2
        assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
        await two.watermark(task(tmp_path))
        assert not [*folders[0].iterdir(), *folders[1].iterdir()]
    assert not list(parent.iterdir())


async def test_it_can_not_fill_the_disk(tmp_path: Path) -> None:
    async with sandbox(tmp_path, memory=10**9):
        (process,) = _children()
        assert process.rlimit(psutil.RLIMIT_FSIZE) == (10**9, 10**9)


async def test_it_has_no_terminal_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_PASSWORD", "sesame")
    async with sandbox(tmp_path):
        (process,) = _children()
        assert os.getsid(process.pid) == process.pid
        assert "REDIS_PASSWORD" not in process.environ()
        assert "sesame" not in str(process.environ())


async def test_a_process_whose_folder_was_removed_is_started_anew(tmp_path: Path) -> None:
    async with sandbox(tmp_path / "processes") as one:
        for folder in (tmp_path / "processes").iterdir():
            folder.rmdir()
        await one.watermark(task(tmp_path))
    assert (tmp_path / "out").exists()


async def test_what_killed_parents_left_is_swept(tmp_path: Path) -> None:
    left = own_folder.OwnFolder(tmp_path)
    left.result.write_bytes(b"x")
    own_folder.sweep_folders(tmp_path)
    assert left.exists()
    long_ago = psutil.boot_time() - 48 * 3600
    os.utime(left.path, (long_ago, long_ago))
    own_folder.sweep_folders(tmp_path)
    assert not left.exists()


async def test_a_result_that_can_not_be_put_there_is_told(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as one:
        with pytest.raises(MediaProcessorError, match="can't be written: No such file"):
            await one.watermark(task(tmp_path, target=str(tmp_path / "nowhere" / "out")))
        await asyncio.wait_for(one.watermark(task(tmp_path)), 20)
