"""What batch.size and linger.ms buy and cost: measured at real brokers, predicted by the simulator.

                       linger.ms
      batch.size       0          1          5          20
           256      14k │ 14k  13k │ 14k  …                     records/s, measured │ predicted
         1,024      88k │ 93k  …
         …

Two programs for each cell (stage.py): one sends as fast as it can, which gives the throughput; one
sends 2,000 records a second, which gives the latencies and the requests that it takes. Our broker
and Apache Kafka take turns. The same rounds play the probes from which the simulator's machines are
fitted (calibrate.py), so what is predicted and what is measured saw the same mood of the
machine; but no cell is a probe. Some come close: in the row of 256 a batch is one record, as in
`alone`, and with linger.ms = 0 the slow program sends each record at once, as `calm` does.

An error is predicted / measured - 1. The aim is 25 % at the median of the grid's sizes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

from minikafka.bench import calibrate
from minikafka.bench.apart import apart
from minikafka.bench.broker import short
from minikafka.bench.servers import side_by_side, topic
from minikafka.bench.stage import TOPIC, Load, Simulated, Sockets, Stage, perform

BATCH_SIZES = 256, 1_024, 4_096, 16_384, 65_536
LINGER_MS = 0, 1, 5, 20
CELLS = [(batch_size, linger_ms) for batch_size in BATCH_SIZES for linger_ms in LINGER_MS]
RECORD_BYTES = 100
PER_S = 2_000
PACED = Load(3_000, RECORD_BYTES, per_s=PER_S)
BATCHES, FEWEST, MOST = 600, 8_000, 60_000
"""So many batches are filled at full speed, within these numbers of records."""

MEASURES = {
    "records_per_s": "records a second",
    "p50_ms": "median latency, ms",
    "p99_ms": "p99 latency, ms",
    "requests": "requests a second",
}
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int = 5
    beside_apache: bool = True

    @property
    def step_count(self) -> int:
        """How often `advance` is called."""
        return (self.rounds + 1) * (1 + self.beside_apache)


def play(stage: Stage, batch_size: int, linger_ms: int) -> Figures:
    """Both programs in one cell."""
    settings = {"batch_size": batch_size, "linger_ms": linger_ms}
    count = min(MOST, max(FEWEST, BATCHES * (batch_size // RECORD_BYTES)))
    fast = perform(stage, settings, Load(count, RECORD_BYTES))
    paced = perform(stage, settings, PACED)
    return {
        "records_per_s": fast.records_per_s,
        "p50_ms": paced.p50_ms or 0.0,
        "p99_ms": paced.p99_ms or 0.0,
        "requests": paced.requests * PER_S / PACED.count,
    }


def one_round(address: str, number: int) -> dict[str, Any]:
    """Probes and cells at a real broker: what `apart` is asked for.

    Every second time backwards: a JVM is slower in the first cell, whichever that is.
    """
    probes = calibrate.measure(address)
    order = CELLS[:: 1 if number % 2 else -1]
    played = {cell: play(Sockets(address), *cell) for cell in order}
    return {"probes": probes, "cells": [played[cell] for cell in CELLS]}


def run(plan: Plan, advance: Callable[[], object]) -> dict[str, Any]:
    """Measure, fit and predict. Raises Unavailable without Java or Maven where they are needed."""
    rounds: dict[str, list[dict[str, Any]]] = {}
    with side_by_side(plan.beside_apache) as servers, ExitStack() as stack:
        for name, server in servers.items():
            stack.enter_context(topic(server, TOPIC))
            apart(calibrate.warm, server.address)
            rounds[name] = []
            advance()
        for number in range(plan.rounds):
            for name in sorted(servers, reverse=number % 2 == 0):
                rounds[name].append(apart(one_round, servers[name].address, number))
                advance()
    return {
        "plan": {"rounds": plan.rounds, "record_bytes": RECORD_BYTES, "per_s": PER_S},
        "machine": {"cpus": os.cpu_count(), "load": os.getloadavg()[0]},
        "brokers": {name: judged(found) for name, found in rounds.items()},
    }


def judged(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The medians of the rounds, the machines fitted to the probes, and what these predict."""
    probes = calibrate.medians([each["probes"] for each in rounds])
    machines, fitted = calibrate.fit(probes)
    cells: list[dict[str, Any]] = []
    for i, (batch_size, linger_ms) in enumerate(CELLS):
        measured = {m: median(each["cells"][i][m] for each in rounds) for m in MEASURES}
        predicted = play(Simulated(machines), batch_size, linger_ms)
        errors = {m: predicted[m] / measured[m] - 1 for m in MEASURES}
        cells.append(
            {"batch_size": batch_size, "linger_ms": linger_ms}
            | {"measured": measured, "predicted": predicted, "errors": errors}
        )
    return {
        "probes": {"measured": probes, "fitted": fitted},
        "machines": machines.to_json(),
        "rounds": rounds,
        "cells": cells,
        "median_error": {m: median(abs(cell["errors"][m]) for cell in cells) for m in MEASURES},
    }


def report(results: dict[str, Any]) -> str:
    """For each broker a grid of each measure: measured, predicted, and how far that is off."""
    lines = []
    for name, broker in results["brokers"].items():
        lines += ["", f"== {name}: measured → predicted (error)"]
        if not calibrate.is_close(**broker["probes"], by=calibrate.FAR):
            lines.append(calibrate.CONTRADICTION)
        for measure, title in MEASURES.items():
            error = broker["median_error"][measure]
            lines.append(f"{title}; off by {error:.0%} at the median")
            heads = "".join(f"{f'linger.ms {linger_ms}':>22}" for linger_ms in LINGER_MS)
            lines.append(f"{'batch.size':>10}{heads}")
            for i in range(0, len(CELLS), len(LINGER_MS)):
                row = broker["cells"][i : i + len(LINGER_MS)]
                cells = "".join(f"{_cell(each, measure):>22}" for each in row)
                lines.append(f"{row[0]['batch_size']:>10,}{cells}")
    machine = results["machine"]
    return "\n".join([*lines, f"{machine['cpus']} CPUs, load {machine['load']:.1f} at the end"])


def _cell(cell: dict[str, Any], measure: str) -> str:
    measured, predicted = (thousands(cell[kind][measure]) for kind in ("measured", "predicted"))
    return f"{measured} → {predicted} ({cell['errors'][measure]:+.0%})"


def thousands(value: float) -> str:
    """`0.071`, `38.2`, `2,000`, `412k`."""
    return f"{value / 1_000:.0f}k" if value >= 10_000 else short(value)
