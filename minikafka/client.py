"""What producer, consumer and admin share: finding the cluster and talking to it.

A client knows a few addresses (`bootstrap.servers`) and has to find out the rest:

      connect ──► ApiVersions ──► (what may I say here?)      once per connection
                  Metadata    ──► (who leads which partition?) when somebody needs to know
                  Produce, Fetch, ListOffsets, …               to the broker that leads

`ClientNode` is the machine under all three clients. A subclass says what it wants to do
in `work(now)`, which runs in every turn. For each request it asks `ready(now, broker)`
for a connection; the answer is None while the connection is being made, or waits out a
backoff, or the broker is not known yet, and then `work` simply tries again in a later
turn. So there is no queue of requests that wait for a connection and nothing to take
back out of it when the leader turns out to be somebody else (Kafka's `NetworkClient`
has the same shape, for the same reason).

Who has to wait for a time calls `wake_at(time)`; the earliest one becomes the time of
the next poll.

**One connection, one queue.** A broker answers the requests of a connection strictly in
their order (`Channel`). So an answer belongs to the oldest request that is open, the
oldest is also the first to time out, and when it does, the whole connection is given up:
later answers cannot come before it. And it is why a consumer opens a second connection
(`lane`) to a broker: a fetch may wait there for `fetch.max.wait.ms`, and a question that
queued behind it would wait as long.

**Versions** (KIP-35, KIP-511). The first request of a connection is ApiVersions in the
newest version known here. A broker too old for that answers in version 0 with
UNSUPPORTED_VERSION and the versions it does know; the question is then put again. After
that every request uses the newest version that both sides know.

Connections are keyed by address. Kafka keys them by broker id, so its bootstrap
connection is used for one Metadata request and then replaced by one to the same machine.

Not done: TLS and SASL; closing idle connections (`connections.max.idle.ms`); waiting
because the broker asked to (`throttle_time_ms`, KIP-219); the leader hints in produce
and fetch answers (KIP-951): a fresh Metadata tells the same one round trip later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence, Set
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from minikafka import __version__
from minikafka.config import Config, ConfigError, at_least, int_, list_, long, string
from minikafka.node import (
    MS,
    NEVER,
    Channel,
    Closed,
    Message,
    Node,
    Request,
    Response,
    WorldStopped,
)
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages import ApiVersionsRequest, MetadataRequest
from minikafka.wire.messages.metadata import MetadataRequestTopic

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from random import Random

    from minikafka.node import Host, World

T = TypeVar("T")
Answered = Callable[[int, Any], None]
"""What happens when a request is over: called with `now` and its answer, or a KafkaError."""

NO_LEADER = -1


class TopicPartition(NamedTuple):
    """One partition of a topic. Any pair (topic, partition) may be given where one is asked for."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"

    @classmethod
    def of(cls, given: object) -> TopicPartition:
        """From a pair. Raises TypeError or ValueError for what cannot be one."""
        if not isinstance(given, (tuple, list)) or len(given) != 2:
            raise TypeError(f"a partition is given as a pair (topic, number), not as {given!r}")
        return cls(topic_name(given[0]), whole_number("partition", given[1], INT32_MAX))


# --- what a program may hand in -----------------------------------------------------------------
# Checked where it comes in: what has got into a request must fit the protocol's fields, or the
# failure would meet the machine, and all that others have asked it for.
INT32_MAX = (1 << 31) - 1
INT64_MAX = (1 << 63) - 1
LONGEST_MS = 1_000_000_000_000
"""31 years: who waits for longer waits for ever."""


def topic_name(given: object) -> str:
    """A name that a request can carry; whether a topic may have it is for the broker to say."""
    if not isinstance(given, str):
        raise TypeError(f"topic must be a str, not {type(given).__name__}")
    if not given:
        raise ValueError("topic must not be empty")
    if len(given) > LONGEST_TOPIC:
        raise ValueError(f"topic must have at most {LONGEST_TOPIC} characters, not {len(given)}")
    utf8(f"topic {given!r}", given)
    return given


LONGEST_TOPIC = 249  # a directory's name has to hold it, with the partition and a suffix


def topic_names(given: Iterable[object]) -> list[str]:
    """Several of them. Raises TypeError for a str, which would be taken letter by letter."""
    if isinstance(given, str):
        raise TypeError(f"topics must be a list of names, not the str {given!r}")
    return [topic_name(name) for name in given]


