"""The producer as a program uses it.

    with Producer("localhost:9092", linger_ms=5) as producer:
        future = producer.send("greetings", b"hello", key=b"en")
        producer.flush()
        future.result()            # RecordMetadata(topic='greetings', partition=0, offset=0, …)

`send` returns before anything was sent: it puts the record into a batch. What became of
the record is in the future. The same object works in the simulator
(`Producer(…, world=sim)`), where a blocking call lets virtual time pass.

`send` is the one place in a client that runs once per record, so it does little: it takes
the node's lock without giving it a turn (`Host.lock`) and asks for the turn only when
the record closed or opened a batch. And a future holds no lock, no event and no time of its
own, only its batch and its place in it: 48 bytes, for a program may keep one for each record.
Whoever wants to wait lends the host's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from minikafka.client.arguments import INT32_MAX, INT64_MAX, topic_name, utf8, whole_number
from minikafka.client.facade import Facade
from minikafka.node import MS, WorldStopped
from minikafka.producer.accumulator import NO_OFFSET, ProducerBatch, ProducerStatistics, Record
from minikafka.producer.config import ProducerConfig
from minikafka.producer.partitioner import Partitioner, ask
from minikafka.producer.sender import SenderNode
from minikafka.record.batch import HEADER_BYTES
from minikafka.record.builder import size_upper_bound
from minikafka.record.records import Header
from minikafka.wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from minikafka.node import World


Bytes = bytes | bytearray | memoryview
"""What a record's key and value may be. What can be changed later is copied."""


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

    __slots__ = ("_batch", "_index")

    def __init__(self, batch: ProducerBatch, index: int) -> None:
        self._batch = batch
        self._index = index

    def __repr__(self) -> str:
        topic, partition = self._batch.key
        state = self.error() or self._metadata().offset if self.done() else "waiting"
        return f"DeliveryFuture({topic}-{partition}: {state})"

    def _found(self) -> tuple[ProducerBatch, int]:
        """The batch that the record is in now, and its place there."""
        return self._batch.find(self._index)

    def done(self) -> bool:
        """Whether the record is acknowledged or has failed."""
        return self._found()[0].done

    def error(self) -> KafkaError | None:
        """Why the record failed; None if it did not, or not yet."""
        batch, index = self._found()
        return batch.error_of(index)

    def result(self, timeout_ms: float | None = None) -> RecordMetadata:
        """Wait for the outcome. Raises what the record failed with, or REQUEST_TIMED_OUT."""
        if not self.done() and not self._batch.owner.wait_for(self.done, timeout_ms):
            raise KafkaError(ErrorCode.REQUEST_TIMED_OUT, f"{self} after {timeout_ms:g} ms")
        error = self.error()
        if error is not None:
            raise error
        return self._metadata()

    def add_callback(self, callback: Callable[[DeliveryFuture], Any]) -> None:
        """Have `callback(self)` called when it is done; soon if it is.

        Callbacks run one after the other, in the thread that carries the producer: the next
        answer waits for them. So they must be quick, and calls that wait are refused in them;
        `send` is allowed unless it would have to. What they raise goes into the trace only.
        Once the producer is closed, nobody carries it, and the callback is called here.
        """
        producer: Producer = self._batch.owner
        producer.add_callback(self._batch, self._index, partial(producer.tell, self, callback))

    def _metadata(self) -> RecordMetadata:
        batch, index = self._found()
        offset = NO_OFFSET if batch.base_offset == NO_OFFSET else batch.base_offset + index
        appended_ms = batch.log_append_time_ms
        timestamp_ms = batch.timestamp_of(index) if appended_ms == -1 else appended_ms
        return RecordMetadata(*batch.key, offset, timestamp_ms)


class _Waiting:
    """A record that could not be placed at once, and what became of that."""

    __slots__ = ("error", "future", "partition", "record", "since", "topic")

    def __init__(self, topic: str, partition: int | None, record: Record) -> None:
        self.topic = topic
        self.partition = partition
        self.record = record
        self.since = 0  # when it came to stand in line
        self.future: DeliveryFuture | None = None
        self.error: Exception | None = None

    @property
    def is_over(self) -> bool:
        return self.future is not None or self.error is not None


