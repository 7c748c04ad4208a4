"""Pictures of a run, drawn from its trace and from `statistics()`, never from private fields.

    theme.py    the colours and what they mean
    story.py    a trace becomes columns of drawing data: what stood where after which event
    journeys.py a trace as messages, waits and marks, for the space-time diagram
    microscope.py what became of every record of a run, for the timing microscope
    frames.py   the bytes of its messages, packed
    directory.py a partition's directory as files, index entries and batches
    engine.py   the widgets' drawing code (widgets/*.js), run without a browser
    static.py   shapes become an SVG that survives any sanitizer
    moving.py   pictures of successive moments become one that plays by itself
    picture.py  the same in text: `picture(trace)`, `picture(statistics)`
    page.py     a widget as one HTML file that needs no kernel and no network
    widgets/    the live ones

LANGUAGE.md shows what each thing looks like, and says how to make the next picture.

Importing this package costs next to nothing; the widgets need the `lab` extra and are
loaded when they are named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minikafka.viz.picture import picture

if TYPE_CHECKING:
    from minikafka.viz.widgets.log_strip import LogStrip
    from minikafka.viz.widgets.microscope import Microscope
    from minikafka.viz.widgets.pipelines import Pipelines
    from minikafka.viz.widgets.segment_browser import SegmentBrowser
    from minikafka.viz.widgets.space_time import SpaceTime
    from minikafka.viz.widgets.wire_explorer import WireExplorer

__all__ = [
    "LogStrip",
    "Microscope",
    "Pipelines",
    "SegmentBrowser",
    "SpaceTime",
    "WireExplorer",
    "picture",
]

_WIDGETS = {
    "LogStrip": "log_strip",
    "Microscope": "microscope",
    "Pipelines": "pipelines",
    "SegmentBrowser": "segment_browser",
    "SpaceTime": "space_time",
    "WireExplorer": "wire_explorer",
}


def __getattr__(name: str) -> Any:
    """A widget on first use: it imports the whole machinery."""
    if name in _WIDGETS:
        from importlib import import_module

        return getattr(import_module(f"minikafka.viz.widgets.{_WIDGETS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
