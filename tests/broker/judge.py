"""Two brokers that are asked the same: ours and Apache Kafka.

An answer is compared field by field; `OWN` names the fields that each may fill in its own
way (addresses, texts, clocks), and ids count as equal when both are there.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

from minikafka.node import Channel, Request
from minikafka.wire.connection import ClientConnection
from minikafka.wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from minikafka.wire.messages.list_offsets import (
    LATEST,
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from minikafka.wire.types import ZERO_UUID

OWN = {
    "batch_index_error_message",
    "cluster_id",
    "documentation",
    "error_message",
    "log_append_time_ms",
    "port",
    "last_timestamp",
    "log_dir",
    "session_id",
    "total_bytes",
    "usable_bytes",
}
TIMEOUT_MS = 10_000
PATIENCE_S = 10.0


class Peer:
    """A connection to one of the brokers, and the ids that it gave to topics."""

    def __init__(self, address: str, client_id: str = "judge") -> None:
        self.address = address
        self.client_id = client_id
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=TIMEOUT_MS / 1000)
        self.wire = ClientConnection(Channel("judge", address))
        self.count = 0
        self.ids: dict[str, bytes] = {}
        self.session = 0

    def ask(self, body: Any, version: int) -> Any:
        self.count += 1
        request = Request(self.wire.channel, body, version, self.count, self.client_id)
        for part in self.wire.send(request):
            self.socket.sendall(part)
        while (response := self.wire.next_response()) is None:
            data = self.socket.recv(1 << 20)
            assert data, f"closed after {body} v{version}"
            self.wire.feed(data)
        return response.body

    def again_as(self, client_id: str) -> Peer:
        """Another connection, of a client of this name."""
        return Peer(self.address, client_id)

    def id_for(self, topic: str, version: int, since: int = 13) -> bytes:
        return self.ids[topic] if version >= since else ZERO_UUID


Make = Callable[[Peer], Any]


class Judge:
    """Both brokers. `agree` sends what `make` builds to each and compares the answers."""

    def __init__(self, kafka: Peer, ours: Peer) -> None:
        self.peers = {"kafka": kafka, "ours": ours}

    def agree(self, make: Make, version: int) -> None:
        answers = {name: peer.ask(make(peer), version) for name, peer in self.peers.items()}
        for name, answer in answers.items():
            self.peers[name].session = getattr(answer, "session_id", 0)
        kafka, ours = (comparable(answer) for answer in answers.values())
        asked = f"v{version} of {make(self.peers['ours'])}"
        assert ours == kafka, f"{asked}\nours:  {ours}\nKafka: {kafka}"


def comparable(value: Any) -> Any:
    """An answer as plain values: lists of names in their order, ids as whether there is one."""
    if isinstance(value, memoryview):
        return f"{len(value)} bytes of records"
    if isinstance(value, bytes):
        return "no id" if value == ZERO_UUID else "an id"
    if isinstance(value, list):
        items = [comparable(item) for item in value]
        for key in ("name", "entity_type"):
            if items and isinstance(items[0], dict) and key in items[0]:
                return sorted(items, key=lambda item: str(item[key]))
        return items
    if hasattr(value, "FIELDS"):
        fields = {field.name: getattr(value, field.name) for field in value.FIELDS}
        return {name: comparable(item) for name, item in fields.items() if name not in OWN}
    return value


def wait_until(done: Callable[[], bool]) -> None:
    """For what Kafka's broker knows a little later than its controller."""
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def soon(judge: Judge, body: Any, version: int) -> None:
    """`both` for a question whose answer changes: Kafka's broker follows its controller with a
    little delay, and how long that is nobody says."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            judge.agree(lambda peer: body, version)
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def make_topic(judge: Judge, name: str, partitions: int = 1, **configs: object) -> str:
    """Make a topic in both brokers, with configs like `compression_type="gzip"`."""
    wish = CreatableTopic(
        name=name,
        num_partitions=partitions,
        replication_factor=1,
        configs=[
            CreatableTopicConfig(name=key.replace("_", "."), value=str(value))
            for key, value in configs.items()
        ],
    )
    for peer in judge.peers.values():
        (made,) = peer.ask(CreateTopicsRequest(topics=[wish]), 7).topics
        assert made.error_code == 0, made
        peer.ids[name] = made.topic_id
    led(judge, name, range(partitions))
    return name


def led(judge: Judge, name: str, indexes: Iterable[int]) -> None:
    """Wait until both brokers lead these partitions, which are empty.

    Kafka's broker tells of a partition (Metadata) a moment before it leads it, and answers a
    produce in between with NOT_LEADER_OR_FOLLOWER; so it is the leader who is asked. One by
    one, because Kafka tells of many in any order.
    """
    for index in indexes:
        end = [ListOffsetsPartition(index, timestamp=LATEST)]
        soon(judge, ListOffsetsRequest(topics=[ListOffsetsTopic(name, end)]), 7)


def both(judge: Judge, body: Any, versions: range) -> None:
    for version in versions:
        judge.agree(lambda peer: body, version)
