"""The machine under every client: finding the cluster and talking to it.

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

A broker that finds a client too fast answers with a `throttle_time_ms`, and will not listen
to that connection for so long; then nothing more is sent on it meanwhile (KIP-219), or
requests would time out while they wait unheard. What was under way already may still: its
connection is given up and made again, and it is sent once more; the broker comes to the first
copy too, so that without idempotence there are two in the end.

Not done: TLS and SASL; closing idle connections (`connections.max.idle.ms`); the leader
hints in fetch answers (KIP-951): a fresh Metadata tells the same one round trip later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from minikafka import __version__
from minikafka.client.config import ClientConfig
from minikafka.client.metadata import Backoff, Metadata
from minikafka.node import MS, NEVER, Channel, Closed, Message, Node, Request, Response
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.api_versions import ApiVersionsRequest
from minikafka.wire.messages.metadata import MetadataRequest, MetadataRequestTopic

T = TypeVar("T")
Answered = Callable[[int, Any], None]
"""What happens when a request is over: called with `now` and its answer, or a KafkaError."""


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
        "address", "attempts", "channel", "chosen", "in_flight", "lane", "not_before",
        "throttled_until", "versions",
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
        self.throttled_until = 0  # the broker asked us to be quiet until then (KIP-219)

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
        if connection.throttled_until > now:
            self.wake_at(connection.throttled_until)
            return None
        return connection if connection.versions is not None else None

    def is_connecting(self, broker: int, lane: str = "") -> bool:
        """Whether a connection to this broker is being made: `ready` may find it so soon."""
        address = self.metadata.brokers.get(broker)
        connection = self._connections.get((address or "", lane))
        return connection is not None and connection.channel is not None

    def any_ready(self, now: int) -> Connection | None:
        """A connection to whichever broker is least busy: for what any broker can answer."""
        every = [self._connection(address, "") for address in self.metadata.brokers.values()]
        up = [connection for connection in every if connection.versions is not None]
        if up:
            heard = [connection for connection in up if connection.throttled_until <= now]
            if not heard:
                self.wake_at(min(connection.throttled_until for connection in up))
                return None
            return min(heard, key=lambda connection: len(connection.in_flight))
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
        does not speak any such version. With None, where there is no answer (acks=0), when
        the request has left.
        """
        try:
            version = connection.version_of(body, at_most)
        except KafkaError as error:
            then(now, error)
            return
        self._send(connection, body, version, now + self._request_timeout_us, then)

    def _send(
        self, connection: Connection, body: Any, version: int, deadline: int, then: Answered
    ) -> None:
        assert connection.channel is not None, f"{connection} is closed"
        self._correlation_id = number = (self._correlation_id + 1) & 0x7FFFFFFF
        self.outbox.append(Request(connection.channel, body, version, number, self.name))
        connection.in_flight.append(_new_call(_Call, (number, body.NAME, deadline, then)))
        if deadline < self._wake:
            self._wake = deadline

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
        if response.body is None:
            self._left(now, calls, response.correlation_id)
            return
        if not calls or calls[0].correlation_id != response.correlation_id:
            self._give_up(now, connection, f"an answer to {response.correlation_id} out of turn")
            return
        throttle_ms = getattr(response.body, "throttle_time_ms", 0)
        if throttle_ms > 0:
            connection.throttled_until = now + throttle_ms * MS
            self.emit("throttled", address=connection.address, throttle_time_ms=throttle_ms)
        calls.popleft().then(now, response.body)

    def _left(self, now: int, calls: deque[_Call], correlation_id: int) -> None:
        """A request that has no answer has left, while others before it still wait for theirs."""
        for call in calls:
            if call.correlation_id == correlation_id:
                calls.remove(call)
                call.then(now, None)
                return

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