def utf8(what: str, given: str) -> bytes:
    """The bytes of a text. Raises ValueError for half a surrogate pair, which has none."""
    try:
        return given.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{what} is not valid text: {error.reason}") from None


def whole_number(what: str, given: object, largest: int, least: int = 0) -> int:
    """An int within its field's bounds; a float is refused, even 1.0."""
    if not isinstance(given, int) or isinstance(given, bool):
        raise TypeError(f"{what} must be an int, not {type(given).__name__}")
    if not least <= given <= largest:
        raise ValueError(f"{what} must be between {least} and {largest}, not {given}")
    return given


def milliseconds(given: object) -> float:
    """A timeout. Infinity is fine, and cut to `LONGEST_MS`, as the clock could not add it."""
    if not isinstance(given, (int, float)) or given != given:  # NaN
        raise TypeError(f"a timeout must be a number of milliseconds, not {given!r}")
    return min(given, LONGEST_MS)


class ClientConfig(Config, kind="client"):
    """The configs that every client has."""

    bootstrap_servers: tuple[str, ...] = list_(
        (), "Addresses host:port from which the client finds all others; a few are enough."
    )
    client_id: str = string("", "The name that brokers see, and logs show.")
    metadata_max_age_ms: int = long(
        300_000,
        "Ask anew who leads what at least this often, even when nothing seems wrong.",
        at_least(0),
    )
    reconnect_backoff_ms: int = long(
        50,
        "Wait this long before connecting again to an address; doubles with each failure.",
        at_least(0),
    )
    reconnect_backoff_max_ms: int = long(1_000, "Where that doubling ends.", at_least(0))
    retry_backoff_ms: int = long(
        100,
        "Wait this long before trying a failed request again; doubles with each failure.",
        at_least(0),
    )
    retry_backoff_max_ms: int = long(1_000, "Where that doubling ends.", at_least(0))
    request_timeout_ms: int = int_(
        30_000, "Give a connection up when an answer takes longer than this.", at_least(0)
    )
    socket_connection_setup_timeout_ms: int = long(
        10_000,
        "The same for connecting, ApiVersions included; doubles with each failure.",
        at_least(0),
    )
    socket_connection_setup_timeout_max_ms: int = long(
        30_000, "Where that doubling ends.", at_least(0)
    )

    @classmethod
    def settle(cls, values: dict[str, Any], explicit: Set[str]) -> None:
        if not values["bootstrap_servers"]:
            raise ConfigError("bootstrap.servers must name at least one host:port")
        for address in values["bootstrap_servers"]:
            host, _, port = address.rpartition(":")
            if not host or not port.isdecimal():
                raise ConfigError(f"bootstrap.servers = {address}: must be host:port")
        values["client_id"] = values["client_id"] or cls.TABLE.kind


class Backoff:
    """How long to wait before try number `attempts` + 1 (Kafka's ExponentialBackoff, KIP-580).

          attempts   0     1     2     3     4 …           first_ms = 100, largest_ms = 1000
          delay    100   200   400   800  1000 ms, each ± 20 %

    The jitter keeps a thousand clients that lost the same broker from coming back at once.
    """

    __slots__ = ("_first_us", "_largest_us")

    def __init__(self, first_ms: int, largest_ms: int) -> None:
        # Kafka takes a largest below the first to mean: always the largest.
        self._first_us = min(first_ms, largest_ms) * MS
        self._largest_us = largest_ms * MS

    def delay_us(self, attempts: int, random: Random) -> int:
        delay = min(self._first_us << min(attempts, 32), self._largest_us)
        return min(int(delay * (0.8 + 0.4 * random.random())), self._largest_us)


class PartitionInfo(NamedTuple):
    """Who leads a partition, as far as the client knows."""

    leader: int
    leader_epoch: int
    replicas: tuple[int, ...]
    in_sync_replicas: tuple[int, ...]


class TopicInfo(NamedTuple):
    """A topic as the last Metadata answer described it; `error` is set when it could not."""

    name: str
    topic_id: bytes
    partitions: dict[int, PartitionInfo]
    error: KafkaError | None


