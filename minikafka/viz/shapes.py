"""What every picture is made of: plain shapes, colours by token name, numbers with one decimal.

    picture = Picture(400)
    picture.rect(0, 0, 40, 12, fill="batch")          # a token of theme.py, not a colour
    picture.text(4, 9, "5..8", size=10)

A picture is data. static.py writes it down as SVG; a widget's script draws the same shapes live.

Text is not measured but estimated from a table of character widths, generous enough for
the widest font of the stack: so the same picture comes out on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import floor

Attributes = dict[str, float | str]

NARROW, WIDE = frozenset("iljtfrI.,:;'|!()[]· "), frozenset("mwMW@—%…")


def text_width(text: str, size: float = 12, bold: bool = False) -> float:
    """Estimated width of a text, rather too wide than too narrow."""
    ems = sum(0.36 if c in NARROW else 0.95 if c in WIDE else 0.63 for c in text)
    return ems * size * (1.06 if bold else 1)


def fitting(wordings: list[str], width: float, size: float = 12, bold: bool = False) -> str:
    """The first (longest) wording that fits; nothing when none does."""
    return next((w for w in wordings if text_width(w, size, bold) <= width), "")


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

    def path(self, *points: float | str, **more: float | str) -> None:
        """`path("M", x, y, "L", …)`: data in pieces, so that numbers are rounded as elsewhere."""
        data = " ".join(p if isinstance(p, str) else number(p) for p in points)
        self._add("path", {"d": data, "fill": "none", **more})

    def text(
        self,
        x: float,
        y: float,
        text: str,
        colour: str = "ink",
        size: int = 12,
        **more: float | str,
    ) -> None:
        """`bold=1`, `halo=<ground>` and SVG's attributes (`_` for `-`) may follow."""
        if not text:
            return
        at: Attributes = {"x": x, "y": y, "font_size": size}
        halo = more.pop("halo", "")
        if more.pop("bold", 0):
            more["font_weight"] = 640
        if halo:
            round_ = {"stroke": halo, "stroke_width": 4, "stroke_linejoin": "round"}
            self._add("text", {**at, "fill": halo, **more, **round_}, text)
        self._add("text", {**at, "fill": colour, **more}, text)

    def hatch(self, x: float, y: float, w: float, h: float, colour: str, gap: float = 5) -> None:
        """Waiting, as strokes at 45°, clipped by arithmetic."""
        points: list[float | str] = []
        offset = gap / 2
        while offset < w + h:
            ax, ay = (offset, 0.0) if offset <= w else (w, offset - w)
            bx, by = (offset - h, h) if offset >= h else (0.0, offset)
            points += ["M", x + ax, y + ay, "L", x + bx, y + by]
            offset += gap
        if points:
            self.path(*points, stroke=colour)

    def anchor(self, name: str, x: float, y: float) -> None:
        self.anchors.setdefault(name, (x, y))

    def _add(self, tag: str, attributes: Attributes, text: str = "") -> None:
        plain = {
            name.replace("_", "-"): rounded(value) if isinstance(value, (int, float)) else value
            for name, value in attributes.items()
        }
        self.shapes.append(Shape(tag, plain, text))


def number(value: float) -> str:
    """One decimal at most: `12`, `12.5`."""
    return f"{rounded(value):.1f}".removesuffix(".0")
