"""What a producer says about itself: Kafka's names, and what they mean."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from minikafka.admin import NewTopic
from minikafka.node import MS
from minikafka.producer.metrics import Meter, ProducerMetrics, TopicMetrics
from minikafka.runtime.simulator import Simulator
from minikafka.wire.errors import ErrorCode, KafkaError

from .scripted import Cluster
from .test_producer import ProducerBench, produced


def metrics_of(b: ProducerBench) -> ProducerMetrics:
    return b.node.statistics(b.now).metrics


def test_names_are_kafkas() -> None:
    # producer-metrics of Apache Kafka 4.x, without those that metrics.py says are not done.
    kafkas = {
        "record-send-rate", "record-send-total", "record-retry-rate", "record-retry-total",
        "record-error-rate", "record-error-total", "batch-split-rate", "batch-split-total",
        "batch-size-avg", "batch-size-max", "records-per-request-avg", "record-queue-time-avg",
        "record-queue-time-max", "request-latency-avg", "request-latency-max",
        "compression-rate-avg", "requests-in-flight", "buffer-total-bytes",
        "buffer-available-bytes", "bufferpool-wait-ratio", "bufferpool-wait-time-ns-total",
        "buffer-exhausted-rate", "buffer-exhausted-total", "waiting-threads",
    }  # fmt: skip
    assert {field.name.replace("_", "-") for field in fields(ProducerMetrics)} == kafkas


def test_names_per_topic_are_kafkas() -> None:
    # producer-topic-metrics of Apache Kafka 4.3, all of them.
    kafkas = {
        "record-send-rate", "record-send-total", "byte-rate", "byte-total", "compression-rate",
        "record-retry-rate", "record-retry-total", "record-error-rate", "record-error-total",
    }  # fmt: skip
    assert {field.name.replace("_", "-") for field in fields(TopicMetrics)} == kafkas


def test_topics_and_brokers_are_counted_apart() -> None:
    cluster = Cluster({"t": 1, "u": 1}, leaders={("u", 0): 2}, brokers=(1, 2))
    b = ProducerBench(cluster, linger_ms=0)
    for topic, records in (("t", 1), ("u", 3)):
        for _ in range(records):
            b.node.append(b.now, topic, 0, (0, None, b"x" * 100, ()))
    b.turn()
    b.connect()
    first, second = b.requests()
    b.wait(10)
    b.answer(first, produced(first))
    b.wait(20)
    b.answer(second, produced(second, ErrorCode.NOT_ENOUGH_REPLICAS))
    b.wait(120)
    (again,) = b.requests()
    b.answer(again, produced(again, ErrorCode.INVALID_RECORD))
    told = b.node.statistics(b.now)
    t, u = told.topics["t"], told.topics["u"]
    assert (t.record_send_total, t.record_retry_total, t.record_error_total) == (1, 0, 0)
    assert (u.record_send_total, u.record_retry_total, u.record_error_total) == (6, 3, 3)
    assert (t.byte_total, t.compression_rate) == (61 + 109, 1)
    assert t.byte_total + u.byte_total == 61 + 109 + 2 * (61 + 3 * 109)
    assert told.metrics.record_send_total == 7
    assert {node: metrics.request_latency_max for node, metrics in told.nodes.items()} == {
        1: 10,
        2: 30,
    }


def test_before_anything_is_sent_there_is_nothing_to_say() -> None:
    b = ProducerBench()
    metrics = metrics_of(b)
    assert (metrics.record_send_rate, metrics.record_send_total) == (0, 0)
    assert metrics.batch_size_avg is metrics.request_latency_max is None
    assert metrics.buffer_available_bytes == metrics.buffer_total_bytes == 33_554_432
    with pytest.raises(FrozenInstanceError):
        metrics.record_send_total = 1  # type: ignore[misc]


def test_batches_and_requests_are_counted_when_they_are_sent_and_answered() -> None:
    b = ProducerBench(linger_ms=5)
    began = b.now
    for partition in (0, 0, 0, 1):
        b.append(partition=partition)
    b.wait(5)
    (request,) = b.requests()
    sizes = [len(data.records) for data in request.body.topic_data[0].partition_data]
    metrics = metrics_of(b)
    assert metrics.requests_in_flight == 1
    assert metrics.record_send_total == 4
    assert metrics.records_per_request_avg == 4
    assert (metrics.batch_size_avg, metrics.batch_size_max) == (sum(sizes) / 2, max(sizes))
    assert metrics.record_queue_time_avg == metrics.record_queue_time_max == 5
    assert metrics.compression_rate_avg == 1
    assert metrics.request_latency_avg is None
    assert metrics.buffer_available_bytes == metrics.buffer_total_bytes - 2_000
    b.wait(20)
    b.answer(request, produced(request))
    metrics = metrics_of(b)
    assert (metrics.request_latency_avg, metrics.request_latency_max) == (20, 20)
    assert metrics.requests_in_flight == 0
    # Kafka's Rate: what was counted since 20 ms, and at least a whole window more.
    assert b.now - began == 25 * MS
    assert metrics.record_send_rate == pytest.approx(4 / 30.020)


def test_compression_is_a_ratio() -> None:
    b = ProducerBench(linger_ms=0, compression_type="gzip")
    before = len(b.append(b"x" * 500).body)
    (request,) = b.requests()
    size = len(request.body.topic_data[0].partition_data[0].records)
    assert metrics_of(b).compression_rate_avg == (size - 61) / before < 0.3


def test_retries_errors_and_splits() -> None:
    b = ProducerBench(linger_ms=0)
    for _ in range(4):
        b.append()
    (request,) = b.requests()
    b.answer(request, produced(request, ErrorCode.NOT_ENOUGH_REPLICAS))
    b.wait(120)
    (request,) = b.requests()
    b.answer(request, produced(request, ErrorCode.MESSAGE_TOO_LARGE))
    for error in (0, ErrorCode.INVALID_RECORD):
        (request,) = b.requests()
        b.answer(request, produced(request, error))
    metrics = metrics_of(b)
    assert metrics.record_retry_total == 4
    assert metrics.batch_split_total == 1
    assert metrics.record_error_total == 2
    assert metrics.record_send_total == 12  # 4, 4 again, and 2 and 2
    assert metrics.buffer_available_bytes == metrics.buffer_total_bytes


def test_waiting_for_memory() -> None:
    sim = Simulator(seed=1)
    sim.broker()
    sim.admin().create_topics([NewTopic("t", partitions=2)])
    little: dict[str, Any] = {"buffer_memory": 1_000, "batch_size": 1_000}
    producer = sim.producer(linger_ms=30, **little)
    producer.partitions_for("t")
    producer.send("t", b"first", partition=0)
    began = sim.now
    producer.send("t", b"second", partition=1)  # the first has to leave and to arrive
    metrics = producer.statistics().metrics
    assert metrics.bufferpool_wait_time_ns_total == (sim.now - began) * 1_000 > 0
    assert 0 < metrics.bufferpool_wait_ratio < 1
    hasty = sim.producer(max_block_ms=0, **little)
    with pytest.raises(KafkaError, match="topic t is unknown"):
        hasty.send("t", b"v")
    sim.run(100)
    hasty = sim.producer(max_block_ms=10, linger_ms=60, **little)
    hasty.partitions_for("t")
    hasty.send("t", b"v", partition=0)
    sim.broker_hosts()[0].crash()
    with pytest.raises(
        KafkaError,
        match=r"buffer\.memory = 1000 is used up after max\.block\.ms = 10: "
        "the record's batch takes 1000 bytes, 0 are free",
    ):
        hasty.send("t", b"v", partition=1)
    assert hasty.statistics().metrics.buffer_exhausted_total == 1
    assert hasty.statistics().metrics.bufferpool_wait_time_ns_total == 10_000_000


def test_windows_pass_and_totals_stay() -> None:
    meter = Meter(window_ms=1_000, count=2)

    def sent(at_ms: float) -> tuple[int, float, float | None]:
        metrics = meter.metrics(int(at_ms * MS), 0, 0, 0, 0)
        size_max = metrics.batch_size_max
        return metrics.record_send_total, metrics.record_send_rate, size_max

    assert sent(5_000) == (0, 0, None)
    meter.at(10_000 * MS).batch(30, 300, 1.0, 0)
    assert sent(10_500) == (30, 30 / 1.5, 300)
    meter.at(11_100 * MS).batch(10, 200, 1.0, 0)  # the second window began at 11,000
    assert sent(11_500) == (40, 40 / 1.5, 300)
    assert sent(12_000) == (40, 10, 200)  # the first has passed
    meter.at(12_500 * MS).batch(5, 100, 1.0, 0)
    assert sent(12_500) == (45, 15 / 1.5, 200)
    assert sent(99_000) == (45, 0, None)
    meter.at(99_000 * MS).batch(1, 100, 1.0, 0)
    assert sent(99_000) == (46, 1, 100)
