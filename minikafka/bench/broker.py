"""Our broker beside Apache Kafka and the bare disk, in one run.

    round 0   minikafka  Apache Kafka  disk     discarded: a JVM is slow while it is cold
    round 1   Apache Kafka  minikafka  disk     each round changes the order
    round 2   minikafka  Apache Kafka  disk
    …

Figures of one machine on two days differ more than two brokers do: other work, the page
cache and the disk's mood change them by half. So nothing is compared across runs; both
brokers stay up and take turns, and what counts is the ratio within the run, of the best
rounds and of the medians. Apache Kafka against itself gives ratios from 0.88 to 1.12 by
the best of six rounds; believe smaller differences only when they come again.

Each round uses a topic of its own that exists and has been asked about before the clock
starts (making one costs Apache Kafka a second, which is not what is compared), and is
deleted afterwards. The load runs in a third process (`load.py`).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from minikafka.bench.apart import apart
from minikafka.bench.servers import ApacheKafka, Minikafka, Server

OURS, APACHE, DISK = "minikafka", "apache", "disk"
Figures = dict[str, float]

MEASURES = {
    "produce_100": "produce, 100 B records, MB/s",
    "produce_1024": "produce, 1 KB records, MB/s",
    "consume_100": "consume, 100 B records, MB/s",
    "consume_1024": "consume, 1 KB records, MB/s",
    "single_pipelined": "single-record requests/s, pipelined",
    "single_5": "single-record requests/s, 5 in flight",
    "single_1": "single-record requests/s, 1 in flight",
    "ack_p50_ms": "acks=all at 1,000/s, p50, ms",
    "ack_p99_ms": "acks=all at 1,000/s, p99, ms",
    "ready_ms": "start to first answer, ms",
    "ready_again_ms": "the same with data, after the load, ms",
    "rss_idle_mb": "memory when idle, MB",
    "rss_loaded_mb": "memory after the load, MB",
    "write": "sequential write with fsync, MB/s",
}
SMALLER_IS_BETTER = {name for name in MEASURES if name.endswith("_ms") or name.startswith("rss")}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure. `size_bytes` of values are sent per record length and round."""

    rounds: int = 6
    size_bytes: int = 200_000_000
    beside_apache: bool = True

    @property
    def step_count(self) -> int:
        """How often `advance` is called."""
        return (self.rounds + 1) * (2 if self.beside_apache else 1)


def run(plan: Plan, advance: Callable[[], object]) -> dict[str, Any]:
    """Measure; gives the figures of every round, and their best, medians and ratios.

    `advance` is called after each step. Raises Unavailable without Java or Maven when
    Apache Kafka is to be measured too.
    """
    rounds: dict[str, list[Figures]] = {OURS: [], APACHE: [], DISK: []}
    with tempfile.TemporaryDirectory(prefix="minikafka-bench-") as place, ExitStack() as stack:
        directory = Path(place)
        servers: dict[str, Server] = {OURS: Minikafka(directory / OURS)}
        if plan.beside_apache:
            servers[APACHE] = ApacheKafka(directory / APACHE, heap="1g")
        for server in servers.values():
            stack.enter_context(server)
        once = {name: {"ready_ms": 1000 * s.ready_s} for name, s in servers.items()}
        for name, server in servers.items():
            once[name]["rss_idle_mb"] = server.rss_bytes() / 1e6
        for number in range(plan.rounds + 1):
            for name in sorted(servers, reverse=number % 2 == 0):
                rounds[name].append(one_round(servers[name], f"round-{number}", plan.size_bytes))
                advance()
            rounds[DISK].append({"write": disk_write(directory, plan.size_bytes)})
        for name, server in servers.items():
            once[name]["rss_loaded_mb"] = server.rss_bytes() / 1e6
            server.stop()
            server.start()
            once[name]["ready_again_ms"] = 1000 * server.ready_s
    return summary(plan, {name: kept[1:] for name, kept in rounds.items()}, once)


def one_round(server: Server, topic: str, size_bytes: int) -> Figures:
    """What one run of the load says about one server."""
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    from minikafka.bench import load

    admin = AdminClient({"bootstrap.servers": server.address, "log_level": 0})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
    figures = apart(load.measure, server.address, topic, size_bytes)
    admin.delete_topics([topic])[topic].result()
    return figures


def disk_write(directory: Path, size_bytes: int) -> float:
    """MB/s of one file written in pieces of 1 MB and flushed once at the end."""
    piece = os.urandom(1_000_000)
    path = directory / "disk"
    started = time.perf_counter()
    with path.open("wb", buffering=0) as file:
        for _ in range(max(1, size_bytes // len(piece))):
            file.write(piece)
        os.fsync(file.fileno())
    taken = time.perf_counter() - started
    written = path.stat().st_size
    path.unlink()
    return written / taken / 1e6


def summary(
    plan: Plan, rounds: dict[str, list[Figures]], once: dict[str, Figures]
) -> dict[str, Any]:
    """Best and median of each measure, and how many times better we are than Apache Kafka."""
    figures: dict[str, dict[str, Any]] = {name: {} for name, kept in rounds.items() if kept}
    for name in figures:
        for measure in MEASURES:
            values = [figure[measure] for figure in rounds[name] if measure in figure]
            if measure in once.get(name, {}):
                values = [once[name][measure]]
            if values:
                best = min(values) if measure in SMALLER_IS_BETTER else max(values)
                row = {"best": best, "median": median(values), "rounds": values}
                figures[name][measure] = row
    ratios = {
        measure: {
            kind: times_better(measure, ours[kind], theirs[kind]) for kind in ("best", "median")
        }
        for measure, ours in figures[OURS].items()
        if (theirs := figures.get(APACHE, {}).get(measure))
    }
    return {
        "plan": {"rounds": plan.rounds, "size_bytes": plan.size_bytes},
        "machine": {"cpus": os.cpu_count(), "load": os.getloadavg()[0]},
        "figures": figures,
        "times_better": ratios,
    }


def times_better(measure: str, ours: float, theirs: float) -> float:
    """Above 1 when we are ahead, for rates as for times and sizes."""
    return theirs / ours if measure in SMALLER_IS_BETTER else ours / theirs


def report(results: dict[str, Any]) -> str:
    """The results as a table: best of the rounds, median in parentheses."""
    figures, ratios = results["figures"], results["times_better"]
    lines = [
        f"{'best (median)':40}{'minikafka':>20}{'Apache Kafka':>20}{'times better':>20}",
    ]
    for measure, title in MEASURES.items():
        if measure in figures[OURS]:
            theirs = figures.get(APACHE, {}).get(measure)
            cells = [figures[OURS][measure], theirs, ratios.get(measure)]
            lines.append(f"{title:40}" + "".join(f"{cell(entry):>20}" for entry in cells))
    lines.append(f"{'bare disk: ' + MEASURES['write']:40}{cell(figures[DISK]['write']):>20}")
    machine = results["machine"]
    lines.append(f"{machine['cpus']} CPUs, load {machine['load']:.1f} at the end")
    return "\n".join(lines)


def cell(entry: dict[str, float] | None) -> str:
    """`best (median)` with three digits that mean something."""
    if entry is None:
        return "-"
    best, middle = short(entry["best"]), short(entry["median"])
    return best if best == middle else f"{best} ({middle})"


def short(value: float) -> str:
    """`0.071`, `1.25`, `38.2`, `272`, `16,400`."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
