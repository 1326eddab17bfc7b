import pytest

from media_processor.errors import UnknownProfile
from media_processor.media.profile import Profile, get_profile


def test_the_default_is_the_specifications() -> None:
    assert get_profile("default") == Profile("default", scale=0.20, margin=10)


def test_an_unknown_profile_is_told_with_the_known_ones() -> None:
    with pytest.raises(UnknownProfile) as caught:
        get_profile("nosuch\n" + "x" * 5000)
    assert "default" in caught.value.detail
    assert len(caught.value.detail) < 200
    assert "\n" not in caught.value.detail
