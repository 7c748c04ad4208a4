"""`minikafka bench widgets` measures what it says; how fast it is, is not a test's matter."""

from __future__ import annotations

import pytest

pytest.importorskip("anywidget", reason="needs the lab extra")
pytest.importorskip("playwright", reason="needs playwright")

from minikafka.viz.chromium import executable


def test_each_widget_has_a_row() -> None:
    if executable() is None:
        pytest.skip("needs Chromium (apt-get install chromium)")
    from minikafka.bench.widgets import measure

    rows = list(measure(events=(20,), plays_ms=200))
    assert [row["widget"] for row in rows] == [
        *["LogStrip", "SpaceTime"] * 3,
        "SegmentBrowser",
        "Microscope",
    ]
    assert [row["brokers"] for row in rows] == [1, 1, 3, 3, 5, 5, 1, 1]
    for row in rows:
        assert row["first"] > 0 and 0 < row["p50"] <= row["p95"] and row["work"] > 0


def test_a_release_is_timed_in_a_page_and_in_jupyterlab() -> None:
    pytest.importorskip("jupyterlab", reason="needs the lab extra")
    if executable() is None:
        pytest.skip("needs Chromium (apt-get install chromium)")
    from minikafka.bench.widgets import releases

    (row,) = releases(rounds=1)
    assert row["releases"] > 40
    for where in ("page", "lab"):
        p50, p95, worst = (row[f"{where}_{name}"] for name in ("p50", "p95", "worst"))
        assert 0 < p50 <= p95 and p50 <= worst
