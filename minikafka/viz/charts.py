"""What the charts of measured tables share: a logarithmic axis, and where the tables are kept.

    ├────┼────┼────────┼────┼────┼────────┤      a factor is a distance, wherever it stands
    1    2    5       10   20   50      100

A table lies in figures/, cut to what is drawn, beside its picture: what was measured once can be
drawn again, and a test does (figures.py).
"""

from __future__ import annotations

import json
from math import floor, log, log10
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "figures"


def stored(name: str) -> dict[str, Any]:
    """The table of this name."""
    table: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return table


def store(name: str, table: dict[str, Any]) -> Path:
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return path


class LogScale:
    """An axis from `low` at `left` to `high` at `right`, in pixels."""

    def __init__(self, low: float, high: float, left: float, right: float) -> None:
        self.low, self.high, self.left = low, high, left
        self.per_log = (right - left) / log(high / low)

    def x(self, value: float) -> float:
        return self.left + self.per_log * log(value / self.low)

    def ticks(self) -> list[float]:
        """1, 2 and 5 of each power of ten that the axis passes."""
        powers = range(floor(log10(self.low)), floor(log10(self.high)) + 1)
        every = (float(f"{first}e{power}") for power in powers for first in (1, 2, 5))
        return [tick for tick in every if self.low <= tick <= self.high]
