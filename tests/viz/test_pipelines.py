"""Pipelines against a log: the model's rules, its picture without a browser, the live widget."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("anywidget", reason="needs the lab extra")

from minikafka.bench.widgets import FRAMES
from minikafka.viz import Pipelines
from minikafka.viz.engine import still
from minikafka.viz.widgets.pipelines import Act

from .opened import Opened
from .widths import left_and_width


class Counts(NamedTuple):
    """What one side says of itself."""

    programs: int
    to_write: int
    lost: int
    waited: int


def counted(acts: Sequence[Act], seconds: int, sources: int = 4, targets: int = 5) -> Any:
    """Both sides after these acts, and the words about them."""
    start = {"sources": sources, "targets": targets}
    words = still("pipelines", start=start, frames=[("", acts, seconds)], width=692).label
    direct, log = (
        Counts(*map(int, found))
        for found in re.findall(
            r"= (\d+) p\w+, (\d+) programs? to write, (\d+) records? lost, sources waited (\d+) s",
            words,
        )
    )
    return direct, log, words


def lag(words: str, name: str) -> int:
    found = re.search(rf"{name} lags (\d+)", words)
    return int(found[1]) if found else 0


def test_each_to_each_multiplies_and_a_log_adds() -> None:
    direct, log, words = counted([], 8)
    assert (direct.programs, log.programs) == (20, 9)
    assert "4 × 5 = 20" in words and "4 + 5 = 9" in words
    assert counted([], 0, sources=6, targets=6)[0].programs == 36
    direct, log, _ = counted([], 0, sources=2, targets=2)
    assert direct.programs == log.programs == 4, "of few systems a log saves nothing"


def test_while_all_is_well_both_sides_lose_nothing() -> None:
    direct, log, words = counted([], 60)
    assert direct[1:] == log[1:] == (0, 0, 0)
    assert "log end 240" in words and "lags" not in words


def test_a_new_target_costs_a_pipeline_for_each_source_or_one_program() -> None:
    direct, log, words = counted([(8, "add", "archive")], 8)
    assert (direct.to_write, log.to_write) == (4, 1)
    assert (direct.programs, log.programs) == (24, 10)
    assert lag(words, "archive") == 32, "it begins at 0: what was written before it came is there"
    # A program takes 4 s, one after the other.
    assert [counted([(8, "add", "archive")], 8 + s)[0].to_write for s in (3, 4, 15, 16)] == [
        4,
        3,
        1,
        0,
    ]


def test_a_new_source_costs_a_pipeline_for_each_target_or_one_program() -> None:
    direct, log, _ = counted([(8, "add", "support")], 8)
    assert (direct.to_write, log.to_write) == (5, 1)
    assert "log end 69" in counted([(8, "add", "support")], 16)[2], "five a second, the 12th on"


def test_a_swapped_database_changes_everything_that_touches_it_or_one_program() -> None:
    for name, many in (("search", 4), ("shop", 5)):
        direct, log, _ = counted([(8, "swap", name)], 8)
        assert (direct.to_write, log.to_write) == (many, 1)


def test_without_its_programs_a_swapped_target_loses_on_one_side_and_catches_up_on_the_other() -> (
    None
):
    direct, log, words = counted([(8, "swap", "search")], 11)
    assert lag(words, "search") == 12, "its position stands while its program is written"
    direct, log, words = counted([(8, "swap", "search")], 40)
    assert direct.lost > 0 and direct.waited > 0 and direct.to_write == 0
    assert log == (9, 0, 0, 0) and lag(words, "search") == 0


BROKEN: Act = (8, "break", "search")


def test_a_broken_target_fills_the_buffers_then_sources_drop_or_wait() -> None:
    direct, _, _ = counted([BROKEN], 13)
    assert (direct.lost, direct.waited) == (0, 0), "5 s fit into the buffers"
    direct, _, _ = counted([BROKEN], 20)
    assert direct.lost == 2 * 7, "sensors and clicks dropped one a second each"
    assert direct.waited == 2 * 7, "shop and payments waited"


def test_what_waits_in_a_source_that_goes_is_lost() -> None:
    for verb in ("break", "remove"):
        direct, log, _ = counted([BROKEN, (12, verb, "shop")], 12)
        assert (direct.lost, log.lost) == (4, 0)


def test_the_log_keeps_what_a_broken_target_does_not_read() -> None:
    for seconds in (9, 13, 20, 60):
        _, log, words = counted([BROKEN], seconds)
        assert log == (9, 0, 0, 0)
        assert lag(words, "search") == 4 * (seconds - 8)
        assert f"log end {4 * seconds}" in words, "nobody else notices"


def test_after_the_repair_it_catches_up() -> None:
    acts = [BROKEN, (20, "repair", "search")]
    lags = [lag(counted(acts, 20 + s)[2], "search") for s in range(8)]
    assert lags == [48, 40, 32, 24, 16, 8, 0, 0]
    direct = [counted(acts, 20 + s)[0] for s in (0, 60)]
    assert direct[1].waited <= direct[0].waited + 2
    assert direct[1].lost <= direct[0].lost + 2


def test_what_waits_in_a_source_is_lost_with_it() -> None:
    direct, log, words = counted([BROKEN, (11, "break", "shop")], 11)
    assert direct.lost == 3 and log.lost == 0
    assert "shop broken since 11 s" in words
    assert "log end 47" in counted([BROKEN, (11, "break", "shop")], 12)[2], "three go on"


def test_removing() -> None:
    direct, log, words = counted([BROKEN, (9, "remove", "search")], 30)
    assert (direct.programs, log.programs) == (16, 8)
    assert direct.lost == 0 and "search" not in words
    acts: list[Act] = [(0, "remove", name) for name in ("shop", "payments", "sensors", "clicks")]
    assert counted(acts, 10)[0].programs == 0


def test_the_same_acts_give_the_same_bytes() -> None:
    assert Pipelines(acts=[BROKEN], seconds=30).svg() == Pipelines(acts=[BROKEN], seconds=30).svg()


def test_without_a_browser_the_start_and_a_break() -> None:
    widget = Pipelines()
    assert repr(widget) == "Pipelines(4 × 5 against 4 + 5)"
    assert widget.text().startswith("At the start, after 8 s\nAfter 8 s\neach to each: 4 × 5 = 20")
    assert "search lags 48" in widget.text()
    drawn = ElementTree.fromstring(widget.svg())
    for element in drawn.iter():
        assert not {"style", "class", "id"} & set(element.attrib)
    words = [element.text for element in drawn.iter() if element.tag.endswith("text")]
    assert words.count("4 × 5 = 20") == words.count("4 + 5 = 9") == 2
    assert "lag 48" in words and "broken 12 s" in words
    acted = Pipelines(acts=[(8, "swap", "mail")], seconds=9).text()
    assert "And after 9 s" in acted and "search" not in acted


@pytest.mark.parametrize("width", [260, 392, 692, 1130])
def test_no_words_leave_the_picture(width: int) -> None:
    acts: list[Act] = [BROKEN, (20, "swap", "sensors"), (20, "add", "support")]
    acts += [(20, "add", "stock"), (20, "add", "archive"), (21, "break", "clicks")]
    start = {"sources": 4, "targets": 5}
    drawn = still("pipelines", start=start, frames=[("Now", acts, 22)], width=width)
    for shape in drawn.shapes:
        if shape.tag != "text":
            continue
        left, wide = left_and_width(shape)
        assert left >= -2 and left + wide <= width + 6, shape.text
        assert 0 <= float(shape.attributes["y"]) <= drawn.height


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opened]:
    opened = Opened.of(browser, Pipelines(), tmp_path)
    yield opened
    opened.close()


def press(opened: Opened, *keys: str) -> None:
    for key in keys:
        opened.widget.press(key)
    opened.drawn()


def said(opened: Opened) -> str:
    return str(opened.page.locator(".mk-now").text_content())


def told(opened: Opened, trait: str) -> Any:
    """What the kernel would hear."""
    return opened.page.evaluate(f"window.minikafka.model.get('{trait}')")


def test_the_keyboard_does_everything(opened: Opened) -> None:
    assert opened.widget.get_attribute("data-selected") == "search"
    press(opened, "s")
    assert said(opened) == (
        "Swap the database of search: each to each, 4 pipelines must change; "
        "with one log, 1 program."
    )
    press(opened, "z")
    press(opened, "b", *["ArrowRight"] * 12)
    assert opened.widget.get_attribute("data-tick") == "20"
    assert "lag 48" in opened.text() and "broken 12 s" in opened.text()
    press(opened, "a", "t")
    assert "5 × 6 = 30" in opened.text() and "5 + 6 = 11" in opened.text()
    assert "5 pipelines must be written" in said(opened)
    press(opened, "Delete")  # archive: what was added is selected
    press(opened, "ArrowUp", "Delete")
    assert "5 × 4 = 20" in opened.text()
    acts = [[8, "break", "search"], [20, "add", "support"], [20, "add", "archive"]]
    assert told(opened, "acts")[:3] == acts
    assert told(opened, "tick") == 20


def test_undo_goes_back_to_the_moment_of_the_act(opened: Opened) -> None:
    before = opened.text()
    press(opened, "b", *["ArrowRight"] * 3, "z")
    assert opened.widget.get_attribute("data-tick") == "8"
    assert opened.text() == before
    assert told(opened, "acts") == []
    press(opened, "t", "Delete", "z", "z")
    assert opened.widget.get_attribute("data-selected") == "search"
    press(opened, "z")  # nothing is left to undo
    assert opened.page.locator(".mk-undo").is_disabled()


def test_buttons_say_what_they_do_to_whom(opened: Opened) -> None:
    opened.page.get_by_role("radio", name="target mail").click()
    opened.page.get_by_role("button", name="Break mail").click()
    opened.drawn()
    assert said(opened).startswith("Break mail: each to each, 4 sources cannot send")
    opened.page.get_by_role("button", name="Repair mail").click()
    opened.page.get_by_role("button", name="Add a target: archive").click()
    opened.drawn()
    assert opened.page.get_by_role("button", name="No more targets").is_disabled()
    opened.page.get_by_role("radio", name="target archive").press("ArrowLeft")
    opened.drawn()
    assert opened.page.evaluate("document.activeElement.dataset.name") == "fraud"


def test_a_system_is_chosen_in_the_picture(opened: Opened) -> None:
    opened.page.locator(".mk-picture text", has_text="payments").last.click()
    opened.drawn()
    assert opened.widget.get_attribute("data-selected") == "payments"


def test_it_plays_and_stops(browser: Any, tmp_path: Path) -> None:
    acts: list[Act] = [(8, "break", "search"), (8, "swap", "mail")]
    opened = Opened.of(browser, Pipelines(sources=6, targets=6, acts=acts), tmp_path)
    for _ in range(3):
        opened.page.locator(".mk-speed").click()
    press(opened, " ")
    opened.page.wait_for_function("+document.querySelector('.mk-widget').dataset.tick >= 16")
    press(opened, " ")
    tick = opened.widget.get_attribute("data-tick")
    assert str(told(opened, "tick")) == tick
    opened.page.evaluate(FRAMES, 300)
    assert opened.widget.get_attribute("data-tick") == tick
    opened.close()


def test_with_less_motion_records_stand_still(browser: Any, tmp_path: Path) -> None:
    opened = Opened.of(browser, Pipelines(), tmp_path, reduced_motion="reduce")
    opened.widget.press("ArrowRight")
    moving = "[...document.querySelectorAll('.mk-picture circle')].map(c => c.getAttribute('cx'))"
    opened.drawn()
    first = opened.page.evaluate(moving)
    opened.drawn()
    assert first and opened.page.evaluate(moving) == first
    opened.close()
