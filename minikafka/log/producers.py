"""Who wrote what last: how a retry is told from a new batch (KIP-98).

A producer with `enable.idempotence` numbers its records per partition. The log keeps,
for each producer id, the current epoch and its last five batches:

    producer 7, epoch 2      sequences  0..4   5..5   6..10   11..11   12..14
                             offsets  100..104  107   110..114  120   121..123

    arrives                      answer
    epoch 2, sequences 15..17    in order: append
    epoch 2, sequences 6..10     a retry whose first attempt was written: offset 110 again
    epoch 2, sequences 18..18    something is missing: OUT_OF_ORDER_SEQUENCE_NUMBER
    epoch 3, sequence 0          a new epoch begins at 0: append
    epoch 1, anything            a zombie: INVALID_PRODUCER_EPOCH

Five, because a producer has at most five requests in flight on a connection, so no
older batch can come again. A producer that the log does not know (its records were
deleted, or it was silent for `producer.id.expiration.ms`) may go on with any sequence.

The state at an offset is a function of the records before it. It is written to
`<offset>.snapshot` when a segment is rolled and when the log is closed, so that after
a crash only the records after the last snapshot need to be looked at:

    0  version = 1   int16
    2  crc           uint32   CRC-32C over the rest
    6  count         int32, then for each producer: id int64, epoch int16, last sequence int32,
                     last offset int64, offset delta int32, timestamp int64, coordinator
                     epoch int32, first offset of its open transaction int64 (-1: none)

A snapshot holds the last batch only, in Kafka's format, so after a restart older duplicates
are refused as out of order, not recognised. A producer whose answers got lost with several
batches on their way then numbers them anew and writes them again (accumulator.py), in Kafka
as here. See ProducerStateManager and ProducerStateEntry.

Not done: transactions are tracked (open, ended by a marker) but do not hold back
readers, and no transaction index is written.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from minikafka.log.checkpoint import Emit, read_checked
from minikafka.log.files import Files
from minikafka.log.names import SNAPSHOT_SUFFIX, file_name, offset_of
from minikafka.record.batch import BatchHeader
from minikafka.record.control import ControlType, decode_control_key, decode_end_txn_marker
from minikafka.record.crc import crc32c
from minikafka.record.records import Record
from minikafka.wire.errors import ErrorCode, KafkaError

BATCHES_KEPT = 5
SNAPSHOT_VERSION = 1
NO_OFFSET = -1
LAST_SEQUENCE = (1 << 31) - 1
"""After it comes 0 again."""

_PREFIX = struct.Struct(">hI")
_COUNT = struct.Struct(">i")
_ENTRY = struct.Struct(">qhiqiqiq")


class DamagedSnapshot(ValueError):
    """A snapshot file that is not what was written; an older one must do."""


class SentBatch(NamedTuple):
    """What is remembered of a batch: enough to recognise it and to answer for it again."""

    last_sequence: int
    last_offset: int
    offset_delta: int
    timestamp: int

    @property
    def first_offset(self) -> int:
        return self.last_offset - self.offset_delta

    @property
    def first_sequence(self) -> int:
        return (self.last_sequence - self.offset_delta) & LAST_SEQUENCE


# Straight to tuple's constructor: SentBatch(...) would cost a call more.
_new_sent: Callable[[type[SentBatch], tuple[int, int, int, int]], SentBatch] = tuple.__new__


class ProducerState:
    """One producer as this partition knows it.

    Invariant: `batches` are all of `epoch`, oldest first, at most five.
    """

    __slots__ = ("batches", "coordinator_epoch", "epoch", "last_timestamp", "open_since")

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.batches: list[SentBatch] = []
        self.coordinator_epoch = -1
        self.last_timestamp = -1
        self.open_since = NO_OFFSET  # first offset of its open transaction

    def next_sequence(self, epoch: int) -> int:
        """What a batch of `epoch` must begin with; a new epoch begins at 0."""
        if epoch == self.epoch and self.batches:
            return (self.batches[-1].last_sequence + 1) & LAST_SEQUENCE
        return 0

    def sent(self, header: BatchHeader) -> SentBatch | None:
        """The remembered batch that has this one's epoch and sequences."""
        if header.producer_epoch != self.epoch:
            return None
        first, last = header.base_sequence, header.last_sequence
        for sent in self.batches:
            if sent.last_sequence == last and sent.first_sequence == first:
                return sent
        return None

    def __repr__(self) -> str:
        last = self.batches[-1].last_sequence if self.batches else "none"
        return f"ProducerState(epoch {self.epoch}, last sequence {last})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ProducerState):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # it changes


