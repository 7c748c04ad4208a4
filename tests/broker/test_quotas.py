"""Quotas: who is too fast is told for how long to wait, and is not heard meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from minikafka.broker.quotas import MOST_METERS, Rate
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    EntityData,
    EntryData,
    OpData,
)
from minikafka.wire.messages.create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from minikafka.wire.messages.create_topics import CreateTopicsRequest
from minikafka.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from minikafka.wire.messages.describe_client_quotas import DescribeClientQuotasRequest
from minikafka.wire.messages.metadata import MetadataRequest

from .talk import Client, Conversation, batch_of, fetch_request, produce_request, values_of
from .test_topics import wish

SECOND_US = 1_000_000
TEN_SECONDS_MS = 10_000
"""What a rate is measured over at first: the ten windows that a client may use up at once."""


def limit(broker: Conversation, key: str, value: float | None, **entity: str | None) -> None:
    """Set (None: remove) one quota; the entity's types have _ for -."""
    whom = [EntityData(kind.replace("_", "-"), name) for kind, name in entity.items()]
    entry = EntryData(whom, [OpData(key, value or 0.0, value is None)])
    (result,) = broker.ask(AlterClientQuotasRequest([entry]), 1).entries
    assert result.error_code == 0, result.error_message


def quotas(broker: Conversation) -> dict[tuple[tuple[str, str | None], ...], dict[str, float]]:
    answer = broker.ask(DescribeClientQuotasRequest(), 1)
    return {
        tuple((each.entity_type, each.entity_name) for each in entry.entity): {
            value.key: value.value for value in entry.values
        }
        for entry in answer.entries
    }


def produce(broker: Conversation, size: int, **header: Any) -> int:
    """Produce a batch of about this size; returns the throttle time."""
    request = produce_request(batch_of(b"x" * (size - 72), now=broker.now), "t", 0)
    return int(broker.ask(request, 9, **header).throttle_time_ms)


@pytest.fixture
def broker(broker: Conversation) -> Conversation:
    broker.create()
    return broker


def test_they_are_kept_over_a_crash_and_can_be_removed(broker: Conversation) -> None:
    limit(broker, "producer_byte_rate", 1000, client_id="test")
    limit(broker, "consumer_byte_rate", 7, client_id="test")
    limit(broker, "request_percentage", 0.5, user=None, client_id="x")
    broker.start()
    assert quotas(broker) == {
        (("client-id", "test"),): {"producer_byte_rate": 1000.0, "consumer_byte_rate": 7.0},
        (("client-id", "x"), ("user", None)): {"request_percentage": 0.5},
    }
    limit(broker, "consumer_byte_rate", None, client_id="test")
    limit(broker, "request_percentage", None, client_id="x", user=None)
    assert quotas(broker) == {(("client-id", "test"),): {"producer_byte_rate": 1000.0}}


def test_a_producer_may_use_ten_seconds_at_once_and_then_has_to_wait(
    broker: Conversation,
) -> None:
    limit(broker, "producer_byte_rate", 1000, client_id="test")
    assert produce(broker, 9_000) == 0
    throttle_ms = produce(broker, 7_000)
    assert throttle_ms == pytest.approx(6_000, rel=0.01)  # 16,000 B in 10 s: 600 B/s too much

    broker.send(MetadataRequest(topics=[]), 12)
    broker.pass_time(throttle_ms - 1)
    assert broker.me.answers == []  # not heard
    broker.pass_time(2)
    assert len(broker.me.answers) == 1
    broker.me.answers.clear()
    broker.pass_time(5_100)  # the second that held so much is over eleven seconds old
    assert produce(broker, 100) == 0


def test_the_quota_is_forgotten_with_the_windows_that_used_it(broker: Conversation) -> None:
    limit(broker, "producer_byte_rate", 1000, client_id="test")
    produce(broker, 20_000)
    broker.pass_time(12_000)
    assert produce(broker, 9_000) == 0


def test_others_are_not_slowed_down(broker: Conversation) -> None:
    limit(broker, "producer_byte_rate", 1000, client_id="test")
    assert produce(broker, 60_000) > 0
    assert produce(broker, 60_000, client=Client("b"), client_id="other") == 0


def test_connections_of_one_client_share_its_quota(broker: Conversation) -> None:
    limit(broker, "producer_byte_rate", 1000, client_id="test")
    assert produce(broker, 9_000) == 0
    assert produce(broker, 9_000, client=Client("b")) > 0


