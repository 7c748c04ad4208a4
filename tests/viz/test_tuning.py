"""The chart of tuned settings: what it keeps of the results, and what stands where."""

from __future__ import annotations

import copy

from minikafka.bench.tuning import GOALS
from minikafka.viz.charts import stored
from minikafka.viz.shapes import Picture
from minikafka.viz.tuning import NAME, chart, cut

from .widths import left_and_width

WIDTH = 832


def shapes(picture: Picture, tag: str, **want: object) -> list[dict]:
    return [
        shape.attributes
        for shape in picture.shapes
        if shape.tag == tag and want.items() <= shape.attributes.items()
    ]


def test_cutting_what_was_cut_changes_nothing() -> None:
    assert cut(stored(NAME)) == stored(NAME)


def test_every_contender_is_drawn_twice_and_the_choice_is_framed() -> None:
    table = stored(NAME)
    picture = chart(table, WIDTH)
    rows = [goal["rows"] for goals in table["brokers"].values() for goal in goals]
    drawn = sum(map(len, rows)) + 1  # and one in the legend
    assert len(shapes(picture, "circle", stroke="rule")) == drawn
    squares = shapes(picture, "rect", fill="write")
    assert len(squares) == drawn
    frames = shapes(picture, "rect", stroke="ink")
    assert len(frames) == len(rows) + 1
    middles = {(square["x"] + 3.5, square["y"] + 3.5) for square in squares}
    for frame in frames[1:]:
        x, y = frame["x"] + 8, frame["y"] + 8
        assert any(abs(x - a) < 0.2 and abs(y - b) < 0.2 for a, b in middles)


def test_what_breaks_a_limit_stands_to_the_right_of_it_and_is_told() -> None:
    table = copy.deepcopy(stored(NAME))
    goals = next(iter(table["brokers"].values()))
    goals[0]["rows"][0]["measured"][GOALS[0].limited] = 1.5 * GOALS[0].limit
    goals[0]["held"] = False
    picture = chart(table, WIDTH)
    limit = shapes(picture, "line", stroke="lost")[1]  # the first is the legend's
    frame = shapes(picture, "rect", stroke="ink")[1]
    assert frame["x"] + 8 > limit["x1"]
    assert any(shape.text == "did not hold" for shape in picture.shapes)
    assert "did not hold" in picture.label


def test_no_words_leave_the_picture() -> None:
    for shape in chart(stored(NAME), WIDTH).shapes:
        if shape.tag == "text":
            left, wide = left_and_width(shape)
            assert left >= -1 and left + wide <= WIDTH + 1, shape.text
