"""A run under the microscope: what became of every record of a producer, in µs.

    arrivals   ı  ı ıı   ı ı                          drawn once; A and B get the same
    batch      ▕▁▂▂▃▄▄▅█▌▷ closed because full        opened · closed · sent · left · arrived ·
    wire                 └──►┐                        appended · answered · acknowledged
    broker      ▕‖ fetch parked▏──► answered          parked · why it was answered
    consumer                   ▕██▆▄▁                 fetched · handed out by poll

Everything is read from the trace of a simulated run: one producer, one broker, one partition,
one consumer whose program takes `handle_us` for a record. Only one thing is not in the trace,
when a message leaves its machine (its turn has a cost); the simulator is asked for that.

Between `sent` and `left` the producer's machine is at work: it compresses the batch and hands it
over. With one partition no batch rides along with another ("request"), and where memory is used
up the batch before is full already: "memory" closes none, but the program is late. A second
partition would show both, and cost the picture's first rule: that all lanes are one order.

What is drawn was sent once. A run in which a batch fails, is split or is sent again, or that takes
a minute, is refused (ValueError): no slider leads there.

A record's latency counts from its arrival, not from the call to `send`: a `send` that blocks
makes the next records late, and a measure that begins with the call would not show it
(coordinated omission). Records keep their order, so a batch is a range of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from math import ceil, log
from random import Random
from typing import TYPE_CHECKING, Any

from minikafka.admin import NewTopic
from minikafka.node import MS, Message, Request
from minikafka.runtime.hardware import Hardware, Link
from minikafka.runtime.network import message_bytes
from minikafka.runtime.simulator import Simulator
from minikafka.trace import Event

if TYPE_CHECKING:
    from minikafka.consumer.consumer import Consumer
    from minikafka.node import Unmuted
    from minikafka.runtime.machine import SimulatedHost

TOPIC = "records"
Settings = dict[str, Any]

DEFAULTS: Settings = {
    "linger_ms": 5,
    "batch_size": 16_384,
    "acks": "all",
    "max_in_flight_requests_per_connection": 5,
    "compression_type": "none",
    "buffer_memory": 33_554_432,
    "fetch_min_bytes": 1,
    "fetch_max_wait_ms": 500,
    "max_poll_records": 500,
    "handle_us": 20,
    "latency_ms": 0.2,
    "mb_per_s": 125,
    "fsync_ms": 0,
}
"""Kafka's defaults, and the simulator's machines. `handle_us` is what the consumer's program takes
for a record; `fsync_ms` 0 leaves flushing to the operating system, as Kafka does by default, and
any other value flushes each append (`flush.messages` = 1) on a disk that takes so long."""

LONGEST_MS = 60_000
"""After that, what arrived in a tenth of a second is not looked at any more."""

FETCHING = ("fetch_min_bytes", "fetch_max_wait_ms", "max_poll_records")
MACHINES = ("handle_us", "latency_ms", "mb_per_s", "fsync_ms")


def settings_of(given: Mapping[str, Any]) -> Settings:
    """All settings, with the defaults of those that are not given. Raises ValueError."""
    unknown = sorted(set(given) - set(DEFAULTS))
    if unknown:
        raise ValueError(f"no setting of the microscope: {', '.join(unknown)}")
    return {**DEFAULTS, **given}


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Records that a program wants to send: a Poisson process, the same for every configuration.

    From `burst_ms[0]` to `burst_ms[1]` they come `burst` times as often. At each of `flush_ms` the
    program calls flush() before it goes on, and at the end of `window_ms` close().
    """

    per_ms: float = 0.5
    record_bytes: int = 400
    window_ms: float = 100
    burst: float = 1
    burst_ms: tuple[float, float] = (0, 0)
    flush_ms: tuple[float, ...] = ()

    def times(self, seed: int) -> list[int]:
        """When each arrives, in µs. A faster rate draws the same numbers closer together."""
        draw, now = Random(f"{seed}/microscope").random, 0.0
        found: list[int] = []
        first, last = self.burst_ms
        while True:
            per_us = self.per_ms / MS * (self.burst if first <= now / MS < last else 1)
            now -= log(1.0 - draw()) / per_us
            if now >= self.window_ms * MS:
                return found
            found.append(int(now))

    def values(self, seed: int) -> list[bytes]:
        """What they say, over and over: lines of JSON, for compression needs something to find."""
        return list(_values(self.record_bytes, seed))


