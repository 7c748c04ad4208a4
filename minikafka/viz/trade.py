"""What batch.size and linger.ms buy and cost: a chart of a stored benchmark.

      records a second          median latency, ms
    500k            ■─■ ○      20            ■───■ linger.ms 20       ■ measured
                 ■              5        ■───■───■ 5                  ○ predicted by the simulator
    10k      ■                  1    ■───■───■───■ 1
           256  1K  4K …           256  1K  4K …                      one row for each broker

Both scales are logarithmic, so an error of 25 % is as high everywhere: the bar beside each ■.

    minikafka bench trade --json build/trade.json
    python -m minikafka.viz.trade build/trade.json        figures/trade.json, cut to what is drawn
    make figures                                          figures/trade.svg and its dark twin
"""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

from minikafka.bench.broker import APACHE, OURS
from minikafka.bench.servers import KAFKA_VERSION
from minikafka.bench.trade import BATCH_SIZES, LINGER_MS, MEASURES, thousands
from minikafka.viz.charts import LogScale, store
from minikafka.viz.shapes import Picture

NAME = "trade"
NAMES = {OURS: "minikafka", APACHE: f"Apache Kafka {KAFKA_VERSION}"}
DRAWN = "records_per_s", "p50_ms", "p99_ms"
AIM = 0.25

TOP, ROW, HEAD, FOOT = 74, 250, 44, 40
LEFT, RIGHT, MARK = 46, 36, 7


def cut(results: dict[str, Any]) -> dict[str, Any]:
    """What the chart and the chapter need of the results of `bench trade`, in their own form."""

    def figures(given: dict[str, float]) -> dict[str, float]:
        return {measure: float(f"{given[measure]:.4g}") for measure in MEASURES}

    brokers = {
        name: {
            "machines": broker["machines"],
            "probes": broker["probes"],
            "median_error": figures(broker["median_error"]),
            "cells": [
                cell | {kind: figures(cell[kind]) for kind in ("measured", "predicted", "errors")}
                for cell in broker["cells"]
            ],
        }
        for name, broker in results["brokers"].items()
    }
    machine = {"cpus": results["machine"]["cpus"]}
    return {"plan": results["plan"], "machine": machine, "brokers": brokers}


def chart(table: dict[str, Any], width: float) -> Picture:
    """The table as a picture: a row of plots for each broker."""
    brokers = table["brokers"]
    picture = Picture(width, TOP + ROW * len(brokers), in_words(table))
    _head(picture, table)
    wide = width / len(DRAWN)
    for column, measure in enumerate(DRAWN):
        every = [
            cell[kind][measure]
            for broker in brokers.values()
            for cell in broker["cells"]
            for kind in ("measured", "predicted")
        ]
        for row, (name, broker) in enumerate(brokers.items()):
            top = TOP + row * ROW
            if column == 0:
                picture.text(0, top + 14, NAMES[name], size=14, bold=1)
            scale = LogScale(min(every) / 1.5, max(every) * 1.5, top + ROW - FOOT, top + HEAD)
            _plot(picture, broker, measure, scale, wide * column, wide)
    return picture


def _head(picture: Picture, table: dict[str, Any]) -> None:
    plan = table["plan"]
    picture.text(0, 15, "What batch.size and linger.ms buy and cost", size=17, bold=1)
    setting = (
        f"{plan['record_bytes']} B records: as fast as one Python program can send, and "
        f"{plan['per_s']:,} a second for the latencies; {table['machine']['cpus']} CPUs"
    )
    picture.text(0, 36, setting, "ink-2")
    measured_mark(picture, 6, 54)
    picture.text(18, 58, f"measured, median of {plan['rounds']} rounds", "ink-2")
    predicted_mark(picture, 232, 54)
    picture.text(244, 58, "predicted by the simulator", "ink-2")
    picture.line(420, 47, 420, 61, stroke="cell", stroke_width=5)
    picture.text(430, 58, f"within {AIM:.0%} of what was measured", "ink-2")


def _plot(
    picture: Picture,
    broker: dict[str, Any],
    measure: str,
    scale: LogScale,
    left: float,
    wide: float,
) -> None:
    """One measure of one broker: a line for each linger.ms."""
    first, last, bottom = left + LEFT, left + wide - RIGHT, scale.left
    step = (last - first - 16) / (len(BATCH_SIZES) - 1)
    places = [first + 8 + i * step for i in range(len(BATCH_SIZES))]
    error = broker["median_error"][measure]
    picture.text(first - 8, bottom - ROW + FOOT + 30, MEASURES[measure], size=12)
    picture.text(last, bottom - ROW + FOOT + 30, f"off by {error:.0%}", "ink-2", text_anchor="end")
    for tick in scale.ticks():
        y = scale.x(tick)
        picture.line(first, y, last, y, stroke="line")
        picture.text(first - 6, y + 4, thousands(tick), "ink-3", 11, text_anchor="end")
    for x, batch_size in zip(places, BATCH_SIZES, strict=True):
        name = f"{batch_size // 1024}K" if batch_size >= 1024 else str(batch_size)
        picture.text(x, bottom + 15, name, "ink-3", 11, text_anchor="middle")
    picture.text((first + last) / 2, bottom + 31, "batch.size", "ink-3", 11, text_anchor="middle")
    lines = [[c for c in broker["cells"] if c["linger_ms"] == ms] for ms in LINGER_MS]
    for cells in lines:
        for x, cell in zip(places, cells, strict=True):
            low, high = (scale.x(cell["measured"][measure] * (1 + part)) for part in (-AIM, AIM))
            picture.line(x, low, x, high, stroke="cell", stroke_width=5)
    for cells in lines:
        _line(picture, places, [scale.x(cell["measured"][measure]) for cell in cells])
        for x, cell in zip(places, cells, strict=True):
            measured_mark(picture, x, scale.x(cell["measured"][measure]))
            predicted_mark(picture, x, scale.x(cell["predicted"][measure]))
    if measure != "records_per_s":  # there all lines end in one place
        ends = [
            (scale.x(cells[-1]["measured"][measure]), cells[-1]["linger_ms"]) for cells in lines
        ]
        above = inf
        for y, linger_ms in sorted(ends, reverse=True):
            above = min(y, above - 11)
            picture.text(last, above + 4, f"{linger_ms}", "ink-2", 11)
        picture.text(last, above - 9, "linger.ms", "ink-3", 11, text_anchor="middle")


def _line(picture: Picture, xs: list[float], ys: list[float]) -> None:
    for (x1, y1), (x2, y2) in pairwise(zip(xs, ys, strict=True)):
        picture.line(x1, y1, x2, y2, stroke="edge")


def measured_mark(picture: Picture, x: float, y: float) -> None:
    picture.rect(x - MARK / 2, y - MARK / 2, MARK, MARK, fill="write")


def predicted_mark(picture: Picture, x: float, y: float) -> None:
    picture.circle(x, y, 5, fill="none", stroke="rule", stroke_width=1.6)


def in_words(table: dict[str, Any]) -> str:
    """The picture for who cannot see it."""
    said = []
    for name, broker in table["brokers"].items():
        errors = broker["median_error"]
        off = ", ".join(f"{MEASURES[m]} {errors[m]:.0%}" for m in DRAWN)
        said.append(f"{NAMES[name]}: the simulator is off at the median by: {off}")
    return "; ".join(said)


if __name__ == "__main__":
    print(store(NAME, cut(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
