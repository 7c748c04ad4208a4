"""Our own consumer in front of both brokers: what it does has to make sense to Apache Kafka too."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer as Librdkafka

from minikafka.admin import Admin, NewTopic
from minikafka.bench.line import Line
from minikafka.bench.servers import ApacheKafka, Server, Unavailable
from minikafka.client.arguments import TopicPartition
from minikafka.consumer.consumer import Consumer
from minikafka.consumer.offsets import LogTruncation
from minikafka.producer.producer import Producer
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.fetch import FetchRequest

HOUR_MS = 3_600_000


@pytest.fixture
def topic(server: Server, request: pytest.FixtureRequest) -> str:
    """A topic of two partitions, for this test alone; the broker leads them."""
    name = re.sub(r"\W", "-", request.node.name.removeprefix("test_"))
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


def test_a_reader_that_the_log_start_has_overtaken(
    server: Server, topic: str, consume: Callable[..., Consumer]
) -> None:
    fill(server, topic, 10)
    late = consume((topic, 0), max_poll_records=1)
    careful = consume((topic, 0), auto_offset_reset="none")
    with Admin(server.address) as admin:
        admin.delete_records({(topic, 0): 6})
    for consumer in (late, careful):
        consumer.seek((topic, 0), 2)
    with pytest.raises(KafkaError, match="does not hold offset 2"):
        careful.poll(5_000)
    assert [record.offset for record in read(late, 4)] == [6, 7, 8, 9]
    assert late.statistics().records_lead_min == 4


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


# KAFKA-17182: asked about alone, the quiet one would keep the only fetch waiting.
def test_a_quiet_partition_does_not_hold_up_a_busy_one(
    server: Server, topic: str, consume: Callable[..., Consumer]
) -> None:
    with Producer(server.address) as producer:
        for _ in range(300):
            producer.send(topic, bytes(10_000), partition=0)
    consumer = consume((topic, 0), (topic, 1), fetch_max_wait_ms=20_000)
    began = time.monotonic()
    assert len(read(consumer, 300)) == 300
    assert consumer.statistics().fetch_total > 1 and time.monotonic() - began < 10


# KIP-227. Somebody else takes the session: ends it, or goes on with it, so that its epoch is off.
@pytest.mark.parametrize("is_final", [True, False])
def test_a_session_that_is_not_ours_any_more_is_made_anew(
    server: Server, topic: str, consume: Callable[..., Consumer], is_final: bool
) -> None:
    fill(server, topic, 5)
    consumer = consume((topic, 0), (topic, 1), fetch_max_wait_ms=100)
    assert [record.offset for record in read(consumer, 5)] == list(range(5))
    (session,) = consumer._node._sessions.values()
    ours = session.session_id
    deadline = time.monotonic() + 10
    while session.epoch < 2 and time.monotonic() < deadline:
        consumer.poll(10)
    assert ours > 0
    with Line(server.address) as thief:
        taken = False
        while not taken:  # until it says the epoch that the broker waits for
            epoch = -1 if is_final else session.epoch + 1
            body = FetchRequest(max_wait_ms=0, session_id=ours, session_epoch=epoch, topics=[])
            taken = thief.ask(body, 18)[0].body.error_code == ErrorCode.NONE
    while session.session_id == ours and time.monotonic() < deadline:
        consumer.poll(10)
    fill(server, topic, 5)
    fill(server, topic, 2, partition=1)
    found = [(record.partition, record.offset) for record in read(consumer, 7)]
    assert sorted(found) == [(0, n) for n in range(5, 10)] + [(1, 0), (1, 1)]
    assert session.session_id not in (0, ours)


# KIP-516: the new topic has the name and another id; the position is beyond its end.
def test_a_topic_that_is_deleted_and_made_again_is_read_from_its_beginning(
    server: Server, topic: str, consume: Callable[..., Consumer]
) -> None:
    fill(server, topic, 5)
    consumer = consume((topic, 0), allow_auto_create_topics=False)
    assert len(read(consumer, 5)) == 5
    with Admin(server.address) as admin:
        admin.delete_topics([topic])
        for _ in range(5):
            assert consumer.poll(100) == []
        admin.create_topics([NewTopic(topic)])
    fill(server, topic, 3)
    assert [(record.offset, record.value) for record in read(consumer, 3)] == [
        (0, b"0"),
        (1, b"1"),
        (2, b"2"),
    ]


def test_a_topic_that_cannot_be_is_an_error(
    server: Server, consume: Callable[..., Consumer]
) -> None:
    consumer = consume(("what a name!", 0))
    with pytest.raises(KafkaError, match="INVALID_TOPIC_EXCEPTION"):
        consumer.poll(5_000)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_poll_may_end_within_a_compressed_batch(
    server: Server, topic: str, consume: Callable[..., Consumer], codec: str
) -> None:
    with Producer(server.address, compression_type=codec, linger_ms=50) as producer:
        for number in range(1_000):
            producer.send(topic, b"%d" % number, partition=0, headers=[("n", b"%d" % number)])
    consumer = consume((topic, 0), max_poll_records=7)
    consumer.seek((topic, 0), 300)
    records = read(consumer, 700)
    assert [int(record.value) for record in records] == list(range(300, 1_000))
    assert all(record.headers == (("n", record.value),) for record in records)


# Ours does not compact yet.
def test_holes_of_compaction_are_stepped_over(tmp_path: Path) -> None:
    try:
        server = ApacheKafka(tmp_path, log_cleaner_backoff_ms="50")
        server.start()
    except Unavailable as error:
        pytest.skip(str(error))
    with server:
        quick = {
            "cleanup.policy": "compact",
            "min.cleanable.dirty.ratio": "0.0001",
            "segment.ms": "50",
        }
        with Admin(server.address) as admin:
            admin.create_topics([NewTopic("table", configs=quick)])
        with Producer(server.address, linger_ms=0, batch_size=400) as producer:
            for number in range(200):  # the last of three keys stay, and what nobody overwrites
                key = b"once" if number == 20 else b"%d" % (number % 3)
                producer.send("table", b"%d" % number, key=key)
            producer.flush()
            deadline, offsets = time.monotonic() + 30, list(range(200))
            while len(offsets) > 50 and time.monotonic() < deadline:
                time.sleep(0.2)
                producer.send("table", b"roll", key=b"roll").result()
                with Consumer(server.address, auto_offset_reset="earliest") as consumer:
                    consumer.assign([("table", 0)])
                    end = consumer.end_offsets([("table", 0)])[TopicPartition("table", 0)]
                    offsets = []
                    while consumer.position(("table", 0)) < end and time.monotonic() < deadline:
                        offsets += [record.offset for record in consumer.poll(1_000)]
                    assert consumer.position(("table", 0)) == end
    assert [offset for offset in offsets if offset < 200] == [20, 197, 198, 199]
