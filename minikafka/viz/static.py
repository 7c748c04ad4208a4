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
    moment = story.last if moment is None else moment
    told, inner = story.to_json(), width - 2 * MARGIN
    return svg(
        still("log_strip", story=told, moment=moment, width=inner, numbered=numbered), tokens
    )


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
    view = {
        "hidden": {"kinds": list(kinds), "nodes": list(hidden_nodes)},
        "onlyLinked": only_linked,
    }
    inner = width - 2 * MARGIN
    drawn = still("space_time", story=story.to_json(), width=inner, selected=selected, **view)
    return svg(drawn, tokens)


def wire_svg(
    frame: dict[str, Any],
    *,
    width: int = 720,
    selected: Sequence[int] = (),
    asked: dict[str, Any] | None = None,
    lie: str = "",
    tokens: dict[str, str] = LIGHT,
) -> str:
    """A frame (bytes as hex, and its tree) with the piece at the path `selected` marked.

    `asked` is what a broker said to wrong bytes (viz/lies.py), `lie` which of them is drawn.
    """
    inner = width - 2 * MARGIN
    more = {"asked": asked, "lie": lie} if asked else {}
    shown = still("wire_explorer", frame=frame, width=inner, selected=list(selected), **more)
    return svg(shown, tokens)


def segments_svg(
    directory: dict[str, Any],
    *,
    width: int = 720,
    tokens: dict[str, str] = LIGHT,
    **asked: Any,
) -> str:
    """A partition's directory (viz/directory.py) with a search in it.

    `asked`: `by` and `value`, the `moment` (a step), `numbered` anchors.
    """
    inner = width - 2 * MARGIN
    return svg(still("segment_browser", story=directory, width=inner, **asked), tokens)


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