class Producer(Facade):
    """Sends records. `configs` are Kafka's producer configs in snake case (config.py).

    `partitioner` says where records go that name no partition, in place of Kafka's own rule
    (partitioner.py).
    Safe to use from several threads. Raises ConfigError for configs that are unknown or wrong.
    """

    def __init__(
        self,
        bootstrap_servers: str | Sequence[str],
        *,
        world: World | None = None,
        partitioner: Partitioner | None = None,
        **configs: object,
    ) -> None:
        self.config = ProducerConfig.of({"bootstrap.servers": bootstrap_servers, **configs})
        self._node = SenderNode(self.config)
        self._node.accumulator.owner = self
        super().__init__(self._node, world)
        self._over = False  # closed, with everything done and told
        self._lock, self._unlock = self._host.lock, self._host.unlock
        self._topics = self._node.metadata.topics
        self._partitioner = partitioner

    def send(
        self,
        topic: str,
        value: Bytes | None = None,
        *,
        key: Bytes | None = None,
        headers: Sequence[Header] = (),
        timestamp_ms: int | None = None,
        partition: int | None = None,
    ) -> DeliveryFuture:
        """Hand over a record; it leaves with its batch.

        Blocks for up to max.block.ms while the topic is unknown or buffer.memory is used up,
        then raises KafkaError(REQUEST_TIMED_OUT). Raises KafkaError at once for a record that
        is too large (Kafka lets the future fail) or a topic that cannot be. `timestamp_ms`
        None means now. TypeError or ValueError says what cannot be part of a record.
        """
        node = self._node
        if type(topic) is not str or topic not in self._topics:
            topic_name(topic)
        if key is not None and type(key) is not bytes:
            key = _as_bytes("key", key)
        if value is not None and type(value) is not bytes:
            value = _as_bytes("value", value)
        if headers:
            headers = _as_headers(headers)
        if partition is not None and (type(partition) is not int or partition < 0):
            whole_number("partition", partition, INT32_MAX)
        if timestamp_ms is not None:
            whole_number("timestamp_ms", timestamp_ms, INT64_MAX)
        now = self._lock()
        try:
            if self._closed:  # looked at here, so that `close` sees every record that got in
                self._require_open()
            if timestamp_ms is None:
                timestamp_ms = now // MS
            record = (timestamp_ms, key, value, headers)
            if partition is None and self._partitioner is not None:
                partition = self._choose(topic, record)
            batch = node.append(now, topic, partition, record)
            if batch is not None:
                future = DeliveryFuture(batch, batch.count - 1)
                if node.turn_wanted:
                    with self._host.entered():
                        pass  # gives the node its turn
                return future
        finally:
            self._unlock()
        return self._send_later(topic, partition, record)

    def _choose(self, topic: str, record: Record) -> int | None:
        """What the application's partitioner says; None while the topic is not known yet."""
        info = self._topics.get(topic)
        if self._partitioner is None or info is None or info.error or not info.partitions:
            return None
        return ask(self._partitioner, info, record[1], record[2])

    def _send_later(self, topic: str, partition: int | None, record: Record) -> DeliveryFuture:
        """The record could not be placed yet: try again whenever something has happened."""
        me = _Waiting(topic, partition, record)
        self._require_may_wait()
        with self._entered():
            pass  # gets the metadata asked for, or the memory freed
        try:
            self._wait(lambda: self._is_placed(me), self.config.max_block_ms)
        finally:
            with self._host.entered() as now:  # a turn, after which the others look
                self._stand_in_line(now, me, False)
        if me.future is not None:
            return me.future
        raise me.error or self._blocked(topic, me.partition, record)

    def _is_placed(self, me: _Waiting) -> bool:
        """Look once more. Whoever looks serves the line from its first on.

        In the simulator the first may be held up by one behind it (`Simulator.call_later`).
        """
        node, line = self._node, self._node.accumulator.line
        if me.is_over:  # somebody else has looked
            return True
        with self._quietly() as now:
            for waiting in line.copy() if me in line else [me]:
                self._place(now, waiting)
                if waiting in line:
                    break
            if node.turn_wanted and not me.is_over:
                with self._host.entered():
                    pass  # for the batches that were closed to free their memory
        return me.is_over

    def _place(self, now: int, waiting: _Waiting) -> None:
        """Try it once more. Who lacks nothing but memory stands in line."""
        node, topic, record = self._node, waiting.topic, waiting.record
        starves = False
        try:
            if waiting.partition is None:
                waiting.partition = self._choose(topic, record)
            batch = node.append(now, topic, waiting.partition, record)
            if batch is not None:
                waiting.future = DeliveryFuture(batch, batch.count - 1)
            else:
                starves = node.knows(topic, waiting.partition)
        except Exception as error:  # for the `send` that it belongs to, whoever has looked
            waiting.error = error
        self._stand_in_line(now, waiting, starves)

    def _stand_in_line(self, now: int, waiting: _Waiting, starves: bool) -> None:
        accumulator = self._node.accumulator
        if starves and waiting not in accumulator.line:
            waiting.since = now
            accumulator.line.append(waiting)
        elif not starves and waiting in accumulator.line:
            accumulator.line.remove(waiting)
            accumulator.meter.at(now).waited_us += now - waiting.since

    def _blocked(
        self, topic: str, partition: int | None, record: Record | None = None
    ) -> KafkaError:
        """What `send` (or `partitions_for`, which has no record) has waited for in vain."""
        more = ""
        with self._quietly() as now:
            metadata = self._node.metadata
            if partition is not None:
                metadata.give_up_partition(topic, partition)
            info = metadata.topics.get(topic)
            if info is None or not info.partitions:
                metadata.forget(topic)
                what = f"topic {topic} is unknown"
            elif partition not in (None, *info.partitions):
                what = f"topic {topic} has {len(info.partitions)} partitions, no {partition}"
            else:
                what = f"buffer.memory = {self.config.buffer_memory} is used up"
                if record is not None:
                    least = HEADER_BYTES + size_upper_bound(*record[1:])
                    more = (
                        f": the record's batch takes {max(self.config.batch_size, least)} bytes, "
                        f"{self._node.accumulator.free_bytes} are free"
                    )
                    self._node.accumulator.meter.at(now).exhausted += 1
        return KafkaError(
            ErrorCode.REQUEST_TIMED_OUT,
            f"{what} after max.block.ms = {self.config.max_block_ms}{more}",
        )

    def partitions_for(self, topic: str) -> list[int]:
        """The partitions of a topic; blocks like `send` while it is unknown."""
        topic_name(topic)
        self._require_may_wait()
        with self._entered():
            self._node.metadata.want(topic)
        partitions: list[int] = []

        def is_known() -> bool:
            if self._node.knows(topic, None):
                partitions.extend(sorted(self._topics[topic].partitions))
            return bool(partitions)

        if not self._wait(is_known, self.config.max_block_ms):
            raise self._blocked(topic, None)
        return partitions

    def flush(self, timeout_ms: float | None = None) -> None:
        """Send everything now, and wait until all that was sent so far is acknowledged or failed.

        And until the callbacks of all that have returned. Raises KafkaError(REQUEST_TIMED_OUT);
        what failed is in the futures.
        """
        self._require_may_wait()
        with self._entered():
            self._node.accumulator.close_all("flush")
            is_told = self._node.all_told()
        if not self._wait(is_told, timeout_ms):
            raise KafkaError(ErrorCode.REQUEST_TIMED_OUT, f"flush took more than {timeout_ms:g} ms")

    def statistics(self) -> ProducerStatistics:
        """Memory and batches at this moment, and Kafka's metrics (metrics.py)."""
        with self._quietly() as now:
            return self._node.statistics(now)

    def close(self, timeout_ms: float | None = None) -> None:
        """Send what is left, for at most `timeout_ms`; the rest fails. Harmless when repeated.

        It returns when all callbacks have. Interrupted, it gives the rest up at once. Within a
        callback it may not wait: only `timeout_ms=0` is allowed there.
        """
        if self._closed:
            return
        if timeout_ms != 0:
            self._require_may_wait()
        node = self._node
        try:
            with self._host.entered():
                self._closed = True
                node.accumulator.close_all("close")
            if not self._wait(lambda: node.all_told()(), timeout_ms):
                with self._host.entered() as now:
                    node.stop(now)
        except WorldStopped as stopped:  # the person at the keyboard knows why
            if not isinstance(stopped.__cause__, KeyboardInterrupt):
                raise
        finally:
            self._closed = True
            self._host.close()  # which stops the node, and so fails what is left
            last, node.calls = node.calls, []
            for call in last:  # a world that has ended makes no calls any more
                call()
            self._over = True

    def __enter__(self) -> Producer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def wait_for(self, done: Callable[[], bool], timeout_ms: float | None) -> bool:
        """Let the world go on until `done()`; says whether it is."""
        self._require_may_wait()
        return self._wait(done, timeout_ms)

    def _require_may_wait(self) -> None:
        """The thread that makes the callbacks carries the producer: it would wait for itself."""
        if self._host.calling():
            raise RuntimeError("a delivery callback must not block")

    def add_callback(self, batch: ProducerBatch, index: int, call: Callable[[], None]) -> None:
        """What `DeliveryFuture.add_callback` is on the inside."""
        if self._over:
            call()
            return
        try:
            self._lock()
        except WorldStopped:  # it is ending: with its thread everything is done
            self._host.close()
            batch, index = batch.find(index)
            if batch.done:
                call()
            else:
                batch.callbacks.append((index, call))
            return
        try:
            is_late = self._node.add_callback(batch, index, call)
        finally:
            self._unlock()
        if is_late:
            # The turn behind which the call is made; if it is too late for one, `close` makes it.
            with suppress(WorldStopped), self._host.entered():
                pass

    def tell(self, future: DeliveryFuture, callback: Callable[[DeliveryFuture], Any]) -> None:
        """Make a callback. Whatever it raises, the next one is made too."""
        try:
            callback(future)
        except KeyboardInterrupt:
            raise  # the person at the keyboard means the program, not this callback
        except BaseException as error:  # a SystemExit would end the thread that carries the node
            self._node.emit("callback_failed", error=repr(error))


def _as_bytes(what: str, given: object) -> bytes:
    if isinstance(given, (bytes, bytearray, memoryview)):
        return bytes(given)
    hint = ": encode it" if isinstance(given, str) else ""
    raise TypeError(f"{what} must be bytes, not {type(given).__name__}{hint}")


def _as_headers(given: Iterable[object]) -> tuple[Header, ...]:
    headers: list[Header] = []
    for header in given:
        if (
            not isinstance(header, (tuple, list))
            or len(header) != 2
            or not isinstance(header[0], str)
        ):
            raise TypeError(f"a header is a pair (str, bytes or None), not {header!r}")
        name, value = header
        utf8(f"header {name!r}", name)
        headers.append((name, None if value is None else _as_bytes(f"header {name}", value)))
    return tuple(headers)
