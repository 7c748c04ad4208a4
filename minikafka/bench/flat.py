"""Does the broker stay as fast when there is more of everything?

    log size      10 MB, 100 MB, 1 GB, 10 GB lie in the topic already
    partitions    1, 10, 100, 1,000 take the same batches in turn
    connections   1, 10, 100, 500 carry the same requests

Each series has a broker of its own and several rounds; a round visits every size, and rows are
compared with the first row of their series only. Two things tell the broker's part from that of
the rest of the machine: its CPU time, which stands in each table (`watch.py`), and a file
written beside each slice of the log, since what the disk gives changes from minute to minute.

    the log of a round    ├─10 MB─┤slice├──────100 MB──┤slice├─────────────────1 GB──┤slice …

The log grows between the points. Before each point the growth is on the disk, or its debts
would be paid by the slice that is measured. Reads come out of the page cache as far as memory
reaches; where the log is larger than that, its oldest part comes from the disk.

Not done: replicas, for there is one broker, and consumers in groups.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from minikafka.bench import crowd, load, reads, spread
from minikafka.bench.apart import apart
from minikafka.bench.broker import Figures, cell, disk_write, short
from minikafka.bench.line import Line
from minikafka.bench.servers import Minikafka, topic

MB = 1_000_000
READS = 500
BUSY, CALM = 500, 1
"""Requests under way at once: one for each of the connections, and one in all."""

TABLES: dict[str, tuple[str, dict[str, str]]] = {
    "MB written": (
        "log",
        {
            "produce": "produce, MB/s",
            "write": "bare disk, MB/s",
            "produce_cpu_ms": "broker's CPU ms/MB",
            "rss_mb": "memory, MB",
        },
    ),
    "MB read": (
        "log",
        {
            "oldest": "oldest part, MB/s",
            "newest": "newest part, MB/s",
            "read_ms": "one random batch, ms",
        },
    ),
    "partitions": (
        "partitions",
        {
            "produce": "produce, MB/s",
            "produce_cpu_ms": "broker's CPU ms/MB",
            "consume": "consume, MB/s",
            "consume_cpu_ms": "broker's CPU ms/MB",
            "rss_mb": "memory, MB",
        },
    ),
    "connections": (
        "connections",
        {
            "busy": f"requests/s, {BUSY} at once",
            "busy_cpu_us": "broker's CPU µs each",
            "calm": f"requests/s, {CALM} at a time",
            "calm_cpu_us": "broker's CPU µs each",
            "rss_mb": "memory, MB",
        },
    ),
}
"""By what its sizes count: the series that fills a table, and its columns."""
SMALLER_IS_BETTER = ("_ms", "_us", "_mb")
KEEP_NOTHING = {"log_segment_delete_delay_ms": "0"}
"""A deleted log is gone at once: for the disk's sake, and so that no row pays for another."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure. A slice is what is written and read at each size of the log."""

    rounds: int = 3
    slice_bytes: int = 200 * MB
    log_mb: tuple[int, ...] = (10, 100, 1_000, 10_000)
    partitions: tuple[int, ...] = (1, 10, 100, 1_000)
    connections: tuple[int, ...] = (1, 10, 100, 500)
    request_count: int = 20_000
    memory_bytes: int = 1_000 * MB
    """What goes in and comes out between the two looks at the broker's memory."""

    @property
    def slice_batches(self) -> int:
        return max(1, self.slice_bytes // spread.BATCH_BYTES)

    @property
    def spread_batches(self) -> int:
        """As many for each partition, however many these are."""
        return -(-self.slice_batches // max(self.partitions)) * max(self.partitions)

    @property
    def step_count(self) -> int:
        """How often `advance` is called."""
        sizes = len(self.log_mb) + len(self.partitions) + len(self.connections)
        return 1 + self.rounds * sizes


def log_sizes_mb(largest_gb: int) -> tuple[int, ...]:
    """Tenfold steps up to the largest."""
    largest = 1_000 * largest_gb
    return *(size for size in (10, 100, 1_000) if size < largest), largest


class Point(NamedTuple):
    """What one round says about one size."""

    series: str
    size: int
    figures: Figures


class Row(NamedTuple):
    """What all rounds say about one measure at one size. The ratios are to the smallest size."""

    series: str
    size: int
    measure: str
    best: float
    median: float
    of_first: float
    of_first_median: float
    rounds: list[float]


def run(plan: Plan, advance: Callable[[], object]) -> dict[str, Any]:
    """Measure, and sum up. `advance` is called after each step."""
    with tempfile.TemporaryDirectory(prefix="minikafka-bench-") as place:
        memory = measure_memory(plan, Path(place, "memory"))
        advance()
        points = []
        for name, series in SERIES.items():
            for point in series(plan, Path(place, name)):
                points.append(point)
                advance()
    return summary(plan, points, memory)


def measure_memory(plan: Plan, directory: Path) -> Figures:
    """What a broker has of the machine's memory before and after much went through it."""
    length, count = len(spread.VALUE), plan.memory_bytes // len(spread.VALUE)
    with Minikafka(directory) as server, topic(server, "memory") as name:
        before = server.rss_bytes()
        apart(load.produce_copies, server.address, name, length, count)
        apart(load.consume, server.address, name, count)
        return {"before_mb": before / MB, "after_mb": server.rss_bytes() / MB}


def by_log_size(plan: Plan, directory: Path) -> Iterator[Point]:
    """A slice written to a log of each size, and as much read from its two ends afterwards."""
    records = plan.slice_batches * spread.BATCH_RECORDS
    with Minikafka(directory, **KEEP_NOTHING) as server:
        to, pid = server.address, server.pid
        for number in range(plan.rounds):
            with topic(server, f"log-{number}") as name, Line(to) as line:
                segments = server.data / f"{name}-0"
                for size in plan.log_mb:
                    lacking = size * MB - line.end_offset(name) * len(spread.VALUE)
                    if lacking >= spread.BATCH_BYTES:
                        apart(spread.produce, to, name, 1, lacking // spread.BATCH_BYTES, pid)
                    settle(segments)
                    write = disk_write(directory, plan.slice_bytes)
                    written = apart(spread.produce, to, name, 1, plan.slice_batches, pid)
                    settle(segments)
                    source, end = (to, name, load.LARGE_FETCHES), line.end_offset(name)
                    oldest = apart(spread.consume, *source, [0], records, pid)
                    newest = apart(spread.consume, *source, [end - records], records, pid)
                    taken_ms = apart(reads.reads, to, name, READS, number)
                    figures = {
                        "produce": written["mb_s"],
                        "produce_cpu_ms": written["cpu_ms_mb"],
                        "write": write,
                        "oldest": oldest["mb_s"],
                        "newest": newest["mb_s"],
                        "read_ms": median(taken_ms),
                        "rss_mb": server.rss_bytes() / MB,
                    }
                    yield Point("log", size, figures)


def by_partitions(plan: Plan, directory: Path) -> Iterator[Point]:
    """The same batches into more and more partitions, and out again."""
    with Minikafka(directory, **KEEP_NOTHING) as server:
        to, pid = server.address, server.pid
        for number, size in in_turn(plan.rounds, plan.partitions):
            with topic(server, f"partitions-{number}-{size}", size) as name:
                written = apart(spread.produce, to, name, size, plan.spread_batches, pid)
                records = (plan.spread_batches + size) * spread.BATCH_RECORDS
                source = to, name, spread.EQUAL_FETCHES
                read = apart(spread.consume, *source, [0] * size, records, pid)
                figures = {
                    "produce": written["mb_s"],
                    "produce_cpu_ms": written["cpu_ms_mb"],
                    "consume": read["mb_s"],
                    "consume_cpu_ms": read["cpu_ms_mb"],
                    "rss_mb": server.rss_bytes() / MB,
                }
            yield Point("partitions", size, figures)


def by_connections(plan: Plan, directory: Path) -> Iterator[Point]:
    """The same requests over more and more connections."""
    with Minikafka(directory, **KEEP_NOTHING) as server:
        to, pid, count = server.address, server.pid, plan.request_count
        for number, size in in_turn(plan.rounds, plan.connections):
            with topic(server, f"connections-{number}-{size}") as name:
                figures: Figures = {}
                for how, under_way in (("busy", BUSY), ("calm", CALM)):
                    done = apart(crowd.requests, to, name, size, under_way, count, pid)
                    figures |= {how: done["requests_s"], f"{how}_cpu_us": done["cpu_us"]}
                figures["rss_mb"] = server.rss_bytes() / MB
            yield Point("connections", size, figures)


SERIES = {"log": by_log_size, "partitions": by_partitions, "connections": by_connections}


def in_turn(rounds: int, sizes: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Every size in every round, upwards and downwards: so no size is always the first."""
    for number in range(rounds):
        for size in sizes if number % 2 == 0 else reversed(sizes):
            yield number, size


def settle(directory: Path) -> None:
    """Wait until the files there are on the disk."""
    for path in directory.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def summary(plan: Plan, points: list[Point], memory: Figures) -> dict[str, Any]:
    """A row for each series, size and measure."""
    return {
        "plan": asdict(plan),
        "machine": {
            "cpus": os.cpu_count(),
            "load": os.getloadavg()[0],
            "memory_mb": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / MB,
        },
        "memory": memory,
        "rows": [row._asdict() for row in rows(points)],
    }


def rows(points: list[Point]) -> list[Row]:
    """Best and median of the rounds, beside the smallest size of the series."""
    kept: dict[tuple[str, int, str], list[float]] = {}
    for point in points:
        for measure, value in point.figures.items():
            kept.setdefault((point.series, point.size, measure), []).append(value)
    smallest = {s: min(p.size for p in points if p.series == s) for s in {p.series for p in points}}
    found = []
    for (series, size, measure), values in sorted(kept.items()):
        first = kept[series, smallest[series], measure]
        best, of_best = best_of(measure, values), best_of(measure, first)
        found.append(
            Row(
                *(series, size, measure, best, median(values)),
                times_better(measure, best, of_best),
                times_better(measure, median(values), median(first)),
                values,
            )
        )
    return found


def best_of(measure: str, values: list[float]) -> float:
    return min(values) if measure.endswith(SMALLER_IS_BETTER) else max(values)


def times_better(measure: str, one: float, other: float) -> float:
    """Above 1 when `one` is ahead, for rates as for times and sizes."""
    return other / one if measure.endswith(SMALLER_IS_BETTER) else one / other


def report(results: dict[str, Any]) -> str:
    """A table for each series, a row for each size."""
    found = {(r["series"], r["size"], r["measure"]): r for r in results["rows"]}
    lines = ["best (median) of the rounds × how many times as good as the best of the first row"]
    for size_of, (series, columns) in TABLES.items():
        lines += ["", f"{size_of:12}" + "".join(f"{title:>26}" for title in columns.values())]
        for size in sorted({size for name, size, _ in found if name == series}):
            cells = [in_words(found[series, size, measure]) for measure in columns]
            lines.append(f"{size:<12,}" + "".join(f"{text:>26}" for text in cells))
    memory, machine = results["memory"], results["machine"]
    went = results["plan"]["memory_bytes"] / MB
    lines += [
        "",
        f"broker's memory: {memory['before_mb']:.1f} MB idle, {memory['after_mb']:.1f} MB after "
        f"{went:,.0f} MB went in and came out",
        f"{machine['cpus']} CPUs, {machine['memory_mb']:,.0f} MB of memory, load "
        f"{machine['load']:.1f} at the end",
    ]
    return "\n".join(lines)


def in_words(row: dict[str, Any]) -> str:
    """`612 (590) × 0.98`."""
    return f"{cell(row)} × {short(row['of_first'])}"
