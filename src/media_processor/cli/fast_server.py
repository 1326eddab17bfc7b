"""``fast-server``: runs the fast server alone."""


def fast_server() -> None:
    """Run only the fast server, which accepts pictures on POST /media."""
    from media_processor.fast_server.main import run
    from media_processor.settings import FastServerSettings, read

    run(read(FastServerSettings))
