"""The static strip: golden pictures, and nothing in them that a sanitizer would strip."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path

import pytest

from minikafka.trace import Trace
from minikafka.viz.engine import still
from minikafka.viz.shapes import Picture
from minikafka.viz.static import log_strip_svg
from minikafka.viz.story import Story, size_text, span, tell
from minikafka.viz.theme import DARK, LIGHT

from .conftest import long
from .widths import left_and_width, text_width

GOLDEN = Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"
ALLOWED = {"svg", "title", "rect", "line", "circle", "path", "text"}
REFUSED = {"style", "class", "id", "clip-path", "mask", "filter", "href", "marker-end"}


def moment(story: Story, kind: str, which: int = -1) -> int:
    return [i for i, k in enumerate(story.moments.kind) if k == kind][which]


def drawn(story: Story, moment: int, width: int, **more: object) -> Picture:
    return still("log_strip", story=story.to_json(), moment=moment, width=width, **more)


def words(picture: Picture) -> list[str]:
    return [shape.text for shape in picture.shapes if shape.tag == "text"]


def assert_inside(picture: Picture, what: object) -> None:
    """No text leaves the picture."""
    for shape in picture.shapes:
        if shape.tag != "text":
            continue
        left, wide = left_and_width(shape)
        assert left >= -8, (what, shape.text)
        assert left + wide <= picture.width + 8, (what, shape.text)
        assert 0 <= float(shape.attributes["y"]) <= picture.height


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
        assert_inside(drawn(story, number, width), number)


def a_log(base: int = 0, topic: str = "orders", reader: str = "billing", count: int = 6) -> Story:
    """Batches of three records, the last one not committed, from a given offset on."""
    trace, place = Trace(), {"topic": topic, "partition": 0}
    for end in range(base + 3, base + 3 * count + 3, 3):
        trace.now += 1_000
        trace.add("broker-1", "append", {**place, "base_offset": end - 3, "last_offset": end - 1,
                                         "size_bytes": 300, "leader_epoch": 0})  # fmt: skip
        if end < base + 3 * count:
            trace.add("broker-1", "high_watermark", {**place, "offset": end})
        trace.add(reader, "position", {**place, "offset": end - 3})
    return tell(trace)


@pytest.mark.parametrize("width", [420, 866])
def test_long_names_give_way_to_the_logs(width: int) -> None:
    name, reader = "orders-of-every-shop-in-the-north.v2", "billing-production-eu-1-0002"
    story = a_log(topic=name, reader=reader)
    for number in range(story.last + 1):
        picture = drawn(story, number, width)
        assert_inside(picture, number)
        said = next(w for w in words(picture) if w.endswith("v2-0"))
        start = next(s for s in picture.shapes if s.text == "log start 0")
        assert text_width(said, 14, bold=True) < float(start.attributes["x"])
    assert any(w.startswith("b") and "0002 15" in w for w in words(picture)), "and readers"


@pytest.mark.parametrize("base", [10**9, 2**52 + 1])
@pytest.mark.parametrize("width", [420, 866])
def test_wide_offsets_have_wide_records(base: int, width: int) -> None:
    story = a_log(base)
    picture = drawn(story, story.last, width)
    assert_inside(picture, base)
    places = sorted(
        float(s.attributes["x"])
        for s in picture.shapes
        if s.text.isdigit() and s.attributes["font-size"] == 14 and "stroke" not in s.attributes
    )
    assert len(places) > 1
    wide = text_width(str(base), 14)
    assert all(after - before > wide for before, after in pairwise(places))
    assert f"HW {base + 15}" in words(picture), "not rounded to its neighbour"


def test_a_topic_that_is_deleted_is_not_there_any_more() -> None:
    trace = Trace()
    trace.add("n", "topic_created", {"topic": "t", "partitions": 1, "leader_epoch": 0})
    trace.add("n", "topic_deleted", {"topic": "t"})
    story = tell(trace)
    assert "not there" in words(drawn(story, 1, 600))
    assert "LEO 0" in words(drawn(story, 0, 600)) and "LEO 0" not in words(drawn(story, 1, 600))


def test_nothing_moves_sideways_while_a_story_plays(story: Story) -> None:
    """The axis belongs to the story, not to the moment: an offset always stands at one place."""
    heights = {drawn(story, number, 700).height for number in range(story.last + 1)}
    assert len(heights) == 1


# ---- zoom: from files to records -----------------------------------------------------------


@pytest.fixture(scope="module")
def long_story() -> Story:
    return tell(long(5_000))


def test_far_away_a_file_is_one_box_with_its_count(long_story: Story) -> None:
    picture = drawn(long_story, long_story.last, 866)
    lane = long_story.lanes[0]
    assert len(picture.shapes) < 900
    shown = words(picture)
    assert sum("rec." in text or "records" in text for text in shown) > 20
    one_file = words(drawn(long_story, long_story.last, 866, span=330))
    base = lane.segments.base[-2]
    inside = [
        i for i, start in enumerate(lane.batches.base) if base <= start < lane.segments.base[-1]
    ]
    count = lane.batches.end[inside[-1]] - base
    size_bytes = sum(lane.batches.size_bytes[i] for i in inside)
    assert {span(base, base + count), f"{count} records · {size_text(size_bytes)}"} <= set(one_file)


def test_near_each_record_has_its_offset_and_its_key(story: Story) -> None:
    landing = moment(story, "append")
    far, near = (words(drawn(story, landing, 866, span=offsets)) for offsets in (16, 6))
    assert near.count("bob") > far.count("bob"), "in the strip, not in the lens alone"
    assert {"9", "10"} <= set(near)


def test_what_is_out_of_sight_is_said_at_the_edge(long_story: Story) -> None:
    shown = words(drawn(long_story, long_story.last, 866, span=20))
    lane = long_story.lanes[0]
    assert f"‹ log start {lane.log_start.last}" in shown
    assert f"LEO {lane.log_end.last}" in shown, "a window stands at the end of its log"


@pytest.mark.parametrize("offsets", [5, 12, 40, 130, 600, 3_000])
def test_nothing_leaves_the_picture_at_any_zoom(long_story: Story, offsets: int) -> None:
    for number in range(0, long_story.last, 701):
        for width in (520, 866):
            assert_inside(drawn(long_story, number, width, span=offsets), (number, width))


def test_a_pin_for_each_index_entry_that_is_still_there(story: Story) -> None:
    def pins(moment: int) -> int:
        shapes = drawn(story, moment, 866).shapes
        return sum(s.tag == "circle" and float(s.attributes["r"]) == 2.2 for s in shapes)

    assert [pins(n) for n in (moment(story, "append", -2), moment(story, "append"))] == [1, 2]
    assert pins(story.last) == 1, "the second one was cut away with its batch"


def test_a_crown_only_where_the_trace_names_a_leader(story: Story) -> None:
    assert "e4" in words(drawn(story, story.last, 866))
    for lane in story.lanes:
        assert lane.epoch.value == [4]
    untold = story.to_json()
    for row in untold["lanes"]:
        row["epoch"] = {"moment": [], "value": []}
    picture = still("log_strip", story=untold, moment=story.last, width=866)
    assert "e4" not in words(picture)
    assert not any(shape.attributes.get("fill") == "rule" for shape in picture.shapes)


def test_a_later_epoch_elsewhere_deposes_a_leader() -> None:
    trace = Trace()
    for epoch, broker in enumerate(("broker-1", "broker-2"), start=4):
        trace.add(broker, "append", {"topic": "t", "partition": 0, "base_offset": epoch,
                                     "last_offset": epoch, "size_bytes": 70,
                                     "leader_epoch": epoch})  # fmt: skip
    told = tell(trace)

    def crowns(moment: int) -> list[object]:
        paths = [
            shape.attributes for shape in drawn(told, moment, 866).shapes if shape.tag == "path"
        ]
        return [
            path["fill"]
            for path in paths
            if str(path["d"]).startswith("M 0.5 ") and "stroke" not in path
        ]

    assert crowns(0) == ["rule"], "and the other broker has no log yet"
    assert crowns(1) == ["edge", "rule"], "grey once deposed"


# ---- many lanes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("partitions", "brokers", "unfolded"), [(1, 1, 1), (3, 3, 3), (4, 1, 1), (12, 5, 1)]
)
def test_many_lanes_fold_around_the_one_that_the_moment_is_about(
    partitions: int, brokers: int, unfolded: int
) -> None:
    told = tell(long(600, partitions, brokers))
    picture = drawn(told, told.last, 866)
    assert_inside(picture, partitions)
    lenses = sum(text == "next" for text in words(picture))
    assert lenses == unfolded
    assert picture.height < 110 * partitions + 200 * unfolded
    names = {lane.broker for lane in told.lanes}
    assert len(names) == brokers
    assert names <= set(words(picture))


def test_many_lanes_and_a_long_log_stay_a_picture() -> None:
    trace = Trace()
    for offset in range(3_000):
        for partition in range(5):
            trace.add("n", "append", {"topic": "t", "partition": partition, "base_offset": offset,
                                      "last_offset": offset, "size_bytes": 70})  # fmt: skip
    long = tell(trace)
    picture = drawn(long, long.last, 700)
    assert len(picture.shapes) < 2_500, "neighbours too narrow to be seen are drawn as one"
    assert picture.height < 1_000
