"""A client machine and, on the other side, the test.

      bench = Bench(SenderNode(config), Cluster({"t": 2}))
      bench.connect()                       # ApiVersions, Metadata, InitProducerId are answered
      … node.append(…); bench.turn()
      (request,) = bench.take(ProduceRequest)
      bench.answer(request, produced(…))

There is no socket and no clock: time is `bench.now`, and what the node sends waits in
`bench.sent` until the test answers it, in any order it likes. Every request and answer passes
through its bytes, so what the machine says can be said in the version that it chose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

from minikafka.client.node import ClientNode
from minikafka.node import MS, Channel, Closed, Request, Response
from minikafka.trace import Event, Trace
from minikafka.wire.messages import API_KEYS, REQUESTS
from minikafka.wire.messages.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from minikafka.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from minikafka.wire.messages.metadata import (
    MetadataRequest,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from minikafka.wire.schema import decode, encode
from minikafka.wire.types import ZERO_UUID

START = 1_700_000_000_000 * MS
T = TypeVar("T")


@dataclass
class Cluster:
    """What the brokers would say about themselves. Change it, and the next answer differs."""

    topics: dict[str, int] = field(default_factory=dict)
    """Partitions by topic."""
    leaders: dict[tuple[str, int], int] = field(default_factory=dict)
    """Where the leader is not broker 1."""
    epochs: dict[tuple[str, int], int] = field(default_factory=dict)
    brokers: tuple[int, ...] = (1,)
    errors: dict[str, int] = field(default_factory=dict)
    newest: dict[type, int] = field(default_factory=dict)
    """The newest version of a request that the brokers serve, where it is not ours."""
    with_ids: bool = True
    producer_id: int = 7

    def topic_id(self, topic: str) -> bytes:
        return topic.encode().ljust(16, b"\1") if self.with_ids else ZERO_UUID

    def versions(self) -> ApiVersionsResponse:
        return ApiVersionsResponse(
            api_keys=[
                ApiVersion(
                    api_key=key,
                    min_version=cls.VERSIONS[0],
                    max_version=self.newest.get(cls, cls.VERSIONS[1]),
                )
                for key in API_KEYS
                if (cls := REQUESTS[key])
            ]
        )

    def metadata(self, request: MetadataRequest) -> MetadataResponse:
        asked = self.topics if request.topics is None else [t.name or "" for t in request.topics]
        return MetadataResponse(
            brokers=[
                MetadataResponseBroker(node_id=n, host=f"broker-{n}", port=9092)
                for n in self.brokers
            ],
            controller_id=self.brokers[0],
            topics=[self._topic(name) for name in asked],
        )

    def _topic(self, name: str) -> MetadataResponseTopic:
        return MetadataResponseTopic(
            name=name,
            topic_id=self.topic_id(name),
            error_code=self.errors.get(name, 0 if name in self.topics else 3),
            partitions=[
                MetadataResponsePartition(
                    error_code=0,
                    partition_index=index,
                    leader_id=self.leaders.get((name, index), self.brokers[0]),
                    leader_epoch=self.epochs.get((name, index), 0),
                    replica_nodes=list(self.brokers),
                    isr_nodes=[1],
                )
                for index in range(self.topics.get(name, 0))
            ],
        )


class Bench:
    """Drives one node by hand."""

    def __init__(self, node: ClientNode, cluster: Cluster, now: int = START) -> None:
        self.node = node
        self.cluster = cluster
        self.now = now
        self.wake = 0
        self.sent: list[Request] = []
        self.open: list[Request] = []  # not answered yet, taken by the test or not
        self.closed: list[Closed] = []
        self.trace = node.trace = Trace()
        node.start(now)

    # --- time ------------------------------------------------------------------------
    def turn(self) -> None:
        """Poll, and collect what leaves."""
        self.trace.now = self.now
        self.wake = self.node.poll(self.now)
        for message in self.node.outbox:
            if isinstance(message, Request):
                self.sent.append(_through_bytes(message))
                self.open.append(message)
            else:
                assert isinstance(message, Closed)
                self.closed.append(message)
                self._forget(message.channel)
        self.node.outbox.clear()

    def wait(self, ms: float) -> None:
        """Let time pass, with a turn whenever the node asked for one, and one at the end."""
        until = self.now + int(ms * MS)
        while self.wake <= until:
            assert self.wake > self.now, "the node asks for the present again and again"
            self.now = self.wake
            self.turn()
        self.now = until
        self.turn()

    # --- messages --------------------------------------------------------------------
    def take(self, kind: type[T]) -> list[Request]:
        """The requests of this kind that were sent and not taken yet."""
        taken = [request for request in self.sent if isinstance(request.body, kind)]
        self.sent = [request for request in self.sent if not isinstance(request.body, kind)]
        return taken

    def take_one(self, kind: type[T]) -> Request:
        (request,) = self.take(kind)
        return request

    def answer(self, request: Request, body: Any, version: int | None = None) -> None:
        version = request.version if version is None else version
        data = b"".join(bytes(part) for part in encode(body, version))  # type: ignore[arg-type]
        again = decode(type(body), version, bytearray(data))
        self.open = [other for other in self.open if other is not request]
        self.trace.now = self.now
        self.node.receive(
            self.now, Response(request.channel, again, version, request.correlation_id)
        )
        self.turn()

    def cut(self, request: Request, reason: str = "connection reset") -> None:
        """The connection of a request ends."""
        self._forget(request.channel)
        self.node.receive(self.now, Closed(request.channel, reason))
        self.turn()

    def _forget(self, channel: Channel) -> None:
        """Nobody will answer what was sent on a connection that has ended."""
        self.sent = [request for request in self.sent if request.channel is not channel]
        self.open = [request for request in self.open if request.channel is not channel]

    def connect(self) -> None:
        """Answer everything that has to come before the client can do its work."""
        self.turn()
        while self.serve_one():
            pass

    def serve_one(self) -> bool:
        """Answer one ApiVersions, Metadata or InitProducerId whose turn it is, if there is one."""
        for request in self.sent:
            body = self._answer_to(request.body)
            if body is not None and self._is_next(request):
                self.sent.remove(request)
                self.answer(request, body)
                return True
        return False

    def _is_next(self, request: Request) -> bool:
        """A broker answers the requests of a connection in their order."""
        return next(one for one in self.open if one.channel is request.channel) is request

    def _answer_to(self, body: Any) -> Any:
        match body:
            case ApiVersionsRequest():
                return self.cluster.versions()
            case MetadataRequest():
                return self.cluster.metadata(body)
            case InitProducerIdRequest():
                return InitProducerIdResponse(
                    error_code=0, producer_id=self.cluster.producer_id, producer_epoch=0
                )
        return None

    def events(self, kind: str) -> list[Event]:
        return self.trace.of(kind)


def _through_bytes(request: Request) -> Request:
    data = b"".join(bytes(part) for part in encode(request.body, request.version))
    request.body = decode(type(request.body), request.version, bytearray(data))
    return request
