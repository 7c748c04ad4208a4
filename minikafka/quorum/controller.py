"""The controller: decides what may be created and deleted, and says it in records.

      plan_topic(NewTopic("t", partitions=2))  ──►  TopicRecord, ConfigRecord…, PartitionRecord × 2
                     │                                   │
                     └── or KafkaError: why not          └── MetadataLog.commit makes it true

A plan changes nothing. So "validate only" is a plan that nobody commits, ten topics of
one request are ten plans and one commit with one fsync, and a test can look at what a
decision is made of. Rules and error codes are those of Kafka's ReplicationControlManager.

Not done: a second broker; every replica list is this broker alone.
Not done: create-topic policies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from minikafka.config import ConfigError
from minikafka.log.config import LogConfig
from minikafka.log.directory import METADATA_TOPIC
from minikafka.quorum.image import TOPIC_RESOURCE, MetadataImage
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.metadata_records import (
    ConfigRecord,
    PartitionRecord,
    ProducerIdsRecord,
    RemoveTopicRecord,
    TopicRecord,
)
from minikafka.wire.types import random_uuid

DEFAULT = -1
"""For partitions and replication factor: the broker's default, or "see the assignments"."""

MAX_NAME_LENGTH = 249
"""The directory is called `<name>-<partition>`, and file names may have 255 characters."""

LEGAL_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
INTERNAL_TOPICS = frozenset(["__consumer_offsets", "__transaction_state", "__share_group_state"])

PRODUCER_ID_BLOCK = 1_000
"""Producer ids that one commit reserves; a restart skips what is left of its block."""

MAX_RECORDS = 10_000
"""Records that one request may cause (KIP-599 has no limit; Kafka's QuorumController has)."""


class NewTopic(NamedTuple):
    """A wish. With `assignments` (partition, its brokers) both numbers must stay DEFAULT."""

    name: str
    partitions: int = DEFAULT
    replication_factor: int = DEFAULT
    assignments: Sequence[tuple[int, Sequence[int]]] = ()
    configs: Mapping[str, str | None] = {}


