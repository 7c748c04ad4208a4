"""The levels of a broker's loggers, as clients see and change them (KIP-412).

      logger 1   network = WARN    a level of its own
                 request = INFO    that of root, as it has none

They look like the configs of a resource but are none: they are in nobody's file and in no record,
each broker knows only its own, and they are gone when it stops. See Kafka's RuntimeLoggerManager.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from minikafka.loggers import LOGGERS, ROOT, Level
from minikafka.quorum.configs import Change, check_changes
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.incremental_alter_configs import Operation

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker


def check_broker(broker: Broker, name: str) -> None:
    """Raises KafkaError when `name` does not mean this broker."""
    node_id = broker.config.node_id
    if name != str(node_id):
        raise KafkaError(
            ErrorCode.INVALID_REQUEST,
            f"loggers belong to one broker: expected {node_id}, but received {name!r}",
        )


def plan_levels(broker: Broker, name: str, changes: Sequence[Change]) -> dict[str, Level | None]:
    """The new levels of loggers, None for that of root. Raises KafkaError."""
    check_broker(broker, name)
    check_changes(changes)
    return {change.name: _level(change) for change in changes}


def set_levels(broker: Broker, levels: dict[str, Level | None]) -> None:
    for name, level in levels.items():
        broker.loggers.set(name, level)
        broker.emit("level_changed", logger=name, level=broker.loggers.level(name).name)


def _level(change: Change) -> Level | None:
    name, operation, value = change
    if name not in (ROOT, *LOGGERS):
        raise KafkaError(ErrorCode.INVALID_CONFIG, f"Logger {name} does not exist!")
    if operation == Operation.DELETE:
        if name == ROOT:
            raise KafkaError(
                ErrorCode.INVALID_REQUEST,
                "Removing the log level of the root logger is not allowed",
            )
        return None
    if operation != Operation.SET:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST, f"a level can be set and deleted; operation {operation}"
        )
    if value is None or value not in Level.__members__:
        raise KafkaError(
            ErrorCode.INVALID_CONFIG,
            f"Cannot set the log level of {name} to {value} as it is not a supported log level. "
            f"Valid log levels are {', '.join(sorted(Level.__members__))}",
        )
    return Level[value]
