"""Configs have Kafka's names and defaults, and a bad one is refused by name."""

from __future__ import annotations

import pytest

from minikafka.admin.machine import AdminConfig
from minikafka.config import ConfigError
from minikafka.consumer.config import ConsumerConfig
from minikafka.producer.config import ProducerConfig

HERE = {"bootstrap.servers": "localhost:9092"}


def test_the_defaults_are_those_of_kafka_4() -> None:
    producer = ProducerConfig.of(HERE)
    assert (producer.linger_ms, producer.batch_size, producer.acks) == (5, 16_384, -1)
    assert producer.enable_idempotence
    assert producer.compression_gzip_level == -1
    assert (producer.compression_lz4_level, producer.compression_zstd_level) == (9, 3)
    assert producer.partitioner_availability_timeout_ms == 0
    assert (producer.retry_backoff_ms, producer.retry_backoff_max_ms) == (100, 1_000)
    consumer = ConsumerConfig.of(HERE)
    assert (consumer.fetch_max_wait_ms, consumer.fetch_min_bytes) == (500, 1)
    assert consumer.auto_offset_reset == "latest"


@pytest.mark.parametrize(
    ("config", "given", "text"),
    [
        (ProducerConfig, {"linger": 1}, "unknown producer config linger; did you mean linger.ms?"),
        (ProducerConfig, {"acks": "2"}, "acks = 2: must be one of all, -1, 0, 1"),
        (ConsumerConfig, {"auto_offset_reset": "first"}, "auto.offset.reset = first"),
        (ConsumerConfig, {"isolation_level": "read_committed"}, "isolation.level"),
        (AdminConfig, {"bootstrap.servers": "localhost"}, "localhost: must be host:port"),
        (AdminConfig, {"bootstrap.servers": ""}, "at least one host:port"),
        (ProducerConfig, {"delivery_timeout_ms": 100}, "at least linger.ms + request.timeout.ms"),
        (ProducerConfig, {"buffer_memory": 10_000}, "at least batch.size, here 16384"),
        (ProducerConfig, {"enable_idempotence": True, "acks": 1}, "needs acks = all, not 1"),
        (ProducerConfig, {"enable_idempotence": True, "retries": 0}, "needs retries"),
        (
            ProducerConfig,
            {"enable_idempotence": True, "max_in_flight_requests_per_connection": 6},
            "of at most 5, not 6",
        ),
        (ProducerConfig, {"compression.gzip.level": 0}, "0: must be from 1 to 9 or -1"),
        (ProducerConfig, {"compression.lz4.level": 18}, "18: must be from 1 to 17"),
        (ProducerConfig, {"compression.zstd.level": 23}, "23: must be from -131072 to 22"),
        (ProducerConfig, {"compression_zstd_level": -131_073}, "must be from -131072 to 22"),
        (
            ProducerConfig,
            {"partitioner_availability_timeout_ms": -1},
            "partitioner.availability.timeout.ms = -1: must be at least 0",
        ),
    ],
)
def test_a_bad_config_is_refused_and_named(config: type, given: dict, text: str) -> None:
    with pytest.raises(ConfigError) as error:
        config.of({**HERE, **given})  # type: ignore[attr-defined]
    assert text in str(error.value)


@pytest.mark.parametrize("given", [{"acks": 0}, {"retries": 0}])
def test_idempotence_that_nobody_asked_for_gives_way(given: dict) -> None:
    assert not ProducerConfig.of({**HERE, **given}).enable_idempotence


def test_a_delivery_may_take_as_long_as_one_request() -> None:
    assert ProducerConfig.of({**HERE, "request_timeout_ms": 200_000}).delivery_timeout_ms == 200_005
