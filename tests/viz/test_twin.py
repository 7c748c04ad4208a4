"""The live drawing is the static one: the same shapes, at every moment of a story."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import minikafka.viz.widgets
from minikafka.viz.shapes import text_width
from minikafka.viz.story import Story
from minikafka.viz.strip import describe, draw

MODULE = Path(minikafka.viz.widgets.__file__).parent / "log_strip.js"

DRAW = """async ([story, moment, width, focus]) => {
  const strip = window.strip;
  const common = strip.layout(story, width);
  const views = story.lanes.map((_, lane) => strip.look(story, lane, moment));
  const starts = views.map((view, lane) =>
    view && strip.lensStart(view, common.capacity, focus[lane] ?? null));
  const picture = strip.draw(story, common, views, starts);
  return { height: picture.height, shapes: picture.shapes, anchors: picture.anchors,
           label: strip.describe(story, moment) };
}"""


@pytest.fixture(scope="module")
def page(browser: Any) -> Any:
    page = browser.new_page()
    source = json.dumps(MODULE.read_text(encoding="utf-8"))
    page.evaluate(
        f"""async () => {{
          const blob = new Blob([{source}], {{ type: "text/javascript" }});
          window.strip = await import(URL.createObjectURL(blob));
        }}"""
    )
    yield page
    page.close()


def drawn_here(story: Story, moment: int, width: float, focus: dict[int, float]) -> dict[str, Any]:
    picture = draw(story, moment, width, focus)
    shapes = [
        {"tag": shape.tag, "attributes": shape.attributes, "text": shape.text}
        for shape in picture.shapes
    ]
    plain = {
        "height": picture.height,
        "shapes": shapes,
        "anchors": picture.anchors,
        "label": describe(story, moment),
    }
    return json.loads(json.dumps(plain))


@pytest.mark.parametrize("width", [690, 866])
def test_both_draw_the_same_shapes_at_every_moment(page: Any, story: Story, width: int) -> None:
    plain = story.to_json()
    for moment in range(story.last + 1):
        there = page.evaluate(DRAW, [plain, moment, width, {}])
        here = drawn_here(story, moment, width, {})
        for one, other in zip(there["shapes"], here["shapes"], strict=False):
            assert one == other, f"moment {moment}: {story.moments.text[moment]}"
        assert there == here, f"moment {moment}"


def test_a_lens_that_was_moved(page: Any, story: Story) -> None:
    for focus in range(12):
        there = page.evaluate(DRAW, [story.to_json(), story.last - 5, 500, {"0": focus}])
        assert there == drawn_here(story, story.last - 5, 500, {0: focus})


def test_text_is_estimated_alike(page: Any) -> None:
    for text in ("LEO 45 · out", "…0042.log", "billing reads 7 next", "ümläut %@ mW"):
        width = page.evaluate("text => window.strip.textWidth(text, 11, true)", text)
        assert width == pytest.approx(text_width(text, 11, True))
