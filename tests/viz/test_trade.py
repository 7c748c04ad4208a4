"""The chart of the trade: what it keeps of the results, and that it draws what is stored."""

from __future__ import annotations

from math import log

import pytest

from minikafka.bench.trade import BATCH_SIZES, CELLS, LINGER_MS, MEASURES
from minikafka.viz.charts import stored
from minikafka.viz.shapes import Picture, Shape
from minikafka.viz.trade import AIM, DRAWN, MARK, NAME, ROW, TOP, chart, cut

from .widths import left_and_width

WIDTH = 832
COLUMN = WIDTH / len(DRAWN)
KINDS = "measured", "predicted"


def results(factor: float = 1.0, brokers: tuple[str, ...] = ("minikafka", "apache")) -> dict:
    """Of a run in which no two figures of a measure are alike, with more digits than are drawn."""

    def cell(number: int, batch_size: int, linger_ms: int) -> dict:
        measured = {
            "records_per_s": 10_000.123 * 1.25**number,
            "p50_ms": 0.3123456 * 1.2**number,
            "p99_ms": 0.4123456 * 1.2**number,
            "requests": 50.123456,
        }
        measured = {name: factor * value for name, value in measured.items()}
        predicted = {name: 1.1 * value for name, value in measured.items()}
        where = {"batch_size": batch_size, "linger_ms": linger_ms}
        errors = dict.fromkeys(MEASURES, 0.1)
        return where | {"measured": measured, "predicted": predicted, "errors": errors}

    broker = {
        "probes": {"measured": {"sleep": 72.5}, "fitted": {}},
        "machines": {"send_us": 1.9},
        "rounds": [{"cells": "of each round"}],
        "cells": [cell(number, *where) for number, where in enumerate(CELLS)],
        "median_error": dict.fromkeys(MEASURES, 0.1),
    }
    plan = {"rounds": 5, "record_bytes": 100, "per_s": 2_000}
    machine = {"cpus": 2, "load": 0.7}
    return {"plan": plan, "machine": machine, "brokers": dict.fromkeys(brokers, broker)}


def alike() -> dict:
    """Of a run in which neither batch.size nor linger.ms matters: everything is in one place."""
    found = results()
    first = found["brokers"]["minikafka"]["cells"][0]
    for cell in found["brokers"]["minikafka"]["cells"]:
        cell |= {kind: first[kind] for kind in KINDS}
    return found


def inside(shapes: list[Shape], column: int, row: int) -> list[Shape]:
    """Those of one plot, by where they begin."""
    found = []
    for shape in shapes:
        at = shape.attributes
        x = float(at.get("x", at.get("x1", at.get("cx", -1))))
        y = float(at.get("y", at.get("y1", at.get("cy", -1))))
        if column * COLUMN <= x < (column + 1) * COLUMN and 0 <= y - TOP - row * ROW < ROW:
            found.append(shape)
    return found


def middles(shapes: list[Shape]) -> dict[str, list[tuple[float, float]]]:
    """Of the squares and the rings."""
    of = {"measured": [], "predicted": []}
    for shape in shapes:
        at = shape.attributes
        if shape.tag == "rect":
            of["measured"].append((float(at["x"]) + MARK / 2, float(at["y"]) + MARK / 2))
        elif shape.tag == "circle":
            of["predicted"].append((float(at["cx"]), float(at["cy"])))
    return of


class Axis:
    """What a height means, read off the ticks as a person would."""

    def __init__(self, shapes: list[Shape]) -> None:
        lines = {float(s.attributes["y1"]) for s in shapes if s.attributes.get("stroke") == "line"}
        ticks = [
            (float(s.attributes["y"]) - 4, float(s.text.replace(",", "").replace("k", "e3")))
            for s in shapes
            if s.tag == "text" and s.attributes.get("text-anchor") == "end" and "off" not in s.text
        ]
        assert len(ticks) >= 2 and sorted(y for y, _ in ticks) == pytest.approx(sorted(lines))
        (self.bottom, self.low), (top, high) = ticks[0], ticks[-1]
        self.per_log = (top - self.bottom) / log(high / self.low)

    def y(self, value: float) -> float:
        return self.bottom + self.per_log * log(value / self.low)


def plots(table: dict, picture: Picture) -> list[tuple[str, list[dict], list[Shape]]]:
    """Each plot's measure, its cells, and what is drawn in it."""
    return [
        (measure, broker["cells"], inside(picture.shapes, column, row))
        for row, broker in enumerate(table["brokers"].values())
        for column, measure in enumerate(DRAWN)
    ]


def test_the_stored_table_is_cut() -> None:
    table = stored(NAME)
    assert table == cut(table)


