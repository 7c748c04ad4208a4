"""Records a second of four client libraries: a chart of a stored `bench clients`.

                          produce                        consume
                            1k      10k   100k              10k       100k    1M
      our broker    10 B    │        │     │  ─■           │          │       │ ─■
      not compressed        │        │ ─○  │               │          │  ─○   │
                            │        │     ├△              │          │       ├△
                            │        │     │    ─◇         │          │       │  ─◇

Each library has its sign and its lane, so none covers another. The sign stands at the best round;
the line behind it begins at the median. The scale is logarithmic: as many times as fast is as far
apart, whether a record has 10 B or 10 KB.

    minikafka bench clients --json build/clients.json
    python -m minikafka.viz.libraries build/clients.json      figures/clients.json, cut
    make figures                                              figures/clients.svg and its dark twin
"""

from __future__ import annotations

import json
import sys
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from minikafka.bench.broker import APACHE, OURS
from minikafka.bench.clients import BROKERS, WAYS, in_words, size
from minikafka.bench.drivers import LIBRARIES
from minikafka.bench.servers import KAFKA_VERSION
from minikafka.viz.charts import LogScale, store
from minikafka.viz.shapes import Picture

NAME = "clients"
COLOURS = {"produce": "write", "consume": "read"}
"""Of our own sign; the others are told apart by shape."""

LANE, ROW, BAND_GAP, SIGN = 8.5, 40, 16, 3.5
LABELS_WIDTH, PLOT_GAP = 168, 28
TOP = 120
"""Where the plots begin, below the title, the legend and the ticks."""


def cut(results: dict[str, Any]) -> dict[str, Any]:
    """What the chart needs of the results of `bench clients`, in their own form."""
    rows = [
        {name: row[name] for name in ("broker", "codec", "way", "length")}
        | {"records_a_second": {name: rounded(r) for name, r in row["records_a_second"].items()}}
        for row in results["rows"]
    ]
    return {
        "plan": {"rounds": results["plan"]["rounds"]},
        "machine": {"cpus": results["machine"]["cpus"]},
        "rows": rows,
    }


def unique(table: dict[str, Any], column: str) -> list[Any]:
    """What stands in this column of the rows, each once, in their order."""
    return list(dict.fromkeys(row[column] for row in table["rows"]))


def rounded(rate: dict[str, Any]) -> dict[str, int]:
    return {kind: round(rate[kind]) for kind in ("best", "median")}


def chart(table: dict[str, Any], width: float) -> Picture:
    """The table as a picture: a band for each broker and codec, a row for each length."""
    picture = Picture(width, label=spoken(table))
    _head(picture, table)
    scales = {way: axis(table, way, *place) for way, place in plots(width).items()}
    lengths, y = unique(table, "length"), TOP
    for (broker, codec), rows in groupby(table["rows"], itemgetter("broker", "codec")):
        _names(picture, y, broker, codec, lengths)
        for scale in scales.values():
            _ground(picture, scale, y, len(lengths))
        for row in rows:
            middle = y + ROW * (lengths.index(row["length"]) + 0.5)
            _row(picture, scales[row["way"]], middle, row)
        y += ROW * len(lengths) + BAND_GAP
    picture.height = y - BAND_GAP
    for way, scale in scales.items():
        _ticks(picture, scale, way)
    return picture


def plots(width: float) -> dict[str, tuple[float, float]]:
    """Left and right end of the plot of each way."""
    wide = (width - LABELS_WIDTH - PLOT_GAP * (len(WAYS) - 1)) / len(WAYS)
    lefts = [LABELS_WIDTH + (wide + PLOT_GAP) * number for number in range(len(WAYS))]
    return {way: (left, left + wide) for way, left in zip(WAYS, lefts, strict=True)}


def axis(table: dict[str, Any], way: str, left: float, right: float) -> LogScale:
    """With room for every sign."""
    every = [
        rate[kind]
        for row in table["rows"]
        if row["way"] == way
        for rate in row["records_a_second"].values()
        for kind in ("best", "median")
    ]
    return LogScale(min(every) / 1.2, max(every) * 1.2, left, right)


