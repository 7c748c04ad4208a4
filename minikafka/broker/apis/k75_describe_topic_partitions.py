"""DescribeTopicPartitions: the partitions of topics, in order of the names, a page at a time.

Versions: 0. KIPs: KIP-966.

Metadata answers for all topics at once, however many there are. Here a page has at most
`response_partition_limit` partitions, and `next_cursor` says with which one the next begins;
no topics asked for means all of them.

Not done: eligible leader replicas, which only a cluster of several brokers has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.broker.apis.k03_metadata import TOPIC_OPERATIONS
from minikafka.node import Request
from minikafka.quorum.controller import INTERNAL_TOPICS, check_topic_name
from minikafka.quorum.image import PartitionImage, TopicImage
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.describe_topic_partitions import (
    Cursor,
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker

LARGEST_PAGE = 2000
"""Kafka's max.request.partition.size.limit."""


def handle(broker: Broker, now: int, request: Request) -> DescribeTopicPartitionsResponse:
    body: DescribeTopicPartitionsRequest = request.body
    cursor = body.cursor or Cursor()
    names = {topic.name for topic in body.topics}
    if cursor.partition_index < 0 or (names and body.cursor and cursor.topic_name not in names):
        refused = [
            DescribeTopicPartitionsResponseTopic(ErrorCode.INVALID_REQUEST, topic.name)
            for topic in body.topics
        ]
        return DescribeTopicPartitionsResponse(topics=refused)
    names = names or set(broker.image.topics)
    left = max(1, min(body.response_partition_limit, LARGEST_PAGE))
    response = DescribeTopicPartitionsResponse()
    for name in sorted(name for name in names if name >= cursor.topic_name):
        if left == 0:
            response.next_cursor = Cursor(name, 0)
            break
        topic = broker.image.topics.get(name)
        if topic is None:
            response.topics.append(missing(name, why_missing(name)))
            continue
        first = cursor.partition_index if name == cursor.topic_name else 0
        page = sorted(index for index in topic.partitions if index >= first)[:left]
        response.topics.append(described(topic, page))
        left -= len(page)
        if page and page[-1] < max(topic.partitions):
            response.next_cursor = Cursor(name, page[-1] + 1)
            break
    return response


def why_missing(name: str) -> ErrorCode:
    try:
        check_topic_name(name)
    except KafkaError as error:
        return error.code
    return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def missing(name: str, code: ErrorCode) -> DescribeTopicPartitionsResponseTopic:
    return DescribeTopicPartitionsResponseTopic(
        code,
        name,
        is_internal=name in INTERNAL_TOPICS,
        topic_authorized_operations=TOPIC_OPERATIONS,
    )


def described(topic: TopicImage, indexes: list[int]) -> DescribeTopicPartitionsResponseTopic:
    return DescribeTopicPartitionsResponseTopic(
        name=topic.name,
        topic_id=topic.topic_id,
        is_internal=topic.name in INTERNAL_TOPICS,
        partitions=[partition(index, topic.partitions[index]) for index in indexes],
        topic_authorized_operations=TOPIC_OPERATIONS,
    )


def partition(index: int, image: PartitionImage) -> DescribeTopicPartitionsResponsePartition:
    return DescribeTopicPartitionsResponsePartition(
        partition_index=index,
        leader_id=image.leader,
        leader_epoch=image.leader_epoch,
        replica_nodes=list(image.replicas),
        isr_nodes=list(image.isr),
        eligible_leader_replicas=[],
        last_known_elr=[],
    )
