"""Stories in text files: commands, and under each what came of it.

    # One line or more about what the story shows.

    send records=3
    ----
      0 ms  t-0 opens

    wait ms=5
    ----
      5 ms  t-0 closes: linger, 3 records, 385 bytes

A test runs the commands and compares the whole file, so a failure is a readable difference
between two stories. `MINIKAFKA_REWRITE=1 pytest tests/clients` writes what was heard into the
files instead; then read the difference that git shows.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

SCENARIOS = Path(__file__).parent.parent / "scenarios"
REWRITE = os.environ.get("MINIKAFKA_REWRITE") == "1"
RULE = "----"

Run = Callable[[str, dict[str, str]], list[str]]
"""Does one command (its name, its arguments) and says what came of it, line by line."""


def check(path: Path, run: Run) -> None:
    """Run a story; it must read as it stands in its file."""
    told = path.read_text(encoding="utf-8")
    heard = "\n\n".join(_hear(part, run) for part in told.strip().split("\n\n")) + "\n"
    if REWRITE:
        path.write_text(heard, encoding="utf-8")
    else:
        assert heard == told


def _hear(part: str, run: Run) -> str:
    if part.startswith("#"):
        return part
    command = part.partition("\n")[0]
    name, *given = command.split()
    lines = run(name, dict(pair.split("=", 1) for pair in given))
    return "\n".join([command, RULE, *lines])
