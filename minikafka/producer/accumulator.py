"""Records become batches here: one open batch per partition, and the reason why it closes.

    topic-0   pending ▐0-9▌▐10-19▌   waiting ▐ ▌▐ ▌   open ▐··  ▌◄─ append
              sent, not answered     closed           the next record goes here

    full      it has batch.size bytes, or the next record would take it beyond
    linger    it has been open for linger.ms
    request   another batch was leaving for the same broker, so this one rides along
    memory    buffer.memory is used up, and waiting for more records would not free any
    flush     flush() was called
    close     the producer is closing
    split     it is half of a batch that was too large for the broker

The textbook appends to a list and sends it when a timer fires. Two things make the
difference: under load batches close because they are full and linger.ms never matters;
and while `max.in.flight.requests.per.connection` requests are out, everything waits here
and the batches grow by themselves, which is what keeps a slow broker from being flooded
with small requests.

**Order.** A batch keeps its place from its first sending to its last: it stays in `pending`,
in order, until it is acknowledged or has failed, and when it has to be sent again, nothing
behind it leaves before it (`PartitionQueue.next_batch`). With one request in flight the
order is that of the calls to send. With more, only idempotence keeps it: of two batches on
their way the first may be refused and the second appended; with sequence numbers the
broker refuses the second as well.

**Sequence numbers** (KIP-98, KIP-360). A batch gets its first sequence number when it is sent
for the first time and keeps it when it is sent again; so a broker that has it already says
so, and nothing is written twice. What a failed batch leaves behind is a gap or not, depending
on whether it was written after all, and only the broker knows. Hence: new batches stop
(`unresolved`), those behind it keep their numbers and are sent again. If the broker accepts
them, there was no gap. If it answers OUT_OF_ORDER_SEQUENCE_NUMBER to the first in line, there
is one: when all answers are in, the partition takes the next producer epoch and numbers what
is left from 0 (`restart`). Here alone a record may be written twice: a broker that was restarted
knows a producer's last batch only, and takes an older one that it has for a gap (as in Kafka,
see `TransactionManager.canRetry`). Only transactions rule that out.

**Splitting.** A broker may take less (`max.message.bytes`) than batch.size allows. A batch that it
answers with MESSAGE_TOO_LARGE is cut in two, and each half again if need be, until what is too
large is a single record: that fails. The halves take the batch's place in the queue, its sequence
numbers and its memory, and leave without a backoff. (Kafka 4.3 fills new batches up to half of its
size, which leaves a small third one.) Futures keep what they know, the batch and a place in it; the
batch says where that record is now (`ProducerBatch.find`). (A batch that
was written, and is sent again as its answer was lost, meets no such refusal unless the limit was
lowered in between: then its halves have numbers that no broker knows, and are written again.)

**Compression.** A batch is full when it would have batch.size bytes after compression. That is a
guess from the topic's last batches: when one compressed better than expected, the next is expected
to be a little better (by 0.005), when worse, at once as bad. Until it closes, a batch holds its
records as they are; where it wants to go beyond batch.size it has to reserve that memory as well,
and is full if there is none. (Kafka feeds a compressor as records come, and needs batch.size only.)
As soon as it closes it is compressed, and what it reserved more is given back.

**Memory.** A batch reserves batch.size (or its first record's size, if that is larger) out of
buffer.memory when it opens, and gives it back when it is done, as Kafka's `BufferPool` does. It
exists once: when it is sent, its bytes take the place of what the records were collected in, and
a batch that is sent again is the same bytes, neither built nor compressed anew. Threads that wait
for memory get it in the order in which they came; who comes later and finds enough just takes it.

Nothing in this file knows brokers, connections or requests: that is sender.py.

Sources: `RecordAccumulator`, `ProducerBatch`, `CompressionRatioEstimator`, `BufferPool`,
`TransactionManager`, `TxnPartitionEntry`.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, takewhile
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from minikafka.node import MS, NEVER
from minikafka.producer.metrics import Counts, Meter, NodeMetrics, ProducerMetrics, TopicMetrics
from minikafka.record.batch import HEADER_BYTES, read_header
from minikafka.record.builder import BatchBuilder, size_upper_bound
from minikafka.record.compression import Compression, level_of
from minikafka.record.records import Header, decode
from minikafka.wire.errors import KafkaError

if TYPE_CHECKING:
    from minikafka.producer.config import ProducerConfig

Key = tuple[str, int]
"""Topic and partition number. A plain tuple: it is looked up once per record."""

Record = tuple[int, bytes | None, bytes | None, Sequence[Header]]
"""Timestamp in ms, key, value, headers."""

EXPECTED_MORE = 1.05
RATIO_BETTER = 0.005
RATIO_WORSE = 0.05
SEQUENCE_MASK = (1 << 31) - 1  # after 2**31 - 1 comes 0
NO_OFFSET = -1


@dataclass(frozen=True, slots=True)
class QueueStatistics:
    """What one partition has: an open batch, closed ones, sent ones."""

    topic: str
    partition: int
    open_records: int
    open_bytes: int
    waiting_batches: int
    pending_batches: int


@dataclass(frozen=True, slots=True)
class ProducerStatistics:
    """Only partitions with a batch are listed."""

    reserved_bytes: int
    memory_bytes: int
    queues: tuple[QueueStatistics, ...]
    metrics: ProducerMetrics
    topics: Mapping[str, TopicMetrics]
    nodes: Mapping[int, NodeMetrics]


class ProducerId(NamedTuple):
    """Who numbers the batches. An epoch may restart the numbers; an older epoch is refused."""

    producer_id: int
    epoch: int


class ProducerBatch(BatchBuilder):
    """The records that are sent, acknowledged and retried together, and what became of them."""

    attempts = 0  # how often it was sent in vain
    retry_at = 0
    leader_epoch = -1  # of the leader that it was sent to last
    on_wire = False
    data = b""
    """What is sent: header and records. From then on `body` is empty."""
    uncompressed_bytes = 0  # of `data`
    compression_ratio = 1.0  # of the records in `data`: size after / before
    expected_ratio: float = 1  # what is expected of that while records come in
    room_bytes = 0  # as long as `body` stays below, no other question is to be asked
    halves: tuple[ProducerBatch, ...] = ()
    """What it was split into; from then on nothing is true of itself, and all of them."""
    # The outcome, once `done`: an error, or where the records are.
    done = False
    error: KafkaError | None = None
    record_errors: Mapping[int, KafkaError] = MappingProxyType({})  # of its records, by index
    base_offset = NO_OFFSET
    log_append_time_ms = -1

    def __init__(
        self,
        key: Key,
        compression: Compression,
        level: int | None,
        opened_at: int,
        reserved_bytes: int,
        owner: Any = None,
    ) -> None:
        super().__init__(compression, level=level)
        self.key = key
        self.opened_at = opened_at
        self.reserved_bytes = reserved_bytes
        self.owner = owner
        """The Producer, for the futures of all records: one reference, not one for each."""
        self.callbacks: list[tuple[int, Callable[[], None]]] = []  # by the record's index

    def __repr__(self) -> str:
        topic, partition = self.key
        sequence = f", sequence {self.base_sequence}" if self.base_sequence >= 0 else ""
        return f"ProducerBatch({topic}-{partition}, {self.count} records{sequence})"

    @property
    def estimated_size_bytes(self) -> int:
        """Size of the batch as it is sent, or is expected to be as long as it is open."""
        return len(self.data) or HEADER_BYTES + int(len(self.body) * self.expected_ratio)

    def encode(self) -> bytes:
        """The batch as it is sent, with the numbers that it has now."""
        if not self.data:
            self.data = self.build()
            self.uncompressed_bytes = HEADER_BYTES + len(self.body)
            # It is empty where a send was interrupted behind its opening.
            self.compression_ratio = (len(self.data) - HEADER_BYTES) / (len(self.body) or 1)
            self.body.clear()
        else:
            header = read_header(self.data)
            numbers = header.producer_id, header.producer_epoch, header.base_sequence
            if numbers != (self.producer_id, self.producer_epoch, self.base_sequence):
                self.data = self.build_around(memoryview(self.data)[HEADER_BYTES:])
        return self.data

    def finish(self) -> None:
        """Keep the outcome for the futures, but not the records."""
        self.done = True
        self._drop()

    def _drop(self) -> None:
        self.data = b""
        self.body.clear()

    def error_of(self, index: int) -> KafkaError | None:
        """Why this record failed; the others of its batch may have failed only with it."""
        return self.error and self.record_errors.get(index, self.error)

    def find(self, index: int) -> tuple[ProducerBatch, int]:
        """Where the record is that came in as number `index`: in a half, if this was split."""
        batch = self
        while batch.halves:
            first, second = batch.halves
            batch, index = (first, index) if index < first.count else (second, index - first.count)
        return batch, index

    def ends(self) -> Iterator[ProducerBatch]:
        """Itself, or the batches that its records are in after all splitting."""
        if self.halves:
            for half in self.halves:
                yield from half.ends()
        else:
            yield self

    def split(self) -> tuple[ProducerBatch, ProducerBatch]:
        """Two batches of about the same size, with its records, numbers, memory and callbacks."""
        data = self.encode()
        records = decode(data, 0, read_header(data), check_crc=False)
        sizes = list(accumulate(size_upper_bound(r.key, r.value, r.headers) for r in records))
        below_half = sum(size * 2 < sizes[-1] for size in sizes)
        cut = min(below_half + 1, len(records) - 1)
        share = self.reserved_bytes * sizes[cut - 1] // sizes[-1]
        first, second = self._part(share), self._part(self.reserved_bytes - share)
        for index, record in enumerate(records):
            part = first if index < cut else second
            part.append(record.timestamp, record.key, record.value, record.headers)
        for index, call in self.callbacks:
            if index < cut:
                first.callbacks.append((index, call))
            else:
                second.callbacks.append((index - cut, call))
        if self.base_sequence >= 0:
            second.base_sequence = (self.base_sequence + cut) & SEQUENCE_MASK
        self.halves = first, second  # only now: futures look here without a lock
        self._drop()
        return first, second

    def _part(self, reserved_bytes: int) -> ProducerBatch:
        part = ProducerBatch(self.key, self.compression, self.level, self.opened_at, reserved_bytes)
        part.producer_id, part.producer_epoch = self.producer_id, self.producer_epoch
        part.base_sequence = self.base_sequence
        return part


class PartitionQueue:
    """All batches of one partition, in order, and the sequence numbers it gives them."""

    __slots__ = (
        "in_flight",
        "is_known",
        "key",
        "last_acknowledged",
        "next_sequence",
        "open",
        "pending",
        "producer",
        "refused",
        "restart_wanted",
        "unresolved",
        "waiting",
    )

    def __init__(self, key: Key) -> None:
        self.key = key
        # Invariant: all of pending opened before all of waiting, and those before open.
        self.pending: deque[ProducerBatch] = deque()
        self.waiting: deque[ProducerBatch] = deque()
        self.open: ProducerBatch | None = None
        self.is_known = False  # the newest metadata was seen to have topic and partition
        self.in_flight = 0  # answers to come; also for batches that were given up meanwhile
        # How many wait to be sent again: everything behind the first of them waits too.
        self.refused = 0  # Invariant: as many of pending are not on_wire
        self.producer: ProducerId | None = None  # whose numbers these are
        self.next_sequence = 0
        self.last_acknowledged = -1
        self.unresolved = False  # a numbered batch failed: it may be in the log or not
        self.restart_wanted = False  # there is a gap: number anew

    def __repr__(self) -> str:
        return (
            f"PartitionQueue({self.key[0]}-{self.key[1]}, {len(self.pending)} pending, "
            f"{len(self.waiting)} waiting, {'1' if self.open else '0'} open)"
        )

    def __len__(self) -> int:
        return len(self.pending) + len(self.waiting) + (self.open is not None)

    def __iter__(self) -> Iterator[ProducerBatch]:
        yield from self.pending
        yield from self.waiting
        if self.open is not None:
            yield self.open

    @property
    def backlog(self) -> int:
        """How many batches are not on their way to the broker."""
        return self.refused + len(self.waiting) + (self.open is not None)

    def due_at(self, linger_us: int) -> int:
        """When the next batch wants to leave; NEVER while an answer has to come first."""
        if self.restart_wanted:
            return NEVER if self.in_flight else 0
        if self.refused:
            first = self.pending[0]
            return NEVER if first.on_wire else first.retry_at
        if self.unresolved and (self.pending or self.in_flight):
            return NEVER
        if self.waiting:
            return 0
        return self.open.opened_at + linger_us if self.open is not None else NEVER

    # --- sequence numbers --------------------------------------------------------------
    def number(self, batch: ProducerBatch, producer: ProducerId) -> None:
        """Give a batch its sequence number, for good unless the queue is restarted."""
        if self.producer != producer:
            assert not self.pending, f"{self} changes its epoch with batches of the old one"
            self._begin(producer)
        batch.producer_id, batch.producer_epoch = producer
        batch.base_sequence = self.next_sequence
        self.next_sequence = (self.next_sequence + batch.count) & SEQUENCE_MASK

    def acknowledged(self, batch: ProducerBatch) -> None:
        """The broker has this batch, and so everything that was numbered before it."""
        if batch.base_sequence >= 0:
            self.last_acknowledged = (batch.base_sequence + batch.count - 1) & SEQUENCE_MASK

    def maybe_resolve(self) -> None:
        """When all answers are in: either the broker took the failed numbers, or there is a gap."""
        if self.unresolved and not self.pending and not self.in_flight:
            self.unresolved = False
            self.restart_wanted = self.next_sequence != (self.last_acknowledged + 1) & SEQUENCE_MASK

    def restart(self, producer: ProducerId) -> None:
        """Number everything that is not acknowledged from 0, in a new epoch."""
        assert self.in_flight == 0, f"{self} is numbered anew with {self.in_flight} answers to come"
        again, self.pending = self.pending, deque()
        self._begin(producer)
        for batch in again:
            self.number(batch, producer)
        self.pending = again

    def _begin(self, producer: ProducerId) -> None:
        self.producer = producer
        self.next_sequence = 0
        self.last_acknowledged = -1
        self.unresolved = self.restart_wanted = False


class Accumulator:
    """All open and waiting batches of a producer, within buffer.memory."""

    def __init__(self, config: ProducerConfig) -> None:
        self.batch_size = config.batch_size
        self._largest_bytes = config.max_request_size - HEADER_BYTES  # of a record
        self.linger_us = config.linger_ms * MS
        self.delivery_timeout_us = config.delivery_timeout_ms * MS
        self._expiry_at = NEVER  # no batch expires before; moved on when it has come
        self.memory_bytes = config.buffer_memory
        self.reserved_bytes = 0
        # Invariant: 0 <= reserved_bytes <= memory_bytes
        self.line: list[Any] = []
        """The records that wait for memory, in the order in which they came."""
        self.queues: dict[Key, PartitionQueue] = {}
        """Of every partition that a record was ever sent to."""
        self.busy: dict[Key, PartitionQueue] = {}
        """The queues that are not empty, the one to be served next first."""
        self._compression = Compression.by_name(config.compression_type)
        self._level = level_of(self._compression, config)
        self._ratios: dict[str, float] = {}  # by topic: what its last batches compressed to
        # Here and not in the node: with more than 30 attributes Python finds each more slowly.
        meter = partial(Meter, config.metrics_sample_window_ms, config.metrics_num_samples)
        self.meter = meter()
        self.topic_meters = defaultdict[str, Meter](meter)
        self.node_meters = defaultdict[int, Meter](meter)
        self.emit: Callable[..., None] | None = None
        """`Node.emit`, when there is a trace."""
        self.owner: Any = None
        """What batches have as their `owner`."""

    def counts(self, now: int, batch: ProducerBatch) -> tuple[Counts, Counts]:
        """Where to count what becomes of a batch: for all, and for its topic."""
        return self.meter.at(now), self.topic_meters[batch.key[0]].at(now)

    def statistics(self) -> tuple[QueueStatistics, ...]:
        return tuple(
            QueueStatistics(
                *queue.key,
                queue.open.count if queue.open else 0,
                queue.open.estimated_size_bytes if queue.open else 0,
                len(queue.waiting),
                len(queue.pending),
            )
            for queue in self.busy.values()
        )

    @property
    def free_bytes(self) -> int:
        return self.memory_bytes - self.reserved_bytes

    def __iter__(self) -> Iterator[ProducerBatch]:
        """All batches that are not done."""
        for queue in self.busy.values():
            yield from queue

    def queue(self, key: Key) -> PartitionQueue:
        queue = self.queues.get(key)
        if queue is None:
            queue = self.queues[key] = PartitionQueue(key)
        return queue

    def open_batch(self, key: Key, record: Record) -> ProducerBatch | None:
        """The open batch of a partition, if it has room for this record; else it is full."""
        queue = self.queues.get(key)
        batch = queue.open if queue is not None else None
        if batch is None or self._has_room(batch, batch.size_of(*record)):
            return batch
        self.close(self.queues[key], "full")
        return None

    def _has_room(self, batch: ProducerBatch, size_bytes: int) -> bool:
        """Whether a batch takes so much more; for what it holds uncompressed it needs memory."""
        left_bytes = self.batch_size - batch.estimated_size_bytes
        if size_bytes > left_bytes:
            return self._may_grow(batch) and self._has_room(batch, size_bytes)
        left_bytes = int(left_bytes / max(1, batch.expected_ratio))
        batch.room_bytes = len(batch.body) + min(left_bytes, self._largest_bytes)
        return True

    def is_full(self, batch: ProducerBatch) -> bool:
        """Whether it is full to the byte: then it need not wait for a record that does not fit."""
        limit_bytes = self.batch_size if batch.count > 1 else batch.reserved_bytes
        return batch.estimated_size_bytes >= limit_bytes

    def _may_grow(self, batch: ProducerBatch) -> bool:
        """Reserve for a batch what it can hold if it is compressed as is expected."""
        ratio = self._ratio(batch.key[0])
        if ratio >= batch.expected_ratio:
            return False
        held_bytes = max(batch.reserved_bytes, int(self.batch_size / ratio))
        if held_bytes - batch.reserved_bytes > self.free_bytes:
            return False
        self._reserve(batch, held_bytes)
        batch.expected_ratio = ratio
        return True

    def _reserve(self, batch: ProducerBatch, size_bytes: int) -> None:
        self.reserved_bytes += size_bytes - batch.reserved_bytes
        batch.reserved_bytes = size_bytes

    def _ratio(self, topic: str) -> float:
        """What to expect of a topic's records: size after / before compression, and 5 % more."""
        return self._ratios.get(topic, 1.0) * EXPECTED_MORE

    def _compress(self, batch: ProducerBatch) -> None:
        """From here on a batch holds what it is sent as, and the topic's next expects the same."""
        batch.encode()
        self._reserve(batch, min(batch.reserved_bytes, max(self.batch_size, len(batch.data))))
        topic, seen = batch.key[0], batch.compression_ratio
        expected = self._ratios.get(topic, 1.0)
        if seen > expected:
            self._ratios[topic] = max(expected + RATIO_WORSE, seen)
        else:
            self._ratios[topic] = max(expected - RATIO_BETTER, seen)

    def batch_for(self, now: int, key: Key, record: Record) -> ProducerBatch | None:
        """The batch of a partition that a record goes to: the open one, or a new one.

        None when buffer.memory has no room for a new one.
        """
        batch = self.open_batch(key, record)
        if batch is not None:
            return batch
        size_bytes = HEADER_BYTES + size_upper_bound(*record[1:])
        return self._open(now, self.queue(key), max(self.batch_size, size_bytes))

    def _open(self, now: int, queue: PartitionQueue, size_bytes: int) -> ProducerBatch | None:
        if self.reserved_bytes + size_bytes > self.memory_bytes:
            return None
        self.reserved_bytes += size_bytes
        batch = queue.open = ProducerBatch(
            queue.key, self._compression, self._level, now, size_bytes, self.owner
        )
        if self._compression is not Compression.NONE:
            batch.expected_ratio = max(1.0, self._ratio(queue.key[0]))
        left_bytes = int((self.batch_size - HEADER_BYTES) / batch.expected_ratio)
        batch.room_bytes = min(left_bytes, self._largest_bytes)
        self.busy[queue.key] = queue
        if now + self.delivery_timeout_us < self._expiry_at:
            self._expiry_at = now + self.delivery_timeout_us
        if self.emit is not None:
            self.emit("batch_opened", topic=queue.key[0], partition=queue.key[1])
        return batch

    def close(self, queue: PartitionQueue, reason: str) -> None:
        """End the open batch of a partition: it takes no more records and may leave."""
        batch = queue.open
        assert batch is not None
        queue.open = None
        queue.waiting.append(batch)
        self._emit_closed(batch, reason)
        if self._compression is not Compression.NONE:
            self._compress(batch)

    def _emit_closed(self, batch: ProducerBatch, reason: str) -> None:
        if self.emit is not None:
            self.emit(
                "batch_closed",
                topic=batch.key[0],
                partition=batch.key[1],
                records=batch.count,
                size_bytes=batch.estimated_size_bytes,
                reason=reason,
            )

    def close_all(self, reason: str) -> bool:
        """End every open batch; says whether there was one."""
        queues = [queue for queue in self.busy.values() if queue.open is not None]
        for queue in queues:
            self.close(queue, reason)
        return bool(queues)

    def head(
        self, queue: PartitionQueue, now: int, producer: ProducerId | None
    ) -> ProducerBatch | None:
        """The batch that a request to the partition's leader should carry, if there is one.

        The first that is to be sent again, else the first that waits, else the open one.
        None when an answer has to come first, or the backoff of a retry has to pass.
        """
        if queue.restart_wanted:
            return None
        if queue.refused:
            first = queue.pending[0]
            return None if first.on_wire or first.retry_at > now else first
        if queue.unresolved or (queue.pending and queue.producer != producer):
            return None
        return queue.waiting[0] if queue.waiting else queue.open

    def take(
        self, queue: PartitionQueue, batch: ProducerBatch, now: int, producer: ProducerId | None
    ) -> None:
        """The queue's `head` is sent now; it gets its number if there is a producer id."""
        if batch is queue.open:
            lingered = batch.opened_at + self.linger_us <= now
            self.close(queue, "linger" if lingered else "request")
        if queue.waiting and batch is queue.waiting[0]:
            queue.waiting.popleft()
            if producer is not None:
                queue.number(batch, producer)
            queue.pending.append(batch)
        else:
            queue.refused -= 1
        batch.on_wire = True
        queue.in_flight += 1
        # The next request begins with another partition, so that all get their turn.
        self.busy[queue.key] = self.busy.pop(queue.key)

    def split(self, batch: ProducerBatch) -> None:
        """Put two halves in the place of a batch that was sent and refused."""
        queue = self.queues[batch.key]
        at = queue.pending.index(batch)
        first, second = batch.split()
        self._ratios[batch.key[0]] = max(1.0, batch.compression_ratio)
        queue.pending[at] = first
        queue.pending.insert(at + 1, second)
        queue.refused += 1
        if self.emit is not None:
            self.emit(
                "batch_split", topic=batch.key[0], partition=batch.key[1], records=batch.count
            )
        for half in (first, second):
            half.encode()  # its memory is that of compressed records
            self._emit_closed(half, "split")

    def expired(self, now: int) -> list[ProducerBatch]:
        """The batches that were not acknowledged within delivery.timeout.ms, in order."""
        if now < self._expiry_at:
            return []
        began = now - self.delivery_timeout_us
        late = [
            batch
            for queue in self.busy.values()
            for batch in takewhile(lambda batch: batch.opened_at <= began, queue)
        ]
        others = [batch.opened_at for batch in self if batch.opened_at > began]
        self._expiry_at = min(others) + self.delivery_timeout_us if others else NEVER
        return late

    def next_expiry(self) -> int:
        """When `expired` wants to look again; NEVER without a batch."""
        return self._expiry_at if self.busy else NEVER

    def remove(self, batch: ProducerBatch) -> None:
        """A batch is done: forget it, and give its memory back."""
        queue = self.queues[batch.key]
        if batch in queue.pending:
            queue.pending.remove(batch)
            queue.refused -= not batch.on_wire
        elif batch is queue.open:
            queue.open = None
        else:
            queue.waiting.remove(batch)
        if not (queue.pending or queue.waiting or queue.open):
            del self.busy[batch.key]
        self.reserved_bytes -= batch.reserved_bytes
        batch.finish()
