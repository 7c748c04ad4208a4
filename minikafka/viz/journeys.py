"""A trace as a space-time story: nodes, the messages between them, waits, and what happened.

      producer   ━━▶ batch 0 filling ▶▶ in flight ━━━━━━━━━━━━━━━━━▶
                        ╲ Produce 3 records · 240 B        ╱ ack: offset 0
      broker-1            ▣ LEO 3  ⚑ HW 3                ╱   ⏸ Fetch waits: 0 of 1 bytes ━━━
                            ╲ …

A message is two events, its sending and its delivery, and the second has the first as its cause. A
message without a delivery is lost, or still on its way when the trace ends. Waits are pairs of
events too: a parked fetch and its completion, a batch from its opening to its acknowledgement.

Why does this message exist, and what came of it? Each item knows the events it is made of, and
`causes` holds the cause of each event: both questions are walks over that one list. Only a batch
that is sent again has another cause than in the trace: not the answer that told its producer where
the broker is, but its own failure.

A story may be a window of a longer run. What was on its way or waiting when the window opens has
times below zero. Roles are those of the whole run.

Built from trace events only.

Not done: what a machine does to its disk, and how long it was busy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from minikafka.node import Request, Response
from minikafka.record.batch import batches
from minikafka.trace import NO_CAUSE, Event, Trace, message_to_json
from minikafka.viz.frames import MOST_BYTES, Frame, Frames
from minikafka.wire.errors import ErrorCode

LOST, UNDER_WAY = -1, -2
"""For the arrival of a message that has none."""

CHATTER = frozenset(["ApiVersions", "Metadata", "InitProducerId", "FindCoordinator", "ListOffsets"])
"""How clients find their way: part of every story, and not shown unless asked for."""
MOST_NUMBERS = 3
"""Offsets that an arrow names, one for a partition."""
ROLES = {"Produce": "producer", "Fetch": "consumer"}
"""What a node is that sends such requests; one that sends both is a client."""


@dataclass(slots=True)
class Lane:
    """A node. `role` is broker, producer, consumer or client."""

    name: str
    role: str
    is_wanted: bool  # asked for by name: it stands there even when it is quiet


@dataclass(slots=True)
class Message:
    """An arrow. Times in µs since the beginning; `arrived` may be LOST or UNDER_WAY.

    A message without a `frame` (its bytes, frames.py) has a `body`: its fields as plain values.
    """

    source: int
    target: int
    sent: int
    arrived: int
    title: str
    more: str
    api: str
    idea: str
    size_bytes: int
    is_answer: bool
    exchange: int  # question and answer have one number
    events: list[int]
    head: str  # its name, version and correlation id
    frame: Frame | None
    body: Any


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
    layouts: list[list[tuple[str, int, str]]] = field(default_factory=list)
    most_bytes: int = MOST_BYTES
    chatter: list[str] = field(default_factory=lambda: sorted(CHATTER))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def journeys(
    trace: Trace,
    *,
    since_us: int | None = None,
    until_us: int | None = None,
    nodes: Collection[str] | None = None,
) -> Journeys:
    """The story of a trace, or of a part of it. Times in µs of the trace; `nodes` by name."""
    return _Telling(trace, since_us, until_us, nodes).story


class _Telling:
    """Walks the trace once."""

    def __init__(
        self,
        trace: Trace,
        since_us: int | None,
        until_us: int | None,
        nodes: Collection[str] | None,
    ) -> None:
        self.story = story = Journeys(causes=[event.cause for event in trace])
        first = trace.events[0].time if trace.events else 0
        last = trace.events[-1].time if trace.events else 0
        self._start = first if since_us is None else since_us
        self._stop = last if until_us is None else until_us
        self._nodes = nodes
        self._frames = Frames()
        self._open: dict[tuple[Any, ...], list[Wait]] = {}
        self._failed: dict[tuple[Any, ...], int] = {}
        self._arrivals = {event.cause: (i, event) for i, event in enumerate(trace)
                          if event.kind in ("delivered", "dropped")}  # fmt: skip
        self._names = {e.what.channel.server: e.node for e in trace
                       if e.kind == "delivered" and isinstance(e.what, Request)}  # fmt: skip
        self._told = {event.node for event in trace}
        self._crashes = [(event.node, event.time) for event in trace.of("crashed")]
        self._closings: dict[int, list[int]] = {}  # id of a connection -> when it was closed
        for event in trace.of("closed"):
            self._closings.setdefault(id(event.what.channel), []).append(event.time)
        self._exchanges: dict[tuple[int, int], int] = {}
        places = {(e.what["topic"], e.what["partition"]) for e in trace.of("append", "position")}
        self.has_partitions = sum(not topic.startswith("__") for topic, _ in places) > 1
        story.lanes = _lanes(trace, self._names, nodes or ())
        self._lanes = {lane.name: i for i, lane in enumerate(story.lanes)}
        for ident, event in enumerate(trace):
            if event.time > self._stop:
                break
            self._take(ident, event)
        story.end = self._stop - self._start
        for open_ones in self._open.values():
            for wait in open_ones:
                wait.until = story.end
        story.waits = [wait for wait in story.waits if wait.until >= 0]
        story.layouts = self._frames.layouts
        _arrange(story)

    def _take(self, ident: int, event: Event) -> None:
        is_first = event.kind == "sent" or (event.kind == "delivered" and event.cause == NO_CAUSE)
        if is_first and isinstance(event.what, (Request, Response)):
            self._message(ident, event)
        elif isinstance(event.what, dict) and self._is_wanted(event.node):
            take = _TAKERS.get(event.kind)
            if take is not None:
                take(self, ident, event, event.what)

    def _is_wanted(self, node: str) -> bool:
        return self._nodes is None or node in self._nodes

    # --- messages ---
    def _message(self, ident: int, event: Event) -> None:
        message = event.what
        api = api_of(message)
        client, server = message.channel.client, self._names.get(message.channel.server)
        if not api or server is None:
            return
        if not (self._is_wanted(client) and self._is_wanted(server)):
            return
        is_answer = isinstance(message, Response)
        if api == "Produce" and not is_answer:
            self._sent_again(ident, event.node, message)
        ends = self._lanes[client], self._lanes[server]
        source, target = ends[::-1] if is_answer else ends
        arrived, over_at, events = self._arrival(ident, event, client if is_answer else server)
        if over_at < self._start:
            return
        key = id(message.channel), message.correlation_id
        exchange = self._exchanges.setdefault(key, len(self._exchanges))
        size, frame = self._frames.of(message)
        name, (title, more) = type(message.body).__name__, words_of(message)
        self.story.messages.append(
            Message(
                source=source,
                target=target,
                sent=event.time - self._start,
                arrived=arrived,
                title=title,
                more=more,
                api=api,
                idea=idea_of(api),
                size_bytes=size,
                is_answer=is_answer,
                exchange=exchange,
                events=events,
                head=f"{name} v{message.version} · #{message.correlation_id}",
                frame=frame,
                body=None if frame else message_to_json(message)["body"],
            )
        )

    def _arrival(self, ident: int, event: Event, target: str) -> tuple[int, int, list[int]]:
        """When a message arrives, when it is over in the trace's time, the events it is made of."""
        if ident in self._arrivals:
            number, end = self._arrivals[ident]
            arrived = UNDER_WAY if end.time > self._stop else end.time - self._start
            return LOST if end.kind == "dropped" else arrived, end.time, [ident, number]
        if event.kind == "delivered" or target not in self._told:  # the trace is of one side only
            return event.time - self._start, event.time, [ident]
        ends = [time for node, time in self._crashes if node in (event.node, target)]
        ends += self._closings.get(id(event.what.channel), [])
        over_at = min((time for time in ends if time >= event.time), default=self._stop + 1)
        if over_at <= self._stop:
            return LOST, over_at, [ident]
        return UNDER_WAY, self._stop, [ident]

    def _sent_again(self, ident: int, node: str, message: Request) -> None:
        """A batch that failed and goes out again does so because it failed."""
        for topic in message.body.topic_data:
            for data in topic.partition_data:
                for _, header in batches(data.records or b""):
                    key = (node, topic.name, data.index, header.record_count)
                    if key in self._failed:
                        self.story.causes[ident] = self._failed.pop(key)

    # --- waits and marks ---
    def begin(
        self, key: tuple[Any, ...], event: Event, ident: int, row: str, title: str, idea: str
    ) -> None:
        since = event.time - self._start
        wait = Wait(self._lanes[event.node], row, since, since, title, idea, [ident])
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
        at = event.time - self._start
        if at >= 0:
            mark = Mark(self._lanes[event.node], row, at, title, kind, idea, [ident])
            self.story.marks.append(mark)

    def failed(self, key: tuple[Any, ...], ident: int) -> None:
        self._failed[key] = ident


