"""Configs have Kafka's names and defaults, and a bad one is refused by name."""

from __future__ import annotations

import pytest

from minikafka.admin.machine import AdminConfig
from minikafka.config import ConfigError
from minikafka.consumer.config import ConsumerConfig, duration_ms
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
        (ConsumerConfig, {"auto_offset_reset": "by_duration"}, "by_duration:PT1H is an hour"),
        (ConsumerConfig, {"isolation_level": "serializable"}, "isolation.level"),
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
        # Since Kafka 4.0 idempotence does not give way to this one.
        (ProducerConfig, {"max_in_flight_requests_per_connection": 6}, "of at most 5, not 6"),
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


# KIP-1106: what Java's Duration.parse takes, but nothing negative.
DURATIONS = {
    "PT1H": 3_600_000,
    "P1D": 86_400_000,
    "P1DT2H3M4.5S": 93_784_500,
    "pt15m": 900_000,
    "PT0S": 0,
    "PT0,25S": 250,
    "PT1H-30M": 1_800_000,
    "-PT-5S": 5_000,
    "+P2D": 172_800_000,
}
NO_DURATIONS = ("", "P", "PT", "P1DT", "1H", "PT-1S", "-PT1S", "P1Y", "P1W", "PT1H ", "PT1S1M")


@pytest.mark.parametrize(("text", "expected"), DURATIONS.items())
def test_a_duration_is_read_as_java_reads_it(text: str, expected: int) -> None:
    assert duration_ms(text) == expected
    config = ConsumerConfig.of({**HERE, "auto.offset.reset": f"by_duration:{text}"})
    assert config.auto_offset_reset == f"by_duration:{text}"


@pytest.mark.parametrize("text", NO_DURATIONS)
def test_what_is_no_duration_is_refused(text: str) -> None:
    assert duration_ms(text) is None
    with pytest.raises(ConfigError, match="by_duration:<how long>"):
        ConsumerConfig.of({**HERE, "auto.offset.reset": f"by_duration:{text}x"})
