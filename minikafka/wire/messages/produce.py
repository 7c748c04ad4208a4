"""Produce (0): append batches to partitions.

Versions 3-13. 3 brings record batches v2 and transactions (KIP-98), 7 zstd (KIP-110),
8 errors per record (KIP-467), 9 is flexible, 10 names the new leader in the answer
(KIP-951), 12 may begin a transaction's partition by itself (KIP-890), 13 has topic ids
instead of names (KIP-516).

Kafka's brokers *advertise* 0-13 all the same: librdkafka takes a broker without
version 0 for one that knows no batches v2 (KAFKA-18659). Requests of version 0-2 are
refused like any unknown version.
"""

from __future__ import annotations

from minikafka.wire.messages.common import LeaderIdAndEpoch, NodeEndpoint
from minikafka.wire.schema import Message, Struct
from minikafka.wire.types import (
    Records,
    array,
    int16,
    int32,
    int64,
    records,
    string,
    struct,
    uuid,
)

ADVERTISED_MIN_VERSION = 0


class PartitionProduceData(Struct):
    index: int = int32()
    records: Records = records(nullable="0+")


class TopicProduceData(Struct):
    name: str = string("0-12", ignorable=True)
    topic_id: bytes = uuid("13+", ignorable=True)
    partition_data: list[PartitionProduceData] = array(PartitionProduceData)


class ProduceRequest(Message, api_key=0, versions="3-13", flexible="9+"):
    transactional_id: str | None = string("3+", nullable="3+", default=None)
    acks: int = int16()  # -1 all in-sync replicas, 1 the leader, 0 no answer at all
    timeout_ms: int = int32()
    topic_data: list[TopicProduceData] = array(TopicProduceData)


class BatchIndexAndErrorMessage(Struct):
    batch_index: int = int32()
    batch_index_error_message: str | None = string(nullable="0+", default=None)


class PartitionProduceResponse(Struct):
    index: int = int32()
    error_code: int = int16()
    base_offset: int = int64()
    log_append_time_ms: int = int64("2+", default=-1, ignorable=True)  # -1: create time
    log_start_offset: int = int64("5+", default=-1, ignorable=True)
    record_errors: list[BatchIndexAndErrorMessage] = array(
        BatchIndexAndErrorMessage, "8+", ignorable=True
    )
    error_message: str | None = string("8+", nullable="8+", default=None, ignorable=True)
    current_leader: LeaderIdAndEpoch = struct(LeaderIdAndEpoch, "10+", tag=0)


class TopicProduceResponse(Struct):
    name: str = string("0-12", ignorable=True)
    topic_id: bytes = uuid("13+", ignorable=True)
    partition_responses: list[PartitionProduceResponse] = array(PartitionProduceResponse)


class ProduceResponse(Message, answers=ProduceRequest):
    responses: list[TopicProduceResponse] = array(TopicProduceResponse)
    throttle_time_ms: int = int32("1+", ignorable=True)
    node_endpoints: list[NodeEndpoint] = array(NodeEndpoint, "10+", tag=0)
