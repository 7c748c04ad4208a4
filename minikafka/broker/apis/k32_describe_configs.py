"""DescribeConfigs: the configs in force for a topic or this broker, and where they were set.

Versions: 1 to 4. KIPs: KIP-133, KIP-226 (sources and synonyms), KIP-569 (types, texts),
KIP-412 (loggers).

Not done: groups and client metrics as resources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.broker.described import (
    ConfigEntry,
    all_brokers_entries,
    broker_entries,
    topic_entries,
)
from minikafka.broker.levels import check_broker
from minikafka.node import Request
from minikafka.quorum.controller import check_topic_name
from minikafka.quorum.image import BROKER_RESOURCE, LOGGER_RESOURCE, TOPIC_RESOURCE
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
    DescribeConfigsSynonym,
)

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker


LOGGER_SOURCE = 6  # DYNAMIC_BROKER_LOGGER_CONFIG


def handle(broker: Broker, now: int, request: Request) -> DescribeConfigsResponse:
    body: DescribeConfigsRequest = request.body
    return DescribeConfigsResponse(
        results=[described(broker, resource, body) for resource in body.resources]
    )


def described(
    broker: Broker, resource: DescribeConfigsResource, body: DescribeConfigsRequest
) -> DescribeConfigsResult:
    result = DescribeConfigsResult(
        error_message=None,
        resource_type=resource.resource_type,
        resource_name=resource.resource_name,
    )
    try:
        if resource.resource_type == LOGGER_RESOURCE:
            configs = levels(broker, resource.resource_name)
        else:
            configs = [written(entry, body) for entry in find(broker, resource)]
    except KafkaError as error:
        result.error_code, result.error_message = error.code, error.message
        return result
    wanted = resource.configuration_keys
    result.configs = [config for config in configs if not wanted or config.name in wanted]
    return result


def levels(broker: Broker, name: str) -> list[DescribeConfigsResourceResult]:
    """The loggers of broker `name`, with their levels. Raises KafkaError."""
    check_broker(broker, name)
    return [
        DescribeConfigsResourceResult(name=logger, value=level.name, config_source=LOGGER_SOURCE)
        for logger, level in broker.loggers
    ]


def find(broker: Broker, resource: DescribeConfigsResource) -> list[ConfigEntry]:
    """All configs of this resource. Raises KafkaError when there is no such resource here."""
    name = resource.resource_name
    if resource.resource_type == TOPIC_RESOURCE:
        check_topic_name(name)
        if name not in broker.image.topics:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        return list(topic_entries(broker.layers, broker.image.topic_configs(name)))
    if resource.resource_type == BROKER_RESOURCE:
        if name not in ("", str(broker.config.node_id)):
            raise KafkaError(
                ErrorCode.INVALID_REQUEST,
                f"broker {name!r}: this is broker {broker.config.node_id}",
            )
        return list(broker_entries(broker.layers) if name else all_brokers_entries(broker.layers))
    raise KafkaError(ErrorCode.INVALID_REQUEST, f"resource type {resource.resource_type}")


def written(entry: ConfigEntry, body: DescribeConfigsRequest) -> DescribeConfigsResourceResult:
    synonyms = entry.synonyms if body.include_synonyms else []
    return DescribeConfigsResourceResult(
        name=entry.key.name,
        value=None if entry.is_sensitive else entry.value,
        read_only=entry.read_only,
        config_source=entry.source,
        is_sensitive=entry.is_sensitive,
        synonyms=[
            DescribeConfigsSynonym(name=each.name, value=each.value, source=each.source)
            for each in synonyms
        ],
        config_type=entry.key.type,
        documentation=entry.key.documentation if body.include_documentation else None,
    )
