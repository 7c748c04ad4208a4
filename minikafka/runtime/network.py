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

from random import Random

from minikafka.runtime.hardware import Link


class Direction:
    """One direction of one pair of nodes, or of one channel between them."""

    __slots__ = ("_draw", "_free_at", "_last_arrival", "link")

    def __init__(self, link: Link, random: Random) -> None:
        self.link = link
        self._draw = random.random
        self._free_at = 0.0
        self._last_arrival = 0

    def arrival(self, now: int, size_bytes: int) -> int:
        """When a message of this size, sent at `now`, is there."""
        link = self.link
        start = self._free_at if self._free_at > now else float(now)
        self._free_at = end = start + size_bytes / link.bytes_per_us
        at = int(end + link.latency_us + self._draw() * link.jitter_us)
        if at < self._last_arrival:
            at = self._last_arrival
        self._last_arrival = at
        return at

    def loses(self) -> bool:
        """Whether the next message breaks its connection (draws only where loss is possible)."""
        return self.link.loss > 0.0 and self._draw() < self.link.loss


class Network:
    """All links. `set_link("a", "b", Link(loss=0.1))` changes one direction from now on."""

    def __init__(self, seed: int, default: Link) -> None:
        self._seed = seed
        self._default = default
        self._links: dict[tuple[str, str], Link] = {}
        self._randoms: dict[tuple[str, str], Random] = {}
        self._open: dict[tuple[str, str], list[Direction]] = {}

    def set_link(self, source: str, target: str, link: Link) -> None:
        """Change one direction, for open channels too."""
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
