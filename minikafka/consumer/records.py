"""From the bytes of a fetch to the records that poll hands out.

    bytes   ▐ batch 0-9 ▌▐ batch 10-19 ▌▐ batch 20-2      fetched from offset 13
    poll      skipped     13 … 19                         the last one is not complete

A broker answers with whole file slices, so what comes back begins at the start of the batch
that holds the offset asked for, and may end in the middle of another. Records before the
offset are dropped, the incomplete rest is fetched again.

A batch is decoded when its first record is asked for: with max.poll.records = 500 a
megabyte that was fetched is not a million objects at once. Control batches (the marks of
transactions) hold no records for the application; they only move the position.

With read_committed the broker answers only up to the last stable offset, before which every
transaction has ended, and says where aborted ones began:

    aborted   producer 7 from 11
    bytes     ▐ 7: 11-12 ▌▐ 8: 13 ▌▐ 7: 14 ▌▐ 7: ABORT ▌▐ 7: 16 ▌
    poll        skipped     13      skipped              16

From its first offset on a producer's batches are skipped, until its mark ABORT comes by.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable
from itertools import repeat
from typing import NamedTuple

from minikafka.client.arguments import TopicPartition
from minikafka.record.batch import BatchHeader, Buffer, batches, check_crc
from minikafka.record.control import ControlType, decode_control_key
from minikafka.record.errors import RecordError
from minikafka.record.records import Header, decode_columns
from minikafka.wire.errors import ErrorCode, KafkaError


class ConsumerRecord(NamedTuple):
    """A record as `poll` returns it. `timestamp_type`: 0 the producer's time, 1 the broker's.

    With `leader_epoch` somebody who keeps positions can `seek` behind it (KIP-320). -1: unknown.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    leader_epoch: int = -1


_new: Callable[[type[ConsumerRecord], tuple[object, ...]], ConsumerRecord] = tuple.__new__
"""Makes a record without a call of `ConsumerRecord.__new__`: half the time."""


class Fetched:
    """What one fetch brought of one partition: batches, and the records of a decoded one."""

    __slots__ = (
        "_aborted", "_at", "_batches", "_buffer", "_check_crcs", "_end", "_records", "_skipping",
        "epoch", "position", "tp",
    )  # fmt: skip

    def __init__(
        self,
        tp: TopicPartition,
        position: int,
        buffer: Buffer,
        check_crcs: bool,
        aborted: Iterable[tuple[int, int]] = (),
    ) -> None:
        """`position` is the offset that was asked for. Raises RecordError if no batch comes first.

        `aborted` are the first offset and the producer id of each aborted transaction.
        """
        self.tp = tp
        self.position = position  # the offset of the next record to hand out
        self.epoch = -1  # the leader epoch of the record before it
        self._aborted = deque(sorted(aborted))  # those that have not begun yet
        self._skipping: set[int] = set()  # producers in the middle of an aborted transaction
        self._buffer = buffer
        self._batches: deque[tuple[int, BatchHeader]] = deque()
        try:
            self._batches.extend(
                found for found in batches(buffer) if found[1].next_offset > position
            )
        except RecordError:
            if not self._batches:
                raise  # else the next fetch begins with it
        self._check_crcs = check_crcs
        self._records: list[ConsumerRecord] = []  # of the batch under way
        self._at = 0
        self._end = position  # the offset behind that batch

    @property
    def last_offset(self) -> int:
        """Of the last batch; -1 when nothing is left."""
        return self._batches[-1][1].last_offset if self._batches else -1

    @property
    def is_empty(self) -> bool:
        return self._at == len(self._records) and not self._batches

    def take(self, count: int) -> list[ConsumerRecord]:
        """The next records, at most `count`; fewer only when there are no more.

        Raises KafkaError(CORRUPT_MESSAGE) for a batch that cannot be read, once everything
        before it was taken; `position` then stays in front of it.
        """
        taken: list[ConsumerRecord] = []
        while len(taken) < count and not self.is_empty:
            if self._at == len(self._records):
                try:
                    self._open_batch()
                except RecordError as error:
                    if taken:
                        break
                    why = f"{self.tp} at offset {self.position}: {error}"
                    raise KafkaError(ErrorCode.CORRUPT_MESSAGE, why) from error
            some = self._records[self._at : self._at + count - len(taken)]
            self._at += len(some)
            taken += some
            # Behind the last record of a batch comes the next batch, and not always the next
            # offset: compaction takes records out, but leaves the batch's end where it was.
            self.position = self._end if self._at == len(self._records) else some[-1].offset + 1
        return taken

    def _open_batch(self) -> None:
        """Decode the next batch."""
        at, header = self._batches[0]
        if self._check_crcs:  # also of what is skipped: the bit that says so may be the wrong one
            check_crc(self._buffer, at, header)
        skipped = self._is_aborted(at, header) or header.is_control
        records = [] if skipped else self._decode(at, header)
        self._batches.popleft()
        self._records = records
        self._at = 0
        self._end = header.next_offset
        self.epoch = header.partition_leader_epoch

    def _is_aborted(self, at: int, header: BatchHeader) -> bool:
        while self._aborted and self._aborted[0][0] <= header.last_offset:
            self._skipping.add(self._aborted.popleft()[1])
        producer = header.producer_id
        if producer not in self._skipping:
            return False
        if header.is_control and self._control_type(at, header) is ControlType.ABORT:
            self._skipping.remove(producer)
        return header.is_transactional

    def _control_type(self, at: int, header: BatchHeader) -> ControlType:
        keys = decode_columns(self._buffer, at, header, check_crc=False)[2]
        return decode_control_key(keys[0] if keys else None)

    def _decode(self, at: int, header: BatchHeader) -> list[ConsumerRecord]:
        topic, partition = map(repeat, self.tp)
        kind, epoch = repeat(header.timestamp_type), repeat(header.partition_leader_epoch)
        columns = decode_columns(self._buffer, at, header, check_crc=False)
        offsets, timestamps, keys, values, headers = columns
        fields = topic, partition, offsets, timestamps, kind, keys, values, headers, epoch
        records = list(map(_new, repeat(ConsumerRecord), zip(*fields, strict=False)))
        if header.base_offset < self.position:  # asked for is one in the middle
            del records[: bisect_left(offsets, self.position)]
        return records
