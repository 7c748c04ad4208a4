"""Asking questions of a run: scenarios to replay, faults, exercises; and the course around them.

from minikafka.lab import check, predict, reveal      what a chapter needs
from minikafka.lab import Progress, contents          what the contents page needs
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minikafka.lab.course import Progress, contents
    from minikafka.lab.exercises import check
    from minikafka.lab.predictions import predict, reveal

__all__ = ["Progress", "check", "contents", "predict", "reveal"]

_WHERE = {
    "check": "exercises",
    "predict": "predictions",
    "reveal": "predictions",
    "contents": "course",
    "Progress": "course",
}


def __getattr__(name: str) -> Any:
    """Loaded when it is named: the widgets import the whole machinery, a scenario needs none."""
    if name in _WHERE:
        from importlib import import_module

        return getattr(import_module(f"minikafka.lab.{_WHERE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
