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
taken by the peer; TCP then slows the sender down. It hands in `MAX_FRAMES` requests a round
at the most, so one that sends thousands at once delays the others by no more than these. A
frame is bounded by `socket.request.max.bytes`, and its buffer grows with the bytes that
really come, so one that lies about its length costs next to nothing.

**Client threads.** A blocking call of `Producer` or `Consumer` takes the driver's lock,
changes its node, and runs the turn itself; the driver's thread is woken only to wait for
something new.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from time import monotonic, monotonic_ns, time_ns
from typing import TYPE_CHECKING, Any

from minikafka.log.files import Files
from minikafka.node import (
    MS,
    NEVER,
    Channel,
    Closed,
    Message,
    Node,
    Request,
    Response,
    Unmuted,
    WorldStopped,
)
from minikafka.runtime.loop import Loop
from minikafka.runtime.poller import HANG_UP, QUIET, READ, WRITE, Poller
from minikafka.runtime.stream import Connection
from minikafka.trace import NO_CAUSE, Trace
from minikafka.wire.connection import (
    ClientConnection,
    decode_request,
    encode_response,
    has_answer,
)
from minikafka.wire.errors import KafkaError, MalformedFrame

if TYPE_CHECKING:
    from minikafka.runtime.metrics import Meter

SCRATCH_BYTES = 256 * 1024
"""What one read takes at most from a connection that is at the start of a frame."""

SECOND_NS = 1_000_000_000
SECOND_US = 1_000_000

MAX_FRAME_BYTES = (1 << 31) - 1
"""What a client accepts: its own fetch sizes bound the answers already."""


class Clock:
    """Microseconds since the Unix epoch that never go back.

    It is the monotonic clock that counts, so timers do not see a small adjustment, nor one
    back. Once a second the wall clock is asked too: if it is ahead by more than a second, that
    is followed, by timers as well (the machine slept, and records come with the new time).
    """

    __slots__ = ("_ahead_ns", "_ask_at_ns")

    def __init__(self) -> None:
        self._ahead_ns = time_ns() - monotonic_ns()
        self._ask_at_ns = 0

    def now(self) -> int:
        now_ns = monotonic_ns() + self._ahead_ns
        if now_ns >= self._ask_at_ns:
            now_ns = self._ask(now_ns)
        return now_ns // 1000

    def _ask(self, now_ns: int) -> int:
        jump_ns = time_ns() - now_ns
        if jump_ns > SECOND_NS:
            self._ahead_ns += jump_ns
            now_ns += jump_ns
        self._ask_at_ns = now_ns + SECOND_NS
        return now_ns


SAY_AGAIN_US = 60_000 * MS
PLACES_KEPT = 100

INTERRUPTED_DEPTH = 8
"""More often than that nobody takes the lock within itself."""


class _Entered:
    """What `entered` gives to a `with` block: the driver's lock, `now`, and a turn at its end."""

    __slots__ = ("_driver",)

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def __enter__(self) -> int:
        return self._driver.lock()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if kind is None:
                self._driver.leave()
        finally:
            self._driver.unlock()


