"""DeleteRecords: let partitions begin later; what lies below can no longer be read.

Versions: 0 to 2. KIPs: KIP-107.

Only the log start offset moves, at once. The files below it go with the next look at
retention, a whole segment at a time.

Not done: `timeout_ms`, because there is no follower to wait for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.node import Request
from minikafka.replica.partition import Partition
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.delete_records import (
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopicResult,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker

HIGH_WATERMARK = -1
"""As the offset: all that is committed."""
UNKNOWN = -1


def handle(broker: Broker, now: int, request: Request) -> DeleteRecordsResponse:
    body: DeleteRecordsRequest = request.body
    wanted: dict[str, dict[int, int]] = {}  # the last word on a partition counts
    for topic in body.topics:
        for asked in topic.partitions:
            wanted.setdefault(topic.name, {})[asked.partition_index] = asked.offset
    return DeleteRecordsResponse(
        topics=[
            DeleteRecordsTopicResult(
                name, [deleted(broker, name, index, offset) for index, offset in offsets.items()]
            )
            for name, offsets in wanted.items()
        ]
    )


def deleted(broker: Broker, topic: str, index: int, offset: int) -> DeleteRecordsPartitionResult:
    try:
        partition = broker.replicas.partition(topic, index)
        delete(partition, offset)
    except KafkaError as error:
        return DeleteRecordsPartitionResult(index, UNKNOWN, error.code)
    broker.grown[partition] = None  # a fetch that waits may be below the start now
    return DeleteRecordsPartitionResult(index, partition.log.log_start_offset)


def delete(partition: Partition, offset: int) -> None:
    """Raises KafkaError INVALID_TOPIC_EXCEPTION, POLICY_VIOLATION or OFFSET_OUT_OF_RANGE."""
    if partition.is_internal:
        raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"{partition} is internal")
    if "delete" not in partition.log.config.cleanup_policy:
        raise KafkaError(ErrorCode.POLICY_VIOLATION, f"cleanup.policy of {partition} keeps all")
    if offset == HIGH_WATERMARK:
        offset = partition.high_watermark
    if not 0 <= offset <= partition.high_watermark:
        end = partition.high_watermark
        raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE, f"{partition} is committed up to {end}")
    partition.log.advance_log_start_offset(offset)
