"""One program, played on two stages: a real broker, or the simulator with a fitted model.

    perform(Sockets("127.0.0.1:9092"), settings, load)        what happened
    perform(Simulated(machines), settings, load)              what the model says will happen

      load.per_s None     send ‖ send ‖ send ‖ …  flush      as fast as `send` takes records
      load.per_s 5,000    ·  send  · ·  send ·    flush      a Poisson process; the same instants
                                                             on both stages

The producer is the same code on both (that is what the simulator is for); what differs is the
time that things take. A record's latency counts from the instant at which it was due, so a
program that is late, or a `send` that blocks, shows in it (no coordinated omission).

In the simulator the program shares one processor with its producer, as a Python program shares
the interpreter's lock with the thread that sends: while the producer is at work, the program waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import cycle, islice
from math import ceil, inf
from typing import TYPE_CHECKING, Any, Protocol

from minikafka.admin import Admin, NewTopic
from minikafka.producer.producer import DeliveryFuture, Producer
from minikafka.runtime.hardware import Hardware, Link
from minikafka.runtime.machine import SimulatedHost
from minikafka.runtime.simulator import Simulator
from minikafka.viz.microscope import Arrivals

if TYPE_CHECKING:
    from minikafka.log.files import Files
    from minikafka.node import Node

TOPIC = "minikafka-trade"
PARTITION = 0
SEED = 7
SECOND_US = 1_000_000
Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Load:
    """`count` records of `record_bytes`; `per_s` None means one right after the other."""

    count: int
    record_bytes: int = 100
    per_s: float | None = None

    def due_us(self) -> list[int]:
        """When each record is due, in µs from the beginning."""
        assert self.per_s is not None
        window_ms = 1_200 * self.count / self.per_s  # a fifth more than it takes on average
        times = Arrivals(per_ms=self.per_s / 1_000, window_ms=window_ms).times(SEED)
        return times[: self.count]

    def values(self) -> list[bytes]:
        every = Arrivals(record_bytes=self.record_bytes).values(SEED)
        return list(islice(cycle(every), self.count))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. The latencies are None where records had no instant at which they were
    due."""

    records_per_s: float
    requests: float
    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Machines:
    """What the model knows of a machine, a broker on it, and the way between.

    `send_us` is what one call of `send` takes of the program; `late_us` how late a program wakes
    that asked to sleep; `switch_us` how long a thread that computes may keep the interpreter from
    another one (`sys.getswitchinterval`).
    """

    send_us: float = 2.0
    late_us: float = 80.0
    switch_us: int = 5_000
    client: Hardware = field(default_factory=Hardware)
    broker: Hardware = field(default_factory=Hardware)
    link: Link = field(default_factory=lambda: Link(50, jitter_us=0, bytes_per_us=inf))

    def to_json(self) -> dict[str, Any]:
        """Plain numbers; None for what is without limit, which JSON cannot say."""
        told = asdict(self)
        for part in ("client", "broker", "link"):
            told[part] = {n: None if value == inf else value for n, value in told[part].items()}
        return told

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Machines:
        """From `to_json`."""

        def part(kind: type[Any], name: str) -> Any:
            return kind(**{n: inf if value is None else value for n, value in told[name].items()})

        parts = {"client": part(Hardware, "client"), "broker": part(Hardware, "broker")}
        return cls(**{**told, **parts, "link": part(Link, "link")})


class Stage(Protocol):
    """Where a program can be performed."""

    def producer(self, settings: Settings) -> Producer:
        """A producer whose topic exists."""
        ...

    def now(self) -> float:
        """In µs."""
        ...

    def until(self, at: float) -> None:
        """Let time pass until then; at once if it is over."""
        ...

    def handed_over(self) -> None:
        """A call of `send` has returned."""
        ...


def perform(stage: Stage, settings: Settings, load: Load) -> Outcome:
    """Play the program once. Raises RuntimeError if a record failed: what is lost is no speed."""
    values = load.values()
    with stage.producer(settings) as producer:
        producer.send(TOPIC, b"first", partition=PARTITION).result()
        began = stage.now()
        acknowledged = (_hurry if load.per_s is None else _paced)(stage, producer, load, values)
        producer.flush()
        took = stage.now() - began
        metrics = producer.statistics().metrics
    if metrics.record_error_total:
        raise RuntimeError(f"{metrics.record_error_total} of {load.count} records failed")
    assert metrics.records_per_request_avg is not None
    requests = (load.count + 1) / metrics.records_per_request_avg - 1
    if not acknowledged:
        return Outcome(load.count * SECOND_US / took, requests)
    latencies = sorted(acknowledged)
    p50, p99 = (latencies[ceil(part * load.count) - 1] / 1_000 for part in (0.5, 0.99))
    return Outcome(load.count * SECOND_US / took, requests, p50, p99)


