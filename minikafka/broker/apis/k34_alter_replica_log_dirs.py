"""AlterReplicaLogDirs: move replicas to another directory of this broker. There is only one.

Versions: 1 to 2. KIPs: KIP-113.

To be told to be where it is is no error for a replica; any other directory does not exist.

Not done: several directories, so nothing ever moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.node import Request
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.alter_replica_log_dirs import (
    AlterReplicaLogDirPartitionResult,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirTopicResult,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker


def handle(broker: Broker, now: int, request: Request) -> AlterReplicaLogDirsResponse:
    body: AlterReplicaLogDirsRequest = request.body
    results: dict[str, list[AlterReplicaLogDirPartitionResult]] = {}
    for each in body.dirs:
        for topic in each.topics:
            for index in topic.partitions:
                code = moved(broker, topic.name, index, each.path)
                results.setdefault(topic.name, []).append(
                    AlterReplicaLogDirPartitionResult(index, code)
                )
    return AlterReplicaLogDirsResponse(
        results=[AlterReplicaLogDirTopicResult(name, codes) for name, codes in results.items()]
    )


def moved(broker: Broker, topic: str, index: int, path: str) -> int:
    """What becomes of moving one replica to `path`."""
    if path != broker.files.root:
        return ErrorCode.LOG_DIR_NOT_FOUND
    try:
        broker.replicas.partition(topic, index)
    except KafkaError as error:
        return error.code
    return ErrorCode.NONE
