"""Our producer where Apache Kafka judges it: what it may send again, and in which form."""

from __future__ import annotations

from itertools import count
from random import Random
from typing import Any

import pytest

from minikafka import Admin, Consumer, NewTopic, Producer
from minikafka.bench.servers import Server
from minikafka.wire.errors import KafkaError

NAMES = count()


def a_topic(server: Server, **configs: object) -> str:
    topic = f"our-producer-{next(NAMES)}"
    with Admin(server.address) as admin:
        admin.create_topics([NewTopic(topic, configs=configs)])
    return topic


def values_in(server: Server, topic: str, expected: int) -> list[bytes | None]:
    with Consumer(server.address, auto_offset_reset="earliest") as consumer:
        consumer.assign([(topic, 0)])
        read: list[Any] = []
        while len(read) < expected:
            read += consumer.poll(5_000)
        read += consumer.poll(200)  # nothing twice
    return [record.value for record in read]


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
