"""The world in which time jumps: a seeded simulator of nodes, network and disks.

      heap:  (time, number, action, message)     a machine's `deliver` with what arrives there,
                                                 its `due` alone: its node asked for a poll,
                                                 or a call that the program made an appointment for
             pop the earliest ─► turn a node ─► what leaves is pushed with its arrival

Nothing happens between two entries, so virtual time jumps from one to the next, and an
hour of waiting costs nothing. Equal times are ordered by the number, and every random
draw comes from a generator named by the seed and its user: the same seed gives the same
trace, byte for byte.

The public clients (`Producer`, `Consumer`, `Admin`) are used as on sockets. Where they
block, virtual time advances until what they wait for has happened:

      sim = Simulator(seed=7)
      sim.broker()
      producer = sim.producer(linger_ms=5)
      producer.send("t", b"hello").result()        # the world ran on until the ack came
      sim.call_later(500, broker.crash)            # and what the program wants to happen then

With `bytes_on_wire=True` each message is encoded when it leaves and decoded where it
arrives, so a story exercises the codec too; the default hands the objects over, which is
faster and changes neither order nor decisions. (How long a message takes is a matter of the
model in both, network.py: its records count byte by byte, the rest with a flat number.)
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from math import ceil, log
from random import Random
from typing import TYPE_CHECKING, Any

from minikafka.log.files import Files
from minikafka.node import MS, NEVER, Channel, Closed, Message, Node, Request, Response, Unmuted
from minikafka.runtime.disk import MemoryFiles
from minikafka.runtime.hardware import Hardware, Link
from minikafka.runtime.machine import SimulatedBroker, SimulatedHost
from minikafka.runtime.network import ENDED, BytesOnWire, Network, Path, message_bytes
from minikafka.trace import NO_CAUSE, Trace
from minikafka.wire.connection import has_answer

if TYPE_CHECKING:
    from minikafka.admin import Admin
    from minikafka.consumer.consumer import Consumer
    from minikafka.producer.producer import Producer


_APPOINTMENT = object()
"""Stands for the message where the heap holds a program's call."""


LONGEST_MS = 1_000_000_000_000
"""31 years: who lets more time pass than that waits for ever."""


class Deadlock(Exception):
    """A blocking call waits for something that can no longer happen: the world has come to rest."""


