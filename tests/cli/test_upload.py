"""``upload``: what is sent, what isn't sent twice, and what a person is told meanwhile."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from media_processor.cli.upload.sent_log import SentLog
from media_processor.harness.machine import CENTRAL, FAST
from media_processor.harness.ports import free_port
from media_processor.harness.waiting import wait_until
from media_processor.ids import new_media_id
from tests.cli.shell import Terminal, run
from tests.cli.uploaded import known
from tests.images.pictures import encoded, photo
from tests.system import System

JPEG = encoded(photo((300, 200)), "JPEG")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "below").mkdir(parents=True)
    (tmp_path / "in" / "a.jpg").write_bytes(JPEG)
    (tmp_path / "in" / "below" / "b.png").write_bytes(encoded(photo((30, 20)), "PNG"))
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    return tmp_path


def many(folder: Path, count: int, prefix: str) -> Path:
    folder = folder / "many"
    folder.mkdir()
    for number in range(count):
        name = f"{prefix}-{number:03}.jpg"
        (folder / name).write_bytes(JPEG + name.encode())
    return folder


def objects(done: "subprocess.CompletedProcess[str]") -> list[dict[str, object]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


_IMPATIENT = """
from media_processor.cli import main
from media_processor.cli.upload import uploads

uploads._PATIENCE = 0.5
main.main()
"""


def test_what_was_not_waited_for_to_its_end_is_no_success(system: System, folder: Path) -> None:
    """The server goes away while accepted pictures are waited for."""
    system.start(CENTRAL)
    system.start(FAST)
    system.wait_healthy()
    command = [sys.executable, "-c", _IMPATIENT, "upload", "in", "--wait", "--url", system.fast_url]
    environment = {"PATH": os.environ["PATH"], "XDG_STATE_HOME": str(folder / "state")}
    sending = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_until(lambda: len(system.open_records()) == 2, "both are accepted")
    system.processes[FAST].kill()

    output, complaints = sending.communicate(timeout=30)
    assert sending.returncode == 1
    assert re.search(r"sent .*stored +unfinished", output)
    assert re.search(r"Run the same command again to (wait for|send) the rest\.", complaints)


@pytest.mark.parametrize("command", ["upload", "watch"])
def test_a_wrong_server_or_profile_is_said_once_and_nothing_moves(
    command: str, running: System, folder: Path
) -> None:
    more = ("--once", "--settle", "0.1") if command == "watch" else ()
    before = sorted((folder / "in").rglob("*"))
    for url, profile, words in (
        (running.central_url, "default", "Is this the fast server of media-processor?"),
        (running.fast_url, "gold", "There is no profile 'gold'."),
    ):
        arguments = ("--url", url, "--profile", profile, *more)
        done = run(command, "in", *arguments, cwd=folder, XDG_STATE_HOME=str(folder / "state"))
        assert done.returncode == 1
        assert done.stderr.count(words) == 1
    assert sorted((folder / "in").rglob("*")) == before


class TestWhatIsSent:
    def test_a_list_from_standard_input(self, running: System, folder: Path) -> None:
        odd = folder / "in" / "two\nlines.jpg"
        odd.write_bytes(JPEG + b"odd")
        url = ("--url", running.fast_url, "--json")
        state = {"XDG_STATE_HOME": str(folder / "state")}
        done = run("upload", "-", *url, stdin="in/a.jpg\nin/below/b.png\n", cwd=folder, **state)
        assert done.returncode == 0, done.stderr
        assert {one["path"] for one in objects(done)} == {"in/a.jpg", "in/below/b.png"}
        done = run("upload", "-0", "-", *url, stdin="in/two\nlines.jpg\0", cwd=folder, **state)
        (one,) = objects(done)
        assert (one["path"], one["sent"], one["status"]) == ("in/two\nlines.jpg", True, "queued")

    def test_a_pattern_that_no_shell_expanded(self, running: System, folder: Path) -> None:
        done = run("upload", "in/**/*.*", "--json", "--url", running.fast_url, cwd=folder)
        assert {one["path"] for one in objects(done)} == {"in/a.jpg", "in/below/b.png"}
        done = run("upload", "in/*.gif", "--url", running.fast_url, cwd=folder)
        assert done.returncode == 1
        assert "No picture matches in/*.gif." in done.stderr

    def test_a_pipe_is_not_waited_for(self, running: System, folder: Path) -> None:
        os.mkfifo(folder / "pipe.jpg")
        done = run("upload", str(folder / "pipe.jpg"), FAST_SERVER_URL=running.fast_url)
        assert done.returncode == 1
        assert "pipe.jpg isn't a file." in done.stderr

    def test_the_summary_and_what_is_not_well(self, running: System, folder: Path) -> None:
        pictures = many(folder, 24, "sum")
        (pictures / "bad.jpg").write_text("no picture")
        state = {"XDG_STATE_HOME": str(folder / "state")}
        done = run("upload", str(pictures), "--url", running.fast_url, **state)
        assert done.returncode == 1
        lines = done.stdout.splitlines()
        assert "bad.jpg" in lines[1]
        assert "refused" in lines[1]
        assert lines[3].split()[:6] == ["sent", "sent", "before", "failed", "refused", "not"]
        assert lines[4].split()[:5] == ["24", "0", "0", "1", "0"]
        assert len(lines) == 5

    def test_a_name_has_no_power_over_the_terminal(self, running: System, folder: Path) -> None:
        name = os.fsencode(folder / "in") + b"/[red]\x1b[2J:smile:\xff.jpg"
        Path(os.fsdecode(name)).write_bytes(JPEG + b"name")
        done = run("upload", str(folder / "in"), "--url", running.fast_url, HOME=str(folder))
        assert done.returncode == 0, done.stderr
        assert "[red]\\x1b[2J:smile:\\udcff.jpg" in done.stdout


class TestNothingIsSentTwice:
    def test_again_only_what_is_new(self, running: System, folder: Path) -> None:
        arguments = ("upload", str(folder / "in"), "--wait", "--json", "--url", running.fast_url)
        state = {"XDG_STATE_HOME": str(folder / "state")}
        first = run(*arguments, **state)
        assert [one["sent"] for one in objects(first)] == [True, True]
        (folder / "in" / "c.jpg").write_bytes(JPEG)
        second = run(*arguments, **state)
        assert {Path(str(one["path"])).name: one["sent"] for one in objects(second)} == {
            "a.jpg": False,
            "b.png": False,
            "c.jpg": True,
        }
        assert {one["status"] for one in objects(second)} == {"stored"}
        assert known(running.fast_url, "c.jpg") == {"c.jpg": 1}

        forced = run(*arguments, "--again", **state)
        assert {one["sent"] for one in objects(forced)} == {True}
        assert known(running.fast_url, "c.jpg") == {"c.jpg": 2}

    @pytest.mark.parametrize("damage", ["lost", "a folder"])
    def test_a_useless_sent_log_stops_nothing(
        self, running: System, folder: Path, damage: str
    ) -> None:
        name = f"{damage}.jpg"
        (folder / name).write_bytes(JPEG + damage.encode())
        arguments = ("upload", name, "--json", "--url", running.fast_url)
        state = {"XDG_STATE_HOME": str(folder / "state")}
        first = run(*arguments, cwd=folder, **state)
        assert (first.returncode, objects(first)[0]["sent"]) == (0, True)
        (sent_log,) = (folder / "state" / "media-processor" / "sent").iterdir()
        sent_log.unlink()
        if damage == "a folder":
            sent_log.mkdir()
        second = run(*arguments, cwd=folder, **state)
        assert second.returncode == 0
        assert ("saved" in second.stderr) == (damage == "a folder")
        assert objects(second)[0]["id"] == objects(first)[0]["id"]
        assert known(running.fast_url, name) == {name: 1}

    def test_a_server_that_began_anew_gets_everything(self, running: System, folder: Path) -> None:
        """The sent_log knows an id that the server doesn't."""
        arguments = ("upload", "a.jpg", "--json", "--url", running.fast_url)
        state = {"XDG_STATE_HOME": str(folder / "state")}
        run(*arguments, cwd=folder / "in", **state)
        (sent_log,) = (folder / "state" / "media-processor" / "sent").iterdir()
        sent_log.write_bytes(sent_log.read_bytes()[:65] + new_media_id().encode() + b"\n")
        (one,) = objects(run(*arguments, cwd=folder / "in", **state))
        assert one["sent"] is True
        (one,) = objects(run(*arguments, cwd=folder / "in", **state))
        assert one["sent"] is False

    def test_ctrl_c_then_the_rest(self, running: System, folder: Path) -> None:
        pictures = many(folder, 150, "ctrl")
        arguments = ("upload", str(pictures), "--url", running.fast_url)
        state = {"XDG_STATE_HOME": str(folder / "state")}
        with Terminal(*arguments, **state) as shown:
            wait_until(lambda: len(known(running.fast_url, "ctrl")) > 10, "some are accepted")
            shown.press("\x03")
            assert shown.end() == 130
            assert "send the rest" in shown.text
        sent = len(known(running.fast_url, "ctrl"))
        assert 10 <= sent < 150
        rest = run(*arguments, "--json", **state)
        assert rest.returncode == 0
        assert sum(bool(one["sent"]) for one in objects(rest)) <= 150 - sent + 4
        everything = {f"ctrl-{n:03}.jpg": 1 for n in range(150)}
        assert known(running.fast_url, "ctrl") == everything

    @pytest.mark.slow
    def test_killed_then_the_rest(self, running: System, folder: Path) -> None:
        pictures = many(folder, 150, "kill")
        arguments = ("upload", str(pictures), "--url", running.fast_url)
        environment = {"PATH": os.environ["PATH"], "XDG_STATE_HOME": str(folder / "state")}
        process = subprocess.Popen(
            [sys.executable, "-m", "media_processor", *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        wait_until(lambda: len(known(running.fast_url, "kill")) > 10, "some are accepted")
        process.kill()
        process.wait()
        assert run(*arguments, **environment).returncode == 0
        everything = {f"kill-{n:03}.jpg": 1 for n in range(150)}
        assert known(running.fast_url, "kill") == everything


class TestInATerminal:
    def test_a_bar_there_and_none_in_a_pipe(self, running: System, folder: Path) -> None:
        pictures = many(folder, 40, "bar")
        arguments = ("upload", str(pictures), "--wait", "--url", running.fast_url)
        with Terminal(*arguments, XDG_STATE_HOME=str(folder / "1")) as shown:
            assert shown.end() == 0
            assert re.search(r"sending \d+/40 ", shown.text)
            assert re.search(r"[\d.]+/[\d.]+ [kM]B", shown.text)
            assert "waiting for the archive" in shown.text
            assert shown.colours
        with Terminal(*arguments, XDG_STATE_HOME=str(folder / "1"), NO_COLOR="1") as shown:
            assert shown.end() == 0
            assert not shown.colours
        done = run(*arguments, XDG_STATE_HOME=str(folder / "2"))
        assert "\x1b" not in done.stdout + done.stderr
        assert done.stderr == ""

    def test_it_says_at_once_that_the_fast_server_is_away(
        self, system: System, folder: Path
    ) -> None:
        system.start(FAST)
        system.wait_fast()
        system.kill(FAST, signal.SIGTERM)
        arguments = ("upload", str(folder / "in"), "--url", system.fast_url)
        with Terminal(*arguments, XDG_STATE_HOME=str(folder / "state")) as shown:
            shown.says(f"waiting: {system.fast_url} can't be reached", 5)
            system.restart(FAST)
            assert shown.end() == 0
        done = run(
            "upload", "a.jpg", "--url", f"http://127.0.0.1:{free_port()}x", cwd=folder / "in"
        )
        assert done.returncode == 1


class TestTheSentLog:
    def test_it_stays_small(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
        monkeypatch.setattr("media_processor.cli.upload.sent_log._MOST_LINES", 10)
        ids = [new_media_id() for _ in range(12)]
        sent_log = SentLog("http://here")
        for number, media_id in enumerate(ids):
            sent_log.keep(f"{number:064x}", media_id)
        again = SentLog("http://here/")
        assert again.id_of(f"{11:064x}") == ids[11]
        assert again.id_of(f"{1:064x}") is None
        (file,) = (tmp_path / "media-processor" / "sent").iterdir()
        assert len(file.read_text().splitlines()) == 5
        assert SentLog("http://there").id_of(f"{11:064x}") is None
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)

    @pytest.mark.parametrize("content", [b"", b"torn", os.urandom(5000), b"\n\n", b"x" * 200])
    def test_damaged_lines_are_skipped(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
    ) -> None:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
        first, second = new_media_id(), new_media_id()
        SentLog("http://here").keep("a" * 64, first)
        (file,) = (tmp_path / "media-processor" / "sent").iterdir()
        with file.open("ab") as opened:
            opened.write(content)
        sent_log = SentLog("http://here")
        assert sent_log.id_of("a" * 64) == first
        sent_log.keep("b" * 64, second)
        assert SentLog("http://here").id_of("b" * 64) == second

    @pytest.mark.parametrize("kind", ["file", "pipe", "nowhere"])
    def test_where_nothing_can_be_kept(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        monkeypatch.setenv("XDG_STATE_HOME", "/proc/1" if kind == "nowhere" else str(tmp_path))
        sent_log = SentLog("http://here")
        if kind == "file":
            (tmp_path / "media-processor").write_text("a file")
        elif kind == "pipe":
            (tmp_path / "media-processor" / "sent").mkdir(parents=True)
            os.mkfifo(sent_log._file)
            sent_log = SentLog("http://here")
        sent_log.keep("a" * 64, new_media_id())
        assert sent_log.complaint
