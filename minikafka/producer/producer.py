"""The producer as a program uses it.

    with Producer("localhost:9092", linger_ms=5) as producer:
        future = producer.send("greetings", b"hello", key=b"en")
        producer.flush()
        future.result()            # RecordMetadata(topic='greetings', partition=0, offset=0, …)

`send` returns before anything was sent: it puts the record into a batch. What became of
the record is in the future. The same object works in the simulator
(`Producer(…, world=sim)`), where a blocking call lets virtual time pass.

`send` is the one place in a client that runs once per record, so it does little: it takes
the node's lock without giving it a turn (`Host.quietly`) and asks for the turn only when
the record closed or opened a batch. And a future holds no lock and no event of its own,
only its batch and its place in it: whoever wants to wait lends the host's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from minikafka.client import Facade
from minikafka.node import MS
from minikafka.producer.accumulator import NO_OFFSET, ProducerBatch, ProducerStatistics
from minikafka.producer.config import ProducerConfig
from minikafka.producer.sender import SenderNode
from minikafka.record.batch import Header
from minikafka.wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from minikafka.node import World


class RecordMetadata(NamedTuple):
    """Where an acknowledged record is.

    `offset` is -1 with acks=0, where no broker tells it. `timestamp_ms` is the broker's
    for topics with message.timestamp.type=LogAppendTime.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


class DeliveryFuture:
    """What becomes of one record."""

    __slots__ = ("_batch", "_index", "_producer", "_timestamp_ms")

    def __init__(
        self, producer: Producer, batch: ProducerBatch, index: int, timestamp_ms: int
    ) -> None:
        self._producer = producer
        self._batch = batch
        self._index = index
        self._timestamp_ms = timestamp_ms

    def __repr__(self) -> str:
        topic, partition = self._batch.key
        state = "waiting" if not self._batch.done else self._batch.error or self._metadata().offset
        return f"DeliveryFuture({topic}-{partition}: {state})"

    def done(self) -> bool:
        """Whether the record is acknowledged or has failed."""
        return self._batch.done

    def error(self) -> KafkaError | None:
        """Why the record failed; None if it did not, or not yet."""
        return self._batch.error

    def result(self, timeout_ms: float | None = None) -> RecordMetadata:
        """Wait for the outcome. Raises what the record failed with, or REQUEST_TIMED_OUT."""
        batch = self._batch
        if not batch.done and not self._producer.wait_for(lambda: batch.done, timeout_ms):
            raise KafkaError(ErrorCode.REQUEST_TIMED_OUT, f"{self} after {timeout_ms:g} ms")
        if batch.error is not None:
            raise batch.error
        return self._metadata()

    def add_callback(self, callback: Callable[[DeliveryFuture], Any]) -> None:
        """Call `callback(self)` when it is done; at once if it is.

        It runs where the producer's machine runs, so it must be quick and must not block;
        `send` is allowed unless it would block. What it raises goes into the trace only.
        """
        with self._producer.quietly():
            if not self._batch.done:
                self._batch.callbacks.append(lambda: callback(self))
                return
        callback(self)

    def _metadata(self) -> RecordMetadata:
        batch = self._batch
        offset = NO_OFFSET if batch.base_offset == NO_OFFSET else batch.base_offset + self._index
        appended_ms = batch.log_append_time_ms
        timestamp_ms = self._timestamp_ms if appended_ms == -1 else appended_ms
        return RecordMetadata(*batch.key, offset, timestamp_ms)


