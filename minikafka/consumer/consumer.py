"""The consumer as a program uses it.

    with Consumer("localhost:9092", auto_offset_reset="earliest") as consumer:
        consumer.assign([("greetings", 0)])
        for record in consumer.poll(timeout_ms=1_000):
            print(record.offset, record.value)

A consumer's state is one number per partition: the offset of the record that it reads next.
The broker keeps no queue for it and forgets nothing when a record was read, so going back
is nothing but another number (`seek`).

The same object works in the simulator (`Consumer(…, world=sim)`), where a blocking call
lets virtual time pass.

Not done: groups (`subscribe`, `commit`); `wakeup` (a `close` from another thread ends a poll,
with WorldStopped).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from minikafka.client.arguments import (
    INT32_MAX,
    INT64_MAX,
    TopicPartition,
    milliseconds,
    whole_number,
)
from minikafka.client.facade import Facade
from minikafka.consumer.config import ConsumerConfig
from minikafka.consumer.fetcher import FetcherNode
from minikafka.consumer.offsets import OffsetAndTimestamp
from minikafka.consumer.partition import NO_EPOCH
from minikafka.consumer.records import ConsumerRecord
from minikafka.consumer.statistics import ConsumerStatistics
from minikafka.node import MS, WorldStopped
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.list_offsets import EARLIEST, LATEST

if TYPE_CHECKING:
    from minikafka.node import World

ITERATION_POLL_MS = 1_000
"""How long the iterator waits at a time; only a program that is interrupted could notice."""

CLOSE_TIMEOUT_MS = 30_000
"""How long `close` waits for the brokers, as in Kafka."""


class Consumer(Facade):
    """Reads records. `configs` are Kafka's consumer configs in snake case (config.py).

    A partition is a `TopicPartition` or any pair (topic, partition). Raises ConfigError for
    configs that are unknown or wrong, ValueError where partitions must be assigned first.
    """

    def __init__(
        self,
        bootstrap_servers: str | Sequence[str],
        *,
        world: World | None = None,
        **configs: object,
    ) -> None:
        self.config = ConsumerConfig.of({"bootstrap.servers": bootstrap_servers, **configs})
        self._node = FetcherNode(self.config)
        super().__init__(self._node, world)

    # --- which partitions, and where in them -------------------------------------------------
    def assign(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Read exactly these partitions; those that were assigned before keep their position.

        The others begin where auto.offset.reset says, unless `seek` comes first.
        """
        chosen = [TopicPartition.of(tp) for tp in partitions]
        with self._quietly():
            self._node.assign(chosen)

    def assignment(self) -> list[TopicPartition]:
        return sorted(self._node.partitions)

    def seek(
        self, partition: tuple[str, int], offset: int, leader_epoch: int | None = None
    ) -> None:
        """Read on from `offset`. One that the log does not hold is treated by auto.offset.reset.

        With the leader epoch of the record before it, it is noticed too if that record is gone
        and another one took its offset (KIP-320).
        """
        tp = TopicPartition.of(partition)
        whole_number("offset", offset, INT64_MAX)
        epoch = NO_EPOCH if leader_epoch is None else leader_epoch
        whole_number("leader_epoch", epoch, INT32_MAX, NO_EPOCH)
        with self._quietly():
            self._node.seek(tp, offset, epoch)

    def seek_to_beginning(self, *partitions: tuple[str, int]) -> None:
        """Read on from the first record that the log holds; by default in all partitions."""
        self._seek_to("earliest", partitions)

    def seek_to_end(self, *partitions: tuple[str, int]) -> None:
        """Read on behind the last record; by default in all partitions."""
        self._seek_to("latest", partitions)

    def _seek_to(self, reset: str, partitions: tuple[tuple[str, int], ...]) -> None:
        chosen = [TopicPartition.of(tp) for tp in partitions]
        with self._quietly():
            for tp in chosen or self._node.partitions:
                self._node.seek_to(tp, reset)

    def position(self, partition: tuple[str, int], timeout_ms: float | None = None) -> int:
        """The offset of the next record that poll returns; waits until it is known.

        Raises KafkaError, with REQUEST_TIMED_OUT after `timeout_ms` (default.api.timeout.ms).
        """
        tp = TopicPartition.of(partition)
        timeout = self.config.default_api_timeout_ms if timeout_ms is None else timeout_ms
        with self._entered():
            state = self._node.state(tp)
        known = self._wait(lambda: state.position is not None or state.error is not None, timeout)
        if state.position is not None:
            return state.position
        if known and state.error is not None:
            raise state.error
        raise KafkaError(ErrorCode.REQUEST_TIMED_OUT, f"no position of {tp} in {timeout:g} ms")

    def pause(self, *partitions: tuple[str, int]) -> None:
        """Return no records of these until `resume`; what was fetched is kept."""
        self._pause(partitions, True)

    def resume(self, *partitions: tuple[str, int]) -> None:
        self._pause(partitions, False)

    def _pause(self, partitions: tuple[tuple[str, int], ...], paused: bool) -> None:
        chosen = [TopicPartition.of(tp) for tp in partitions]
        with self._entered():
            for state in [self._node.state(tp) for tp in chosen]:
                state.paused = paused

    # --- records -------------------------------------------------------------------
    def poll(self, timeout_ms: float = 0) -> list[ConsumerRecord]:
        """Records that have been fetched, at most max.poll.records; waits for the first of them.

        Returns an empty list when none came in `timeout_ms`. Raises the KafkaError of a
        partition that cannot be read; the next poll tries again, from the same position
        unless `seek` moves it.
        """
        node, most = self._node, self.config.max_poll_records
        timeout = milliseconds(timeout_ms)
        with self._entered() as now:
            if not node.partitions:
                raise ValueError("nothing is assigned; assign partitions first")
            records = node.take(most)
        deadline = now + int(timeout * MS)
        while not records and now < deadline:
            if not self._host.wait(node.has_news, (deadline - now) / MS):
                break
            with self._entered() as now:
                records = node.take(most)
        return records

    def __iter__(self) -> Iterator[ConsumerRecord]:
        """All records as they come, without an end: `break` is how to stop."""
        while True:
            yield from self.poll(ITERATION_POLL_MS)

    # --- offsets -------------------------------------------------------------------
    def beginning_offsets(
        self, partitions: Iterable[tuple[str, int]], timeout_ms: float | None = None
    ) -> dict[TopicPartition, int]:
        """The first offset that each log holds. The partitions need not be assigned."""
        return self._ends(partitions, EARLIEST, timeout_ms)

    def end_offsets(
        self, partitions: Iterable[tuple[str, int]], timeout_ms: float | None = None
    ) -> dict[TopicPartition, int]:
        """The offset that the next record to become readable will have.

        That is the high watermark; with read_committed the last stable offset.
        """
        return self._ends(partitions, LATEST, timeout_ms)

    def offsets_for_times(
        self, times: Mapping[tuple[str, int], int], timeout_ms: float | None = None
    ) -> dict[TopicPartition, OffsetAndTimestamp | None]:
        """For each partition the first record with a timestamp (ms) at or after the given one."""
        chosen = {TopicPartition.of(tp): timestamp for tp, timestamp in times.items()}
        for tp, timestamp in chosen.items():
            whole_number(f"the time for {tp}", timestamp, INT64_MAX)
        return self._look_up(chosen, timeout_ms)

    def _ends(
        self, partitions: Iterable[tuple[str, int]], which: int, timeout_ms: float | None
    ) -> dict[TopicPartition, int]:
        chosen = [TopicPartition.of(tp) for tp in partitions]
        found = self._look_up(dict.fromkeys(chosen, which), timeout_ms)
        return {tp: end.offset if end is not None else 0 for tp, end in found.items()}

    def _look_up(
        self, times: dict[TopicPartition, int], timeout_ms: float | None
    ) -> dict[TopicPartition, OffsetAndTimestamp | None]:
        timeout = milliseconds(
            self.config.default_api_timeout_ms if timeout_ms is None else timeout_ms
        )
        with self._entered() as now:
            question = self._node.look_up(times, now + int(timeout * MS))
        return self._ask(question)

    def statistics(self) -> ConsumerStatistics:
        """Positions, what is known about the logs, and Kafka's metrics of fetches, as of now."""
        with self._quietly() as now:
            return self._node.statistics(now)

    def close(self, timeout_ms: float = CLOSE_TIMEOUT_MS) -> None:
        """Give the brokers their fetch sessions back, and let go of the connections.

        That takes one request to each, for at most `timeout_ms`. Harmless when repeated.
        """
        if self._closed:
            return
        try:
            with self._host.entered():
                self._closed = True
                self._node.close()
            if timeout_ms > 0:
                self._wait(self._node.is_over, timeout_ms)
        except WorldStopped:
            pass  # nobody is left to tell
        finally:
            self._closed = True
            self._host.close()

    def __enter__(self) -> Consumer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
