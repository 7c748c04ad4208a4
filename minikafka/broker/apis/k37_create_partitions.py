"""CreatePartitions: give topics more partitions; there is no way back.

Versions: 0 to 3. KIPs: KIP-195, KIP-599 (quotas).

Each topic succeeds or fails for itself; those that succeed are committed together. Keys
go elsewhere from now on: `hash(key) % partitions` has another divisor.

Not done: `timeout_ms`, because nothing takes time here.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from minikafka.node import Request
from minikafka.quorum.controller import MAX_RECORDS
from minikafka.quorum.quotas import CONTROLLER_MUTATION_RATE
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopicResult,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker


STRICT_VERSION = 3
"""From here on clients know the error code THROTTLING_QUOTA_EXCEEDED (KIP-599)."""


def handle(broker: Broker, now: int, request: Request) -> CreatePartitionsResponse:
    body: CreatePartitionsRequest = request.body
    quota = broker.quotas.changes(CONTROLLER_MUTATION_RATE, request, STRICT_VERSION, now)
    times = Counter(topic.name for topic in body.topics)
    results: dict[str, CreatePartitionsTopicResult] = {}
    records: list[Any] = []
    for topic in body.topics:
        assignments = topic.assignments
        brokers = None if assignments is None else [each.broker_ids for each in assignments]
        try:
            if times[topic.name] > 1:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
            planned = broker.controller.plan_partitions(topic.name, topic.count, brokers)
            if len(records) + len(planned) > MAX_RECORDS:
                raise KafkaError(ErrorCode.POLICY_VIOLATION, f"more than {MAX_RECORDS} at once")
            quota.charge(len(planned))
        except KafkaError as error:
            results[topic.name] = CreatePartitionsTopicResult(topic.name, error.code, error.message)
            continue
        results[topic.name] = CreatePartitionsTopicResult(topic.name)
        records += planned
    if records and not body.validate_only:
        broker.commit(records, now)
    return CreatePartitionsResponse(quota.throttle_time_ms, list(results.values()))
