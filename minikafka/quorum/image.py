"""The metadata image: what the records of the metadata log add up to.

      offset  record                                          the image afterwards
      0       FeatureLevelRecord(metadata.version, 30)        features {metadata.version: 30}
      1       TopicRecord("t", id 7f…)                        + topic t without partitions
      2       ConfigRecord(topic t, retention.ms = 1000)      + its config
      3       PartitionRecord(id 7f…, partition 0, leader 1)  + t-0, led by broker 1
      4       RemoveTopicRecord(id 7f…)                       - topic t, its partitions and configs

Since KRaft (KIP-500) a cluster has no other memory: its state *is* a log, and every
broker computes the same image by applying the same records in the same order. Applying
is the only way in which the image changes, on the controller that has just written a
record as on a broker that replays the log of last year.

Kafka builds an immutable image and a delta per batch because many threads read it while
it changes. Here one thread owns it, so it changes in place. See Kafka's MetadataImage.

Not done: the record types of brokers, access rules, tokens and user credentials.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from minikafka.wire.messages.metadata_records import (
    ClientQuotaRecord,
    ConfigRecord,
    FeatureLevelRecord,
    PartitionRecord,
    ProducerIdsRecord,
    RemoveTopicRecord,
    TopicRecord,
)
from minikafka.wire.types import uuid_text

TOPIC_RESOURCE = 2
"""The resource type of a topic's configs, in records and requests (ConfigResource.Type)."""

BROKER_RESOURCE = 4

LOGGER_RESOURCE = 8
"""No record has it: see broker/levels.py."""

QuotaEntity = tuple[tuple[str, str | None], ...]
"""Whom a quota is for: types (`user`, `client-id` or `ip`) with their names, in that order. Without
a name: each that has no quota of its own."""


class PartitionImage(NamedTuple):
    """Who holds a partition. Kafka's PartitionRegistration.

    `replicas` are broker ids, the preferred leader first; `isr` is the part of them that has
    every committed record. `leader_epoch` grows when the leader changes, `partition_epoch`
    when anything does.
    """

    leader: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    leader_epoch: int
    partition_epoch: int


class TopicImage:
    """A topic and its partitions by index."""

    __slots__ = ("name", "partitions", "topic_id")

    def __init__(self, name: str, topic_id: bytes) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partitions: dict[int, PartitionImage] = {}

    def __repr__(self) -> str:
        return f"{self.name} ({uuid_text(self.topic_id)}, {len(self.partitions)} partitions)"


def quota_entity(named: Iterable[tuple[str, str | None]]) -> QuotaEntity:
    """Whom these types and names mean, in whatever order they came; of a type the last counts."""
    return tuple(sorted(dict(named).items()))


class MetadataImage:
    """Everything the cluster knows about itself. Changed by `apply` only.

    Invariant: `topics` and `topics_by_id` hold the same topics.
    """

    def __init__(self) -> None:
        self.topics: dict[str, TopicImage] = {}
        self.topics_by_id: dict[bytes, TopicImage] = {}
        self.configs: dict[tuple[int, str], dict[str, str]] = {}
        self.quotas: dict[QuotaEntity, dict[str, float]] = {}
        self.features: dict[str, int] = {}
        self.next_producer_id = 0
        self.offset = -1
        """Offset of the last record applied; the epoch of `features` for clients."""

    def apply(self, record: Any, offset: int) -> None:
        """Take one record into account.

        Raises ValueError for a record that cannot follow what was applied before, or of a
        type that this broker cannot act on: guessing on would make it another cluster's.
        """
        match record:
            case TopicRecord():
                topic = TopicImage(record.name, record.topic_id)
                self.topics[topic.name] = self.topics_by_id[topic.topic_id] = topic
            case PartitionRecord():
                self._topic(record.topic_id).partitions[record.partition_id] = PartitionImage(
                    leader=record.leader,
                    replicas=tuple(record.replicas),
                    isr=tuple(record.isr),
                    leader_epoch=record.leader_epoch,
                    partition_epoch=record.partition_epoch,
                )
            case ConfigRecord():
                self._set_config(record)
            case ClientQuotaRecord():
                self._set_quota(record)
            case RemoveTopicRecord():
                topic = self._topic(record.topic_id)
                del self.topics[topic.name], self.topics_by_id[topic.topic_id]
                self.configs.pop((TOPIC_RESOURCE, topic.name), None)
            case ProducerIdsRecord():
                self.next_producer_id = record.next_producer_id
            case FeatureLevelRecord():
                self.features[record.name] = record.feature_level
            case _:
                raise ValueError(f"metadata record at {offset} is of a type not known: {record}")
        self.offset = offset

    def topic_configs(self, topic: str) -> Mapping[str, str]:
        """What was set for this topic itself, as it was set."""
        return self.configs.get((TOPIC_RESOURCE, topic), {})

    def _set_config(self, record: ConfigRecord) -> None:
        resource = record.resource_type, record.resource_name
        configs = self.configs.setdefault(resource, {})
        if record.value is None:
            configs.pop(record.name, None)
        else:
            configs[record.name] = record.value

    def _set_quota(self, record: ClientQuotaRecord) -> None:
        entity = quota_entity((each.entity_type, each.entity_name) for each in record.entity)
        quotas = self.quotas.setdefault(entity, {})
        if record.remove:
            quotas.pop(record.key, None)
        else:
            quotas[record.key] = record.value
        if not quotas:
            del self.quotas[entity]

    def _topic(self, topic_id: bytes) -> TopicImage:
        topic = self.topics_by_id.get(topic_id)
        if topic is None:
            raise ValueError(f"metadata speaks of topic id {uuid_text(topic_id)}, not there")
        return topic