@pytest.mark.parametrize(
    "entities",
    [
        [{"client_id": None}, {"client_id": "test"}],
        [{"client_id": "test"}, {"user": None}],
        [{"user": None}, {"user": None, "client_id": None}],
        [{"user": None, "client_id": None}, {"user": None, "client_id": "test"}],
        [{"user": None, "client_id": "test"}, {"user": "ANONYMOUS"}],
        [{"user": "ANONYMOUS"}, {"user": "ANONYMOUS", "client_id": None}],
        [
            {"user": "ANONYMOUS", "client_id": None},
            {"user": "ANONYMOUS", "client_id": "test"},
        ],
    ],
    ids=str,
)
def test_of_two_quotas_the_more_particular_one_counts(
    broker: Conversation, entities: list[dict[str, str | None]]
) -> None:
    wide, narrow = entities
    limit(broker, "producer_byte_rate", 1, **wide)
    limit(broker, "producer_byte_rate", 1_000_000, **narrow)
    assert produce(broker, 60_000) == 0
    limit(broker, "producer_byte_rate", None, **narrow)
    assert produce(broker, 60_000, client=Client("b")) > 0


def test_without_acks_nobody_is_told_but_everybody_waits(broker: Conversation) -> None:
    limit(broker, "producer_byte_rate", 1000, client_id="test")
    request = produce_request(batch_of(b"x" * 16_000, now=broker.now), "t", 0, acks=0)
    broker.send(request, 9)
    broker.send(MetadataRequest(topics=[]), 12)
    assert broker.me.answers == []
    broker.pass_time(10_000)
    assert len(broker.me.answers) == 1


def test_who_hangs_up_meanwhile_is_forgotten(broker: Conversation) -> None:
    limit(broker, "producer_byte_rate", 1000, client_id="test")
    gone = Client("gone")
    assert produce(broker, 60_000, client=gone) > 0
    broker.hang_up(gone)
    assert len(broker.broker.mutes) == 0
    broker.pass_time(120_000)


def test_a_fetch_that_is_too_fast_gets_no_records_and_is_not_charged(
    broker: Conversation,
) -> None:
    for _ in range(3):
        broker.produce(b"x" * 900)
    limit(broker, "consumer_byte_rate", 200, client_id="test")
    first = broker.ask(fetch_request((0, 0), max_bytes=1_000), 12)
    assert (len(values_of(first.responses[0].partitions[0])), first.throttle_time_ms) == (1, 0)
    second = broker.ask(fetch_request((0, 1)), 12)  # 1,800 B more would be 280 B/s
    assert (second.responses, second.throttle_time_ms > 0) == ([], True)
    broker.pass_time(second.throttle_time_ms + 1)
    third = broker.ask(fetch_request((0, 1), max_bytes=1_000), 12)
    assert len(values_of(third.responses[0].partitions[0])) == 1


def test_a_fetch_that_waited_may_be_too_fast_as_well(broker: Conversation) -> None:
    limit(broker, "consumer_byte_rate", 100, client_id="test")
    reader, writer = Client("reader"), Client("writer")

    def produce() -> None:
        request = produce_request(batch_of(b"x" * 900, now=broker.now), "t", 0)
        broker.ask(request, 9, writer, client_id="writer")

    def wait_for(offset: int) -> Any:
        broker.send(fetch_request((0, offset), min_bytes=1, max_wait_ms=500), 12, reader)
        assert reader.answers == []
        produce()
        return reader.answers.pop()

    assert wait_for(0).throttle_time_ms == 0
    told = wait_for(1)
    assert (told.responses, told.throttle_time_ms > 0) == ([], True)
    broker.pass_time(told.throttle_time_ms + 12_000)
    again = broker.ask(fetch_request((0, 1)), 12, reader)
    assert len(values_of(again.responses[0].partitions[0])) == 1


def test_mutes_that_nobody_waits_for_any_more_are_forgotten(broker: Conversation) -> None:
    limit(broker, "producer_byte_rate", 1, client_id="test")
    for number in range(300):
        client = Client(f"client {number}")
        produce(broker, 900, client=client)
        broker.hang_up(client)
    assert len(broker.broker.mutes) == 0
    assert len(broker.broker.mutes._ends) < 120


@pytest.mark.parametrize("key", ["producer_byte_rate", "controller_mutation_rate"])
@pytest.mark.parametrize("bound", [1.0, 1e-7, 1e-300, 5e-324, 1e18, 1e308])
def test_no_quota_is_too_small_or_too_large_to_be_told(
    broker: Conversation, key: str, bound: float
) -> None:
    if key == "producer_byte_rate" and bound > 1e18:
        return  # refused
    limit(broker, key, bound, client_id="test")
    for number in range(3):
        client = Client(f"client {number}")
        told = broker.ask(CreateTopicsRequest(topics=[wish(f"x{number}", 20)]), 7, client)
        assert 0 <= told.throttle_time_ms < 1 << 31
        client = Client(f"producer {number}")
        assert 0 <= produce(broker, 900_000, client=client) < 1 << 31


