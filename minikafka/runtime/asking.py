"""What would a broker say to these bytes? A question that leaves no trace.

      disk ──copy──► a broker that has just started on it ◄── frame
                       └──► Answer: its bytes; or why the connection ended; what was written

    broker = sim.broker()
    broker.ask(frame)                    # the real broker hears nothing of it

Each question has a broker of its own, so no answer depends on what was asked before.

Not done: what only lives in memory (fetch sessions, requests that wait) is not known, as after a
restart.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from minikafka.broker.broker import Broker
from minikafka.node import MS, Channel, Closed, Message, Response
from minikafka.runtime.disk import MemoryFiles
from minikafka.runtime.loop import Loop
from minikafka.wire.connection import ServerConnection, encode_response
from minikafka.wire.errors import MalformedFrame
from minikafka.wire.types import joined

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
    broker.start(now)
    before = _log_ends(broker)
    connection = ServerConnection(
        Channel("asker", broker.name), broker.served, broker.max_request_bytes
    )
    connection.feed(frame)
    arrived: list[tuple[Message, int]] = []
    malformed = ""
    try:
        while request := connection.next_request():
            arrived.append((request, -1))
    except MalformedFrame as error:
        malformed = f"malformed frame: {error}"
    said, closed = _run(broker, now, arrived)
    after = _log_ends(broker)
    ends = tuple(LogEnd(name, before.get(name, 0), after.get(name, 0)) for name in before | after)
    if malformed or closed:  # which is before any answer could leave
        return Answer(None, malformed or closed, 0, ends)
    return Answer(said, "", connection.missing_bytes, ends)


def _run(broker: Broker, now: int, arrived: list[tuple[Message, int]]) -> tuple[bytes | None, str]:
    """Let the broker work until it has said something, closed the connection, or has had time
    enough: what it said first, and why it closed."""
    failures: list[str] = []

    def failed(message: Message, error: Exception) -> None:
        failures.append(f"internal error: {error}")

    loop = Loop(broker, None, failed)
    wake = loop.turn(now, arrived)
    while not failures:
        for message, _ in loop.leaving:
            if isinstance(message, Response):
                return joined(encode_response(message)) or None, ""
            if isinstance(message, Closed):
                return None, message.reason
        if not len(broker.purgatory) or wake > now + WAIT_US:
            return None, ""
        wake = loop.turn(wake, [])
    return None, failures[0]


def _log_ends(broker: Broker) -> dict[str, int]:
    now = broker.statistics()
    found = {f"{p.topic}-{p.partition}": p.log_end_offset for p in now.partitions}
    return {**found, "the metadata log": now.metadata_offset}
