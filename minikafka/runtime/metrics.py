"""What a broker is doing, at an HTTP port, in Prometheus' text format.

      minikafka broker --metrics 127.0.0.1:9404 …
      curl 127.0.0.1:9404/metrics

      kafka_server_requests_total{api="Produce"} 120.0
      kafka_server_request_seconds_bucket{api="Fetch",le="0.5"} 37.0
      kafka_server_errors_total{api="Produce",error="MESSAGE_TOO_LARGE"} 1.0
      kafka_log_end_offset{topic="orders",partition="0"} 4711.0

A broker without it adds nothing up but how often each API was asked. With it, the driver's `Meter`
is told of every request and answer: how long it took, from the whole request in memory to the
answer in its socket's queue (a fetch that waits for data takes long), how large both were, which
errors it held. All else is the broker's `statistics()` at the moment of the question.

Not done: Kafka's several hundred JMX metrics, their names, and the phases of a request (queue,
local, remote); rates and percentiles Prometheus makes of these itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector

from minikafka.node import Channel, Request, Response, WorldStopped
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages import REQUESTS
from minikafka.wire.schema import Struct

if TYPE_CHECKING:
    from minikafka.broker.broker import Broker
    from minikafka.replica.partition import PartitionStatistics
    from minikafka.runtime.tcp import Driver

PER_PARTITION: tuple[tuple[str, str, Callable[[PartitionStatistics], int]], ...] = (
    ("kafka_log_start_offset", "The first offset.", lambda p: p.log_start_offset),
    ("kafka_log_high_watermark", "Where the committed records end.", lambda p: p.high_watermark),
    ("kafka_log_end_offset", "Where the next record will be.", lambda p: p.log_end_offset),
    ("kafka_log_size_bytes", "Size of all segments.", lambda p: p.size_bytes),
    ("kafka_log_segments", "Segments.", lambda p: len(p.segments)),
)


def serve_metrics(driver: Driver, broker: Broker, host: str, port: int) -> Callable[[], None]:
    """Answer at http://host:port/metrics, in a thread; returns what ends it. Raises OSError.

    Before the broker has started and while it stops there is only what is known of the process.
    """
    registry = CollectorRegistry()
    registry.register(_Collector(driver, broker))
    ProcessCollector(registry=registry)
    driver.meter = Meter(registry)
    server, thread = start_http_server(port, host, registry)

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return end


class Meter:
    """What the driver tells of single requests; their connections may have several under way."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, ["api", *labels], registry=registry)

        self._seconds = Histogram(
            "kafka_server_request_seconds",
            "From a request that is there to its answer.",
            ["api"],
            registry=registry,
            buckets=(0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5),
        )
        self._request_bytes = counter("kafka_server_request_bytes", "Size of the requests.")
        self._response_bytes = counter("kafka_server_response_bytes", "Size of the answers.")
        self._errors = counter("kafka_server_errors", "Errors told in answers.", "error")
        self._under_way: dict[Channel, deque[tuple[str, float]]] = {}

    def arrived(self, request: Request, size_bytes: int) -> None:
        api = request.body.NAME
        self._request_bytes.labels(api).inc(size_bytes)
        self._under_way.setdefault(request.channel, deque()).append((api, perf_counter()))

    def answered(self, response: Response, parts: Sequence[Any]) -> None:
        api, since = self._under_way[response.channel].popleft()
        self._seconds.labels(api).observe(perf_counter() - since)
        if response.body is not None:
            self._response_bytes.labels(api).inc(sum(map(len, parts)))
            for code in errors_in(response.body):
                self._errors.labels(api, ErrorCode.of(code).name).inc()

    def forget(self, channel: Channel) -> None:
        self._under_way.pop(channel, None)


def errors_in(answer: Struct) -> Iterator[int]:
    """Every error code of an answer, those of its topics and partitions too."""
    for field in answer.FIELDS:
        part = getattr(answer, field.name)
        if field.name == "error_code" and part != ErrorCode.NONE:
            yield part
        elif isinstance(part, list):
            for each in part:
                if isinstance(each, Struct):
                    yield from errors_in(each)


class _Collector:
    def __init__(self, driver: Driver, broker: Broker) -> None:
        self._driver = driver
        self._broker = broker

    def collect(self) -> Iterator[Metric]:
        """One family after the other, of one moment."""
        try:
            self._driver.lock()
        except WorldStopped:
            return
        try:
            if not self._driver.has_started:
                return
            now = self._broker.statistics()
            counts = dict(self._broker.request_counts)
            connections = self._driver.connection_count
        finally:
            self._driver.unlock()
        requests = CounterMetricFamily(
            "kafka_server_requests", "Requests that were handled.", labels=["api"]
        )
        for key, count in sorted(counts.items()):
            requests.add_metric([REQUESTS[key].NAME], count)
        yield requests
        yield GaugeMetricFamily("kafka_server_connections", "Open connections.", connections)
        yield GaugeMetricFamily(
            "kafka_server_parked_requests", "Fetches that wait for data.", now.parked_requests
        )
        yield GaugeMetricFamily(
            "kafka_server_fetch_sessions", "Fetch sessions (KIP-227).", now.fetch_sessions
        )
        for name, text, value_of in PER_PARTITION:
            family = GaugeMetricFamily(name, text, labels=["topic", "partition"])
            for partition in now.partitions:
                labels = [partition.topic, str(partition.partition)]
                family.add_metric(labels, value_of(partition))
            yield family