def _hurry(stage: Stage, producer: Producer, load: Load, values: list[bytes]) -> list[float]:
    send, handed_over = producer.send, stage.handed_over
    for value in values:
        send(TOPIC, value, partition=PARTITION)
        handed_over()
    return []


def _paced(stage: Stage, producer: Producer, load: Load, values: list[bytes]) -> list[float]:
    latencies: list[float] = []
    now, began = stage.now, stage.now()

    def heard(due: float, _: DeliveryFuture) -> None:
        latencies.append(now() - due)

    for value, due_us in zip(values, load.due_us(), strict=True):
        due = began + due_us
        stage.until(due)
        producer.send(TOPIC, value, partition=PARTITION).add_callback(partial(heard, due))
        stage.handed_over()
    producer.flush()
    return latencies


# ---- the stages ----------------------------------------------------------------------------------
class Sockets:
    """A broker at an address."""

    def __init__(self, address: str) -> None:
        self._address = address

    @contextmanager
    def topic(self) -> Iterator[None]:
        """Make the program's topic, and delete it at the end. Raises KafkaError."""
        with Admin(self._address) as admin:
            admin.create_topics([NewTopic(TOPIC)])
            try:
                yield
            finally:
                admin.delete_topics([TOPIC])

    def producer(self, settings: Settings) -> Producer:
        return Producer(self._address, **settings)

    def now(self) -> float:
        return time.perf_counter() * SECOND_US

    def until(self, at: float) -> None:
        left_s = at / SECOND_US - time.perf_counter()
        if left_s > 0:
            time.sleep(left_s)

    def handed_over(self) -> None:
        pass


class Simulated:
    """A simulator whose machines take the time that `machines` says."""

    def __init__(self, machines: Machines) -> None:
        self._machines = machines

    def producer(self, settings: Settings) -> Producer:
        machines = self._machines
        self._sim = sim = _World(SEED, trace=False, network=machines.link, hardware=machines.broker)
        sim.broker()
        with sim.admin() as admin:
            admin.create_topics([NewTopic(TOPIC)])
        producer = sim.producer(**settings)
        self._client = sim.youngest
        self._client.hardware = machines.client
        self._client.switch_us = machines.switch_us
        self._spent_us = 0.0  # by the program, beyond the simulator's whole µs
        return producer

    def now(self) -> float:
        return self._sim.now

    def until(self, at: float) -> None:
        self._client.let_go()
        if at > self._sim.now:
            self._run(at + self._machines.late_us)

    def handed_over(self) -> None:
        """The program goes on when its producer is done, and it has done its own part."""
        client = self._client
        if client.busy_until > self._sim.now:  # it sent something
            client.let_go()
        client.is_held = True
        self._spent_us += self._machines.send_us
        whole = int(self._spent_us)
        self._spent_us -= whole
        self._run(max(self._sim.now, client.busy_until) + whole)

    def _run(self, at: float) -> None:
        left_us = int(at) - self._sim.now
        if left_us > 0:
            self._sim.run_until(None, (left_us + 0.5) / 1_000)  # the half: ms are cut to whole µs


class _Process(SimulatedHost):
    """A client in a Python process: while the program computes, it has the interpreter's lock, and
    what arrives is not heard before a system call or `switch_us` makes it let go."""

    switch_us = 0
    is_held = False

    def __init__(self, *arguments: Any) -> None:
        self._unheard: list[tuple[Any, int]] = []
        self._until = 0  # when a wait that is under way ends by itself
        super().__init__(*arguments)

    def deliver(self, message: Any, cause: int) -> None:
        if not self.is_held:
            super().deliver(message, cause)
            return
        if not self._unheard:
            self._until = self._sim.now + self.switch_us
            self._sim.push(self._until, self._lapse, None, cause)
        self._unheard.append((message, cause))

    def _lapse(self) -> None:
        if self._sim.now >= self._until:  # or a later wait is under way, that has its own end
            self.let_go()

    def let_go(self) -> None:
        self.is_held = False
        heard, self._unheard = self._unheard, []
        for message, cause in heard:
            super().deliver(message, cause)

    def wait(self, done: Callable[[], bool], timeout_ms: float | None) -> bool:
        self.let_go()
        return super().wait(done, timeout_ms)


class _World(Simulator):
    """A simulator whose clients live in Python processes; it knows which machine came last."""

    youngest: _Process

    def host(
        self, node: Node, *, listen: str | None = None, files: Files | None = None
    ) -> SimulatedHost:
        self.youngest = _Process(self, lambda: node, listen, None)
        return self.youngest
