"""The producer's machine: sends what the accumulator has collected, and takes the answers.

      append ─► accumulator ─► due? ─► leader known? ─► connection ready, fewer than
                    ▲                                    max.in.flight open on it? ─► Produce
                    │                                                                   │
                    └── again, after a backoff ◄── retriable ── error? ◄────────────────┘
                                                        │ no        └─ fatal ─► the futures fail
                                                        └─► the futures have their offsets

A request carries at most one batch per partition, and goes to a broker as soon as one of
the broker's partitions has a batch that is due; the others then ride along, full or not.

With idempotence nothing leaves before InitProducerId has given the producer its id. What
the id is for, and what happens when numbers do not fit, is told in accumulator.py.

Sources: `Sender`, `KafkaProducer`, KIP-98, KIP-91 (delivery.timeout.ms), KIP-480, KIP-794, KIP-951.

Not done: transactions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from minikafka.client.metadata import NO_LEADER, PartitionInfo, TopicInfo
from minikafka.client.node import ClientNode, Connection
from minikafka.node import MS, NEVER
from minikafka.producer.accumulator import (
    NO_OFFSET,
    Accumulator,
    PartitionQueue,
    ProducerBatch,
    ProducerId,
    ProducerStatistics,
    Record,
)
from minikafka.producer.config import ProducerConfig
from minikafka.producer.partitioner import StickyPartition, partition_of_key
from minikafka.record.batch import HEADER_BYTES
from minikafka.record.builder import RECORD_OVERHEAD_BYTES, size_upper_bound
from minikafka.record.compression import Compression, compress
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.init_producer_id import InitProducerIdRequest
from minikafka.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from minikafka.wire.types import ZERO_UUID

LAST_EPOCH = (1 << 15) - 1
LAST_VERSION_WITH_NAMES = 12  # from Produce 13 on topics go by their id (KIP-516)

NUMBERS_DO_NOT_FIT = (ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, ErrorCode.UNKNOWN_PRODUCER_ID)
"""The broker misses the numbers before these, or knows nothing of this producer any more."""


class SenderNode(ClientNode):
    """Accumulator, partitioner and connections of one producer."""

    def __init__(self, config: ProducerConfig) -> None:
        super().__init__(config)
        self.config = config
        self.accumulator = Accumulator(config)
        self._queues: dict[tuple[str, Any], PartitionQueue] = self.accumulator.queues
        self.producer: ProducerId | None = None
        self.fatal: KafkaError | None = None
        """Set when this producer can never send again."""
        self.turn_wanted = False
        """What `append` did lets something leave, or leave earlier than was planned."""
        self._untold: dict[object, None] = {}  # batches and calls with callbacks to return
        self._used_at: dict[str, int] = {}  # when a topic's last batch was opened
        self._sticky: dict[str, StickyPartition] = {}
        self._stuck_since: dict[int, int] = {}
        """Of each broker that has a batch to get, and takes no request."""
        self._asking_id = False
        self._id_attempts = 0
        self._id_not_before = 0
        self.compression_type = config.compression_type
        compress(Compression.by_name(config.compression_type), b"")  # is its package there?

    def start(self, now: int) -> None:
        if self.trace is not None:
            self.accumulator.emit = self.emit

    def statistics(self, now: int) -> ProducerStatistics:
        accumulator = self.accumulator
        total, free = accumulator.memory_bytes, accumulator.free_bytes
        in_flight = sum(len(connection.in_flight) for connection in self._connections.values())
        waiting = len(accumulator.line)
        metrics = accumulator.meter.metrics(now, in_flight, waiting, total, free)
        topics = {name: meter.of_topic(now) for name, meter in accumulator.topic_meters.items()}
        nodes = {node: meter.of_node(now) for node, meter in accumulator.node_meters.items()}
        queues = accumulator.statistics()
        return ProducerStatistics(total - free, total, queues, metrics, topics, nodes)

    # --- records come in -----------------------------------------------------------------
    def append(
        self, now: int, topic: str, partition: int | None, record: Record
    ) -> ProducerBatch | None:
        """Put a record into a batch.

        Returns the batch, in which it is the last record so far; None when the topic is not
        known yet (`knows`) or buffer.memory is used up. Raises KafkaError when the record
        is too large, the topic has an error, or the producer cannot send any more.
        """
        timestamp, key, value, headers = record
        sticky = None
        if partition is None:
            if key is None or self.config.partitioner_ignore_keys:
                sticky = self._sticky.get(topic) or self._new_sticky(topic)
                partition = sticky.current
            else:
                info = self._info(topic, None)
                if info is None:
                    return None
                partition = partition_of_key(key, len(info.partitions))
        size_bytes = RECORD_OVERHEAD_BYTES + len(key or b"") + len(value or b"")
        if headers:
            size_bytes = size_upper_bound(key, value, headers)
        # What an open batch has room for needs no other question: its first record was asked them.
        queue = self._queues.get((topic, partition))
        batch = queue.open if queue is not None and queue.is_known else None
        is_tight = False
        if batch is None or len(batch.body) + size_bytes > batch.room_bytes:
            is_tight = True
            batch = self._batch_for(now, topic, partition, sticky, record, size_bytes)
            if batch is None:
                return None
        if sticky is None:
            batch.append(timestamp, key, value, headers)
        else:
            before = len(batch.body) or -HEADER_BYTES  # a new batch counts with its header
            batch.append(timestamp, key, value, headers)
            sticky.count((len(batch.body) - before) * batch.expected_ratio)
        if is_tight and self.accumulator.is_full(batch):
            self.accumulator.close(self._queues[batch.key], "full")
            self.turn_wanted = True
        return batch

    def _batch_for(
        self,
        now: int,
        topic: str,
        partition: int,
        sticky: StickyPartition | None,
        record: Record,
        size_bytes: int,
    ) -> ProducerBatch | None:
        """The batch that a record belongs to, a new one if need be (`append`)."""
        info = self._info(topic, None if sticky else partition)
        if info is None:
            return None
        if size_bytes + HEADER_BYTES > self.config.max_request_size:
            self._require_fits(record, "max.request.size", self.config.max_request_size)
        if sticky is not None:
            self._maybe_draw(now, info, sticky, record)
            partition = sticky.current
        elif partition not in info.partitions:
            self.metadata.want_partition(topic, partition)  # there may be more by now
            return None
        batch = self.accumulator.batch_for(now, (topic, partition), record)
        self._queues[topic, partition].is_known = True
        if batch is None:
            self._require_fits(record, "buffer.memory", self.config.buffer_memory)
            self.turn_wanted |= self.accumulator.close_all("memory")
        elif batch.count == 0:
            self.turn_wanted = True  # it is new: linger.ms begins, and one before it may leave
            self._used_at[topic] = now
        return batch

    def _require_fits(self, record: Record, config: str, limit_bytes: int) -> None:
        size_bytes = HEADER_BYTES + size_upper_bound(*record[1:])
        if size_bytes > limit_bytes:
            raise KafkaError(
                ErrorCode.MESSAGE_TOO_LARGE,
                f"the record may take {size_bytes} bytes, {config} is {limit_bytes}",
            )

    def _info(self, topic: str, partition: int | None) -> TopicInfo | None:
        """What is known of a topic that records can be sent to."""
        info = self.metadata.topics.get(topic)
        if info is None or info.error is not None or self.fatal is not None:
            return self.metadata.topics[topic] if self.knows(topic, partition) else None
        return info

    def _learn_metadata(self, now: int, answer: Any) -> None:
        for queue in self._queues.values():
            queue.is_known = False
        super()._learn_metadata(now, answer)

    def knows(self, topic: str, partition: int | None) -> bool:
        """Whether a record for this topic and partition can be placed; asks for metadata if not.

        Raises KafkaError when it never can.
        """
        if self.fatal is not None:
            raise self.fatal
        info = self.metadata.want(topic)
        if info is None:
            return False
        if info.error is not None:
            if not info.error.retriable:
                self.metadata.forget(topic)
                raise info.error
            return False
        return bool(info.partitions) if partition is None else partition in info.partitions

    def _new_sticky(self, topic: str) -> StickyPartition:
        sticky = StickyPartition(self.config.batch_size, self.random)
        self._sticky[topic] = sticky
        return sticky

    def _maybe_draw(
        self, now: int, info: TopicInfo, sticky: StickyPartition, record: Record
    ) -> None:
        """Take another partition for a record without a key, if it is time for one."""
        if sticky.current in info.partitions and (
            not sticky.has_enough()
            or self.accumulator.open_batch((info.name, sticky.current), record) is not None
        ):
            return
        self.turn_wanted = True  # a batch may have been closed
        led = [number for number, partition in info.partitions.items() if partition.leader >= 0]
        choices = led or list(info.partitions)
        waiting = None
        if self.config.partitioner_adaptive_partitioning_enable:
            parts = info.partitions
            choices = [n for n in choices if self._is_available(now, parts[n])] or choices
            queue = self.accumulator.queue
            waiting = [queue((info.name, number)).backlog for number in choices]
        sticky.draw(choices, waiting)

    def _is_available(self, now: int, partition: PartitionInfo) -> bool:
        limit_us = self.config.partitioner_availability_timeout_ms * MS
        return limit_us == 0 or now - self._stuck_since.get(partition.leader, now) <= limit_us

    # --- batches go out --------------------------------------------------------------------
    def work(self, now: int) -> None:
        self.turn_wanted = False
        busy = self.accumulator.busy
        if busy:
            for batch in self.accumulator.expired(now):
                self._fail(now, batch, self._expired(batch))
            self.wake_at(self.accumulator.next_expiry())
            for queue in busy.values():
                if queue.unresolved or queue.restart_wanted:
                    self._maybe_restart(queue)
                if queue.refused:
                    self._maybe_hurry(queue)
        if self._has_id(now) and busy:
            self._send_due(now)

    def _maybe_hurry(self, queue: PartitionQueue) -> None:
        """No backoff before a leader that is newer than the one that refused (KIP-951)."""
        first = queue.pending[0]
        if self.metadata.epoch_of(*queue.key) > first.leader_epoch:
            first.retry_at = 0

    def topics_to_ask(self, now: int) -> list[str]:
        """Those with a batch within metadata.max.idle.ms; the others are forgotten (KIP-526)."""
        began = now - self.config.metadata_max_idle_ms * MS
        for topic in self.metadata.wanted.copy():
            if self._used_at.setdefault(topic, now) < began:
                del self._used_at[topic]
                self.metadata.forget(topic)
        return super().topics_to_ask(now)

    def _send_due(self, now: int) -> None:
        """Send to each broker of which a partition has a batch that is due."""
        linger_us = self.accumulator.linger_us
        leaders: dict[int, None] = {}
        for queue in self.accumulator.busy.values():
            at = queue.due_at(linger_us)
            if at <= now:
                leaders[self.metadata.leader_of(*queue.key)] = None
            elif at < NEVER:
                self.wake_at(at)
        limit, stuck = self.config.max_in_flight_requests_per_connection, self._stuck_since
        self._stuck_since = {}
        for leader in leaders:
            connection = self.ready(now, leader) if leader != NO_LEADER else None
            if connection is not None and len(connection.in_flight) < limit:
                self._send_to(now, connection, leader)
            else:
                self._stuck_since[leader] = stuck.get(leader, now)

    def _send_to(self, now: int, connection: Connection, leader: int) -> None:
        """Send requests as long as a batch is due and another one may be in flight."""
        limit = self.config.max_in_flight_requests_per_connection
        while len(connection.in_flight) < limit:
            batches = self._drain(now, leader)
            if not batches:
                return
            self._send_produce(now, connection, leader, batches)
            if not self._is_due(now, leader):
                return

    def _is_due(self, now: int, leader: int) -> bool:
        linger_us = self.accumulator.linger_us
        for queue in self.accumulator.busy.values():
            if queue.due_at(linger_us) <= now and self.metadata.leader_of(*queue.key) == leader:
                return True
        return False

    def _drain(self, now: int, leader: int) -> list[ProducerBatch]:
        """One batch of each partition, due or not, as many as max.request.size allows.

        At least one, if there is one.
        """
        accumulator, producer = self.accumulator, self.producer
        batches: list[ProducerBatch] = []
        size_bytes = 0
        for queue in list(accumulator.busy.values()):
            batch = accumulator.head(queue, now, producer)
            if batch is None or self.metadata.leader_of(*queue.key) != leader:
                continue
            size_bytes += batch.estimated_size_bytes
            if batches and size_bytes > self.config.max_request_size:
                break
            accumulator.take(queue, batch, now, producer)
            batches.append(batch)
        return batches

    def _send_produce(
        self, now: int, connection: Connection, leader: int, batches: list[ProducerBatch]
    ) -> None:
        topics: dict[str, TopicProduceData] = {}
        sent: dict[tuple[str | bytes, int], ProducerBatch] = {}
        at_most = None
        self.accumulator.meter.at(now).requests += 1
        for batch in batches:
            name, index = batch.key
            topic = topics.get(name)
            if topic is None:
                topic_id = self.metadata.topics[name].topic_id
                topic = topics[name] = TopicProduceData(name, topic_id, [])
                if topic_id == ZERO_UUID:
                    at_most = LAST_VERSION_WITH_NAMES
            batch.leader_epoch = self.metadata.epoch_of(*batch.key)
            data = batch.encode()
            if not batch.attempts:  # what is sent again was compressed before
                self.compressed_bytes += batch.uncompressed_bytes
            for counts in self.accumulator.counts(now, batch):
                counts.batch(batch.count, len(data), batch.compression_ratio, now - batch.opened_at)
            topic.partition_data.append(PartitionProduceData(index, data))
            sent[name, index] = sent[topic.topic_id, index] = batch
        body = ProduceRequest(
            acks=self.config.acks,
            timeout_ms=self.config.request_timeout_ms,
            topic_data=list(topics.values()),
        )
        self.send(now, connection, body, partial(self._produced, sent, leader, now), at_most)

    # --- answers come back ---------------------------------------------------------------
    def _produced(
        self,
        sent: Mapping[tuple[str | bytes, int], ProducerBatch],
        leader: int,
        sent_at: int,
        now: int,
        answer: Any,
    ) -> None:
        """A request is over. `sent` has its batches, by name and by id of their topics."""
        lost = isinstance(answer, KafkaError)
        if answer is None:  # acks=0: it has left, and no broker will say more
            for left in sent.values():
                if left.on_wire:
                    self._over(left)
                    self._acknowledge(now, left, NO_OFFSET, -1)
        elif not lost:
            self.accumulator.meter.at(now).answer(now - sent_at)
            self.accumulator.node_meters[leader].at(now).answer(now - sent_at)
            for topic in answer.responses:
                key = topic.name or topic.topic_id
                for partition in topic.partition_responses:
                    batch = sent.get((key, partition.index))
                    if batch is not None and batch.on_wire:
                        hint = partition.current_leader
                        if hint.leader_id != NO_LEADER:
                            self.metadata.learn_leader(*batch.key, hint, answer.node_endpoints)
                        self._answer(now, batch, partition)
        for batch in sent.values():
            if batch.on_wire:
                self._refused(now, batch, answer if lost else _missing())

    def _answer(self, now: int, batch: ProducerBatch, partition: Any) -> None:
        if partition.error_code == 0:
            self._over(batch)
            self._acknowledge(now, batch, partition.base_offset, partition.log_append_time_ms)
            return
        code = ErrorCode.of(partition.error_code)
        if code is ErrorCode.DUPLICATE_SEQUENCE_NUMBER:
            # The broker has it from an earlier sending, so long ago that it forgot where.
            self._over(batch)
            self._acknowledge(now, batch, NO_OFFSET, -1)
        else:
            where = "-".join(map(str, batch.key))
            why = partition.error_message or code.description
            error = KafkaError(code, f"{where}: {why}")
            if partition.record_errors and not batch.done:
                batch.record_errors = _by_record(error, partition.record_errors)
                why = "not appended, as its batch had invalid records"
                error = KafkaError(ErrorCode.INVALID_RECORD, f"{where}: {why}")
            self._refused(now, batch, error)

    def _over(self, batch: ProducerBatch) -> PartitionQueue:
        """The request with this batch is over, whatever became of it."""
        queue = self.accumulator.queue(batch.key)
        queue.in_flight -= 1
        queue.refused += not batch.done  # until it is sent again, or removed
        batch.on_wire = False
        return queue

    def _acknowledge(
        self, now: int, batch: ProducerBatch, offset: int, append_time_ms: int
    ) -> None:
        self.accumulator.queue(batch.key).acknowledged(batch)
        if batch.done:  # given up meanwhile; but the broker has it, and counts on from there
            return
        batch.base_offset = offset
        batch.log_append_time_ms = append_time_ms
        self.accumulator.remove(batch)
        if self.trace is not None:
            self.emit(
                "batch_acknowledged",
                topic=batch.key[0],
                partition=batch.key[1],
                base_offset=offset,
                records=batch.count,
                latency_us=now - batch.opened_at,
            )
        self._call_back(batch)

    def _refused(self, now: int, batch: ProducerBatch, error: KafkaError) -> None:
        """Decide whether to send a batch again, whole or in halves (`Sender.canRetry`)."""
        queue = self._over(batch)
        if batch.done:
            return
        if error.code is ErrorCode.MESSAGE_TOO_LARGE and batch.count > 1:
            self.accumulator.split(batch)
            self.accumulator.meter.at(now).splits += 1
            return
        if error.code.refresh:
            self.metadata.request_update()
        may_retry = error.retriable
        if error.code in NUMBERS_DO_NOT_FIT and batch.base_sequence >= 0:
            may_retry = True
            # Behind another one that is not through, this is to be expected. In front, it is a gap.
            queue.restart_wanted |= batch is queue.pending[0]
        if may_retry and batch.attempts < self.config.retries:
            batch.retry_at = now + self.backoff.delay_us(batch.attempts, self.random)
            batch.attempts += 1
            for counts in self.accumulator.counts(now, batch):
                counts.retried += batch.count
            self._emit_trouble("batch_retried", batch, error)
        else:
            self._fail(now, batch, error)

    def _fail(self, now: int, batch: ProducerBatch, error: KafkaError) -> None:
        if batch.base_sequence >= 0:
            self.accumulator.queue(batch.key).unresolved = True
        batch.error = error
        for counts in self.accumulator.counts(now, batch):
            counts.failed += batch.count
        self._emit_trouble("batch_failed", batch, error)
        self.accumulator.remove(batch)
        self._call_back(batch)

    def _expired(self, batch: ProducerBatch) -> KafkaError:
        topic, partition = batch.key
        sent = batch.attempts + batch.on_wire
        return KafkaError(
            ErrorCode.REQUEST_TIMED_OUT,
            f"{batch.count} records for {topic}-{partition} expired after "
            f"delivery.timeout.ms = {self.config.delivery_timeout_ms}, sent {sent} times",
        )

    def _emit_trouble(self, kind: str, batch: ProducerBatch, error: KafkaError) -> None:
        self.emit(
            kind,
            topic=batch.key[0],
            partition=batch.key[1],
            records=batch.count,
            error=error.code.name,
        )

    def _call_back(self, batch: ProducerBatch) -> None:
        """Have the outcome told to those who asked, when the turn is over (`Node.calls`)."""
        if batch.callbacks:
            self._call_later(batch, [call for _, call in batch.callbacks])
            batch.callbacks = []

    def add_callback(self, batch: ProducerBatch, index: int, call: Callable[[], None]) -> bool:
        """Have `call` made after the turn in which a record is done; says whether it is already.

        Then the call waits for the next turn: it is never made in here, where a lock is held.
        """
        batch, index = batch.find(index)
        if batch.done:
            self._call_later(call, [call])
        else:
            batch.callbacks.append((index, call))
        return batch.done

    def _call_later(self, what: object, calls: list[Callable[[], None]]) -> None:
        self._untold[what] = None
        self.calls += calls
        # Behind them, with no lock held: taking one key out of a dict needs none.
        self.calls.append(partial(self._untold.pop, what))

    def all_told(self) -> Callable[[], bool]:
        """A question: is all that there is now acknowledged or failed, and was everybody told?"""
        left, waited = deque(self.accumulator), list(self._untold)

        def is_told() -> bool:
            while left:  # what is done once stays so, and is not looked at again
                ends = list(left[0].ends())
                if not all(end.done for end in ends):
                    return False
                waited.extend(ends)
                left.popleft()
            return self._untold.keys().isdisjoint(waited)

        return is_told

    def stop(self, now: int) -> None:
        """Whatever is left will never be acknowledged."""
        why = f"{self.name} was closed before this was acknowledged"
        self._fail_all(now, KafkaError(ErrorCode.REQUEST_TIMED_OUT, why))

    def _fail_all(self, now: int, error: KafkaError) -> None:
        for batch in list(self.accumulator):
            self._fail(now, batch, error)

    # --- who I am (idempotence) --------------------------------------------------------------
    def _has_id(self, now: int) -> bool:
        """Whether batches may leave; asks for a producer id once there is something to send."""
        if not self.config.enable_idempotence or self.producer is not None:
            return True
        if self._asking_id or self.fatal is not None or not self.metadata.wanted:
            return False
        if now < self._id_not_before:
            self.wake_at(self._id_not_before)
            return False
        connection = self.any_ready(now)
        if connection is not None:
            self._ask_id(now, connection)
        return False

    def _ask_id(self, now: int, connection: Connection) -> None:
        body = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=(1 << 31) - 1)
        self._asking_id = True
        self.send(now, connection, body, self._learn_id)

    def _learn_id(self, now: int, answer: Any) -> None:
        self._asking_id = False
        if not isinstance(answer, KafkaError):
            if answer.error_code == ErrorCode.NONE:
                self._id_attempts = 0
                self._become(ProducerId(answer.producer_id, answer.producer_epoch))
                return
            answer = KafkaError(answer.error_code)
        if answer.retriable:
            self._id_not_before = now + self.backoff.delay_us(self._id_attempts, self.random)
            self._id_attempts += 1
        else:
            self._die(now, answer)

    def _become(self, producer: ProducerId) -> None:
        self.producer = producer
        self.emit("producer_id", producer_id=producer.producer_id, epoch=producer.epoch)

    def _die(self, now: int, error: KafkaError) -> None:
        self.fatal = error
        self._fail_all(now, error)

    def _maybe_restart(self, queue: PartitionQueue) -> None:
        """Number a partition anew if it has a gap and all answers."""
        queue.maybe_resolve()
        if not queue.restart_wanted or queue.in_flight or self.producer is None:
            return
        if self.producer == queue.producer:
            if self.producer.epoch == LAST_EPOCH:
                self.producer = None  # epochs are used up: ask for another id
                return
            self._become(self.producer._replace(epoch=self.producer.epoch + 1))
        queue.restart(self.producer)


def _missing() -> KafkaError:
    return KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, "missing in the broker's answer")


def _by_record(error: KafkaError, wrong: list[Any]) -> dict[int, KafkaError]:
    """The error of each record at fault; the broker has one code for all of them (KIP-467)."""
    code = error.code if len(wrong) == 1 else ErrorCode.INVALID_RECORD
    return {
        each.batch_index: KafkaError(code, each.batch_index_error_message or str(error))
        for each in wrong
    }
