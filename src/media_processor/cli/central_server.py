"""``central-server``: runs the central server alone."""


def central_server() -> None:
    """Run only the central server, which archives the pictures sent to POST /upload-final."""
    from media_processor.central_server.main import run
    from media_processor.settings import CentralServerSettings, read

    run(read(CentralServerSettings))