@lru_cache(maxsize=64)
def _values(size_bytes: int, seed: int) -> tuple[bytes, ...]:
    random = Random(f"{seed}/values")
    found = []
    for number in range(61):
        line = ""
        while len(line) < size_bytes:
            who, what = random.choice(WHO), random.choice(WHAT)
            line += f'{{"n":{random.randrange(10**6)},"who":"{who}","what":"{what}","at":{number}}}'
        found.append(line[:size_bytes].encode())
    return tuple(found)


WHO = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi")
WHAT = ("tea", "coffee", "scone", "soup", "juice", "milk", "bread", "an apple")


@dataclass(slots=True)
class Batch:
    """The life of a batch: instants in µs, in the order in which they come."""

    opened: int
    first: int  # its records: first <= i < first + count
    closed: int | None = None
    why: str = ""  # why it closed, as the trace says; "slot" where only an answer let it go
    count: int = 0
    size_bytes: int = 0
    wire_bytes: int = 0
    sent: int | None = None  # when its machine takes it in hand, to compress it and send it
    left: int | None = None
    arrived: int | None = None
    appended: int | None = None
    answered: int | None = None  # when the answer left the broker
    acknowledged: int | None = None


@dataclass(slots=True)
class Fetch:
    """One question of the consumer, and its answer: the records first <= i < end."""

    left: int
    arrived: int | None = None
    parked: int | None = None
    has: str = ""  # what there was when it was parked
    why: str = ""  # why it was answered: "at once", or once parked "bytes" or "timeout"
    answered: int | None = None
    fetched: int | None = None
    first: int = 0
    end: int = 0
    size_bytes: int = 0


BATCH = tuple(field.name for field in fields(Batch))
FETCH = tuple(field.name for field in fields(Fetch))


@dataclass(frozen=True, slots=True)
class Spread:
    """Latencies in ms. A percentile is one of them (nearest rank), not a mean of two."""

    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, latencies_us: Sequence[int]) -> Spread:
        ordered = sorted(latencies_us)

        def at(part: float) -> float:
            return ordered[max(0, ceil(part * len(ordered)) - 1)] / MS if ordered else 0.0

        return cls(at(0.5), at(0.99), at(1.0))


@dataclass(frozen=True, slots=True)
class Measured:
    """What a configuration comes to. `records_per_second`: all records, in the time from the first
    arrival to the last acknowledgement."""

    records: int
    records_per_second: float
    acknowledged: Spread
    polled: Spread
    requests: int
    sent_bytes: int
    record_bytes: int
    batches: dict[str, int]
    fetches: int
    fetches_because: dict[str, int]
    polls: int
    blocked_ms: float


@dataclass(slots=True)
class Run:
    """One configuration under the microscope. `arrivals` and `taken` (when `send` had a record),
    `acknowledged` and `polled` have an instant for each record."""

    settings: Settings
    arrivals: list[int]
    taken: list[int]
    batches: list[Batch]
    fetches: list[Fetch]
    polls: list[tuple[int, int, int]]  # when, first record, behind the last
    record_bytes: int

    @property
    def acknowledged(self) -> list[int]:
        return [
            at
            for batch in self.batches
            if (at := batch.acknowledged) is not None
            for _ in range(batch.count)
        ]

    @property
    def polled(self) -> list[int]:
        return [at for at, first, end in self.polls for _ in range(first, end)]

    def measured(self) -> Measured:
        acknowledged, arrivals = self.acknowledged, self.arrivals
        took = acknowledged[-1] - arrivals[0] if arrivals else 0
        blocked = sum(late for late in _lateness(arrivals, self.taken))
        return Measured(
            records=len(arrivals),
            records_per_second=len(arrivals) * 1_000 * MS / took if took else 0.0,
            acknowledged=Spread.of([b - a for a, b in zip(arrivals, acknowledged, strict=True)]),
            polled=Spread.of([b - a for a, b in zip(arrivals, self.polled, strict=True)]),
            requests=len(self.batches),
            sent_bytes=sum(batch.wire_bytes for batch in self.batches),
            record_bytes=self.record_bytes * len(arrivals),
            batches=dict(sorted(Counter(batch.why for batch in self.batches).items())),
            fetches=len(self.fetches),
            fetches_because=dict(sorted(Counter(f.why for f in self.fetches if f.why).items())),
            polls=len(self.polls),
            blocked_ms=blocked / MS,
        )

    def to_json(self) -> dict[str, Any]:
        """What the browser draws; a list for each batch and each fetch, in the fields' order."""
        return {
            "batches": [[getattr(batch, name) for name in BATCH] for batch in self.batches],
            "fetches": [[getattr(fetch, name) for name in FETCH] for fetch in self.fetches],
            "polls": [list(poll) for poll in self.polls],
            "late": [[i, at] for i, at in enumerate(self.taken) if at > self.arrivals[i]],
            "measured": asdict(self.measured()),
        }


