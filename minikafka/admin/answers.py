"""What the answers to administrators say, as plain values, and how they are read off the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from minikafka.client.arguments import (
    TopicPartition,
)
from minikafka.config import ConfigType
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.types import uuid_text

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class CreatedTopic:
    """A topic as it was created; `configs` are all of its configs, defaults included."""

    name: str
    topic_id: str
    partitions: int
    replication_factor: int
    configs: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class TopicListing:
    name: str
    topic_id: str
    is_internal: bool


@dataclass(frozen=True, slots=True)
class PartitionDescription:
    """`leader` is -1 while there is none."""

    partition: int
    leader: int
    leader_epoch: int
    replicas: tuple[int, ...]
    in_sync_replicas: tuple[int, ...]
    offline_replicas: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TopicDescription:
    name: str
    topic_id: str
    is_internal: bool
    partitions: tuple[PartitionDescription, ...]


class ConfigSource(IntEnum):
    """Where a config's value was set (KIP-226)."""

    UNKNOWN = 0
    DYNAMIC_TOPIC_CONFIG = 1
    DYNAMIC_BROKER_CONFIG = 2
    DYNAMIC_DEFAULT_BROKER_CONFIG = 3
    STATIC_BROKER_CONFIG = 4
    DEFAULT_CONFIG = 5
    DYNAMIC_BROKER_LOGGER_CONFIG = 6
    CLIENT_METRICS_CONFIG = 7
    GROUP_CONFIG = 8


class ConfigResource(NamedTuple):
    """What has configs. `kind` is "topic", "broker" or "logger", `name` a topic's or a broker's."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class ConfigEntry:
    """One config. `value` is None when it is not set, and for sensitive ones always."""

    name: str
    value: str | None
    source: ConfigSource
    is_read_only: bool
    is_sensitive: bool
    type: ConfigType | None
    documentation: str | None


@dataclass(frozen=True, slots=True)
class ClusterDescription:
    """`brokers` are "host:port" by id."""

    cluster_id: str
    controller: int
    brokers: Mapping[int, str]


class Quotas(NamedTuple):
    """What is set for one entity: {"client-id": "reports"}, {"producer_byte_rate": 1000.0}.

    A name that is None means each that has no quota of its own.
    """

    entity: Mapping[str, str | None]
    quotas: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class LogDirDescription:
    """A broker's directory. The sizes of the volume are -1 when the broker does not tell them."""

    broker: int
    path: str
    partition_bytes: Mapping[TopicPartition, int]
    total_bytes: int
    usable_bytes: int


def _check(what: str, error_code: int, why: str | None = None) -> None:
    if error_code != ErrorCode.NONE:
        code = ErrorCode.of(error_code)
        raise KafkaError(code, f"{what}: {why or code.description}")


def created(answer: Any) -> dict[str, CreatedTopic]:
    for topic in answer.topics:
        _check(f"topic {topic.name}", topic.error_code, topic.error_message)
    return {
        topic.name: CreatedTopic(
            topic.name,
            uuid_text(topic.topic_id),
            topic.num_partitions,
            topic.replication_factor,
            {config.name: config.value for config in topic.configs or []},
        )
        for topic in answer.topics
    }


def deleted(answer: Any) -> None:
    for topic in answer.responses:
        _check(f"topic {topic.name}", topic.error_code, topic.error_message)


def grown(answer: Any) -> None:
    for topic in answer.results:
        _check(f"topic {topic.name}", topic.error_code, topic.error_message)


def leaders(answer: Any) -> dict[TopicPartition, int]:
    return {
        TopicPartition(topic.name, partition.partition_index): partition.leader_id
        for topic in answer.topics
        for partition in topic.partitions
    }


def trimmed(answer: Any) -> dict[TopicPartition, int]:
    begins = {}
    for topic in answer.topics:
        for partition in topic.partitions:
            tp = TopicPartition(topic.name, partition.partition_index)
            _check(str(tp), partition.error_code)
            begins[tp] = partition.low_watermark
    return begins


def cluster(answer: Any) -> ClusterDescription:
    _check("cluster", answer.error_code, answer.error_message)
    return ClusterDescription(
        answer.cluster_id,
        answer.controller_id,
        {each.broker_id: f"{each.host}:{each.port}" for each in answer.brokers},
    )


def log_dirs(broker: int, answer: Any) -> list[LogDirDescription]:
    _check(f"broker {broker}", answer.error_code)
    for each in answer.results:
        _check(f"{each.log_dir} of broker {broker}", each.error_code)
    return [
        LogDirDescription(
            broker,
            each.log_dir,
            {
                TopicPartition(topic.name, partition.partition_index): partition.partition_size
                for topic in each.topics
                for partition in topic.partitions
            },
            each.total_bytes,
            each.usable_bytes,
        )
        for each in answer.results
    ]


def altered(answer: Any) -> None:
    for each in answer.responses:
        _check(each.resource_name or "all brokers", each.error_code, each.error_message)


def described(answer: Any) -> dict[str, TopicDescription]:
    for topic in answer.topics:
        _check(f"topic {topic.name}", topic.error_code)
    return {topic.name: _description(topic) for topic in answer.topics}


def _description(topic: Any) -> TopicDescription:
    partitions = sorted(topic.partitions, key=lambda partition: int(partition.partition_index))
    return TopicDescription(
        topic.name,
        uuid_text(topic.topic_id),
        topic.is_internal,
        tuple(
            PartitionDescription(
                partition.partition_index,
                partition.leader_id,
                partition.leader_epoch,
                tuple(partition.replica_nodes),
                tuple(partition.isr_nodes),
                tuple(partition.offline_replicas),
            )
            for partition in partitions
        ),
    )


def configs(answer: Any) -> dict[str, ConfigEntry]:
    (result,) = answer.results
    _check(result.resource_name, result.error_code, result.error_message)
    return {
        config.name: ConfigEntry(
            config.name,
            config.value,
            ConfigSource(config.config_source)
            if config.config_source >= 0
            else ConfigSource.UNKNOWN,
            config.read_only,
            config.is_sensitive,
            ConfigType(config.config_type) if config.config_type else None,
            config.documentation,
        )
        for config in result.configs
    }


def quotas(answer: Any) -> list[Quotas]:
    _check("quotas", answer.error_code, answer.error_message)
    return [
        Quotas(
            {each.entity_type: each.entity_name for each in entry.entity},
            {value.key: value.value for value in entry.values},
        )
        for entry in answer.entries
    ]


def quotas_altered(answer: Any) -> None:
    for entry in answer.entries:
        named = ", ".join(f"{each.entity_type} {each.entity_name}" for each in entry.entity)
        _check(named or "quotas", entry.error_code, entry.error_message)
