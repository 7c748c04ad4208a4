"""A trace becomes the story of its logs: columns of numbers that a drawing can walk through.

A *moment* is an event that a reader of a log strip would point at. Everything a strip
shows is a function of a moment's number, so a scrub back shows exactly what was there:

      moment   0 started   1 produce   2 append   3 high_watermark   4 position
      batches                          0..2 born
      log end  0                       3
      HW       0                                  3
      billing                                                        3

Each row above is stored once, as the moments at which it changed (`Steps`) or as the
moments of birth and end (`Batches`, `Segments`). The browser gets these columns once and
needs no kernel afterwards; the static picture and the text picture read the same ones.

Built from trace events only. Keys and values of records come from the produce requests
in the trace, found through the cause of the append.

Not done: entries of the time index. Most are written along with those of the offset index,
the others when a file is closed, and no event tells of them.
Not done: records appended without a produce request in the trace show their offset only.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from minikafka.node import Channel, Request
from minikafka.producer.partitioner import murmur2, partition_of_key
from minikafka.record.batch import batches
from minikafka.record.records import Record, decode
from minikafka.trace import Event, Trace
from minikafka.wire.messages.fetch import FetchRequest
from minikafka.wire.messages.produce import ProduceRequest
from minikafka.wire.types import uuid_text

CREATED = ("topic_created", "partitions_created")

NEVER_ENDED = -1
"""In an `end` column: still there when the trace stops."""

ABSENT = -1
"""In the steps of an offset: there is no log any more."""

MAX_HASHED_KEYS = 4
"""More keys than there are shapes for them make no table."""

MOST_BYTES_A_CHARACTER = 4
"""In UTF-8."""

PREVIEW_CHARACTERS = 24
"""A key or value is shown, not stored: longer text is cut here."""


@dataclass(slots=True)
class Steps:
    """A number that changes at some moments: `value[i]` holds from `moment[i]` on."""

    moment: list[int] = field(default_factory=list)
    value: list[int] = field(default_factory=list)

    def set(self, moment: int, value: int) -> None:
        if not self.value or self.value[-1] != value:
            self.moment.append(moment)
            self.value.append(value)

    def at(self, moment: int) -> int | None:
        """The value at a moment; None before the first one, and where it is ABSENT."""
        place = bisect_right(self.moment, moment)
        return self.value[place - 1] if place and self.value[place - 1] != ABSENT else None

    @property
    def last(self) -> int:
        return max(0, self.value[-1]) if self.value else 0


@dataclass(slots=True)
class Batches:
    """What was appended: offsets `base` to `end` (exclusive), alive from `born` until `gone`."""

    base: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    size_bytes: list[int] = field(default_factory=list)
    born: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    # One [key, value] per record, as text or None; an empty list when the trace does not tell.
    records: list[list[list[str | None]]] = field(default_factory=list)
    indexed: list[bool] = field(default_factory=list)  # whether the offset index points to it


@dataclass(slots=True)
class Segments:
    """Files by base offset; each ends where the next one alive begins."""

    base: list[int] = field(default_factory=list)
    born: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Lane:
    """One partition's log on one broker."""

    broker: str
    topic: str
    partition: int
    log_start: Steps = field(default_factory=Steps)
    high_watermark: Steps = field(default_factory=Steps)
    log_end: Steps = field(default_factory=Steps)
    # The epochs in which this broker leads; empty as long as the trace does not say.
    epoch: Steps = field(default_factory=Steps)
    batches: Batches = field(default_factory=Batches)
    segments: Segments = field(default_factory=Segments)
    readers: dict[str, Steps] = field(default_factory=dict)
    # moment of a cut -> where the log ended before it
    cut: dict[int, int] = field(default_factory=dict)
    # moments at which the broker went down (1) and came back (0)
    down: Steps = field(default_factory=Steps)

    @property
    def name(self) -> str:
        return f"{self.topic}-{self.partition}"

    @property
    def first(self) -> int:
        """The lowest offset that this log ever held: where its axis begins."""
        return min([*self.segments.base, *self.batches.base], default=0)