def test_what_changes_nothing_writes_nothing(broker: Conversation) -> None:
    limit(broker, "producer_byte_rate", 1000, client_id="test")
    before = broker.broker.statistics().metadata_offset
    limit(broker, "producer_byte_rate", 1000, client_id="test")
    limit(broker, "consumer_byte_rate", None, client_id="test")
    assert broker.broker.statistics().metadata_offset == before


def test_an_answer_holds_no_more_than_the_quota_ever_allows(broker: Conversation) -> None:
    for _ in range(5):
        broker.produce(b"x" * 900)
    limit(broker, "consumer_byte_rate", 200, client_id="test")  # 2,000 B in ten seconds
    answer = broker.ask(fetch_request((0, 0)), 12)
    assert len(values_of(answer.responses[0].partitions[0])) == 2


def test_a_session_goes_on_after_an_empty_answer(broker: Conversation) -> None:
    for _ in range(4):
        broker.produce(b"x" * 900)
    limit(broker, "consumer_byte_rate", 200, client_id="test")
    first = broker.ask(fetch_request((0, 0), session_epoch=0, max_bytes=1_000), 12)
    assert first.session_id > 0
    session = {"session_id": first.session_id, "max_bytes": 2_000}
    second = broker.ask(fetch_request((0, 1), session_epoch=1, **session), 12)
    assert (second.throttle_time_ms > 0, second.error_code) == (True, 0)
    broker.pass_time(20_000)
    third = broker.ask(fetch_request(session_epoch=2, **session), 12)
    assert (third.error_code, len(values_of(third.responses[0].partitions[0]))) == (0, 2)


def test_changes_of_partitions_leave_a_debt_that_refuses_the_next(broker: Conversation) -> None:
    limit(broker, "controller_mutation_rate", 1, client_id="test")  # 11 at once
    made = broker.ask(CreateTopicsRequest(topics=[wish("a", 10), wish("b", 5), wish("c", 1)]), 7)
    errors = [ErrorCode(topic.error_code).name for topic in made.topics]
    assert errors == ["NONE", "NONE", "THROTTLING_QUOTA_EXCEEDED"]
    assert made.throttle_time_ms == 4_000
    broker.pass_time(2_000)
    other = Client("other")
    gone = broker.ask(DeleteTopicsRequest(topics=[DeleteTopicState(name="a")]), 6, other)
    assert gone.responses[0].error_code == ErrorCode.THROTTLING_QUOTA_EXCEEDED
    broker.pass_time(2_100)
    grow = CreatePartitionsRequest([CreatePartitionsTopic("b", 6, None)], validate_only=False)
    assert broker.ask(grow, 3).results[0].error_code == 0


def test_older_clients_are_slowed_down_and_not_refused(broker: Conversation) -> None:
    limit(broker, "controller_mutation_rate", 1, client_id="test")
    made = broker.ask(CreateTopicsRequest(topics=[wish("a", 15), wish("b", 1)]), 5)
    assert [topic.error_code for topic in made.topics] == [0, 0]
    assert made.throttle_time_ms == 5_000


def test_a_client_with_ever_new_names_does_not_fill_the_memory(broker: Conversation) -> None:
    limit(broker, "producer_byte_rate", 1_000_000, client_id=None)
    charge = broker.broker.quotas.charge
    for number in range(MOST_METERS + 10):
        charge("producer_byte_rate", str(number), 1, broker.now)
    assert len(broker.broker.quotas._rates) <= MOST_METERS


def test_a_change_is_told(broker: Conversation) -> None:
    limit(broker, "producer_byte_rate", 1000, client_id="test")
    produce(broker, 60_000)
    (changed,), (throttled,) = broker.happened("quota_changed"), broker.happened("throttled")
    assert (changed["entity"], changed["value"]) == ({"client-id": "test"}, 1000.0)
    assert throttled["client_id"] == "test"


class TestRate:
    """Worked examples of Kafka's Rate: 11 windows of a second."""

    @staticmethod
    def rate(*added: tuple[float, int]) -> Rate:
        rate = Rate(SECOND_US, 11)
        for seconds, amount in added:
            rate.add(amount, int(seconds * SECOND_US))
        return rate

    def test_the_first_moment_counts_as_ten_seconds(self) -> None:
        assert self.rate((0, 500)).over(0) == (500, 10 * SECOND_US)

    def test_full_windows_count_and_the_lacking_ones_are_added(self) -> None:
        assert self.rate((0, 100), (2.5, 100)).over(int(2.5 * SECOND_US)) == (
            200,
            int(10.5 * SECOND_US),
        )

    def test_the_oldest_window_falls_out_after_eleven_seconds(self) -> None:
        rate = self.rate((0, 100), (10.5, 1))
        assert rate.over(int(10.9 * SECOND_US))[0] == 101
        assert rate.over(11 * SECOND_US)[0] == 1
