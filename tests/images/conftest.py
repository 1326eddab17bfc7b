"""One way to watermark bytes, whatever the format."""

import re
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


# Formats that have one way only, whether the native core is there or not.
_ONE_WAY = re.compile(
    "webp|gif|tiff|bmp|avif|heic|apng_is_composed|apng_hardly|apng_keeps|apng_with_too",
    re.IGNORECASE,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    items[:] = [item for item in items if item.path.parent != here or not _is_superfluous(item)]


def _is_superfluous(item: pytest.Item) -> bool:
    """Whether the native core can make no difference to a test, which runs without it too."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    kind = _ONE_WAY.search(f"{item.path.name} {item.name}")
    return parameters.get("way") == "splice" and kind is not None


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
