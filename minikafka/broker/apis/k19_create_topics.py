"""CreateTopics: make topics, or say why not; with `validate_only` just say.

Versions: 2 to 7. KIPs: KIP-4, KIP-464 (the broker's defaults), KIP-525 (the answer tells
what was made, from 5), KIP-516 (its id, from 7), KIP-599 (quotas).

Each topic succeeds or fails for itself. Those that succeed are committed together, and
the answer waits for the disk: a topic that a client was told of survives any crash.

Not done: `timeout_ms`, because nothing takes time here.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from minikafka.broker.described import topic_entries
from minikafka.node import Request
from minikafka.quorum.controller import MAX_RECORDS, NewTopic
from minikafka.quorum.quotas import CONTROLLER_MUTATION_RATE
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfigs,
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker


STRICT_VERSION = 6
"""From here on clients know the error code THROTTLING_QUOTA_EXCEEDED (KIP-599)."""


def handle(broker: Broker, now: int, request: Request) -> CreateTopicsResponse:
    body: CreateTopicsRequest = request.body
    quota = broker.quotas.changes(CONTROLLER_MUTATION_RATE, request, STRICT_VERSION, now)
    times = Counter(topic.name for topic in body.topics)
    results: dict[str, CreatableTopicResult] = {}
    records: list[Any] = []
    for topic in body.topics:
        try:
            if times[topic.name] > 1:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
            wish = wish_of(topic)
            planned = broker.plan_topic(wish)
            quota.charge(planned[-1].partition_id + 1)
        except KafkaError as error:
            results[topic.name] = CreatableTopicResult(
                name=topic.name, error_code=error.code, error_message=error.message
            )
            continue
        results[topic.name] = created(broker, wish, planned)
        records += planned
    if len(records) > MAX_RECORDS:
        refuse_all(results, len(records))
        records = []
    if records and not body.validate_only:
        broker.commit(records, now)
    return CreateTopicsResponse(quota.throttle_time_ms, list(results.values()))


def refuse_all(results: dict[str, CreatableTopicResult], count: int) -> None:
    """All or nothing is made, and so much at once is not."""
    why = f"{count} metadata records at once: at most {MAX_RECORDS} are allowed"
    for name, result in results.items():
        if result.error_code == ErrorCode.NONE:
            results[name] = CreatableTopicResult(
                name=name, error_code=ErrorCode.POLICY_VIOLATION, error_message=why
            )


def wish_of(topic: CreatableTopic) -> NewTopic:
    return NewTopic(
        topic.name,
        topic.num_partitions,
        topic.replication_factor,
        [(each.partition_index, each.broker_ids) for each in topic.assignments],
        {config.name: config.value for config in topic.configs},
    )


def created(broker: Broker, wish: NewTopic, planned: list[Any]) -> CreatableTopicResult:
    """What is (or with `validate_only` would be) made: its first record and its partitions."""
    own = {name: value for name, value in wish.configs.items() if value is not None}
    return CreatableTopicResult(
        name=wish.name,
        topic_id=planned[0].topic_id,
        error_message=None,
        num_partitions=planned[-1].partition_id + 1,
        replication_factor=len(planned[-1].replicas),
        configs=[
            CreatableTopicConfigs(
                name=entry.key.name,
                value=entry.value,
                read_only=entry.read_only,
                config_source=entry.source,
                is_sensitive=entry.is_sensitive,
            )
            for entry in topic_entries(broker.layers, own)
        ],
    )
