"""Everything that happened, in one list, each event with its cause.

      id  time      node        kind        cause  fields
      0   0         broker-1    topic_created      {topic: "t", partitions: 1}
      1   12000     producer-1  sent               producer-1→broker-1:9092 #1 ProduceRequest(…) v13
      2   12140     broker-1    delivered   1      (the same message)
      3   12140     broker-1    append      2      {topic: "t", partition: 0, base_offset: 0, …}

An event's id is its place in the list. Its cause is the id of the event during
whose handling it happened: a delivery's cause is the sending; whatever a node does
in answer has the delivery as its cause. So the arrows of a space-time diagram, the
"why" of a state change and the past of any event are all walks over one field.

Recording must cost next to nothing, so an event is a tuple that holds the message
or the fields as they were; text is made when somebody reads (`to_json`, `__str__`).
Fields are plain values that nobody changes later; messages are never changed after
they were sent, which is a rule of the seam anyway.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from minikafka.node import Closed, Message, Request, Response
from minikafka.wire.schema import Struct
from minikafka.wire.types import UuidKind, uuid_text

NO_CAUSE = -1


class Event(NamedTuple):
    """One thing that happened. `what` is a message where one moved, else a dict of fields."""

    time: int
    node: str
    kind: str
    cause: int
    what: Any


# Straight to tuple's constructor: Event(...) would cost a call more.
_new_event: Callable[[type[Event], tuple[Any, ...]], Event] = tuple.__new__


class Trace:
    """The list of events, and the context (time and cause) in which the next one is added.

    The driver sets `now` and `cause` before it calls into a node; nodes only `add`.
    """

    __slots__ = ("cause", "events", "expected", "listeners", "now")

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.now = 0
        self.cause = NO_CAUSE
        self.expected: tuple[str, str] | None = None
        """Node and kind of an event that counts only if another follows from it: a timer."""
        self.listeners: list[Callable[[int, Event], None]] = []

    def add(self, node: str, kind: str, what: Any) -> int:
        """Record an event at `self.now` with the current cause; returns its id."""
        if self.expected is not None:
            (first_node, first_kind), self.expected = self.expected, None
            self.cause = self.add(first_node, first_kind, {})
        events = self.events
        event = _new_event(Event, (self.now, node, kind, self.cause, what))
        events.append(event)
        if self.listeners:
            for listener in self.listeners:
                listener(len(events) - 1, event)
        return len(events) - 1

    def __len__(self) -> int:
        return len(self.events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def of(self, *kinds: str) -> list[Event]:
        """The events of these kinds, in order."""
        return [event for event in self.events if event.kind in kinds]

    def causes(self, ident: int) -> list[int]:
        """The ids of everything that led to event `ident`, oldest first, itself last."""
        chain = []
        while ident != NO_CAUSE:
            chain.append(ident)
            ident = self.events[ident].cause
        return chain[::-1]

    def lines(self) -> Iterator[str]:
        """The trace as NDJSON, one event a line, the same bytes for the same run."""
        for ident, event in enumerate(self.events):
            yield json.dumps(to_json(ident, event), ensure_ascii=False, separators=(",", ":"))


def to_json(ident: int, event: Event) -> dict[str, Any]:
    """One event as plain values: what NDJSON, widgets and transcripts are made of."""
    row: dict[str, Any] = {"id": ident, "t": event.time, "node": event.node, "kind": event.kind}
    if event.cause != NO_CAUSE:
        row["cause"] = event.cause
    what = event.what
    if isinstance(what, (Request, Response, Closed)):
        row.update(message_to_json(what))
    else:
        row.update(what)
    return row


def message_to_json(message: Message) -> dict[str, Any]:
    """A message as plain values; record payloads appear as their size, not their content."""
    channel = message.channel
    row: dict[str, Any] = {"client": channel.client, "server": channel.server}
    if isinstance(message, Closed):
        return {**row, "message": "Closed", "reason": message.reason}
    body = message.body
    row["message"] = "NoAnswer" if body is None else type(body).__name__
    row["version"] = message.version
    row["correlation_id"] = message.correlation_id
    row["body"] = plain(body)
    return row


def plain(value: Any) -> Any:
    """A wire message (or a part of one) as JSON-ready values."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Struct):
        return {
            field.name: uuid_text(part) if isinstance(field.kind, UuidKind) else plain(part)
            for field, part in ((field, getattr(value, field.name)) for field in value.FIELDS)
        }
    if hasattr(value, "__len__"):
        return f"<{len(value)} bytes>"
    return str(value)
