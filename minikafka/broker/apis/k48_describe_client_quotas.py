"""DescribeClientQuotas: which quotas are set, for whom.

Versions: 0 to 1. KIPs: KIP-546.

A question names types of entities. Each one names a name, the default, or both; an entity is
told of when it has all types that were asked for, and with `strict` no others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.node import Request
from minikafka.quorum.image import QuotaEntity
from minikafka.quorum.quotas import CLIENT_ID, IP, USER
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.describe_client_quotas import (
    ComponentData,
    DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
    EntityData,
    EntryData,
    ValueData,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker

EXACT, DEFAULT, ANY = 0, 1, 2
"""Match types."""


def handle(broker: Broker, now: int, request: Request) -> DescribeClientQuotasResponse:
    body: DescribeClientQuotasRequest = request.body
    try:
        check(body.components)
    except KafkaError as error:
        return DescribeClientQuotasResponse(
            error_code=error.code, error_message=error.message, entries=None
        )
    entries = [
        EntryData(
            entity=[EntityData(*named) for named in entity],
            values=[ValueData(key, value) for key, value in sorted(quotas.items())],
        )
        for entity, quotas in broker.image.quotas.items()
        if matches(entity, body.components, body.strict)
    ]
    return DescribeClientQuotasResponse(error_message="", entries=entries)


def check(components: list[ComponentData]) -> None:
    """Raises KafkaError for a question that makes no sense."""
    kinds: list[str] = []
    for component in components:
        kind, how = component.entity_type, component.match_type
        if not kind:
            raise KafkaError(ErrorCode.INVALID_REQUEST, "Invalid empty entity type.")
        if kind in kinds:
            raise KafkaError(
                ErrorCode.INVALID_REQUEST,
                f"Entity type {kind} cannot appear more than once in the filter.",
            )
        if kind not in (USER, CLIENT_ID, IP):
            raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, f"Unsupported entity type {kind}")
        if not EXACT <= how <= ANY:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"Unknown match type {how}")
        if (how == EXACT) != (component.match is not None):
            raise KafkaError(
                ErrorCode.INVALID_REQUEST, "an exact match needs a name, and no other has one"
            )
        kinds.append(kind)
    if IP in kinds and len(kinds) > 1:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST, "an ip cannot be asked for together with others"
        )


def matches(entity: QuotaEntity, components: list[ComponentData], strict: bool) -> bool:
    names = dict(entity)
    if strict and len(names) != len(components):
        return False
    return all(
        component.entity_type in names
        and (component.match_type == ANY or names[component.entity_type] == component.match)
        for component in components
    )
