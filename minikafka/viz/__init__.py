"""Pictures of a run, drawn from its trace and from `statistics()`, never from private fields.

    theme.py    the colours and what they mean
    story.py    a trace becomes columns of drawing data: what stood where after which event
    strip.py    the log strip as shapes: one layout, its twin is widgets/log_strip.js
    static.py   shapes become an SVG that survives any sanitizer
    picture.py  the same in text: `picture(trace)`, `picture(statistics)`
    page.py     a widget as one HTML file that needs no kernel and no network
    widgets/    the live ones

Importing this package costs next to nothing; the widgets need the `lab` extra and are
loaded when they are named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minikafka.viz.picture import picture

if TYPE_CHECKING:
    from minikafka.viz.widgets.log_strip import LogStrip

__all__ = ["LogStrip", "picture"]


def __getattr__(name: str) -> Any:
    """`LogStrip` on first use: it imports the whole widget machinery."""
    if name == "LogStrip":
        from minikafka.viz.widgets.log_strip import LogStrip

        return LogStrip
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