# --- nodes ---
def _lanes(trace: Trace, names: dict[str, str], wanted: Collection[str]) -> list[Lane]:
    """Every node of a trace, with what it is."""
    apis: dict[str, set[str]] = {}
    for event in trace:
        if isinstance(event.what, Request):
            apis.setdefault(event.what.channel.client, set()).add(api_of(event.what))
        else:
            apis.setdefault(event.node, set())
    for server in names.values():
        apis.setdefault(server, set())
    lanes = []
    for node, used in apis.items():
        roles = [role for api, role in ROLES.items() if api in used]
        role = "broker" if node in names.values() else roles[0] if len(roles) == 1 else "client"
        lanes.append(Lane(node, role, node in wanted))
    return lanes


def _arrange(story: Journeys) -> None:
    """Drop the lanes in which nothing is told; order the others (`arranged`)."""
    told = {end for message in story.messages for end in (message.source, message.target)}
    inside: list[Wait | Mark] = [*story.waits, *story.marks]
    told |= {each.lane for each in inside}
    kept = [i for i, lane in enumerate(story.lanes) if i in told or lane.is_wanted]
    ranks = {"producer": 0, "client": 1, "broker": 2, "consumer": 3}
    kept.sort(key=lambda i: (ranks[story.lanes[i].role], i))
    traffic = Counter((m.source, m.target) for m in story.messages)
    order = arranged(kept, traffic)
    place = {old: new for new, old in enumerate(order)}
    story.lanes = [story.lanes[old] for old in order]
    for message in story.messages:
        message.source, message.target = place[message.source], place[message.target]
    for each in inside:
        each.lane = place[each.lane]


