"""``watermark`` and ``profiles``: pictures right here, without any server."""

from pathlib import Path
from typing import Annotated

import typer

from media_processor.cli.commands.options import ProfileName

commands = typer.Typer()
profiles = typer.Typer(no_args_is_help=True, help="The ways to watermark a picture.")
commands.add_typer(profiles, name="profiles", rich_help_panel="Without a server")


@profiles.command("list")
def list_profiles() -> None:
    """List the profiles in the file that WATERMARKS names, and check it."""
    from media_processor.cli.profiles import list_profiles as run

    raise typer.Exit(run())


@profiles.command()
def preview(
    name: Annotated[str, typer.Argument(help="The profile.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to; by default NAME.png.")
    ] = None,
) -> None:
    """Draw one sheet that shows a profile on eight kinds of pictures."""
    from media_processor.cli.profiles import preview as run

    raise typer.Exit(run(name, output or Path(f"{name}.png")))


@commands.command(rich_help_panel="Without a server")
def watermark(
    files: Annotated[
        list[Path],
        typer.Argument(help="IN OUT; or with --output any number of pictures and folders."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for watermarked_<name> of each picture; the tree below each given "
            "folder is kept.",
        ),
    ] = None,
    profile: ProfileName = "default",
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", min=1, help="Pictures at a time. Default: WATERMARK_PROCESSES."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be done.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Watermark what is watermarked already; overwrite OUT.")
    ] = False,
) -> None:
    """Watermark pictures right here, without any server.

    The logo is GOOGLE_LOGO, a URL or a file. For each picture it prints where it went, and how:
    splice (only what the logo covers was coded anew) or decode (all of it, and why).

    With --output a picture is skipped if its result is there and not older, or if its name
    begins with watermarked_; the same command again does only what is new.

    \b
    Examples:
      media-processor watermark photo.jpg watermarked.jpg
      media-processor watermark *.jpg -o watermarked/
      media-processor watermark photos/ -o watermarked/ --jobs 4 --dry-run

    \b
    Exit status:
      0    all are watermarked (or skipped)
      1    some couldn't be, or nothing could be done at all
      2    the command can't be understood
      130  interrupted; what was finished stays
    """
    from media_processor.cli.local import watermark_files

    raise typer.Exit(
        watermark_files(files, output, profile, jobs=jobs, dry_run=dry_run, force=force)
    )
