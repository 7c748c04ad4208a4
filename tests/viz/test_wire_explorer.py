"""The wire explorer: a frame in all its versions, its still picture, and the widget in Chromium."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("anywidget", reason="needs the lab extra")

from minikafka.admin import NewTopic
from minikafka.node import Request, Response
from minikafka.runtime.simulator import Simulator
from minikafka.viz import WireExplorer
from minikafka.viz.page import page
from minikafka.wire.connection import encode_request
from minikafka.wire.errors import MalformedFrame


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
    with pytest.raises(MalformedFrame, match="byte"):
        WireExplorer(frame[:-3])


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
    opened.locator(".mk-hex").press("ArrowDown")  # a line of 16
    assert opened.locator(".mk-at").get_attribute("data-byte") == "20"
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
