"""Puts the screenshots that the browser tests took into docs/page, for README and guide."""

from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
TAKEN = ROOT / "tests" / "browser" / "screenshots"

# What docs/page has, and what the tests call it.
SHOWN = {
    "upload": "dropped",
    "compare": "compare",
    "changed": "changed",
    "archive": "archive",
    "operations": "operations-light",
}


def main() -> None:
    target = ROOT / "docs" / "page"
    target.mkdir(exist_ok=True)
    for name, taken in SHOWN.items():
        with Image.open(TAKEN / f"{taken}.png") as picture:
            picture.convert("RGB").save(target / f"{name}.webp", quality=82, method=6)


if __name__ == "__main__":
    main()
