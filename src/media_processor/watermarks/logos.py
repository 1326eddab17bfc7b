"""Where the logo comes from: LOGO, a URL or a file, fetched once and kept on disk."""

import asyncio
import hashlib
import logging
from pathlib import Path
from urllib.parse import urlsplit

from media_processor.addresses import is_http_url
from media_processor.atomic_files import temporary_beside
from media_processor.errors import LogoUnavailable

log = logging.getLogger(__name__)


class LogoSource:
    """Finds the logo's file once; until that worked, every call tries again."""

    def __init__(self, address: str, cache: Path, *, is_chosen: bool) -> None:
        """``cache`` is a folder for what is fetched; only a logo that nobody chose may be
        replaced by the bundled one."""
        self._address, self._cache, self._is_chosen = address, cache, is_chosen
        self._file: Path | None = None
        self.is_fallback = False
        self._one_at_a_time = asyncio.Lock()

    async def file(self) -> Path:
        """The logo's file, checked.

        Raises:
            LogoUnavailable: the chosen logo can't be had now. No other one replaces it.
        """
        if self._file is None:
            async with self._one_at_a_time:
                if self._file is None:
                    try:
                        self._file = await self._find()
                    except LogoUnavailable as error:
                        raise LogoUnavailable(f"{self._shown}: {error.detail}") from None
        return self._file

    @property
    def _shown(self) -> str:
        """The address without what may be secret in a URL."""
        if not is_http_url(self._address):
            return self._address
        parts = urlsplit(self._address)
        return f"{parts.scheme}://{parts.hostname}{parts.path}"

    async def _find(self) -> Path:
        if not is_http_url(self._address):
            path = Path(self._address.removeprefix("file://")).expanduser().absolute()
            await asyncio.to_thread(check_logo, path)
            return path
        try:
            return await self._fetch()
        except LogoUnavailable as error:
            if self._is_chosen:
                raise
            log.warning(
                "⚠️ LOGO isn't set, and its default, %s, can't be used: %s So the bundled logo "
                "is used.",
                self._shown,
                error.detail,
            )
            self.is_fallback = True
            from media_processor.images.logo import bundled_logo_path

            return bundled_logo_path()

    async def _fetch(self) -> Path:
        digest = hashlib.sha256(self._address.encode()).hexdigest()
        path = self._cache / digest[:32]
        if not await asyncio.to_thread(_is_logo, path):
            content = await self._download()
            await asyncio.to_thread(_keep, content, path)
            log.info("🖼️ logo fetched, %d bytes", len(content))
        return path

    async def _download(self) -> bytes:
        import httpx2  # with TLS it takes longer to load than a small picture takes

        from media_processor.images.logo import MAX_BYTES

        content = bytearray()
        try:
            async with (
                asyncio.timeout(20),
                httpx2.AsyncClient(timeout=5, follow_redirects=True, max_redirects=3) as http,
                http.stream("GET", self._address) as answer,
            ):
                if answer.status_code != 200:
                    raise LogoUnavailable(f"The logo's URL answered {answer.status_code}.")
                async for piece in answer.aiter_bytes():
                    content += piece
                    if len(content) > MAX_BYTES:
                        raise LogoUnavailable(f"The logo is larger than {MAX_BYTES:,} bytes.")
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
            kind = type(error).__name__
            raise LogoUnavailable(f"The logo's URL can't be reached ({kind}).") from None
        return bytes(content)


def check_logo(path: Path) -> None:
    # Here, as most services never check a logo and so need no Pillow.
    from media_processor.images.logo import check_logo

    check_logo(path)


def _is_logo(path: Path) -> bool:
    # A power cut may have emptied what an earlier fetch left.
    try:
        check_logo(path)
    except LogoUnavailable:
        return False
    return True


def _keep(content: bytes, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_beside(path) as temporary:
        temporary.write_bytes(content)
        check_logo(temporary)
        temporary.replace(path)
