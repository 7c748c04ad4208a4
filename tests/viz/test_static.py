"""The static strip: golden pictures, and nothing in them that a sanitizer would strip."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from minikafka.viz.engine import still
from minikafka.viz.shapes import Picture, fitting, text_width
from minikafka.viz.static import log_strip_svg
from minikafka.viz.story import Story, tell
from minikafka.viz.theme import DARK, LIGHT

GOLDEN = Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"
ALLOWED = {"svg", "title", "rect", "line", "circle", "path", "text"}
REFUSED = {"style", "class", "id", "clip-path", "mask", "filter", "href", "marker-end"}


def moment(story: Story, kind: str, which: int = -1) -> int:
    return [i for i, k in enumerate(story.moments.kind) if k == kind][which]


def drawn(story: Story, moment: int, width: int) -> Picture:
    return still("log_strip", story=story.to_json(), moment=moment, width=width)


@pytest.mark.parametrize("kind", ["append", "crashed", "recovered", "segment_deleted"])
def test_golden(story: Story, kind: str) -> None:
    """MINIKAFKA_REWRITE=1 draws them anew; then look at them before you commit."""
    path = GOLDEN / f"{kind}.svg"
    svg = log_strip_svg(story, moment(story, kind), numbered=["open", "written", "lag", "start"])
    if os.environ.get("MINIKAFKA_REWRITE") == "1":
        path.write_text(svg, encoding="utf-8")
    assert svg == path.read_text(encoding="utf-8")


def test_only_what_sanitizers_let_through(story: Story) -> None:
    for number in range(story.last + 1):
        for element in ElementTree.fromstring(log_strip_svg(story, number)).iter():
            assert element.tag.removeprefix(SVG) in ALLOWED
            assert not REFUSED & set(element.attrib)
            for value in element.attrib.values():
                assert "url(" not in value
                assert "var(" not in value


def test_an_opaque_ground_sizes_and_the_picture_in_words(story: Story) -> None:
    root = ElementTree.fromstring(log_strip_svg(story, width=720))
    assert (root.get("width"), root.get("role")) == ("720", "img")
    assert root.get("viewBox", "").endswith(f"720 {root.get('height')}")
    title, ground = root[0], root[1]
    assert (title.text or "").startswith("orders-0: log start 3, high watermark 8, log end 8")
    assert (ground.get("fill"), ground.get("width")) == (LIGHT["surface"], "720")


def test_dark(story: Story) -> None:
    svg = log_strip_svg(story, tokens=DARK)
    assert DARK["surface"] in svg
    assert LIGHT["commit"] not in svg


@pytest.mark.parametrize("width", [520, 690, 866, 1400])
def test_nothing_leaves_the_picture(story: Story, width: int) -> None:
    for number in range(story.last + 1):
        picture = drawn(story, number, width)
        for shape in picture.shapes:
            if shape.tag != "text":
                continue
            size = float(shape.attributes["font-size"])
            wide = text_width(shape.text, size, "font-weight" in shape.attributes)
            side = {"middle": 0.5, "end": 1.0}.get(str(shape.attributes.get("text-anchor")), 0.0)
            left = float(shape.attributes["x"]) - side * wide
            assert left >= -8, (number, shape.text)
            assert left + wide <= width + 8, (number, shape.text)
            assert 0 <= float(shape.attributes["y"]) <= picture.height


def test_nothing_moves_sideways_while_a_story_plays(story: Story) -> None:
    """The axis belongs to the story, not to the moment: an offset always stands at one place."""
    heights = {drawn(story, number, 700).height for number in range(story.last + 1)}
    assert len(heights) == 1


def test_many_lanes_and_a_long_log_stay_a_picture() -> None:
    from minikafka.trace import Trace

    trace = Trace()
    for offset in range(3_000):
        for partition in range(5):
            trace.add("n", "append", {"topic": "t", "partition": partition, "base_offset": offset,
                                      "last_offset": offset, "size_bytes": 70})  # fmt: skip
    long = tell(trace)
    picture = drawn(long, long.last, 700)
    assert len(picture.shapes) < 2_500, "neighbours too narrow to be seen are drawn as one"
    assert picture.height < 1_000


def test_the_longest_wording_that_fits() -> None:
    assert fitting(["LEO 45 · out", "LEO 45"], 60, 11) == "LEO 45"
    assert fitting(["LEO 45"], 10, 11) == ""
