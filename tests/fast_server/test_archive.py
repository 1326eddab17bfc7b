"""``GET /archive…`` and ``GET /activity``: the archive, as the page sees it."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from io import BytesIO
from zipfile import ZipFile

import httpx2
import pytest
from PIL import Image

from media_processor.harness.waiting import wait_until
from media_processor.messages.archive import StoredMedia, StoredPage, WitnessedActivity
from tests.images.pictures import encoded, opened, photo
from tests.system import System, running_system

UNKNOWN = "019ab000-0000-7000-8000-000000000000"
NAMES = ["Ostsee 1.jpg", "ostsee 2.jpg", "Alpen_100%.jpg", "Alpen-100.jpg", "alpen.jpg"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system of this module's own, whose archive has nothing but what is sent here."""
    with running_system(tmp_path_factory.mktemp("running")) as system:
        system.start_all()
        yield system


@pytest.fixture(scope="module")
def stored(running: System) -> list[StoredMedia]:
    for number, name in enumerate(NAMES, start=1):
        picture = encoded(photo((64 * number, 48 * number)), "JPEG")
        running.wait_for(running.upload(picture, name).id, "stored")
    return search(running, "sort=oldest")


def search(running: System, query: str = "") -> list[StoredMedia]:
    found: list[StoredMedia] = []
    cursor = ""
    while True:
        answer = running.http.get(f"/archive?{query}&limit=2{cursor}")
        assert answer.status_code == 200, answer.text
        page = StoredPage.model_validate_json(answer.content)
        found += page.items
        if page.next is None:
            return found
        cursor = f"&cursor={page.next}"


def names(found: list[StoredMedia]) -> list[str]:
    return [media.filename.removeprefix("watermarked_") for media in found]


def test_it_is_sorted(running: System, stored: list[StoredMedia]) -> None:
    assert names(stored) == NAMES
    assert names(search(running)) == NAMES[::-1]
    assert names(search(running, "sort=newest")) == NAMES[::-1]
    assert names(search(running, "sort=name")) == sorted(NAMES)
    sizes = [media.size for media in search(running, "sort=largest")]
    assert sizes == sorted((media.size for media in stored), reverse=True)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name=OSTSEE", {"Ostsee 1.jpg", "ostsee 2.jpg"}),
        ("name=100%25", {"Alpen_100%.jpg"}),
        ("name=_100", {"Alpen_100%.jpg"}),
        ("name=nothing", set()),
        ("worker=WORKER-1", set(NAMES)),
        ("worker=worker-2", set()),
        ("name=alpen&worker=1&sort=name", {"Alpen_100%.jpg", "Alpen-100.jpg", "alpen.jpg"}),
        ("since=2020-01-01&until=2020-12-31", set()),
        ("since=2020-01-01", set(NAMES)),
        ("since=0001-01-01T00:00:00%2B14:00&until=9999-12-31T23:59:59-12:00", set(NAMES)),
        ("until=9999-12-31", set(NAMES)),
    ],
)
@pytest.mark.usefixtures("stored")
def test_it_is_searched(running: System, query: str, expected: set[str]) -> None:
    assert set(names(search(running, query))) == expected


def test_a_day_is_meant_from_its_beginning_to_its_end(
    running: System, stored: list[StoredMedia]
) -> None:
    first, last = stored[0].stored_at, stored[-1].stored_at
    days = f"since={first:%Y-%m-%d}&until={last:%Y-%m-%d}"
    assert len(search(running, days)) == len(NAMES)

    # To the moment: each end counts.
    def query(since: datetime, until: datetime) -> str:
        return f"since={since:%Y-%m-%dT%H:%M:%S.%fZ}&until={until:%Y-%m-%dT%H:%M:%S.%fZ}"

    one = timedelta(microseconds=1)
    assert search(running, query(first, last)) == stored[::-1]
    assert search(running, query(first + one, last - one)) == stored[-2:0:-1]


def test_a_time_with_a_zone_is_that_moment(running: System, stored: list[StoredMedia]) -> None:
    tokyo = (stored[2].stored_at.astimezone(UTC) + timedelta(hours=9)).replace(tzinfo=None)

    found = search(running, f"since={tokyo.isoformat()}%2B09:00&sort=oldest")

    assert found == stored[2:]


