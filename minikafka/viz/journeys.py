"""A trace as a space-time story: nodes, the messages between them, waits, and what happened.

      producer   ━━▶ batch 0 filling ▶▶ in flight ━━━━━━━━━━━━━━━━━▶
                        ╲ Produce 3 records · 240 B        ╱ ack: offset 0
      broker-1            ▣ LEO 3  ⚑ HW 3                ╱   ⏸ Fetch waits: 0 of 1 bytes ━━━
                            ╲ …

A message is two events, its sending and its delivery, and the second has the first as its cause. A
message without a delivery is lost, or still on its way when the trace ends. Waits are pairs of
events too: a parked fetch and its completion, a batch from its opening to its acknowledgement.

Why does this message exist, and what came of it? Each item knows the events it is made of, and
`causes` holds the cause of each event: both questions are walks over that one list.

Built from trace events only.

Not done: what a machine does to its disk, and how long it was busy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from typing import Any

from minikafka.node import Request, Response
from minikafka.record.batch import batches
from minikafka.runtime.network import message_bytes
from minikafka.trace import NO_CAUSE, Event, Trace, message_to_json
from minikafka.wire.errors import ErrorCode

LOST, UNDER_WAY = -1, -2
"""For the arrival of a message that has none."""

WAITS = frozenset(
    [
        "batch_opened",
        "batch_closed",
        "batch_acknowledged",
        "batch_failed",
        "parked",
        "completed",
        "crashed",
    ]
)
CHATTER = frozenset(["ApiVersions", "Metadata", "InitProducerId", "FindCoordinator", "ListOffsets"])
"""How clients find their way: left out unless asked for."""


@dataclass(slots=True)
class Lane:
    """A node. `role` is broker, producer, consumer or client."""

    name: str
    role: str


@dataclass(slots=True)
class Message:
    """An arrow. Times in µs since the beginning; `arrived` may be LOST or UNDER_WAY."""

    source: int
    target: int
    sent: int
    arrived: int
    title: str
    more: str
    idea: str
    size_bytes: int
    is_answer: bool
    exchange: int  # question and answer have one number
    events: list[int]
    body: Any  # decoded, as plain values


@dataclass(slots=True)
class Wait:
    """A bar: something that waits on a node until an event ends it, or the trace does."""

    lane: int
    row: str
    since: int
    until: int
    title: str
    idea: str
    events: list[int]


@dataclass(slots=True)
class Mark:
    """Something that happened on a node at an instant."""

    lane: int
    row: str
    at: int
    title: str
    kind: str
    idea: str
    events: list[int]


@dataclass(slots=True)
class Journeys:
    """The whole story, as it is sent to the browser once."""

    lanes: list[Lane] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    end: int = 0
    causes: list[int] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def journeys(
    trace: Trace,
    *,
    since_us: int | None = None,
    until_us: int | None = None,
    nodes: Collection[str] | None = None,
    with_chatter: bool = False,
) -> Journeys:
    """The story of a trace, or of a part of it. Times in µs of the trace; `nodes` by name."""
    return _Telling(trace, since_us, until_us, nodes, with_chatter).story


class _Telling:
    """Walks the trace once."""

    def __init__(
        self,
        trace: Trace,
        since_us: int | None,
        until_us: int | None,
        nodes: Collection[str] | None,
        with_chatter: bool,
    ) -> None:
        self.story = story = Journeys(causes=[event.cause for event in trace])
        self._events = trace.events
        first = trace.events[0].time if trace.events else 0
        last = trace.events[-1].time if trace.events else 0
        self._start = first if since_us is None else since_us
        self._stop = last if until_us is None else until_us
        self._nodes = nodes
        self._with_chatter = with_chatter
        self._lanes: dict[str, int] = {}
        self._open: dict[tuple[Any, ...], list[Wait]] = {}
        self._arrivals = {event.cause: (i, event) for i, event in enumerate(trace)
                          if event.kind in ("delivered", "dropped")}  # fmt: skip
        self._names = {e.what.channel.server: e.node for e in trace
                       if e.kind == "delivered" and isinstance(e.what, Request)}  # fmt: skip
        self._told = {event.node for event in trace}
        self._crashes = [(event.node, event.time) for event in trace.of("crashed")]
        self._exchanges: dict[tuple[int, int], int] = {}
        for ident, event in enumerate(trace):
            is_wait = event.kind in WAITS  # one that began before may go on
            if event.time <= self._stop and (is_wait or event.time >= self._start):
                self._take(ident, event)
        story.end = self._stop - self._start
        for open_ones in self._open.values():
            for wait in open_ones:
                wait.until = story.end
        story.waits = [wait for wait in story.waits if wait.until >= 0]
        self._order()

    def _take(self, ident: int, event: Event) -> None:
        is_first = event.kind == "sent" or (event.kind == "delivered" and event.cause == NO_CAUSE)
        if is_first and isinstance(event.what, (Request, Response)):
            self._message(ident, event)
        elif isinstance(event.what, dict) and self._is_wanted(event.node):
            take = _TAKERS.get(event.kind)
            if take is not None:
                take(self, ident, event, event.what)

    # --- nodes ---
    def _is_wanted(self, node: str) -> bool:
        return self._nodes is None or node in self._nodes

    def _lane(self, node: str, role: str = "client") -> int:
        if node not in self._lanes:
            self._lanes[node] = len(self.story.lanes)
            self.story.lanes.append(Lane(node, role))
        lane = self.story.lanes[self._lanes[node]]
        if lane.role == "client":
            lane.role = role
        return self._lanes[node]

    def _order(self) -> None:
        """Producers above, brokers in the middle, consumers below, as data flows."""
        story = self.story
        ranks = {"producer": 0, "client": 1, "broker": 2, "consumer": 3}
        order = sorted(range(len(story.lanes)), key=lambda i: (ranks[story.lanes[i].role], i))
        place = {old: new for new, old in enumerate(order)}
        story.lanes = [story.lanes[old] for old in order]
        for message in story.messages:
            message.source, message.target = place[message.source], place[message.target]
        for wait in story.waits:
            wait.lane = place[wait.lane]
        for mark in story.marks:
            mark.lane = place[mark.lane]

    # --- messages ---
    def _message(self, ident: int, event: Event) -> None:
        message = event.what
        name = "" if message.body is None else type(message.body).__name__
        api = name.removesuffix("Request").removesuffix("Response")
        client, server = message.channel.client, self._names.get(message.channel.server)
        if not api or server is None or (api in CHATTER and not self._with_chatter):
            return
        if not (self._is_wanted(client) and self._is_wanted(server)):
            return
        is_answer = isinstance(message, Response)
        role = {"Produce": "producer", "Fetch": "consumer"}.get(api, "client")
        ends = self._lane(client, role), self._lane(server, "broker")
        source, target = ends[::-1] if is_answer else ends
        arrival = self._arrivals.get(ident)
        arrived, events = UNDER_WAY, [ident]
        if arrival is None:
            arrived = self._end_of(event, client if is_answer else server)
        if arrival is not None:
            events.append(arrival[0])
            lost = arrival[1].kind == "dropped"
            arrived = LOST if lost else arrival[1].time - self._start
            if arrived > self._stop - self._start:
                arrived = UNDER_WAY
        key = id(message.channel), message.correlation_id
        exchange = self._exchanges.setdefault(key, len(self._exchanges))
        title, more = words_of(message)
        sent, size = event.time - self._start, message_bytes(message)
        arrow = (source, target, sent, arrived, title, more, idea_of(api), size, is_answer)
        self.story.messages.append(Message(*arrow, exchange, events, message_to_json(message)))

    def _end_of(self, event: Event, target: str) -> int:
        """What became of a message whose delivery nobody has told."""
        if event.kind == "delivered" or target not in self._told:  # the trace is of one side only
            return event.time - self._start
        ends = (event.node, target)
        gone = any(
            node in ends and event.time <= time <= self._stop for node, time in self._crashes
        )
        return LOST if gone else UNDER_WAY

    # --- waits and marks ---
    def begin(
        self, key: tuple[Any, ...], event: Event, ident: int, row: str, title: str, idea: str
    ) -> None:
        since = max(0, event.time - self._start)
        wait = Wait(self._lane(event.node), row, since, since, title, idea, [ident])
        self.story.waits.append(wait)
        self._open.setdefault(key, []).append(wait)

    def finish(self, key: tuple[Any, ...], event: Event, ident: int, more: str = "") -> None:
        """End the oldest wait of this kind."""
        open_ones = self._open.get(key)
        if open_ones:
            wait = open_ones.pop(0)
            wait.until = event.time - self._start
            wait.events.append(ident)
            wait.title += more

    def end_all(self, event: Event) -> None:
        """A node has crashed: nothing waits there any more."""
        for key, open_ones in self._open.items():
            if key[0] == event.node:
                for wait in open_ones:
                    wait.until = event.time - self._start
                open_ones.clear()

    def mark(self, ident: int, event: Event, row: str, title: str, kind: str, idea: str) -> None:
        lane = self._lane(event.node)
        at = event.time - self._start
        self.story.marks.append(Mark(lane, row, at, title, kind, idea, [ident]))


def idea_of(api: str) -> str:
    return {"Produce": "write", "Fetch": "read"}.get(api, "rule")


def words_of(message: Request | Response) -> tuple[str, str]:
    """What an arrow says: what it is, and what matters in it."""
    body = message.body
    name = type(body).__name__
    if name == "ProduceRequest":
        parts = [data for topic in body.topic_data for data in topic.partition_data]
        count = sum(
            header.record_count for data in parts for _, header in batches(data.records or b"")
        )
        size = sum(len(data.records or b"") for data in parts)
        return "Produce", f"{count} record{'s' * (count != 1)} · {size:,} B"
    if name == "ProduceResponse":
        answers = [each for topic in body.responses for each in topic.partition_responses]
        return _outcome("ack", answers, lambda each: f"base offset {each.base_offset}")
    if name == "FetchRequest":
        asked = [each for topic in body.topics for each in topic.partitions]
        return "Fetch", f"from {asked[0].fetch_offset}" if asked else "goes on"
    if name == "FetchResponse":
        found = [each for topic in body.responses for each in topic.partitions]
        size = sum(len(each.records or b"") for each in found)
        if body.throttle_time_ms:
            return "too fast", f"wait {body.throttle_time_ms:,} ms"
        return _outcome(f"{size:,} B", found, lambda each: f"HW {each.high_watermark}")
    short = name.removesuffix("Request").removesuffix("Response")
    return short, "answer" if isinstance(message, Response) else ""


def _outcome(title: str, parts: list[Any], words: Callable[[Any], str]) -> tuple[str, str]:
    if not parts:
        return title, ""
    code = ErrorCode.of(parts[0].error_code)
    return title, words(parts[0]) if code is ErrorCode.NONE else code.name


Fields = dict[str, Any]


def _batch_key(event: Event, what: Fields) -> tuple[Any, ...]:
    return event.node, "filling", what["topic"], what["partition"]


def _batch_opened(self: _Telling, ident: int, event: Event, what: Fields) -> None:
    place = f"{what['topic']}-{what['partition']}"
    self.begin(_batch_key(event, what), event, ident, "filling", f"{place} fills", "write")


def _batch_closed(self: _Telling, ident: int, event: Event, what: Fields) -> None:
    self.finish(_batch_key(event, what), event, ident, f": {what['reason']}")
    key = (event.node, "in flight", what["topic"], what["partition"], what["records"])
    title = f"{what['records']} record{'s' * (what['records'] != 1)} in flight"
    self.begin(key, event, ident, "in flight", title, "write")


def _batch_over(self: _Telling, ident: int, event: Event, what: Fields) -> None:
    key = (event.node, "in flight", what["topic"], what["partition"], what["records"])
    self.finish(key, event, ident)


def _parked(self: _Telling, ident: int, event: Event, what: Fields) -> None:
    title = f"{what['api']} waits: {what['reason']}"
    self.begin((event.node, what["channel"]), event, ident, "waiting", title, "read")


def _completed(self: _Telling, ident: int, event: Event, what: Fields) -> None:
    self.finish((event.node, what["channel"]), event, ident, f" · {what['reason']}")


def _append(self: _Telling, ident: int, event: Event, what: Fields) -> None:
    if not what["topic"].startswith("__"):
        title = f"LEO {what['last_offset'] + 1}"
        self.mark(ident, event, "log", title, "append", "write")


def _high_watermark(self: _Telling, ident: int, event: Event, what: Fields) -> None:
    self.mark(ident, event, "log", f"HW {what['offset']}", "high_watermark", "commit")


def _position(self: _Telling, ident: int, event: Event, what: Fields) -> None:
    self.mark(ident, event, "position", f"next {what['offset']}", "position", "read")


def _crashed(self: _Telling, ident: int, event: Event, what: Fields) -> None:
    self.end_all(event)
    if event.time >= self._start:
        self.mark(ident, event, "life", "crashes", "crashed", "lost")


def _named(kind: str, title: str, idea: str) -> Callable[[_Telling, int, Event, Fields], None]:
    def take(self: _Telling, ident: int, event: Event, what: Fields) -> None:
        self.mark(ident, event, "life", title.format(**what), kind, idea)

    return take


_TAKERS: dict[str, Callable[[_Telling, int, Event, Fields], None]] = {
    "batch_opened": _batch_opened,
    "batch_closed": _batch_closed,
    "batch_acknowledged": _batch_over,
    "batch_failed": _batch_over,
    "parked": _parked,
    "completed": _completed,
    "append": _append,
    "high_watermark": _high_watermark,
    "position": _position,
    "crashed": _crashed,
    "recovered": _named("recovered", "recovers to {offset}", "lost"),
    "throttled": _named("throttled", "too fast: {throttle_time_ms} ms", "rule"),
    "truncate": _named("truncate", "cut to {offset}", "lost"),
}