def _lateness(arrivals: Sequence[int], taken: Sequence[int]) -> list[int]:
    """For how long `send` was blocked: overlapping waits count once."""
    found, until = [], 0
    for arrived, at in zip(arrivals, taken, strict=True):
        found.append(max(0, at - max(arrived, until)))
        until = max(until, at)
    return found


# ---- the run ---------------------------------------------------------------------------------


class _Watched(Simulator):
    """A simulator that also remembers when each message left its machine."""

    def __init__(self, seed: int, settings: Settings) -> None:
        network = Link(int(settings["latency_ms"] * MS), 50, float(settings["mb_per_s"]))
        super().__init__(
            seed, network=network, hardware=Hardware(flush_us=settings["fsync_ms"] * MS)
        )
        self.left: dict[int, int] = {}

    def send(self, source: SimulatedHost, message: Message | Unmuted, sent: int) -> None:
        self.left[sent] = source.busy_until
        super().send(source, message, sent)


class _Program:
    """What reads: polls, handles what it was given, and polls again."""

    def __init__(self, sim: Simulator, consumer: Consumer, handle_us: float) -> None:
        self._sim, self._consumer, self._handle_us = sim, consumer, handle_us
        self._is_idle = True
        self.polls: list[tuple[int, int, int]] = []  # when, first offset, behind the last

    def hear(self, _: int, event: Event) -> None:
        """Something was fetched: who waits in poll gets it."""
        if event.kind == "fetched" and self._is_idle:
            self._is_idle = False
            self._sim.call_later(0, self.poll)

    def poll(self) -> None:
        records = self._consumer.poll()
        self._is_idle = not records
        if records:
            self.polls.append((self._sim.now, records[0].offset, records[-1].offset + 1))
            self._sim.call_later(len(records) * self._handle_us / MS, self.poll)


def look(settings: Mapping[str, Any], arrivals: Arrivals, seed: int = 7) -> Run:
    """Run one configuration, from the first arrival until everything was polled."""
    chosen = settings_of(settings)
    sim = _Watched(seed, chosen)
    sim.broker(**({"log_flush_interval_messages": 1} if chosen["fsync_ms"] else {}))
    sim.admin().create_topics([NewTopic(TOPIC)])
    fetching = {name: chosen[name] for name in FETCHING}
    sending = {n: v for n, v in chosen.items() if n not in (*FETCHING, *MACHINES)}
    producer, consumer = sim.producer(**sending), sim.consumer(**fetching)
    program = _Program(sim, consumer, chosen["handle_us"])
    # Who has never sent anything would show how it finds its way, not how it sends. It sends a
    # record like the others: compression makes a tiny one larger, and for hundreds of batches the
    # producer would expect that.
    values = arrivals.values(seed)
    producer.send(TOPIC, values[0])
    producer.flush()
    consumer.assign([(TOPIC, 0)])
    base = consumer.position((TOPIC, 0))
    sim.run(3 * chosen["latency_ms"] + 1)

    begun, first_event = sim.now, len(sim.trace or ())
    assert sim.trace is not None
    sim.trace.listeners.append(program.hear)
    times, flushes, taken = arrivals.times(seed), sorted(arrivals.flush_ms), []
    for i, at in enumerate(times):
        while flushes and flushes[0] * MS <= at:
            _until(sim, begun + int(flushes.pop(0) * MS))
            producer.flush()
        _until(sim, begun + at)
        producer.send(TOPIC, values[i % len(values)])
        taken.append(sim.now - begun)
    _until(sim, begun + int(arrivals.window_ms * MS))
    producer.close()
    end = base + len(times)
    if not sim.run_until(
        lambda: program.polls[-1][2] == end if program.polls else not times, LONGEST_MS
    ):
        raise ValueError(f"not read in {LONGEST_MS / 1_000:.0f} s: {chosen}")

    run = Run(chosen, times, taken, [], [], [], arrivals.record_bytes)
    run.polls = [(at - begun, first - base, end - base) for at, first, end in program.polls]
    _Reading(run, sim, begun, base).read(first_event)
    _name_slots(run.batches, chosen)
    return run


def _until(sim: Simulator, at: int) -> None:
    if at > sim.now:
        sim.run_until(None, (at - sim.now + 0.5) / MS)  # the half: milliseconds are cut to whole µs


