"""Our own consumer in front of both brokers: what it does has to make sense to Apache Kafka too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Producer as Librdkafka

from minikafka.admin import Admin, NewTopic
from minikafka.bench.servers import ApacheKafka, Server
from minikafka.client.arguments import TopicPartition
from minikafka.consumer.consumer import Consumer
from minikafka.consumer.offsets import LogTruncation
from minikafka.producer.producer import Producer
from minikafka.wire.errors import ErrorCode, KafkaError

HOUR_MS = 3_600_000


@pytest.fixture
def topic(server: Server, request: pytest.FixtureRequest) -> str:
    """A topic of two partitions, for this test alone; the broker leads them."""
    name = request.node.originalname.removeprefix("test_")[:100]
    with Admin(server.address) as admin, Consumer(server.address) as consumer:
        admin.create_topics([NewTopic(name, partitions=2)])
        consumer.end_offsets([(name, 0), (name, 1)])
    return name


@pytest.fixture
def consume(server: Server) -> Iterator[Callable[..., Consumer]]:
    """Makes consumers, and closes them."""
    made: list[Consumer] = []

    def make(*partitions: tuple[str, int], **configs: Any) -> Consumer:
        made.append(Consumer(server.address, **{"auto_offset_reset": "earliest", **configs}))
        made[-1].assign(partitions)
        return made[-1]

    yield make
    for consumer in made:
        consumer.close()


def fill(server: Server, topic: str, count: int, partition: int = 0, **more: Any) -> None:
    with Producer(server.address) as producer:
        for number in range(count):
            producer.send(topic, b"%d" % number, partition=partition, **more)
        producer.flush(10_000)


def read(consumer: Consumer, count: int) -> list[Any]:
    records: list[Any] = []
    deadline = time.monotonic() + 20
    while len(records) < count and time.monotonic() < deadline:
        records += consumer.poll(timeout_ms=200)
    return records


def test_by_duration_begins_with_the_first_record_that_is_young_enough(
    server: Server, topic: str, consume: Callable[..., Consumer]
) -> None:
    now_ms = int(time.time() * 1_000)
    for age_ms in (3 * HOUR_MS, 2 * HOUR_MS, HOUR_MS // 2, 0):
        fill(server, topic, 1, timestamp_ms=now_ms - age_ms)
    consumer = consume((topic, 0), auto_offset_reset="by_duration:PT1H")
    assert [record.offset for record in read(consumer, 2)] == [2, 3]
    consumer = consume((topic, 0), auto_offset_reset="by_duration:PT2H30M")
    assert consumer.position((topic, 0)) == 1


def test_by_duration_waits_for_a_record_that_is_young_enough(
    server: Server, topic: str, consume: Callable[..., Consumer]
) -> None:
    now_ms = int(time.time() * 1_000)
    fill(server, topic, 3, timestamp_ms=now_ms - HOUR_MS)
    consumer = consume((topic, 0), auto_offset_reset="by_duration:PT1M", request_timeout_ms=300)
    with pytest.raises(KafkaError, match="no position of"):
        consumer.position((topic, 0), timeout_ms=100)
    fill(server, topic, 1)
    assert [record.offset for record in read(consumer, 1)] == [3]


def test_out_of_range_is_for_auto_offset_reset(
    server: Server, topic: str, consume: Callable[..., Consumer]
) -> None:
    fill(server, topic, 5)
    consumer = consume((topic, 0), auto_offset_reset="earliest")
    consumer.seek((topic, 0), 1_000)
    assert [record.offset for record in read(consumer, 5)] == [0, 1, 2, 3, 4]
    consumer = consume((topic, 0), auto_offset_reset="latest")
    consumer.seek((topic, 0), 1_000)
    deadline = time.monotonic() + 10
    while consumer.position((topic, 0)) == 1_000 and time.monotonic() < deadline:
        assert consumer.poll(20) == []
    assert consumer.position((topic, 0)) == 5
    consumer = consume((topic, 0), auto_offset_reset="none")
    with pytest.raises(KafkaError, match="seek first"):
        consumer.poll(5_000)
    consumer.seek((topic, 0), 1_000)
    with pytest.raises(KafkaError, match="does not hold offset 1000") as error:
        consumer.poll(5_000)
    assert error.value.code is ErrorCode.OFFSET_OUT_OF_RANGE
    consumer.seek((topic, 0), 3)
    assert [record.offset for record in read(consumer, 2)] == [3, 4]


# KIP-320: both brokers are asked with OffsetForLeaderEpoch, and say where epoch 0 ends.
def test_a_position_with_an_epoch_is_checked_with_the_leader(
    server: Server, topic: str, consume: Callable[..., Consumer]
) -> None:
    fill(server, topic, 5)
    consumer = consume((topic, 0))
    consumer.seek((topic, 0), 3, leader_epoch=0)
    assert [record.offset for record in read(consumer, 2)] == [3, 4]
    assert consumer.statistics().partitions[0].leader_epoch == 0
    consumer.seek((topic, 0), 9, leader_epoch=0)  # records that this log never had
    consumer.poll(1_000)
    assert consumer.position((topic, 0)) == 5
    careful = consume((topic, 0), auto_offset_reset="none")
    careful.seek((topic, 0), 9, leader_epoch=0)
    with pytest.raises(LogTruncation) as error:
        careful.poll(5_000)
    assert error.value.divergent_offset == 5


def test_a_batch_larger_than_every_limit_comes_through(
    server: Server, topic: str, consume: Callable[..., Consumer]
) -> None:
    with Producer(server.address, batch_size=0) as producer:
        for number in range(6):
            producer.send(topic, b"%d" % number * 20_000, partition=number % 2)
    limits = {"fetch_max_bytes": 100, "max_partition_fetch_bytes": 100}
    consumer = consume((topic, 0), (topic, 1), **limits)
    records = read(consumer, 6)
    for partition in (0, 1):
        values = [record.value for record in records if record.partition == partition]
        assert values == [b"%d" % number * 20_000 for number in range(partition, 6, 2)]
    assert consumer.statistics().fetch_size_max < 2 * 20_500  # one batch at a time


def test_paused_partitions_wait_and_nothing_is_lost(
    server: Server, topic: str, consume: Callable[..., Consumer]
) -> None:
    fill(server, topic, 50, 0)
    fill(server, topic, 50, 1)
    consumer = consume((topic, 0), (topic, 1), max_poll_records=7)
    first = read(consumer, 7)
    quiet = TopicPartition(topic, first[-1].partition)
    consumer.pause(quiet)
    others = read(consumer, 50)
    assert {record.partition for record in others} == {1 - quiet.partition}
    consumer.resume(quiet)
    rest = read(consumer, 43)
    mine = [record.offset for record in first + rest if record.partition == quiet.partition]
    assert mine == list(range(50))
    assert [record.offset for record in others] == list(range(50))


def test_closing_does_not_wait_for_a_fetch_that_waits(
    server: Server, topic: str, consume: Callable[..., Consumer]
) -> None:
    fill(server, topic, 1)
    consumer = consume((topic, 0), fetch_max_wait_ms=20_000)
    assert len(read(consumer, 1)) == 1
    deadline = time.monotonic() + 5
    while not consumer.statistics().open_fetches and time.monotonic() < deadline:
        consumer.poll(10)
    began = time.monotonic()
    consumer.close()
    assert time.monotonic() - began < 5


def test_the_numbers_add_up(server: Server, topic: str, consume: Callable[..., Consumer]) -> None:
    fill(server, topic, 100, 0)
    fill(server, topic, 100, 1)
    consumer = consume((topic, 0), (topic, 1), max_poll_records=30, client_rack="a")
    assert len(read(consumer, 200)) == 200
    told = consumer.statistics()
    assert told.records_consumed_total == 200
    assert told.fetch_total >= 1 and told.fetch_size_max <= told.bytes_consumed_total
    assert (told.records_lag_max, told.records_lead_min) == (0, 100)
    assert [each.high_watermark for each in told.partitions] == [100, 100]


def transact(server: Server, topic: str) -> None:
    """Records 0-2 committed, 4-6 aborted, 8 committed, 10-11 left open; marks at 3, 7 and 9."""
    producer = Librdkafka({"bootstrap.servers": server.address, "transactional.id": topic})
    producer.init_transactions(30)
    for values, end in (
        (b"012", producer.commit_transaction),
        (b"456", producer.abort_transaction),
        (b"8", producer.commit_transaction),
        (b"ab", None),
    ):
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, bytes([value]), partition=0)
        producer.flush(30)
        if end is not None:
            end(30)
    open_transactions.append(producer)  # until the test has looked


open_transactions: list[Librdkafka] = []


# KIP-98, where the broker has transactions.
def test_read_committed_sees_what_was_committed(
    server: Server, topic: str, consume: Callable[..., Consumer]
) -> None:
    kind = type(server)
    if kind is ApacheKafka:
        transact(server, topic)
        committed, every, ends = b"0128", b"01245" + b"68ab", (10, 12)
    else:
        fill(server, topic, 3)
        committed, every, ends = b"012", b"012", (3, 3)
    consumers = {
        level: consume((topic, 0), isolation_level=level)
        for level in ("read_committed", "read_uncommitted")
    }
    for (level, consumer), values, end in zip(
        consumers.items(), (committed, every), ends, strict=True
    ):
        records = read(consumer, len(values))
        assert b"".join(record.value for record in records) == values, level
        consumer.poll(100)
        assert consumer.position((topic, 0)) == end
        assert consumer.end_offsets([(topic, 0)])[TopicPartition(topic, 0)] == end
        assert consumer.statistics().records_lag_max == 0
    while open_transactions:
        open_transactions.pop().abort_transaction(30)
