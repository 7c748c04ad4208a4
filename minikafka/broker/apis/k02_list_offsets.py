"""ListOffsets: find an offset by time, or one of the special places of a log.

Versions: 1 to 11. KIPs: KIP-79, KIP-207 and KIP-320 (epochs), KIP-734 (-3), KIP-405 (-4),
KIP-1005 (-5), KIP-1023 (-6).

      timestamp ≥ 0   the first record with that timestamp or a later one
      -1  latest      where the next committed record will be (the high watermark)
      -2  earliest    the log's start
      -3  newest      the record with the largest timestamp
      -4  earliest on this broker's own disk: the log's start too, without tiered storage
      -5, -6          about tiered storage: there is none, so offset -1

What is found beyond the high watermark is reported as not found: it could still vanish.

Not done: tiered storage, transactions (read_committed sees the same as read_uncommitted).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from minikafka.node import Request
from minikafka.replica.partition import NO_EPOCH, Partition
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.list_offsets import (
    EARLIEST,
    EARLIEST_LOCAL,
    EARLIEST_PENDING_UPLOAD,
    LATEST,
    LATEST_TIERED,
    MAX_TIMESTAMP,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker

SINCE_VERSION = {
    LATEST: 0,
    EARLIEST: 0,
    MAX_TIMESTAMP: 7,
    EARLIEST_LOCAL: 8,
    LATEST_TIERED: 9,
    EARLIEST_PENDING_UPLOAD: 11,
}
"""The version of the API that introduced each special timestamp."""

EPOCH_VERSION = 4
NOT_FOUND = (-1, -1, NO_EPOCH)
CONSUMER = -1
"""The replica id of who is no replica. Others (a debugger's -2) see uncommitted records too."""


def handle(broker: Broker, now: int, request: Request) -> ListOffsetsResponse:
    body: ListOffsetsRequest = request.body
    times = Counter(
        (topic.name, asked.partition_index) for topic in body.topics for asked in topic.partitions
    )
    topics = []
    for topic in body.topics:
        answers: dict[int, ListOffsetsPartitionResponse] = {}
        for asked in topic.partitions:
            index = asked.partition_index
            try:
                if times[topic.name, index] > 1:
                    raise KafkaError(ErrorCode.INVALID_REQUEST, f"{topic.name}-{index} twice")
                check_timestamp(asked.timestamp, request.version)
                partition = broker.replicas.partition(topic.name, index)
                partition.check_leader_epoch(asked.current_leader_epoch)
                found = find(partition, asked.timestamp, committed=body.replica_id == CONSUMER)
            except KafkaError as error:
                answers[index] = ListOffsetsPartitionResponse(
                    partition_index=index, error_code=error.code
                )
                continue
            timestamp, offset, leader_epoch = found
            answers[index] = ListOffsetsPartitionResponse(
                partition_index=index,
                timestamp=timestamp,
                offset=offset,
                leader_epoch=leader_epoch if request.version >= EPOCH_VERSION else NO_EPOCH,
            )
        topics.append(ListOffsetsTopicResponse(name=topic.name, partitions=[*answers.values()]))
    return ListOffsetsResponse(topics=topics)


def check_timestamp(timestamp: int, version: int) -> None:
    """A special timestamp must be known, and known to clients of this version."""
    if timestamp < 0 and version < SINCE_VERSION.get(timestamp, version + 1):
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, f"timestamp {timestamp} in v{version}")


def find(partition: Partition, timestamp: int, *, committed: bool) -> tuple[int, int, int]:
    """(timestamp, offset, leader epoch) of what `timestamp` stands for; -1 for what is not there.

    `committed` hides what lies beyond the high watermark.
    """
    log = partition.log
    end = partition.high_watermark if committed else log.log_end_offset
    if timestamp == LATEST:
        return -1, end, partition.leader_epoch
    if timestamp in (EARLIEST, EARLIEST_LOCAL):
        return log.earliest()
    if timestamp == MAX_TIMESTAMP:
        found = log.max_timestamp_offset()
    elif timestamp >= 0:
        found = log.offset_for_timestamp(timestamp)
    else:
        found = None
    return found if found is not None and found[1] < end else NOT_FOUND
