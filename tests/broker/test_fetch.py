"""Fetch: limits, waiting, epochs, and what reaches a reader at all."""

from __future__ import annotations

import pytest

from minikafka.node import MS, Request
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from minikafka.wire.messages.delete_topics import DeleteTopicsRequest

from .talk import Client, Conversation, fetch_request, values_of


def partition_of(answer: object, index: int = 0) -> object:
    return answer.responses[0].partitions[index]  # type: ignore[attr-defined]


@pytest.mark.parametrize("version", range(4, 19))
def test_every_version_reads(broker: Conversation, version: int) -> None:
    topic_id = broker.create()
    broker.produce(b"a", b"b")
    answer = broker.fetch((0, 0), version=version)
    topic = answer.responses[0]
    assert (topic.topic, topic.topic_id) == (("", topic_id) if version >= 13 else ("t", bytes(16)))
    partition = topic.partitions[0]
    assert values_of(partition) == [b"a", b"b"]
    assert partition.high_watermark == partition.last_stable_offset == 2
    assert partition.log_start_offset == (0 if version >= 5 else -1)


def test_a_fetch_starts_with_the_batch_that_holds_the_offset(broker: Conversation) -> None:
    broker.create()
    broker.produce(b"0", b"1", b"2")
    broker.produce(b"3")
    assert broker.values(offset=1) == [b"0", b"1", b"2", b"3"]
    assert broker.values(offset=3) == [b"3"]


def test_aborted_transactions_are_listed_for_read_committed_only(broker: Conversation) -> None:
    broker.create()
    assert partition_of(broker.fetch((0, 0))).aborted_transactions is None
    assert partition_of(broker.fetch((0, 0), isolation_level=1)).aborted_transactions == []


