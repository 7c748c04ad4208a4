"""How a test talks with a broker: real frames in both directions, a clock that the test moves.

      broker = Conversation(tmp_path, num_partitions=2)
      answer = broker.ask(MetadataRequest(topics=None), version=12)

There is no socket, but there is everything else: requests and answers pass through their
bytes, answers keep their order per channel, and the files are real.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from minikafka.broker.broker import Broker
from minikafka.broker.config import BrokerConfig
from minikafka.log.files import RealFiles
from minikafka.node import MS, Channel, Closed, Message, Request, Unmuted
from minikafka.record.batch import batches
from minikafka.record.builder import BatchBuilder
from minikafka.record.records import decode
from minikafka.runtime.loop import Loop
from minikafka.trace import Trace
from minikafka.wire.connection import ClientConnection, decode_request, encode_response
from minikafka.wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from minikafka.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from minikafka.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from minikafka.wire.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from minikafka.wire.types import ZERO_UUID

START = 1_700_000_000_000 * MS


class Client:
    """One connection. Answers lie in `answers`, in order; `closed` is why it ended, if it did."""

    def __init__(self, name: str) -> None:
        self.channel = Channel(name, "broker-1:9092")
        self.wire = ClientConnection(self.channel)
        self.count = 0
        self.answers: list[Any] = []
        self.closed: str | None = None


class Conversation:
    """A running broker and the clients that talk with it."""

    def __init__(self, root: Path, **configs: object) -> None:
        self.root = root
        self.now = START
        self.trace = Trace()
        self.me = Client("client")
        self.start(**configs)

    def start(self, **configs: object) -> None:
        """Start a broker over the same directory; a running one just vanishes: a crash."""
        self.broker = broker = Broker(BrokerConfig.of(configs))
        self.files = broker.files = RealFiles(str(self.root))
        broker.random = Random(7)
        broker.trace = self.trace
        self.loop = Loop(broker, self.trace)
        broker.start(self.now)
        self.turn([])

    def stop(self) -> None:
        self.broker.stop(self.now)
        self.files.write_out()

    def ask(self, body: Any, version: int, client: Client | None = None, **header: Any) -> Any:
        """Send a request and return its answer, which must come at once."""
        client = client or self.me
        self.send(body, version, client, **header)
        assert client.closed is None, f"connection closed: {client.closed}"
        assert client.answers, f"no answer to {body}"
        return client.answers.pop(0)

    def send(
        self, body: Any, version: int, client: Client | None = None, client_id: str = "test"
    ) -> None:
        """Send a request; the answer, if and when there is one, goes to `client.answers`."""
        client = client or self.me
        client.count += 1
        request = Request(client.channel, body, version, client.count, client_id)
        frame = bytearray().join(map(bytes, client.wire.send(request)))[4:]
        self.turn([decode_request(client.channel, frame, self.broker.served)], client)

    def hang_up(self, client: Client) -> None:
        self.turn([Closed(client.channel, "gone")])

    def pass_time(self, ms: float) -> None:
        """Let time pass, with a poll whenever the broker wants one."""
        until = self.now + int(ms * MS)
        while self.wake <= until:
            self.now = max(self.now, self.wake)
            self.turn([])
        self.now = until

    def turn(self, arrived: list[Message], *clients: Client, raw: bool = False) -> None:
        """One turn of the broker. Answers pass through their bytes, unless `raw`."""
        self.known = {**getattr(self, "known", {}), **{each.channel: each for each in clients}}
        self.trace.now = self.now
        self.wake = self.loop.turn(self.now, [(message, -1) for message in arrived])
        self.files.write_out()
        for message, _ in self.loop.leaving:
            if isinstance(message, Unmuted):
                continue
            client = self.known[message.channel]
            if isinstance(message, Closed):
                client.closed = message.reason
            elif raw:
                client.answers.append(message)
            elif message.body is not None:
                for part in encode_response(message):
                    client.wire.feed(part.read() if hasattr(part, "read") else part)
                response = client.wire.next_response()
                assert response is not None
                client.answers.append(response.body)
        self.loop.leaving.clear()

    # --- what most tests need ---
    def create(self, topic: str = "t", partitions: int = 1, **configs: object) -> bytes:
        """Create a topic; returns its id."""
        wish = CreatableTopic(
            name=topic,
            num_partitions=partitions,
            replication_factor=1,
            configs=[
                CreatableTopicConfig(name=name.replace("_", "."), value=str(value))
                for name, value in configs.items()
            ],
        )
        (result,) = self.ask(CreateTopicsRequest(topics=[wish]), 7).topics
        assert result.error_code == 0, result
        return bytes(result.topic_id)

    def topic_id(self, topic: str = "t") -> bytes:
        asked = MetadataRequest(
            topics=[MetadataRequestTopic(name=topic)], allow_auto_topic_creation=False
        )
        return bytes(self.ask(asked, 12).topics[0].topic_id)

    def produce(self, *values: bytes, topic: str = "t", partition: int = 0, **batch: Any) -> Any:
        """Produce one batch in version 9; returns the partition's answer."""
        request = produce_request(batch_of(*values, now=self.now, **batch), topic, partition)
        return self.ask(request, 9).responses[0].partition_responses[0]

    def fetch(self, *wanted: tuple[int, int], version: int = 12, **fields: Any) -> Any:
        """Fetch (partition, offset) pairs of topic t; returns the whole answer."""
        client = fields.pop("client", None)
        request = fetch_request(*wanted, topic_id=self._id_for(version), **fields)
        return self.ask(request, version, client)

    def _id_for(self, version: int) -> bytes:
        return self.topic_id() if version >= 13 else ZERO_UUID

    def values(self, partition: int = 0, offset: int = 0) -> list[bytes | None]:
        """All values of a partition of topic t from an offset on."""
        answer = self.fetch((partition, offset))
        return values_of(answer.responses[0].partitions[0])

    def happened(self, *kinds: str) -> list[dict[str, Any]]:
        """The fields of the events of these kinds."""
        return [event.what for event in self.trace.of(*kinds)]


def batch_of(*values: bytes, now: int = START, **options: Any) -> bytes:
    builder = BatchBuilder(**options)
    for value in values:
        builder.append(now // MS, None, value, ())
    return builder.build()


def produce_request(
    records: bytes | None, topic: str = "t", partition: int = 0, acks: int = -1, **fields: Any
) -> ProduceRequest:
    return ProduceRequest(
        acks=acks,
        timeout_ms=1000,
        topic_data=[
            TopicProduceData(
                name=topic,
                partition_data=[PartitionProduceData(index=partition, records=records)],
                **fields,
            )
        ],
    )


def fetch_request(
    *wanted: tuple[int, int],
    topic: str = "t",
    topic_id: bytes = ZERO_UUID,
    partition_max_bytes: int = 1 << 20,
    leader_epoch: int = -1,
    last_fetched_epoch: int = -1,
    **fields: Any,
) -> FetchRequest:
    partitions = [
        FetchPartition(
            partition=partition,
            fetch_offset=offset,
            partition_max_bytes=partition_max_bytes,
            current_leader_epoch=leader_epoch,
            last_fetched_epoch=last_fetched_epoch,
        )
        for partition, offset in wanted
    ]
    topics = [FetchTopic(topic=topic, topic_id=topic_id, partitions=partitions)] if wanted else []
    return FetchRequest(**{"max_wait_ms": 0, "min_bytes": 1, "topics": topics, **fields})


def values_of(partition: Any) -> list[bytes | None]:
    data = bytes(partition.records)
    return [record.value for at, header in batches(data) for record in decode(data, at, header)]
