"""The records of `__cluster_metadata-0`: what the cluster *is*, as a log of changes.

A record's value says itself what it is (`AbstractApiMessageSerde`), then comes the
message; all of them are flexible:

      uvarint 1 | uvarint type | uvarint version | message
      ^ the version of this frame

      value = encode_record(TopicRecord(name="t", topic_id=id), 0)
      decode_record(value)          # TopicRecord(name='t', …)

Not done: the record types for brokers, ACLs, credentials and transactions;
they come with the controller that writes them.
"""

from __future__ import annotations

from minikafka.wire.compiler import UVARINT, uvarint
from minikafka.wire.errors import MalformedFrame
from minikafka.wire.schema import Message, Struct, decode, encode
from minikafka.wire.types import array, boolean, float64, int8, int16, int32, int64, string, uuid

FRAME_VERSION = 1


class TopicRecord(Message, api_key=2, versions="0", flexible="0+"):
    """A topic exists."""

    name: str = string()
    topic_id: bytes = uuid()


class PartitionRecord(Message, api_key=3, versions="0-2", flexible="0+"):
    """A partition exists. 1 names directories (KIP-858), 2 eligible leaders (KIP-966)."""

    partition_id: int = int32(default=-1)
    topic_id: bytes = uuid()
    replicas: list[int] = array(int32)
    isr: list[int] = array(int32)
    removing_replicas: list[int] = array(int32)
    adding_replicas: list[int] = array(int32)
    leader: int = int32(default=-1)
    leader_recovery_state: int = int8(tag=0)  # 1 after an unclean election
    leader_epoch: int = int32(default=-1)
    partition_epoch: int = int32(default=-1)
    directories: list[bytes] = array(uuid, "1+")
    eligible_leader_replicas: list[int] | None = array(
        int32, "2+", nullable="2+", default=None, tag=1
    )
    last_known_elr: list[int] | None = array(int32, "2+", nullable="2+", default=None, tag=2)


class ConfigRecord(Message, api_key=4, versions="0", flexible="0+"):
    """A config is set, or with None no longer set."""

    resource_type: int = int8()
    resource_name: str = string()
    name: str = string()
    value: str | None = string(nullable="0+")


class RemoveTopicRecord(Message, api_key=9, versions="0", flexible="0+"):
    """A topic and its partitions are gone."""

    topic_id: bytes = uuid()


class FeatureLevelRecord(Message, api_key=12, versions="0", flexible="0+"):
    """A feature is at this level from here on. The first one says how to read the rest."""

    name: str = string()
    feature_level: int = int16()


class QuotaEntityData(Struct):
    """Whom a quota is for; no name: each that has no quota of its own."""

    entity_type: str = string()
    entity_name: str | None = string(nullable="0+")


class ClientQuotaRecord(Message, api_key=14, versions="0", flexible="0+"):
    """A quota is set, or no longer set (KIP-546)."""

    entity: list[QuotaEntityData] = array(QuotaEntityData)
    key: str = string()
    value: float = float64()
    remove: bool = boolean()


class ProducerIdsRecord(Message, api_key=15, versions="0", flexible="0+"):
    """A broker has taken a block of producer ids; the next block starts at `next_producer_id`."""

    broker_id: int = int32()
    broker_epoch: int = int64(default=-1)
    next_producer_id: int = int64()


RECORD_TYPES: dict[int, type[Message]] = {
    cls.API_KEY: cls
    for cls in (
        TopicRecord,
        PartitionRecord,
        ConfigRecord,
        RemoveTopicRecord,
        FeatureLevelRecord,
        ClientQuotaRecord,
        ProducerIdsRecord,
    )
}


def encode_record(message: Message, version: int) -> bytes:
    """The value of the record that says this."""
    body = encode(message, version)
    head = UVARINT[FRAME_VERSION] + UVARINT[message.API_KEY] + UVARINT[version]
    return head + b"".join(body)  # type: ignore[arg-type]  # there are no records in records


def decode_record(value: bytes) -> Message:
    """What a record of the metadata log says. Raises MalformedFrame."""
    try:
        frame_version, position = uvarint(value, 0)
        record_type, position = uvarint(value, position)
        version, position = uvarint(value, position)
    except IndexError as error:
        raise MalformedFrame(f"a metadata record of {len(value)} bytes has no header") from error
    if frame_version != FRAME_VERSION:
        raise MalformedFrame(f"a metadata record with frame version {frame_version}")
    cls = RECORD_TYPES.get(record_type)
    if cls is None or version not in cls.VERSIONS:
        raise MalformedFrame(f"a metadata record of unknown type {record_type} v{version}")
    return decode(cls, version, value, position)
