"""Metadata: which brokers there are, and who leads which partition of which topic.

Versions: 0 to 13. KIPs: KIP-78 (cluster id), KIP-204 and KIP-430 (authorised operations),
KIP-516 (topic ids, from 10; in requests from 12).

      topics                  before version 1     from version 1
      null                    (cannot be said)     all topics
      []                      all topics           no topics: only brokers are asked for
      [names]                 those; created first if unknown and everybody allows it

Kafka answers the first request for a topic it auto-creates with an error and creates it
behind the client's back; the client asks again. Here it exists when the answer is made.

Not done: access control, so whoever asks is told that every operation is allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.log.directory import METADATA_TOPIC
from minikafka.node import Request
from minikafka.quorum.controller import INTERNAL_TOPICS, NewTopic, check_topic_name
from minikafka.quorum.image import PartitionImage, TopicImage
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from minikafka.wire.types import ZERO_UUID, uuid_text

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker

TOPIC_ID_VERSION = 12
NULL_NAME_VERSION = 12

# Bit n stands for the operation n of Kafka's AclOperation.
TOPIC_OPERATIONS = sum(1 << operation for operation in (3, 4, 5, 6, 7, 8, 10, 11))
"""Read, write, create, delete, alter, describe, describe and alter configs."""
CLUSTER_OPERATIONS = sum(1 << operation for operation in (5, 7, 8, 9, 10, 11, 12))
"""Create, alter, describe, cluster action, describe and alter configs, idempotent write."""


def handle(broker: Broker, now: int, request: Request) -> MetadataResponse:
    body: MetadataRequest = request.body
    topics = body.topics
    if topics is None or (request.version == 0 and not topics):
        answers = [described(topic) for topic in broker.image.topics.values()]
    else:
        creates = broker.config.auto_create_topics_enable and body.allow_auto_topic_creation
        # What is named a million times is looked up once, and answered once.
        unique = {(each.topic_id, each.name): each for each in topics}.values()
        answers = [answered(broker, now, each, request.version, creates) for each in unique]
    if body.include_topic_authorized_operations:
        for answer in answers:
            answer.topic_authorized_operations = TOPIC_OPERATIONS
    response = MetadataResponse(
        brokers=[this_broker(broker)],
        cluster_id=broker.identity.cluster_id,
        controller_id=broker.config.node_id,
        topics=answers,
    )
    if body.include_cluster_authorized_operations:
        response.cluster_authorized_operations = CLUSTER_OPERATIONS
    return response


def this_broker(broker: Broker) -> MetadataResponseBroker:
    host, port = broker.advertised
    return MetadataResponseBroker(
        node_id=broker.config.node_id, host=host, port=port, rack=broker.config.broker_rack
    )


def answered(
    broker: Broker, now: int, asked: MetadataRequestTopic, version: int, creates: bool
) -> MetadataResponseTopic:
    """What is to be said about one topic of the request, which may bring it into being."""
    try:
        return described(find(broker, now, asked, version, creates))
    except KafkaError as error:
        no_name = None if version >= NULL_NAME_VERSION else ""
        return MetadataResponseTopic(
            error_code=error.code,
            name=no_name if asked.name is None else asked.name,
            topic_id=asked.topic_id,
            is_internal=asked.name in INTERNAL_TOPICS,
        )


def find(
    broker: Broker, now: int, asked: MetadataRequestTopic, version: int, creates: bool
) -> TopicImage:
    """The topic that is asked for. Raises KafkaError: why there is none."""
    image = broker.image
    if asked.topic_id != ZERO_UUID or asked.name is None:
        if version < TOPIC_ID_VERSION:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"no topic ids in version {version}")
        if asked.topic_id not in image.topics_by_id:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID, uuid_text(asked.topic_id))
        return image.topics_by_id[asked.topic_id]
    if asked.name not in image.topics:
        check_topic_name(asked.name)
        if not creates or asked.name == METADATA_TOPIC:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, asked.name)
        broker.commit(broker.plan_topic(NewTopic(asked.name)), now)
    return image.topics[asked.name]


def described(topic: TopicImage) -> MetadataResponseTopic:
    return MetadataResponseTopic(
        name=topic.name,
        topic_id=topic.topic_id,
        is_internal=topic.name in INTERNAL_TOPICS,
        partitions=[partition(index, image) for index, image in topic.partitions.items()],
    )


def partition(index: int, image: PartitionImage) -> MetadataResponsePartition:
    return MetadataResponsePartition(
        partition_index=index,
        leader_id=image.leader,
        leader_epoch=image.leader_epoch,
        replica_nodes=list(image.replicas),
        isr_nodes=list(image.isr),
    )
