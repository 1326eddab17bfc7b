"""Writes the table of docs/hostile-input.md: `python -m tests.attacks.table`.

Measured are the seconds from upload to verdict and the most memory that a process had.
"""

import re
import tempfile
import time
from pathlib import Path

from tests.attacks.pictures import ATTACKS
from tests.attacks.verdicts import peak_memory, verdict
from tests.system import running_system

PAGE = Path(__file__).resolve().parents[2] / "docs" / "hostile-input.md"
HEAD = "| file | bytes | verdict | after | peak memory |\n|---|---|---|---|---|\n"


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as folder, running_system(Path(folder)) as system:
        system.start_all()
        for attack in ATTACKS:
            size = len(attack.make())
            started = time.monotonic()
            status, ended, _ = verdict(system, attack)
            took = time.monotonic() - started
            memory = peak_memory(system) >> 20
            told = ended if status == 202 else f"{status} {ended}"
            rows.append(f"| {attack.name} | {size:,} | `{told}` | {took:.2f} s | {memory} MiB |")
    page = PAGE.read_text()
    table = HEAD + "\n".join(rows) + "\n"
    PAGE.write_text(re.sub(re.escape(HEAD) + r"(\|.*\n)*", lambda _: table, page))


if __name__ == "__main__":
    main()
