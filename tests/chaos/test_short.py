"""The short form of the proof, as a user runs it; and that the proof can fail."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from media_processor.harness.invariant import examine
from media_processor.harness.load import Load
from media_processor.harness.waiting import wait_until
from tests.system import System, running_system


def chaos(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "media_processor", "chaos", *arguments],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_short_form_holds() -> None:
    # Busy neighbours is about milliseconds, so .ci/run runs it alone.
    done = chaos("1", "2", "3", "4", "7", "11", "--short", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0, f"seed {told['seed']}: {done.stderr}"
    assert len(told["rows"]) >= 6
    for row in told["rows"]:
        assert row["not_here"] or row["outcome"]["finding"]["accepted"], row


def test_without_a_fault_it_says_which_there_are() -> None:
    done = chaos()
    assert done.returncode == 1
    assert "Choose faults by number" in done.stderr
    assert "1 kill storm" in done.stderr


def test_an_unknown_fault_is_one_line() -> None:
    done = chaos("99")
    assert done.returncode == 1
    assert (
        done.stderr
        == "media-processor: Unknown fault 99. 'media-processor chaos' lists the faults.\n"
    )


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running_system(tmp_path_factory.mktemp("stored")) as system:
        system.start_all()
        asyncio.run(Load(system.fast_url).send(range(4)))
        wait_until(lambda: not system.open_records(), "all are stored")
        system.stop()
        yield system


class TestInvariant:
    """Each way in which it can break is seen."""

    @pytest.fixture
    def system(self, stored: System, tmp_path: Path) -> System:
        """Its data alone, to be damaged; its Valkey is the one of ``stored``."""
        shutil.copytree(stored.data, tmp_path / "data")
        return System(tmp_path / "data", stored.valkey)

    @pytest.fixture
    def load(self, system: System) -> Load:
        load = Load(system.fast_url)
        names = {path.parent.name: path.name for path in system.stored_files()}
        load.accepted = {media: name.removeprefix("watermarked_") for media, name in names.items()}
        assert len(load.accepted) == 4
        assert examine(system, load.accepted).holds
        return load

    def test_a_lost_picture(self, system: System, load: Load) -> None:
        load.accepted["01a20c6f-9350-744f-b5a7-7e9cb5f032da"] = "never.jpg"
        assert examine(system, load.accepted).lost == 1

    def test_a_double(self, system: System, load: Load) -> None:
        load.accepted.popitem()
        assert examine(system, load.accepted).duplicates == 1

    def test_a_double_line(self, system: System, load: Load) -> None:
        with (system.data / "worker_activity.log").open("a") as log:
            log.write(system.log_lines()[0] + "\n")
        assert examine(system, load.accepted).duplicates == 1

    def test_a_missing_line(self, system: System, load: Load) -> None:
        path = system.data / "worker_activity.log"
        path.write_text("\n".join(path.read_text().splitlines()[1:]) + "\n")
        assert "missing from the log" in str(examine(system, load.accepted).wrong)

    def test_rotten_missing_and_unknown_files(self, system: System, load: Load) -> None:
        rotten, missing, *_ = system.stored_files()
        content = bytearray(rotten.read_bytes())
        content[len(content) // 2] ^= 1
        rotten.write_bytes(content)
        missing.unlink()
        (rotten.parent / "unknown.jpg").write_bytes(b"")
        wrong = examine(system, load.accepted).wrong
        assert len([reason for reason in wrong if "match its row" in reason]) == 2
        assert "a file without a row: unknown.jpg" in wrong

    def test_what_is_left_over(self, system: System, load: Load) -> None:
        system.valkey.client.set("arq:job:x", b"")
        assert "a Redis key without expiry: arq:job:x" in examine(system, load.accepted).wrong
        system.valkey.client.delete("arq:job:x")


def test_a_leftover_of_a_killed_writer_is_swept(system: System) -> None:
    system.start_all()
    left: Path = system.data / "uploads" / "incoming" / "x.part"
    left.write_bytes(b"")
    assert examine(system, {}).holds
    assert not left.exists()
