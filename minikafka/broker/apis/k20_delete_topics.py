"""DeleteTopics: remove topics, by name or (from version 6) by id.

Versions: 1 to 6. KIPs: KIP-4, KIP-322 (deletion may be disabled), KIP-516 (ids).

The answer means that the deletion is decided and on the disk; the directories are renamed
at once and removed after `file.delete.delay.ms`. Fetches that wait for such a topic are
answered with an error.

Not done: `timeout_ms`, because nothing takes time here.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from minikafka.node import Request
from minikafka.quorum.image import MetadataImage, TopicImage
from minikafka.quorum.quotas import CONTROLLER_MUTATION_RATE
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)
from minikafka.wire.types import ZERO_UUID, uuid_text

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker

BY_ID_VERSION = 6
DISABLED_VERSION = 3
"""From here on clients know the error code TOPIC_DELETION_DISABLED."""

STRICT_VERSION = 5
"""From here on they know THROTTLING_QUOTA_EXCEEDED (KIP-599)."""


def handle(broker: Broker, now: int, request: Request) -> DeleteTopicsResponse:
    body: DeleteTopicsRequest = request.body
    quota = broker.quotas.changes(CONTROLLER_MUTATION_RATE, request, STRICT_VERSION, now)
    counts: Counter[tuple[str | None, bytes]]  # of what is asked for, by name or id
    if request.version < BY_ID_VERSION:
        counts = Counter((name, ZERO_UUID) for name in body.topic_names)
    else:
        counts = Counter((each.name, each.topic_id) for each in body.topics)
    asked = [DeleteTopicState(name=name, topic_id=topic_id) for name, topic_id in counts]
    times: Counter[str | None] = Counter()  # one topic may be named by its name and by its id
    for each in asked:
        times[named(broker.image, each)] += counts[each.name, each.topic_id]
    doomed: list[bytes] = []
    results: dict[tuple[str | None, bytes], DeletableTopicResult] = {}
    for each in asked:
        try:
            check_is_allowed(broker.config.delete_topic_enable, request.version)
            topic = find(broker.image, each)
            if times[topic.name] > 1:
                raise KafkaError(ErrorCode.INVALID_REQUEST, f"{topic.name} is named twice")
            quota.charge(len(topic.partitions))
        except KafkaError as error:
            result = DeletableTopicResult(
                name=each.name,
                topic_id=each.topic_id,
                error_code=error.code,
                error_message=error.message,
            )
        else:
            doomed.append(topic.topic_id)
            result = DeletableTopicResult(name=topic.name, topic_id=topic.topic_id)
        results[each.name, each.topic_id] = result
    if doomed:
        broker.commit(broker.controller.plan_removal(doomed), now)
    return DeleteTopicsResponse(quota.throttle_time_ms, list(results.values()))


def check_is_allowed(enabled: bool, version: int) -> None:
    if not enabled:
        known = version >= DISABLED_VERSION
        code = ErrorCode.TOPIC_DELETION_DISABLED if known else ErrorCode.INVALID_REQUEST
        raise KafkaError(code, "delete.topic.enable is false")


def named(image: MetadataImage, asked: DeleteTopicState) -> str | None:
    """The name of what is asked for, by whichever handle."""
    topic = image.topics_by_id.get(asked.topic_id)
    return asked.name if topic is None else topic.name


def find(image: MetadataImage, asked: DeleteTopicState) -> TopicImage:
    """The topic that is to go. Raises KafkaError."""
    if (asked.name is None) == (asked.topic_id == ZERO_UUID):
        raise KafkaError(ErrorCode.INVALID_REQUEST, "give either a topic name or a topic id")
    if asked.name is None:
        topic = image.topics_by_id.get(asked.topic_id)
        if topic is None:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID, uuid_text(asked.topic_id))
    else:
        topic = image.topics.get(asked.name)
        if topic is None:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, asked.name)
    return topic
