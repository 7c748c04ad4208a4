"""Our Producer and Consumer beside three other libraries, on the same two brokers, in one run.

    round 0   10 B   minikafka  kafka-python  aiokafka  confluent-kafka    discarded: JVM is cold
    round 1   10 B   kafka-python  aiokafka  confluent-kafka  minikafka    each begins elsewhere
    …                each time on our broker and on Apache Kafka, plain and compressed

Figures of two runs do not compare (`broker.py` says why), so both brokers stay up, libraries
take turns, and what counts is the ratio within the run: of the best rounds, and of the medians.
Each measurement is a process of its own with a topic of its own (`drivers.py`), and all have the
same records: as many as keep the slowest library busy for a second or two.

kafka-python and aiokafka are the two others that speak Kafka's protocol in Python, aiokafka with
its records in C; confluent-kafka stands for what there is to gain by doing everything in C.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import groupby, product
from operator import itemgetter
from statistics import median
from typing import Any, NamedTuple

from minikafka.bench.apart import apart
from minikafka.bench.broker import APACHE, OURS, Figures, short
from minikafka.bench.drivers import LIBRARIES, measure
from minikafka.bench.servers import Server, side_by_side, topic

BROKERS = {OURS: "our broker", APACHE: "Apache Kafka"}
WAYS = ("produce", "consume")
RIVALS = tuple(name for name in LIBRARIES if name != OURS)


class Cell(NamedTuple):
    """Where libraries are compared."""

    broker: str
    codec: str
    length: int


Found = dict[Cell, dict[str, list[Figures]]]
"""What each library did in each round, in records a second."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure: records of these lengths, by these codecs."""

    rounds: int = 4
    lengths: tuple[int, ...] = (10, 100, 1_024, 10_240)
    codecs: tuple[str, ...] = ("none", "lz4")
    beside_apache: bool = True
    most_records: int = 100_000
    most_bytes: int = 20_000_000

    @property
    def brokers(self) -> tuple[str, ...]:
        return (OURS, APACHE) if self.beside_apache else (OURS,)

    @property
    def step_count(self) -> int:
        """How often `advance` is called."""
        return (self.rounds + 1) * len(list(in_turn(self, 0)))

    def count(self, length: int) -> int:
        """How many records of this length are sent."""
        return min(self.most_records, self.most_bytes // length)


def run(plan: Plan, advance: Callable[[], object]) -> dict[str, Any]:
    """Measure; gives the figures of every round, and their best, medians and ratios.

    `advance` is called after each step. Raises Unavailable without Java or Maven when
    Apache Kafka is to be measured too.
    """
    found: Found = defaultdict(lambda: defaultdict(list))
    with side_by_side(plan.beside_apache) as servers:
        for number in range(plan.rounds + 1):
            for cell, library in in_turn(plan, number):
                figures = one(servers[cell.broker], f"round-{number}", cell, library, plan)
                if number > 0:
                    found[cell][library].append(figures)
                advance()
    return summary(plan, found)


def in_turn(plan: Plan, number: int) -> Iterator[tuple[Cell, str]]:
    """What a round measures, in its order: those that are compared follow each other."""
    names, first = list(LIBRARIES), number % len(LIBRARIES)
    brokers = plan.brokers if number % 2 else plan.brokers[::-1]
    order = product(plan.lengths, plan.codecs, brokers, names[first:] + names[:first])
    for length, codec, broker, library in order:
        yield Cell(broker, codec, length), library


def one(server: Server, prefix: str, cell: Cell, library: str, plan: Plan) -> Figures:
    """One library there and back, on a topic of its own."""
    count = plan.count(cell.length)
    with topic(server, f"{prefix}-{cell.codec}-{cell.length}-{library}") as name:
        return apart(measure, library, server.address, name, cell.length, count, cell.codec)


def summary(plan: Plan, found: Found) -> dict[str, Any]:
    """A row for each cell and way, in the order of the report."""
    rows = []
    for broker, codec, way, length in product(plan.brokers, plan.codecs, WAYS, plan.lengths):
        where = {"broker": broker, "codec": codec, "way": way, "length": length}
        rows.append(where | compared(found[Cell(broker, codec, length)], way))
    machine = {"cpus": os.cpu_count(), "load": os.getloadavg()[0]}
    return {"plan": asdict(plan), "machine": machine, "rows": rows}


def compared(rounds: dict[str, list[Figures]], way: str) -> dict[str, Any]:
    """Best and median of each library, and how many times as fast ours is as each other."""
    rates: dict[str, dict[str, Any]] = {}
    for library in LIBRARIES:
        values = [figures[way] for figures in rounds[library]]
        rates[library] = {"best": max(values), "median": median(values), "rounds": values}
    times_better = {
        rival: {kind: rates[OURS][kind] / rates[rival][kind] for kind in ("best", "median")}
        for rival in RIVALS
    }
    return {"records_a_second": rates, "times_better": times_better}


def report(results: dict[str, Any]) -> str:
    """A table for each broker and codec: a row for each way and length."""
    lines = [
        "thousands of records a second: best of the rounds, of ours the median in parentheses",
        "× how many times as fast ours is by the best rounds (by the medians)",
    ]
    heads = "".join(f"{name:>{width}}" for name, width in WIDTHS.items())
    for (broker, codec), rows in groupby(results["rows"], itemgetter("broker", "codec")):
        lines += ["", f"{BROKERS[broker]}, {in_words(codec)}", " " * LABEL_WIDTH + heads]
        for row in rows:
            label = f"{row['way']}, {size(row['length'])}"
            cells = [rate(row, name).rjust(width) for name, width in WIDTHS.items()]
            lines.append(label.ljust(LABEL_WIDTH) + "".join(cells))
    machine = results["machine"]
    lines += ["", f"{machine['cpus']} CPUs, load {machine['load']:.1f} at the end"]
    return "\n".join(lines)


LABEL_WIDTH = 15
WIDTHS = {OURS: 17} | dict.fromkeys(RIVALS, 22)
"""Of the report's columns: 98 characters in all."""


def rate(row: dict[str, Any], library: str) -> str:
    """`468 (455)`, and of another library `53.9 × 8.68 (8.12)`."""
    found = row["records_a_second"][library]
    best = short(found["best"] / 1000)
    if library == OURS:
        return f"{best} ({short(found['median'] / 1000)})"
    times = row["times_better"][library]
    return f"{best} × {short(times['best'])} ({short(times['median'])})"


def in_words(codec: str) -> str:
    return "not compressed" if codec == "none" else codec


def size(length: int) -> str:
    """`100 B`, `1 KB`."""
    return f"{length} B" if length < 1024 else f"{length // 1024} KB"
