"""The chart of a benchmark: what it keeps of the results, and that nothing is cut or covered."""

from __future__ import annotations

import pytest

from minikafka.bench.broker import MEASURES, Plan, summary
from minikafka.viz.charts import stored
from minikafka.viz.shapes import Picture
from minikafka.viz.speed import GROUPS, LABELS_WIDTH, NAME, NUMBERS_WIDTH, axis, chart, cut

from .widths import left_and_width

WIDTH = 832
DRAWN = [measure for _, measures in GROUPS for measure in measures]


def results(ours: float, theirs: float) -> dict:
    """Of a run in which every measure has the same two figures, the second round a bit less."""
    rounds = {
        "minikafka": [dict.fromkeys(DRAWN, ours), dict.fromkeys(DRAWN, ours * 0.9)],
        "apache": [dict.fromkeys(DRAWN, theirs), dict.fromkeys(DRAWN, theirs)],
        "disk": [{"write": 1.0}],
    }
    return summary(Plan(rounds=2), rounds, {})


def texts(picture: Picture) -> list[tuple[float, float, str]]:
    """Left and right end of each text, estimated as the picture itself does."""
    found = []
    for shape in picture.shapes:
        if shape.tag == "text":
            left, wide = left_and_width(shape)
            found.append((left, left + wide, shape.text))
    return found


def test_what_is_drawn_is_what_is_measured() -> None:
    assert {*DRAWN} == {*MEASURES} - {"write"}


def test_the_stored_table_is_cut() -> None:
    table = stored(NAME)
    assert table == cut(table)
    kept = cut(results(2.0, 1.0))
    assert kept["figures"].keys() == {"minikafka", "apache"}
    assert kept["figures"]["apache"]["produce_100"] == {"best": 1.0, "median": 1.0}


def test_there_is_room_for_every_ratio_and_for_half_and_twice() -> None:
    scale = axis({"produce_100": {"best": 1.1, "median": 40.0}}, 100, 500)
    assert 100 < scale.x(0.5) < scale.x(40.0) < 500
    assert axis({"produce_100": {"best": 1.0, "median": 0.9}}, 100, 500).ticks() == [0.5, 1, 2]


@pytest.mark.parametrize(("ours", "theirs"), [(1.0, 1.0), (123_456.0, 250.0), (90.0, 123_456.0)])
def test_nothing_is_cut_or_covered(ours: float, theirs: float) -> None:
    picture = chart(cut(results(ours, theirs)), WIDTH)
    labels = {MEASURES[measure] for measure in DRAWN}
    for left, right, text in texts(picture):
        assert left >= 0 and right <= WIDTH, text
        assert right <= LABELS_WIDTH or text not in labels, text
    squares = [s.attributes for s in picture.shapes if s.attributes.get("width") == 10]
    assert len(squares) == 1 + len(DRAWN)  # and the one of the legend
    for square in squares[1:]:
        assert LABELS_WIDTH <= float(square["x"]) < WIDTH - NUMBERS_WIDTH - 10


def test_a_median_that_is_the_best_has_no_mark_of_its_own() -> None:
    table = cut(results(2.0, 1.0))
    before = len(chart(table, WIDTH).shapes)
    table["times_better"]["produce_100"] = {"best": 2.0, "median": 2.0}
    assert len(chart(table, WIDTH).shapes) == before - 1


def test_the_picture_in_words() -> None:
    label = chart(cut(results(2.0, 1.0)), WIDTH).label
    assert "produce, 100 B records, MB/s 2 (1.9)" in label
