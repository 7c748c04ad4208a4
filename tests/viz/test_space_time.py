"""The space-time diagram: its story, its picture without a browser, and the widget in Chromium."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("anywidget", reason="needs the lab extra")

from minikafka.admin import NewTopic
from minikafka.runtime.simulator import Simulator
from minikafka.trace import Trace
from minikafka.viz import SpaceTime
from minikafka.viz.engine import still
from minikafka.viz.journeys import LOST, Journeys, journeys
from minikafka.viz.page import page
from minikafka.viz.shapes import text_width
from minikafka.viz.static import space_time_svg

SVG = "{http://www.w3.org/2000/svg}"
ALLOWED = {"svg", "title", "rect", "line", "circle", "path", "text"}


def a_run(rounds: int = 3) -> tuple[Trace, float]:
    """A producer that lingers, a consumer that wants 150 bytes; and when they begin, in ms."""
    sim = Simulator(seed=7)
    sim.broker()
    sim.admin().create_topics([NewTopic("orders")])
    till = sim.producer(linger_ms=5, client_id="till")
    billing = sim.consumer(
        client_id="billing",
        auto_offset_reset="earliest",
        fetch_min_bytes=150,
        fetch_max_wait_ms=30,
    )
    billing.assign([("orders", 0)])
    till.send("orders", b"warm").result()
    billing.poll(timeout_ms=1_000)
    assert sim.trace is not None
    began = sim.now - sim.trace.events[0].time
    for _ in range(rounds):
        for _record in range(3):
            till.send("orders", b"tea", key=b"bob")
        sim.run(9)
        billing.poll(timeout_ms=4)
    return sim.trace, began / 1000


@pytest.fixture(scope="module")
def run() -> tuple[Trace, float]:
    return a_run()


@pytest.fixture(scope="module")
def story(run: tuple[Trace, float]) -> Journeys:
    trace, since_ms = run
    return journeys(trace, since_us=trace.events[0].time + int(since_ms * 1000))


def titles(story: Journeys) -> list[str]:
    return [message.title for message in story.messages]


def test_lanes_stand_as_data_flows(story: Journeys) -> None:
    assert [(lane.name, lane.role) for lane in story.lanes] == [
        ("till", "producer"),
        ("broker-1", "broker"),
        ("billing", "consumer"),
    ]


def test_messages_say_what_matters(story: Journeys) -> None:
    produce = next(each for each in story.messages if each.title == "Produce")
    assert produce.more == "3 records · 100 B"
    assert (produce.source, produce.target) == (0, 1)
    ack = next(
        each for each in story.messages if each.exchange == produce.exchange and each.is_answer
    )
    assert (ack.title, ack.more) == ("ack", "base offset 1")
    assert produce.sent < produce.arrived <= ack.sent < ack.arrived


def test_finding_the_way_is_left_out_unless_wanted(run: tuple[Trace, float]) -> None:
    assert "Metadata" not in titles(journeys(run[0]))
    assert "Metadata" in titles(journeys(run[0], with_chatter=True))


def test_waits_have_an_end_and_a_reason(story: Journeys) -> None:
    waits = {wait.row: wait for wait in story.waits}
    assert waits["waiting"].title.startswith("Fetch waits: ")
    assert waits["filling"].title == "orders-0 fills: linger"
    assert all(wait.since <= wait.until <= story.end for wait in story.waits)


def test_only_the_nodes_that_are_wanted(run: tuple[Trace, float]) -> None:
    found = journeys(run[0], nodes=["till", "broker-1"])
    assert [lane.name for lane in found.lanes] == ["till", "broker-1"]


def test_a_message_that_was_lost_says_so() -> None:
    from minikafka.node import Channel, Request
    from minikafka.trace import NO_CAUSE
    from minikafka.wire.messages.fetch import FetchRequest

    trace, channel = Trace(), Channel("c", "b:1")
    first = Request(channel, FetchRequest(topics=[]), 12, 1, "c")
    trace.add("b", "delivered", first)  # tells who is at b:1
    trace.now, trace.cause = 1_000, NO_CAUSE
    trace.cause = trace.add("c", "sent", Request(channel, FetchRequest(topics=[]), 12, 2, "c"))
    trace.add("c", "dropped", first)
    trace.now = 9_000
    trace.add("c", "started", {})
    _seen, lost = journeys(trace).messages  # of the first only the delivery was seen
    assert lost.arrived == LOST
    drawn = still("space_time", story=journeys(trace).to_json(), width=700)
    assert "lost" in drawn.anchors


def test_a_crash_ends_what_waited_there_and_what_was_on_its_way() -> None:
    from minikafka.node import Channel, Request
    from minikafka.wire.messages.fetch import FetchRequest

    trace, channel = Trace(), Channel("c", "b:1")
    trace.add("b", "delivered", Request(channel, FetchRequest(topics=[]), 12, 1, "c"))
    opened = {"topic": "t", "partition": 0, "base_sequence": 0}
    trace.add("c", "batch_opened", opened)
    trace.now = 1_000
    trace.add("c", "sent", Request(channel, FetchRequest(topics=[]), 12, 2, "c"))
    trace.now = 4_000
    trace.add("c", "crashed", {})
    trace.now = 9_000
    trace.add("b", "started", {})
    story = journeys(trace)
    assert [wait.until for wait in story.waits] == [4_000]
    assert story.messages[-1].arrived == LOST


@pytest.mark.parametrize("width", [560, 690, 866])
@pytest.mark.parametrize("rounds", [3, 40])
def test_no_words_leave_the_picture_or_hit_each_other(width: int, rounds: int) -> None:
    trace, since_ms = a_run(rounds)
    told = journeys(trace, since_us=trace.events[0].time + int(since_ms * 1000))
    picture = still("space_time", story=told.to_json(), width=width)
    boxes: list[tuple[float, float, float, float, str]] = []
    for shape in picture.shapes:
        if shape.tag != "text" or "stroke" in shape.attributes:  # a halo
            continue
        size = float(shape.attributes["font-size"])
        wide = text_width(shape.text, size, "font-weight" in shape.attributes)
        side = {"middle": 0.5, "end": 1.0}.get(str(shape.attributes.get("text-anchor")), 0.0)
        left, y = float(shape.attributes["x"]) - side * wide, float(shape.attributes["y"])
        assert left >= -2 and left + wide <= width + 8, shape.text
        assert 0 <= y <= picture.height
        for ox, oy, ow, oh, words in boxes:
            apart = left >= ox + ow or ox >= left + wide or y - 8 >= oy or oy - oh >= y
            assert apart, (shape.text, words)
        boxes.append((left, y, wide, 8, shape.text))


def test_the_static_picture_is_plain_and_says_itself_in_words(story: Journeys) -> None:
    root = ElementTree.fromstring(space_time_svg(story, selected=2))
    assert "messages" in (root[0].text or "")
    for element in root.iter():
        assert not {"style", "class", "id"} & set(element.attrib)
        assert element.tag.removeprefix(SVG) in {
            "svg",
            "title",
            "rect",
            "line",
            "circle",
            "path",
            "text",
        }


def test_five_thousand_events_are_laid_out() -> None:
    trace, since_ms = a_run(320)
    assert len(trace) > 4_500
    told = journeys(trace, since_us=trace.events[0].time + int(since_ms * 1000))
    picture = still("space_time", story=told.to_json(), width=866)
    assert picture.height < 600


@pytest.fixture(scope="module")
def file(run: tuple[Trace, float], tmp_path_factory: pytest.TempPathFactory) -> str:
    widget = SpaceTime(run[0], since_ms=run[1], title="Who waits?", look_for=[("A", "b.")])
    path = tmp_path_factory.mktemp("page") / "space_time.html"
    path.write_text(page(widget), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(browser: Any, file: str) -> Iterator[Any]:
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda m: m.type == "error" and wrong.append(m.text))
    opened.on("request", lambda r: r.url.startswith("http") and wrong.append(r.url))
    opened.goto(file)
    opened.locator(".mk-picture text").first.wait_for()
    yield opened
    opened.close()
    assert not wrong


def drawn(opened: Any) -> Any:
    opened.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    return opened.locator(".mk-space-time")


def test_steps_scrubs_and_plays(opened: Any) -> None:
    strip = drawn(opened)
    last = int(strip.get_attribute("data-moment"))
    strip.press("ArrowLeft")
    assert int(drawn(opened).get_attribute("data-moment")) == last - 1
    strip.press("Home")
    assert int(drawn(opened).get_attribute("data-moment")) == 0
    opened.locator("input[type=range]").fill("500")
    assert int(drawn(opened).get_attribute("data-moment")) > 0
    strip.press("Home")
    strip.press(" ")
    opened.wait_for_function("+document.querySelector('.mk-space-time').dataset.moment > 1")
    strip.press(" ")


def test_a_message_is_walked_to_explained_and_decoded(opened: Any) -> None:
    strip = drawn(opened)
    for _ in range(3):
        strip.press("ArrowDown")
    assert drawn(opened).get_attribute("data-selected") == "2"
    assert "Why did this happen?" in opened.locator(".mk-side").text_content()
    assert not opened.locator(".mk-detail").is_visible()
    strip.press("Enter")
    assert "ProduceResponse v13" in opened.locator(".mk-detail h3").text_content()
    assert "base_offset" in opened.locator(".mk-fields").text_content()
    strip.press("Escape")
    assert drawn(opened).get_attribute("data-selected") == "-1"


def test_pointing_shows_causes_and_a_click_keeps_them(opened: Any) -> None:
    strip = drawn(opened)
    box = opened.locator(".mk-picture svg").bounding_box()
    found = False
    for x in range(100, int(box["width"]), 6):
        opened.mouse.move(box["x"] + x, box["y"] + 120)
        if drawn(opened).get_attribute("data-selected") != "-1":
            found = True
            break
    assert found
    opened.mouse.click(box["x"] + x, box["y"] + 120)
    opened.mouse.move(5, 5)
    assert drawn(opened).get_attribute("data-selected") != "-1"
    assert strip.locator(".mk-look li").count() >= 1


def test_zooming_shows_a_part(opened: Any) -> None:
    strip = drawn(opened)
    before = opened.locator(".mk-picture text").all_text_contents()
    strip.press("+")
    strip.press("+")
    assert drawn(opened) and opened.locator(".mk-picture text").all_text_contents() != before
    strip.press("0")
    drawn(opened)
    assert opened.locator(".mk-picture text").all_text_contents() == before