def arranged(lanes: list[int], traffic: Mapping[tuple[int, int], int]) -> list[int]:
    """An order in which arrows cross few lanes.

    `lanes` stand as data flows: producers, brokers, consumers. One lane at a time moves to where
    it saves most, as long as that helps; a message that would run against the flow counts as if
    it crossed two lanes more.
    """
    flow = {lane: i for i, lane in enumerate(lanes)}

    def cost(order: list[int]) -> int:
        place = {lane: i for i, lane in enumerate(order)}
        total = 0
        for (a, b), count in traffic.items():
            away = place[a] - place[b]
            is_against = (away > 0) != (flow[a] > flow[b])
            total += count * (abs(away) - 1 + 2 * is_against)
        return total

    best, least = lanes, cost(lanes)
    for _ in lanes:
        others = (
            (*(rest := [x for x in best if x != lane])[:at], lane, *rest[at:])
            for lane in best
            for at in range(len(best))
        )
        found = min(map(list, others), key=cost, default=best)
        if cost(found) >= least:
            break
        best, least = found, cost(found)
    return best


# --- words ---
def api_of(message: Request | Response) -> str:
    name = "" if message.body is None else type(message.body).__name__
    return name.removesuffix("Request").removesuffix("Response")


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
        return _outcome("ack", answers, "base offset", [each.base_offset for each in answers])
    if name == "FetchRequest":
        asked = [each for topic in body.topics for each in topic.partitions]
        return "Fetch", _some("from", [each.fetch_offset for each in asked]) or "goes on"
    if name == "FetchResponse":
        found = [each for topic in body.responses for each in topic.partitions]
        size = sum(len(each.records or b"") for each in found)
        if body.throttle_time_ms:
            return "too fast", f"wait {body.throttle_time_ms:,} ms"
        told = [each for each in found if each.records] or found
        return _outcome(f"{size:,} B", found, "HW", [each.high_watermark for each in told])
    return api_of(message), "answer" if isinstance(message, Response) else ""


