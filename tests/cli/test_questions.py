"""``status``, ``list``, ``get``, ``failed`` and ``queue``: what the fast server is asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from media_processor.harness.ports import free_port
from media_processor.harness.waiting import wait_until
from media_processor.ids import new_media_id
from media_processor.messages.archive import StoredMedia, StoredPage
from media_processor.messages.media import AcceptedMedia
from tests.cli.shell import Terminal, one_line, run
from tests.images.pictures import encoded, photo
from tests.system import System

JPEG = encoded(photo((300, 200)), "JPEG")


@pytest.fixture(scope="module")
def stored(running: System) -> AcceptedMedia:
    media = running.upload(JPEG, "stored.jpg")
    running.wait_for(media.id, "stored")
    return media


@pytest.fixture(scope="module")
def failed(running: System) -> AcceptedMedia:
    media = running.upload(JPEG[: len(JPEG) // 2], "torn.jpg")
    running.wait_for(media.id, "failed")
    return media


class TestStatus:
    def test_a_line_each_change_in_a_pipe(self, running: System) -> None:
        media = running.upload(JPEG, "followed.jpg")
        done = run("status", media.id, "--follow", "--url", running.fast_url)
        assert done.returncode == 0, done.stderr
        last = done.stdout.splitlines()[-1]
        assert " stored by worker-1: central_storage/" in last
        assert last.endswith("/watermarked_followed.jpg")
        assert "\x1b" not in done.stdout

    def test_live_in_a_terminal(self, running: System) -> None:
        media = running.upload(JPEG, "live.jpg")
        with Terminal("status", media.id, "-f", "--url", running.fast_url) as shown:
            assert shown.end() == 0
            assert "watermarked_live.jpg" in shown.text
            assert shown.colours

    def test_as_json(self, running: System, failed: AcceptedMedia) -> None:
        for more in ([], ["--follow"]):
            done = run("status", failed.id, "--json", *more, "--url", running.fast_url)
            assert done.returncode == 1
            assert json.loads(done.stdout)["error"]["code"] == "broken_picture"


class TestList:
    def test_by_status_and_at_most(
        self, running: System, stored: AcceptedMedia, failed: AcceptedMedia
    ) -> None:
        done = run("list", "--status", "failed", "--url", running.fast_url)
        assert failed.id in done.stdout
        assert stored.id not in done.stdout
        done = run("list", "--limit", "1", "--json", "--url", running.fast_url)
        assert len(done.stdout.splitlines()) == 1
        assert "There are more" in done.stderr
        one_line(run("list", "--status", "lost", "--url", running.fast_url), "Statuses: queued", 2)

    def test_the_archive(self) -> None:
        stored = StoredMedia(
            media_id=new_media_id(),
            filename="watermarked_a.jpg",
            worker_name="worker-7",
            content_type="image/jpeg",
            stored_path="central_storage/x",
            sha256="0" * 64,
            size=1_500_000,
            stored_at=datetime(2026, 1, 15, tzinfo=UTC),
        )
        page = StoredPage(items=(stored,), next=None).model_dump_json()
        with _archive(page) as (url, asked):
            search = [
                "--name",
                "a b",
                "--worker",
                "w",
                "--since",
                "2026-01-01",
                "--sort",
                "largest",
            ]
            done = run("list", "--archive", *search, "--url", url)
        assert done.returncode == 0, done.stderr
        assert "watermarked_a.jpg" in done.stdout
        assert "1.5 MB" in done.stdout
        query = parse_qs(urlsplit(asked[0]).query)
        assert urlsplit(asked[0]).path == "/archive"
        expected = {"name": ["a b"], "worker": ["w"], "since": ["2026-01-01"], "sort": ["largest"]}
        assert query.items() >= expected.items()


class TestGet:
    def test_into_a_folder_a_file_and_standard_output(
        self, running: System, stored: AcceptedMedia, tmp_path: Path
    ) -> None:
        url = ("--url", running.fast_url)
        done = run("get", stored.id, *url, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, "watermarked_stored.jpg\n"), done.stderr
        watermarked = (tmp_path / "watermarked_stored.jpg").read_bytes()
        run("get", stored.id, "-o", "new/folder/", "--original", *url, cwd=tmp_path)
        assert (tmp_path / "new" / "folder" / "stored.jpg").read_bytes() == JPEG
        with Terminal("get", stored.id, "-o", "-", *url, stdout=tmp_path / "out") as shown:
            assert shown.end() == 0
        assert (tmp_path / "out").read_bytes() == watermarked
        assert {path.name for path in tmp_path.iterdir()} == {
            "watermarked_stored.jpg",
            "new",
            "out",
        }

    def test_nothing_is_overwritten_unasked(
        self, running: System, stored: AcceptedMedia, tmp_path: Path
    ) -> None:
        url = ("--url", running.fast_url)
        for target in ("watermarked_stored.jpg", "."):
            (tmp_path / "watermarked_stored.jpg").write_text("dear to me")
            one_line(run("get", stored.id, "-o", target, *url, cwd=tmp_path), "--force")
            assert (tmp_path / "watermarked_stored.jpg").read_text() == "dear to me"
        assert run("get", stored.id, "--force", *url, cwd=tmp_path).returncode == 0
        assert (tmp_path / "watermarked_stored.jpg").stat().st_size > 1000

    def test_what_can_not_be_had_is_told_and_the_rest_fetched(
        self, running: System, stored: AcceptedMedia, failed: AcceptedMedia, tmp_path: Path
    ) -> None:
        url = ("--url", running.fast_url)
        done = run("get", failed.id, stored.id, "-o", "all", *url, cwd=tmp_path)
        one_line(done, failed.id)
        assert [path.name for path in (tmp_path / "all").iterdir()] == ["watermarked_stored.jpg"]
        one_line(run("get", stored.id, failed.id, "-o", "-", *url), "Only one")


def test_failed_as_json(running: System, failed: AcceptedMedia) -> None:
    done = run("failed", "--json", "--url", running.fast_url)
    assert done.returncode == 1
    assert failed.id in {json.loads(line)["id"] for line in done.stdout.splitlines()}


class TestQueue:
    def test_depths_and_workers(self, running: System) -> None:
        running.wait_well()
        done = run("queue", "--url", running.fast_url)
        assert done.returncode == 0, done.stderr
        lines = [line.split() for line in done.stdout.splitlines()]
        assert lines[1:3] == [["watermark", "0", "0", "0"], ["upload", "0", "0", "0"]]
        assert sum(line[:1] == ["worker-1"] for line in lines) == 2
        assert done.stdout.splitlines()[-1].startswith("unfinished 0 of 10,000")
        done = run("queue", "--json", "--url", running.fast_url)
        assert json.loads(done.stdout)["accepting"] is True

    def test_followed_until_ctrl_c(self, running: System) -> None:
        with Terminal("queue", "--follow", "--url", running.fast_url) as shown:
            shown.says("worker-1")
            shown.press("\x03")
            assert shown.end() == 130

    def test_followed_in_a_pipe_it_tells_what_changed(
        self, running: System, tmp_path: Path
    ) -> None:
        url = ("--url", running.fast_url)
        reports = tmp_path / "reports"
        reports.touch()
        with Terminal("queue", "--follow", "--json", *url, stdout=reports) as shown:
            wait_until(lambda: reports.read_text().endswith("\n"), "a report")
            torn = running.upload(JPEG[: len(JPEG) // 2] + b"again", "torn.jpg")
            running.wait_for(torn.id, "failed")
            wait_until(lambda: len(reports.read_text().splitlines()) > 1, "another one")
            shown.press("\x03")
            assert shown.end() == 130
        first, *_, last = (json.loads(line) for line in reports.read_text().splitlines())
        assert last["failed"] == first["failed"] + 1


@contextmanager
def _archive(page: str) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("option", [["--name", "a"], ["--since", "2026-01-31"], ["--sort", "name"]])
def test_a_search_without_the_archive_is_a_mistake(option: list[str]) -> None:
    done = run("list", *option, "--url", f"http://127.0.0.1:{free_port()}")

    assert done.returncode == 2
    assert "--archive" in done.stderr


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_a_day_that_is_none_is_told_as_it_was_typed(option: str) -> None:
    done = run("list", "--archive", option, "yesterday", "--url", f"http://127.0.0.1:{free_port()}")

    one_line(done, f"{option} yesterday isn't a date. Write it as 2026-01-31.", 2)


def test_nothing_to_retry(running: System) -> None:
    done = run("retry", "--reason", "image_bomb", "--url", running.fast_url)

    assert (done.returncode, done.stdout) == (0, "No picture has failed for image_bomb.\n")
