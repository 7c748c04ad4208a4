"""The chart of four libraries: what it keeps of the results, and that no sign covers another."""

from __future__ import annotations

from itertools import pairwise, product

import pytest

from minikafka.bench.clients import WAYS, Cell, Plan, summary
from minikafka.bench.drivers import LIBRARIES
from minikafka.viz.charts import LogScale, stored
from minikafka.viz.libraries import COLOURS, LABELS_WIDTH, LANE, NAME, SIGN, chart, cut, plots
from minikafka.viz.shapes import Picture

from .widths import left_and_width

WIDTH = 832
PLAN = Plan(rounds=2)
CELLS = [Cell(*cell) for cell in product(PLAN.brokers, PLAN.codecs, PLAN.lengths)]


def results(rate: float, plan: Plan = PLAN) -> dict:
    """Of a run in which all are equally fast, in the second round a bit less."""
    rounds = [dict.fromkeys(WAYS, rate), dict.fromkeys(WAYS, rate * 0.8)]
    return summary(plan, {cell: dict.fromkeys(LIBRARIES, rounds) for cell in CELLS})


def signs(picture: Picture) -> list[tuple[float, float]]:
    """The middle of each sign in the plots; those of the legend stand above."""
    found = []
    for shape in picture.shapes:
        at = shape.attributes
        if shape.tag == "circle":
            found.append((float(at["cx"]), float(at["cy"])))
        elif shape.tag == "polygon":
            corners = [[float(n) for n in pair.split(",")] for pair in str(at["points"]).split()]
            middle = sum(x for x, _ in corners) / len(corners)
            ys = [y for _, y in corners]
            found.append((middle, (min(ys) + max(ys)) / 2))
        elif shape.tag == "rect" and at["width"] == 2 * SIGN:
            found.append((float(at["x"]) + SIGN, float(at["y"]) + SIGN))
    return [(x, y) for x, y in found if y > 70]


def test_the_stored_table_is_cut() -> None:
    table = stored(NAME)
    assert table == cut(table)
    kept = cut(results(1_234.5))
    assert kept["rows"][0] == {
        "broker": "minikafka",
        "codec": "none",
        "way": "produce",
        "length": 10,
        "records_a_second": {name: {"best": 1234, "median": 1111} for name in LIBRARIES},
    }


@pytest.mark.parametrize("rate", [1.0, 900.0, 12_345_678.0])
def test_every_library_has_a_sign_of_its_own_that_nothing_covers(rate: float) -> None:
    picture = chart(cut(results(rate)), WIDTH)
    found = signs(picture)
    assert len(found) == len(CELLS) * len(WAYS) * len(LIBRARIES)
    for left, right in plots(WIDTH).values():
        ys = sorted(y for x, y in found if left < x < right)
        assert len(ys) == len(found) / 2
        assert all(after - before >= LANE - 1 for before, after in pairwise(ys))
        assert ys[-1] < picture.height
    ours = [s for s in picture.shapes if s.tag == "rect" and s.attributes["width"] == 2 * SIGN]
    assert {s.attributes["fill"] for s in ours[1:]} == {*COLOURS.values()}


@pytest.mark.parametrize("rate", [1.0, 900.0, 12_345_678.0])
def test_no_words_are_cut_or_meet(rate: float) -> None:
    texts = [
        (float(shape.attributes["y"]), *left_and_width(shape), shape.text)
        for shape in chart(cut(results(rate)), WIDTH).shapes
        if shape.tag == "text"
    ]
    for y, left, wide, text in texts:
        assert left >= -0.5 and left + wide <= WIDTH + 10, text  # the margin has 14
        for other_y, other_left, _, other in texts:
            if other_y == y and other_left > left:
                assert left + wide <= other_left, (text, other)
    lengths = [text for _, left, wide, text in texts if left < LABELS_WIDTH and "B" in text]
    assert lengths.count("10 KB") == 4


def test_one_broker_alone_is_drawn_too() -> None:
    plan = Plan(rounds=2, beside_apache=False)
    picture = chart(cut(results(900.0, plan)), WIDTH)
    assert len(signs(picture)) == len(CELLS) / 2 * len(WAYS) * len(LIBRARIES)
    assert not any("Apache" in shape.text for shape in picture.shapes)


def test_the_picture_in_words() -> None:
    label = chart(cut(results(123_456.0)), WIDTH).label
    assert "consume, Apache Kafka, lz4, 10 KB: minikafka 123, kafka-python 123" in label


def test_a_factor_is_a_distance() -> None:
    scale = LogScale(0.24, 70, 100, 500)
    assert scale.x(2) - scale.x(1) == pytest.approx(scale.x(1) - scale.x(0.5))
    assert (scale.x(0.24), scale.x(70)) == (100, pytest.approx(500))
    assert scale.ticks() == [0.5, 1, 2, 5, 10, 20, 50]
