"""Shapes written down as SVG that any sanitizer lets through.

Code hosts strip style elements and attributes, classes, ids, patterns, markers, clips,
masks, scripts and links from SVG, and a picture that leans on one of them breaks. So
there are only presentation attributes here, colours as hex values of one theme on an
opaque ground, and width, height and viewBox. The first element is a title: the picture
in words.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape
from typing import Any

from minikafka.viz.engine import still
from minikafka.viz.journeys import Journeys
from minikafka.viz.shapes import Picture, Shape, number
from minikafka.viz.story import Story
from minikafka.viz.theme import LIGHT, SANS

MARGIN = 14


def still_svg(
    widget: str, *, width: int = 720, tokens: dict[str, str] = LIGHT, **arguments: Any
) -> str:
    """What a widget draws for these arguments (engine.py), `width` wide with its margins."""
    return svg(still(widget, width=width - 2 * MARGIN, **arguments), tokens)


def log_strip_svg(
    story: Story,
    moment: int | None = None,
    *,
    width: int = 720,
    numbered: Sequence[str] = (),
    tokens: dict[str, str] = LIGHT,
) -> str:
    """The log strip at a moment (the last one by default), byte-stable.

    `numbered` names the anchors that carry the numbers of a look-for list, in its order.
    """
    what = {
        "story": story.to_json(),
        "moment": story.last if moment is None else moment,
        "numbered": numbered,
    }
    return still_svg("log_strip", width=width, tokens=tokens, **what)


def space_time_svg(
    story: Journeys,
    *,
    width: int = 720,
    selected: int = -1,
    hidden_kinds: Collection[str] | None = None,
    hidden_nodes: Collection[str] = (),
    only_linked: bool = False,
    tokens: dict[str, str] = LIGHT,
) -> str:
    """The space-time diagram at the end of its story, with what led to the selected message.

    Kinds of messages that are hidden: how clients find their way, unless others are named.
    """
    kinds = story.chatter if hidden_kinds is None else hidden_kinds
    what = {
        "story": story.to_json(),
        "selected": selected,
        "hidden": {"kinds": list(kinds), "nodes": list(hidden_nodes)},
        "onlyLinked": only_linked,
    }
    return still_svg("space_time", width=width, tokens=tokens, **what)


def svg(picture: Picture, tokens: dict[str, str] = LIGHT) -> str:
    """A picture as an SVG document on the theme's own ground."""
    return document(picture, [element(shape, tokens) for shape in picture.shapes], tokens)


def document(picture: Picture, elements: Sequence[str], tokens: dict[str, str]) -> str:
    """The frame, ground and title that a picture has, round elements."""
    width, height = number(picture.width + 2 * MARGIN), number(picture.height + 2 * MARGIN)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="{-MARGIN} {-MARGIN} {width} {height}" role="img" '
        f'font-family="{escape(SANS.replace(chr(34), chr(39)))}">',
        f"<title>{escape(picture.label)}</title>",
        f'<rect x="{-MARGIN}" y="{-MARGIN}" width="{width}" height="{height}" '
        f'fill="{tokens["surface"]}"/>',
        *elements,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def element(shape: Shape, tokens: dict[str, str]) -> str:
    """A shape as SVG, its tokens as colours."""
    attributes = " ".join(
        f'{name}="{escape(number(v) if isinstance(v, float) else tokens.get(str(v), str(v)))}"'
        for name, v in shape.attributes.items()
    )
    if shape.tag != "text":
        return f"<{shape.tag} {attributes}/>"
    return f"<text {attributes}>{escape(shape.text)}</text>"
