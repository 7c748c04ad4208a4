"""The one loop: a turn of a node, the same in both worlds.

      what arrived ──► receive ──► receive ──► … ──► poll ──► what leaves
                          │                            │
                          └── an answer lets the next request of its channel in

A driver (simulator or sockets) collects what has arrived, gives it to `turn`, makes
sure that everything the node wrote has reached the operating system, and only then
carries away what `leaving` holds. The drivers differ in where messages come from, where
they go, and what the time is; nothing else.

Kafka answers the requests of one connection one after another: the second waits until
the first is answered, even when the first is a fetch that waits for data (a "muted"
channel, `KafkaChannel.mute`). The loop keeps that rule, so no node has to. A node that wants
a channel to stay muted for longer says so in its answer.
"""

from __future__ import annotations

from collections.abc import Callable

from minikafka.node import Closed, Message, Node, Request, Unmuted
from minikafka.trace import NO_CAUSE, Trace


class Loop:
    """Turns one node. `leaving` holds each message with its "sent" event until it is carried."""

    __slots__ = ("_failed", "leaving", "node", "trace")

    def __init__(
        self,
        node: Node,
        trace: Trace | None,
        failed: Callable[[Message, Exception], None] | None = None,
    ) -> None:
        """`failed` is told of exceptions out of `receive`; without it they go to the caller."""
        self.node = node
        self.trace = trace
        self._failed = failed
        self.leaving: list[tuple[Message | Unmuted, int]] = []

    def turn(self, now: int, arrived: list[tuple[Message, int]]) -> int:
        """Hand over what arrived, then poll; returns when the node wants the next poll."""
        node = self.node
        outbox = node.outbox
        for message, cause in arrived:
            if type(message) is Request:
                channel = message.channel
                if channel.in_service:
                    channel.waiting.append((message, cause))
                    continue
                channel.in_service = True
            elif type(message) is Closed:
                message.channel.waiting.clear()
            self._receive(now, message, cause)
            if outbox:
                self._collect(now)
        wake = node.poll(now)
        while outbox and self._collect(now):
            wake = node.poll(now)
        return wake

    def _receive(self, now: int, message: Message, cause: int) -> None:
        if self.trace is not None:
            self.trace.cause = cause
        try:
            self.node.receive(now, message)
        except Exception as error:
            if self._failed is None:
                raise
            self._failed(message, error)

    def _collect(self, now: int) -> bool:
        """Empty the outbox into `leaving`; says whether something in it let another request in."""
        outbox, trace, admitted = self.node.outbox, self.trace, False
        sent = NO_CAUSE
        for message in outbox:  # which grows by what an admitted request causes
            if trace is not None and type(message) is not Unmuted:
                sent = trace.add(self.node.name, _kind(message), message)
            self.leaving.append((message, sent))
            if type(message) is Closed or type(message) is Request:
                continue
            channel = message.channel
            channel.muted = message.muted
            if channel.muted:
                continue
            if channel.waiting:
                request, cause = channel.waiting.pop(0)
                self._receive(now, request, cause)
                admitted = True
            else:
                channel.in_service = False
        outbox.clear()
        return admitted


def _kind(message: Message | Unmuted) -> str:
    return "closed" if type(message) is Closed else "sent"
