"""The space-time diagram: its picture without a browser, and the widget in Chromium."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anywidget", reason="needs the lab extra")

from minikafka.bench.widgets import a_world
from minikafka.lab.scenarios import run
from minikafka.trace import Trace
from minikafka.viz import SpaceTime
from minikafka.viz.engine import still
from minikafka.viz.figures import a_lost_acknowledgement
from minikafka.viz.journeys import Journeys, journeys
from minikafka.viz.shapes import Picture
from minikafka.viz.static import space_time_svg

from .opened import Opened
from .widths import left_and_width

SVG = "{http://www.w3.org/2000/svg}"
ALLOWED = {"svg", "title", "rect", "line", "circle", "path", "text"}
LEFT = 92  # where lanes begin, as in space_time.plan.js
WORLDS = [
    (events, brokers, clients)
    for events in (20, 500, 5_000)
    for brokers, clients in ((1, 1), (3, 3), (5, 3))
]


def drawn(story: Journeys, width: int = 866, **more: Any) -> Picture:
    return still("space_time", story=story.to_json(), width=width, **more)


def told(events: int, brokers: int, clients: int) -> Journeys:
    return journeys(a_world(events, brokers, clients, clients))


def boxes(picture: Picture) -> Iterator[tuple[float, float, float, float, str]]:
    """Left, baseline, width, height and words of every text that is not a halo."""
    for shape in picture.shapes:
        if shape.tag != "text" or "stroke" in shape.attributes:
            continue
        left, wide = left_and_width(shape)
        yield left, float(shape.attributes["y"]), wide, 8, shape.text


# ---- the picture without a browser -------------------------------------------------------


@pytest.mark.parametrize("width", [560, 866])
@pytest.mark.parametrize(("events", "brokers", "clients"), WORLDS)
def test_no_words_leave_the_picture_or_hit_each_other(
    events: int, brokers: int, clients: int, width: int
) -> None:
    story = told(events, brokers, clients)
    for selected in (-1, len(story.messages) // 2):
        picture, seen = drawn(story, width, selected=selected), []
        for left, y, wide, high, words in boxes(picture):
            assert left >= -2 and left + wide <= width + 8, words
            assert 0 <= y <= picture.height
            for ox, oy, ow, oh, other in seen:
                apart = left >= ox + ow or ox >= left + wide or y - high >= oy or oy - oh >= y
                assert apart, (words, other)
            seen.append((left, y, wide, high, words))


def test_five_brokers_and_six_clients_fit() -> None:
    picture = drawn(told(5_000, 5, 3))
    assert picture.height < 760
    assert sum(1 for each in boxes(picture) if each[4].startswith("broker-")) == 5


def test_a_long_run_shows_a_window_of_it_and_the_whole_above() -> None:
    story = told(5_000, 1, 1)
    picture = drawn(story)
    assert "window" in picture.anchors
    assert {"Produce", "Fetch"} <= {words for *_, words in boxes(picture)}
    assert len(picture.shapes) < 400
    assert "window" not in drawn(told(20, 1, 1)).anchors


def test_what_was_under_way_before_enters_from_the_left() -> None:
    whole = told(500, 1, 1)
    fetch = next(m for m in whole.messages if m.title == "Fetch" and m.arrived > 0)
    wait = next(w for w in whole.waits if w.row == "waiting")
    first = a_world(500, 1, 1, 1).events[0].time

    def lines(since: int, until: int) -> list[Any]:
        story = journeys(a_world(500, 1, 1, 1), since_us=first + since, until_us=first + until)
        return [shape.attributes for shape in drawn(story).shapes]

    middle = (fetch.sent + fetch.arrived) // 2
    entering = [
        each
        for each in lines(middle, fetch.arrived + 500)
        if each.get("stroke") == "read" and each.get("x1") == LEFT - 5
    ]
    assert entering and entering[0]["y1"] != entering[0]["y2"]
    opened = f"M {LEFT - 5.5}"
    assert any(
        str(each.get("d", "")).startswith(opened)
        for each in lines(wait.until - 1_000, wait.until + 500)
    )


def test_causes_are_numbered_where_they_stand() -> None:
    story = a_lost_acknowledgement()
    picture = drawn(story, selected=len(story.messages) - 1)
    discs = [words for *_, words in boxes(picture) if words.isdigit()]
    assert sorted(discs, key=int) == [str(i + 1) for i in range(len(discs))]
    assert len(discs) >= 6
    ink = [s for s in picture.shapes if s.tag == "path" and s.attributes.get("stroke") == "ink"]
    assert len(ink) >= 3, "from what came to what went, through the lanes"


def test_a_cause_whose_sign_has_no_room_is_numbered_all_the_same() -> None:
    """Broker 1 handles two requests within 20 µs: one sign, but both have a number."""
    story = journeys(run("crash", seed=7).trace or Trace())
    answer = next(i for i, m in enumerate(story.messages) if m.more == "base offset 8")
    picture = drawn(story, selected=answer)
    discs = [s.text for s in picture.shapes if s.tag == "text" and s.attributes["fill"] == "inv"]
    assert sorted(discs) == ["1", "2", "3", "4"]


def test_a_wait_and_what_happens_at_the_very_end_are_numbered_too() -> None:
    story = told(500, 3, 3)
    answers = [i for i, m in enumerate(story.messages) if m.is_answer and m.api == "Fetch"]
    last = max(answers, key=lambda i: story.messages[i].sent)
    picture = drawn(story, selected=last)
    discs = [s for s in picture.shapes if s.tag == "text" and s.attributes["fill"] == "inv"]
    assert sorted(disc.text for disc in discs) == ["1", "2", "3", "4", "5", "6"]


def test_a_crash_is_seen_in_the_picture_of_the_whole_run() -> None:
    story = journeys(run("crash", seed=7).trace or Trace())
    (crash,) = [mark for mark in story.marks if mark.kind == "crashed"]
    x = LEFT + crash.at * (866 - LEFT - 16) / story.end
    lines = [s.attributes for s in drawn(story).shapes if s.tag == "line"]
    assert any(
        line["stroke"] == "lost" and line["x1"] == line["x2"] == pytest.approx(x, abs=0.1)
        for line in lines
    )


def test_only_what_is_linked_to_the_selection() -> None:
    story = a_lost_acknowledgement()
    last = len(story.messages) - 1
    some, all_of_it = (
        [words for *_, words in boxes(drawn(story, selected=last, onlyLinked=only))]
        for only in (True, False)
    )
    assert "ack" in some and "Fetch" not in some and "Fetch" in all_of_it


def test_of_arrows_side_by_side_one_has_words() -> None:
    story = journeys(a_world(150))
    first = next(m for m in story.messages if m.title == "Produce" and m.arrived > 0)
    story.messages = [first, replace(first, sent=first.sent + 1, arrived=first.arrived + 1)]
    words = [each[4] for each in boxes(drawn(story))]
    assert words.count("Produce") == 1


def test_the_same_story_is_the_same_picture() -> None:
    assert space_time_svg(told(500, 3, 3)) == space_time_svg(told(500, 3, 3))


def test_the_static_picture_is_plain_and_says_itself_in_words() -> None:
    root = ElementTree.fromstring(space_time_svg(told(500, 1, 1), selected=20))
    assert "messages" in (root[0].text or "")
    for element in root.iter():
        assert not {"style", "class", "id"} & set(element.attrib)
        assert element.tag.removeprefix(SVG) in ALLOWED


def test_a_message_that_was_lost_ends_in_a_cross() -> None:
    assert "lost" in drawn(a_lost_acknowledgement()).anchors


def test_what_is_hidden_is_hidden_everywhere() -> None:
    widget = SpaceTime(a_world(20))
    assert "chatter" not in widget.text() and "Metadata" not in widget.text()
    widget.hidden_kinds = []
    assert "Metadata" in widget.text() and "Metadata" in widget.svg()
    assert "Metadata" in SpaceTime(a_world(20), with_chatter=True).text()
    widget.hidden_nodes = ["admin"]
    assert "admin" not in widget.text()


# ---- the widget -------------------------------------------------------------------------


@pytest.fixture
def small(browser: Any, tmp_path: Path) -> Iterator[Opened]:
    """A run that is shown whole."""
    opened = Opened.of(browser, SpaceTime(a_world(150), look_for=[("A", "b.")]), tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def large(browser: Any, tmp_path: Path) -> Iterator[Opened]:
    opened = Opened.of(browser, SpaceTime(a_world(5_000)), tmp_path)
    yield opened
    opened.close()


def selected(opened: Opened) -> int:
    opened.drawn()
    return int(opened.widget.get_attribute("data-selected"))


def begins(opened: Opened) -> int:
    """Where the window begins, µs."""
    opened.drawn()
    return int(opened.widget.get_attribute("data-from"))


def test_steps_scrubs_and_plays(small: Opened) -> None:
    last = small.moment
    assert small.press("ArrowLeft") == last - 1
    assert small.press("Home") == 0
    small.page.locator("input[type=range]").fill("500")
    assert small.moment > 0
    small.press("Home")
    small.press(" ")
    small.page.wait_for_function("+document.querySelector('.mk-space-time').dataset.moment > 1")
    small.press(" ")


def click_a_message(opened: Opened, y: int = 100) -> None:
    """Point along a line between two lanes until a message is under the pointer; click it."""
    box = opened.page.locator(".mk-picture svg").bounding_box()
    for x in range(100, int(box["width"]), 6):
        opened.page.mouse.move(box["x"] + x, box["y"] + y)
        if selected(opened) >= 0:
            opened.page.mouse.click(box["x"] + x, box["y"] + y)
            opened.page.mouse.move(5, 5)
            return
    raise AssertionError("no message under the pointer")


def gap(opened: Opened) -> int:
    """The height of the middle between the first two lanes that a message crosses."""
    picture = drawn(journeys(a_world(150)), 812)
    lanes = [s.attributes for s in picture.shapes if s.attributes.get("fill") == "raised"]
    edges = [(a["y"] + a["height"], b["y"]) for a, b in pairwise(lanes)]
    top, bottom = max(edges, key=lambda edge: edge[1] - edge[0])
    return int((top + bottom) / 2)


def test_a_click_shows_causes_and_the_bytes_beside_the_fields(small: Opened) -> None:
    click_a_message(small, gap(small))
    assert selected(small) >= 0
    assert small.page.locator(".mk-look li").count() >= 1
    detail = small.page.locator(".mk-detail")
    assert detail.is_visible() and "bytes" in detail.locator("h3").text_content()
    assert detail.locator(".mk-byte:not(.mk-none)").count() > 20
    field = detail.locator(".mk-piece", has_text="correlation_id")
    field.hover()
    assert detail.locator(".mk-byte.mk-in").count() == 4
    assert "correlation_id" in detail.locator(".mk-piece-now").text_content()
    detail.locator("[data-byte='1']").hover()
    assert "size" in detail.locator(".mk-piece.mk-in").text_content()


def test_messages_are_walked_in_time_with_arrows_and_tab(small: Opened) -> None:
    small.press("ArrowDown")
    first = selected(small)
    small.press("Tab")
    assert selected(small) == first + 1
    small.press("Shift+Tab")
    assert selected(small) == first
    small.press("Shift+Tab")  # none before it: out of the picture
    assert not small.page.evaluate("document.activeElement.matches('.mk-widget')")
    small.press("Escape")
    assert selected(small) == -1
    small.press("Tab")
    assert selected(small) == -1
    assert small.page.evaluate("document.activeElement.matches('.mk-widget *')")


def test_c_goes_to_the_cause_and_e_back_to_the_effect(small: Opened) -> None:
    titles = [m.title for m in journeys(a_world(150)).messages]
    small.press("ArrowUp")
    while titles[selected(small)] != "ack":
        small.press("ArrowUp")
    ack = selected(small)
    small.press("c")
    assert titles[selected(small)] == "Produce"
    small.press("e")
    assert selected(small) == ack


def test_kinds_of_messages_and_nodes_are_switched_off_and_on(small: Opened) -> None:
    def box(name: str) -> Any:
        return small.page.locator(".mk-filters label", has_text=name).locator("input")

    assert "Fetch" in small.text()
    kinds = small.page.locator(".mk-filters").text_content()
    story = journeys(a_world(150))
    fetches = sum(m.api == "Fetch" for m in story.messages)
    assert f"Fetch{fetches} · " in kinds and "chatter" in kinds
    box("Fetch").focus()
    small.page.keyboard.press(" ")
    small.drawn()
    assert "Fetch from" not in small.text() and "Produce" in small.text()
    box("Fetch").check()
    assert not box("chatter").is_checked()
    before = small.page.locator(".mk-numbers strong").first.text_content()
    box("chatter").check()
    small.drawn()
    assert int(small.page.locator(".mk-numbers strong").first.text_content()) > int(before)
    box("billing-1").uncheck()
    small.drawn()
    assert "billing-1" not in small.text()
    assert small.page.evaluate("minikafka.model.get('hidden_nodes')") == ["billing-1"]


def test_only_what_is_linked_is_a_box_too(small: Opened) -> None:
    small.press("ArrowDown")
    small.drawn()
    arrows = small.page.locator(".mk-picture line").count()
    small.page.locator(".mk-filters label", has_text="only what is linked").click()
    small.drawn()
    assert small.page.locator(".mk-picture line").count() < arrows


def test_zooming_shows_a_part_and_the_whole_again(small: Opened) -> None:
    before = small.text()
    small.press("+")
    small.press("+")
    assert small.text() != before
    small.press("0")
    assert small.text() == before


def test_the_window_is_dragged_and_moved_by_keys(large: Opened) -> None:
    end = begins(large)
    box = large.page.locator(".mk-picture svg").bounding_box()
    x, y = box["x"] + box["width"] - 25, box["y"] + 20
    large.page.mouse.move(x, y)
    large.page.mouse.down()
    large.page.mouse.move(x - 200, y, steps=4)
    large.page.mouse.up()
    dragged = begins(large)
    assert dragged < end - 100_000
    assert selected(large) == -1, "dragging chooses nothing"
    large.press("PageDown")
    assert begins(large) > dragged
    large.press("PageUp")
    assert begins(large) == dragged


def test_a_finger_drags_the_window_or_scrolls_the_page_but_not_both(
    browser: Any, tmp_path: Path
) -> None:
    trace = a_world(5_000)
    opened = Opened.of(browser, SpaceTime(trace), tmp_path, has_touch=True)
    box = opened.page.locator(".mk-picture svg").bounding_box()
    x, y, end = box["x"] + box["width"] - 60, box["y"] + 20, begins(opened)
    screen = opened.page.context.new_cdp_session(opened.page)

    def swipe(right: float, down: float) -> None:
        for kind, part in (("touchStart", 0), *(("touchMove", n / 9) for n in range(1, 10))):
            points = [{"x": x + right * part, "y": y + down * part}]
            screen.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        screen.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    swipe(-200, 0)
    dragged = begins(opened)
    assert dragged < end
    swipe(0, -150)
    opened.page.evaluate("scrollTo(0, 0)")
    opened.page.mouse.move(x - 100, y)
    opened.page.mouse.move(x - 300, y)
    assert begins(opened) == dragged, "a swipe down scrolls, and a pointer only passes"
    opened.page.mouse.down(button="right")
    opened.page.mouse.move(x, y)
    opened.page.mouse.up(button="right")
    assert begins(opened) == dragged, "the other button opens a menu"
    opened.close()


def test_the_window_follows_the_playhead(large: Opened) -> None:
    large.press("Home")
    assert begins(large) == 0
    large.page.locator("input[type=range]").evaluate(
        "node => { node.value = node.max / 2; node.dispatchEvent(new Event('input')); }"
    )
    middle = begins(large)
    assert middle > 0
    for _ in range(3):
        large.press("ArrowRight")
    assert begins(large) == middle, "it stands still while the playhead is inside"
    large.press("End")
    assert begins(large) > middle


def test_of_many_messages_those_of_one_moment_become_one(large: Opened) -> None:
    large.press("0")
    assert "×" in large.text()
    assert large.page.locator(".mk-picture svg > *").count() < 1_500
    large.press("ArrowUp")
    assert large.page.locator(".mk-look li").count() >= 1


def test_a_trace_of_nothing_is_a_picture_too(browser: Any, tmp_path: Path) -> None:
    opened = Opened.of(browser, SpaceTime(Trace()), tmp_path)
    assert "nobody" in opened.page.locator(".mk-now").text_content()
    opened.close()