class Producers:
    """The state of all producers at the end of the log, and the snapshots of earlier offsets."""

    __slots__ = ("directory", "emit", "expiration_ms", "files", "snapshots", "states")

    def __init__(self, files: Files, directory: str, expiration_ms: int, emit: Emit) -> None:
        self.files = files
        self.emit = emit
        self.directory = directory
        self.expiration_ms = expiration_ms
        self.states: dict[int, ProducerState] = {}
        self.snapshots: list[int] = sorted(
            offset
            for name in files.list(directory)
            if (offset := offset_of(name, SNAPSHOT_SUFFIX)) is not None
        )

    # --- an append -----------------------------------------------------------------

    def check(self, header: BatchHeader, from_client: bool) -> SentBatch | None:
        """None when the batch may follow what its producer wrote last; else the one it repeats.

        Raises KafkaError when it is neither. Sequences are asked of clients only:
        coordinators number nothing.
        """
        state = self.states.get(header.producer_id)
        if state is None:
            return None
        if header.producer_epoch < state.epoch:
            raise KafkaError(
                ErrorCode.INVALID_PRODUCER_EPOCH,
                f"producer {header.producer_id} has epoch {header.producer_epoch}, "
                f"it has been fenced by epoch {state.epoch}",
            )
        if from_client:
            expected = state.next_sequence(header.producer_epoch)
            if header.base_sequence != expected:
                repeated = state.sent(header)
                if repeated is None:
                    raise KafkaError(
                        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
                        f"producer {header.producer_id} epoch {header.producer_epoch} sends "
                        f"sequence {header.base_sequence}, {expected} comes next",
                    )
                return repeated
        if state.open_since != NO_OFFSET and not (header.is_transactional or header.is_control):
            raise KafkaError(
                ErrorCode.INVALID_TXN_STATE,
                f"producer {header.producer_id} writes outside of the transaction "
                f"that it began at offset {state.open_since}",
            )
        return None

    def update(self, header: BatchHeader, base_offset: int, timestamp: int) -> None:
        """The batch is in the log at `base_offset`, with `timestamp` its largest: remember it."""
        state = self.states.get(header.producer_id)
        if state is None or state.epoch != header.producer_epoch:
            state = self._state(header)
        delta = header.last_offset_delta
        batches = state.batches
        batches.append(
            _new_sent(SentBatch, (header.last_sequence, base_offset + delta, delta, timestamp))
        )
        if len(batches) > BATCHES_KEPT:
            del batches[0]
        state.last_timestamp = timestamp
        if state.open_since == NO_OFFSET and header.is_transactional:
            state.open_since = base_offset

    def end_transaction(self, header: BatchHeader, marker: Record) -> None:
        """A commit or abort marker is in the log: its producer's transaction is over."""
        if decode_control_key(marker.key) not in (ControlType.ABORT, ControlType.COMMIT):
            return
        state = self._state(header)
        state.coordinator_epoch = decode_end_txn_marker(marker.value)
        state.last_timestamp = marker.timestamp
        state.open_since = NO_OFFSET

    def _state(self, header: BatchHeader) -> ProducerState:
        """The state to be changed; a new epoch forgets the batches of the old one."""
        state = self.states.get(header.producer_id)
        if state is None:
            state = self.states[header.producer_id] = ProducerState(header.producer_epoch)
        elif state.epoch != header.producer_epoch:
            state.epoch = header.producer_epoch
            state.batches = []
        return state

    def expire(self, now: int) -> None:
        """Forget producers that were silent for too long. `now` in ms."""
        for producer_id, state in list(self.states.items()):
            if self._is_expired(state, now):
                del self.states[producer_id]

    def _is_expired(self, state: ProducerState, now: int) -> bool:
        return state.open_since == NO_OFFSET and now - state.last_timestamp >= self.expiration_ms

    # --- snapshots -------------------------------------------------------------------

    def take_snapshot(self, offset: int, flush: bool = False) -> None:
        """Write the state as that of `offset`, which is the end of the log, unless it is there.

        Not flushed when a segment rolls: a torn snapshot is noticed by its CRC.
        """
        if self.snapshots and self.snapshots[-1] == offset:
            return
        file = self.files.open(self._path(offset))
        file.truncate(0)
        file.append(encode_snapshot(self.states))
        if flush:
            file.flush()
        file.close()
        self.snapshots.append(offset)

    def load(self, log_start_offset: int, end_offset: int, now: int) -> int:
        """Go back to the best snapshot up to `end_offset`; returns its offset.

        Without any, that is the log start offset. Damaged ones, which are told, and those of a
        log that was longer, are deleted. `now` in ms: who has expired meanwhile is not loaded.
        """
        self.states = {}
        while self.snapshots:
            offset = self.snapshots[-1]
            if offset <= end_offset:
                states = read_checked(self.files, self._path(offset), decode_snapshot, self.emit)
                if states is not None:
                    self.states = {
                        producer_id: state
                        for producer_id, state in states.items()
                        if not self._is_expired(state, now)
                    }
                    return max(offset, log_start_offset)
            self._delete(offset)
        return log_start_offset

    def forget_snapshots(self, keep: list[int]) -> None:
        """Delete all snapshots but the latest and those at the offsets in `keep`.

        Kept are the starts of segments: from there recovery and truncation begin to read.
        """
        for offset in sorted(set(self.snapshots[:-1]) - set(keep)):
            self._delete(offset)

    def forget_all(self) -> None:
        """The log begins anew, empty."""
        self.states = {}
        for offset in list(self.snapshots):
            self._delete(offset)

    def _delete(self, offset: int) -> None:
        self.files.remove(self._path(offset))
        self.snapshots.remove(offset)

    def _path(self, offset: int) -> str:
        return f"{self.directory}/{file_name(offset)}{SNAPSHOT_SUFFIX}"