def test_what_the_chart_does_not_need_is_cut() -> None:
    given = results()
    kept = cut(given)
    broker = kept["brokers"]["apache"]
    assert broker.keys() == {"machines", "probes", "median_error", "cells"}
    assert kept["machine"] == {"cpus": 2} and kept["plan"] == given["plan"]
    assert [(cell["batch_size"], cell["linger_ms"]) for cell in broker["cells"]] == CELLS
    assert broker["cells"][0]["measured"] == {
        "records_per_s": 10_000.0,
        "p50_ms": 0.3123,
        "p99_ms": 0.4123,
        "requests": 50.12,
    }
    assert cut(kept) == kept


@pytest.mark.parametrize("factor", [0.01, 1.0, 5.0])
def test_what_is_drawn_is_what_is_stored(factor: float) -> None:
    table = cut(results(factor))
    for measure, cells, shapes in plots(table, chart(table, WIDTH)):
        axis, found = Axis(shapes), middles(shapes)
        xs = sorted({x for x, _ in found["measured"]})
        assert len(xs) == len(BATCH_SIZES)
        for kind in KINDS:
            wanted = [
                (xs[BATCH_SIZES.index(cell["batch_size"])], axis.y(cell[kind][measure]))
                for cell in cells
            ]
            assert len(found[kind]) == len(CELLS)
            for (x, y), (wanted_x, wanted_y) in zip(
                sorted(found[kind]), sorted(wanted), strict=True
            ):
                assert (x, y) == (pytest.approx(wanted_x, abs=0.2), pytest.approx(wanted_y, abs=1))


def test_a_bar_reaches_as_far_as_the_aim() -> None:
    table = cut(results())
    for measure, cells, shapes in plots(table, chart(table, WIDTH)):
        axis = Axis(shapes)
        bars = [s.attributes for s in shapes if s.attributes.get("stroke") == "cell"]
        found = sorted((float(bar["y1"]), float(bar["y2"])) for bar in bars)
        values = [cell["measured"][measure] for cell in cells]
        wanted = sorted((axis.y(v * (1 - AIM)), axis.y(v * (1 + AIM))) for v in values)
        assert [y for pair in found for y in pair] == pytest.approx(
            [y for pair in wanted for y in pair], abs=1
        )


def test_a_line_joins_what_was_measured_with_one_linger() -> None:
    table = cut(results())
    for _, _, shapes in plots(table, chart(table, WIDTH)):
        lines = [s.attributes for s in shapes if s.attributes.get("stroke") == "edge"]
        assert len(lines) == len(LINGER_MS) * (len(BATCH_SIZES) - 1)
        # The cells were made ascending, batch.size by batch.size: so is each line.
        assert all(line["x1"] < line["x2"] and line["y1"] > line["y2"] for line in lines)


@pytest.mark.parametrize("given", [results(0.01), results(), results(5.0), alike()])
def test_nothing_is_cut_and_no_words_meet(given: dict) -> None:
    picture = chart(cut(given), WIDTH)
    texts = [
        (float(shape.attributes["y"]), *left_and_width(shape), shape.text)
        for shape in picture.shapes
        if shape.tag == "text"
    ]
    for i, (y, left, wide, text) in enumerate(texts):
        assert left >= -0.5 and left + wide <= WIDTH + 10, text  # the margin has 14
        assert 10 < y < picture.height, text
        for other_y, other_left, other_wide, other in texts[i + 1 :]:
            if abs(other_y - y) < 10:
                assert left + wide <= other_left or other_left + other_wide <= left, (text, other)
    for _, _, shapes in plots(cut(given), picture):
        axis_ends = [
            float(s.attributes["x1"]) for s in shapes if s.attributes.get("stroke") == "line"
        ]
        for x, _ in (place for places in middles(shapes).values() for place in places):
            assert x > min(axis_ends)


def test_every_linger_is_named_beside_its_line() -> None:
    table = cut(results())
    for measure, cells, shapes in plots(table, chart(table, WIDTH)):
        last = [cell for cell in cells if cell["batch_size"] == BATCH_SIZES[-1]]
        right = max(x for x, _ in middles(shapes)["measured"])
        labels = {s.text: s for s in shapes if s.tag == "text" and s.attributes["x"] == right + 8}
        if measure == "records_per_s":  # there the lines lie on each other
            assert not labels.keys() & {"0", "1", "5", "20"}
            continue
        heights = [float(labels[str(ms)].attributes["y"]) for ms in LINGER_MS]
        assert heights == sorted(heights, reverse=True)
        assert heights[0] - 4 == pytest.approx(Axis(shapes).y(last[0]["measured"][measure]), abs=1)


def test_one_broker_alone_is_drawn_too() -> None:
    picture = chart(cut(results(brokers=("minikafka",))), WIDTH)
    assert picture.height == TOP + ROW
    assert not any("Apache" in shape.text for shape in picture.shapes)
    assert len(middles(inside(picture.shapes, 0, 0))["measured"]) == len(CELLS)


def test_the_picture_in_words() -> None:
    label = chart(cut(results()), WIDTH).label
    assert (
        "Apache Kafka 4.3.1: the simulator is off at the median by: records a second 10%" in label
    )
