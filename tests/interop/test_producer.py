"""Our producer in front of both brokers: Apache Kafka judges what it sends, and how it retries."""

from __future__ import annotations

from itertools import count
from random import Random
from time import monotonic, time
from typing import Any

import pytest
from confluent_kafka import Producer as Librdkafka

from minikafka import Admin, Consumer, NewTopic, Producer
from minikafka.bench.servers import Server
from minikafka.wire.errors import ErrorCode, KafkaError

NAMES = count()


def a_topic(server: Server, partitions: int = 1, **configs: object) -> str:
    topic = f"our-producer-{next(NAMES)}"
    deadline = monotonic() + 30
    with Admin(server.address) as admin:
        while True:
            try:
                admin.create_topics([NewTopic(topic, partitions, configs=configs)])
                return topic
            except KafkaError as error:  # Apache Kafka's broker is just up, and still fenced
                if error.code is not ErrorCode.INVALID_REPLICATION_FACTOR or monotonic() > deadline:
                    raise


def values_in(server: Server, topic: str, expected: int) -> list[bytes | None]:
    return [record.value for record in records_in(server, topic, expected)]


def records_in(server: Server, topic: str, expected: int) -> list[Any]:
    with Consumer(server.address, auto_offset_reset="earliest") as consumer:
        consumer.assign([(topic, 0)])
        read: list[Any] = []
        while len(read) < expected:
            read += consumer.poll(5_000)
        read += consumer.poll(200)  # nothing twice
    return read


@pytest.mark.parametrize("codec", ["none", "gzip"])
@pytest.mark.parametrize("idempotent", [True, False])
def test_a_batch_that_is_too_large_arrives_in_halves(
    server: Server, codec: str, idempotent: bool
) -> None:
    topic = a_topic(server, **{"max.message.bytes": 1_000})
    values = [Random(number).randbytes(20 + 7 * number) for number in range(60)]
    values[30] = Random(99).randbytes(1_000)
    with Producer(
        server.address, linger_ms=50, compression_type=codec, enable_idempotence=idempotent,
        max_in_flight_requests_per_connection=5 if idempotent else 1,
    ) as producer:  # fmt: skip
        futures = [producer.send(topic, value) for value in values]
        producer.flush(60_000)
        splits = producer.statistics().metrics.batch_split_total
    assert splits > 0
    with pytest.raises(KafkaError, match="MESSAGE_TOO_LARGE"):
        futures.pop(30).result()
    del values[30]
    assert [future.result().offset for future in futures] == list(range(59))
    assert values_in(server, topic, 59) == values


@pytest.mark.parametrize(
    ("codec", "levels"), [("gzip", (-1, 1, 9)), ("lz4", (1, 9, 17)), ("zstd", (-131_072, 3, 22))]
)
def test_every_level_is_read(server: Server, codec: str, levels: tuple[int, ...]) -> None:
    topic = a_topic(server)
    value = b"how hard a codec tries is nobody's business but the producer's " * 50
    for level in levels:
        name = f"compression.{codec}.level"
        with Producer(server.address, **{"compression.type": codec, name: level}) as producer:
            producer.send(topic, value).result(30_000)
    assert values_in(server, topic, len(levels)) == [value] * len(levels)


def test_every_part_of_a_record_arrives_as_it_was_given(server: Server) -> None:
    topic = a_topic(server)
    records: list[dict[str, Any]] = [
        {"value": b"v", "key": b"k", "headers": (("a", b"1"), ("a", b"2"), ("n", None)), "at": 1},
        {"value": None, "key": b"", "headers": (), "at": 1_700_000_000_000},
        {"value": b"", "key": None, "headers": (("empty", b""),), "at": 5},
    ]
    with Producer(server.address, linger_ms=50) as producer:
        futures = [
            producer.send(
                topic, r["value"], key=r["key"], headers=r["headers"], timestamp_ms=r["at"]
            )
            for r in records
        ]
        told = [future.result() for future in futures]
    assert [(one.offset, one.timestamp_ms) for one in told] == [
        (offset, record["at"]) for offset, record in enumerate(records)
    ]
    assert [
        {"value": r.value, "key": r.key, "headers": tuple(r.headers), "at": r.timestamp_ms}
        for r in records_in(server, topic, 3)
    ] == records