def encode_snapshot(states: dict[int, ProducerState]) -> bytes:
    """The content of a snapshot file."""
    parts = [_COUNT.pack(len(states))]
    for producer_id, state in states.items():
        last = state.batches[-1] if state.batches else SentBatch(-1, -1, 0, -1)
        parts.append(
            _ENTRY.pack(
                producer_id,
                state.epoch,
                last.last_sequence,
                last.last_offset,
                last.offset_delta,
                state.last_timestamp,
                state.coordinator_epoch,
                state.open_since,
            )
        )
    body = b"".join(parts)
    return _PREFIX.pack(SNAPSHOT_VERSION, crc32c(body)) + body


def decode_snapshot(data: bytes) -> dict[int, ProducerState]:
    """The states in a snapshot file. Raises DamagedSnapshot."""
    if len(data) < _PREFIX.size + _COUNT.size:
        raise DamagedSnapshot(f"{len(data)} bytes are too few for a snapshot")
    version, crc = _PREFIX.unpack_from(data)
    body = memoryview(data)[_PREFIX.size :]
    if version != SNAPSHOT_VERSION:
        raise DamagedSnapshot(f"version {version}, not {SNAPSHOT_VERSION}")
    if crc32c(body) != crc:
        raise DamagedSnapshot(f"CRC {crc:#010x}, its bytes have {crc32c(body):#010x}")
    (count,) = _COUNT.unpack_from(body)
    entries = body[_COUNT.size :]
    if len(entries) != count * _ENTRY.size:
        raise DamagedSnapshot(f"{len(entries)} bytes for {count} producers")
    states = {}
    for entry in _ENTRY.iter_unpack(entries):
        producer_id, epoch, last_sequence, last_offset, delta, timestamp, coordinator, since = entry
        state = states[producer_id] = ProducerState(epoch)
        state.last_timestamp, state.coordinator_epoch, state.open_since = (
            timestamp,
            coordinator,
            since,
        )
        if last_offset >= 0:
            state.batches.append(SentBatch(last_sequence, last_offset, delta, timestamp))
    return states