@dataclass(slots=True)
class Flights:
    """Records on their way into a lane, by moments: sent, landed (or ended otherwise), known."""

    lane: list[int] = field(default_factory=list)
    label: list[list[str]] = field(default_factory=list)  # wordings, longest first
    sent: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    lost: list[bool] = field(default_factory=list)
    base: list[int] = field(default_factory=list)  # offset of the first record; -1: none landed
    acknowledged: list[int] = field(default_factory=list)  # moment at which the producer knew


@dataclass(slots=True)
class Moments:
    """When, what (the event's kind), where (lane, or -1) and in words."""

    time_us: list[int] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    lane: list[int] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.time_us)


@dataclass(slots=True)
class HashedKey:
    """A key and where its hash sends it."""

    text: str
    hash: str
    partition: int


@dataclass(slots=True)
class Story:
    """Everything a log strip shows of one run."""

    lanes: list[Lane]
    moments: Moments
    flights: Flights
    # The keys of the one topic that is shown, if they are few and went where their hash says.
    keys: list[HashedKey]

    @property
    def last(self) -> int:
        """Number of the last moment (-1 when nothing happened)."""
        return len(self.moments) - 1

    @property
    def record_count(self) -> int:
        """Records that were ever appended."""
        return sum(lane.batches.end[i] - base for lane in self.lanes
                   for i, base in enumerate(lane.batches.base))  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """The columns as plain values, for the browser."""
        plain = asdict(self)
        for lane, row in zip(self.lanes, plain["lanes"], strict=True):
            row["name"] = lane.name
            row["first"] = lane.first
        return plain


def tell(trace: Trace, *, topics: list[str] | None = None) -> Story:
    """The story of these topics' logs; without a list, of all but the internal ones (`__…`)."""
    return _Teller(trace, topics).tell()


class _Produced(NamedTuple):
    """What one produce request brings to one partition."""

    sender: str
    topic: str
    partition: int
    records: list[list[str | None]]
    flight: int


