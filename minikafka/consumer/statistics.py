"""What a consumer tells about itself: where it stands, and Kafka's metrics of its fetches.

The names are those of Kafka's `consumer-fetch-manager-metrics`, with underscores. Everything
is counted once for a request or for a poll, never for a record.

Not done: Kafka's windows (`metrics.sample.window.ms`): averages, maxima and rates are over the
consumer's whole life; who wants those of the last seconds takes the difference of two totals.
Kafka counts the bytes of records as they are handed over; here bytes are those of the batches
that came over the wire. Metrics per topic; `fetch-throttle-time-*`.
"""

from __future__ import annotations

from dataclasses import dataclass

from minikafka.node import MS

SECOND_US = 1_000 * MS


@dataclass(frozen=True, slots=True)
class PartitionStatistics:
    """Where a consumer stands in one partition. -1: not known yet, or none.

    `leader_epoch` is that of the last record taken, `preferred_read_replica` the follower
    from which this partition is read. Lag and lead are in offsets.
    """

    topic: str
    partition: int
    position: int
    leader_epoch: int
    high_watermark: int
    last_stable_offset: int
    log_start_offset: int
    records_lag: int
    records_lead: int
    preferred_read_replica: int
    paused: bool


@dataclass(frozen=True, slots=True)
class ConsumerStatistics:
    """A consumer at one moment. Times in ms, rates per second; lag and lead -1: not known yet."""

    partitions: tuple[PartitionStatistics, ...]
    open_fetches: int
    fetch_total: int
    fetch_rate: float
    fetch_latency_avg: float
    fetch_latency_max: float
    fetch_size_avg: float
    fetch_size_max: int
    bytes_consumed_total: int
    bytes_consumed_rate: float
    records_consumed_total: int
    records_consumed_rate: float
    records_per_request_avg: float
    records_lag_max: int
    records_lead_min: int


class Counters:
    """The sums behind the averages."""

    __slots__ = (
        "fetches",
        "largest_bytes",
        "latency_us",
        "longest_us",
        "records",
        "since",
        "size_bytes",
    )  # fmt: skip

    def __init__(self) -> None:
        self.since = 0
        self.fetches = self.size_bytes = self.largest_bytes = self.records = 0
        self.latency_us = self.longest_us = 0

    def answered(self, latency_us: int, size_bytes: int) -> None:
        """A fetch was answered with so many bytes of records."""
        self.fetches += 1
        self.size_bytes += size_bytes
        self.latency_us += latency_us
        self.largest_bytes = max(self.largest_bytes, size_bytes)
        self.longest_us = max(self.longest_us, latency_us)

    def told(
        self, now: int, partitions: tuple[PartitionStatistics, ...], open_fetches: int
    ) -> ConsumerStatistics:
        seconds = max(1, now - self.since) / SECOND_US
        fetches = max(1, self.fetches)
        leads = [each.records_lead for each in partitions if each.records_lead >= 0]
        return ConsumerStatistics(
            partitions=partitions,
            open_fetches=open_fetches,
            fetch_total=self.fetches,
            fetch_rate=self.fetches / seconds,
            fetch_latency_avg=self.latency_us / fetches / MS,
            fetch_latency_max=self.longest_us / MS,
            fetch_size_avg=self.size_bytes / fetches,
            fetch_size_max=self.largest_bytes,
            bytes_consumed_total=self.size_bytes,
            bytes_consumed_rate=self.size_bytes / seconds,
            records_consumed_total=self.records,
            records_consumed_rate=self.records / seconds,
            records_per_request_avg=self.records / fetches,
            records_lag_max=max((each.records_lag for each in partitions), default=-1),
            records_lead_min=min(leads, default=-1),
        )