class Metadata:
    """The client's picture of the cluster, and when it wants a newer one.

          want("t")  ──►  needed, at once          a topic that was never asked about
          request_update() ──► needed, after the backoff     something turned out to be wrong
          nothing    ──►  needed when metadata.max.age.ms have passed

    A wanted topic that does not exist, or not yet, is asked about again and again, with a
    growing backoff.

    The picture is only ever a hint. The broker checks each request against what it
    really leads and refuses with NOT_LEADER_OR_FOLLOWER, and that is how a client learns
    that its picture is old.
    """

    def __init__(self, bootstrap: Sequence[str], max_age_ms: int, backoff: Backoff) -> None:
        # Until the first answer there are no ids; Kafka too gives these negative ones.
        self._bootstrap = {-1 - i: address for i, address in enumerate(bootstrap)}
        self.brokers: dict[int, str] = dict(self._bootstrap)
        self.controller_id = -1
        self.cluster_id: str | None = None
        self.topics: dict[str, TopicInfo] = {}
        self.names: dict[bytes, str] = {}
        """Topic names by topic id: what a fetch answer has to be read with."""
        self.wanted: dict[str, None] = {}  # a dict for its order
        self.updates = 0
        """How many answers have arrived."""
        self._max_age_us = max_age_ms * MS
        self._backoff = backoff
        self._needed = False
        self._urgent = False
        self._asking = False
        self._attempts = 0
        self._not_before = 0
        self._expires_at = NEVER

    def want(self, topic: str) -> TopicInfo | None:
        """What is known about a topic; from now on it is part of every update."""
        if topic not in self.wanted:
            self.wanted[topic] = None
            self._needed = self._urgent = True
        return self.topics.get(topic)

    def forget(self, topic: str) -> None:
        """Stop asking about a topic, and do not rely on what was said about it."""
        self.wanted.pop(topic, None)
        self.topics.pop(topic, None)

    def request_update(self) -> None:
        self._needed = True

    def leader_of(self, topic: str, partition: int) -> int:
        """The id of the broker that leads; NO_LEADER, and an update is on its way, if unknown."""
        info = self.topics.get(topic) or self.want(topic)
        found = info.partitions.get(partition) if info is not None else None
        if found is not None and found.leader in self.brokers:
            return found.leader
        self._needed = True
        return NO_LEADER

    def due_at(self) -> int:
        """When the next Metadata request is to be sent."""
        if self._asking:
            return NEVER
        if self._needed:
            return 0 if self._urgent else self._not_before
        return self._expires_at

    def asked(self) -> None:
        self._asking = True
        self._needed = self._urgent = False

    def failed(self, now: int, random: Random) -> None:
        self._asking = False
        self._needed = True
        self._not_before = now + self._backoff.delay_us(self._attempts, random)
        self._attempts += 1

    def maybe_rebootstrap(self) -> bool:
        """Go back to the configured addresses; says whether that changes anything (KIP-899)."""
        self._needed = True
        changes = self.brokers != self._bootstrap
        self.brokers = dict(self._bootstrap)
        return changes

    def update(self, now: int, answer: Any, random: Random) -> None:
        """Take over a MetadataResponse."""
        self._asking = False
        self._expires_at = min(now + self._max_age_us, NEVER)
        self.updates += 1
        if answer.brokers:
            self.brokers = {b.node_id: f"{b.host}:{b.port}" for b in answer.brokers}
        self.controller_id = answer.controller_id
        self.cluster_id = answer.cluster_id
        for topic in answer.topics:
            if topic.name in self.wanted:  # or it was forgotten meanwhile
                self._update_topic(topic)
        self.names = {info.topic_id: info.name for info in self.topics.values()}
        lacking = any(self._lacks(topic) for topic in self.wanted)
        self._not_before = now + self._backoff.delay_us(self._attempts, random)
        self._attempts = self._attempts + 1 if lacking else 0
        self._needed = self._urgent or lacking

    def _lacks(self, topic: str) -> bool:
        info = self.topics.get(topic)
        return info is None or info.error is not None

    def _update_topic(self, topic: Any) -> None:
        error = None
        if topic.error_code != ErrorCode.NONE:
            code = ErrorCode.of(topic.error_code)
            error = KafkaError(code, f"topic {topic.name}: {code.description}")
        known = self.topics.get(topic.name)
        same = known is not None and known.topic_id == topic.topic_id
        older = known.partitions if known is not None and same else {}
        partitions = {
            partition.partition_index: _newer(partition, older.get(partition.partition_index))
            for partition in topic.partitions
        }
        self.topics[topic.name] = TopicInfo(topic.name, topic.topic_id, partitions, error)


