"""AlterClientQuotas: set and remove quotas, in force from the next request on.

Versions: 0 to 1. KIPs: KIP-546.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from minikafka.node import Request
from minikafka.quorum.image import quota_entity
from minikafka.quorum.quotas import plan_quotas
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasResponse,
    EntityData,
    EntryData,
    EntryResult,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker


def handle(broker: Broker, now: int, request: Request) -> AlterClientQuotasResponse:
    body: AlterClientQuotasRequest = request.body
    entities = [entity_of(entry) for entry in body.entries]
    times = Counter(entities)
    asked = {}  # an entity named twice is answered once
    records: list[Any] = []
    for entity, entry in zip(entities, body.entries, strict=True):
        keys = Counter(op.key for op in entry.ops)
        result = EntryResult(error_message=None, entity=[EntityData(*named) for named in entity])
        try:
            if times[entity] > 1 or any(count > 1 for count in keys.values()):
                raise KafkaError(
                    ErrorCode.INVALID_REQUEST, f"Ignoring duplicate entity {dict(entity)}"
                )
            records += plan_quotas(entity, broker.image.quotas.get(entity, {}), entry.ops)
        except KafkaError as error:
            result.error_code, result.error_message = error.code, error.message
        asked[entity] = result
    if records and not body.validate_only:
        try:
            broker.commit(records, now)
        except KafkaError as error:  # too many at once: nothing was changed
            for result in asked.values():
                result.error_code = result.error_code or error.code
                result.error_message = result.error_message or error.message
    return AlterClientQuotasResponse(entries=list(asked.values()))


def entity_of(entry: EntryData) -> Any:
    return quota_entity((each.entity_type, each.entity_name) for each in entry.entity)
