"""Produce: what is written, what is refused, and what acks mean."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from minikafka.node import Request
from minikafka.record.compression import Compression
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.produce import ProduceRequest

from .talk import Client, Conversation, batch_of, produce_request


def error_of(answer: object) -> str:
    (partition,) = answer.responses[0].partition_responses  # type: ignore[attr-defined]
    return ErrorCode(partition.error_code).name


@pytest.mark.parametrize("version", range(3, 14))
def test_every_version_appends(broker: Conversation, version: int) -> None:
    topic_id = broker.create()
    request = produce_request(batch_of(b"a", b"b"), topic_id=topic_id)
    assert error_of(broker.ask(request, version)) == "NONE"
    answer = broker.ask(request, version).responses[0].partition_responses[0]
    assert answer.base_offset == 2
    assert answer.log_append_time_ms == -1, "the producer's timestamps stand"
    assert answer.log_start_offset == (0 if version >= 5 else -1)
    assert broker.values() == [b"a", b"b"] * 2


def test_log_append_time_is_the_brokers_and_is_told(broker: Conversation) -> None:
    broker.create(message_timestamp_type="LogAppendTime")
    broker.pass_time(5)
    assert broker.produce(b"a").log_append_time_ms == broker.now // 1000


@pytest.mark.parametrize("acks", [1, -1])
def test_acks_1_and_all_are_answered(broker: Conversation, acks: int) -> None:
    broker.create()
    assert error_of(broker.ask(produce_request(batch_of(b"a"), acks=acks), 9)) == "NONE"


def test_acks_0_is_written_but_not_answered(broker: Conversation) -> None:
    broker.create()
    broker.send(produce_request(batch_of(b"a"), acks=0), 9)
    assert broker.me.answers == []
    assert broker.values() == [b"a"], "and the next request of the channel is served"


def test_an_error_with_acks_0_closes_the_connection(broker: Conversation) -> None:
    client = Client("careless")
    broker.send(produce_request(batch_of(b"a"), topic="nowhere", acks=0), 9, client)
    assert client.closed == "1 partitions failed in a produce with acks=0"


def test_other_acks_are_refused(broker: Conversation) -> None:
    broker.create()
    answer = broker.ask(produce_request(batch_of(b"a"), acks=2), 9)
    assert error_of(answer) == "INVALID_REQUIRED_ACKS"


def test_acks_all_needs_min_insync_replicas_and_acks_1_does_not(broker: Conversation) -> None:
    broker.create(min_insync_replicas=2)
    partition = broker.broker.replicas.partition("t", 0)
    # More than there are cannot be asked for: with one replica, one is enough.
    assert error_of(broker.ask(produce_request(batch_of(b"a")), 9)) == "NONE"
    partition.image = partition.image._replace(replicas=(1, 2))
    assert error_of(broker.ask(produce_request(batch_of(b"a")), 9)) == "NOT_ENOUGH_REPLICAS"
    assert error_of(broker.ask(produce_request(batch_of(b"a"), acks=1), 9)) == "NONE"
    partition.image = partition.image._replace(isr=(1, 2))
    assert error_of(broker.ask(produce_request(batch_of(b"a")), 9)) == "NONE"


def test_an_unknown_topic_is_refused_not_created(broker: Conversation) -> None:
    assert error_of(broker.ask(produce_request(batch_of(b"a")), 9)) == "UNKNOWN_TOPIC_OR_PARTITION"
    by_id = produce_request(batch_of(b"a"), topic_id=b"x" * 16)
    assert error_of(broker.ask(by_id, 13)) == "UNKNOWN_TOPIC_ID"
    broker.create()
    beyond = produce_request(batch_of(b"a"), partition=1)
    assert error_of(broker.ask(beyond, 9)) == "UNKNOWN_TOPIC_OR_PARTITION"


def test_one_bad_partition_does_not_hinder_the_others(broker: Conversation) -> None:
    broker.create(partitions=2)
    request = produce_request(batch_of(b"good"))
    request.topic_data += produce_request(batch_of(b"x"), topic="nowhere").topic_data
    request.topic_data += produce_request(batch_of(b"good too"), partition=1).topic_data
    answers = [topic.partition_responses[0] for topic in broker.ask(request, 9).responses]
    assert [answer.error_code for answer in answers] == [0, 3, 0]
    assert broker.values(0) == [b"good"] and broker.values(1) == [b"good too"]


def corrupted(batch: bytes) -> bytes:
    return batch[:-1] + bytes([batch[-1] ^ 1])


REFUSED = {
    "no records": (None, "INVALID_RECORD"),
    "empty records": (b"", "INVALID_RECORD"),
    "two batches": (batch_of(b"a") + batch_of(b"b"), "INVALID_RECORD"),
    "format v1": (batch_of(b"a")[:16] + b"\1" + batch_of(b"a")[17:], "INVALID_RECORD"),
    "a flipped bit": (corrupted(batch_of(b"a")), "CORRUPT_MESSAGE"),
    "no format": (batch_of(b"a")[:16] + b"\t" + batch_of(b"a")[17:], "CORRUPT_MESSAGE"),
    "transactional": (
        batch_of(b"a", transactional=True),
        "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
    ),
    "control": (batch_of(b"a", control=True), "INVALID_RECORD"),
    "too large": (batch_of(b"x" * 1_100_000), "MESSAGE_TOO_LARGE"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_batch_changes_nothing_and_says_why(broker: Conversation, name: str) -> None:
    broker.create()
    records, error = REFUSED[name]
    answer = broker.ask(produce_request(records), 9)
    assert error_of(answer) == error
    partition = answer.responses[0].partition_responses[0]
    assert partition.base_offset == -1 and partition.error_message
    assert broker.values() == []


def test_a_batch_of_a_transaction_that_was_never_begun_is_refused(broker: Conversation) -> None:
    broker.create()
    request = produce_request(batch_of(b"a", transactional=True))
    request.transactional_id = "tx"
    assert error_of(broker.ask(request, 9)) == "INVALID_TXN_STATE"


def test_zstd_needs_version_7(broker: Conversation) -> None:
    broker.create()
    request = produce_request(batch_of(b"a" * 100, compression=Compression.ZSTD))
    assert error_of(broker.ask(request, 6)) == "UNSUPPORTED_COMPRESSION_TYPE"
    assert error_of(broker.ask(request, 7)) == "NONE"


def test_an_internal_topic_takes_records_of_the_admin_client_only(broker: Conversation) -> None:
    broker.create("__consumer_offsets")
    request = produce_request(batch_of(b"a"), topic="__consumer_offsets")
    assert error_of(broker.ask(request, 9)) == "INVALID_TOPIC_EXCEPTION"
    assert error_of(broker.ask(request, 9, client_id="__admin_client")) == "NONE"


# KIP-98: a batch that a producer sends again is recognised by its id, epoch and sequence.


def sequenced(sequence: int, epoch: int = 0) -> ProduceRequest:
    numbers = {"producer_id": 7, "producer_epoch": epoch, "base_sequence": sequence}
    return produce_request(batch_of(b"a", **numbers))


def test_a_batch_sent_again_is_acknowledged_again_and_written_once(broker: Conversation) -> None:
    broker.create()
    first = broker.ask(sequenced(0), 9).responses[0].partition_responses[0]
    again = broker.ask(sequenced(0), 9).responses[0].partition_responses[0]
    assert (again.error_code, again.base_offset) == (0, first.base_offset)
    assert broker.values() == [b"a"]


def test_a_gap_in_the_sequence_is_refused(broker: Conversation) -> None:
    broker.create()
    broker.ask(sequenced(0), 9)
    assert error_of(broker.ask(sequenced(2), 9)) == "OUT_OF_ORDER_SEQUENCE_NUMBER"
    assert error_of(broker.ask(sequenced(1), 9)) == "NONE"


def test_an_older_epoch_is_refused(broker: Conversation) -> None:
    broker.create()
    broker.ask(sequenced(0, epoch=1), 9)
    assert error_of(broker.ask(sequenced(0, epoch=0), 9)) == "INVALID_PRODUCER_EPOCH"


@pytest.mark.parametrize("clean", [True, False])
def test_a_restart_does_not_forget_what_was_sent(
    start: Callable[..., Conversation], clean: bool
) -> None:
    broker = start()
    broker.create()
    broker.ask(sequenced(0), 9)
    if clean:
        broker.stop()
    broker.start()
    broker.ask(sequenced(0), 9)
    assert broker.values() == [b"a"]


@pytest.mark.parametrize("version", [0, 1, 2])
def test_versions_that_are_advertised_for_librdkafka_are_not_served(
    broker: Conversation, version: int
) -> None:
    client = Client("old")
    request = Request(client.channel, produce_request(b""), version, 1, None)
    broker.turn([request], client)
    assert client.closed == f"Produce version {version} is not served"