ERRORS = {
    "an offset beyond the end": ({"wanted": (0, 3)}, "OFFSET_OUT_OF_RANGE"),
    "a negative offset": ({"wanted": (0, -1)}, "OFFSET_OUT_OF_RANGE"),
    "a partition that is not there": ({"wanted": (5, 0)}, "UNKNOWN_TOPIC_OR_PARTITION"),
    "an older leader epoch": ({"leader_epoch": 0}, "FENCED_LEADER_EPOCH"),
    "a newer leader epoch": ({"leader_epoch": 2}, "UNKNOWN_LEADER_EPOCH"),
    "a follower": ({"replica_id": 2}, "NOT_LEADER_OR_FOLLOWER"),
    "an epoch that never wrote": ({"last_fetched_epoch": 4}, "OFFSET_OUT_OF_RANGE"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_come_at_once_and_per_partition(broker: Conversation, name: str) -> None:
    broker.create()
    broker.broker.replicas.partition("t", 0).leader_epoch = 1
    broker.produce(b"a", b"b")
    fields, error = ERRORS[name]
    wanted = {"wanted": (0, 0), **fields}
    answer = broker.fetch(wanted.pop("wanted"), max_wait_ms=500, **wanted)
    assert ErrorCode(partition_of(answer).error_code).name == error
    assert partition_of(answer).high_watermark == -1
    assert answer.error_code == 0


def test_an_unknown_topic_id_has_its_own_error(broker: Conversation) -> None:
    answer = broker.ask(fetch_request((0, 0), topic_id=b"x" * 16), 13)
    assert partition_of(answer).error_code == ErrorCode.UNKNOWN_TOPIC_ID


# KIP-951: whoever asks in an old epoch is told who leads, with the address.
def test_a_fenced_reader_is_told_who_leads(broker: Conversation) -> None:
    broker.create()
    broker.broker.replicas.partition("t", 0).leader_epoch = 1
    answer = broker.fetch((0, 0), version=16, leader_epoch=0)
    assert partition_of(answer).current_leader.leader_id == 1
    assert partition_of(answer).current_leader.leader_epoch == 1
    (endpoint,) = answer.node_endpoints
    assert (endpoint.node_id, endpoint.host, endpoint.port) == (1, "broker-1", 9092)


# KIP-595: a reader whose log has more of an epoch than the leader's is told where to cut.
def test_a_reader_that_has_diverged_is_told_where(broker: Conversation) -> None:
    broker.create()
    broker.produce(b"a", b"b")
    partition = broker.broker.replicas.partition("t", 0)
    partition.leader_epoch = 3
    broker.produce(b"c")
    answer = broker.fetch((0, 3), last_fetched_epoch=2)
    diverging = partition_of(answer).diverging_epoch
    assert (diverging.epoch, diverging.end_offset) == (0, 2)
    assert values_of(partition_of(answer)) == []
    assert values_of(partition_of(broker.fetch((0, 2), last_fetched_epoch=0))) == [b"c"]


# --- limits (KIP-74) ---


def sizes(answer: object) -> list[int]:
    return [len(partition.records) for partition in answer.responses[0].partitions]  # type: ignore[attr-defined]


def test_a_batch_larger_than_every_limit_still_comes_whole(broker: Conversation) -> None:
    broker.create()
    broker.produce(b"x" * 5000)
    answer = broker.fetch((0, 0), max_bytes=10, partition_max_bytes=10)
    assert values_of(partition_of(answer)) == [b"x" * 5000]


def test_only_the_first_partition_with_records_may_exceed_its_limit(broker: Conversation) -> None:
    broker.create(partitions=3)
    for partition in (1, 2):
        broker.produce(b"x" * 500, partition=partition)
    assert sizes(broker.fetch((0, 0), (1, 0), (2, 0), partition_max_bytes=10)) == [0, 570, 0]


def test_max_bytes_bounds_all_partitions_together_in_their_order(broker: Conversation) -> None:
    broker.create(partitions=3)
    for partition in range(3):
        broker.produce(b"x" * 500, partition=partition)
    assert sizes(broker.fetch((2, 0), (1, 0), (0, 0), max_bytes=1200)) == [570, 570, 0]


def test_the_broker_has_a_limit_of_its_own(start: object) -> None:
    broker = start(fetch_max_bytes=1024)  # type: ignore[operator]
    broker.create()
    for _ in range(4):
        broker.produce(b"x" * 500)
    assert sizes(broker.fetch((0, 0))) == [1024], "the last batch is cut, as by Kafka"


# --- waiting ---


def parked(broker: Conversation, *wanted: tuple[int, int], **fields: object) -> Client:
    """A client whose fetch waits."""
    client = Client("waiting")
    broker.send(fetch_request(*wanted, **{"max_wait_ms": 500, **fields}), 12, client)
    assert client.answers == []
    return client


def test_a_fetch_without_records_waits_and_is_woken_by_the_first(broker: Conversation) -> None:
    broker.create()
    client = parked(broker, (0, 0))
    assert broker.broker.statistics().parked_requests == 1
    broker.pass_time(20)
    broker.produce(b"a")
    assert values_of(partition_of(client.answers[0])) == [b"a"]
    assert broker.broker.statistics().parked_requests == 0
    assert broker.happened("parked") == [
        {"api": "Fetch", "channel": "waiting→broker-1:9092", "reason": "0 of 1 bytes"}
    ]
    assert broker.happened("completed") == [
        {
            "api": "Fetch",
            "channel": "waiting→broker-1:9092",
            "reason": "bytes",
            "waited_us": 20 * MS,
        }
    ]


def test_a_fetch_waits_no_longer_than_it_said(broker: Conversation) -> None:
    broker.create()
    client = parked(broker, (0, 0), max_wait_ms=100)
    broker.pass_time(99)
    assert client.answers == []
    broker.pass_time(1)
    assert sizes(client.answers[0]) == [0]
    assert broker.happened("completed")[0]["reason"] == "timeout"


def test_min_bytes_is_met_by_all_partitions_together(broker: Conversation) -> None:
    broker.create(partitions=2)
    client = parked(broker, (0, 0), (1, 0), min_bytes=600)
    broker.produce(b"x" * 500, partition=0)
    assert client.answers == []
    broker.produce(b"x" * 500, partition=1)
    assert sizes(client.answers[0]) == [570, 570]


def test_min_bytes_beyond_max_bytes_counts_as_max_bytes(broker: Conversation) -> None:
    broker.create()
    client = parked(broker, (0, 0), min_bytes=1 << 30, max_bytes=100)
    broker.produce(b"x" * 500)
    assert sizes(client.answers[0]) == [570]


def test_a_fetch_that_wants_nothing_or_will_not_wait_is_answered_at_once(
    broker: Conversation,
) -> None:
    broker.create()
    assert sizes(broker.fetch((0, 0), max_wait_ms=0)) == [0]
    assert sizes(broker.fetch((0, 0), max_wait_ms=500, min_bytes=0)) == [0]
    assert broker.fetch(max_wait_ms=500).responses == []


def test_a_deleted_topic_ends_the_wait(broker: Conversation) -> None:
    broker.create()
    client = parked(broker, (0, 0))
    broker.ask(DeleteTopicsRequest(topic_names=["t"]), 5)
    assert partition_of(client.answers[0]).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert broker.happened("completed")[0]["reason"] == "error"


def test_a_topic_that_is_deleted_and_made_again_ends_the_wait(broker: Conversation) -> None:
    broker.create()
    waiting, admin = Client("waiting"), Client("admin")
    broker.send(fetch_request((0, 0), max_wait_ms=500), 12, waiting)
    delete = Request(admin.channel, DeleteTopicsRequest(topic_names=["t"]), 5, 1, "x")
    again = CreatableTopic(name="t", num_partitions=1, replication_factor=1)
    create = Request(admin.channel, CreateTopicsRequest(topics=[again]), 7, 2, "x")
    broker.turn([delete, create], waiting, admin, raw=True)
    (answer,) = waiting.answers
    assert partition_of(answer.body).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert broker.broker.statistics().parked_requests == 0


def test_a_partition_that_was_never_there_does_not_make_others_spin(broker: Conversation) -> None:
    broker.create()
    client = parked(broker, (0, 0), (9, 0))
    broker.produce(b"a")
    errors = [partition.error_code for partition in client.answers[0].responses[0].partitions]
    assert errors == [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]


def test_a_closed_channel_is_forgotten(broker: Conversation) -> None:
    broker.create()
    client = parked(broker, (0, 0))
    broker.hang_up(client)
    assert broker.broker.statistics().parked_requests == 0
    broker.produce(b"a")
    broker.pass_time(1000)
    assert client.answers == []
