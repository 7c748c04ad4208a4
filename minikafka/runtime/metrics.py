"""What a broker is doing, at an HTTP port, in Prometheus' text format.

      minikafka broker --metrics 127.0.0.1:9404 …
      curl 127.0.0.1:9404/metrics

      kafka_server_requests_total{api="Produce"} 120.0
      kafka_log_end_offset{topic="orders",partition="0"} 4711.0

Nothing is added up for it while the broker works, but how often each API was asked. What is shown
is the broker's `statistics()` at the moment of the question.

Not done: Kafka's several hundred JMX metrics, rates and percentiles among them; Prometheus makes
rates of counters itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector

from minikafka.node import WorldStopped
from minikafka.wire.messages import REQUESTS

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
    server, thread = start_http_server(port, host, registry)

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return end


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