class _Reading:
    """Reads a trace into a run: follows each message from who sent it to who got it."""

    def __init__(self, run: Run, sim: _Watched, begun: int, base: int) -> None:
        self.run, self.sim, self.begun, self.base = run, sim, begun, base
        self.unsent: list[Batch] = []
        self.unheard: list[Batch] = []
        self.moving: dict[int, Batch | Fetch] = {}  # by the event of the message that carries it
        self.asked: dict[int, Fetch] = {}  # by correlation id: those that are not answered

    def read(self, first_event: int) -> None:
        trace = self.sim.trace
        assert trace is not None
        # What was parked before the first arrival is part of the story.
        for ident, event in enumerate(trace.events):
            now = event.time - self.begun
            if event.kind == "sent":
                self._sent(ident, event)
            elif event.kind == "delivered":
                self._delivered(ident, event, now)
            elif event.kind == "append":
                if isinstance(batch := self.moving.get(event.cause), Batch):
                    batch.appended = now
            elif event.kind in ("parked", "completed", "fetched"):
                self._fetched(event, now)
            elif ident >= first_event and event.kind.startswith("batch_"):
                self._batch(event, now)
        if any(batch.acknowledged is None for batch in self.run.batches):
            raise ValueError(f"not all batches came through: {self.run.settings}")
        self.run.fetches = [f for f in self.run.fetches if f.fetched is None or f.fetched > 0]

    def _batch(self, event: Event, now: int) -> None:
        batches = self.run.batches
        match event.kind:
            case "batch_opened":
                first = batches[-1].first + batches[-1].count if batches else 0
                batches.append(Batch(now, first))
            case "batch_closed":
                batch, what = batches[-1], event.what
                batch.closed, batch.why = now, what["reason"]
                batch.count, batch.size_bytes = what["records"], what["size_bytes"]
                self.unsent.append(batch)
            case "batch_acknowledged":
                self.unheard.pop(0).acknowledged = now
            case "batch_split":
                raise ValueError("a batch was split: the microscope shows what is sent once")

    def _sent(self, ident: int, event: Event) -> None:
        message, left = event.what, self.sim.left.get(ident, event.time) - self.begun
        match type(message.body).__name__:
            case "ProduceRequest" if self.run.batches:
                if not self.unsent:
                    raise ValueError("a batch was sent again: the microscope shows one sending")
                batch = self.unsent.pop(0)
                batch.sent, batch.left = event.time - self.begun, left
                batch.wire_bytes = message_bytes(message)
                self.unheard.append(batch)
                self.moving[ident] = batch
            case "ProduceResponse":
                if isinstance(heard := self.moving.get(event.cause), Batch):
                    heard.answered = left
            case "FetchRequest":
                asked = self.moving[ident] = self.asked[message.correlation_id] = Fetch(left)
                self.run.fetches.append(asked)
            case "FetchResponse":
                fetch = self.asked.pop(message.correlation_id)
                fetch.answered, fetch.why = left, fetch.why or "at once"
                self.moving[ident] = fetch

    def _delivered(self, ident: int, event: Event, now: int) -> None:
        moved = self.moving.get(event.cause)
        if moved is None:
            return
        self.moving[ident] = moved
        if isinstance(event.what, Request):
            moved.arrived = now
        elif isinstance(moved, Fetch):
            moved.fetched = now

    def _fetched(self, event: Event, now: int) -> None:
        what = event.what
        if event.kind == "fetched":
            fetch = self.moving[event.cause]
            assert isinstance(fetch, Fetch)
            fetch.first, fetch.end = (
                what["first_offset"] - self.base,
                what["last_offset"] + 1 - self.base,
            )
            fetch.size_bytes = what["size_bytes"]
        elif what["api"] == "Fetch":
            fetch = next(reversed(self.asked.values()))
            if event.kind == "parked":
                fetch.parked, fetch.has = now, what["reason"]
            else:
                fetch.why = what["reason"]


def _name_slots(batches: Sequence[Batch], settings: Settings) -> None:
    """A batch whose linger.ms was over, and that stayed open because as many requests were out as
    may be: what closed it is the answer that let it go."""
    limit = settings["max_in_flight_requests_per_connection"]
    for i, batch in enumerate(batches):
        due = batch.opened + settings["linger_ms"] * MS
        is_late = batch.why in ("linger", "request") and (batch.closed or 0) > due
        if is_late and sum(_is_out(before, due) for before in batches[:i]) >= limit:
            batch.why = "slot"


def _is_out(batch: Batch, at: int) -> bool:
    """Whether a batch has a slot in flight at an instant: from when its machine takes it."""
    sent, acknowledged = batch.sent, batch.acknowledged
    return sent is not None and acknowledged is not None and sent <= at < acknowledged
