"""The simulator's machines, fitted to a real broker and to the machine at hand.

    probe    what is played                                       what it decides
    sleep    a program sleeps                                     late_us: how late it wakes
    large    as fast as `send` goes, batches of 256 KB            send_us: of a record
    alone    as fast as `send` goes, each record a request        client.request_us
    wide     as fast as `send` goes, records of 10 KB             client.cpu_bytes_per_us
    calm     1,000 records a second, each a request               link.latency_us

Each probe is chosen so that one number of the model decides its result. So the fit is short:
play the probes in the simulator, put what is lacking down to that number, and again, until
nothing moves. None of the probes is a cell of the grid on which the model is judged (trade.py says
which cells come close to one).

What cannot be told from outside is not guessed: the broker's share of a round trip is part of the
way there and back, and what a request or a byte takes at full speed is put down to the client,
whoever it is that takes it. So `client.request_us` is twice as much beside Apache Kafka as beside
our broker, and the client is the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from minikafka.bench.stage import (
    SECOND_US,
    Load,
    Machines,
    Outcome,
    Settings,
    Simulated,
    Sockets,
    perform,
)
from minikafka.runtime.hardware import FREE, Hardware

SWEEPS, CLOSE = 16, 0.005
"""The fit ends after so many, or when every probe is as close as that."""
FAR = 0.1
CONTRADICTION = "The probes contradict each other: was the machine busy with something else?"
UNSTEADY = 0.3
"""How far a way can be from the mean one, as a share of that."""
SLEEPS, SLEEP_US = 200, 500
WARM = Load(30_000)
"""Requests of one record that go before: a JVM is slow while it is cold."""
WIDE_BYTES = 10_240

Costs = dict[str, float]
"""What each probe costs, in µs for each of what its number is counted in."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A program whose outcome one number of the model decides.

    `cost_us` is what the outcome comes to for a record, a request, a byte or a way: the same thing
    that the number counts, so an error of the one is an error of the other.
    """

    settings: Settings
    load: Load
    cost_us: Callable[[Outcome], float]
    number_us: Callable[[Machines], float]
    with_number: Callable[[Machines, float], Machines]


def _record_us(outcome: Outcome) -> float:
    return SECOND_US / outcome.records_per_s


def _byte_us(outcome: Outcome) -> float:
    return _record_us(outcome) / WIDE_BYTES


def _way_us(outcome: Outcome) -> float:
    assert outcome.p50_ms is not None
    return 1_000 * outcome.p50_ms / 2


def _client(machines: Machines, **numbers: Any) -> Machines:
    return replace(machines, client=replace(machines.client, **numbers))


def _way(machines: Machines) -> float:
    return machines.link.latency_us + machines.link.jitter_us / 2


def _with_way(machines: Machines, us: float) -> Machines:
    """Where every way is alike, answers fall into step and a fit jumps; no real way is."""
    jitter_us = round(2 * UNSTEADY * us)
    latency_us = round((1 - UNSTEADY) * us)
    return replace(
        machines, link=replace(machines.link, latency_us=latency_us, jitter_us=jitter_us)
    )


LARGE = {"batch_size": 262_144, "linger_ms": 100}
WIDE = {"batch_size": 1_000_000, "linger_ms": 100}
ALONE = {"batch_size": 0, "linger_ms": 0}
PROBES = {
    "large": Probe(
        LARGE,
        Load(60_000),
        _record_us,
        lambda machines: machines.send_us,
        lambda machines, us: replace(machines, send_us=us),
    ),
    "alone": Probe(
        ALONE,
        Load(8_000),
        _record_us,
        lambda machines: machines.client.request_us,
        lambda machines, us: _client(machines, request_us=us),
    ),
    "wide": Probe(
        WIDE,
        Load(10_000, WIDE_BYTES),
        _byte_us,
        lambda machines: 1 / machines.client.cpu_bytes_per_us,
        lambda machines, us: _client(machines, cpu_bytes_per_us=1 / us),
    ),
    "calm": Probe(
        ALONE,
        Load(1_000, per_s=1_000),
        _way_us,
        _way,
        _with_way,
    ),
}


def warm(address: str) -> None:
    """Send requests until a JVM is warm."""
    perform(Sockets(address), ALONE, WARM)


def measure(address: str) -> Costs:
    """What each probe costs at this broker. It has the topic, and was warmed before."""
    stage, found = Sockets(address), {"sleep": lateness_us()}
    for name, probe in PROBES.items():
        found[name] = probe.cost_us(perform(stage, probe.settings, probe.load))
    return found


def lateness_us() -> float:
    """How much later than asked a sleeping program wakes."""
    late = []
    for _ in range(SLEEPS):
        due = time.perf_counter() + SLEEP_US / SECOND_US
        time.sleep(SLEEP_US / SECOND_US)
        late.append(SECOND_US * (time.perf_counter() - due))
    return median(late)


def fit(measured: Costs) -> tuple[Machines, Costs]:
    """The machines on which the probes cost as much in the simulator, and what they cost there."""
    machines = Machines(late_us=measured["sleep"], client=Hardware(request_us=50), broker=FREE)
    machines = _with_way(machines, 100)
    fitted = {name: play(machines, probe) for name, probe in PROBES.items()}
    for _ in range(SWEEPS):
        if is_close(measured, fitted):
            break
        for name, probe in PROBES.items():
            number = probe.number_us(machines)
            lacking = measured[name] - play(machines, probe)
            # Not too far at once: while another number is wrong, this one may be blamed for it.
            number = min(max(number + lacking, number / 2), number * 2)
            machines = probe.with_number(machines, number)
        fitted = {name: play(machines, probe) for name, probe in PROBES.items()}
    return machines, fitted


def is_close(measured: Costs, fitted: Costs, by: float = CLOSE) -> bool:
    """Whether every probe costs in the simulator what it was measured to cost."""
    return all(abs(fitted[name] / measured[name] - 1) < by for name in fitted)


def play(machines: Machines, probe: Probe) -> float:
    """What a probe costs in the simulator. A third of the records says the same."""
    load = replace(probe.load, count=probe.load.count // 3)
    return probe.cost_us(perform(Simulated(machines), probe.settings, load))


def medians(rounds: list[Costs]) -> Costs:
    return {name: median(costs[name] for costs in rounds) for name in rounds[0]}


def report(measured: Costs, machines: Machines, fitted: Costs) -> str:
    """The probes as they were measured and as the fitted machines play them."""
    client, link = machines.client, machines.link
    fits = {
        "large": f"send_us = {machines.send_us:.2f}",
        "alone": f"client.request_us = {client.request_us:.0f}",
        "wide": f"client.cpu_bytes_per_us = {client.cpu_bytes_per_us:.0f}",
        "calm": f"link.latency_us = {link.latency_us} to {link.latency_us + link.jitter_us}",
    }
    counted = {"large": "record", "alone": "request", "wide": "KB", "calm": "way"}
    lines = [f"{'probe':8}{'measured':>12}{'simulated':>12}{'':14}what it decides"]
    lines.append(f"{'sleep':8}{measured['sleep']:>9.1f} µs{'':26}late_us = {machines.late_us:.0f}")
    for name, what in counted.items():
        each = 1_024 if what == "KB" else 1
        pair = "".join(f"{each * costs[name]:>9.2f} µs" for costs in (measured, fitted))
        lines.append(f"{name:8}{pair}  a {what:10}{fits[name]}")
    if not is_close(measured, fitted, FAR):
        lines.append(CONTRADICTION)
    return "\n".join(lines)
