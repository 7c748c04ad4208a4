"""What a judge says about an answer, and the units that exercises are put in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found. Prints as one line, so that it can be a cell's last value."""

    is_accepted: bool
    why: str

    def __repr__(self) -> str:
        return f"{'accepted' if self.is_accepted else 'not yet'}: {self.why}"


Judge = Callable[[Any], Verdict]
"""Looks at an answer. It may raise whatever a learner's code raises."""


def accepted(why: str) -> Verdict:
    return Verdict(True, why)


def not_yet(why: str) -> Verdict:
    return Verdict(False, why)