def _newer(partition: Any, known: PartitionInfo | None) -> PartitionInfo:
    """The broker that answered may lag behind, but a leader epoch never goes back (KIP-320)."""
    if known is not None and 0 <= partition.leader_epoch < known.leader_epoch:
        return known
    return PartitionInfo(
        partition.leader_id if partition.error_code == ErrorCode.NONE else NO_LEADER,
        partition.leader_epoch,
        tuple(partition.replica_nodes),
        tuple(partition.isr_nodes),
    )


class Pending(Generic[T]):
    """A question put to a node: the machine fills it in, a facade waits until it is `done`."""

    __slots__ = ("_value", "done", "error")

    def __init__(self) -> None:
        self.done = False
        self.error: KafkaError | None = None

    def succeed(self, value: T) -> None:
        self._value = value
        self.done = True

    def fail(self, error: KafkaError) -> None:
        self.error = error
        self.done = True

    def result(self) -> T:
        """The answer; raises the KafkaError instead of it. Only to be called when `done`."""
        if self.error is not None:
            raise self.error
        return self._value


class _Call(NamedTuple):
    """A request that waits for its answer."""

    correlation_id: int
    what: str
    deadline: int
    then: Answered


# Straight to tuple's constructor: _Call(...) would cost a call more.
_new_call: Callable[[type[_Call], tuple[object, ...]], _Call] = tuple.__new__


class Connection:
    """One connection to one address: being made, usable, or waiting to be made again."""

    __slots__ = (
        "address", "attempts", "channel", "chosen", "in_flight", "lane", "not_before", "versions",
    )  # fmt: skip

    def __init__(self, address: str, lane: str) -> None:
        self.address = address
        self.lane = lane
        self.channel: Channel | None = None
        self.versions: dict[int, tuple[int, int]] | None = None  # by api key; None: not usable yet
        self.chosen: dict[tuple[type, int | None], int] = {}  # what came of them, see `version_of`
        self.in_flight: deque[_Call] = deque()
        self.attempts = 0  # failures since it last worked
        self.not_before = 0

    def __repr__(self) -> str:
        state = "closed" if self.channel is None else "up" if self.versions else "connecting"
        lane = f" {self.lane}" if self.lane else ""
        return f"Connection({self.address}{lane}, {state}, {len(self.in_flight)} in flight)"

    def version_of(self, request: Any, at_most: int | None = None) -> int:
        """The newest version of a request that both ends speak.

        Raises KafkaError(UNSUPPORTED_VERSION) when there is none.
        """
        question = type(request), at_most
        if question in self.chosen:
            return self.chosen[question]
        ours_low, ours_high = request.VERSIONS
        low, high = (self.versions or {}).get(request.API_KEY, (0, -1))
        best: int = min(high, ours_high if at_most is None else min(ours_high, at_most))
        if best < max(low, ours_low):
            raise KafkaError(
                ErrorCode.UNSUPPORTED_VERSION,
                f"{self.address} speaks {request.NAME} {low} to {high}, "
                f"this client {ours_low} to {ours_high if at_most is None else at_most}",
            )
        self.chosen[question] = best
        return best