class Producer(Facade):
    """Sends records. `configs` are Kafka's producer configs in snake case (config.py).

    Safe to use from several threads. Raises ConfigError for configs that are unknown or wrong.
    """

    def __init__(
        self,
        bootstrap_servers: str | Sequence[str],
        *,
        world: World | None = None,
        **configs: object,
    ) -> None:
        self.config = ProducerConfig.of({"bootstrap.servers": bootstrap_servers, **configs})
        self._node = SenderNode(self.config)
        super().__init__(self._node, world)
        self.quietly = self._host.quietly

    def send(
        self,
        topic: str,
        value: bytes | None = None,
        *,
        key: bytes | None = None,
        headers: Sequence[Header] = (),
        timestamp_ms: int | None = None,
        partition: int | None = None,
    ) -> DeliveryFuture:
        """Hand over a record; it leaves with its batch.

        Blocks for up to max.block.ms while the topic is unknown or buffer.memory is used up,
        then raises KafkaError(REQUEST_TIMED_OUT). Raises KafkaError at once for a record that
        is too large (Kafka lets the future fail) or a topic that cannot be. `timestamp_ms`
        None means now.
        """
        node = self._node
        if self._closed:
            self._require_open()
        with self.quietly() as now:
            if timestamp_ms is None:
                timestamp_ms = now // MS
            record = (timestamp_ms, key, value, headers)
            batch = node.append(now, topic, partition, record)
            if batch is not None:
                future = DeliveryFuture(self, batch, batch.builder.count - 1, timestamp_ms)
                if not node.turn_wanted or node.in_callback:
                    return future
        if batch is None:
            future = self._send_later(topic, partition, record)
        with self._host.entered():
            return future

    def _send_later(
        self,
        topic: str,
        partition: int | None,
        record: tuple[int, bytes | None, bytes | None, Sequence[Header]],
    ) -> DeliveryFuture:
        """The record could not be placed yet: try again whenever something has happened."""
        placed: list[DeliveryFuture] = []

        def is_placed() -> bool:
            with self.quietly() as now:
                batch = self._node.append(now, topic, partition, record)
            if batch is not None:
                placed.append(DeliveryFuture(self, batch, batch.builder.count - 1, record[0]))
            return batch is not None

        self._require_may_wait()
        with self._host.entered():
            pass  # gets the metadata asked for, or the memory freed
        if not self.wait_for(is_placed, self.config.max_block_ms):
            raise self._blocked(topic, partition)
        return placed[0]

    def _blocked(self, topic: str, partition: int | None) -> KafkaError:
        """What `send` has waited for in vain."""
        with self.quietly():
            metadata = self._node.metadata
            info = metadata.topics.get(topic)
            if info is not None and info.partitions and partition in (None, *info.partitions):
                what = f"buffer.memory = {self.config.buffer_memory} is used up"
            else:
                metadata.forget(topic)
                what = f"topic {topic} is unknown"
                if info is not None and info.partitions:
                    what = f"topic {topic} has {len(info.partitions)} partitions, no {partition}"
        return KafkaError(
            ErrorCode.REQUEST_TIMED_OUT, f"{what} after max.block.ms = {self.config.max_block_ms}"
        )

    def partitions_for(self, topic: str) -> list[int]:
        """The partitions of a topic; blocks like `send` while it is unknown."""
        self._require_may_wait()
        with self._host.entered():
            self._node.metadata.want(topic)
        if not self.wait_for(lambda: self._node.knows(topic, None), self.config.max_block_ms):
            raise self._blocked(topic, None)
        return sorted(self._node.metadata.topics[topic].partitions)

    def flush(self, timeout_ms: float | None = None) -> None:
        """Send everything now, and wait until all that was sent so far is acknowledged or failed.

        Raises KafkaError(REQUEST_TIMED_OUT); what failed is in the futures.
        """
        self._require_may_wait()
        with self._host.entered():
            accumulator = self._node.accumulator
            accumulator.close_all("flush")
            unfinished = [batch for queue in accumulator.busy.values() for batch in queue]
        if not self.wait_for(lambda: all(batch.done for batch in unfinished), timeout_ms):
            raise KafkaError(ErrorCode.REQUEST_TIMED_OUT, f"flush took more than {timeout_ms:g} ms")

    def statistics(self) -> ProducerStatistics:
        """Memory and batches at this moment."""
        with self.quietly():
            return self._node.accumulator.statistics()

    def close(self, timeout_ms: float | None = None) -> None:
        """Send what is left, for at most `timeout_ms`; the rest fails. Harmless when repeated."""
        if self._closed:
            return
        self._require_may_wait()
        accumulator = self._node.accumulator
        with self._host.entered():
            self._closed = True
            accumulator.close_all("close")
        if not self._host.wait(lambda: not accumulator.busy, timeout_ms):
            with self._host.entered() as now:
                error = KafkaError(ErrorCode.REQUEST_TIMED_OUT, f"{self.name} was closed before")
                self._node.fail_all(now, error)
        self._host.close()

    def __enter__(self) -> Producer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def wait_for(self, done: Callable[[], bool], timeout_ms: float | None) -> bool:
        """Let the world go on until `done()`; says whether it is."""
        self._require_may_wait()
        return self._host.wait(done, timeout_ms)

    def _require_may_wait(self) -> None:
        """A delivery callback runs inside the machine's turn: it would wait for itself."""
        self._require_open()
        with self.quietly():
            if self._node.in_callback:
                raise RuntimeError("a delivery callback must not block")