class _Teller:
    """Walks a trace once, each event kind handled by the method of its name."""

    def __init__(self, trace: Trace, topics: list[str] | None) -> None:
        self.trace = trace
        self.topics = topics
        self.story = Story([], Moments(), Flights(), [])
        self.lanes: dict[tuple[str, str, int], int] = {}
        self.topic_names: dict[str, str] = {}
        self.partition_counts: dict[str, int] = {}
        self.key_partitions: dict[bytes, set[int]] = {}
        # id of the event that sent it -> what it brings, by partition
        self.produced: dict[int, dict[tuple[str, int], _Produced]] = {}
        self.under_way: dict[
            int, Channel
        ] = {}  # by the same id: those that neither came nor failed
        self.appending = {(e.cause, e.what["topic"], e.what["partition"])
                          for e in trace.of("append")}  # fmt: skip
        # server -> the broker that is told by that name
        self.brokers = {e.what.channel.server: e.node for e in trace
                        if e.kind == "delivered" and isinstance(e.what, Request)}  # fmt: skip
        # (client, topic, partition) -> the broker that it last asked about that partition
        self.asked: dict[tuple[str, str, int], str] = {}

    def tell(self) -> Story:
        self._make_lanes()
        self._note_first_asked()
        for ident, event in enumerate(self.trace):
            handler: Callable[[int, Event], None] | None = getattr(self, f"on_{event.kind}", None)
            if handler is not None:
                handler(ident, event)
        self.story.keys = self._hashed_keys()
        return self.story

    def _hashed_keys(self) -> list[HashedKey]:
        """Empty where the table would not be true: a partition was chosen, or came later."""
        if len({lane.topic for lane in self.story.lanes}) != 1:
            return []
        count = self.partition_counts.get(self.story.lanes[0].topic, 0)
        if count < 2 or len(self.key_partitions) > MAX_HASHED_KEYS:
            return []
        found = []
        for key, partitions in self.key_partitions.items():
            place = partition_of_key(key, count)
            if partitions != {place}:
                return []
            found.append(HashedKey(_text(key) or "", f"{murmur2(key):08x}", place))
        return found

    def _make_lanes(self) -> None:
        """All lanes up front, in order of name, so that none jumps in while the story plays."""
        keys = set()
        for event in self.trace.of(*CREATED, "append", "high_watermark", "recovered"):
            what = event.what
            if not self.is_shown(what["topic"]):
                continue
            if event.kind in CREATED:
                self.topic_names[str(what.get("topic_id"))] = what["topic"]
                keys |= {(what["topic"], p, event.node) for p in range(what["partitions"])}
            else:
                keys.add((what["topic"], what["partition"], event.node))
        for topic, partition, broker in sorted(keys):
            self.lanes[broker, topic, partition] = len(self.story.lanes)
            self.story.lanes.append(Lane(broker, topic, partition))

    def is_shown(self, topic: str) -> bool:
        return topic in self.topics if self.topics is not None else not topic.startswith("__")

    def lane_of(self, event: Event) -> tuple[int, Lane] | tuple[int, None]:
        what = event.what
        index = self.lanes.get((event.node, what["topic"], what["partition"]), -1)
        return (index, self.story.lanes[index]) if index >= 0 else (-1, None)

    def lane_for(self, client: str, topic: str, partition: int) -> tuple[int, Lane] | None:
        """Where a client's partition is: on the broker it asked about it, else on the first.

        What clients report does not name a broker.
        """
        found = [
            (index, lane)
            for index, lane in enumerate(self.story.lanes)
            if (lane.topic, lane.partition) == (topic, partition)
        ]
        broker = self.asked.get((client, topic, partition))
        return next((pair for pair in found if pair[1].broker == broker), next(iter(found), None))

    def _note_first_asked(self) -> None:
        """A client may report a position before it asks for the first time."""
        for event in reversed(self.trace.of("sent")):
            self._note_asked(event.what)

    def _note_asked(self, message: Any) -> None:
        if isinstance(message, Request) and isinstance(message.body, FetchRequest | ProduceRequest):
            client, broker = message.channel.client, self.brokers.get(message.channel.server)
            for place in self._places(message.body) if broker else ():
                self.asked[client, *place] = broker or ""

    def _places(self, body: FetchRequest | ProduceRequest) -> Iterator[tuple[str, int]]:
        """The partitions that a request is about."""
        if isinstance(body, FetchRequest):
            for asked in body.topics:
                name = self._name(asked.topic, asked.topic_id)
                yield from ((name, each.partition) for each in asked.partitions)
        else:
            for topic in body.topic_data:
                name = self._name(topic.name, topic.topic_id)
                yield from ((name, each.index) for each in topic.partition_data)

    def _name(self, name: str, topic_id: bytes) -> str:
        """A topic's name, of which newer requests have the id only."""
        return name or self.topic_names.get(uuid_text(topic_id), "")

    def moment(self, event: Event, lane: int, text: str) -> int:
        moments = self.story.moments
        moments.time_us.append(event.time)
        moments.kind.append(event.kind)
        moments.lane.append(lane)
        moments.text.append(text)
        return len(moments) - 1

    # -- lives of brokers ---------------------------------------------------------

    def on_started(self, _: int, event: Event) -> None:
        self._went(event, "starts", down=0)

    def on_stopped(self, _: int, event: Event) -> None:
        self._went(event, "stops cleanly", down=1)

    def on_crashed(self, _: int, event: Event) -> None:
        self._went(event, "crashes: what it had flushed stays on its disk", down=1)

    def _went(self, event: Event, words: str, *, down: int) -> None:
        lanes = [lane for lane in self.story.lanes if lane.broker == event.node]
        if lanes:
            moment = self.moment(event, -1, f"{event.node} {words}")
            for lane in lanes:
                lane.down.set(moment, down)

    # -- logs ---------------------------------------------------------------------

    def on_topic_created(self, _: int, event: Event) -> None:
        self._created(event, "is created with")

    def on_partitions_created(self, _: int, event: Event) -> None:
        self._created(event, "now has")

    def _created(self, event: Event, verb: str) -> None:
        topic, count = event.what["topic"], event.what["partitions"]
        if not self.is_shown(topic):
            return
        self.partition_counts[topic] = count
        noun = "partition" if count == 1 else "partitions"
        moment = self.moment(event, -1, f"topic {topic} {verb} {count} {noun}")
        for partition in range(count):
            lane = self.story.lanes[self.lanes[event.node, topic, partition]]
            if lane.log_end.at(moment) is None:
                _open(lane, moment, 0)
                _lead(lane, moment, event)

    def on_topic_deleted(self, _: int, event: Event) -> None:
        topic = event.what["topic"]
        lanes = [
            each for each in self.story.lanes if (each.broker, each.topic) == (event.node, topic)
        ]
        if not lanes:
            return
        moment = self.moment(event, -1, f"topic {topic} is deleted")
        for lane in lanes:
            _bury(lane.batches, moment, lambda _: True)
            _bury(lane.segments, moment, lambda _: True)
            for steps in (lane.log_start, lane.high_watermark, lane.log_end):
                steps.set(moment, ABSENT)

    def on_append(self, ident: int, event: Event) -> None:
        index, lane = self.lane_of(event)
        if lane is None:
            return
        base, last, size = (event.what[k] for k in ("base_offset", "last_offset", "size_bytes"))
        produced = self._behind(ident, lane)
        count, where = _records(last + 1 - base), span(base, last + 1)
        moment = self.moment(event, index, f"{lane.name}: {count} at {where}, {size_text(size)}")
        _open(lane, moment, base)
        column = lane.batches
        column.base.append(base)
        column.end.append(last + 1)
        column.size_bytes.append(size)
        column.born.append(moment)
        column.gone.append(NEVER_ENDED)
        known = produced is not None and len(produced.records) == last + 1 - base
        column.records.append(produced.records if produced is not None and known else [])
        column.indexed.append(bool(event.what.get("indexed")))
        _lead(lane, moment, event)
        lane.log_end.set(moment, last + 1)
        if produced is not None:
            self.story.flights.end[produced.flight] = moment
            self.story.flights.base[produced.flight] = base

    def on_roll(self, _: int, event: Event) -> None:
        index, lane = self.lane_of(event)
        if lane is None:
            return
        base = event.what["base_offset"]
        alive = [b for b, gone in _pairs(lane.segments) if gone == NEVER_ENDED]
        if base not in alive:
            text = f"{lane.name}: the open file is closed, {file_name(base)} begins"
            moment = self.moment(event, index, text if alive else f"{file_name(base)} begins")
            _open(lane, moment, base, roll=True)

    def on_segment_deleted(self, _: int, event: Event) -> None:
        index, lane = self.lane_of(event)
        if lane is None:
            return
        base = event.what["base_offset"]
        why = f" ({event.what['reason']})" if event.what.get("reason") else ""
        moment = self.moment(event, index, f"{lane.name}: {file_name(base)} is deleted{why}")
        alive = sorted(b for b, gone in _pairs(lane.segments) if gone == NEVER_ENDED and b > base)
        end = alive[0] if alive else lane.log_end.last
        _bury(lane.segments, moment, lambda i: lane.segments.base[i] == base)
        _bury(lane.batches, moment, lambda i: base <= lane.batches.base[i] < end)

    def on_log_start_offset(self, _: int, event: Event) -> None:
        index, lane = self.lane_of(event)
        offset = event.what["offset"]
        if lane is not None and offset != lane.log_start.last:
            why = f" ({event.what['reason']})" if event.what.get("reason") else ""
            moment = self.moment(event, index, f"{lane.name}: the log now starts at {offset}{why}")
            lane.log_start.set(moment, offset)

    def on_high_watermark(self, _: int, event: Event) -> None:
        index, lane = self.lane_of(event)
        offset = event.what["offset"]
        if lane is None or offset == lane.high_watermark.last:
            return
        before = lane.high_watermark.last
        text = f"{lane.name}: high watermark {offset}"
        text += f", {span(before, offset)} committed" if offset > before else ""
        lane.high_watermark.set(self.moment(event, index, text), offset)

    def on_truncate(self, _: int, event: Event) -> None:
        self._cut(event, "is cut back to")

    def on_recovered(self, _: int, event: Event) -> None:
        self._cut(event, "is recovered up to")

    def _cut(self, event: Event, verb: str) -> None:
        index, lane = self.lane_of(event)
        if lane is None:
            return
        offset, before = event.what["offset"], lane.log_end.last
        lost = f"; {span(offset, before)} lost" if offset < before else ""
        # What DeleteRecords did since the last checkpoint is forgotten in a crash.
        start = event.what.get("log_start_offset", lane.log_start.last)
        back = f"; it starts at {start} again" if start < lane.log_start.last else ""
        moment = self.moment(event, index, f"{lane.name} {verb} {offset}{lost}{back}")
        if offset < before:
            lane.cut[moment] = before
        _open(lane, moment, 0)
        lane.log_start.set(moment, min(start, offset))
        lane.log_end.set(moment, offset)
        if lane.high_watermark.last > offset:
            lane.high_watermark.set(moment, offset)
        _bury(lane.batches, moment, lambda i: lane.batches.base[i] >= offset)
        _bury(lane.segments, moment, lambda i: lane.segments.base[i] > offset)

    # -- clients ------------------------------------------------------------------

    def on_sent(self, ident: int, event: Event) -> None:
        message = event.what
        self._note_asked(message)
        if not isinstance(message, Request) or not isinstance(message.body, ProduceRequest):
            return
        for topic in message.body.topic_data:
            name = self._name(topic.name, topic.topic_id)
            for part in topic.partition_data:
                self._send(ident, event, name, part.index, part.records)

    def _send(self, ident: int, event: Event, topic: str, partition: int, buffer: Any) -> None:
        found = self.lane_for(event.node, topic, partition)
        if found is None:
            return
        index, lane = found
        decoded = _decoded(buffer)
        self._note_keys(decoded, partition)
        records = [[_text(record.key), _text(record.value)] for record in decoded]
        text = f"{event.node} sends {_records(len(records))} to {lane.name}"
        flights = self.story.flights
        flights.lane.append(index)
        flights.label.append(_wordings(event.node, records))
        flights.sent.append(self.moment(event._replace(kind="produce"), index, text))
        flights.end.append(NEVER_ENDED)
        flights.lost.append(False)
        flights.base.append(-1)
        flights.acknowledged.append(NEVER_ENDED)
        self.under_way[ident] = event.what.channel
        of_request = self.produced.setdefault(ident, {})
        of_request[topic, partition] = _Produced(
            event.node, topic, partition, records, len(flights.lane) - 1
        )

    def _note_keys(self, records: list[Record], partition: int) -> None:
        for record in records:
            if record.key is not None and len(self.key_partitions) <= MAX_HASHED_KEYS:
                self.key_partitions.setdefault(bytes(record.key), set()).add(partition)

    def on_delivered(self, ident: int, event: Event) -> None:
        if self.under_way.pop(event.cause, None):
            for each in self.produced[event.cause].values():
                if (ident, each.topic, each.partition) not in self.appending:
                    self._end_flight(event, each, "{name}: nothing is appended")

    def on_dropped(self, _: int, event: Event) -> None:
        self._lose(event, event.cause)

    def on_closed(self, _: int, event: Event) -> None:
        """What was on its way over this connection will not arrive."""
        for ident, channel in list(self.under_way.items()):
            if channel is event.what.channel:
                self._lose(event, ident)

    def _lose(self, event: Event, ident: int) -> None:
        if self.under_way.pop(ident, None):
            for each in self.produced[ident].values():
                self._end_flight(event, each, "the records for {name} are lost on their way")
                self.story.flights.lost[each.flight] = True

    def _end_flight(self, event: Event, produced: _Produced, text: str) -> None:
        flights, index = self.story.flights, self.story.flights.lane[produced.flight]
        words = text.format(name=self.story.lanes[index].name)
        flights.end[produced.flight] = self.moment(event, index, words)

    def _behind(self, append: int, lane: Lane) -> _Produced | None:
        """The part of a produce request that an append carried out."""
        for ident in reversed(self.trace.causes(append)):
            if ident in self.produced:
                return self.produced[ident].get((lane.topic, lane.partition))
        return None

    def on_batch_acknowledged(self, _: int, event: Event) -> None:
        what = event.what
        end = what["base_offset"] + what["records"]
        found = self.lane_for(event.node, what["topic"], what["partition"])
        if found is None:
            return
        index, lane = found
        text = f"{event.node} knows: {lane.name} holds {span(what['base_offset'], end)}"
        moment = self.moment(event, index, text)
        flights = self.story.flights
        for i in range(len(flights.lane) - 1, -1, -1):
            if (flights.lane[i], flights.base[i]) == (index, what["base_offset"]):
                flights.acknowledged[i] = moment
                break

    def on_position(self, _: int, event: Event) -> None:
        what = event.what
        found = self.lane_for(event.node, what["topic"], what["partition"])
        if found is None:
            return
        index, lane = found
        steps = lane.readers.setdefault(event.node, Steps())
        offset, before = what["offset"], steps.last
        if steps.value and offset == before:
            return
        if steps.value and offset > before:
            text = f"{event.node} has read {span(before, offset)} of {lane.name}"
        else:
            text = f"{event.node} will read {offset} of {lane.name} next"
        steps.set(self.moment(event, index, text), offset)


