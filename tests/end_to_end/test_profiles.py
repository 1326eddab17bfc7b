"""Profiles through the whole system, from the file to the archive."""

import time
from pathlib import Path

import pytest

from media_processor.images.profile import DEFAULT
from media_processor.messages.fast_server import ProfileList
from tests.images.pictures import encoded, opened, photo
from tests.system import System

PICTURE = encoded(photo((300, 200)), "PNG")


@pytest.fixture
def profiles(system: System, tmp_path: Path) -> Path:
    file = tmp_path / "watermarks.toml"
    file.write_text('[corner]\nanchor = "bottom-left"\n[web]\nformat = "webp"\n')
    system.environment["WATERMARKS"] = str(file)
    system.start_all()
    return file


def test_a_profile_is_chosen_and_its_change_is_seen(system: System, profiles: Path) -> None:
    listed = ProfileList.model_validate_json(system.http.get("/profiles").content).profiles
    assert [profile.name for profile in listed] == ["default", "corner", "web"]
    assert listed[0].digest == DEFAULT.digest

    by_address = system.post(PICTURE, "a.png", "image/png", params={"profile": "corner"})
    by_field = system.post(PICTURE, "b.png", "image/png", data={"profile": "web"})
    assert (by_address.status_code, by_field.status_code) == (202, 202)
    corner = system.wait_for(by_address.json()["id"], "stored")
    assert (corner.profile, corner.profile_digest) == ("corner", listed[1].digest)
    assert corner.result
    assert corner.result.profile_digest == listed[1].digest
    assert len(corner.result.logos) == 1
    web = system.wait_for(by_field.json()["id"], "stored")
    assert web.result
    assert web.result.stored_path.endswith("/watermarked_b.webp")
    assert opened(system.http.get(web.links.watermarked).content).format == "WEBP"

    time.sleep(0.01)  # another time of change, whatever the clock's grain
    profiles.write_text("[corner]\nscale = 0.5\n")
    changed = system.upload(
        PICTURE, "c.png", content_type="image/png", params={"profile": "corner"}
    )
    assert changed.profile_digest != listed[1].digest
    again = system.wait_for(changed.id, "stored")
    assert again.result
    assert again.result.profile_digest == changed.profile_digest


def test_what_is_wrong_with_a_profile_is_told(system: System, profiles: Path) -> None:  # noqa: ARG001
    unknown = system.post(PICTURE, params={"profile": "gold"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_profile")
    assert "corner" in unknown.json()["detail"]
    both = system.post(PICTURE, params={"profile": "web"}, data={"profile": "corner"})
    assert (both.status_code, both.json()["code"]) == (422, "invalid_field")
    assert not system.temporary_files()


@pytest.mark.parametrize("service", ["fast-server", "worker-server", "up"])
def test_nothing_starts_with_a_mistake(service: str, system: System, tmp_path: Path) -> None:
    file = tmp_path / "watermarks.toml"
    file.write_text("[corner]\nscale = 3\n")
    system.start(service, WATERMARKS=str(file))
    assert system.processes[service].wait(20) == 1
    (line,) = [line for line in system.log(service).splitlines() if "WATERMARKS" in line]
    assert "line 2: corner.scale" in line
    assert "Traceback" not in system.log(service)
