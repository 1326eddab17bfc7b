"""``watch``: what appears is sent once, whole, and put away."""

import signal
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from media_processor.cli.file_moves import place, place_beside
from media_processor.cli.upload.sender import Sender
from media_processor.cli.watch import folder as watching
from media_processor.cli.watch.folder import Plan
from media_processor.harness.machine import FAST
from media_processor.harness.waiting import wait_until
from tests.cli.shell import Terminal, one_line, run
from tests.cli.uploaded import known
from tests.client.stub import drop, routed
from tests.images.pictures import encoded, photo
from tests.system import System

JPEG = encoded(photo((300, 200)), "JPEG")
QUICK = ("--settle", "0.1")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    (folder / "trip").mkdir(parents=True)
    return folder


def put(path: Path) -> Path:
    path.write_bytes(JPEG + str(path).encode())
    return path


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


class TestRunning:
    def test_what_is_there_and_what_appears_moves_with_its_tree(
        self, running: System, inbox: Path
    ) -> None:
        put(inbox / "there.jpg")
        with Terminal("watch", str(inbox), *QUICK, "--url", running.fast_url) as shown:
            wait_until(lambda: (inbox / ".done" / "there.jpg").exists(), "it moved")
            put(inbox / "trip" / "appears.jpg")
            wait_until(lambda: (inbox / ".done" / "trip" / "appears.jpg").exists(), "it moved")
            put(inbox / "there.jpg").write_bytes(JPEG + b"another one of this name")
            wait_until(lambda: (inbox / ".done" / "there-2.jpg").exists(), "it moved beside")
            (inbox / "notes.txt").write_text("stays")
            shown.press("\x03")
            assert shown.end() == 0
            assert "trip/appears.jpg: queued " in shown.text
        names = {".done/there.jpg", ".done/there-2.jpg", ".done/trip/appears.jpg", "notes.txt"}
        assert tree(inbox) == names
        assert known(running.fast_url, "there.jpg") == {"there.jpg": 2}

    def test_a_file_that_grows_is_sent_when_it_is_whole(self, running: System, inbox: Path) -> None:
        whole = JPEG + b"grown" * 2000
        grows, beacon = inbox / "grows.jpg", put(inbox / "beacon.jpg")
        sent = inbox / ".done" / "grows.jpg"
        with (
            grows.open("wb", buffering=0) as file,
            Terminal("watch", str(inbox), "--settle", "0.5", "--url", running.fast_url) as shown,
        ):
            file.write(JPEG)  # what a server would take

            def beacon_is_through() -> bool:
                file.write(whole[file.tell() :][:10])
                return not beacon.exists()

            wait_until(beacon_is_through, "a file that doesn't grow is through")
            assert not sent.exists()
            file.write(whole[file.tell() :])
            wait_until(sent.exists, "it moved")
            shown.process.send_signal(signal.SIGTERM)
            assert shown.end() == 0
        assert sent.read_bytes() == whole
        assert known(running.fast_url, "grows") == {"grows.jpg": 1}  # no half of it before
        assert tree(inbox) == {".done/grows.jpg", ".done/beacon.jpg"}

    def test_it_outlives_the_fast_server(self, system: System, inbox: Path) -> None:
        system.start(FAST)
        system.wait_fast()
        names = [f"move-{number:02}.jpg" for number in range(60)]
        with Terminal("watch", str(inbox), *QUICK, "--url", system.fast_url) as shown:
            for name in names[:30]:
                put(inbox / name)
            wait_until(lambda: len(tree(inbox / ".done")) > 3, "some moved")
            system.kill(FAST)
            for name in names[30:]:
                put(inbox / name)
            shown.says("can't be reached; trying again")
            system.restart(FAST)
            wait_until(lambda: len(tree(inbox / ".done")) == 60, "all moved")
            shown.press("\x03")
            assert shown.end() == 0
        assert known(system.fast_url, "move") == dict.fromkeys(names, 1)
        assert tree(inbox) == {f".done/{name}" for name in names}

    def test_it_ends_at_once_while_the_fast_server_is_away(self, inbox: Path) -> None:
        put(inbox / "waits.jpg")
        with Terminal("watch", str(inbox), *QUICK, "--url", "http://127.0.0.1:9") as shown:
            shown.says("trying again")
            shown.process.send_signal(signal.SIGTERM)
            assert shown.end(8) == 0
        assert tree(inbox) == {"waits.jpg"}


