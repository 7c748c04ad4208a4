"""What a producer did lately, in numbers with Kafka's names.

    metrics = producer.statistics().metrics
    metrics.batch_size_avg, metrics.records_per_request_avg       (15_900.0, 143.0)
    producer.statistics().topics["clicks"].byte_rate              (212.4)
    producer.statistics().nodes[1].request_latency_avg            (1.8)

      metrics.sample.window.ms = 30 s, metrics.num.samples = 2

      ┌────────────────┬─────────┐
      │ 8,000 records  │ 1,000   │ now      averages and maxima: over both windows
      └────────────────┴─────────┘          rates: 9,000 records in 40 s, 225 a second
      0 s              30 s      40 s       totals: since the beginning, windows or not

Something is counted for each batch and each request, nothing for each record: a few additions
to the numbers of the present window. Averages and rates are made when somebody asks.

A rate is taken over at least one whole window more than there is, as Kafka does: a producer
that sends 1,000 records a second has a rate of 143 after its first 5 seconds (5,000 in 35 s).
Who wants to know sooner takes the difference of two totals.

Sources: `SenderMetricsRegistry`, `SenderMetrics`, `BufferPool`, `Rate`, `SampledStat`.

Not done: what Kafka counts at its sockets (requests and bytes, of all and per broker); record
sizes, throttle times, the age of metadata.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial

from minikafka.node import MS

SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class ProducerMetrics:
    """Rates are per second, times in ms. None: nothing to say yet (NaN in Kafka)."""

    record_send_rate: float
    record_send_total: int  # a record that is sent again counts again
    record_retry_rate: float
    record_retry_total: int
    record_error_rate: float
    record_error_total: int
    batch_split_rate: float
    batch_split_total: int
    batch_size_avg: float | None  # as sent: compressed, with its header
    batch_size_max: int | None
    records_per_request_avg: float | None
    record_queue_time_avg: float | None  # from the opening of a batch until it is sent
    record_queue_time_max: float | None
    request_latency_avg: float | None
    request_latency_max: float | None
    compression_rate_avg: float | None  # size after compression / before: less is better
    requests_in_flight: int
    waiting_threads: int  # for memory
    buffer_total_bytes: int
    buffer_available_bytes: int
    bufferpool_wait_ratio: float  # how much of the time some send waited for memory
    bufferpool_wait_time_ns_total: int
    buffer_exhausted_rate: float
    buffer_exhausted_total: int  # records that waited for memory in vain


@dataclass(frozen=True, slots=True)
class TopicMetrics:
    """The same of one topic (`producer-topic-metrics`)."""

    record_send_rate: float
    record_send_total: int
    byte_rate: float
    byte_total: int
    compression_rate: float | None
    record_retry_rate: float
    record_retry_total: int
    record_error_rate: float
    record_error_total: int


@dataclass(frozen=True, slots=True)
class NodeMetrics:
    """The same of one broker (`producer-node-metrics`)."""

    request_latency_avg: float | None
    request_latency_max: float | None


class Counts:
    """What was counted in one window, or in several together."""

    __slots__ = (
        "answers", "batches", "exhausted", "failed", "latency_max_us", "latency_us", "queue_max_us",
        "queue_us", "ratios", "records", "requests", "retried", "size_bytes", "size_max_bytes",
        "splits", "waited_us",
    )  # fmt: skip

    def __init__(self) -> None:
        self.requests = self.batches = self.records = 0  # sent
        self.size_bytes = self.size_max_bytes = 0  # of batches
        self.ratios = 0.0  # the sum over batches of size after / before compression
        self.queue_us = self.queue_max_us = 0  # of batches
        self.answers = self.latency_us = self.latency_max_us = 0  # of requests
        self.retried = self.failed = 0  # records
        self.splits = 0
        self.waited_us = self.exhausted = 0  # for memory; in vain

    def batch(self, records: int, size_bytes: int, ratio: float, queue_us: int) -> None:
        """A batch is sent."""
        self.batches += 1
        self.records += records
        self.size_bytes += size_bytes
        self.ratios += ratio
        self.queue_us += queue_us
        if size_bytes > self.size_max_bytes:
            self.size_max_bytes = size_bytes
        if queue_us > self.queue_max_us:
            self.queue_max_us = queue_us

    def answer(self, latency_us: int) -> None:
        self.answers += 1
        self.latency_us += latency_us
        self.latency_max_us = max(self.latency_max_us, latency_us)

    def add(self, other: Counts) -> None:
        for name in self.__slots__:
            mine, its = getattr(self, name), getattr(other, name)
            setattr(self, name, max(mine, its) if "_max_" in name else mine + its)


class Meter:
    """The windows that count, and what was counted before them."""

    __slots__ = ("_before", "_count", "_ends_at", "_now", "_window_us", "_windows")

    def __init__(self, window_ms: int, count: int) -> None:
        self._window_us = max(window_ms * MS, 1)
        self._count = count
        self._windows: deque[tuple[int, Counts]] = deque()  # with when they began
        self._now = Counts()  # Invariant: the last of windows, once there is one
        self._ends_at = 0
        self._before = Counts()

    def at(self, now: int) -> Counts:
        """The window of this moment, to count something in."""
        if now >= self._ends_at:
            late = (now - self._ends_at) % self._window_us if self._windows else 0
            self._now = Counts()
            self._windows.append((now - late, self._now))
            self._ends_at = now - late + self._window_us
            self._forget(now)
        return self._now

    def _forget(self, now: int) -> None:
        while self._windows and now - self._windows[0][0] >= self._count * self._window_us:
            self._before.add(self._windows.popleft()[1])
        if not self._windows:
            self._ends_at = 0

    def metrics(
        self, now: int, in_flight: int, waiting: int, total_bytes: int, free_bytes: int
    ) -> ProducerMetrics:
        lately, ever, elapsed_us = self._sums(now)
        rate = partial(_rate, elapsed_us)
        return ProducerMetrics(
            record_send_rate=rate(lately.records),
            record_send_total=ever.records,
            record_retry_rate=rate(lately.retried),
            record_retry_total=ever.retried,
            record_error_rate=rate(lately.failed),
            record_error_total=ever.failed,
            batch_split_rate=rate(lately.splits),
            batch_split_total=ever.splits,
            batch_size_avg=_per(lately.size_bytes, lately.batches),
            batch_size_max=lately.size_max_bytes if lately.batches else None,
            records_per_request_avg=_per(lately.records, lately.requests),
            record_queue_time_avg=_per(lately.queue_us / MS, lately.batches),
            record_queue_time_max=lately.queue_max_us / MS if lately.batches else None,
            request_latency_avg=_per(lately.latency_us / MS, lately.answers),
            request_latency_max=lately.latency_max_us / MS if lately.answers else None,
            compression_rate_avg=_per(lately.ratios, lately.batches),
            requests_in_flight=in_flight,
            waiting_threads=waiting,
            buffer_total_bytes=total_bytes,
            buffer_available_bytes=free_bytes,
            bufferpool_wait_ratio=lately.waited_us / elapsed_us,
            bufferpool_wait_time_ns_total=ever.waited_us * 1_000,
            buffer_exhausted_rate=rate(lately.exhausted),
            buffer_exhausted_total=ever.exhausted,
        )

    def of_topic(self, now: int) -> TopicMetrics:
        lately, ever, elapsed_us = self._sums(now)
        rate = partial(_rate, elapsed_us)
        return TopicMetrics(
            record_send_rate=rate(lately.records),
            record_send_total=ever.records,
            byte_rate=rate(lately.size_bytes),
            byte_total=ever.size_bytes,
            compression_rate=_per(lately.ratios, lately.batches),
            record_retry_rate=rate(lately.retried),
            record_retry_total=ever.retried,
            record_error_rate=rate(lately.failed),
            record_error_total=ever.failed,
        )

    def of_node(self, now: int) -> NodeMetrics:
        lately, _, _ = self._sums(now)
        return NodeMetrics(
            request_latency_avg=_per(lately.latency_us / MS, lately.answers),
            request_latency_max=lately.latency_max_us / MS if lately.answers else None,
        )

    def _sums(self, now: int) -> tuple[Counts, Counts, int]:
        """What was counted lately, what ever, and in how much time lately was."""
        self._forget(now)
        lately, ever = Counts(), Counts()
        for _, counts in self._windows:
            lately.add(counts)
        ever.add(self._before)
        ever.add(lately)
        return lately, ever, self._elapsed_us(now)

    def _elapsed_us(self, now: int) -> int:
        elapsed = now - self._windows[0][0] if self._windows else 0
        lacking = max(0, self._count - 1 - elapsed // self._window_us)
        return elapsed + lacking * self._window_us or self._window_us


def _rate(elapsed_us: int, count: int) -> float:
    return count * SECOND_US / elapsed_us


def _per(total: float, count: int) -> float | None:
    return total / count if count else None
