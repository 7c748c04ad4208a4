"""The log strip, played in Chromium without a kernel, from the page that `page()` makes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anywidget", reason="needs the lab extra")

from minikafka.trace import Trace
from minikafka.viz import LogStrip
from minikafka.viz.page import page

from .opened import Opened


@pytest.fixture(scope="module")
def widget(trace: Trace) -> LogStrip:
    return LogStrip(trace, title="Where does it go?", settings="`segment.ms` = 1", caption="seed 7")


@pytest.fixture(scope="module")
def file(widget: LogStrip, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "strip.html"
    path.write_text(page(widget), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(browser: Any, file: str) -> Iterator[Opened]:
    it = Opened(browser, file, viewport={"width": 1280, "height": 900})
    yield it
    it.close()


def test_stands_at_the_end_and_steps_back(opened: Opened, widget: LogStrip) -> None:
    last = len(widget.story["moments"]["text"]) - 1
    assert opened.moment == last
    assert opened.press("ArrowLeft") == last - 1
    assert opened.press("Home") == 0
    assert opened.press("ArrowLeft") == 0
    assert opened.press("ArrowRight") == 1
    assert opened.press("End") == last


def test_tells_the_moment_and_describes_the_picture(opened: Opened, widget: LogStrip) -> None:
    opened.press("Home")
    for _ in range(6):
        opened.press("ArrowRight")
    assert opened.page.locator(".mk-now span").text_content() == "orders-0: 3 records at 0..2, 97 B"
    label = opened.page.locator(".mk-picture svg").get_attribute("aria-label")
    assert label.startswith("orders-0: log start 0, high watermark 0, log end 3, 1 segment")
    slider = opened.page.get_by_role("slider", name="Instant of the run")
    assert "3 records at 0..2" in slider.get_attribute("aria-valuetext")


def test_flags_glide_to_where_they_belong(opened: Opened) -> None:
    opened.press("Home")
    for _ in range(7):
        opened.press("ArrowRight")
    opened.page.wait_for_timeout(400)
    assert "HW 3" in opened.text()
    assert "LEO 3" in opened.text()


def test_plays_pauses_and_ends(opened: Opened) -> None:
    opened.widget.focus()
    opened.press(" ")
    opened.page.wait_for_timeout(900)
    assert opened.page.get_by_role("button", name="Pause").count() == 1
    opened.press(" ")
    stopped = opened.moment
    opened.page.wait_for_timeout(500)
    assert opened.moment == stopped
    assert 0 < stopped < 12
    assert opened.page.evaluate("minikafka.model.get('moment')") == stopped, "the kernel is told"


def test_speed(opened: Opened) -> None:
    button = opened.page.locator(".mk-speed")
    shown = []
    for _ in range(4):
        button.click()
        shown.append(button.text_content())
    assert shown == ["× 2", "× 4", "× ½", "× 1"]


def test_scrubbing_shows_exactly_what_was_there(opened: Opened) -> None:
    before = opened.text()
    slider = opened.page.locator("input[type=range]")
    slider.evaluate("s => { s.value = 0; s.dispatchEvent(new Event('input')); }")
    opened.drawn()
    assert opened.moment == 0
    slider.evaluate("s => { s.value = s.max; s.dispatchEvent(new Event('input')); }")
    opened.drawn()
    assert opened.text() == before


def test_the_kernel_moves_the_playhead(opened: Opened) -> None:
    opened.page.evaluate("minikafka.model.set('moment', 3)")
    opened.drawn()
    assert opened.moment == 3


# The large offsets: those in the lens.
LENS = """() => [...document.querySelectorAll('.mk-picture text[font-size="14"]')]
  .map(text => text.textContent)"""


def test_the_lens_follows_the_pointer_and_can_be_held(browser: Any, tmp_path: Path) -> None:
    trace = Trace()
    for offset in range(60):
        trace.now += 1_000
        trace.add("n", "append", {"topic": "t", "partition": 0, "base_offset": offset,
                                  "last_offset": offset, "size_bytes": 70})  # fmt: skip
    path = tmp_path / "long.html"
    path.write_text(page(LogStrip(trace)), encoding="utf-8")
    opened = Opened(browser, path.as_uri(), viewport={"width": 1280, "height": 700})
    box = opened.page.locator(".mk-picture svg").bounding_box()
    assert "59" in opened.page.evaluate(LENS)
    opened.page.mouse.move(box["x"] + 130, box["y"] + 80)
    opened.page.wait_for_timeout(400)
    assert "2" in opened.page.evaluate(LENS)
    assert "59" not in opened.page.evaluate(LENS)
    opened.page.mouse.click(box["x"] + 130, box["y"] + 80)
    opened.page.mouse.move(5, 5)
    opened.page.wait_for_timeout(400)
    assert "59" not in opened.page.evaluate(LENS), "a held lens stays"
    opened.widget.press("Escape")
    opened.page.wait_for_timeout(400)
    assert "59" in opened.page.evaluate(LENS)
    opened.close()


def test_reduced_motion_plays_in_steps(browser: Any, file: str) -> None:
    opened = Opened(browser, file, reduced_motion="reduce")
    opened.widget.focus()
    opened.press(" ")
    opened.page.wait_for_timeout(1_000)
    assert 1 <= opened.moment <= 2
    opened.close()


@pytest.mark.parametrize("width", [520, 760, 1280])
def test_lays_itself_out_for_the_width_it_is_given(browser: Any, file: str, width: int) -> None:
    opened = Opened(browser, file, viewport={"width": width, "height": 900})
    svg = opened.page.locator(".mk-picture svg").bounding_box()
    assert svg["width"] <= width - 40
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    side, figure = (opened.page.locator(s).bounding_box() for s in (".mk-side", ".mk-picture"))
    assert (side["x"] > figure["x"]) == (width == 1280), (
        "reading beside the picture if there is room"
    )
    opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_follows_the_system_and_obeys_the_page(browser: Any, widget: LogStrip, scheme: str,
                                               tmp_path: Path) -> None:  # fmt: skip
    grounds = {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 28)"}
    for wish in (None, "light", "dark"):
        path = tmp_path / "page.html"
        path.write_text(page(widget, scheme=wish), encoding="utf-8")
        opened = Opened(browser, path.as_uri(), color_scheme=scheme)
        ground = opened.widget.evaluate("node => getComputedStyle(node).backgroundColor")
        assert ground == grounds[wish or scheme]
        opened.page.close()


def test_an_empty_trace_is_no_accident(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "empty.html"
    path.write_text(page(LogStrip(Trace())), encoding="utf-8")
    tab = browser.new_page()
    wrong: list[str] = []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.goto(path.as_uri())
    tab.get_by_text("Nothing happened in this run.").wait_for()
    tab.locator(".mk-play").click()
    tab.close()
    assert not wrong


def test_without_a_browser_it_is_text_and_svg(widget: LogStrip) -> None:
    assert repr(widget) == "LogStrip(orders-0 to 8, orders-1 to 1; 35 moments)"
    bundle, _ = widget._repr_mimebundle_()
    assert bundle["text/plain"].splitlines()[1] == (
        "orders-0   [3 4 5 6 7|  LEO 8     HW 8     log start 3"
    )
    assert bundle["image/svg+xml"].startswith("<svg ")
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_what_to_look_for_is_what_the_trace_has_to_show(widget: LogStrip) -> None:
    assert [item[0] for item in widget.look_for] == ["open", "written", "lag", "start"]
    assert LogStrip(Trace()).look_for == []


def test_the_page_is_one_small_file(widget: LogStrip) -> None:
    text = page(widget, title="a < b")
    assert len(text) < 100_000
    assert "<title>a &lt; b</title>" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