@pytest.mark.parametrize(
    "query",
    ["sort=best", "since=yesterday", "limit=0", "cursor=nonsense", f"cursor={UNKNOWN}"],
)
def test_a_query_that_makes_no_sense_is_refused(running: System, query: str) -> None:
    answer = running.http.get(f"/archive?{query}")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field")


def test_a_picture_can_be_had(running: System, stored: list[StoredMedia]) -> None:
    answer = running.http.get(f"/archive/{stored[0].media_id}/file")

    assert answer.content == (running.data / stored[0].stored_path).read_bytes()
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "watermarked_Ostsee%201.jpg" in answer.headers["content-disposition"]
    small = running.http.get(f"/archive/{stored[-1].media_id}/thumbnail")
    assert opened(small.content).size == (320, 240)


@pytest.mark.parametrize("path", ["file", "thumbnail"])
@pytest.mark.parametrize("media_id", [UNKNOWN, "nonsense", "..%2f..%2fhealth"])
def test_one_that_is_not_there(running: System, media_id: str, path: str) -> None:
    answer = running.http.get(f"/archive/{media_id}/{path}")

    assert answer.status_code == 404
    assert answer.json()["code"] in ("media_not_found", "not_found")


def test_many_come_as_one_zip(running: System, stored: list[StoredMedia]) -> None:
    again = running.wait_for(
        running.upload(encoded(photo((80, 60)), "JPEG"), "ALPEN.jpg").id, "stored"
    )
    lost = UNKNOWN
    chosen = [*(media.media_id for media in stored), again.id, lost, stored[0].media_id, "x"]

    answer = running.http.post("/archive/zip", data={"id": chosen})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert 'filename="pictures.zip"' in answer.headers["content-disposition"]
    with ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        expected = [f"watermarked_{name}" for name in NAMES]
        assert archive.namelist() == [*expected, "watermarked_ALPEN-2.jpg", "missing.txt"]
        for media in stored:
            assert archive.read(media.filename) == (running.data / media.stored_path).read_bytes()
        assert lost in archive.read("missing.txt").decode()


def test_a_picture_whose_file_is_gone_costs_the_zip_only_that_one(system: System) -> None:
    system.start_all()
    ids = [system.upload(encoded(photo((64, 48)), "JPEG"), name).id for name in ("a.jpg", "b.jpg")]
    for media_id in ids:
        system.wait_for(media_id, "stored")
    (system.data / search(system, "name=a.jpg")[0].stored_path).unlink()

    answer = system.http.post("/archive/zip", data={"id": ids})

    with ZipFile(BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["watermarked_b.jpg", "missing.txt"]
        assert ids[0] in archive.read("missing.txt").decode()


@pytest.mark.parametrize("chosen", [[], [UNKNOWN] * 1001])
def test_a_zip_of_nothing_or_too_much_is_refused(running: System, chosen: list[str]) -> None:
    answer = running.http.post("/archive/zip", data={"id": chosen})

    assert answer.status_code in (400, 422)  # Starlette counts fields before FastAPI does
    assert answer.headers["content-type"] == "application/problem+json"


def activity(running: System) -> WitnessedActivity:
    answer = running.http.get("/activity?limit=2")
    assert answer.status_code == 200, answer.text
    return WitnessedActivity.model_validate_json(answer.content)


def test_the_log_is_told_with_its_verdict(system: System) -> None:
    system.start_all()
    for number in range(3):
        media = system.upload(encoded(photo((64, 48)), "JPEG"), f"{number}.jpg")
        system.wait_for(media.id, "stored")
    wait_until(lambda: activity(system).verified.sequence == 3, "the log is checked")
    told = activity(system)
    assert [line.image for line in told.lines] == ["watermarked_2.jpg", "watermarked_1.jpg"]
    assert told.verified.state == "agrees"

    log = system.data / "worker_activity.log"
    log.write_text(log.read_text().replace("watermarked_1", "watermarked_7"))
    wait_until(lambda: activity(system).verified.state == "altered", "the change is seen")
    assert "entry 2" in activity(system).verified.detail


@pytest.mark.slow
def test_who_reads_slowly_keeps_nobody_from_asking(system: System) -> None:
    system.start_all()
    large = encoded(Image.effect_noise((4000, 4000), 100), "PNG", compress_level=0)
    media = system.wait_for(system.upload(large, "large.png").id, "stored")
    with ExitStack() as stack:
        for _ in range(32):
            path = f"/archive/{media.id}/file"
            reader = stack.enter_context(system.http.stream("GET", path))
            assert reader.status_code == 200

        assert search(system)[0].media_id == media.id
        assert system.http.get("/activity").status_code == 200


def test_without_the_archive_it_says_so(system: System) -> None:
    system.start("central-server")
    system.start("fast-server")
    system.wait_healthy()
    system.kill("central-server")

    for path in ("/archive", f"/archive/{UNKNOWN}/file", "/activity"):
        answer = system.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "central_unavailable")
    answer = system.http.post("/archive/zip", data={"id": UNKNOWN})
    assert (answer.status_code, answer.json()["code"]) == (503, "central_unavailable")


