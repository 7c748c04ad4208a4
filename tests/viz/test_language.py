"""The visual language's page says what the code draws: tokens, signs, characters."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("quickjs", reason="needs the lab extra")

from minikafka.viz import theme
from minikafka.viz.engine import WIDGETS, still
from minikafka.viz.picture import story_picture
from minikafka.viz.story import Story

from .widths import text_width

PAGE = Path(theme.__file__).with_name("LANGUAGE.md").read_text(encoding="utf-8")


def test_its_tokens_are_those_of_the_theme() -> None:
    found = re.findall(r"^\| `([a-z0-9-]+)` \| `(#\w+)` \| `(#\w+)` \|", PAGE, re.MULTILINE)
    assert {name: light for name, light, _ in found} == theme.LIGHT
    assert {name: dark for name, _, dark in found} == theme.DARK


def test_every_sign_is_drawn_in_the_picture() -> None:
    """What glyphs.js defines, language.js uses: the page shows the whole language."""
    glyphs = (WIDGETS / "glyphs.js").read_text(encoding="utf-8")
    language = (WIDGETS / "language.js").read_text(encoding="utf-8")
    signs = set(re.findall(r"^function (\w+)\(p,", glyphs, re.MULTILINE)) - {"callOuts"}
    drawn = signs - {"arrowHead"}  # only with the line that it ends
    assert {sign for sign in drawn if f"{sign}(p" not in language} == set()


def test_every_thing_in_the_picture_is_in_the_page() -> None:
    source = (WIDGETS / "language.js").read_text(encoding="utf-8")
    titles = re.findall(r'^  \["([^"]+)", "', source, re.MULTILINE)
    assert len(titles) == 6 + 36
    assert [title for title in titles if title.lower() not in PAGE.lower()] == []


@pytest.mark.parametrize("width", [420, 690, 832, 1130])
def test_no_words_leave_their_cell(width: int) -> None:
    picture = still("language", width=width)
    rects = [shape.attributes for shape in picture.shapes if shape.tag == "rect"]
    cells = [rect for rect in rects if float(rect["height"]) > 100]
    inside = {float(cell["x"]) + float(cell["width"]) for cell in cells}
    for shape in picture.shapes:
        if shape.tag != "text" or "text-anchor" in shape.attributes:
            continue
        x, y = float(shape.attributes["x"]), float(shape.attributes["y"])
        right = min(edge for edge in inside if edge > x)
        bold = "font-weight" in shape.attributes
        assert x + text_width(shape.text, float(shape.attributes["font-size"]), bold) <= right
        top = max(float(cell["y"]) for cell in cells if float(cell["y"]) < y)
        assert y < top + 124, shape.text


def test_the_characters_of_the_text_form_are_told(story: Story) -> None:
    marks = set(re.sub(r"[\w\s,-]", "", story_picture(story)))
    assert marks <= set("[/|^…")
    assert all(f"`{mark}`" in PAGE.replace("\\|", "|") for mark in "[/|^…")
