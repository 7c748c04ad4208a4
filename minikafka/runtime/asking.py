"""What would a broker say to these bytes? A question that leaves no trace.

      disk ──copy──► a broker that has just started on it ◄── frame
                       └──► Answer: its bytes; or why the connection ended; what was written

    broker = sim.broker()
    broker.ask(frame)                    # the real broker hears nothing of it

Each question has a broker of its own, so no answer depends on what was asked before. What only
lives in memory (fetch sessions, requests that wait) it does not know, as after a restart.
"""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from minikafka.broker.broker import Broker
from minikafka.node import MS, Channel, Closed, Message, Response
from minikafka.runtime.disk import MemoryFiles
from minikafka.runtime.loop import Loop
from minikafka.wire.connection import ServerConnection, encode_response
from minikafka.wire.errors import MalformedFrame

WAIT_US = 60_000 * MS
"""How long an answer is waited for, in the broker's own time."""


class LogEnd(NamedTuple):
    """Where one partition's log ended before a question and after it."""

    partition: str
    before: int
    after: int


class Answer(NamedTuple):
    """`frame` is None when nothing was said. `closed` says why the connection ended, "" if it lives
    on; `missing_bytes` are still waited for: the rest of a frame."""

    frame: bytes | None
    closed: str
    missing_bytes: int
    log_ends: tuple[LogEnd, ...]

    @property
    def wrote(self) -> bool:
        return any(end.before != end.after for end in self.log_ends)


def ask(broker: Broker, files: MemoryFiles, now: int, frame: bytes) -> Answer:
    """Hand a frame to a fresh `broker` on these files, which are its own from now on."""
    broker.files = files
    broker.random = Random("asked")
    closed = ""

    def failed(message: Message, error: Exception) -> None:
        nonlocal closed
        closed = f"internal error: {error}"

    loop = Loop(broker, None, failed)
    broker.start(now)
    before = _log_ends(broker)
    channel = Channel("asker", broker.name)
    connection = ServerConnection(channel, broker.served, broker.max_request_bytes)
    connection.feed(frame)
    said: bytes | None = None
    arrived: list[tuple[Message, int]] = []
    try:
        while request := connection.next_request():
            arrived.append((request, -1))
    except MalformedFrame as error:
        closed = f"malformed frame: {error}"
    wake, end = loop.turn(now, arrived), now + WAIT_US
    while True:
        for message, _ in loop.leaving:
            if isinstance(message, Response) and said is None:
                said = _joined(encode_response(message))
            elif isinstance(message, Closed):
                closed = closed or message.reason
        loop.leaving.clear()
        if said is not None or closed or not len(broker.purgatory) or wake > end:
            break
        wake = loop.turn(wake, [])
    after = _log_ends(broker)
    ends = tuple(LogEnd(name, before.get(name, 0), after[name]) for name in after)
    if closed:  # which is before any answer could leave
        return Answer(None, closed, 0, ends)
    return Answer(said, "", connection.missing_bytes, ends)


def _joined(parts: list[Any]) -> bytes | None:
    """What would be sent; None when that is nothing."""
    return b"".join(part.read() if hasattr(part, "read") else part for part in parts) or None


def _log_ends(broker: Broker) -> dict[str, int]:
    found = {f"{p.topic}-{p.partition}": p.log_end_offset for p in broker.statistics().partitions}
    return {**found, "the metadata log": broker.statistics().metadata_offset}
