"""How many times better than Apache Kafka, measure by measure: a chart of a stored benchmark.

                               0.5        1         2         5         times  ours  theirs
      produce, 1 KB records     │         ┃▒▒▒■┃    │         │         1.21    953     789
      consume, 1 KB records     │         ┃▒▒▒▒▒▒▒┃■│         │         1.90  2,704   1,420

■ the ratio of the best rounds, ┃ that of the medians; what is measured once has no tick. The
scale is logarithmic: twice as good and half as good stand equally far from the line at 1. The
grey band is what Apache Kafka scores against itself (`bench/broker.py`), so a mark inside it
says that there is no difference.

    minikafka bench broker --json build/bench.json
    python -m minikafka.viz.speed build/bench.json        figures/speed.json, cut to what is drawn
    make figures                                          figures/speed.svg and its dark twin
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from minikafka.bench.broker import APACHE, MEASURES, OURS, short
from minikafka.bench.servers import KAFKA_VERSION
from minikafka.viz.charts import LogScale, store
from minikafka.viz.shapes import Picture

NAME = "speed"
AGAINST_ITSELF = 0.88, 1.12
"""Ratios between two runs of Apache Kafka, by the best of six rounds."""

GROUPS = (
    ("write", ("produce_100", "produce_1024")),
    ("read", ("consume_100", "consume_1024")),
    ("write", ("single_pipelined", "single_5", "single_1")),
    ("commit", ("ack_p50_ms", "ack_p99_ms")),
    ("edge", ("ready_ms", "ready_again_ms", "rss_idle_mb", "rss_loaded_mb")),
)
"""Rows that belong together, and the colour of what they are about."""

ROW, GAP, MARK = 23, 9, 10
LABELS_WIDTH, NUMBERS_WIDTH = 262, 218
TOP = 98
"""Where the plot begins, below the title, the legend and the ticks."""


def cut(results: dict[str, Any]) -> dict[str, Any]:
    """What the chart needs of the results of `bench broker`, in their own form."""
    drawn = {measure for _, measures in GROUPS for measure in measures}
    kinds = ("best", "median")
    return {
        "plan": results["plan"],
        "machine": {"cpus": results["machine"]["cpus"]},
        "figures": {
            name: {
                measure: {kind: entry[kind] for kind in kinds}
                for measure, entry in results["figures"][name].items()
                if measure in drawn
            }
            for name in (OURS, APACHE)
        },
        "times_better": results["times_better"],
    }


def chart(table: dict[str, Any], width: float) -> Picture:
    """The table as a picture: a row for each measure."""
    ratios = table["times_better"]
    scale = axis(ratios, LABELS_WIDTH, width - NUMBERS_WIDTH)
    *rows, (_, _, bottom) = places()
    picture = Picture(width, bottom, in_words(ratios))
    _head(picture, table)
    _ground(picture, scale, bottom)
    for measure, colour, y in rows:  # first what lies below, then what stands on it
        _bar(picture, scale, y, ratios[measure]["best"], colour)
    picture.line(scale.x(1), TOP - 4, scale.x(1), bottom, stroke="ink", stroke_width=1.5)
    for measure, colour, y in rows:
        _marks(picture, scale, y, ratios[measure], colour)
        best = ratios[measure]["best"]
        ours, theirs = (short(table["figures"][name][measure]["best"]) for name in (OURS, APACHE))
        picture.text(0, y + 4, MEASURES[measure])
        _numbers(picture, y + 4, (f"{best:.{2 if best < 10 else 1}f}", ours, theirs), "ink")
    return picture


def axis(ratios: dict[str, dict[str, float]], left: float, right: float) -> LogScale:
    """With room for all of them, and for half and twice as good."""
    every = [value for entry in ratios.values() for value in entry.values()]
    return LogScale(min(0.5, *every) / 1.25, max(2, *every) * 1.25, left, right)


def places() -> list[tuple[str, str, float]]:
    """Measure, colour and middle of each row; the last place is where the plot ends."""
    found, y = [], TOP + GAP
    for colour, measures in GROUPS:
        for measure in measures:
            found.append((measure, colour, y + ROW / 2))
            y += ROW
        y += GAP
    return [*found, ("", "", y)]


def _head(picture: Picture, table: dict[str, Any]) -> None:
    """Title, setting and legend."""
    plan, cpus = table["plan"], table["machine"]["cpus"]
    title = f"How many times better than Apache Kafka {KAFKA_VERSION}?"
    picture.text(0, 15, title, size=17, bold=1)
    size = f"{plan['size_bytes'] / 1e6:,.0f} MB"
    setting = f"one broker each in one run on {cpus} CPUs, under librdkafka, {size} a round"
    picture.text(0, 38, setting, "ink-2")
    _best(picture, MARK / 2, 60, "ink-2")
    picture.text(17, 64, f"best of {plan['rounds']} rounds", "ink-2")
    _median(picture, 150, 60)
    picture.text(160, 64, "median", "ink-2")
    low, high = AGAINST_ITSELF
    picture.rect(236, 52, 15, 16, fill="cell")
    picture.text(259, 64, f"Apache Kafka against itself: {low} to {high}", "ink-2")


def _ground(picture: Picture, scale: LogScale, bottom: float) -> None:
    """The band in which there is no difference, the ticks, and the names of the columns."""
    left, right = (scale.x(ratio) for ratio in AGAINST_ITSELF)
    picture.rect(left, TOP, right - left, bottom - TOP, fill="cell")
    for tick in scale.ticks():
        x = scale.x(tick)
        picture.line(x, TOP - 4, x, bottom, stroke="line")
        picture.text(x, TOP - 10, f"{tick:g}", "ink-3", size=11, text_anchor="middle")
    _numbers(picture, TOP - 10, ("times", "minikafka", "Apache Kafka"), "ink-3", size=11)


def _bar(picture: Picture, scale: LogScale, y: float, best: float, colour: str) -> None:
    """From the line at 1 to the best."""
    left, right = sorted((scale.x(1), scale.x(best)))
    soft = "line" if colour == "edge" else f"{colour}-soft"
    picture.rect(left, y - 6, right - left, 12, fill=soft)


def _marks(
    picture: Picture, scale: LogScale, y: float, ratio: dict[str, float], colour: str
) -> None:
    """The best, and the median where it is another number."""
    if ratio["median"] != ratio["best"]:
        _median(picture, scale.x(ratio["median"]), y)
    _best(picture, scale.x(ratio["best"]), y, colour)


def _best(picture: Picture, x: float, y: float, colour: str) -> None:
    picture.rect(x - MARK / 2, y - MARK / 2, MARK, MARK, fill=colour)


def _median(picture: Picture, x: float, y: float) -> None:
    """Longer than the other mark, which may stand on it."""
    picture.line(x, y - MARK, x, y + MARK, stroke="ink", stroke_width=2)


def _numbers(
    picture: Picture, y: float, texts: tuple[str, str, str], colour: str, size: int = 12
) -> None:
    """The three columns on the right: the ratio, ours, theirs."""
    places = picture.width - 168, picture.width - 90, picture.width
    for x, text, bold in zip(places, texts, (size == 12, False, False), strict=True):
        picture.text(x, y, text, colour, size, text_anchor="end", bold=int(bold))


def in_words(ratios: dict[str, dict[str, float]]) -> str:
    """The picture for who cannot see it."""
    drawn = [measure for _, measures in GROUPS for measure in measures]
    said = [
        f"{MEASURES[m]} {short(ratios[m]['best'])} ({short(ratios[m]['median'])})" for m in drawn
    ]
    return f"Times better than Apache Kafka, best (median): {'; '.join(said)}"


if __name__ == "__main__":
    results = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(store(NAME, cut(results)))