def _head(picture: Picture, table: dict[str, Any]) -> None:
    """Title, setting and legend."""
    picture.text(0, 15, "How many records a second does each library move?", size=17, bold=1)
    versions = {OURS: "our broker", APACHE: f"Apache Kafka {KAFKA_VERSION}"}
    brokers = " and ".join(versions[name] for name in unique(table, "broker"))
    setting = f"from Python to one topic and back, acks=all; {brokers} in one run"
    picture.text(0, 38, f"{setting} on {table['machine']['cpus']} CPUs", "ink-2")
    x = 0.0
    for library in LIBRARIES:
        _sign(picture, library, x + SIGN, 60, "ink-2")
        picture.text(
            x + 16, 64, library, "ink" if library == OURS else "ink-2", bold=library == OURS
        )
        x += 16 + 7.2 * len(library) + 22
    picture.line(x, 60, x + 18, 60, stroke="ink-2", stroke_width=1.5)
    picture.text(
        x + 26, 64, f"from the median to the best of {table['plan']['rounds']} rounds", "ink-2"
    )


def _ticks(picture: Picture, scale: LogScale, way: str) -> None:
    """The name of a plot, and its powers of ten."""
    picture.text(scale.left, TOP - 30, f"{way}, records a second", "ink", bold=1)
    for tick in scale.ticks():
        if f"{tick:g}".startswith("1"):
            label = f"{tick / 1e6:g}M" if tick >= 1e6 else f"{tick / 1e3:g}k"
            picture.text(scale.x(tick), TOP - 9, label, "ink-3", 11, text_anchor="middle")


def _names(picture: Picture, y: float, broker: str, codec: str, lengths: list[int]) -> None:
    """What a band is about, and its lengths."""
    picture.text(0, y + ROW / 2 + 4, BROKERS[broker], bold=1)
    picture.text(0, y + ROW / 2 + 20, in_words(codec), "ink-2")
    for number, length in enumerate(lengths):
        middle = y + ROW * (number + 0.5) + 4
        picture.text(LABELS_WIDTH - 14, middle, size(length), "ink-2", text_anchor="end")


def _ground(picture: Picture, scale: LogScale, y: float, count: int) -> None:
    """Lines at 1, 2 and 5 of each power of ten, and every other row on a ground of its own."""
    right = scale.x(scale.high)
    for number in range(0, count, 2):
        picture.rect(scale.left, y + ROW * number, right - scale.left, ROW, fill="raised")
    for tick in scale.ticks():
        picture.line(scale.x(tick), y, scale.x(tick), y + ROW * count, stroke="line")


def _row(picture: Picture, scale: LogScale, middle: float, row: dict[str, Any]) -> None:
    """Four signs in four lanes."""
    for number, (library, rate) in enumerate(row["records_a_second"].items()):
        y = middle + LANE * (number - (len(LIBRARIES) - 1) / 2)
        colour = COLOURS[row["way"]] if library == OURS else "ink-2"
        best, median = scale.x(rate["best"]), scale.x(rate["median"])
        picture.line(median, y, best, y, stroke=colour, stroke_width=1.5)
        _sign(picture, library, best, y, colour)


def _sign(picture: Picture, library: str, x: float, y: float, colour: str) -> None:
    """Ours is solid."""
    r = SIGN
    hollow: dict[str, float | str] = {"fill": "surface", "stroke": colour, "stroke_width": 1.5}
    match library:
        case "minikafka":
            picture.rect(x - r, y - r, 2 * r, 2 * r, fill=colour)
        case "kafka-python":
            picture.circle(x, y, r - 0.75, **hollow)
        case "aiokafka":
            picture.polygon([(x - r, y + r - 1), (x, y - r), (x + r, y + r - 1)], **hollow)
        case "confluent-kafka":
            picture.polygon([(x - r, y), (x, y - r), (x + r, y), (x, y + r)], **hollow)


def spoken(table: dict[str, Any]) -> str:
    """The picture for who cannot see it: the thousands of records a second."""
    said = []
    for row in table["rows"]:
        rates = (f"{n} {r['best'] / 1000:.3g}" for n, r in row["records_a_second"].items())
        where = f"{BROKERS[row['broker']]}, {in_words(row['codec'])}, {size(row['length'])}"
        said.append(f"{row['way']}, {where}: {', '.join(rates)}")
    return f"Thousands of records a second, best of the rounds. {'; '.join(said)}"


if __name__ == "__main__":
    results = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(store(NAME, cut(results)))