class ClientNode(Node):
    """The machine under every client. Subclasses override `work`."""

    def __init__(self, config: ClientConfig) -> None:
        super().__init__(config.client_id)
        self.backoff = Backoff(config.retry_backoff_ms, config.retry_backoff_max_ms)
        self.metadata = Metadata(config.bootstrap_servers, config.metadata_max_age_ms, self.backoff)
        self.allow_auto_topic_creation = True
        self._request_timeout_us = config.request_timeout_ms * MS
        self._reconnect = Backoff(config.reconnect_backoff_ms, config.reconnect_backoff_max_ms)
        self._setup_timeout = Backoff(
            config.socket_connection_setup_timeout_ms, config.socket_connection_setup_timeout_max_ms
        )
        self._connections: dict[tuple[str, str], Connection] = {}
        self._by_channel: dict[Channel, Connection] = {}
        self._correlation_id = 0
        self._wake = NEVER

    def work(self, now: int) -> None:
        """Send whatever can be sent, and `wake_at` the time of whatever has to wait."""
        raise NotImplementedError

    def topics_to_ask(self, now: int) -> list[str]:
        """The topics that the next Metadata request is to be about."""
        return list(self.metadata.wanted)

    # --- the seam ------------------------------------------------------------------
    def receive(self, now: int, message: Message) -> None:
        connection = self._by_channel.get(message.channel)
        if connection is None:
            return  # the channel was given up; what still comes from it is of no interest
        if isinstance(message, Closed):
            self._lost(now, connection, message.reason)
        elif isinstance(message, Response):
            self._answered(now, connection, message)

    def poll(self, now: int) -> int:
        self._wake = NEVER
        self._give_up_late(now)
        self.work(now)
        self._maybe_ask_metadata(now)
        return self._wake

    def wake_at(self, time: int) -> None:
        """Ask for a poll at `time` at the latest."""
        if time < self._wake:
            self._wake = time

    # --- sending ---------------------------------------------------------------------
    def ready(self, now: int, broker: int, lane: str = "") -> Connection | None:
        """The connection to a broker, if a request may be sent on it now; else begin to connect."""
        address = self.metadata.brokers.get(broker)
        if address is None:
            self.metadata.request_update()
            return None
        connection = self._connection(address, lane)
        if connection.channel is None:
            self._maybe_connect(now, connection)
        return connection if connection.versions is not None else None

    def any_ready(self, now: int) -> Connection | None:
        """A connection to whichever broker is least busy: for what any broker can answer."""
        every = [self._connection(address, "") for address in self.metadata.brokers.values()]
        up = [connection for connection in every if connection.versions is not None]
        if up:
            return min(up, key=lambda connection: len(connection.in_flight))
        if any(connection.channel is not None for connection in every):
            return None
        rested = [connection for connection in every if connection.not_before <= now]
        if rested:
            self._maybe_connect(now, self.random.choice(rested))
        elif self.metadata.maybe_rebootstrap():
            return self.any_ready(now)
        else:
            self.wake_at(min(connection.not_before for connection in every))
        return None

    def send(
        self,
        now: int,
        connection: Connection,
        body: Any,
        then: Answered,
        at_most: int | None = None,
    ) -> None:
        """Send a request in the newest version that both ends speak, `at_most` that one.

        `then` is called once, with the answer or with a KafkaError; at once when the broker
        does not speak any such version.
        """
        try:
            version = connection.version_of(body, at_most)
        except KafkaError as error:
            then(now, error)
            return
        self._send(connection, body, version, now + self._request_timeout_us, then)

    def send_unanswered(
        self, connection: Connection, body: Any, at_most: int | None = None
    ) -> None:
        """Send a request to which there is no answer (acks=0). Raises UNSUPPORTED_VERSION."""
        self._put(connection, body, connection.version_of(body, at_most))

    def _send(
        self, connection: Connection, body: Any, version: int, deadline: int, then: Answered
    ) -> None:
        number = self._put(connection, body, version)
        connection.in_flight.append(_new_call(_Call, (number, body.NAME, deadline, then)))
        if deadline < self._wake:
            self._wake = deadline

    def _put(self, connection: Connection, body: Any, version: int) -> int:
        assert connection.channel is not None, f"{connection} is closed"
        self._correlation_id = number = (self._correlation_id + 1) & 0x7FFFFFFF
        self.outbox.append(Request(connection.channel, body, version, number, self.name))
        return number

    # --- connections -------------------------------------------------------------------
    def _connection(self, address: str, lane: str) -> Connection:
        connection = self._connections.get((address, lane))
        if connection is None:
            connection = self._connections[address, lane] = Connection(address, lane)
        return connection

    def _maybe_connect(self, now: int, connection: Connection) -> None:
        if now < connection.not_before:
            self.wake_at(connection.not_before)
            return
        connection.channel = Channel(self.name, connection.address)
        self._by_channel[connection.channel] = connection
        self._ask_versions(now, connection, ApiVersionsRequest.VERSIONS[1])

    def _ask_versions(self, now: int, connection: Connection, version: int) -> None:
        body = ApiVersionsRequest(
            client_software_name="minikafka", client_software_version=__version__
        )
        deadline = now + self._setup_timeout.delay_us(connection.attempts, self.random)
        then = partial(self._learn_versions, connection)
        self._send(connection, body, version, deadline, then)

    def _learn_versions(self, connection: Connection, now: int, answer: Any) -> None:
        if isinstance(answer, KafkaError):
            return  # the connection is lost, which `_lost` deals with
        offered = {api.api_key: (api.min_version, api.max_version) for api in answer.api_keys}
        if answer.error_code == ErrorCode.NONE:
            connection.versions = offered
            connection.chosen.clear()
            connection.attempts = 0
        elif answer.error_code == ErrorCode.UNSUPPORTED_VERSION:
            highest = offered.get(ApiVersionsRequest.API_KEY, (0, 0))[1]
            self._ask_versions(now, connection, min(highest, ApiVersionsRequest.VERSIONS[1]))
        else:
            self._give_up(now, connection, f"ApiVersions: {ErrorCode.of(answer.error_code).name}")

    def _answered(self, now: int, connection: Connection, response: Response) -> None:
        calls = connection.in_flight
        if not calls or calls[0].correlation_id != response.correlation_id:
            self._give_up(now, connection, f"an answer to {response.correlation_id} out of turn")
            return
        calls.popleft().then(now, response.body)

    def _give_up_late(self, now: int) -> None:
        late = []
        for connection in self._by_channel.values():
            if connection.in_flight:
                deadline = connection.in_flight[0].deadline
                if deadline <= now:
                    late.append(connection)
                elif deadline < self._wake:
                    self._wake = deadline
        for connection in late:
            self._give_up(now, connection, f"no answer to {connection.in_flight[0].what} in time")

    def _give_up(self, now: int, connection: Connection, reason: str) -> None:
        assert connection.channel is not None
        self.outbox.append(Closed(connection.channel, reason))
        self._lost(now, connection, reason)

    def _lost(self, now: int, connection: Connection, reason: str) -> None:
        """The connection is gone, and with it every answer that was still to come."""
        assert connection.channel is not None
        del self._by_channel[connection.channel]
        calls, connection.in_flight = connection.in_flight, deque()
        connection.channel = connection.versions = None
        connection.not_before = now + self._reconnect.delay_us(connection.attempts, self.random)
        connection.attempts += 1
        self.metadata.request_update()
        error = KafkaError(ErrorCode.NETWORK_EXCEPTION, f"{connection.address}: {reason}")
        for call in calls:
            call.then(now, error)

    # --- metadata ------------------------------------------------------------------------
    def _maybe_ask_metadata(self, now: int) -> None:
        due = self.metadata.due_at()
        if due > now:
            self.wake_at(due)
            return
        connection = self.any_ready(now)
        if connection is None:
            return
        body = MetadataRequest(
            topics=[MetadataRequestTopic(name=topic) for topic in self.topics_to_ask(now)],
            allow_auto_topic_creation=self.allow_auto_topic_creation,
        )
        self.metadata.asked()
        self.send(now, connection, body, self._learn_metadata)

    def _learn_metadata(self, now: int, answer: Any) -> None:
        if isinstance(answer, KafkaError):
            self.metadata.failed(now, self.random)
        elif answer.error_code == ErrorCode.REBOOTSTRAP_REQUIRED:
            self.metadata.failed(now, self.random)
            self.metadata.maybe_rebootstrap()
        else:
            self.metadata.update(now, answer, self.random)