class Controller:
    """Plans changes of the metadata. Reads the image, never changes it."""

    def __init__(
        self, image: MetadataImage, node_id: int, directory_id: bytes, random: Random
    ) -> None:
        self.image = image
        self.node_id = node_id
        self.directory_id = directory_id
        self.random = random

    def plan_topic(self, wish: NewTopic, partitions: int, replication_factor: int) -> list[Any]:
        """The records that create this topic; the two numbers stand in where it has DEFAULT.

        Raises KafkaError, for a name, number, assignment or config that cannot be.
        """
        check_topic_name(wish.name)
        if wish.name == METADATA_TOPIC:
            raise KafkaError(
                ErrorCode.INVALID_REQUEST, f"{METADATA_TOPIC} belongs to the cluster itself"
            )
        self._check_is_free(wish.name)
        configs = _config_records(wish)
        if wish.assignments:
            count = self._check_assignments(wish)
        else:
            count = self._check_numbers(wish, partitions, replication_factor)
        topic_id = self._new_topic_id()
        records = [TopicRecord(name=wish.name, topic_id=topic_id), *configs]
        return records + [self._partition(topic_id, index) for index in range(count)]

    def plan_partitions(
        self, name: str, count: int, assignments: Sequence[Sequence[int]] | None
    ) -> list[Any]:
        """The records that make a topic have `count` partitions; `assignments` for the new ones.

        Raises KafkaError: there is no such topic, it would not grow, or the brokers do not fit.
        """
        topic = self.image.topics.get(name)
        if topic is None:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"{name} does not exist")
        has = len(topic.partitions)
        if count == has:
            raise KafkaError(ErrorCode.INVALID_PARTITIONS, f"Topic already has {has} partition(s).")
        if count < has:
            raise KafkaError(
                ErrorCode.INVALID_PARTITIONS,
                f"The topic {name} currently has {has} partition(s); {count} would not be an "
                "increase.",
            )
        if assignments is not None:
            if len(assignments) != count - has:
                raise KafkaError(
                    ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                    f"Attempted to add {count - has} additional partition(s), but only "
                    f"{len(assignments)} assignment(s) were specified.",
                )
            for index, brokers in enumerate(assignments, has):
                self._check_replicas(index, brokers)
        _bounded(count - has)
        return [self._partition(topic.topic_id, index) for index in range(has, count)]

    def plan_removal(self, topic_ids: Sequence[bytes]) -> list[Any]:
        """The records that delete these topics, their partitions and their configs."""
        return [RemoveTopicRecord(topic_id=topic_id) for topic_id in topic_ids]

    def plan_producer_ids(self) -> list[Any]:
        """Reserve the block of producer ids that begins at the image's `next_producer_id`."""
        return [
            ProducerIdsRecord(
                broker_id=self.node_id,
                next_producer_id=self.image.next_producer_id + PRODUCER_ID_BLOCK,
            )
        ]

    def _new_topic_id(self) -> bytes:
        """An id that no topic has: two topics under one would share their partitions."""
        while (topic_id := random_uuid(self.random)) in self.image.topics_by_id:
            pass
        return topic_id

    def _check_is_free(self, name: str) -> None:
        """Names that differ in `.` and `_` only would be one name in Kafka's metrics."""
        if name in self.image.topics:
            raise KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, f"Topic '{name}' already exists.")
        if "." not in name and "_" not in name:
            return
        metric = name.replace(".", "_")
        for other in self.image.topics:
            if other.replace(".", "_") == metric:
                raise KafkaError(
                    ErrorCode.INVALID_TOPIC_EXCEPTION,
                    f"Topic '{name}' collides with existing topic: {other}",
                )

    def _check_assignments(self, wish: NewTopic) -> int:
        """Check a replica assignment made by hand; returns the number of partitions."""
        if (wish.partitions, wish.replication_factor) != (DEFAULT, DEFAULT):
            raise KafkaError(
                ErrorCode.INVALID_REQUEST,
                "with an assignment, partitions and replication factor must both be -1",
            )
        for index, brokers in wish.assignments:
            self._check_replicas(index, brokers)
        if sorted(index for index, _ in wish.assignments) != list(range(len(wish.assignments))):
            raise KafkaError(
                ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                "the assigned partitions must be 0, 1, 2 and so on, each once",
            )
        return _bounded(len(wish.assignments))

    def _check_replicas(self, index: int, brokers: Sequence[int]) -> None:
        if list(brokers) != [self.node_id]:
            raise KafkaError(
                ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                f"partition {index} is assigned to brokers {list(brokers)}; "
                f"the only broker is {self.node_id}",
            )

    def _check_numbers(self, wish: NewTopic, partitions: int, replication_factor: int) -> int:
        """Check partitions and replication factor; returns the number of partitions."""
        replicas, count = wish.replication_factor, wish.partitions
        if replicas < DEFAULT or replicas == 0:
            raise KafkaError(
                ErrorCode.INVALID_REPLICATION_FACTOR,
                f"replication factor {replicas}: must be positive, or -1 for the default",
            )
        if count < DEFAULT or count == 0:
            raise KafkaError(
                ErrorCode.INVALID_PARTITIONS,
                f"{count} partitions: must be positive, or -1 for the default",
            )
        wanted = replication_factor if replicas == DEFAULT else replicas
        if wanted != 1:
            raise KafkaError(
                ErrorCode.INVALID_REPLICATION_FACTOR,
                f"replication factor {wanted}: only 1 broker is registered",
            )
        return _bounded(partitions if count == DEFAULT else count)

    def _partition(self, topic_id: bytes, index: int) -> PartitionRecord:
        return PartitionRecord(
            partition_id=index,
            topic_id=topic_id,
            replicas=[self.node_id],
            isr=[self.node_id],
            leader=self.node_id,
            leader_epoch=0,
            partition_epoch=0,
            directories=[self.directory_id],
        )


def check_topic_name(name: str) -> None:
    """Raises KafkaError INVALID_TOPIC_EXCEPTION, saying what is wrong (Kafka's Topic.validate)."""
    if not name:
        reason = "a topic name must not be empty"
    elif name in (".", ".."):
        reason = f"{name!r} cannot be a topic name"
    elif len(name) > MAX_NAME_LENGTH:
        reason = f"a topic name of {len(name)} characters: at most {MAX_NAME_LENGTH} are allowed"
    elif not LEGAL_CHARACTERS.issuperset(name):
        reason = f"{name!r}: a topic name consists of ASCII letters, digits, '.', '_' and '-'"
    else:
        return
    raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, reason)


def _config_records(wish: NewTopic) -> list[Any]:
    """What the topic sets itself, as it was written. Raises KafkaError INVALID_CONFIG."""
    unknown = [name for name in wish.configs if name not in LogConfig.TABLE.keys]
    if unknown:
        raise KafkaError(ErrorCode.INVALID_CONFIG, f"Unknown topic config name: {unknown[0]}")
    try:
        LogConfig.TABLE.parse_given(wish.configs)
        LogConfig.check_together(wish.configs)
        return [
            ConfigRecord(
                resource_type=TOPIC_RESOURCE,
                resource_name=wish.name,
                name=LogConfig.TABLE[name].name,
                value=value,
            )
            for name, value in wish.configs.items()
        ]
    except ConfigError as error:
        raise KafkaError(ErrorCode.INVALID_CONFIG, str(error)) from None


def _bounded(partitions: int) -> int:
    if partitions >= MAX_RECORDS:
        raise KafkaError(
            ErrorCode.POLICY_VIOLATION,
            f"{partitions} partitions at once: at most {MAX_RECORDS} metadata records are allowed",
        )
    return partitions
