"""What all widgets have in common: one module, one style sheet, and a form for every reader.

    widget                  in a notebook: live; without a kernel: its picture; in a terminal: text
    widget.svg()            the picture, as static SVG
    page(widget)            one HTML file without a kernel (viz/page.py)

A widget is sent its story once and plays it in the browser alone; the kernel only learns where the
reader stands.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from minikafka.viz import theme
from minikafka.viz.engine import module

HERE = Path(__file__).parent

LookFor = tuple[str, str, str]
"""What to look for: where its number stands (an anchor of the picture), first words, the rest."""


class Widget(anywidget.AnyWidget):
    """A title that says what there is to see, the settings that matter, and a caption.

    A subclass names its files (`files="log_strip"`: a `.js`, and a `.css` where it needs one) and
    has `__repr__`, `svg` and `text`.
    """

    title = traitlets.Unicode().tag(sync=True)
    settings = traitlets.Unicode().tag(sync=True)
    caption = traitlets.Unicode().tag(sync=True)

    def __init_subclass__(cls, *, files: str = "", **more: Any) -> None:
        if files:
            # As text, not as a path: anywidget would watch a path's file from a thread.
            cls._esm = module(files)
            cls._css = theme.css() + "".join(map(_style, ("chrome", "bytes", files)))
        super().__init_subclass__(**more)

    def svg(self, width: int = 720) -> str:
        """What stands on the screen, as a static SVG."""
        raise NotImplementedError

    def text(self) -> str:
        """The same in words."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live widget, and for viewers without one the picture as SVG and as text."""
        live, metadata = super()._repr_mimebundle_(**options) or ({}, {})
        text = f"{self!r}\n{self.text()}".rstrip()
        return {**live, "image/svg+xml": self.svg(), "text/plain": text}, metadata


class Played(Widget):
    """A widget with a playhead: `moment` is where it stands, and what the reader moves."""

    story = traitlets.Dict().tag(sync=True)
    moment = traitlets.Int(-1).tag(sync=True)
    look_for: traitlets.List[list[str]] = traitlets.List().tag(sync=True)


def _style(name: str) -> str:
    path = HERE / f"{name}.css"
    return path.read_text(encoding="utf-8") if path.exists() else ""