class Simulator:
    """A world of nodes in virtual time.

    `seed` decides everything that is random. `trace` keeps every event in `sim.trace`
    (None when off, which is faster). `network` is the link that all pairs use unless
    `sim.network.set_link` says otherwise; `hardware` is what every machine costs.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        bytes_on_wire: bool = False,
        trace: bool = True,
        network: Link | None = None,
        hardware: Hardware | None = None,
    ) -> None:
        self.seed = seed
        self.now = 0
        self.delivered = 0
        """Messages that have arrived so far."""
        self.fired = 0
        """Timers that have fired: those of nodes, and the program's own (`call_later`)."""
        self.trace: Trace | None = Trace() if trace else None
        self.network = Network(seed, network or Link())
        self.hardware = hardware or Hardware()
        self._bytes_on_wire = bytes_on_wire
        self._heap: list[tuple[int, int, Callable[..., None], Any, int]] = []
        self.pushed = 0
        self._hosts: dict[str, SimulatedHost] = {}  # by address, servers only
        self._names: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"Simulator(seed {self.seed}, {self.now / MS:g} ms, {self.count} events)"

    @property
    def count(self) -> int:
        """Events so far."""
        return self.delivered + self.fired

    # --- who lives here ------------------------------------------------------------
    def host(
        self, node: Node, *, listen: str | None = None, files: Files | None = None
    ) -> SimulatedHost:
        """Take in one node (`World.host`). A node given like this cannot be restarted."""
        disk = files if isinstance(files, MemoryFiles) else None
        if files is not None and disk is None:
            raise TypeError("the simulator needs a MemoryFiles, so that a crash can forget")
        return self._admit(lambda: node, listen, disk)

    def broker(self, node_id: int = 1, **configs: Any) -> SimulatedBroker:
        """A broker named broker-N at "broker-N:9092"; `configs` are Kafka's, in snake case."""
        from minikafka.broker.broker import Broker
        from minikafka.broker.config import BrokerConfig

        address = f"broker-{node_id}:9092"
        self._require_free(address)
        config = BrokerConfig.of(node_id=node_id, **configs)
        host = SimulatedBroker(self, lambda: Broker(config), address, MemoryFiles(self.hardware))
        self._hosts[address] = host
        return host

    def broker_hosts(self) -> list[SimulatedBroker]:
        """The brokers' machines, in the order in which they were added."""
        return [host for host in self._hosts.values() if isinstance(host, SimulatedBroker)]

    def producer(self, **configs: Any) -> Producer:
        from minikafka.producer.producer import Producer

        configs.setdefault("client_id", self._name("producer"))
        return Producer(self._bootstrap(), world=self, **configs)

    def consumer(self, **configs: Any) -> Consumer:
        from minikafka.consumer.consumer import Consumer

        configs.setdefault("client_id", self._name("consumer"))
        return Consumer(self._bootstrap(), world=self, **configs)

    def admin(self, **configs: Any) -> Admin:
        from minikafka.admin import Admin

        configs.setdefault("client_id", self._name("admin"))
        return Admin(self._bootstrap(), world=self, **configs)

    def _admit(
        self, make: Callable[[], Node], address: str | None, files: MemoryFiles | None
    ) -> SimulatedHost:
        self._require_free(address)
        host = SimulatedHost(self, make, address, files)
        if address is not None:
            self._hosts[address] = host
        return host

    def _require_free(self, address: str | None) -> None:
        if address in self._hosts:
            raise ValueError(f"{address} is taken by {self._hosts[address]!r}")

    def _bootstrap(self) -> str:
        if not self._hosts:
            raise ValueError("no broker yet: call sim.broker() first")
        return ",".join(self._hosts)

    def _name(self, kind: str) -> str:
        self._names[kind] = number = self._names.get(kind, 0) + 1
        return f"{kind}-{number}"

    def random_for(self, name: str) -> Random:
        """The generator of one user, the same for the same seed and name."""
        return Random(f"{self.seed}/{name}")

    # --- time ------------------------------------------------------------------------
    def run(self, ms: float) -> None:
        """Let `ms` milliseconds of virtual time pass."""
        self.run_until(None, ms)

    def call_later(self, delay_ms: float, call: Callable[[], None]) -> None:
        """Call `call` when `delay_ms` of virtual time have passed: a program's own timer.

        It may do whatever the program may, calls that block included. What it raises comes out
        of the call that let the time pass.
        """
        if not 0 <= delay_ms < LONGEST_MS:
            raise ValueError(f"delay_ms must be at least 0 and no more than {LONGEST_MS:,}")
        self.pushed += 1
        at = self.now + int(delay_ms * MS)
        heappush(self._heap, (at, self.pushed, call, _APPOINTMENT, NO_CAUSE))

    def arrivals(
        self, per_ms: float, call: Callable[[], object], name: str | None = None
    ) -> Callable[[], None]:
        """Call `call` at random times, `per_ms` times a millisecond on average, from now on.

        A Poisson process, as of independent users: the times between two calls are exponentially
        distributed, drawn from a generator of their own by `name` (a new one if there is none).
        Returns what ends it.
        """
        if not 0 < per_ms < float("inf"):
            raise ValueError(f"per_ms must be a positive number, not {per_ms}")
        draw = self.random_for(name or self._name("arrivals")).random
        mean_us, heap, ended = MS / per_ms, self._heap, False
        due = self.now - mean_us * log(1.0 - draw())  # in µs, with the fraction: none gets lost

        def end() -> None:
            nonlocal ended
            ended = True

        def arrive() -> None:
            nonlocal due
            if not ended:
                call()
                due -= mean_us * log(1.0 - draw())
                at = int(due)
                if at < self.now:  # a call that blocked has let time pass
                    at = self.now
                self.pushed += 1
                heappush(heap, (at, self.pushed, arrive, _APPOINTMENT, NO_CAUSE))

        self.pushed += 1
        heappush(heap, (int(due), self.pushed, arrive, _APPOINTMENT, NO_CAUSE))
        return end

    def run_until(self, done: Callable[[], bool] | None, timeout_ms: float | None = None) -> bool:
        """Go on until `done()`, or until `timeout_ms` of virtual time have passed; says which.

        `done` may change things: it is not called again after it has said yes. None is never done.

        Raises Deadlock when there is no timeout and nothing can happen any more.
        """
        if timeout_ms is None or timeout_ms >= LONGEST_MS:
            deadline = NEVER
        elif timeout_ms >= 0:
            deadline = self.now + int(timeout_ms * MS)
        else:
            raise ValueError(f"time does not go back: {timeout_ms} ms")
        heap, trace = self._heap, self.trace
        collecting = gc.isenabled()
        gc.disable()  # a kept trace makes each collection slower, and nothing here is garbage
        try:
            while done is None or not done():
                if not heap or heap[0][0] > deadline:
                    if deadline == NEVER:
                        raise Deadlock(f"nothing can happen any more at {self.now / MS:g} ms")
                    if self.now < deadline:  # a call that blocked may have gone beyond it
                        self._advance(deadline)
                    return False
                self.now, _, action, message, cause = heappop(heap)
                if trace is not None:
                    trace.now = self.now
                    trace.cause = NO_CAUSE
                if message is None:
                    action()
                elif message is _APPOINTMENT:
                    self.fired += 1
                    action()
                else:
                    action(message, cause)
            return True
        finally:
            if collecting:
                gc.enable()

    def _advance(self, time: int) -> None:
        self.now = time
        if self.trace is not None:
            self.trace.now = time

    def push(self, time: int, action: Callable[..., None], message: Any, cause: int) -> None:
        self.pushed += 1
        heappush(self._heap, (time, self.pushed, action, message, cause))

    def withdraw(self, after: int, last: int) -> None:
        """Take messages out of the heap again, by number: their sender died before they left.

        That a connection has ended is heard all the same.
        """
        self._heap[:] = [
            entry
            for entry in self._heap
            if not after < entry[1] <= last or type(entry[3]) is Closed
        ]
        heapify(self._heap)

    def record(self, node: str, kind: str, fields: dict[str, Any]) -> None:
        """What was done to a machine from outside: it has no cause, and causes what follows."""
        if self.trace is not None:
            self.trace.cause = NO_CAUSE
            self.trace.cause = self.trace.add(node, kind, fields)

    # --- the network -------------------------------------------------------------------
    def send(self, source: SimulatedHost, message: Message | Unmuted, sent: int) -> None:
        """Carry one message away from `source`, as soon as that is done with its turn."""
        if type(message) is Unmuted:
            return
        channel = message.channel
        if type(message) is Closed:
            self.close(channel, by=source, reason=message.reason)
            return
        if channel.link is None and not self._connect(source, channel, sent):
            return
        path: Path = channel.link
        if path is ENDED or message.body is None:
            return
        if type(message) is Request:
            to_server, direction, target = True, path.to_server, path.server
        else:
            to_server, direction, target = False, path.to_client, path.client
        parcel: Any = message
        if path.codec is not None:
            parcel = (path.codec.encode(message), path, to_server)
        is_lost = direction.link.loss > 0.0 and direction.loses()
        at = direction.arrival(source.busy_until, message_bytes(message))
        if isinstance(message, Request) and not has_answer(message):
            left = Response(channel, None, message.version, message.correlation_id)
            self.push(ceil(direction.free_at), source.deliver, left, sent)
        if is_lost:
            self._lose(source, channel, message, sent)
            return
        self.pushed += 1
        heappush(self._heap, (at, self.pushed, target.deliver, parcel, sent))

    def _connect(self, source: SimulatedHost, channel: Channel, sent: int) -> bool:
        """Open a channel on its first message; says whether somebody listens there."""
        server = self._hosts.get(channel.server)
        if server is None or not server.alive:
            latency = self.network.direction(source.name, channel.server).link.latency_us
            closed = Closed(channel, "connection refused")
            self.push(source.busy_until + 2 * latency, source.deliver, closed, sent)
            channel.link = ENDED
            return False
        channel.link = path = Path(
            source,
            server,
            self.network.direction(source.name, server.name),
            self.network.direction(server.name, source.name),
        )
        if self._bytes_on_wire:
            path.codec = BytesOnWire(channel, getattr(server.node, "served", {}))
        source.channels[channel] = server.channels[channel] = None
        return True

    def _lose(self, source: SimulatedHost, channel: Channel, message: Message, sent: int) -> None:
        if self.trace is not None:
            self.trace.cause = sent
            self.trace.add(channel.client, "dropped", message)
        path: Path = channel.link
        self._end(channel, path)
        for host in (path.client, path.server):
            self.push(
                source.busy_until + path.to_server.link.latency_us,
                host.deliver,
                Closed(channel, "connection reset"),
                sent,
            )

    def close(self, channel: Channel, by: SimulatedHost, reason: str) -> None:
        """One end closes; the other hears of it after the latency."""
        by.channels.pop(channel, None)
        path = channel.link
        if not isinstance(path, Path):
            return
        self._end(channel, path)
        if by is path.client:
            other, direction = path.server, path.to_server
        else:
            other, direction = path.client, path.to_client
        cause = self.trace.cause if self.trace is not None else NO_CAUSE
        closed = Closed(channel, reason)
        self.push(direction.arrival(self.now, 0), other.deliver, closed, cause)

    def _end(self, channel: Channel, path: Path) -> None:
        channel.link = ENDED
        self.network.forget(path.client.name, path.server.name, path.to_server)
        self.network.forget(path.server.name, path.client.name, path.to_client)