@pytest.fixture(scope="module")
def places(running: System, stored: list[StoredMedia]) -> list[tuple[httpx2.Client, str]]:
    media_id = stored[0].media_id
    return [
        (running.central, f"/media/{media_id}/file"),
        (running.http, f"/archive/{media_id}/file"),
        (running.http, f"/media/{media_id}/watermarked"),
    ]


@pytest.mark.parametrize(
    ("headers", "status", "part"),
    [
        ({"Range": "bytes=10-19"}, 206, slice(10, 20)),
        ({"Range": "bytes=-5"}, 206, slice(-5, None)),
        ({"Range": "bytes=99999999-"}, 416, None),
        ({"Range": "lines=1-2"}, 200, slice(None)),
        ({"Range": "bytes=0-9", "If-Range": "{etag}"}, 206, slice(0, 10)),
        ({"Range": "bytes=0-9", "If-Range": '"another"'}, 200, slice(None)),
        ({"If-None-Match": '"another", W/{etag}'}, 304, slice(0, 0)),
        ({"If-None-Match": "*"}, 304, slice(0, 0)),
        ({"If-None-Match": '"another"'}, 200, slice(None)),
        ({"If-None-Match": "\xff"}, 200, slice(None)),
    ],
)
def test_a_part_of_a_picture_can_be_had_wherever_it_is(
    running: System,
    stored: list[StoredMedia],
    places: list[tuple[httpx2.Client, str]],
    headers: dict[str, str],
    status: int,
    part: slice | None,
) -> None:
    whole = (running.data / stored[0].stored_path).read_bytes()
    etag = f'"{stored[0].sha256}"'
    asked = {
        name: value.replace("{etag}", etag).encode("latin-1") for name, value in headers.items()
    }
    for server, path in places:
        answer = server.get(path, headers=[(name.encode(), asked[name]) for name in asked])

        assert answer.status_code == status, path
        if part is None:
            assert answer.headers["content-range"] == f"bytes */{len(whole)}", path
            assert answer.json()["code"] == "range_not_satisfiable", path
            continue
        assert answer.content == whole[part], path
        assert answer.headers["etag"] == etag, path
        if status == 206:
            start, stop, _ = part.indices(len(whole))
            expected = f"bytes {start}-{stop - 1}/{len(whole)}"
            assert answer.headers["content-range"] == expected, path
        if status != 304:
            assert answer.headers["content-type"] == "image/jpeg", path
            assert answer.headers["content-length"] == str(len(answer.content)), path


def test_many_parts_of_a_picture_come_in_one_answer(
    places: list[tuple[httpx2.Client, str]],
) -> None:
    for server, path in places:
        answer = server.get(path, headers={"Range": "bytes=0-1,5-6"})

        assert answer.status_code == 206, path
        kind = answer.headers["content-type"]
        assert kind.startswith("multipart/byteranges; boundary="), path
        assert answer.content.startswith(f"--{kind.rpartition('=')[2]}\r\n".encode()), path
