"""Text drawings: the same order and the same words as in the drawn strip."""

from __future__ import annotations

from types import SimpleNamespace

from minikafka.trace import Trace
from minikafka.viz import picture
from minikafka.viz.picture import story_picture
from minikafka.viz.story import Story


def statistics(start: int, end: int, high: int | None, *bases: int) -> SimpleNamespace:
    more = {} if high is None else {"high_watermark": high, "leader_epoch": 4}
    return SimpleNamespace(
        topic="orders",
        partition=0,
        log_start_offset=start,
        log_end_offset=end,
        segments=tuple(SimpleNamespace(base_offset=base) for base in bases),
        **more,
    )


def test_a_partition() -> None:
    assert (
        picture(statistics(2, 12, 10, 0, 7))
        == """\
orders-0  [2 3 4 5 6/7 8 9|10 11   LEO 12    HW 10    log start 2  epoch 4
          [ log start   / next file   | high watermark"""
    )


def test_a_log_alone_knows_no_high_watermark() -> None:
    assert (
        picture(statistics(0, 3, None, 0))
        == """\
orders-0  [0 1 2   LEO 3     log start 0
          [ log start"""
    )


def test_an_empty_log_and_no_log() -> None:
    assert picture(statistics(0, 0, 0, 0)).startswith(
        "orders-0  [|  LEO 0     HW 0     log start 0"
    )
    assert picture(Trace()) == "no partition"


def test_a_long_log_keeps_its_ends() -> None:
    text = picture(statistics(0, 1_000, 1_000, 0, 500))
    assert "[0 1 2 … 993 994" in text
    assert "998 999|" in text


def test_anything_with_statistics() -> None:
    broker = SimpleNamespace(partitions=(statistics(0, 1, 1, 0),))
    assert picture(SimpleNamespace(statistics=lambda: broker)) == picture(statistics(0, 1, 1, 0))


def test_the_end_of_a_trace(trace: Trace) -> None:
    assert (
        picture(trace)
        == """\
orders-0   [3 4 5 6 7|  LEO 8     HW 8     log start 3  epoch 4
  billing   ^           next 3, lag 5
  audit    ^            next 2, lag 6
orders-1   [0|          LEO 1     HW 1     log start 0  epoch 4
  billing   ^           next 0, lag 1
           [ log start   | high watermark   ^ next to be read"""
    )


def test_a_moment_of_a_story(story: Story) -> None:
    crashed = story.moments.kind.index("crashed")
    assert "9|" not in story_picture(story, crashed)
    assert "|9 10" in story_picture(story, crashed)
    assert "broker down" in story_picture(story, crashed)


def test_a_notebook_shows_lines_and_not_escapes(trace: Trace) -> None:
    assert "\\n" not in repr(picture(trace))
    assert repr(picture(trace)).count("\n") == 5
