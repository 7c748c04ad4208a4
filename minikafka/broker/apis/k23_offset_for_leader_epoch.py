"""OffsetForLeaderEpoch: where the records of a leader epoch end, here.

Versions: 2 to 4. KIPs: KIP-101, KIP-279, KIP-320.

A consumer that has read records of a leader that is gone asks this before it goes on: if
the epoch ends before its position, what it has read was never committed (KIP-320). The
answer is for the largest epoch that is not larger than the one asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.node import Request
from minikafka.wire.errors import KafkaError
from minikafka.wire.messages.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopicResult,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker


def handle(broker: Broker, now: int, request: Request) -> OffsetForLeaderEpochResponse:
    body: OffsetForLeaderEpochRequest = request.body
    return OffsetForLeaderEpochResponse(
        topics=[
            OffsetForLeaderTopicResult(
                topic.topic, [found(broker, topic.topic, asked) for asked in topic.partitions]
            )
            for topic in body.topics
        ]
    )


def found(broker: Broker, topic: str, asked: OffsetForLeaderPartition) -> EpochEndOffset:
    index = asked.partition
    try:
        partition = broker.replicas.partition(topic, index)
        partition.check_leader_epoch(asked.current_leader_epoch)
    except KafkaError as error:
        return EpochEndOffset(error_code=error.code, partition=index)
    epoch, end_offset = partition.log.end_offset_for_epoch(asked.leader_epoch)
    return EpochEndOffset(partition=index, leader_epoch=epoch, end_offset=end_offset)
