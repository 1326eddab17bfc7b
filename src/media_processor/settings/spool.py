"""Where the spool is."""

from pathlib import Path

from media_processor.settings.base import Settings


class SpoolSettings(Settings):
    """Read by ``open_spool``, and by the storage's factory for its pictures."""

    @property
    def uploads_dir(self) -> Path:
        """Root of the spool."""
        return self.media_data_dir / "uploads"
