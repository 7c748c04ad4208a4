"""The wire explorer: a frame in all its versions, its still picture, and the widget in Chromium."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anywidget", reason="needs the lab extra")

from minikafka.admin import NewTopic
from minikafka.node import Channel, Request, Response
from minikafka.record.builder import BatchBuilder
from minikafka.runtime.capture import Captured
from minikafka.runtime.machine import SimulatedBroker
from minikafka.runtime.simulator import Simulator
from minikafka.viz import WireExplorer
from minikafka.viz.lies import lies
from minikafka.viz.page import page
from minikafka.wire.anatomy import Piece, dissect_request
from minikafka.wire.connection import encode_request, encode_response
from minikafka.wire.messages.fetch import FetchableTopicResponse, FetchResponse, PartitionData
from minikafka.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData

from .opened import Opened


@pytest.fixture(scope="module")
def messages() -> dict[str, Request | Response]:
    """What was said when a producer wrote one record, by the name of its body."""
    sim = Simulator(seed=7)
    sim.broker()
    sim.admin().create_topics([NewTopic("orders")])
    till = sim.producer(client_id="till")
    till.send("orders", b"two teas", key=b"bob", headers=[("table", b"4")]).result()
    assert sim.trace is not None
    return {type(event.what.body).__name__: event.what for event in sim.trace.of("sent")}


def asked_about() -> tuple[Simulator, SimulatedBroker, bytes]:
    """A world with a topic, its broker, and a produce request for it."""
    sim = Simulator(seed=7)
    broker = sim.broker()
    sim.admin().create_topics([NewTopic("orders")])
    batch = BatchBuilder()
    batch.append(0, b"bob", b"two teas")
    data = PartitionProduceData(index=0, records=batch.build())
    topic = TopicProduceData(name="orders", partition_data=[data])
    body = ProduceRequest(acks=-1, timeout_ms=30_000, topic_data=[topic])
    parts = encode_request(Request(Channel("till", "broker"), body, 9, 7, "till"))
    return sim, broker, b"".join(map(bytes, parts))


def pieces(root: Piece) -> Iterator[Piece]:
    yield root
    for each in root.pieces:
        yield from pieces(each)


@pytest.fixture(scope="module")
def widget(messages: dict[str, Request | Response]) -> WireExplorer:
    return WireExplorer(messages["ProduceRequest"], title="How does an order travel?")


def test_every_version_that_can_say_it(widget: WireExplorer, messages: dict[str, Any]) -> None:
    assert [frame["version"] for frame in widget.frames] == list(range(3, 14))
    assert widget.version == 13
    assert repr(widget) == "WireExplorer(Produce request v13, 139 bytes)"
    answer = WireExplorer(messages["ProduceResponse"])
    assert answer.title == "Produce response v13"
    text = answer._repr_mimebundle_()[0]["text/plain"]
    assert "base_offset" in text and "0 (NONE)" in text


def test_a_frame_of_somebodys(messages: dict[str, Any]) -> None:
    frame = b"".join(map(bytes, encode_request(messages["MetadataRequest"])))
    assert WireExplorer(frame).title == "Metadata request v13"
    assert "unread" in WireExplorer(frame[:-3]).text()


@pytest.mark.parametrize("frame", [b"", b"\0\0", b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\4\0\x63\0\0"])
def test_what_nobody_understands_is_shown_all_the_same(
    browser: Any, frame: bytes, tmp_path: Path
) -> None:
    widget = WireExplorer(Captured(False, 99, 0, 1, frame))
    assert widget.svg().startswith("<svg")
    opened = Opened.of(browser, widget, tmp_path)
    assert opened.page.locator(".mk-unread").count() == 1
    assert opened.page.locator(".mk-byte:not(.mk-none)").count() == len(frame)
    opened.close()


def test_a_megabyte_opens_as_fast_as_a_small_frame(browser: Any, tmp_path: Path) -> None:
    batch = BatchBuilder()
    for number in range(30_000):
        batch.append(1_000, b"%d" % number, b"x" * 20)
    partition = PartitionData(records=batch.build())
    answer = FetchResponse(responses=[FetchableTopicResponse(topic="t", partitions=[partition])])
    parts = encode_response(Response(Channel("a", "b"), answer, 11, 7))
    frame = b"".join(map(bytes, parts))
    assert len(frame) > 1_000_000
    opened = Opened.of(browser, WireExplorer(Captured(True, 1, 11, 7, frame)), tmp_path)
    page = opened.page
    assert (
        page.locator(".mk-byte").count() <= 120 * 16 and page.locator(".mk-piece").count() < 2_500
    )
    assert "more records" in page.locator(".mk-piece").last.text_content()
    opened.widget.press("End")
    assert page.locator(".mk-at").get_attribute("data-byte") == str(len(frame) - 1)
    assert page.locator(".mk-at").is_visible()
    page.evaluate("document.querySelector('.mk-hex').scrollTop = 20 * 0x3a70")
    page.locator(".mk-line", has_text="3a700").wait_for()
    opened.close()


def test_a_broker_is_asked_about_wrong_bytes_and_stays_as_it_is() -> None:
    _, broker, frame = asked_about()
    before = broker.statistics()
    widget = WireExplorer(frame, ask=broker.ask)
    assert broker.statistics() == before
    told = widget.lies["9"]
    assert told["honest"]["ends"] == [["orders-0", 0, 1]] and told["ends"][0] == ["orders-0", 0]

    def answer(field: str, lie: str = "lowest bit") -> dict[str, Any]:
        root = dissect_request(frame)
        at = next(each.start for each in pieces(root) if each.name == field)
        return told["answers"][told["lies"][lie]["answers"][at]]

    key = answer("key")
    assert (key["kind"], key["title"], key["ends"]) == ("checksum", "CORRUPT_MESSAGE (2)", [])
    assert ["base_offset", "0", "-1"] in key["changes"] and "has CRC" in key["why"]
    assert answer("index")["title"] == "UNKNOWN_TOPIC_OR_PARTITION (3)"
    assert answer("request_api_key")["why"] == "malformed frame: API 256 (v9) is not served here"
    assert answer("size")["title"] == "waits for 16,777,216 bytes more"
    assert "a frame of -" in answer("size", "all bits")["why"]
    other = answer("correlation_id")
    assert (other["kind"], other["changes"]) == ("differs", [["correlation_id", "7", "16777223"]])
    assert other["ends"] == [["orders-0", 0, 1]], "it is written"
    assert answer("partition_leader_epoch")["kind"] == "same"
    assert told == lies(frame, broker.ask), "the same, whenever it is asked"
    assert widget.outcomes["checksum"] == 64 and sum(widget.outcomes.values()) == len(frame)
    map_ = widget.text().partition("one wrong byte (lowest bit): ")[2].splitlines()
    assert map_[1].startswith("0000  …………××××≠≠≠≠××")
    with pytest.raises(ValueError, match="requests only"):
        WireExplorer(Captured(True, 0, 9, 7, frame), ask=broker.ask)


def test_with_a_kernel_each_version_that_is_turned_to_is_asked(messages: dict[str, Any]) -> None:
    _, broker, _ = asked_about()
    widget = WireExplorer(messages["ProduceRequest"], ask=broker.ask)
    assert list(widget.lies) == ["13"]
    widget.version = 9
    assert list(widget.lies) == ["13", "9"]


def test_corrupting_a_byte_in_a_page_without_a_kernel(browser: Any, tmp_path: Path) -> None:
    _, broker, frame = asked_about()
    opened = Opened.of(browser, WireExplorer(frame, ask=broker.ask), tmp_path)
    page, strip = opened.page, opened.widget
    answer, known = page.locator(".mk-answer"), page.locator(".mk-counts")
    assert "orders-0 ended at 0 and ends at 1" in answer.text_content()
    assert known.text_content() == ""
    page.locator(".mk-byte", has_text="62").first.click()  # the b of bob
    assert "62 → ?" in answer.text_content()
    strip.press("c")
    assert "62 → 63" in answer.text_content() and "CORRUPT_MESSAGE (2)" in answer.text_content()
    assert "Nothing is written: orders-0 still ends at 0" in answer.text_content()
    assert page.locator(".mk-lie").text_content() == "63"
    assert known.text_content() == "Σ1 refused by the checksum"
    strip.press("l")
    assert "62 → 9d" in answer.text_content()
    page.get_by_role("button", name="Corrupt every byte").click()
    assert "63 refused by the checksum" in known.text_content()
    strip.press("Home")
    assert "closes the connection" in answer.text_content()
    page.locator(".mk-map svg").click(position={"x": 17 * 8 + 9, "y": 12})
    assert page.locator(".mk-at").get_attribute("data-byte") == "8"
    assert "answers, but to something else" in answer.text_content()
    assert "Written: orders-0 ended at 0 and ends at 1" in answer.text_content()
    assert "checksum" in page.locator(".mk-map svg").get_attribute("aria-label")
    opened.close()


def test_the_still_picture_marks_the_selection(messages: dict[str, Any]) -> None:
    widget = WireExplorer(messages["ProduceRequest"])
    plain = ElementTree.fromstring(widget.svg())
    widget.selected = [1, 0]  # the header's API key
    marked = ElementTree.fromstring(widget.svg())
    assert (plain[0].text or "").startswith("Produce request v13: 139 bytes in ")
    assert len(list(marked)) == len(list(plain)) + 3  # two bytes and a row
    for element in marked.iter():
        assert not {"style", "class", "id"} & set(element.attrib)


@pytest.fixture
def opened(
    browser: Any, widget: WireExplorer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    path = tmp_path_factory.mktemp("page") / "wire.html"
    path.write_text(page(widget), encoding="utf-8")
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda m: m.type == "error" and wrong.append(m.text))
    opened.on("request", lambda r: r.url.startswith("http") and wrong.append(r.url))
    opened.goto(path.as_uri())
    opened.locator(".mk-byte").first.wait_for()
    yield opened
    opened.close()
    assert not wrong


def marked(opened: Any) -> str:
    return " ".join(opened.locator(".mk-byte.mk-in").all_text_contents())


def test_a_field_shows_its_bytes_and_a_byte_its_field(opened: Any) -> None:
    opened.locator(".mk-piece", has_text="request_api_version").hover()
    assert marked(opened) == "00 0d"
    opened.locator(".mk-byte", has_text="62").first.hover()  # the b of bob
    assert marked(opened) == "62 6f 62"
    assert "key" in opened.locator(".mk-piece.mk-in").text_content()
    assert opened.locator(".mk-now").text_content().startswith('key: "bob", bytes · 3 bytes')
    opened.locator(".mk-byte", has_text="62").first.click()
    opened.mouse.move(2, 2)
    assert marked(opened) == "62 6f 62"


def test_keys_walk_fields_and_bytes_and_change_the_version(opened: Any) -> None:
    strip = opened.locator(".mk-wire")
    strip.press("ArrowDown")
    assert marked(opened) == "00 00 00 87"  # the size
    strip.press("ArrowDown")
    strip.press("ArrowUp")
    assert opened.locator(".mk-piece.mk-in").get_attribute("aria-selected") == "true"
    for _ in range(4):
        strip.press("ArrowRight")
    assert opened.locator(".mk-at").get_attribute("data-byte") == "4"
    assert marked(opened) == "00 00"  # the API key
    opened.locator(".mk-hex").press("ArrowDown")  # a line of 8
    assert opened.locator(".mk-at").get_attribute("data-byte") == "12"
    strip.press("End")
    strip.press("ArrowLeft")
    assert opened.locator(".mk-at").get_attribute("data-byte") == "137"
    strip.press("Escape")
    assert marked(opened) == "" and opened.locator(".mk-at").count() == 0


def test_what_a_version_adds_drops_and_shortens(opened: Any) -> None:
    strip, words = opened.locator(".mk-wire"), opened.locator(".mk-versions p")
    assert words.text_content() == "9 bytes longer than v12: adds topic_id, drops name"
    assert opened.locator(".mk-new > span").all_text_contents() == ["topic_idnew"]
    assert opened.locator(".mk-gone").all_text_contents() == ['namegone"orders"']
    for _ in range(4):
        strip.press("V")
    assert strip.get_attribute("data-version") == "9"  # the first flexible one
    assert "shorter than v8" in words.text_content()
    assert "tagged fields" in words.text_content()
    shorter = opened.locator(".mk-piece", has_text="−3")
    assert shorter.first.text_content().startswith("count + 1")
    strip.press("v")
    assert strip.get_attribute("data-version") == "10"
    assert opened.locator(".mk-new, .mk-gone").count() == 0


@pytest.mark.parametrize("width", [620, 900, 1280])
def test_nothing_runs_out_of_the_widget(opened: Any, width: int) -> None:
    opened.set_viewport_size({"width": width, "height": 900})
    box = opened.locator(".mk-wire").bounding_box()
    for part in (".mk-hex", ".mk-tree", ".mk-versions"):
        inner = opened.locator(part).bounding_box()
        assert inner["x"] + inner["width"] <= box["x"] + box["width"] + 1
        assert inner["y"] + inner["height"] <= box["y"] + box["height"] + 1
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
