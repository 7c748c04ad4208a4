"""Which changes of configs are allowed, and which records say them.

      set        retention.ms = 1000                    this value from now on
      delete     retention.ms                           back to what is in force without it
      append     cleanup.policy: delete + compact       one more element of a list
      subtract   cleanup.policy: delete,compact - delete

A change names what is different, so two people who change two configs of one topic do not undo
each other's (KIP-339). The old AlterConfigs names everything that is to be set, and resets the
rest. Both end here, as a list of changes; it is taken whole or not at all.

See Kafka's ConfigurationControlManager.

Not done: groups, client metrics, and alter-config policies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from typing import NamedTuple

from minikafka.config import ConfigError, ConfigKey, ConfigTable, ConfigType, text_of
from minikafka.wire.compiler import MAX_STRING_BYTES
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.incremental_alter_configs import Operation
from minikafka.wire.messages.metadata_records import ConfigRecord


class Change(NamedTuple):
    """One change of one config. The value of a DELETE does not matter."""

    name: str
    operation: int
    value: str | None


class Rules(NamedTuple):
    """What the configs of one kind of resource may be.

    Those in `fixed` cannot be changed while a broker runs; `refusal` is the error of a bad value.
    `check` raises ConfigError for values that do not go together.
    """

    table: ConfigTable
    fixed: Set[str]
    refusal: ErrorCode
    check: Callable[[Mapping[str, str]], None]


def plan_changes(
    rules: Rules, kind: int, name: str, own: Mapping[str, str], changes: Sequence[Change]
) -> list[ConfigRecord]:
    """The records that make these changes to a resource that sets `own` itself.

    Raises KafkaError INVALID_REQUEST, INVALID_CONFIG or `rules.refusal`.
    """
    check_changes(changes)
    fixed = [c.name for c in changes if c.name in rules.fixed and c.operation != Operation.DELETE]
    if fixed:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST, f"Cannot update these configs dynamically: {fixed}"
        )
    wanted = {change.name: _wanted(rules, own, change) for change in changes}
    together = {key: value for key, value in {**own, **wanted}.items() if value is not None}
    try:
        rules.check(together)
    except ConfigError as error:
        raise KafkaError(rules.refusal, str(error)) from None
    return [
        ConfigRecord(kind, name, config, value)
        for config, value in wanted.items()
        if value != own.get(config)
    ]


def check_changes(changes: Sequence[Change]) -> None:
    """Raises KafkaError INVALID_REQUEST for changes that contradict each other or say nothing."""
    if any(times > 1 for times in Counter(change.name for change in changes).values()):
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Error due to duplicate config keys")
    for change in changes:
        if change.value is None and change.operation != Operation.DELETE:
            raise KafkaError(
                ErrorCode.INVALID_REQUEST, f"Null value not supported for : {change.name}"
            )


def reset_changes(own: Mapping[str, str], wanted: Sequence[tuple[str, str | None]]) -> list[Change]:
    """What the old AlterConfigs means: set all of `wanted`, and reset what else is set."""
    changes = [Change(name, Operation.SET, value) for name, value in wanted]
    named = {name for name, _ in wanted}
    return changes + [Change(name, Operation.DELETE, None) for name in own if name not in named]


def _wanted(rules: Rules, own: Mapping[str, str], change: Change) -> str | None:
    """What a config is to be after its change; None for no longer set."""
    name, operation, value = change
    if operation == Operation.DELETE:
        return None
    assert value is not None, "checked before"
    if name not in rules.table.keys:
        kind = rules.table.kind
        raise KafkaError(ErrorCode.INVALID_CONFIG, f"Unknown {kind} config name: {name}")
    key = rules.table[name]
    if operation in (Operation.APPEND, Operation.SUBTRACT):
        value = _changed_list(key, own.get(name), operation, value)
    elif operation != Operation.SET:
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"there is no operation {operation}")
    size = len(value.encode())
    if size > MAX_STRING_BYTES:  # no record of the metadata log could hold it
        raise KafkaError(
            ErrorCode.INVALID_CONFIG,
            f"{name} would have {size} bytes, {MAX_STRING_BYTES} are allowed",
        )
    try:
        key.parse(value)
    except ConfigError as error:
        raise KafkaError(rules.refusal, str(error)) from None
    return value


def _changed_list(key: ConfigKey, current: str | None, operation: int, value: str) -> str:
    verb = Operation(operation).name
    if key.type is not ConfigType.LIST:
        raise KafkaError(
            ErrorCode.INVALID_CONFIG, f"Can't {verb} to key {key.name} because it is not a LIST."
        )
    had = current if current is not None else text_of(key.default)
    elements = dict.fromkeys(element.strip() for element in had.split(",") if element)
    for element in value.split(","):
        if operation == Operation.APPEND:
            elements[element.strip()] = None
        else:
            elements.pop(element.strip(), None)
    return ",".join(elements)
