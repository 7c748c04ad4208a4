"""One machine of the simulated world: it holds a node, works on one turn at a time, and can die.

A turn takes time by the hardware model. Until it is over, what arrives waits; then all of
it is handled in one turn. Everything in memory is lost in a `crash`, everything on the disk
that was not flushed too; `restart` makes the node afresh on what is left.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Any

from minikafka.node import NEVER, Channel, Closed, Message, Node, Response
from minikafka.runtime.disk import MemoryFiles
from minikafka.runtime.loop import Loop
from minikafka.runtime.network import message_bytes
from minikafka.trace import NO_CAUSE

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker
    from minikafka.runtime.asking import Answer
    from minikafka.runtime.simulator import Simulator


class _Entered:
    """What `entered` gives to a `with` block: what it has changed, the node's turn carries out."""

    __slots__ = ("_host",)

    def __init__(self, host: SimulatedHost) -> None:
        self._host = host

    def __enter__(self) -> int:
        return self._host.lock()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self._host.turn_if_alive()


class SimulatedHost:
    """One machine of the simulated world: a node, its disk, and the time it is busy until."""

    def __init__(
        self,
        sim: Simulator,
        make: Callable[[], Node],
        address: str | None,
        files: MemoryFiles | None,
    ) -> None:
        self.address = address
        self.files = files
        self.alive = False
        self._boots = 0
        self._calling = False
        self._departing = 0, 0  # what the turn under way sends: after this heap number, up to that
        self._sim = sim
        self._make = make
        self.hardware = sim.hardware
        self.busy_until = 0  # what leaves, leaves then
        self._wake = NEVER  # when the node wants the next poll
        self._armed = NEVER  # the earliest poll in the heap
        self._arrived: list[tuple[Message, int]] = []  # while busy
        self.channels: dict[Channel, None] = {}  # the open ones; a dict keeps their order
        self._entered = _Entered(self)
        self.node: Node
        self.boot()

    def __repr__(self) -> str:
        state = "" if self.alive else ", crashed"
        return f"SimulatedHost({self.node.name}{state})"

    # --- life --------------------------------------------------------------------
    def boot(self) -> None:
        """Make the node afresh and start it on whatever its disk still holds."""
        sim = self._sim
        self.node = node = self._make()
        self.name = node.name
        self._compressed_bytes = 0  # of what the node says, that which has been charged
        self._boots += 1  # or each life would draw the same ids as the one before
        node.random = sim.random_for(f"{node.name}/{self._boots}")
        node.trace = sim.trace
        if self.files is not None:
            node.files = self.files
        self._loop = Loop(node, sim.trace)
        self.alive = True
        self.busy_until = sim.now
        sim.record(node.name, "started", {})
        node.start(sim.now)
        self._turn()

    def crash(self, *, torn: bool = False) -> None:
        """Lose power: memory and everything unflushed is gone; peers see a connection reset.

        A turn under way never ends: what it was about to send is not sent, though what it
        flushed may be on the disk. With `torn` a random part of what was not flushed survives.
        """
        sim = self._sim
        if sim.now < self.busy_until:
            sim.withdraw(*self._departing)
        sim.record(self.name, "crashed", {"torn": torn})
        self.alive = False
        self._wake = NEVER
        self._arrived.clear()
        if self.files is not None:
            self.files.crash(sim.random_for(f"{self.name}/torn/{sim.now}") if torn else None)
        for channel in list(self.channels):
            sim.close(channel, by=self, reason="connection reset")

    def restart(self) -> None:
        """Start again after `crash` or `close`, from what is on the disk."""
        if self.alive:
            raise ValueError(f"{self.name} is running")
        self.boot()

    def close(self) -> None:
        """Stop cleanly: the node flushes and closes its files; peers see their connections end."""
        if not self.alive:
            return
        sim = self._sim
        self._turn()
        self.node.stop(sim.now)
        sim.record(self.name, "stopped", {})
        self.alive = False
        self._wake = NEVER
        for channel in list(self.channels):
            sim.close(channel, by=self, reason="peer stopped")

    # --- Host --------------------------------------------------------------------
    def entered(self) -> _Entered:
        return self._entered

    def lock(self) -> int:
        """Nobody else runs, so nothing is locked; but who calls is the cause of what follows."""
        sim = self._sim
        if sim.trace is not None and not self._calling:
            sim.trace.cause = NO_CAUSE  # a call, though, is caused by what it tells of
        return sim.now

    def unlock(self) -> None:
        pass

    def wait(self, done: Callable[[], bool], timeout_ms: float | None) -> bool:
        return self._sim.run_until(done, timeout_ms)

    def calling(self) -> bool:
        return self._calling

    # --- turns -------------------------------------------------------------------
    def deliver(self, message: Any, cause: int) -> None:
        """A message, or its bytes, is here now. It waits if the node is still at work."""
        if not self.alive:
            return
        if type(message) is tuple:
            data, path, to_server = message
            message = path.codec.decode(data, to_server)
        if type(message) is Closed:
            self.channels.pop(message.channel, None)
        elif message.channel not in self.channels:
            return  # this end closed the connection while the message was on its way
        sim = self._sim
        sim.delivered += 1
        if sim.trace is not None:
            sim.trace.cause = cause
            kind = "closed" if type(message) is Closed else "delivered"
            if type(message) is Response and message.body is None:
                kind = "left"
            cause = sim.trace.add(self.name, kind, message)
        self._arrived.append((message, cause))
        if sim.now >= self.busy_until:
            self._turn()
        else:
            self._arm(self.busy_until)

    def due(self) -> None:
        """A poll in the heap has come: it counts only if it is still the one that is wanted."""
        if self._armed > self._sim.now:
            return
        self._armed = NEVER
        if not self.alive:
            return
        if self.busy_until > self._sim.now:
            self._arm(self.busy_until)
        elif self._arrived:
            self._turn()
        elif self._wake <= self._sim.now:
            self._sim.fired += 1
            self._timer()
        else:
            self._arm(self._wake)

    def _timer(self) -> None:
        """A turn because of time alone. One that changes nothing leaves nothing in the trace."""
        trace = self._sim.trace
        if trace is not None:
            trace.expected = self.name, "timer"
        self._turn()
        if trace is not None:
            trace.expected = None

    def turn_if_alive(self) -> None:
        """Something was changed from outside: turn the node, if it is still there."""
        if self.alive:
            self._turn()

    def _turn(self) -> None:
        sim, node, leaving = self._sim, self.node, self._loop.leaving
        hardware, now = self.hardware, sim.now
        arrived = self._arrived
        if arrived:
            self._arrived = []
        wake = self._wake = self._loop.turn(now, arrived)
        # A program may turn its client while that is at work: what this causes comes after it.
        begins = self.busy_until if self.busy_until > now else now
        busy_us = len(arrived) * hardware.request_us
        files = self.files
        if files is not None:
            busy_us += files.busy_us
            files.busy_us = 0.0
        if node.compressed_bytes != self._compressed_bytes:
            size_bytes = node.compressed_bytes - self._compressed_bytes
            self._compressed_bytes += size_bytes
            rate = hardware.compress_bytes_per_us.get(node.compression_type, inf)
            busy_us += size_bytes / rate
        first = sim.pushed
        if leaving:
            size_bytes = 0
            for message, _ in leaving:
                size_bytes += message_bytes(message)
            busy_us += size_bytes / hardware.cpu_bytes_per_us
            self.busy_until = busy_until = begins + int(busy_us)
            for message, sent in leaving:
                sim.send(self, message, sent)
            leaving.clear()
        else:
            self.busy_until = busy_until = begins + int(busy_us)
        if now < busy_until:
            self._departing = first, sim.pushed
        if wake < NEVER:
            self._arm(wake if wake > busy_until else busy_until)
        if node.calls and not self._calling:
            self._make_calls()

    def _make_calls(self) -> None:
        """Tell the application what it asked to be told. A call may turn the node: no nesting.

        One that is interrupted is over; those behind it are made after the next turn.
        """
        self._calling = True
        try:
            while self.node.calls:
                self.node.calls.pop(0)()
        finally:
            self._calling = False

    def _arm(self, time: int) -> None:
        if time < self._armed:
            self._armed = time
            self._sim.push(time, self.due, None, NO_CAUSE)


class SimulatedBroker(SimulatedHost):
    """A broker's machine: `address`, `crash()`, `restart()`, and the broker itself as `node`."""

    node: Broker
    files: MemoryFiles

    def statistics(self) -> Any:
        return self.node.statistics()

    def ask(self, frame: bytes) -> Answer:
        """What it would say to these bytes, whole frames with their sizes. It hears nothing of it:
        asked is another broker, on a copy of its disk."""
        from minikafka.broker.broker import Broker
        from minikafka.runtime.asking import ask

        return ask(Broker(self.node.static), self.files.copy(), self._sim.now, frame)
