"""ListOffsets (2): the offset of a point in time, or of an end of the log.

Versions 1-11. 2 knows isolation levels (KIP-98), 4 leader epochs (KIP-320), 6 is
flexible, 7 finds the largest timestamp (KIP-734), 8 and 9 the local and the tiered
part of a log (KIP-405, KIP-1005), 10 has a timeout (KIP-1075), 11 finds what is not
uploaded yet (KIP-1023).
"""

from __future__ import annotations

from minikafka.wire.schema import Message, Struct
from minikafka.wire.types import array, int8, int16, int32, int64, string

LATEST = -1
EARLIEST = -2
MAX_TIMESTAMP = -3
EARLIEST_LOCAL = -4
LATEST_TIERED = -5
EARLIEST_PENDING_UPLOAD = -6
"""Timestamps with a meaning of their own, below the real ones."""


class ListOffsetsPartition(Struct):
    partition_index: int = int32()
    current_leader_epoch: int = int32("4+", default=-1, ignorable=True)
    timestamp: int = int64()  # ms, or one of the constants above


class ListOffsetsTopic(Struct):
    name: str = string()
    partitions: list[ListOffsetsPartition] = array(ListOffsetsPartition)


class ListOffsetsRequest(Message, api_key=2, versions="1-11", flexible="6+"):
    replica_id: int = int32()  # -1 for a consumer
    isolation_level: int = int8("2+")
    topics: list[ListOffsetsTopic] = array(ListOffsetsTopic)
    timeout_ms: int = int32("10+", ignorable=True)


class ListOffsetsPartitionResponse(Struct):
    partition_index: int = int32()
    error_code: int = int16()
    timestamp: int = int64("1+", default=-1)
    offset: int = int64("1+", default=-1)
    leader_epoch: int = int32("4+", default=-1)


class ListOffsetsTopicResponse(Struct):
    name: str = string()
    partitions: list[ListOffsetsPartitionResponse] = array(ListOffsetsPartitionResponse)


class ListOffsetsResponse(Message, answers=ListOffsetsRequest):
    throttle_time_ms: int = int32("2+", ignorable=True)
    topics: list[ListOffsetsTopicResponse] = array(ListOffsetsTopicResponse)