class Driver:
    """Carries one node on real sockets and files: the `Host` of this world."""

    # Slots for speed: an object with more than 30 attributes gets a dict of its own from CPython,
    # and a round asks this one 35 times.
    __slots__ = (
        "_accepting", "_backlog", "_by_number", "_calling", "_chores_at", "_clock", "_connections",
        "_ended", "_entered", "_files", "_from", "_later", "_listener", "_lock", "_loop",
        "_max_idle_us", "_max_request_bytes", "_poked", "_poked_number", "_poker", "_poller",
        "_said", "_scratch", "_served", "_stop", "_thread", "_touched", "_turned", "_waiters",
        "_wake", "address", "connection_limit", "failure", "has_started", "meter", "node",
        "poker_number", "trace", "unlock",
    )  # fmt: skip

    def __init__(self, node: Node, files: Files | None, trace: Trace | None) -> None:
        self.node = node
        self.trace = trace
        self.address: str | None = None
        self.has_started = False
        self._files = files
        self._clock = Clock()
        self._loop = Loop(node, trace, self._failed)
        self._poller = Poller()
        self._listener: socket.socket | None = None
        self._connections: dict[Channel, Connection] = {}
        self._by_number: dict[int, Connection] = {}  # the same, by descriptor
        self._from: Counter[str] = Counter()  # how many of them others opened, by their address
        self._touched: dict[Connection, None] = {}  # those to be sent to and watched anew
        # For the next turn: connections that failed at once, requests that left and have no answer.
        self._later: list[tuple[Message, int]] = []
        self._backlog: dict[Connection, None] = {}  # those with whole frames not taken yet
        self._calling: int | None = None  # the thread that is making `node.calls`
        self._accepting = False
        # Of each kind and place, when it was told and how many have not been told since.
        self._said: dict[tuple[str, str], tuple[int, int]] = {}
        self._chores_at = NEVER
        self._scratch = memoryview(bytearray(SCRATCH_BYTES))
        self._lock = threading.RLock()
        self._turned = threading.Condition(self._lock)
        self._waiters = 0
        self._wake = NEVER
        self._stop = False
        self._ended = False
        self.unlock = self._lock.release
        self._entered = _Entered(self)
        self._poked, self._poker = socket.socketpair()
        self._poked.setblocking(False)
        self._poker.setblocking(False)
        self._poked_number = self._poked.fileno()
        self.poker_number = self._poker.fileno()
        """A descriptor that ends the loop's wait when somebody writes to it."""
        self._poller.register(self._poked_number, READ)
        self._thread: threading.Thread | None = None
        self._served: Any = getattr(node, "served", {})
        self._max_request_bytes: int = getattr(node, "max_request_bytes", MAX_FRAME_BYTES)
        self._max_idle_us: int = getattr(node, "max_idle_ms", 0) * MS
        self.connection_limit = NEVER
        """How many connections this process can have; a node may want fewer."""
        self.meter: Meter | None = None
        """Told of every request and answer, for metrics."""
        self.failure: BaseException | None = None
        node.random = Random(os.urandom(16))
        node.trace = trace
        if self._served:  # clients are the application's own business
            node.journal = tell
        if files is not None:
            node.files = files

    # --- life --------------------------------------------------------------------
    def listen(self, host: str, port: int) -> str:
        """Bind and return "host:port" with the port that was given out for 0. Raises OSError."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = listener = socket.create_server((host, port), family=family, backlog=1024)
        listener.setblocking(False)
        bound: int = listener.getsockname()[1]
        self.address = f"[{host}]:{bound}" if family == socket.AF_INET6 else f"{host}:{bound}"
        return self.address

    def start(self) -> None:
        """Start the node: it opens its files and may take its time; nobody is served before."""
        now = self._now()
        self._record("started")
        self.node.start(now)
        self._listen_again()
        if self._max_idle_us > 0:
            self._chores_at = self._now() + self._max_idle_us
        self._turn(self._now(), [])
        self.has_started = True

    def run(self) -> None:
        """Carry the node until `stop`; then stop it cleanly. Raises what made the node fail."""
        try:
            while not self._stop:
                self._round()
            with self._lock:
                if self.failure is None:
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

    @property
    def connection_count(self) -> int:
        return len(self._connections)

    def stop(self) -> None:
        """Ask the loop to end; from any thread or signal handler. Returns at once."""
        self._stop = True
        self._poke()

    def close(self) -> None:
        self.stop()
        self._let_go(INTERRUPTED_DEPTH)  # the thread that ends needs it
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
            self._poked.close()
            self._poker.close()
            self._turned.notify_all()

    # --- Host --------------------------------------------------------------------
    def entered(self) -> _Entered:
        return self._entered

    def lock(self) -> int:
        """Until `unlock` nobody else sees or changes the node. Raises WorldStopped."""
        try:
            self._lock.acquire()  # an interrupt comes right behind it, if one comes
            if self._ended or self._stop:
                self._require_running()
            if self.trace is not None and not self.calling():
                self.trace.cause = NO_CAUSE
            return self._now()
        except BaseException:
            self._let_go(1)
            raise

    def _let_go(self, times: int) -> None:
        """Release the lock where an interrupt has kept this thread from it."""
        while times and self._lock._is_owned():  # type: ignore[attr-defined]
            self._lock.release()
            times -= 1

    def leave(self) -> None:
        """Somebody has changed the node: turn it.

        An interrupt in there leaves half a turn, of which nothing good can come: it ends this
        world, as in the thread that carries the node.
        """
        before = self._wake
        try:
            self._turn(self._now(), [])
        except BaseException as failure:
            self.failure = failure
            self.stop()
            raise
        if self._wake < before or self.node.calls or self._later:
            self._poke()

    def wait(self, done: Callable[[], bool], timeout_ms: float | None) -> bool:
        deadline = None if timeout_ms is None else monotonic() + timeout_ms / 1000
        with self._turned:
            self._waiters += 1
            try:
                while not done():
                    self._require_running()
                    left = None if deadline is None else deadline - monotonic()
                    if left is not None and left <= 0:
                        return False
                    self._turned.wait(left)
                return True
            finally:
                self._waiters -= 1

    def calling(self) -> bool:
        return self._calling == threading.get_ident()

    def _require_running(self) -> None:
        if self._ended or self._stop:
            raise WorldStopped(f"{self.node.name} is closed") from self.failure

    def _poke(self) -> None:
        with suppress(OSError):  # full: it will wake anyway; closed: nobody is there to wake
            self._poker.send(b"!")

    # --- one round -----------------------------------------------------------------
    def _round(self) -> None:
        ready = self._poller.poll(self._patience())
        with self._lock:
            arrived, self._later = self._later, []
            backlog, self._backlog = self._backlog, {}
            now = self._now()
            for number, events in ready:
                connection = self._by_number.get(number)
                if connection is not None:
                    connection.active_at = now
                    self._serve(connection, events, arrived)
                elif number == self._poked_number:
                    with suppress(BlockingIOError):
                        self._poked.recv(4096)
                else:
                    self._accept(now)
            for connection in backlog:
                is_open = self._by_number.get(connection.number) is connection
                if is_open and connection not in self._touched:  # served already
                    self._serve(connection, READ, arrived)
            if now >= self._chores_at:
                self._do_chores(now, arrived)
            if self.trace is not None and not arrived:
                self.trace.cause = NO_CAUSE
            if arrived or self._wake <= now:
                self._turn(now, arrived)
            elif self._touched:
                self._settle()
        if self.node.calls:
            self._make_calls()

    def _make_calls(self) -> None:
        """Tell the application what it asked to be told, without the lock, in this thread only."""
        with self._lock:
            calls, self.node.calls = self.node.calls, []
        self._calling = threading.get_ident()
        try:
            for call in calls:
                call()
        finally:
            self._calling = None
        with self._lock:
            if self._waiters:
                self._turned.notify_all()

    def _patience(self) -> float | None:
        """How long to wait for sockets, in seconds; None: until something comes."""
        if self._backlog or self._later or self.node.calls:
            return 0.0
        wake = self._wake if self._wake < self._chores_at else self._chores_at
        if wake >= NEVER:
            return None
        left = wake - self._clock.now()
        return left / 1e6 if left > 0 else 0.0

    def _turn(self, now: int, arrived: list[tuple[Message, int]]) -> None:
        self._wake = self._loop.turn(now, arrived)
        if self._files is not None:
            self._files.write_out()
        leaving = self._loop.leaving
        if leaving:
            for message, _ in leaving:
                self._carry(message, now)
            leaving.clear()
        if self._touched:
            self._settle()
        if self._waiters:
            self._turned.notify_all()

    def _carry(self, message: Message | Unmuted, now: int) -> None:
        """Queue a message with its connection; `_settle` then sends once per connection."""
        channel = message.channel
        connection = self._connections.get(channel)
        if type(message) is Unmuted:
            if connection is not None:  # it may want to be read again, or may be over
                connection.active_at = now
                self._touched[connection] = None
            return
        if type(message) is Closed:
            if connection is not None:
                self._drop(connection)
            return
        if connection is None:
            connection = self._connect(channel) if type(message) is Request else None
            if connection is None:
                return
        try:
            if type(message) is Response:
                parts = encode_response(message)
                connection.queue(parts)
                if self.meter is not None:
                    self.meter.answered(message, parts)
            elif connection.client is not None:
                connection.queue(connection.client.send(message))
                if not has_answer(message):
                    left = Response(channel, None, message.version, message.correlation_id)
                    connection.unanswered.append((connection.queued_bytes, left))
        except (ValueError, KafkaError) as error:  # it does not fit its version, or its field
            self._drop(connection)
            self._say("unsendable", channel=str(channel), reason=str(error))
            self._report_later(Closed(channel, str(error)))
            return
        connection.active_at = now
        self._touched[connection] = None

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
                if connection.unanswered:
                    self._later += ((left, NO_CAUSE) for left in connection.departed())
            if connection.is_over():
                self._drop(connection)
                self._report_later(Closed(connection.channel, "closed by the peer"))
                continue
            events = connection.wants()
            if events != connection.events:
                self._watch(connection, events)
            if connection.reader.has_more and connection.may_hand_in():
                self._backlog[connection] = None

    def _watch(self, connection: Connection, events: int) -> None:
        if connection.events == 0:
            self._poller.register(connection.number, events)
        else:
            self._poller.modify(connection.number, events)
        connection.events = events

    # --- connections -----------------------------------------------------------------
    def _accept(self, now: int) -> None:
        """Take in who waits at the door. At a limit it is shut until one leaves, or a second."""
        assert self._listener is not None
        most = min(self.connection_limit, getattr(self.node, "max_connections", NEVER))
        most_from = getattr(self.node, "max_connections_from", lambda address: NEVER)
        while len(self._connections) < most:
            try:
                sock, peer = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NO_DESCRIPTORS:
                    break
                return  # it went away before we looked
            if self._from[peer[0]] >= most_from(peer[0]):
                sock.close()
                self._say("too_many_connections", client=peer[0], connections=self._from[peer[0]])
                continue
            self._from[peer[0]] += 1
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            channel = Channel(f"{peer[0]}:{peer[1]}", self.address or "")
            connection = Connection(sock, channel, self._max_request_bytes)
            connection.peer = peer[0]
            connection.active_at = now
            self._admit(connection, READ)
            if "connected" not in self.node.loggers.unwanted:
                self._tell("connected", {"client": channel.client})
        self._poller.unregister(self._listener.fileno())
        self._accepting = False
        self._chores_at = min(self._chores_at, now + SECOND_US)
        self._say("no_more_connections", connections=len(self._connections))

    def _listen_again(self) -> None:
        if self._listener is not None and not self._accepting:
            self._poller.register(self._listener.fileno(), READ)
            self._accepting = True

    def _do_chores(self, now: int, arrived: list[tuple[Message, int]]) -> None:
        """Open the door again, and close what has been silent for `connections.max.idle.ms`."""
        self._listen_again()
        self._chores_at = NEVER
        if self._max_idle_us > 0:
            self._chores_at = now + max(self._max_idle_us // 10, MS)
            for connection in list(self._connections.values()):
                silent_us = now - connection.active_at
                channel = connection.channel
                waits = channel.waiting if channel.muted else channel.in_service
                if silent_us >= self._max_idle_us and not waits:
                    self._lost(connection, "idle for too long", arrived)

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
            found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
            # "localhost" is two addresses, and brokers mostly listen on the older kind.
            found.sort(key=lambda one: one[0] != socket.AF_INET)
            family, kind, protocol, _, address = found[0]
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
        self._later.append((closed, NO_CAUSE))

    def _serve(
        self, connection: Connection, events: int, arrived: list[tuple[Message, int]]
    ) -> None:
        """Write and read what the poller says is possible. An error or a hang-up says both."""
        if connection.events in (HANG_UP, QUIET):  # what it asked for has to wait, and it is gone
            self._lost(connection, "closed by the peer", arrived)
            return
        self._touched[connection] = None
        try:
            if events & ~READ:
                connection.send()
                arrived += ((left, NO_CAUSE) for left in connection.departed())
            if events & ~WRITE and connection.may_hand_in():
                for frame in connection.receive(self._scratch):
                    self._take(connection, frame, arrived)
        except MalformedFrame as error:
            self._say("malformed_frame", client=connection.channel.client, reason=str(error))
            self._lost(connection, f"malformed frame: {error}", arrived)
        except OSError as error:
            self._lost(connection, _reason(error), arrived)

    def _take(
        self, connection: Connection, frame: bytearray, arrived: list[tuple[Message, int]]
    ) -> None:
        message: Message
        if connection.client is None:
            message = decode_request(connection.channel, frame, self._served)
            if self.meter is not None:
                self.meter.arrived(message, len(frame))
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
        if "disconnected" not in self.node.loggers.unwanted:
            self._tell("disconnected", {"client": connection.channel.client, "reason": reason})
        arrived.append((Closed(connection.channel, reason), NO_CAUSE))

    def _drop(self, connection: Connection) -> None:
        if connection.events:
            self._poller.unregister(connection.number)
            connection.events = 0
        connection.sock.close()
        connection.channel.link = _ENDED
        del self._connections[connection.channel]
        del self._by_number[connection.number]
        if self.meter is not None:
            self.meter.forget(connection.channel)
        if connection.peer is not None:
            self._from[connection.peer] -= 1
            if not self._from[connection.peer]:
                del self._from[connection.peer]
        self._listen_again()

    def _failed(self, message: Message, error: Exception) -> None:
        """A defect in a node must not take the others' connections down: this one is closed."""
        if isinstance(error, OSError):
            raise error  # the disk failed: what the node believes and what it wrote may differ
        import traceback  # here, as it takes its time and is hardly ever needed

        last = traceback.extract_tb(error.__traceback__)[-1]
        text = "".join(traceback.format_exception(error))
        self._say("failed", where=f"{last.filename}:{last.lineno}", error=repr(error), trace=text)
        self.node.outbox.append(Closed(message.channel, f"internal error: {error}"))
        self._report_later(Closed(message.channel, f"internal error: {error}"))

    def _say(self, kind: str, where: str = "", **fields: Any) -> None:
        """Tell who runs this, but once a minute of a kind (and place): a log is to be read."""
        now = self._clock.now()
        since, more = self._said.get((kind, where), (-SAY_AGAIN_US, 0))
        if now - since < SAY_AGAIN_US:
            self._said[kind, where] = since, more + 1
            return
        if len(self._said) > PLACES_KEPT:
            self._said.clear()
        self._said[kind, where] = now, 0
        if where:
            fields["where"] = where
        if more:
            fields["more_like_this"] = more
        self._tell(kind, fields)

    def _tell(self, kind: str, fields: Mapping[str, Any]) -> None:
        if kind not in self.node.loggers.unwanted:
            tell(self.node.name, kind, fields)

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
        if self.node.journal is not None:
            self._tell(kind, {})


def tell(node: str, kind: str, fields: Mapping[str, Any]) -> None:
    """`journal.tell`, imported when there is something to tell: `logging` takes its time."""
    from minikafka.runtime.journal import tell

    tell(node, kind, fields)


_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


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