# -- words --------------------------------------------------------------------------


def span(base: int, end: int) -> str:
    """Offsets from `base` to before `end`, as people write them: `4`, `4..6`."""
    return str(base) if end == base + 1 else f"{base}..{end - 1}"


def file_name(base: int) -> str:
    """A segment's file, without the zeros that all of them have: `…0042.log`."""
    return f"…{base:04d}.log"


def size_text(size_bytes: int) -> str:
    """`214 B`, `3.4 kB`, `1.2 MB`, in powers of 1000."""
    for limit, unit in ((1_000_000, "MB"), (1_000, "kB")):
        if size_bytes >= limit:
            return f"{size_bytes / limit:.1f} {unit}"
    return f"{size_bytes} B"


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"


def _wordings(sender: str, records: list[list[str | None]]) -> list[str]:
    """What a produce request's tag says, longest wording first."""
    short = f"{sender} · {_records(len(records))}"
    keys = list(dict.fromkeys(key for key, _ in records if key is not None))
    named = [f"{short} · {', '.join(keys)}"] if 0 < len(keys) <= 4 else []
    return [*named, short, sender]


# -- columns ------------------------------------------------------------------------


def _open(lane: Lane, moment: int, base: int, *, roll: bool = False) -> None:
    """A lane has a segment, an end and a start from the first time it is heard of."""
    alive = any(gone == NEVER_ENDED for _, gone in _pairs(lane.segments))
    if alive and not roll:
        return
    lane.segments.base.append(base)
    lane.segments.born.append(moment)
    lane.segments.gone.append(NEVER_ENDED)
    for steps in (lane.log_start, lane.high_watermark, lane.log_end):
        if steps.at(moment) is None:
            steps.set(moment, base)


