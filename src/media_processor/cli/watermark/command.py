"""``watermark``: its arguments, options and help."""

from pathlib import Path
from typing import Annotated

import typer

from media_processor.cli.options import ProfileName


def watermark(
    files: Annotated[
        list[Path],
        typer.Argument(help="IN OUT, or any number of pictures and folders with --output."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for the results, each named watermarked_<name>. Subfolders are kept.",
        ),
    ] = None,
    profile: ProfileName = "default",
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            min=1,
            help="Pictures to process at the same time. Default: WATERMARK_PROCESSES.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done, without doing it.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Overwrite OUT, and watermark pictures again that are watermarked already.",
        ),
    ] = False,
) -> None:
    """Watermark pictures on this machine, without a server.

    The logo is LOGO, a URL or a file. Each result is printed with its method:
    splice (only what the logo covers was re-encoded) or decode (the whole picture was
    re-encoded, with the reason), and below it with what couldn't be kept.

    With --output, a picture is skipped if its result exists and is not older, or if its name
    begins with watermarked_. So running the same command again watermarks only new pictures.
    If the logo or the profile has changed since, the result is listed as outdated. A result that
    comes again under another name is watermarked again, with a note.

    \b
    Examples:
      media-processor watermark photo.jpg watermarked.jpg
      media-processor watermark *.jpg -o watermarked/
      media-processor watermark photos/ -o watermarked/ --jobs 4 --dry-run

    \b
    Exit status:
      0    every picture was watermarked or skipped
      1    at least one picture failed or is outdated, or nothing could be done
      2    wrong usage
      130  interrupted; finished pictures are kept
    """
    from media_processor.cli.watermark.batch import watermark_files

    raise typer.Exit(
        watermark_files(files, output, profile, jobs=jobs, dry_run=dry_run, force=force)
    )
