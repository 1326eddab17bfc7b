"""One way to brand bytes, whatever the format."""

from collections.abc import Callable
from pathlib import Path

import pytest

from media_processor.media.facts import Limits
from media_processor.media.logo import Logo
from media_processor.media.profile import get_profile
from media_processor.media.watermark import Watermarked, watermark

from .pictures import LIMITS, quartered_logo

Brand = Callable[..., tuple[bytes, Watermarked]]


@pytest.fixture
def brand(tmp_path: Path) -> Brand:
    """Brand bytes; gives the bytes that came out and what was told about them."""

    def run(
        data: bytes, logo: Logo | None = None, limits: Limits = LIMITS
    ) -> tuple[bytes, Watermarked]:
        source, target = tmp_path / "original", tmp_path / "out" / "branded"
        target.parent.mkdir(exist_ok=True)
        source.write_bytes(data)
        made = watermark(
            source,
            target,
            logo or quartered_logo(),
            get_profile("default"),
            limits,
        )
        assert [path.name for path in target.parent.iterdir()] == ["branded"]
        return target.read_bytes(), made

    return run
