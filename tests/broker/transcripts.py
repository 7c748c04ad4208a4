"""Tests that are stories: commands, a line `----`, and what came of them.

      # A fetch waits for enough bytes.
      fetch A t-0@0 min_bytes=600 max_wait_ms=500
      ----
      0 ms   A parked: 0 of 600 bytes

A file holds many such blocks, with an empty line between them; they follow one another in one
world. What a command does is for the test to say. `MINIKAFKA_REWRITE=1` writes down what
happened now; read the difference before you keep it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

SCENARIOS = Path(__file__).parent.parent / "scenarios"
RULE = "----"


def play(name: str, run: Callable[[list[str]], list[str]]) -> None:
    """Play tests/scenarios/`name`.txt. `run` takes a block's commands and tells what came of them.

    A line that begins with # is a remark.
    """
    path = SCENARIOS / f"{name}.txt"
    written = path.read_text(encoding="utf-8")
    told = "\n".join(_told(block, run) for block in written.strip("\n").split("\n\n"))
    if os.environ.get("MINIKAFKA_REWRITE") == "1":
        path.write_text(told, encoding="utf-8")
        return
    assert told == written


def _told(block: str, run: Callable[[list[str]], list[str]]) -> str:
    asked = block.split(f"\n{RULE}")[0].splitlines()
    commands = [line for line in asked if not line.startswith("#")]
    if not commands:
        return "\n".join([*asked, ""])
    return "\n".join([*asked, RULE, *run(commands), ""])