@pytest.mark.parametrize(
    ("acks", "idempotent"), [("all", True), ("all", False), (1, False), (0, False)]
)
def test_who_must_have_a_batch_before_it_counts(
    server: Server, acks: object, idempotent: bool
) -> None:
    topic = a_topic(server)
    with Producer(server.address, acks=acks, enable_idempotence=idempotent) as producer:
        futures = [producer.send(topic, b"%d" % number) for number in range(500)]
        offsets = [future.result().offset for future in futures]
    assert offsets == ([-1] * 500 if acks == 0 else list(range(500)))
    assert values_in(server, topic, 500) == [b"%d" % number for number in range(500)]


def test_the_time_is_the_broker_s_where_the_topic_says_so(server: Server) -> None:
    topic = a_topic(server, **{"message.timestamp.type": "LogAppendTime"})
    with Producer(server.address) as producer:
        told = producer.send(topic, b"v", timestamp_ms=1).result()
    (record,) = records_in(server, topic, 1)
    assert told.timestamp_ms == record.timestamp_ms > 1_700_000_000_000


def test_a_key_goes_where_the_java_client_puts_it(server: Server) -> None:
    topic = a_topic(server, partitions=7)
    keys = [Random(number).randbytes(number) for number in range(60)]
    theirs: dict[bytes, int] = {}
    other = Librdkafka({"bootstrap.servers": server.address, "partitioner": "murmur2"})
    for key in keys:
        other.produce(
            topic, b"v", key, on_delivery=lambda _, m: theirs.update({m.key(): m.partition()})
        )
    other.flush(30)
    with Producer(server.address) as producer:
        futures = [producer.send(topic, b"v", key=key) for key in keys]
        assert {
            key: future.result().partition for key, future in zip(keys, futures, strict=True)
        } == theirs


def test_records_that_the_broker_refuses_are_told_apart_from_their_neighbours(
    server: Server,
) -> None:
    topic = a_topic(server, **{"message.timestamp.after.max.ms": 3_600_000})
    now_ms = int(time() * 1_000)
    with Producer(server.address, linger_ms=200) as producer:
        times = [now_ms, now_ms + 86_400_000, now_ms]
        futures = [producer.send(topic, b"v", timestamp_ms=at) for at in times]
        producer.flush()
        errors = [future.error() for future in futures]
        assert producer.send(topic, b"later").result().offset == 0
    assert all(errors)
    codes = [error.code.name for error in errors if error]
    assert codes == ["INVALID_RECORD", "INVALID_TIMESTAMP", "INVALID_RECORD"]
    assert "as its batch had invalid records" in str(errors[0]) == str(errors[2])


def test_a_broker_that_is_killed_gets_nothing_twice_and_misses_nothing(own_server: Server) -> None:
    topic = a_topic(own_server)
    values = [b"%d" % number for number in range(6_000)]
    with Producer(own_server.address, batch_size=500, linger_ms=1) as producer:
        futures = [producer.send(topic, values[0])]
        futures[0].result()
        for number, value in enumerate(values[1:]):
            futures.append(producer.send(topic, value))
            if number in (2_000, 4_000):
                while not producer.statistics().metrics.requests_in_flight:
                    pass
                own_server.kill()
                own_server.start()
        producer.flush(90_000)
        assert [future.result().partition for future in futures] == [0] * len(values)
        retries = producer.statistics().metrics.record_retry_total
    assert retries > 0
    assert values_in(own_server, topic, len(values)) == values


def test_a_broker_that_stays_away_fails_the_records_by_name_and_time(own_server: Server) -> None:
    topic = a_topic(own_server)
    with Producer(
        own_server.address, linger_ms=0, request_timeout_ms=500, delivery_timeout_ms=1_500
    ) as producer:
        producer.send(topic, b"first").result()
        own_server.kill()
        heard: list[object] = []
        future = producer.send(topic, b"second")
        future.add_callback(heard.append)
        with pytest.raises(
            KafkaError, match=r"1 records for .*-0 expired.*delivery\.timeout\.ms = 1500"
        ):
            future.result(30_000)
        producer.flush(5_000)
        assert heard == [future]
