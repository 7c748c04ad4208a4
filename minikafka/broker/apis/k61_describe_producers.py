"""DescribeProducers: which producers these partitions know, and what each wrote last.

Versions: 0. KIPs: KIP-664 (to find transactions that hang).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.node import Request
from minikafka.quorum.controller import check_topic_name
from minikafka.wire.errors import KafkaError
from minikafka.wire.messages.describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    PartitionResponse,
    ProducerState,
    TopicResponse,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker


def handle(broker: Broker, now: int, request: Request) -> DescribeProducersResponse:
    body: DescribeProducersRequest = request.body
    return DescribeProducersResponse(
        topics=[
            TopicResponse(
                topic.name,
                [
                    described(broker, topic.name, index)
                    for index in dict.fromkeys(topic.partition_indexes)
                ],
            )
            for topic in body.topics
        ]
    )


def described(broker: Broker, topic: str, index: int) -> PartitionResponse:
    try:
        check_topic_name(topic)
        partition = broker.replicas.partition(topic, index)
    except KafkaError as error:
        return PartitionResponse(index, error.code, error.message)
    return PartitionResponse(
        index,
        active_producers=[
            ProducerState(
                producer_id=producer_id,
                producer_epoch=state.epoch,
                last_sequence=state.batches[-1].last_sequence if state.batches else -1,
                last_timestamp=state.last_timestamp,
                coordinator_epoch=state.coordinator_epoch,
                current_txn_start_offset=state.open_since,
            )
            for producer_id, state in partition.log.producers.states.items()
        ],
    )