class Facade:
    """What `Producer`, `Consumer` and `Admin` are on the outside: a node in its world.

    Without a world it is a world of real sockets, in which each client has a thread.
    """

    def __init__(self, node: ClientNode, world: World | None) -> None:
        self.name = node.name
        self._host: Host = (world or _sockets()).host(node)
        self._closed = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name}{', closed' if self._closed else ''})"

    def _require_open(self) -> None:
        if self._closed:
            raise WorldStopped(f"{self.name} is closed")

    def _entered(self) -> AbstractContextManager[int]:
        """`Host.entered` for a client that is open: the same error in every world if it is not."""
        self._require_open()
        return self._host.entered()

    def _quietly(self) -> AbstractContextManager[int]:
        self._require_open()
        return self._host.quietly()

    def _wait(self, done: Callable[[], bool], timeout_ms: float | None) -> bool:
        """Let the world go on until `done()`; says whether it is."""
        return self._host.wait(done, None if timeout_ms is None else milliseconds(timeout_ms))

    def _ask(self, question: Pending[T]) -> T:
        """Wait for an answer, or raise its KafkaError. The machine minds the deadline."""
        self._host.wait(lambda: question.done, None)
        return question.result()


def _sockets() -> World:
    # Here and not above: a simulated client must not pay for importing sockets and threads.
    from minikafka.runtime.tcp import Sockets

    return Sockets()
