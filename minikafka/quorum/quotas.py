"""Which quotas may be set for whom, and which records say them (KIP-546, KIP-599, KIP-612).

      client-id=reports                    producer_byte_rate = 1000000    this client
      client-id=<default>                  consumer_byte_rate = 5000000    each that has no own
      user=alice, client-id=reports        …                               this client of this user
      ip=<default>                         connection_creation_rate = 10

Each is a record of its own, and whole entities are changed: all of an entity's changes are made
or none. See Kafka's ClientQuotaControlManager.

Not done: a host name for `ip`; here it must be an address. Kafka takes NaN for any quota and an
infinite one for those that may be a fraction; both are refused here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from math import isfinite

from minikafka.quorum.image import QuotaEntity
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.alter_client_quotas import OpData
from minikafka.wire.messages.metadata_records import ClientQuotaRecord, QuotaEntityData

USER, CLIENT_ID, IP = "user", "client-id", "ip"

PRODUCER_BYTE_RATE = "producer_byte_rate"
CONSUMER_BYTE_RATE = "consumer_byte_rate"
CONTROLLER_MUTATION_RATE = "controller_mutation_rate"

INT, LONG, DOUBLE = (1 << 31) - 1, (1 << 63) - 1, None
"""The largest whole number that a quota may be; None for one that may be a fraction."""

KEYS_OF_CLIENTS = {
    PRODUCER_BYTE_RATE: LONG,
    CONSUMER_BYTE_RATE: LONG,
    "request_percentage": DOUBLE,
    CONTROLLER_MUTATION_RATE: DOUBLE,
}
KEYS_OF_ADDRESSES: dict[str, int | None] = {"connection_creation_rate": INT}

NEARLY_WHOLE = 1e-6
"""So far from a whole number a value may be that comes as a double and is meant as none."""


def plan_quotas(
    entity: QuotaEntity, own: Mapping[str, float], ops: Sequence[OpData]
) -> list[ClientQuotaRecord]:
    """The records that make these changes to an entity that has `own` quotas.

    Raises KafkaError INVALID_REQUEST.
    """
    keys = _keys_of(entity)
    for op in ops:
        if not op.remove:
            _check_value(keys, op.key, op.value)
    named = [QuotaEntityData(kind, name) for kind, name in entity]
    return [
        ClientQuotaRecord(named, op.key, op.value, op.remove)
        for op in ops
        if own.get(op.key) != (None if op.remove else op.value)
    ]


def _keys_of(entity: QuotaEntity) -> dict[str, int | None]:
    """What can be set for such an entity."""
    if not entity:
        raise _refused("Invalid empty client quota entity")
    kinds = {kind for kind, _ in entity}
    for kind, name in entity:
        if kind not in (USER, CLIENT_ID, IP):
            raise _refused(f"Unhandled client quota entity type: {kind}")
        if name == "":
            raise _refused(f"Empty {kind} not supported")
    if IP not in kinds:
        return KEYS_OF_CLIENTS
    if len(kinds) > 1:
        raise _refused("an ip cannot be combined with a user or client-id")
    address = entity[0][1]
    if address is not None:
        try:
            ip_address(address)
        except ValueError:
            raise _refused(f"{address} is not an IP address") from None
    return KEYS_OF_ADDRESSES


def _check_value(keys: dict[str, int | None], key: str, value: float) -> None:
    if key not in keys:
        raise _refused(f"Invalid configuration key {key}")
    if not value > 0:
        raise _refused(f"Quota {key} must be greater than 0, not {value}")
    largest = keys[key]
    if largest is None and isfinite(value):
        return
    if largest is None or value > largest:
        raise _refused(f"{key} = {value} is too large")
    if abs(value - round(value)) > NEARLY_WHOLE:
        raise _refused(f"{key} cannot be a fractional value, such as {value}")


def _refused(why: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, why)
