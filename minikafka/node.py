"""The seam: what a node is, and everything that may cross its border.

A *node* (broker, producer, consumer, admin, later controller and connector) is
a state machine. It owns its state, and the world reaches it in four ways only:

      start(now)            once, before anything else: open files, recover
      receive(now, message) a message has arrived
      poll(now) -> wake     time has passed; returns when it wants the next poll
      stop(now)             once, at a clean end: flush, close

What it decided lies in `outbox` afterwards. Nothing in the outbox leaves before
`poll` has returned and before everything the node wrote in that turn has reached
the operating system, so an answer can never be ahead of the write it reports
(etcd/raft calls the same contract `Ready`).

A node never sleeps, opens a socket, asks the clock or draws from a global
random generator. That is what lets the same node run in a seeded simulator,
where a day takes a second, and on real sockets, where it is a Kafka broker.

**Time** is `now`: whole microseconds since the Unix epoch that never go back.
Kafka's configs are in milliseconds; multiply them by `MS` once, where they enter.
Record timestamps are `now // MS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from random import Random
from typing import TYPE_CHECKING, Any, Protocol, final

from minikafka.loggers import Loggers

if TYPE_CHECKING:
    from minikafka.log.files import Files
    from minikafka.trace import Trace

MS = 1_000
"""Microseconds in a millisecond: `now + linger_ms * MS`."""

NEVER = 1 << 62
"""A wake time that does not come (in µs; as a date, some 146,000 years from now)."""


@final
class Channel:
    """One connection between a client node and a server node.

    Requests travel from client to server, answers back in the order of the
    requests; both directions keep their order (it is TCP). To a node a channel is
    an opaque key: it compares and hashes by identity. A client makes one
    (`Channel("producer-1", "127.0.0.1:9092")`) and sends on it; the world connects
    on the first message. A server meets it as `request.channel` and puts it on its
    answer. Two channels with equal names are two connections.
    """

    __slots__ = ("client", "in_service", "link", "muted", "server", "waiting")

    def __init__(self, client: str, server: str) -> None:
        self.client = client
        self.server = server
        # The rest belongs to the driver that carries the channel, not to nodes.
        self.link: Any = None
        self.in_service = False  # a request was handed to the server and not answered yet
        self.muted = False  # ... or was, and the server wants to hear no other for a while
        self.waiting: list[tuple[Request, int]] = []  # what arrived behind it, each with its cause

    def __repr__(self) -> str:
        return f"{self.client}→{self.server}"


@final
class Request:
    """A request on its way: `body` is the wire message (`ProduceRequest`, …) in `version`."""

    __slots__ = ("body", "channel", "client_id", "correlation_id", "version")

    def __init__(
        self, channel: Channel, body: Any, version: int, correlation_id: int, client_id: str | None
    ) -> None:
        self.channel = channel
        self.body = body
        self.version = version
        self.correlation_id = correlation_id
        self.client_id = client_id

    def __repr__(self) -> str:
        return f"{self.channel} #{self.correlation_id} {self.body!r} v{self.version}"


@final
class Response:
    """An answer on its way.

    `body` is None where there is none (produce with acks=0) and nothing goes on the wire. A
    server says so that the next request of the channel may be served; to a client the world
    says it when the request has left: that is all that will ever be known of it.

    A server that is not willing to serve the channel's next request yet says `muted`, and later
    `Unmuted`.
    """

    __slots__ = ("body", "channel", "correlation_id", "muted", "version")

    def __init__(
        self, channel: Channel, body: Any, version: int, correlation_id: int, muted: bool = False
    ) -> None:
        self.channel = channel
        self.body = body
        self.version = version
        self.correlation_id = correlation_id
        self.muted = muted

    def __repr__(self) -> str:
        return f"{self.channel} #{self.correlation_id} {self.body!r} v{self.version}"


@final
class Closed:
    """A channel has ended (when received), or shall be closed (when in the outbox)."""

    __slots__ = ("channel", "reason")

    def __init__(self, channel: Channel, reason: str) -> None:
        self.channel = channel
        self.reason = reason

    def __repr__(self) -> str:
        return f"{self.channel} closed: {self.reason}"


@final
class Unmuted:
    """The next request of a channel may be served now: only in the outbox of a server."""

    __slots__ = ("channel",)
    muted = False

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    def __repr__(self) -> str:
        return f"{self.channel} unmuted"


Message = Request | Response | Closed


class Node:
    """Base of every state machine that a world can carry. See the module's text."""

    loggers = Loggers()
    """Which events are told to who runs it. A node whose levels can be changed has its own."""
    journal: Callable[[str, str, Mapping[str, Any]], None] | None = None
    """Tells of an event: the node's name, the kind and the fields. Lent by the world."""

    compression_type = "none"
    compressed_bytes = 0
    """What went through that codec so far. Compressing takes time that shows in no message, so a
    node has to say for how much a simulated machine is to charge it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.outbox: list[Message | Unmuted] = []
        self.calls: list[Callable[[], None]] = []
        """What an application asked to be told, a delivery for instance: the world makes these
        calls after the turn, in this order, one at a time and with no lock held."""
        # Lent by the world in `World.host`, before `start`:
        self.random: Random = Random(name)
        self.trace: Trace | None = None
        self.files: Files  # only for nodes that are hosted with files

    def start(self, now: int) -> None:
        """Called once before any other call."""

    def receive(self, now: int, message: Message) -> None:
        """A message arrived. Decide; put what follows into `outbox`."""
        raise NotImplementedError

    def poll(self, now: int) -> int:
        """Do what is due at `now`; return when the next poll is wanted (`NEVER` if not at all).

        Called after each round of `receive`, and when the returned time has come.
        """
        return NEVER

    def stop(self, now: int) -> None:
        """Called once at a clean end. A crash does not call it: that is what makes it one."""

    def emit(self, kind: str, **fields: Any) -> None:
        """Say a state change that a person would point at: in the trace, and in the log."""
        if self.trace is not None:
            self.trace.add(self.name, kind, fields)
        if self.journal is not None and kind not in self.loggers.unwanted:
            self.journal(self.name, kind, fields)


class Host(Protocol):
    """The world's side of one node: how a blocking API (`Producer.flush`) talks to its machine.

    In the simulator `wait` advances virtual time; on sockets it waits for the
    thread that carries the node. The API above it is the same.
    """

    def entered(self) -> AbstractContextManager[int]:
        """Exclusive access to the node for a `with` block; gives `now`.

        Leaving the block gives the node a turn, so what the block caused gets carried out.
        """
        ...

    def lock(self) -> int:
        """Exclusive access to the node until `unlock`, without a turn; returns `now`.

        For calls that leave nothing to do yet. Two methods and not a `with` block, because
        `Producer.send` uses them for each record: the block costs a sixth of the whole call.
        """
        ...

    def unlock(self) -> None: ...

    def wait(self, done: Callable[[], bool], timeout_ms: float | None) -> bool:
        """Let the world go on until `done()` (called with exclusive access) or the timeout.

        Says whether it is done. Raises WorldStopped when the node's world has ended.
        """
        ...

    def calling(self) -> bool:
        """Whether who asks is inside one of the node's `calls`, and so must not `wait`."""
        ...

    def close(self) -> None:
        """Stop the node cleanly and let go of it. Harmless when repeated."""
        ...


class World(Protocol):
    """What carries nodes: `Simulator` or `Sockets`."""

    def host(self, node: Node, *, listen: str | None = None, files: Files | None = None) -> Host:
        """Take a node in, start it, and carry its messages. `listen` is "host:port" for servers."""
        ...


class WorldStopped(Exception):
    """The world that carried this node is closed, so nothing further can happen in it."""
