"""Builds tasks for picture processes: finds the profile, fetches its logos as files."""

import asyncio
from hashlib import sha256
from pathlib import Path

from media_processor.errors import LogoUnavailable
from media_processor.images.profile import Profile, as_message
from media_processor.limits import Limits
from media_processor.messages.sandbox import WatermarkTask
from media_processor.settings import PipelineSettings
from media_processor.watermarks.logos import LogoSource
from media_processor.watermarks.profiles import Profiles, resolve

_FALLBACK = "the default logo can't be fetched, so the one bundled with the package was used"


class TaskBuilder:
    """Makes tasks out of profiles; every logo is fetched once."""

    def __init__(self, settings: PipelineSettings, profiles: Profiles | None = None) -> None:
        self.profiles = profiles or Profiles(settings.watermarks)
        self._settings = settings
        self._default = LogoSource(
            settings.logo_address, settings.logo_dir, is_chosen=settings.logo_is_set
        )
        self._sources: dict[str, LogoSource] = {}

    async def build(
        self, source: Path, target: Path, profile: str, tokens: dict[str, str]
    ) -> WatermarkTask:
        """The task to watermark ``source``.

        Raises:
            UnknownProfile: there is no such profile here.
            LogoUnavailable: one of its logos can't be had now.
        """
        chosen = self.profiles.get(profile)
        logos = await self.logos(chosen)
        return WatermarkTask(
            source=str(source),
            target=str(target),
            profile=as_message(chosen),
            logos=tuple([str(path) for path in logos]),
            font=self._font(chosen),
            tokens=tokens,
            limits=self.limits,
            notes=(_FALLBACK,) if None in chosen.logos and self._default.is_fallback else (),
        )

    @property
    def limits(self) -> Limits:
        return self._settings.picture_limits

    async def digest(self, profile: Profile) -> str:
        """SHA-256, in hex, of what decides how a picture is watermarked: settings, logos, font.

        Raises:
            LogoUnavailable: a logo or the font can't be had.
        """
        files = await self.logos(profile)
        if font := self._font(profile):
            files.append(Path(font))
        try:
            contents = [await asyncio.to_thread(file.read_bytes) for file in files]
        except OSError as error:
            raise LogoUnavailable(f"{error.filename} can't be read: {error.strerror}.") from None
        parts = (profile.digest, *(sha256(content).hexdigest() for content in contents))
        return sha256(" ".join(parts).encode()).hexdigest()

    def _font(self, profile: Profile) -> str | None:
        return resolve(profile.font, self._settings.watermarks) if profile.font else None

    async def logos(self, profile: Profile) -> list[Path]:
        """The files of the profile's logos; raises LogoUnavailable."""
        try:
            return [await self._logo(address) for address in profile.logos]
        except LogoUnavailable as error:
            raise LogoUnavailable(f"Profile {profile.name}: {error.detail}") from None

    async def _logo(self, address: str | None) -> Path:
        if address is None:
            return await self._default.file()
        place = resolve(address, self._settings.watermarks)
        if place not in self._sources:
            self._sources[place] = LogoSource(place, self._settings.logo_dir, is_chosen=True)
        return await self._sources[place].file()
