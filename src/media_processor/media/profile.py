"""A profile: a named way to place a watermark."""

from dataclasses import dataclass

from media_processor.errors import UnknownProfile


@dataclass(frozen=True)
class Profile:
    """``scale`` is the share (0 to 1) of the picture's width and height that the logo may
    take; ``margin`` is its distance from the top and right edges in displayed pixels."""

    name: str
    scale: float = 0.20
    margin: int = 10


_PROFILES = {profile.name: profile for profile in (Profile("default"),)}


def get_profile(name: str) -> Profile:
    """The profile called ``name``; raises UnknownProfile."""
    try:
        return _PROFILES[name]
    except KeyError:
        known = ", ".join(sorted(_PROFILES))
        raise UnknownProfile(
            f"There is no profile named {name[:40]!r}. Known profiles: {known}."
        ) from None
