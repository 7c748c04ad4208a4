"""A client's picture of the cluster: who leads what, and when it wants a newer picture.

The picture is only ever a hint. The broker checks each request against what it really leads
and refuses with NOT_LEADER_OR_FOLLOWER, and that is how a client learns that its picture is old.

Sources: `Metadata`, `ExponentialBackoff`, KIP-580, KIP-320, KIP-899, KIP-951.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

from minikafka.node import MS, NEVER
from minikafka.wire.errors import ErrorCode, KafkaError

NO_LEADER = -1


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
        self._missing: dict[tuple[str, int], None] = {}  # partitions that a record waits for
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

    def want_partition(self, topic: str, partition: int) -> None:
        """Ask again and again, until the topic has this partition or `give_up_partition`."""
        if (topic, partition) not in self._missing:
            self._missing[topic, partition] = None
            self._needed = True

    def give_up_partition(self, topic: str, partition: int) -> None:
        self._missing.pop((topic, partition), None)

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

    def epoch_of(self, topic: str, partition: int) -> int:
        """The leader's epoch; -1 if unknown."""
        known = self._known(topic, partition)
        return known.leader_epoch if known is not None else -1

    def learn_leader(self, topic: str, partition: int, hint: Any, endpoints: Sequence[Any]) -> None:
        """Take over who leads from an answer that refused a request (KIP-951)."""
        known = self._known(topic, partition)
        brokers = self.brokers | {node.node_id: f"{node.host}:{node.port}" for node in endpoints}
        if (
            known is None
            or hint.leader_epoch <= known.leader_epoch
            or hint.leader_id not in brokers
        ):
            return
        self.brokers = brokers
        self.topics[topic].partitions[partition] = known._replace(
            leader=hint.leader_id, leader_epoch=hint.leader_epoch
        )

    def _known(self, topic: str, partition: int) -> PartitionInfo | None:
        info = self.topics.get(topic)
        return info.partitions.get(partition) if info is not None else None

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
        for key in [key for key in self._missing if self._has(*key)]:
            del self._missing[key]
        lacking = bool(self._missing) or any(self._lacks(topic) for topic in self.wanted)
        self._not_before = now + self._backoff.delay_us(self._attempts, random)
        self._attempts = self._attempts + 1 if lacking else 0
        self._needed = self._urgent or lacking

    def _has(self, topic: str, partition: int) -> bool:
        return self._known(topic, partition) is not None

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
