"""Downloads pictures into files, a folder or standard output."""

import shutil
import sys
import tempfile
from pathlib import Path

from media_processor.cli import interrupts
from media_processor.cli.file_moves import place
from media_processor.cli.options import connect
from media_processor.cli.output import complain
from media_processor.client import AsyncClient
from media_processor.errors import MediaProcessorError, SetupError
from media_processor.terminal import printable


def get_all(media_ids: list[str], output: str, url: str, *, original: bool, force: bool) -> int:
    target = Path(output)
    is_new_folder = output != "-" and not (target.suffix or target.exists())
    is_folder = target.is_dir() or output.endswith("/") or is_new_folder or len(media_ids) > 1
    if output == "-" and len(media_ids) > 1:
        raise SetupError("Only one picture can be written to standard output.")
    if is_folder and target.exists() and not target.is_dir():
        raise SetupError(f"{output} is a file; several pictures need a folder.")
    if not is_folder and output != "-" and target.exists() and not force:
        raise SetupError(f"{output} exists. To overwrite it, add --force.")
    get = _Get(target, is_folder=is_folder, original=original, force=force)
    return interrupts.run(get.run(media_ids, url))


class _Get:
    def __init__(self, target: Path, *, is_folder: bool, original: bool, force: bool) -> None:
        self._target, self._is_folder = target, is_folder
        self._original, self._force = original, force

    async def run(self, media_ids: list[str], url: str) -> int:
        to_stdout = not self._is_folder and str(self._target) == "-"
        folder = None if to_stdout else self._folder()
        status = 0
        async with connect(url, patience=30) as client:
            for media_id in media_ids:
                # In the same folder, so that what is whole only has to be renamed.
                with tempfile.TemporaryDirectory(prefix=".get-", dir=folder) as temporary:
                    try:
                        await self._one(client, media_id, Path(temporary), to_stdout=to_stdout)
                    except MediaProcessorError as error:
                        complain(f"{media_id}: {error.detail}")
                        status = 1
        return status

    def _folder(self) -> Path:
        folder = self._target if self._is_folder else self._target.absolute().parent
        if self._is_folder:
            folder.mkdir(parents=True, exist_ok=True)
        if not folder.is_dir():
            raise SetupError(f"{folder} isn't a folder.")
        return folder

    async def _one(
        self, client: AsyncClient, media_id: str, temporary: Path, *, to_stdout: bool
    ) -> None:
        media = await client.media(media_id)
        path = Path(str(await media.download(temporary, original=self._original)))
        if to_stdout:
            _print(path)
            return
        target = self._target / path.name if self._is_folder else self._target
        try:
            path.replace(target) if self._force else place(path, target)
        except FileExistsError:
            raise SetupError(f"{target} exists. To overwrite it, add --force.") from None
        sys.stdout.write(f"{printable(str(target))}\n")


def _print(path: Path) -> None:
    with path.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()
