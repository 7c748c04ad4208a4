"""What every picture is made of: plain shapes, colours by token name, numbers with one decimal.

    picture = Picture(400)
    picture.rect(0, 0, 40, 12, fill="batch")          # a token of theme.py, not a colour
    picture.text(4, 9, "5..8", size=10)

A picture is data. static.py writes it down as SVG; a widget's script draws the same shapes live,
and more of them (widgets/drawing.js).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor

Attributes = dict[str, float | str]


def rounded(value: float) -> float:
    """One decimal, halves upwards (JavaScript's rounding)."""
    return floor(value * 10 + 0.5) / 10


@dataclass(frozen=True, slots=True)
class Shape:
    """One SVG element: its tag, its attributes (colours as tokens), its text."""

    tag: str
    attributes: Attributes
    text: str = ""


@dataclass(slots=True)
class Picture:
    """Shapes on a ground of this size, and one sentence for who cannot see them."""

    width: float
    height: float = 0
    label: str = ""
    shapes: list[Shape] = field(default_factory=list)
    anchors: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Where the things stand that a look-for list may number; first lane first."""

    def rect(self, x: float, y: float, w: float, h: float, **more: float | str) -> None:
        self._add("rect", {"x": x, "y": y, "width": max(0.0, w), "height": h, **more})

    def line(self, x1: float, y1: float, x2: float, y2: float, **more: float | str) -> None:
        self._add("line", {"x1": x1, "y1": y1, "x2": x2, "y2": y2, **more})

    def circle(self, x: float, y: float, r: float, **more: float | str) -> None:
        self._add("circle", {"cx": x, "cy": y, "r": r, **more})

    def polygon(self, corners: Sequence[tuple[float, float]], **more: float | str) -> None:
        points = " ".join(f"{number(x)},{number(y)}" for x, y in corners)
        self._add("polygon", {"points": points, **more})

    def text(
        self,
        x: float,
        y: float,
        text: str,
        colour: str = "ink",
        size: int = 12,
        **more: float | str,
    ) -> None:
        """`bold=1` and SVG's attributes (`_` for `-`) may follow."""
        if not text:
            return
        if more.pop("bold", 0):
            more["font_weight"] = 640
        self._add("text", {"x": x, "y": y, "font_size": size, "fill": colour, **more}, text)

    def _add(self, tag: str, attributes: Attributes, text: str = "") -> None:
        plain = {
            name.replace("_", "-"): rounded(value) if isinstance(value, (int, float)) else value
            for name, value in attributes.items()
        }
        self.shapes.append(Shape(tag, plain, text))


def number(value: float) -> str:
    """One decimal at most: `12`, `12.5`."""
    return f"{rounded(value):.1f}".removesuffix(".0")
