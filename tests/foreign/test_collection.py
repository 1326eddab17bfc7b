"""Pictures of other people's test suites: none crashes anything, loses anything unsaid, or comes
out as what a reader refuses that opened the source."""

import asyncio
import multiprocessing
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from media_processor.errors import MediaProcessorError, PictureError
from media_processor.images.logo import bundled_logo_path
from media_processor.images.profile import DEFAULT, as_message
from media_processor.limits import Limits
from media_processor.messages.sandbox import WatermarkTask
from media_processor.sandbox.pool import Sandbox

from . import tags
from .collection import pictures
from .known import LOST, REFUSED, UNLIKE
from .likeness import Pair, faults, limit_memory
from .readers import opened

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
_PROCESSES = 2


@dataclass(frozen=True)
class Made:
    sources: dict[str, Path]
    pairs: list[Pair]
    refused: dict[str, MediaProcessorError]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("made")
    yield asyncio.run(_watermark_all(pictures(), folder))
    shutil.rmtree(folder)


async def _watermark_all(sources: dict[str, Path], folder: Path) -> Made:
    made = Made(sources, [], {})
    sandbox = Sandbox(_PROCESSES, memory_bytes=Limits().memory, timeout=120, folder=folder)

    async def one(number: int, name: str, source: Path) -> None:
        target = folder / f"{number}{source.suffix}"
        task = WatermarkTask(
            source=str(source),
            target=str(target),
            profile=as_message(DEFAULT),
            logos=(str(bundled_logo_path()),),
            font=None,
            tokens={},
            limits=Limits(),
        )
        try:
            made.pairs.append(Pair(name, source, target, await sandbox.watermark(task)))
        except MediaProcessorError as error:
            made.refused[name] = error

    await sandbox.start()
    try:
        await asyncio.gather(*(one(number, *each) for number, each in enumerate(sources.items())))
    finally:
        await sandbox.close()
    return made


def test_all_are_taken_or_refused_for_what_they_are(made: Made) -> None:
    assert len(made.pairs) > 450
    others = {
        name: f"{error.code}: {error.detail}"
        for name, error in made.refused.items()
        if not isinstance(error, PictureError) or not error.detail.endswith(".")
    }
    assert not others, "a crash, too slow, too much memory, or a wrong result"


def test_what_two_readers_open_is_taken(made: Made) -> None:
    found = {
        name: error.detail
        for name, error in made.refused.items()
        if error.code != "too_many_pixels" and len(opened(made.sources[name])) > 1
    }
    assert not {name: why for name, why in found.items() if name not in REFUSED}
    assert found.keys() == REFUSED


def test_readers_open_what_comes_out_and_see_the_same(made: Made) -> None:
    context = multiprocessing.get_context("spawn")  # libvips doesn't outlive a fork
    with ProcessPoolExecutor(_PROCESSES, context, limit_memory) as pool:
        all_faults = pool.map(faults, made.pairs, chunksize=8)
        found = {pair.name: each for pair, each in zip(made.pairs, all_faults, strict=True)}
    assert not {name: each for name, each in found.items() if each and name not in UNLIKE}
    assert all(found[name] for name in UNLIKE)


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool isn't installed")
def test_no_tag_is_lost_in_silence(made: Made) -> None:
    before = tags.read(pair.source for pair in made.pairs)
    after = tags.read(pair.result for pair in made.pairs)
    found = {
        (pair.name, tag): values
        for pair in made.pairs
        for tag, values in tags.unsaid(
            before[pair.source], after[pair.result], pair.made.notes
        ).items()
        if not re.fullmatch(LOST.get(pair.name, ""), tag)
    }
    assert not found
