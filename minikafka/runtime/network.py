"""The simulator's network: how long a message is on its way, and whether it arrives.

A `Channel` is a TCP connection, so each direction keeps its order. A direction is busy
while a message is put on the wire (bytes / bandwidth) and then free for the next one;
the way itself adds latency and jitter, and nobody overtakes:

      sender    ▕███ 1 ███▏▕█ 2 █▏              put on the wire, one after another
                          ╲       ╲
      receiver             1       2            latency + jitter, order kept

Every directed pair of nodes has its own stream of random numbers, drawn from the seed and
the two names. So a node that joins, or a message more on one link, does not change what
happens on another.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

from minikafka.node import Channel, Closed, Message, Request, Response, Unmuted
from minikafka.runtime.hardware import Link
from minikafka.wire.connection import (
    SIZE_BYTES,
    ClientConnection,
    decode_request,
    encode_response,
)
from minikafka.wire.messages.fetch import FetchResponse
from minikafka.wire.messages.produce import ProduceRequest

if TYPE_CHECKING:
    from minikafka.runtime.machine import SimulatedHost

MESSAGE_OVERHEAD_BYTES = 80
"""What a message takes of a link beside its records. A flat number also where messages travel as
bytes, or the same story would take another time there, and another course."""


class Direction:
    """One direction of one pair of nodes, or of one channel between them."""

    __slots__ = ("_draw", "_last_arrival", "free_at", "link")

    def __init__(self, link: Link, random: Random) -> None:
        self.link = link
        self._draw = random.random
        self.free_at = 0.0  # when all that was sent so far is on its way
        self._last_arrival = 0

    def arrival(self, now: int, size_bytes: int) -> int:
        """When a message of this size, sent at `now`, is there."""
        link = self.link
        start = self.free_at if self.free_at > now else now
        self.free_at = end = start + size_bytes / link.bytes_per_us
        at = int(end + link.latency_us + self._draw() * link.jitter_us)
        if at < self._last_arrival:
            at = self._last_arrival
        self._last_arrival = at
        return at

    def loses(self) -> bool:
        """Draw whether the next message breaks its connection. Asked only where loss is possible:
        a link without loss draws nothing."""
        return self._draw() < self.link.loss


class Network:
    """All links. `set_link("a", "b", Link(loss=0.1))` changes one direction from now on."""

    def __init__(self, seed: int, default: Link) -> None:
        self._seed = seed
        self._default = default
        self._links: dict[tuple[str, str], Link] = {}
        self._randoms: dict[tuple[str, str], Random] = {}
        self._open: dict[tuple[str, str], list[Direction]] = {}

    def set_link(self, source: str, target: str, link: Link) -> None:
        """Change one direction, for open channels too. By the nodes' names or their addresses."""
        source, target = source.partition(":")[0], target.partition(":")[0]
        self._links[source, target] = link
        for direction in self._open.get((source, target), ()):
            direction.link = link

    def direction(self, source: str, target: str) -> Direction:
        """A new channel's direction from `source` to `target`."""
        pair = source, target
        if pair not in self._randoms:
            self._randoms[pair] = Random(f"{self._seed}/{source}/{target}")
        direction = Direction(self._links.get(pair, self._default), self._randoms[pair])
        self._open.setdefault(pair, []).append(direction)
        return direction

    def forget(self, source: str, target: str, direction: Direction) -> None:
        """The channel is closed."""
        self._open[source, target].remove(direction)


class Path:
    """What the simulator keeps with a channel: both ends, both directions, perhaps a codec."""

    __slots__ = ("client", "codec", "server", "to_client", "to_server")

    def __init__(
        self,
        client: SimulatedHost,
        server: SimulatedHost,
        to_server: Direction,
        to_client: Direction,
    ) -> None:
        self.client = client
        self.server = server
        self.to_server = to_server
        self.to_client = to_client
        self.codec: BytesOnWire | None = None


ENDED: Any = object()
"""The `link` of a channel that was closed or refused: what is sent on it goes nowhere."""


class BytesOnWire:
    """A channel's two protocol ends, for a world in which messages travel as bytes."""

    __slots__ = ("_channel", "_client", "_served")

    def __init__(self, channel: Channel, served: Any) -> None:
        self._channel = channel
        self._client = ClientConnection(channel)
        self._served = served

    def encode(self, message: Request | Response) -> bytes:
        """A whole frame, with its size."""
        parts: Any
        if isinstance(message, Request):
            parts = self._client.send(message)
        else:
            parts = encode_response(message)
        return b"".join(parts)

    def decode(self, data: bytes, to_server: bool) -> Message:
        frame = bytearray(memoryview(data)[SIZE_BYTES:])
        if to_server:
            return decode_request(self._channel, frame, self._served)
        return self._client.decode_response(frame)


def message_bytes(message: Message | Unmuted) -> int:
    """How much of a link a message takes."""
    if isinstance(message, (Closed, Unmuted)):
        return 0
    measure = _MEASURES.get(type(message.body))
    return MESSAGE_OVERHEAD_BYTES + (measure(message.body) if measure is not None else 0)


def _produce_bytes(body: ProduceRequest) -> int:
    size = 0
    for topic in body.topic_data:
        for partition in topic.partition_data:
            size += len(partition.records or b"")
    return size


def _fetch_bytes(body: FetchResponse) -> int:
    size = 0
    for topic in body.responses:
        for partition in topic.partitions:
            size += len(partition.records or b"")
    return size


_MEASURES: dict[type, Callable[[Any], int]] = {
    ProduceRequest: _produce_bytes,
    FetchResponse: _fetch_bytes,
}
