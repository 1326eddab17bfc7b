"""One way to watermark bytes, whatever the format."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from media_processor.images import splice
from media_processor.images.logo import Artwork
from media_processor.images.profile import DEFAULT, Profile
from media_processor.images.watermark import Watermarked, watermark
from media_processor.limits import Limits

from .pictures import LIMITS, quartered_logo

ApplyWatermark = Callable[..., tuple[bytes, Watermarked]]


@pytest.fixture(params=["decode", "splice"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether the native core is there: everything must work without it."""
    if request.param == "decode":
        monkeypatch.setattr(splice, "native", None)
    elif not splice.is_installed():
        pytest.skip("the native core isn't built: there is no cargo here")
    return str(request.param)


@pytest.fixture
def apply_watermark(tmp_path: Path, way: str) -> ApplyWatermark:  # noqa: ARG001 - sets which way is taken
    """Watermark bytes; gives the bytes that came out and what was told about them."""

    def run(
        data: bytes,
        *logos: Artwork,
        profile: Profile = DEFAULT,
        limits: Limits = LIMITS,
        **more: Any,
    ) -> tuple[bytes, Watermarked]:
        source, target = tmp_path / "original", tmp_path / "out" / "watermarked"
        target.parent.mkdir(exist_ok=True)
        source.write_bytes(data)
        made = watermark(
            source,
            target,
            logos or [quartered_logo()],
            profile,
            limits,
            **more,
        )
        assert [path.name for path in target.parent.iterdir()] == ["watermarked"]
        return target.read_bytes(), made

    return run
