"""ApiVersions, FindCoordinator, InitProducerId, DescribeConfigs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from minikafka.broker.apis import SERVED
from minikafka.broker.apis.k18_api_versions import UNADVERTISED
from minikafka.node import Request
from minikafka.wire.errors import ErrorCode, UnsupportedVersion
from minikafka.wire.messages.api_versions import ApiVersionsRequest
from minikafka.wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from minikafka.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from minikafka.wire.messages.describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from minikafka.wire.messages.find_coordinator import FindCoordinatorRequest
from minikafka.wire.messages.init_producer_id import InitProducerIdRequest
from minikafka.wire.messages.metadata import MetadataRequest, MetadataRequestTopic

from .talk import Client, Conversation

LONG = "\0" * 10_000
"""As text that a person can read it is four times as long: more than a string may be."""


@pytest.mark.parametrize(
    "body",
    [
        DescribeConfigsRequest(
            resources=[DescribeConfigsResource(resource_type=kind, resource_name=LONG)]
        )
        for kind in (2, 4, 9)
    ]
    + [
        CreateTopicsRequest(topics=[CreatableTopic(name=LONG)]),
        CreateTopicsRequest(
            topics=[
                CreatableTopic(
                    name="t", configs=[CreatableTopicConfig(name="segment.bytes", value=LONG)]
                )
            ]
        ),
        CreateTopicsRequest(
            topics=[
                CreatableTopic(name="t", configs=[CreatableTopicConfig(name=LONG * 3, value="1")])
            ]
        ),
        DeleteTopicsRequest(topics=[DeleteTopicState(name=LONG)]),
        MetadataRequest(topics=[MetadataRequestTopic(name=LONG)]),
        FindCoordinatorRequest(coordinator_keys=[LONG]),
    ],
)
def test_what_a_client_wrote_at_length_does_not_burst_the_answer(
    broker: Conversation, body: Any
) -> None:
    answered = 0
    for version in range(body.VERSIONS.max, body.VERSIONS.min - 1, -1):
        try:
            broker.ask(body, version)
        except UnsupportedVersion:
            break
        answered += 1
    assert answered > 0, "the newest version can say it"


# --- ApiVersions ---


def versions(answer: Any) -> dict[int, tuple[int, int]]:
    return {each.api_key: (each.min_version, each.max_version) for each in answer.api_keys}


@pytest.mark.parametrize("version", range(5))
def test_every_version_of_api_versions_tells_what_is_served(
    broker: Conversation, version: int
) -> None:
    request = ApiVersionsRequest(client_software_name="x", client_software_version="1.0-a")
    told = versions(broker.ask(request, version))
    told_of = {key: served for key, served in SERVED.items() if key not in UNADVERTISED}
    assert told == {**told_of, 0: (0, 13)}  # librdkafka needs to see 0 to 2 of Produce
    assert told[1] == (4, 18)


def test_features_are_those_of_the_metadata_log(broker: Conversation) -> None:
    request = ApiVersionsRequest(client_software_name="x", client_software_version="1")
    answer = broker.ask(request, 3)
    (finalized,) = answer.finalized_features
    assert (finalized.name, finalized.max_version_level) == ("metadata.version", 30)
    assert answer.finalized_features_epoch == 0
    broker.create()
    assert broker.ask(request, 3).finalized_features_epoch == 2


# KIP-511
def test_an_unknown_version_is_answered_in_version_0(broker: Conversation) -> None:
    client = Client("from the future")
    broker.turn([Request(client.channel, ApiVersionsRequest(), 5, 1, None)], client, raw=True)
    response = client.answers[0]
    assert response.version == 0
    assert response.body.error_code == ErrorCode.UNSUPPORTED_VERSION
    assert versions(response.body) == {18: (0, 4)}


@pytest.mark.parametrize("name", ["", "-x", "x-", "a b", "ä", "x_y"])
def test_a_client_must_name_itself_properly(broker: Conversation, name: str) -> None:
    for fields in (
        {"client_software_name": name, "client_software_version": "1"},
        {"client_software_name": "x", "client_software_version": name},
    ):
        answer = broker.ask(ApiVersionsRequest(**fields), 3)
        assert answer.error_code == ErrorCode.INVALID_REQUEST


# --- FindCoordinator ---


@pytest.mark.parametrize("version", range(4))
def test_there_is_no_coordinator_yet(broker: Conversation, version: int) -> None:
    answer = broker.ask(FindCoordinatorRequest(key="g"), version)
    assert answer.error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert (answer.node_id, answer.host, answer.port) == (-1, "", -1)


@pytest.mark.parametrize("version", range(4, 7))
def test_there_is_none_for_each_key(broker: Conversation, version: int) -> None:
    request = FindCoordinatorRequest(key_type=1, coordinator_keys=["a", "b"])
    answer = broker.ask(request, version)
    assert [(each.key, each.error_code) for each in answer.coordinators] == [
        ("a", ErrorCode.COORDINATOR_NOT_AVAILABLE),
        ("b", ErrorCode.COORDINATOR_NOT_AVAILABLE),
    ]


def test_share_groups_are_an_invalid_request(broker: Conversation) -> None:
    request = FindCoordinatorRequest(key_type=2, coordinator_keys=["a"])
    (coordinator,) = broker.ask(request, 6).coordinators
    assert coordinator.error_code == ErrorCode.INVALID_REQUEST


# --- InitProducerId ---


def init(broker: Conversation, version: int = 4, **fields: Any) -> Any:
    fields = {"transactional_id": None, **fields}
    return broker.ask(InitProducerIdRequest(**fields), version)


@pytest.mark.parametrize("version", range(6))
def test_every_version_gives_an_id_at_epoch_0(broker: Conversation, version: int) -> None:
    answer = init(broker, version)
    assert (answer.error_code, answer.producer_id, answer.producer_epoch) == (0, 0, 0)


def test_no_id_is_given_twice_whatever_happens(start: Callable[..., Conversation]) -> None:
    broker = start()
    given = [init(broker).producer_id for _ in range(1001)]
    broker.start()  # a crash
    given += [init(broker).producer_id for _ in range(2)]
    assert given == [*range(1001), 2000, 2001]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"transactional_id": "tx"}, ErrorCode.COORDINATOR_NOT_AVAILABLE),
        ({"transactional_id": ""}, ErrorCode.INVALID_REQUEST),
        ({"producer_id": 5}, ErrorCode.INVALID_REQUEST),
        ({"producer_epoch": 5}, ErrorCode.INVALID_REQUEST),
    ],
)
def test_ids_are_refused(broker: Conversation, fields: dict[str, Any], error: ErrorCode) -> None:
    answer = init(broker, **fields)
    assert (answer.error_code, answer.producer_id, answer.producer_epoch) == (error, -1, -1)


# --- DescribeConfigs ---

TOPIC, BROKER = 2, 4


def describe(
    broker: Conversation, kind: int, name: str, keys: list[str] | None = None, version: int = 4
) -> Any:
    resource = DescribeConfigsResource(
        resource_type=kind, resource_name=name, configuration_keys=keys
    )
    request = DescribeConfigsRequest(
        resources=[resource], include_synonyms=True, include_documentation=version >= 3
    )
    (result,) = broker.ask(request, version).results
    assert (result.resource_type, result.resource_name) == (kind, name)
    return result


def one(broker: Conversation, kind: int, name: str, key: str, version: int = 4) -> Any:
    (entry,) = describe(broker, kind, name, [key], version).configs
    return entry


def synonyms(entry: Any) -> list[tuple[str, str, int]]:
    return [(each.name, each.value, each.source) for each in entry.synonyms]


@pytest.mark.parametrize("version", range(1, 5))
def test_a_topics_own_config_comes_first(broker: Conversation, version: int) -> None:
    broker.create(segment_bytes=2_000_000)
    entry = one(broker, TOPIC, "t", "segment.bytes", version)
    assert (entry.value, entry.config_source, entry.read_only) == ("2000000", 1, False)
    assert synonyms(entry) == [
        ("segment.bytes", "2000000", 1),
        ("log.segment.bytes", "1073741824", 5),
    ]
    assert entry.config_type == (3 if version >= 3 else 0)
    assert bool(entry.documentation) == (version >= 3)


def test_then_the_brokers(start: Callable[..., Conversation]) -> None:
    broker = start(log_segment_bytes=3_000_000)
    broker.create()
    entry = one(broker, TOPIC, "t", "segment.bytes")
    assert (entry.value, entry.config_source) == ("3000000", 4)
    assert synonyms(entry) == [
        ("log.segment.bytes", "3000000", 4),
        ("log.segment.bytes", "1073741824", 5),
    ]


def test_a_default_in_a_coarser_unit_has_no_synonyms(broker: Conversation) -> None:
    broker.create()
    entry = one(broker, TOPIC, "t", "retention.ms")
    assert (entry.value, entry.config_source, synonyms(entry)) == ("604800000", 5, [])


@pytest.mark.parametrize(
    ("key", "value", "kind", "read_only"),
    [
        ("node.id", "1", 3, True),
        ("fetch.max.bytes", "57671680", 3, True),
        ("auto.create.topics.enable", "true", 1, True),
        ("log.cleanup.policy", "delete", 7, False),
        ("log.retention.hours", "168", 3, True),
        ("log.retention.ms", None, 5, False),
        ("connections.max.idle.ms", "600000", 5, True),
        ("log.cleaner.min.cleanable.ratio", "0.5", 6, False),
    ],
)
def test_the_brokers_configs_are_as_apache_kafka_shows_them(
    broker: Conversation, key: str, value: str | None, kind: int, read_only: bool
) -> None:
    entry = one(broker, BROKER, "1", key)
    assert (entry.value, entry.config_type, entry.read_only) == (value, kind, read_only)


def test_all_configs_come_in_the_order_of_their_names(broker: Conversation) -> None:
    broker.create()
    for kind, name in ((TOPIC, "t"), (BROKER, "1")):
        keys = [entry.name for entry in describe(broker, kind, name).configs]
        assert keys == sorted(keys)
        assert "internal.segment.bytes" not in keys


def test_there_are_no_dynamic_defaults(broker: Conversation) -> None:
    assert describe(broker, BROKER, "").configs == []


@pytest.mark.parametrize(
    ("kind", "name", "error"),
    [
        (TOPIC, "nowhere", "UNKNOWN_TOPIC_OR_PARTITION"),
        (TOPIC, "a/b", "INVALID_TOPIC_EXCEPTION"),
        (BROKER, "2", "INVALID_REQUEST"),
        (8, "2", "INVALID_REQUEST"),
        (16, "1", "INVALID_REQUEST"),
    ],
)
def test_unknown_resources(broker: Conversation, kind: int, name: str, error: str) -> None:
    result = describe(broker, kind, name)
    assert (ErrorCode(result.error_code).name, result.configs) == (error, [])
