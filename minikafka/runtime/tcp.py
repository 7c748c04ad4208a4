"""The world of real sockets: a poller, a clock, and the loop that both worlds share.

          poller.poll ─► read frames ─► Loop.turn ─► files.write_out ─► send
            ▲                                                            │
            └────────────── until the node's next wake ◄─────────────────┘

One thread carries one node. A round takes whatever all connections have sent, gives it
to the node in one turn, hands everything that was appended to the operating system with
one write per file, and then sends the answers: many small requests share the cost of
every system call. Nothing is handed to another thread, task or future on that path.

The sockets are ours, not a framework's, because two things need them bare: a fetch
leaves by `sendfile` from the page cache to the socket without passing through Python,
and a large frame is received straight into the buffer that is written to the log.

**Back-pressure.** A connection is not read while a request of it waits for its answer and
another stands behind it, nor while more than `MAX_UNSENT_BYTES` of answers have not been
taken by the peer. TCP then slows the sender down. Memory per connection is bounded by one
frame, and a frame is bounded by `socket.request.max.bytes`; its buffer grows with the bytes
that really come, so a frame that lies about its length costs nothing.

**Client threads.** A blocking call of `Producer` or `Consumer` takes the driver's lock,
changes its node, and runs the turn itself; the driver's thread is woken only to wait for
something new.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random
from typing import Any

from minikafka.log.files import Files
from minikafka.node import NEVER, Channel, Closed, Message, Node, Request, Response, WorldStopped
from minikafka.runtime.loop import Loop
from minikafka.runtime.poller import READ, WRITE, Poller
from minikafka.runtime.stream import Connection
from minikafka.trace import NO_CAUSE, Trace
from minikafka.wire.connection import (
    ClientConnection,
    decode_request,
    encode_response,
)
from minikafka.wire.errors import MalformedFrame

SCRATCH_BYTES = 256 * 1024
"""What one read takes at most from a connection that is at the start of a frame."""

MAX_FRAME_BYTES = (1 << 31) - 1
"""What a client accepts: its own fetch sizes bound the answers already."""


class Clock:
    """Microseconds since the Unix epoch that never go back, whatever is done to the wall clock."""

    def __init__(self) -> None:
        self._base_ns = time.time_ns() - time.monotonic_ns()

    def now(self) -> int:
        return (self._base_ns + time.monotonic_ns()) // 1000


class Driver:
    """Carries one node on real sockets and files: the `Host` of this world."""

    def __init__(self, node: Node, files: Files | None, trace: Trace | None) -> None:
        self.node = node
        self.trace = trace
        self.address: str | None = None
        self._files = files
        self._clock = Clock()
        self._loop = Loop(node, trace, self._failed)
        self._poller = Poller()
        self._listener: socket.socket | None = None
        self._connections: dict[Channel, Connection] = {}
        self._by_number: dict[int, Connection] = {}  # the same, by descriptor
        self._touched: dict[Connection, None] = {}  # those to be sent to and watched anew
        self._refused: list[tuple[Message, int]] = []  # connections that failed at once
        self._scratch = memoryview(bytearray(SCRATCH_BYTES))
        self._lock = threading.RLock()
        self._turned = threading.Condition(self._lock)
        self._waiters = 0
        self._wake = NEVER
        self._stop = False
        self._ended = False
        self._poke_read, self._poke_write = os.pipe()
        os.set_blocking(self._poke_read, False)
        os.set_blocking(self._poke_write, False)
        self._poller.register(self._poke_read, READ)
        self._thread: threading.Thread | None = None
        self._served: Any = getattr(node, "served", {})
        self._max_request_bytes: int = getattr(node, "max_request_bytes", MAX_FRAME_BYTES)
        self.failure: BaseException | None = None
        node.random = Random(os.urandom(16))
        node.trace = trace
        if files is not None:
            node.files = files

    # --- life --------------------------------------------------------------------
    def listen(self, host: str, port: int) -> str:
        """Bind and return "host:port" with the port that was given out for 0. Raises OSError."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = listener = socket.create_server((host, port), family=family, backlog=1024)
        listener.setblocking(False)
        bound: int = listener.getsockname()[1]
        self.address = f"{host}:{bound}"
        return self.address

    def start(self) -> None:
        """Start the node: it opens its files and may take its time; nobody is served before."""
        self._record("started")
        self.node.start(self._now())
        if self._listener is not None:
            self._poller.register(self._listener.fileno(), READ)
        self._turn(self._now(), [])

    def run(self) -> None:
        """Carry the node until `stop`; then stop it cleanly. Raises what made the node fail."""
        try:
            while not self._stop:
                self._round()
            with self._lock:
                self._turn(self._now(), [])
                self.node.stop(self._now())
                if self._files is not None:
                    self._files.write_out()
                self._record("stopped")
        except BaseException as failure:
            self.failure = failure
            raise
        finally:
            self._release()

    def run_in_thread(self) -> None:
        self._thread = threading.Thread(target=self._run_quietly, name=self.node.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask the loop to end; from any thread or signal handler. Returns at once."""
        self._stop = True
        self._poke()

    def close(self) -> None:
        self.stop()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run_quietly(self) -> None:
        with suppress(BaseException):  # kept in `failure`, and `wait` raises it
            self.run()

    def _release(self) -> None:
        with self._lock:
            self._ended = True
            for connection in self._connections.values():
                connection.sock.close()
            self._connections.clear()
            if self._listener is not None:
                self._listener.close()
            self._poller.close()
            os.close(self._poke_read)
            os.close(self._poke_write)
            self._turned.notify_all()

    # --- Host --------------------------------------------------------------------
    @contextmanager
    def entered(self) -> Iterator[int]:
        with self._lock:
            self._require_running()
            if self.trace is not None and not self._loop.turning:
                self.trace.cause = NO_CAUSE
            yield self._now()
            if not self._loop.disturb():
                before = self._wake
                self._turn(self._now(), [])
                if self._wake < before:
                    self._poke()

    @contextmanager
    def quietly(self) -> Iterator[int]:
        with self._lock:
            self._require_running()
            yield self._now()

    def wait(self, done: Callable[[], bool], timeout_ms: float | None) -> bool:
        deadline = None if timeout_ms is None else time.monotonic() + timeout_ms / 1000
        with self._turned:
            self._waiters += 1
            try:
                while not done():
                    self._require_running()
                    left = None if deadline is None else deadline - time.monotonic()
                    if left is not None and left <= 0:
                        return False
                    self._turned.wait(left)
                return True
            finally:
                self._waiters -= 1

    def _require_running(self) -> None:
        if self._ended or self._stop:
            raise WorldStopped(f"{self.node.name} is closed") from self.failure

    def _poke(self) -> None:
        with suppress(OSError):  # full: it will wake anyway; closed: nobody is there to wake
            os.write(self._poke_write, b"!")

    # --- one round -----------------------------------------------------------------
    def _round(self) -> None:
        wake = self._wake
        timeout = None if wake >= NEVER else max(0.0, (wake - self._clock.now()) / 1e6)
        ready = self._poller.poll(timeout)
        with self._lock:
            arrived, self._refused = self._refused, []
            now = self._now()
            for number, events in ready:
                connection = self._by_number.get(number)
                if connection is not None:
                    self._serve(connection, events, arrived)
                elif number == self._poke_read:
                    with suppress(BlockingIOError):
                        os.read(self._poke_read, 4096)
                else:
                    self._accept()
            if self.trace is not None and not arrived:
                self.trace.cause = NO_CAUSE
            if arrived or self._wake <= now:
                self._turn(now, arrived)
            elif self._touched:
                self._settle()

    def _turn(self, now: int, arrived: list[tuple[Message, int]]) -> None:
        self._wake = self._loop.turn(now, arrived)
        if self._files is not None:
            self._files.write_out()
        leaving = self._loop.leaving
        if leaving:
            for message, _ in leaving:
                self._carry(message)
            leaving.clear()
        if self._touched:
            self._settle()
        if self._waiters:
            self._turned.notify_all()

    def _carry(self, message: Message) -> None:
        """Queue a message with its connection; `_settle` then sends once per connection."""
        channel = message.channel
        connection = self._connections.get(channel)
        if type(message) is Response:
            if connection is not None:
                connection.queue(encode_response(message))
                self._touched[connection] = None
        elif type(message) is Request:
            connection = connection or self._connect(channel)
            if connection is not None and connection.client is not None:
                connection.queue(connection.client.send(message))
                self._touched[connection] = None
        elif connection is not None:
            self._drop(connection)

    def _settle(self) -> None:
        """Send what can be sent now, and let the poller watch what each connection wants next."""
        touched, self._touched = self._touched, {}
        for connection in touched:
            if self._by_number.get(connection.number) is not connection:
                continue  # dropped since
            if connection.out and not connection.events & WRITE:
                try:
                    connection.send()
                except OSError as error:
                    self._drop(connection)
                    self._report_later(Closed(connection.channel, _reason(error)))
                    continue
            events = connection.wants()
            if events != connection.events:
                self._watch(connection, events)

    def _watch(self, connection: Connection, events: int) -> None:
        if connection.events == 0:
            self._poller.register(connection.number, events)
        elif events == 0:
            self._poller.unregister(connection.number)
        else:
            self._poller.modify(connection.number, events)
        connection.events = events

    # --- connections -----------------------------------------------------------------
    def _accept(self) -> None:
        assert self._listener is not None
        while True:
            try:
                sock, peer = self._listener.accept()
            except OSError:  # none left, or it went away before we looked
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            channel = Channel(f"{peer[0]}:{peer[1]}", self.address or "")
            self._admit(Connection(sock, channel, self._max_request_bytes), READ)

    def _admit(self, connection: Connection, events: int) -> None:
        self._connections[connection.channel] = connection
        self._by_number[connection.number] = connection
        self._watch(connection, events)

    def _connect(self, channel: Channel) -> Connection | None:
        """Open a channel on its first request. One that was closed stays closed."""
        if channel.link is _ENDED:
            return None
        host, _, port = channel.server.rpartition(":")
        sock: socket.socket | None = None
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host.strip("[]"), int(port), type=socket.SOCK_STREAM
            )[0]
            sock = socket.socket(family, kind, protocol)
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            problem = sock.connect_ex(address)
            if problem not in (0, errno.EINPROGRESS):
                raise OSError(problem, os.strerror(problem))
        except (OSError, ValueError) as error:
            if sock is not None:
                sock.close()
            self._report_later(Closed(channel, f"cannot connect to {channel.server}: {error}"))
            return None
        connection = Connection(sock, channel, MAX_FRAME_BYTES)
        connection.client = ClientConnection(channel)
        self._admit(connection, READ | WRITE)  # WRITE: nothing is sent before the connection stands
        return connection

    def _report_later(self, closed: Closed) -> None:
        """Report a failure that was found while messages leave: after this turn, not inside it."""
        closed.channel.link = _ENDED
        self._refused.append((closed, NO_CAUSE))
        self._poke()

    def _serve(
        self, connection: Connection, events: int, arrived: list[tuple[Message, int]]
    ) -> None:
        """Write and read what the poller says is possible. An error or a hang-up says both."""
        self._touched[connection] = None
        try:
            if events & ~READ:
                connection.send()
            if events & ~WRITE and connection.events & READ:
                for frame in connection.receive(self._scratch):
                    self._take(connection, frame, arrived)
        except MalformedFrame as error:
            self._report(connection, error)
            self._lost(connection, f"malformed frame: {error}", arrived)
        except OSError as error:
            self._lost(connection, _reason(error), arrived)

    def _take(
        self, connection: Connection, frame: bytearray, arrived: list[tuple[Message, int]]
    ) -> None:
        message: Message
        if connection.client is None:
            message = decode_request(connection.channel, frame, self._served)
        else:
            message = connection.client.decode_response(frame)
        cause = NO_CAUSE
        if self.trace is not None:
            self.trace.cause = NO_CAUSE
            cause = self.trace.add(self.node.name, "delivered", message)
        arrived.append((message, cause))

    def _lost(
        self, connection: Connection, reason: str, arrived: list[tuple[Message, int]]
    ) -> None:
        self._drop(connection)
        arrived.append((Closed(connection.channel, reason), NO_CAUSE))

    def _drop(self, connection: Connection) -> None:
        if connection.events:
            self._poller.unregister(connection.number)
            connection.events = 0
        connection.sock.close()
        connection.channel.link = _ENDED
        del self._connections[connection.channel]
        del self._by_number[connection.number]

    def _failed(self, message: Message, error: Exception) -> None:
        """A defect in a node must not take the others' connections down: this one is closed."""
        if isinstance(error, OSError):
            raise error  # the disk failed: what the node believes and what it wrote may differ
        traceback.print_exception(error, file=sys.stderr)
        self.node.outbox.append(Closed(message.channel, f"internal error: {error}"))
        self._report_later(Closed(message.channel, f"internal error: {error}"))

    def _report(self, connection: Connection, error: MalformedFrame) -> None:
        print(f"{self.node.name}: closed {connection.channel.client}: {error}", file=sys.stderr)

    # --- the trace ---------------------------------------------------------------------
    def _now(self) -> int:
        now = self._clock.now()
        if self.trace is not None:
            self.trace.now = now
        return now

    def _record(self, kind: str) -> None:
        if self.trace is not None:
            self.trace.cause = NO_CAUSE
            self.trace.add(self.node.name, kind, {})


def _reason(error: OSError) -> str:
    return error.strerror or "connection reset"


_ENDED: Any = object()
"""The `link` of a channel that was closed or refused: what is sent on it goes nowhere."""


class Sockets:
    """The world of real sockets. `trace=True` gives every host a `Trace` of its own."""

    def __init__(self, *, trace: bool = False) -> None:
        self._trace = trace

    def host(self, node: Node, *, listen: str | None = None, files: Files | None = None) -> Driver:
        """Carry `node` in a thread of its own (`World.host`)."""
        driver = Driver(node, files, Trace() if self._trace else None)
        if listen is not None:
            host, _, port = listen.rpartition(":")
            driver.listen(host.strip("[]"), int(port))
        driver.start()
        driver.run_in_thread()
        return driver