def _outcome(title: str, parts: list[Any], words: str, numbers: list[int]) -> tuple[str, str]:
    """The first error of an answer; else a number for each of its partitions."""
    codes = [ErrorCode.of(each.error_code) for each in parts]
    failed = [code.name for code in codes if code is not ErrorCode.NONE]
    return title, failed[0] if failed else _some(words, numbers)


def _some(words: str, numbers: list[int]) -> str:
    more = ", …" if len(numbers) > MOST_NUMBERS else ""
    return f"{words} {', '.join(map(str, numbers[:MOST_NUMBERS]))}{more}" if numbers else ""


Fields = dict[str, Any]


def _batch_key(event: Event, what: Fields) -> tuple[Any, ...]:
    return event.node, "filling", what["topic"], what["partition"]


def _batch_opened(self: _Telling, ident: int, event: Event, what: Fields) -> None:
    place = f"{what['topic']}-{what['partition']}"
    self.begin(_batch_key(event, what), event, ident, "filling", f"{place} fills", "write")


def _batch_closed(self: _Telling, ident: int, event: Event, what: Fields) -> None:
    if what["reason"] != "split":  # half of a batch was never filled by itself
        self.finish(_batch_key(event, what), event, ident, f": {what['reason']}")
    key = (event.node, "in flight", what["topic"], what["partition"], what["records"])
    title = f"{what['records']} record{'s' * (what['records'] != 1)} in flight"
    self.begin(key, event, ident, "in flight", title, "write")


def _batch_retried(self: _Telling, ident: int, event: Event, what: Fields) -> None:
    key = (event.node, what["topic"], what["partition"], what["records"])
    self.failed(key, ident)
    self.mark(ident, event, "life", f"failed: {what['error']}", "retried", "lost")


def _batch_over(self: _Telling, ident: int, event: Event, what: Fields) -> None:
    key = (event.node, "in flight", what["topic"], what["partition"], what["records"])
    self.finish(key, event, ident)


def _parked(self: _Telling, ident: int, event: Event, what: Fields) -> None:
    title = f"{what['api']} waits: {what['reason']}"
    self.begin((event.node, what["channel"]), event, ident, "waiting", title, "read")


def _completed(self: _Telling, ident: int, event: Event, what: Fields) -> None:
    why = what.get("error", what["reason"])
    self.finish((event.node, what["channel"]), event, ident, f" · {why}")


def _of_a_log(
    row: str, title: str, kind: str, idea: str
) -> Callable[[_Telling, int, Event, Fields], None]:
    """What happens to a partition's log; of internal topics nothing is said."""

    def take(self: _Telling, ident: int, event: Event, what: Fields) -> None:
        if what["topic"].startswith("__"):
            return
        end = what.get("last_offset", -1) + 1
        words = title.format(end=end, **what)
        where = f"{what['topic']}-{what['partition']}: " if self.has_partitions else ""
        self.mark(ident, event, row, where + words, kind, idea)

    return take


def _crashed(self: _Telling, ident: int, event: Event, what: Fields) -> None:
    self.end_all(event)
    self.mark(ident, event, "life", "crashes", "crashed", "lost")


def _named(kind: str, title: str, idea: str) -> Callable[[_Telling, int, Event, Fields], None]:
    def take(self: _Telling, ident: int, event: Event, what: Fields) -> None:
        self.mark(ident, event, "life", title.format(**what), kind, idea)

    return take


_TAKERS: dict[str, Callable[[_Telling, int, Event, Fields], None]] = {
    "batch_opened": _batch_opened,
    "batch_closed": _batch_closed,
    "batch_retried": _batch_retried,
    "batch_split": _batch_over,
    "batch_acknowledged": _batch_over,
    "batch_failed": _batch_over,
    "parked": _parked,
    "completed": _completed,
    "append": _of_a_log("log", "LEO {end}", "append", "write"),
    "high_watermark": _of_a_log("log", "HW {offset}", "high_watermark", "commit"),
    "position": _of_a_log("position", "next {offset}", "position", "read"),
    "crashed": _crashed,
    "recovered": _of_a_log("life", "recovers to {offset}", "recovered", "lost"),
    "throttled": _named("throttled", "too fast: {throttle_time_ms} ms", "rule"),
    "truncate": _of_a_log("life", "cut to {offset}", "truncate", "lost"),
}
