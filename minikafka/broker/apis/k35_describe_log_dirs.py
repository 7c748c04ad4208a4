"""DescribeLogDirs: what lies in this broker's directory, and how much room is left.

Versions: 1 to 5. KIPs: KIP-113, KIP-784, KIP-827 (the volume's size).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.node import Request
from minikafka.replica.partition import Partition
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.describe_log_dirs import (
    DescribeLogDirsPartition,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker


def handle(broker: Broker, now: int, request: Request) -> DescribeLogDirsResponse:
    body: DescribeLogDirsRequest = request.body
    topics: dict[str, DescribeLogDirsTopic] = {}
    for partition in chosen(broker, body):
        topic = topics.setdefault(partition.topic, DescribeLogDirsTopic(partition.topic))
        topic.partitions.append(DescribeLogDirsPartition(partition.index, partition.log.size_bytes))
    try:
        total_bytes, usable_bytes = broker.files.space()
    except OSError:  # the directory is gone: that is an answer, and no reason to end
        gone = DescribeLogDirsResult(ErrorCode.UNKNOWN_SERVER_ERROR, broker.files.root)
        return DescribeLogDirsResponse(results=[gone])
    return DescribeLogDirsResponse(
        results=[
            DescribeLogDirsResult(
                log_dir=broker.files.root,
                topics=[*topics.values()],
                total_bytes=total_bytes,
                usable_bytes=usable_bytes,
            )
        ]
    )


def chosen(broker: Broker, body: DescribeLogDirsRequest) -> list[Partition]:
    """The partitions that are asked for and here; None asks for all."""
    if body.topics is None:
        return list(broker.replicas)
    asked = dict.fromkeys((each.topic, index) for each in body.topics for index in each.partitions)
    found = [broker.replicas.find(topic, index) for topic, index in asked]
    return [partition for partition in found if partition is not None]
