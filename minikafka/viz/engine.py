"""The widgets' own drawing code, run without a browser by QuickJS.

    still("log_strip", story=…, moment=12, width=720)  ─►  a Picture

A picture that a reader sees live and one that stands in a figure must not differ, so there is one
layout, in JavaScript, where it has to be quick. What it gives are shapes (widgets/drawing.js);
static.py writes them down as SVG.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import quickjs

from minikafka.viz.shapes import Picture, Shape

WIDGETS = Path(__file__).parent / "widgets"


SHARED = ("drawing", "glyphs", "player", "bytes")


def module(widget: str) -> str:
    """The source of a widget: one ES module without imports.

    What widgets share stands first, then the widget's own parts (`widget.*.js`), then `widget.js`.
    """
    shared = [WIDGETS / f"{name}.js" for name in SHARED]
    own = [*sorted(WIDGETS.glob(f"{widget}.*.js")), WIDGETS / f"{widget}.js"]
    return "\n".join(path.read_text(encoding="utf-8") for path in [*shared, *own])


def still(widget: str, **arguments: Any) -> Picture:
    """What the widget's function `still` draws for these arguments. Raises quickjs.JSException."""
    drawn = run(widget, "still", **arguments)
    shapes = [Shape(shape["tag"], shape["attributes"], shape["text"]) for shape in drawn["shapes"]]
    anchors = {name: (x, y) for name, (x, y) in drawn["anchors"].items()}
    return Picture(drawn["width"], drawn["height"], drawn["label"], shapes, anchors)


def run(widget: str, function: str, **arguments: Any) -> Any:
    """What a function of the widget's module gives for these arguments."""
    return json.loads(_engine(widget)(function, json.dumps(arguments)))


@cache
def _engine(widget: str) -> Any:
    # Scripts know no exports.
    source = re.sub(r"^export (default .*)?", "", module(widget), flags=re.MULTILINE)
    context = quickjs.Context()
    source += "\nconst called = (name, text) => JSON.stringify(eval(name)(JSON.parse(text)));"
    context.eval(source)
    return context.eval("called")
