"""Settings of the fast server and the workers: where the spool is."""

from pathlib import Path

from media_processor.settings.base import Settings


class SpoolSettings(Settings):
    """What ``open_spool`` and the storage's factory open."""

    @property
    def uploads_dir(self) -> Path:
        """Root of the spool."""
        return self.media_data_dir / "uploads"
