"""What ``watermark`` will do: where each result goes, and which pictures are skipped."""

from dataclasses import dataclass, replace
from pathlib import Path

from media_processor.cli.file_selection import NONE_THERE, Found, pictures_in
from media_processor.cli.options import WrongUsage
from media_processor.cli.watermark.results_log import ResultsLog
from media_processor.errors import MediaProcessorError, SetupError
from media_processor.filenames import watermarked_filename
from media_processor.formats import content_type_of, extension_of, named, writable
from media_processor.images.info import PictureInfo
from media_processor.images.probe import probe
from media_processor.images.profile import Profile
from media_processor.limits import Limits
from media_processor.watermarks.tasks import TaskBuilder

_PREFIX = watermarked_filename("", None)
_ALREADY_WATERMARKED = "already watermarked"
_OUTDATED = "watermarked with another logo or profile"


@dataclass(frozen=True)
class Job:
    """A picture and where its result goes; ``skipped`` says why there is nothing to do.

    A result that ``is_outdated`` was made with another logo or profile."""

    source: Path
    target: Path
    skipped: str | None = None
    is_outdated: bool = False


def plan_one(files: list[Path], profile: Profile, limits: Limits, *, force: bool) -> Job:
    if len(files) != 2 or files[1].is_dir():
        raise WrongUsage("Give IN and OUT, or pictures and --output FOLDER.")
    source, target = files
    if not source.is_file():
        raise SetupError(f"{source} isn't a file. To watermark a folder, add --output FOLDER.")
    if not target.absolute().parent.is_dir():
        what = "isn't a folder" if target.parent.exists() else "doesn't exist"
        raise SetupError(f"{target.parent} {what}.")
    if target.exists() and target.samefile(source):
        raise SetupError(f"IN and OUT are the same file, {target}. Choose another OUT.")
    if target.exists() and not force:
        raise SetupError(f"{target} exists. To overwrite it, add --force.")
    if source.name.startswith(_PREFIX) and not force:
        raise SetupError(
            f"{source} seems to be watermarked already, judging by its name. To watermark it "
            "again, add --force."
        )
    info = _info(source, limits)
    result = _result_type(info, profile) if info else None
    promised = content_type_of(target.suffix)
    if result and promised and promised != result:
        raise SetupError(
            f"{target}: the result will be {result}, so its name must end in "
            f"{extension_of(result)}."
        )
    return Job(source, target)


def plan_many(
    files: list[Path], output: Path, profile: Profile, limits: Limits, *, force: bool
) -> list[Job]:
    if output.exists() and not output.is_dir():
        raise SetupError(f"{output} is a file. --output needs a folder.")
    if any(file.resolve() == output.resolve() for file in files):
        raise SetupError(
            f"{output} holds the pictures themselves. Choose another folder for --output."
        )
    # What an earlier run put into a folder inside the given one is no new work.
    inside = output.resolve()
    found = [one for one in _all(files) if inside not in one.path.resolve().parents]
    if not found:
        raise SetupError(NONE_THERE)
    jobs: dict[Path, Job] = {}
    extensions = {one.path: _new_extension(one.path, profile, limits) for one in found}
    for one in sorted(found, key=lambda one: extensions[one.path] is not None):
        extension = extensions[one.path]
        target = output / one.place / watermarked_filename(one.path.name, extension)
        if target in jobs and extension:
            # IMG_1.heic beside IMG_1.jpg: cameras do that.
            target = target.with_name(watermarked_filename(one.path.name + extension, None))
        if target in jobs:
            raise SetupError(
                f"{jobs[target].source} and {one.path} would get the same name, {target}. "
                "Give each its own --output folder."
            )
        jobs[target] = Job(one.path, target, None if force else _reason_to_skip(one.path, target))
    by_source = {job.source: job for job in jobs.values()}
    return [by_source[one.path] for one in found]


async def mark_outdated(
    jobs: list[Job], log: ResultsLog, tasks: TaskBuilder, profile: Profile
) -> list[Job]:
    """Marks results that another logo, font or profile made. Raises LogoUnavailable."""
    done = [job for job in jobs if job.skipped == _ALREADY_WATERMARKED]
    if not any(log.made_by(job.target) for job in done):
        return jobs
    today = await tasks.digest(profile)
    outdated = {job for job in done if log.made_by(job.target) not in (None, today)}
    return [
        replace(job, skipped=_OUTDATED, is_outdated=True) if job in outdated else job
        for job in jobs
    ]


def _all(files: list[Path]) -> list[Found]:
    for path in files:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise SetupError(f"{path} isn't a file.")
    return list(pictures_in(files))


def _reason_to_skip(source: Path, target: Path) -> str | None:
    if source.name.startswith(_PREFIX):
        return "its name begins with watermarked_"
    try:
        newer = target.stat().st_mtime_ns >= source.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return _ALREADY_WATERMARKED if newer else None


def _info(source: Path, limits: Limits) -> PictureInfo | None:
    # The attempt to watermark it will report why.
    try:
        return probe(source, limits)
    except (MediaProcessorError, OSError):
        return None


def _result_type(info: PictureInfo, profile: Profile) -> str:
    if min(info.displayed_size) < profile.skip_below:
        return info.content_type
    if wanted := writable().get(profile.format):
        return wanted.content_type
    return named(info.kind.comes_out_as or info.format).content_type


def _new_extension(source: Path, profile: Profile, limits: Limits) -> str | None:
    info = _info(source, limits)
    if info is None or (result := _result_type(info, profile)) == info.content_type:
        return None
    return extension_of(result)
