"""How wide a text is, estimated as the pictures themselves do (widgets/drawing.js)."""

from __future__ import annotations

from minikafka.viz.shapes import Shape

NARROW, WIDE = frozenset("iljtfrI.,:;'|!()[]· "), frozenset("mwMW@—%…")


def text_width(text: str, size: float = 12, bold: bool = False) -> float:
    """Rather too wide than too narrow."""
    ems = sum(0.36 if c in NARROW else 0.95 if c in WIDE else 0.63 for c in text)
    return ems * size * (1.06 if bold else 1)


def left_and_width(shape: Shape) -> tuple[float, float]:
    """Where the words of a text begin, and how wide they are."""
    size, is_bold = float(shape.attributes["font-size"]), "font-weight" in shape.attributes
    wide = text_width(shape.text, size, is_bold)
    side = {"middle": 0.5, "end": 1.0}.get(str(shape.attributes.get("text-anchor")), 0.0)
    return float(shape.attributes["x"]) - side * wide, wide