class TestOnce:
    def test_a_file_that_can_not_be_sent_ends_it(
        self, inbox: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Every upload is cut off, as by a proxy."""
        monkeypatch.setattr(Sender, "check", AsyncMock())
        monkeypatch.setattr(watching, "_PATIENCE", 0.2)
        put(inbox / "a.jpg")
        plan = Plan(inbox, inbox / ".done", inbox / ".refused", "move", 0.05, once=True, wait=False)
        with routed(lambda _: drop) as server:
            assert watching.watch_folder(plan, server.url, "default") == 1
        assert "a.jpg: " in capsys.readouterr().err
        assert tree(inbox) == {"a.jpg"}

    def test_what_is_refused_is_put_aside_with_its_reason(
        self, running: System, inbox: Path
    ) -> None:
        (inbox / "trip" / "bad.jpg").write_text("no picture")
        put(inbox / "good.jpg")
        done = run("watch", str(inbox), "--once", *QUICK, "--wait", "--url", running.fast_url)
        assert done.returncode == 1
        assert tree(inbox) == {
            ".done/good.jpg",
            ".refused/trip/bad.jpg",
            ".refused/trip/bad.jpg.txt",
        }
        assert (
            "isn't in a supported picture format"
            in (inbox / ".refused" / "trip" / "bad.jpg.txt").read_text()
        )
        assert "good.jpg: stored " in done.stdout

    def test_an_empty_file_is_called_empty(self, running: System, inbox: Path) -> None:
        (inbox / "empty.jpg").touch()
        done = run("watch", str(inbox), "--once", *QUICK, "--url", running.fast_url)
        assert done.stderr.endswith("empty.jpg: not sent, it is empty\n")

    def test_marked_ones_stay_and_are_sent_once(self, running: System, inbox: Path) -> None:
        put(inbox / "marked.jpg")
        arguments = ("watch", str(inbox), "--once", "--mark", *QUICK, "--url", running.fast_url)
        first, second = run(*arguments), run(*arguments)
        assert (first.returncode, second.returncode) == (0, 0), first.stderr
        assert first.stdout.startswith(f"{inbox}/marked.jpg: queued ")
        assert second.stdout == ""
        assert tree(inbox) == {"marked.jpg"}

    def test_done_in_a_folder_of_its_own_or_deleted(self, running: System, inbox: Path) -> None:
        put(inbox / "trip" / "kept.jpg")
        url = ("--url", running.fast_url)
        within = inbox / "sent"
        assert run("watch", str(inbox), "--once", *QUICK, "--done", str(within), *url).stdout
        assert tree(inbox) == {"sent/trip/kept.jpg"}
        again = run("watch", str(inbox), "--once", *QUICK, "--done", str(within), *url)
        assert again.stdout == ""
        elsewhere = run(
            *("watch", "inbox", "--once", *QUICK, "--done", str(within), *url), cwd=inbox.parent
        )
        assert elsewhere.stdout == ""
        assert tree(inbox) == {"sent/trip/kept.jpg"}
        put(inbox / "gone.jpg")
        deleted = run("watch", str(inbox), "--once", *QUICK, "--delete", *url)
        assert deleted.returncode == 0
        assert tree(inbox) == set()

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["missing"], "isn't a folder"),
            ([".", "--done", "."], "--done must not be"),
            ([".", "--mark", "--delete"], "Use only one of"),
        ],
    )
    def test_a_mistake_is_one_line(self, inbox: Path, arguments: list[str], words: str) -> None:
        done = run("watch", *arguments, "--once", cwd=inbox)
        one_line(done, words, 2 if "Use only" in words else 1)


def test_nothing_is_ever_placed_over_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for linking in (True, False):
        if not linking:
            monkeypatch.setattr("os.link", _no_links)
        folder = tmp_path / str(linking)
        folder.mkdir()
        for number in range(3):
            (folder / "source").write_text(str(number))
            place_beside(folder / "source", folder / "a.b.jpg")
        assert {path.name: path.read_text() for path in folder.iterdir()} == {
            "a.b.jpg": "0",
            "a.b-2.jpg": "1",
            "a.b-3.jpg": "2",
        }
        with pytest.raises(FileExistsError):
            place(folder / "a.b.jpg", folder / "a.b-2.jpg")
        assert (folder / "a.b.jpg").exists()


def _no_links(*_: object) -> None:
    raise OSError("Invalid cross-device link")
