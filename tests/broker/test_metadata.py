"""Metadata: which topics are told, which are created, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.metadata import (
    OPERATIONS_NOT_ASKED,
    MetadataRequest,
    MetadataRequestTopic,
)

from .talk import Conversation, fetch_request


def named(*names: str) -> list[MetadataRequestTopic]:
    return [MetadataRequestTopic(name=name) for name in names]


def names(answer: Any) -> list[str]:
    return [topic.name for topic in answer.topics]


@pytest.mark.parametrize("version", range(14))
def test_every_version_tells_brokers_and_topics(broker: Conversation, version: int) -> None:
    topic_id = broker.create(partitions=2)
    answer = broker.ask(MetadataRequest(topics=named("t")), version)
    (node,) = answer.brokers
    assert (node.node_id, node.host, node.port, node.rack) == (1, "broker-1", 9092, None)
    assert answer.controller_id == (1 if version >= 1 else -1)
    assert answer.cluster_id == (broker.broker.identity.cluster_id if version >= 2 else None)
    (topic,) = answer.topics
    assert (topic.error_code, topic.name, topic.is_internal) == (0, "t", False)
    assert topic.topic_id == (topic_id if version >= 10 else bytes(16))
    assert [each.partition_index for each in topic.partitions] == [0, 1]
    for partition in topic.partitions:
        assert (partition.leader_id, partition.replica_nodes, partition.isr_nodes) == (1, [1], [1])
        assert partition.leader_epoch == (0 if version >= 7 else -1)
        assert partition.offline_replicas == []


def test_what_no_topics_mean_depends_on_the_version(broker: Conversation) -> None:
    broker.create("a")
    broker.create("b")
    assert names(broker.ask(MetadataRequest(topics=[]), 0)) == ["a", "b"]
    assert names(broker.ask(MetadataRequest(topics=[]), 1)) == []
    assert names(broker.ask(MetadataRequest(topics=None), 1)) == ["a", "b"]


def test_an_unknown_topic_is_created_with_the_brokers_defaults(
    start: Callable[..., Conversation],
) -> None:
    broker = start(num_partitions=3)
    (topic,) = broker.ask(MetadataRequest(topics=named("new")), 9).topics
    assert (topic.error_code, len(topic.partitions)) == (0, 3)
    assert broker.happened("topic_created")[0]["topic"] == "new"


def test_a_client_may_forbid_creation_from_version_4(broker: Conversation) -> None:
    request = MetadataRequest(topics=named("new"), allow_auto_topic_creation=False)
    (topic,) = broker.ask(request, 4).topics
    assert topic.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert broker.happened("topic_created") == []


def test_the_broker_may_forbid_creation(start: Callable[..., Conversation]) -> None:
    broker = start(auto_create_topics_enable=False)
    (topic,) = broker.ask(MetadataRequest(topics=named("new")), 4).topics
    assert topic.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def test_an_impossible_name_is_not_created(broker: Conversation) -> None:
    (topic,) = broker.ask(MetadataRequest(topics=named("no spaces")), 4).topics
    assert (topic.error_code, topic.name) == (ErrorCode.INVALID_TOPIC_EXCEPTION, "no spaces")


def test_the_metadata_log_is_no_topic_to_clients(broker: Conversation) -> None:
    name = "__cluster_metadata"
    log = broker.broker.metadata_log.log
    end_offset = log.log_end_offset
    (topic,) = broker.ask(MetadataRequest(topics=named(name)), 4).topics
    assert (topic.error_code, topic.name) == (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name)
    produced = broker.produce(b"garbage", topic=name)
    assert produced.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    (fetched,) = broker.ask(fetch_request((0, 0), topic=name), 12).responses[0].partitions
    assert fetched.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert log.log_end_offset == end_offset
    broker.stop()
    broker.start()


def test_a_topic_is_found_by_id_from_version_12(broker: Conversation) -> None:
    topic_id = broker.create()
    by_id = [MetadataRequestTopic(topic_id=topic_id, name=None)]
    assert names(broker.ask(MetadataRequest(topics=by_id), 12)) == ["t"]
    for version in (10, 11):
        (topic,) = broker.ask(MetadataRequest(topics=by_id), version).topics
        assert (topic.error_code, topic.name) == (ErrorCode.INVALID_REQUEST, "")


def test_an_unknown_id_is_told_without_a_name(broker: Conversation) -> None:
    by_id = [MetadataRequestTopic(topic_id=b"x" * 16, name=None)]
    (topic,) = broker.ask(MetadataRequest(topics=by_id), 12).topics
    assert (topic.error_code, topic.name) == (ErrorCode.UNKNOWN_TOPIC_ID, None)
    assert topic.topic_id == b"x" * 16


# KIP-430
def test_authorised_operations_are_told_when_asked_for(broker: Conversation) -> None:
    broker.create()
    plain = broker.ask(MetadataRequest(topics=named("t")), 8)
    assert plain.cluster_authorized_operations == OPERATIONS_NOT_ASKED
    assert plain.topics[0].topic_authorized_operations == OPERATIONS_NOT_ASKED
    request = MetadataRequest(
        topics=named("t"),
        include_cluster_authorized_operations=True,
        include_topic_authorized_operations=True,
    )
    full = broker.ask(request, 8)
    assert full.cluster_authorized_operations == 0b1_1111_1010_0000
    assert full.topics[0].topic_authorized_operations == 0b1101_1111_1000


def test_internal_topics_are_marked(broker: Conversation) -> None:
    broker.create("__transaction_state")
    (topic,) = broker.ask(MetadataRequest(topics=named("__transaction_state")), 9).topics
    assert topic.is_internal


def test_the_rack_and_the_advertised_address_are_told(start: Callable[..., Conversation]) -> None:
    broker = start(broker_rack="r1", advertised_listeners="PLAINTEXT://kafka.example:19092")
    broker.broker.advertise("127.0.0.1:5000")
    (node,) = broker.ask(MetadataRequest(topics=[]), 9).brokers
    assert (node.host, node.port, node.rack) == ("kafka.example", 19092, "r1")


def test_without_an_advertised_address_the_drivers_is_told(broker: Conversation) -> None:
    broker.broker.advertise("127.0.0.1:5000")
    (node,) = broker.ask(MetadataRequest(topics=[]), 9).brokers
    assert (node.host, node.port) == ("127.0.0.1", 5000)


def test_what_is_named_several_times_is_answered_once(broker: Conversation) -> None:
    broker.create("a")
    answer = broker.ask(MetadataRequest(topics=named("a", "nope", "a", "nope")), 8)
    assert names(answer) == ["a", "nope"]
