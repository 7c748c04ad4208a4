"""Changing configs: of a topic, of this broker, of all brokers. Both APIs for it end here.

      topic t       what t sets itself                             retention.ms, …
      broker 1      what broker 1 has instead of its file's        log.retention.ms, …
      broker ""     the same for all brokers that have no own      log.retention.ms, …

Changes are metadata like any other: records, on the disk before anybody is told, and in force in
the turn in which they are committed (`Broker.commit`).

Not done: Kafka keeps a broker's configs of unknown names, for its plug-ins; here they are refused.
Not done: configs that must fit each other, but for the lags of compaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minikafka.broker.config import BrokerConfig
from minikafka.broker.described import DYNAMIC
from minikafka.broker.levels import plan_levels, set_levels
from minikafka.log.config import LogConfig
from minikafka.loggers import Level
from minikafka.quorum.configs import Change, Rules, plan_changes
from minikafka.quorum.controller import check_topic_name
from minikafka.quorum.image import BROKER_RESOURCE, LOGGER_RESOURCE, TOPIC_RESOURCE
from minikafka.wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker

Resource = tuple[int, str]
"""Its type and its name."""

RULES = {
    TOPIC_RESOURCE: Rules(
        LogConfig.TABLE, frozenset(), ErrorCode.INVALID_CONFIG, LogConfig.check_together
    ),
    BROKER_RESOURCE: Rules(
        BrokerConfig.TABLE,
        frozenset(BrokerConfig.TABLE.keys) - DYNAMIC,
        ErrorCode.INVALID_REQUEST,
        lambda configs: None,
    ),
}


def alter(
    broker: Broker,
    now: int,
    wanted: Sequence[tuple[Resource, Sequence[Change]]],
    validate_only: bool,
    with_loggers: bool = False,
) -> list[tuple[Resource, KafkaError | None]]:
    """Change the configs of resources, each for itself; says for each why not, if not."""
    times = Counter(resource for resource, _ in wanted)
    answers: list[tuple[Resource, KafkaError | None]] = []
    records: list[Any] = []
    levels: dict[str, Level | None] = {}
    for resource, changes in wanted:
        kind, name = resource
        try:
            if times[resource] > 1:
                raise KafkaError(
                    ErrorCode.INVALID_REQUEST, "Each resource must appear at most once."
                )
            if kind == LOGGER_RESOURCE and with_loggers:
                levels |= plan_levels(broker, name, changes)
                answers.append((resource, None))
                continue
            check_resource(broker, kind, name)
            records += plan_changes(RULES[kind], kind, name, own_configs(broker, resource), changes)
        except KafkaError as error:
            answers.append((resource, error))
        else:
            answers.append((resource, None))
    if not validate_only:
        set_levels(broker, levels)
    if records and not validate_only:
        try:
            broker.commit(records, now)
        except KafkaError as error:  # too many at once: nothing was changed
            return [(resource, before or error) for resource, before in answers]
    return answers


def own_configs(broker: Broker, resource: Resource) -> Mapping[str, str]:
    """What a resource sets itself, as it was set."""
    return broker.image.configs.get(resource, {})


def check_resource(broker: Broker, kind: int, name: str) -> None:
    """Raises KafkaError when there is no such resource whose configs could be changed here."""
    if kind == TOPIC_RESOURCE:
        if not name:
            raise KafkaError(ErrorCode.INVALID_REQUEST, "Default topic resources are not allowed.")
        check_topic_name(name)
        if name not in broker.image.topics:
            raise KafkaError(
                ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"The topic '{name}' does not exist."
            )
    elif kind == BROKER_RESOURCE:
        if name not in ("", str(broker.config.node_id)):
            raise KafkaError(
                ErrorCode.INVALID_REQUEST,
                f"Unexpected broker id, expected {broker.config.node_id}, but received {name}",
            )
    else:
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"Unknown resource type {kind}")
