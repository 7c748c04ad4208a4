"""CreateTopics and DeleteTopics: the rules, and that a topic survives what it must."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from minikafka.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from minikafka.wire.messages.metadata import MetadataRequest

from .talk import Conversation


def wish(name: str = "t", partitions: int = 1, factor: int = 1, **fields: Any) -> CreatableTopic:
    return CreatableTopic(name=name, num_partitions=partitions, replication_factor=factor, **fields)


def config(name: str, value: str | None) -> list[CreatableTopicConfig]:
    return [CreatableTopicConfig(name=name, value=value)]


def assigned(*brokers: list[int]) -> list[CreatableReplicaAssignment]:
    return [
        CreatableReplicaAssignment(partition_index=index, broker_ids=ids)
        for index, ids in enumerate(brokers)
    ]


def create(
    broker: Conversation, *wishes: CreatableTopic, version: int = 7, validate_only: bool = False
) -> Any:
    request = CreateTopicsRequest(topics=list(wishes), validate_only=validate_only)
    return broker.ask(request, version).topics


def topics(broker: Conversation) -> list[str]:
    return [topic.name for topic in broker.ask(MetadataRequest(topics=None), 9).topics]


@pytest.mark.parametrize("version", range(2, 8))
def test_every_version_creates_and_tells_what_it_knows(broker: Conversation, version: int) -> None:
    (result,) = create(broker, wish(partitions=2), version=version)
    assert (result.error_code, result.error_message) == (0, None)
    assert result.num_partitions == (2 if version >= 5 else -1)
    assert result.replication_factor == (1 if version >= 5 else -1)
    assert (result.topic_id == broker.topic_id()) == (version >= 7)
    assert bool(result.configs) == (version >= 5)


def test_the_configs_in_force_are_told(broker: Conversation) -> None:
    (result,) = create(broker, wish(configs=config("retention.ms", "1000")))
    told = {each.name: (each.value, each.config_source) for each in result.configs}
    assert told["retention.ms"] == ("1000", 1)
    assert told["segment.bytes"] == ("1073741824", 5)
    assert len(told) == 33


def test_defaults_stand_in_for_minus_one(start: Callable[..., Conversation]) -> None:
    broker = start(num_partitions=4)
    (result,) = create(broker, wish(partitions=-1, factor=-1))
    assert (result.num_partitions, result.replication_factor) == (4, 1)


def test_partitions_may_be_assigned_by_hand(broker: Conversation) -> None:
    (result,) = create(broker, wish(partitions=-1, factor=-1, assignments=assigned([1], [1])))
    assert (result.error_code, result.num_partitions) == (0, 2)


REFUSED = {
    "an empty name": (wish(""), "INVALID_TOPIC_EXCEPTION"),
    "the name .": (wish("."), "INVALID_TOPIC_EXCEPTION"),
    "the name ..": (wish(".."), "INVALID_TOPIC_EXCEPTION"),
    "a long name": (wish("x" * 250), "INVALID_TOPIC_EXCEPTION"),
    "a slash": (wish("a/b"), "INVALID_TOPIC_EXCEPTION"),
    "a letter beyond ASCII": (wish("ä"), "INVALID_TOPIC_EXCEPTION"),
    "a name that exists": (wish("old.name"), "TOPIC_ALREADY_EXISTS"),
    "a name that collides in metrics": (wish("old_name"), "INVALID_TOPIC_EXCEPTION"),
    "the metadata log": (wish("__cluster_metadata"), "INVALID_REQUEST"),
    "no partitions": (wish(partitions=0), "INVALID_PARTITIONS"),
    "minus two partitions": (wish(partitions=-2), "INVALID_PARTITIONS"),
    "a million partitions": (wish(partitions=1_000_000), "POLICY_VIOLATION"),
    "no replicas": (wish(factor=0), "INVALID_REPLICATION_FACTOR"),
    "more replicas than brokers": (wish(factor=2), "INVALID_REPLICATION_FACTOR"),
    "an unknown config": (wish(configs=config("retention", "1")), "INVALID_CONFIG"),
    "a bad value": (wish(configs=config("retention.ms", "long")), "INVALID_CONFIG"),
    "a value out of range": (wish(configs=config("segment.bytes", "0")), "INVALID_CONFIG"),
    "a null value": (wish(configs=config("retention.ms", None)), "INVALID_CONFIG"),
    "numbers and assignments": (wish(assignments=assigned([1])), "INVALID_REQUEST"),
    "an unknown broker": (
        wish(partitions=-1, factor=-1, assignments=assigned([2])),
        "INVALID_REPLICA_ASSIGNMENT",
    ),
    "a broker twice": (
        wish(partitions=-1, factor=-1, assignments=assigned([1, 1])),
        "INVALID_REPLICA_ASSIGNMENT",
    ),
    "a gap in the assignment": (
        wish(
            partitions=-1,
            factor=-1,
            assignments=[CreatableReplicaAssignment(partition_index=1, broker_ids=[1])],
        ),
        "INVALID_REPLICA_ASSIGNMENT",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_reason_and_without_a_trace(broker: Conversation, name: str) -> None:
    broker.create("old.name")
    asked, error = REFUSED[name]
    refused, fine = create(broker, asked, wish("fine"))
    assert ErrorCode(refused.error_code).name == error
    assert refused.error_message
    assert fine.error_code == 0
    assert topics(broker) == ["old.name", "fine"]


def test_a_name_of_249_characters_is_fine(broker: Conversation) -> None:
    (result,) = create(broker, wish("x" * 249))
    assert result.error_code == 0


def test_a_name_given_twice_is_refused_once(broker: Conversation) -> None:
    (result,) = create(broker, wish(), wish())
    assert result.error_code == ErrorCode.INVALID_REQUEST
    assert topics(broker) == []


def test_validate_only_says_what_would_happen(broker: Conversation) -> None:
    good, bad = create(broker, wish(), wish("a/b"), validate_only=True)
    assert (good.error_code, good.num_partitions) == (0, 1)
    assert bad.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
    assert topics(broker) == []


# --- deleting ---


@pytest.mark.parametrize("version", range(1, 7))
def test_every_version_deletes_by_name(broker: Conversation, version: int) -> None:
    broker.create()
    broker.create("stays")
    request = DeleteTopicsRequest(topic_names=["t"], topics=[])
    if version >= 6:
        request = DeleteTopicsRequest(topics=[DeleteTopicState(name="t")])
    (result,) = broker.ask(request, version).responses
    assert (result.name, result.error_code) == ("t", 0)
    assert topics(broker) == ["stays"]
    assert broker.happened("topic_deleted")[0]["topic"] == "t"


def test_a_topic_is_deleted_by_id(broker: Conversation) -> None:
    topic_id = broker.create()
    request = DeleteTopicsRequest(topics=[DeleteTopicState(topic_id=topic_id)])
    (result,) = broker.ask(request, 6).responses
    assert (result.name, result.topic_id, result.error_code) == ("t", topic_id, 0)
    assert topics(broker) == []


def test_deleting_refuses(broker: Conversation) -> None:
    topic_id = broker.create()
    broker.create("u")
    asked = [
        DeleteTopicState(name="nowhere"),
        DeleteTopicState(topic_id=b"x" * 16),
        DeleteTopicState(name="u", topic_id=topic_id),
        DeleteTopicState(),
        DeleteTopicState(name="t"),
        DeleteTopicState(topic_id=topic_id),
        DeleteTopicState(name="t"),
    ]
    results = broker.ask(DeleteTopicsRequest(topics=asked), 6).responses
    assert [ErrorCode(result.error_code).name for result in results] == [
        "UNKNOWN_TOPIC_OR_PARTITION",
        "UNKNOWN_TOPIC_ID",
        "INVALID_REQUEST",
        "INVALID_REQUEST",
        "INVALID_REQUEST",
        "INVALID_REQUEST",
    ]
    assert topics(broker) == ["t", "u"]


# KIP-322
def test_deletion_can_be_disabled(start: Callable[..., Conversation]) -> None:
    broker = start(delete_topic_enable=False)
    broker.create()
    for version, error in ((2, "INVALID_REQUEST"), (3, "TOPIC_DELETION_DISABLED")):
        (result,) = broker.ask(DeleteTopicsRequest(topic_names=["t"]), version).responses
        assert ErrorCode(result.error_code).name == error
    assert topics(broker) == ["t"]


def test_the_directory_goes_after_a_delay(broker: Conversation) -> None:
    broker.create(file_delete_delay_ms=1000)
    broker.ask(DeleteTopicsRequest(topic_names=["t"]), 5)
    (doomed,) = broker.root.glob("t-0*")
    assert doomed.name.endswith("-delete")
    broker.pass_time(999)
    assert doomed.exists()
    broker.pass_time(1)
    broker.files.in_background(lambda: None).result()  # its one thread did the rest before
    assert not doomed.exists()


def test_a_topic_of_the_same_name_is_another_topic(broker: Conversation) -> None:
    first = broker.create(retention_ms=5)
    broker.produce(b"old")
    broker.ask(DeleteTopicsRequest(topic_names=["t"]), 5)
    assert broker.create() != first
    assert broker.values() == []
    assert broker.broker.image.topic_configs("t") == {}


@pytest.mark.parametrize("validate_only", [True, False])
def test_too_much_at_once_is_refused_whole(broker: Conversation, validate_only: bool) -> None:
    topics = [wish("a", partitions=6_000), wish("b", partitions=6_000), wish("c/d")]
    results = create(broker, *topics, validate_only=validate_only)
    refused = [ErrorCode.POLICY_VIOLATION] * 2 + [ErrorCode.INVALID_TOPIC_EXCEPTION]
    assert [result.error_code for result in results] == refused
    assert not broker.happened("topic_created")


def test_a_batch_of_topics_may_be_larger_than_what_a_producer_may_send(
    broker: Conversation,
) -> None:
    long = "x" * 200
    configs = config("retention.ms", "1000") + config("flush.messages", "100000")
    results = create(broker, *(wish(f"{long}{n}", configs=configs) for n in range(2_000)))
    assert {result.error_code for result in results} == {0}


def test_a_topic_that_is_named_many_times_is_refused_once(broker: Conversation) -> None:
    broker.create()
    asked = DeleteTopicsRequest(topic_names=["t", "u", *["t"] * 1_000, *["u"] * 1_000])
    answers = broker.ask(asked, 5).responses
    assert [(one.name, ErrorCode.of(one.error_code).name) for one in answers] == [
        ("t", "INVALID_REQUEST"),
        ("u", "UNKNOWN_TOPIC_OR_PARTITION"),
    ]


def test_a_name_may_come_and_go_several_times_in_one_turn(broker: Conversation) -> None:
    # All at one time: what is set aside must get another name each time.
    for _ in range(3):
        broker.create()
        (answer,) = broker.ask(DeleteTopicsRequest(topic_names=["t"]), 5).responses
        assert answer.error_code == 0
    broker.create()
    assert topics(broker) == ["t"]
