"""The log strip, played in Chromium without a kernel, from the page that `page()` makes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anywidget", reason="needs the lab extra")

from minikafka.trace import Trace
from minikafka.viz import LogStrip
from minikafka.viz.page import page

from .conftest import Teller, long
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
        "orders-0   [3 4 5 6 7|  LEO 8     HW 8     log start 3  epoch 4"
    )
    assert bundle["image/svg+xml"].startswith("<svg ")
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_what_to_look_for_is_what_the_trace_has_to_show(widget: LogStrip) -> None:
    assert [item[0] for item in widget.look_for] == ["open", "written", "lag", "start", "index"]
    assert LogStrip(Trace()).look_for == []


def test_the_page_is_one_small_file(widget: LogStrip) -> None:
    text = page(widget, title="a < b")
    assert len(text) < 150_000
    assert "<title>a &lt; b</title>" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


# ---- zoom, windows and lanes --------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """Pages of runs with 5,000 events, by their number of partitions."""
    folder, found = tmp_path_factory.mktemp("many"), {}
    for partitions in (2, 12):
        path = folder / f"{partitions}.html"
        path.write_text(page(LogStrip(long(5_000, partitions, 5))), encoding="utf-8")
        found[partitions] = path.as_uri()
    return found


@pytest.fixture
def two(browser: Any, many: dict[int, str]) -> Iterator[Opened]:
    """Two long logs; nothing glides, so that what a key does can be seen at once."""
    it = Opened(browser, many[2], reduced_motion="reduce")
    yield it
    it.close()


@pytest.fixture
def twelve(browser: Any, many: dict[int, str]) -> Iterator[Opened]:
    it = Opened(browser, many[12], reduced_motion="reduce")
    yield it
    it.close()


def ends_out_of_sight(opened: Opened) -> int:
    """How many windows do not show the end of their log."""
    return len(set(re.findall(r"LEO \d+ ›", opened.text())))


def zoomed(opened: Opened) -> list[str]:
    """File names in sight."""
    texts = opened.page.locator(".mk-picture text").all_text_contents()
    return [text for text in texts if text.startswith("…") and text.endswith(".log")]


def test_keys_zoom_from_files_to_records_and_back(two: Opened) -> None:
    far = two.text()
    assert "records" in far
    for _ in range(9):
        two.press("+")
    near = two.text()
    assert "records" not in near.replace("records · ", "")
    assert "‹ log start" in near
    assert len(zoomed(two)) <= 4
    two.press("0")
    assert two.text() == far
    for _ in range(9):
        two.press("-")
    assert "deleted" in two.text(), "the whole history is in sight"


def test_buttons_zoom_too(two: Opened) -> None:
    far = two.text()
    for _ in range(9):
        two.page.get_by_role("button", name="Zoom in").click()
    two.drawn()
    assert "‹ log start" in two.text()
    two.page.get_by_role("button", name="Show all files").click()
    two.drawn()
    assert two.text() == far


def test_a_zoom_takes_240_ms_unless_motion_is_unwelcome(browser: Any, many: dict[int, str]) -> None:
    """What a first frame after the key shows: the beginning of a way, or its end."""
    shown = {}
    for motion in ("no-preference", "reduce"):
        opened = Opened(browser, many[2], reduced_motion=motion)
        shown[motion] = opened.page.evaluate(
            """() => new Promise(done => {
              const widget = document.querySelector(".mk-widget"), key = { key: "+" };
              const picture = () => document.querySelector(".mk-picture svg").innerHTML;
              const before = picture();
              widget.dispatchEvent(new KeyboardEvent("keydown", key));
              requestAnimationFrame(function look() {
                const first = picture();
                if (first === before) return requestAnimationFrame(look);
                setTimeout(() => done([first, picture()]), 600);
              });
            })"""
        )
        opened.close()
    assert shown["no-preference"][0] != shown["no-preference"][1]
    assert shown["reduce"][0] == shown["reduce"][1]


def test_a_window_follows_the_log_end_until_the_reader_moves_it(two: Opened) -> None:
    for _ in range(6):
        two.press("+")
    box = two.page.locator(".mk-picture svg").bounding_box()
    middle, y = box["x"] + 400, box["y"] + 60
    assert ends_out_of_sight(two) == 0
    two.page.mouse.move(middle, y)
    two.page.mouse.down()
    two.page.mouse.move(middle + 300, y, steps=4)
    two.page.mouse.up()
    two.drawn()
    assert ends_out_of_sight(two) == 1, "that of the log that was dragged"
    held = zoomed(two)[0]
    two.press("Home")
    two.press("End")
    assert zoomed(two)[0] == held, "the window stays where the reader put it"
    two.press("Escape")
    assert ends_out_of_sight(two) == 0


def test_ctrl_and_the_wheel_zoom_around_the_pointer(two: Opened) -> None:
    box = two.page.locator(".mk-picture svg").bounding_box()
    two.page.mouse.move(box["x"] + 130, box["y"] + 60)
    before = two.text()
    two.page.mouse.wheel(0, -600)
    two.drawn()
    assert two.text() == before, "the wheel alone scrolls the page"
    two.page.keyboard.down("Control")
    for _ in range(4):
        two.page.mouse.wheel(0, -200)
    two.page.keyboard.up("Control")
    two.drawn()
    assert ends_out_of_sight(two) == 1


def test_the_lens_goes_along_the_log_by_keys_and_takes_the_window_with_it(two: Opened) -> None:
    for _ in range(6):
        two.press("+")
    end = two.page.evaluate(LENS)
    for _ in range(30):
        two.press(",")
    assert two.page.evaluate(LENS)[:3] != end[:3]
    assert ends_out_of_sight(two) == 1
    for _ in range(30):
        two.press(".")
    assert two.page.evaluate(LENS) == end
    assert ends_out_of_sight(two) == 0


def test_lanes_are_chosen_and_unfolded_by_keys_and_clicks(twelve: Opened) -> None:
    def lens_top() -> float:
        return twelve.page.get_by_text("next", exact=True).bounding_box()["y"]

    twelve.press("1")
    first = lens_top()
    twelve.press("9")
    assert lens_top() > first + 400
    twelve.press("ArrowDown")
    twelve.press("ArrowDown")
    assert twelve.page.get_by_text("next", exact=True).count() == 1
    last = lens_top()
    twelve.press("ArrowUp")
    assert lens_top() < last
    twelve.page.get_by_text("orders-0", exact=True).click()
    twelve.drawn()
    assert lens_top() == first


# How many nodes a step touches, and in how many lanes.
TOUCHED = """() => new Promise(done => {
  const svg = document.querySelector(".mk-picture svg"), lanes = [...svg.children];
  const touched = new Set();
  let count = 0;
  const watch = new MutationObserver(found => found.forEach(({ target }) => {
    count += 1;
    lanes.forEach((lane, i) => { if (lane.contains(target)) touched.add(i); });
  }));
  watch.observe(svg, { subtree: true, childList: true, attributes: true });
  const key = { key: "ArrowRight" };
  document.querySelector(".mk-widget").dispatchEvent(new KeyboardEvent("keydown", key));
  setTimeout(() => { watch.disconnect(); done([count, touched.size]); }, 300);
})"""


def test_a_step_of_a_long_run_touches_little(twelve: Opened) -> None:
    """What keeps 5,000 events at 60 frames a second: an event redraws its own lane only."""
    twelve.page.evaluate("minikafka.model.set('moment', 4000)")
    twelve.drawn()
    assert 400 < twelve.page.locator(".mk-picture svg *").count() < 2_500
    steps = [twelve.page.evaluate(TOUCHED) for _ in range(6)]
    assert max(lanes for _, lanes in steps) <= 3, "two lanes and the numbers of the look-for list"
    assert max(count for count, _ in steps) < 1_500


def test_a_long_run_is_soon_there(browser: Any, many: dict[int, str]) -> None:
    """Measured, it takes 0.2 s; this allows for a machine that does ten other things."""
    opened = Opened(browser, many[12])
    shown = opened.page.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    )
    assert shown < 3_000
    opened.close()


def test_a_table_of_keys_stands_beside_two_partitions(browser: Any, tmp_path: Path) -> None:
    run = Teller()
    run.event("topic_created", topic="orders", partitions=2)
    run.produce(0, ("bob", "tea"))
    run.produce(1, ("alice", "cake"))
    opened = Opened.of(browser, LogStrip(run.trace), tmp_path)
    table = opened.page.locator(".mk-keys").inner_text().split()
    assert table == ["bob", "85ebcace", "→", "0", "alice", "74504595", "→", "1"]
    assert opened.barriers() == []
    opened.close()
