"""The producer's configs: Kafka 4.x's names, defaults and bounds, and what must fit together.

    ProducerConfig.of({"bootstrap.servers": "localhost:9092", "linger_ms": 20})

Three rules bind several configs (Kafka's `ProducerConfig.postProcessAndValidate…`):

- Idempotence needs acks=all, retries and at most 5 requests in flight: the broker
  remembers the last five batches of a producer, no more. It is on by default, and
  quietly off when acks or retries were set otherwise; when `enable.idempotence` itself was
  set, the contradiction is an error. More than 5 in flight are one always (since Kafka 4.0).
- A delivery may take linger.ms + request.timeout.ms at the least, so
  delivery.timeout.ms may not be less than both together.
- A batch reserves batch.size out of buffer.memory, so that may not be less. (Kafka finds out
  when the first record is sent.)

`partitioner.class` is no config here, as a class name means nothing in Python: a function is
handed to `Producer(partitioner=…)` instead (partitioner.py).

Not done: `transactional.id`; interceptors and serializers (keys and values are bytes);
`send.buffer.bytes` and `receive.buffer.bytes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Self

from minikafka.client.config import ClientConfig
from minikafka.config import (
    ConfigError,
    Range,
    at_least,
    between,
    boolean,
    int_,
    long,
    one_of,
    string,
)

MAX_IN_FLIGHT_WITH_IDEMPOTENCE = 5


class ProducerConfig(ClientConfig, kind="producer"):
    """The producer's own configs, beside those of every client."""

    acks: int = string(
        "all",
        "Who must have a batch before it counts: all in-sync replicas (all, -1), the leader "
        "(1), or nobody (0: the producer never hears of a loss).",
        one_of("all", "-1", "0", "1"),
    )
    batch_size: int = int_(
        16_384,
        "A batch is closed when the next record would make it larger than this many bytes.",
        at_least(0),
    )
    linger_ms: int = long(
        5, "How long a batch that is not full waits for more records.", at_least(0)
    )
    buffer_memory: int = long(
        33_554_432,
        "How many bytes of batches may wait or be on their way; then send blocks.",
        at_least(0),
    )
    max_block_ms: int = long(
        60_000,
        "How long send may block for metadata or memory, and partitions_for for metadata.",
        at_least(0),
    )
    max_request_size: int = int_(
        1_048_576,
        "The largest record that is accepted, and roughly the largest request.",
        at_least(0),
    )
    delivery_timeout_ms: int = int_(
        120_000,
        "A record that is not acknowledged this long after its batch began has failed.",
        at_least(0),
    )
    retries: int = int_(
        2_147_483_647,
        "How often a batch is sent again; the delivery timeout is the better limit.",
        between(0, 2_147_483_647),
    )
    max_in_flight_requests_per_connection: int = int_(
        5, "How many produce requests of one connection may wait for their answers.", at_least(1)
    )
    enable_idempotence: bool = boolean(
        True, "Number the batches, so that the broker drops what it already has and refuses gaps."
    )
    compression_type: str = string(
        "none", "The codec of the batches.", one_of("none", "gzip", "snappy", "lz4", "zstd")
    )
    compression_gzip_level: int = int_(
        -1,
        "Effort of gzip when compression.type is gzip; -1 lets the codec choose.",
        Range(1, 9, also=(-1,)),
    )
    compression_lz4_level: int = int_(
        9, "Effort of lz4 when compression.type is lz4.", between(1, 17)
    )
    compression_zstd_level: int = int_(
        3, "Effort of zstd when compression.type is zstd.", between(-131_072, 22)
    )
    metadata_max_idle_ms: int = long(
        300_000, "Stop asking about a topic that had no records for this long.", at_least(5_000)
    )
    partitioner_ignore_keys: bool = boolean(False, "Partition as if no record had a key.")
    partitioner_adaptive_partitioning_enable: bool = boolean(
        True, "Give fewer keyless records to partitions for which batches are waiting."
    )
    partitioner_availability_timeout_ms: int = long(
        0,
        "Give no keyless records to partitions whose broker takes no requests for longer than "
        "this; 0 never does that. Without adaptive partitioning it has no effect.",
        at_least(0),
    )
    metrics_sample_window_ms: int = long(
        30_000, "How much time one window of the metrics covers.", at_least(0)
    )
    metrics_num_samples: int = int_(
        2, "How many windows averages, maxima and rates are made from.", at_least(1)
    )

    @classmethod
    def of(cls, given: Mapping[str, object] | None = None, /, **more: object) -> Self:
        given = {**(given or {}), **more}
        if isinstance(given.get("acks"), int):
            given["acks"] = str(given["acks"])  # it is a text because of "all"
        return super().of(given)

    @classmethod
    def settle(cls, values: dict[str, Any], explicit: Set[str]) -> None:
        super().settle(values, explicit)
        values["acks"] = -1 if values["acks"] == "all" else int(values["acks"])
        if values["enable_idempotence"] and (conflict := _conflict(values)):
            if "enable_idempotence" in explicit or _too_many_in_flight(values):
                raise ConfigError(f"enable.idempotence = true: {conflict}")
            values["enable_idempotence"] = False
        least = values["linger_ms"] + values["request_timeout_ms"]
        if values["delivery_timeout_ms"] < least:
            if "delivery_timeout_ms" in explicit:
                raise ConfigError(
                    f"delivery.timeout.ms = {values['delivery_timeout_ms']}: must be at least "
                    f"linger.ms + request.timeout.ms, here {least}"
                )
            values["delivery_timeout_ms"] = least
        if values["buffer_memory"] < values["batch_size"]:
            raise ConfigError(
                f"buffer.memory = {values['buffer_memory']}: must be at least batch.size, "
                f"here {values['batch_size']}, or no batch could ever be opened"
            )


def _conflict(values: Mapping[str, Any]) -> str | None:
    """What in these values rules idempotence out."""
    if _too_many_in_flight(values):
        in_flight = values["max_in_flight_requests_per_connection"]
        return f"needs max.in.flight.requests.per.connection of at most 5, not {in_flight}"
    if values["acks"] != -1:
        return f"needs acks = all, not {values['acks']}"
    if values["retries"] == 0:
        return "needs retries, not retries = 0"
    return None


def _too_many_in_flight(values: Mapping[str, Any]) -> bool:
    limit = MAX_IN_FLIGHT_WITH_IDEMPOTENCE
    return bool(values["max_in_flight_requests_per_connection"] > limit)