def _lead(lane: Lane, moment: int, event: Event) -> None:
    """Only a leader stamps an epoch on what it appends."""
    epoch = event.what.get("leader_epoch")
    if epoch is not None:
        lane.epoch.set(moment, epoch)


def _bury(columns: Batches | Segments, moment: int, is_gone: Callable[[int], bool]) -> None:
    for i, gone in enumerate(columns.gone):
        if gone == NEVER_ENDED and is_gone(i):
            columns.gone[i] = moment


def _pairs(segments: Segments) -> Iterator[tuple[int, int]]:
    return zip(segments.base, segments.gone, strict=True)


def _decoded(buffer: Any) -> list[Record]:
    """The records in a produce request's bytes."""
    if not buffer:
        return []
    view = memoryview(buffer)
    return [
        record
        for position, header in batches(view)
        for record in decode(view, position, header, check_crc=False)
    ]


def _text(data: bytes | None) -> str | None:
    if data is None:
        return None
    head = bytes(data[: MOST_BYTES_A_CHARACTER * (PREVIEW_CHARACTERS + 1)])
    text = head.decode("utf-8", errors="replace")
    if not text.isprintable() or "\ufffd" in text[: PREVIEW_CHARACTERS + 1]:
        text = head[: PREVIEW_CHARACTERS + 1].hex(" ", 1)
    return text if len(text) <= PREVIEW_CHARACTERS else text[: PREVIEW_CHARACTERS - 1] + "…"
