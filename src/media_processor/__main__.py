"""``python -m media_processor`` is the command ``media-processor``."""

from media_processor.cli.main import main

if __name__ == "__main__":
    main()
