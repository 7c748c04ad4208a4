"""From the bytes of a fetch to the records that poll hands out.

    bytes   ▐ batch 0-9 ▌▐ batch 10-19 ▌▐ batch 20-2      fetched from offset 13
    poll      skipped     13 … 19                         the last one is not complete

A broker answers with whole file slices, so what comes back begins at the start of the batch
that holds the offset asked for, and may end in the middle of another. Records before the
offset are dropped, the incomplete rest is fetched again.

A batch is decoded when its first record is asked for: with max.poll.records = 500 a
megabyte that was fetched is not a million objects at once. Control batches (the marks of
transactions) hold no records for the application; they only move the position.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from itertools import repeat
from typing import NamedTuple

from minikafka.client.arguments import TopicPartition
from minikafka.record.batch import BatchHeader, Buffer, batches
from minikafka.record.errors import RecordError
from minikafka.record.records import Header, decode_columns
from minikafka.wire.errors import ErrorCode, KafkaError


class ConsumerRecord(NamedTuple):
    """A record as `poll` returns it. `timestamp_type`: 0 the producer's time, 1 the broker's."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()


_new: Callable[[type[ConsumerRecord], tuple[object, ...]], ConsumerRecord] = tuple.__new__
"""Makes a record without a call of `ConsumerRecord.__new__`: half the time."""


class Fetched:
    """What one fetch brought of one partition: batches, and the records of a decoded one."""

    __slots__ = ("_at", "_batches", "_buffer", "_check_crc", "_end", "_records", "position", "tp")

    def __init__(self, tp: TopicPartition, position: int, buffer: Buffer, check_crc: bool) -> None:
        """`position` is the offset that was asked for. Raises RecordError if it is no batches."""
        self.tp = tp
        self.position = position  # the offset of the next record to hand out
        self._buffer = buffer
        self._batches = deque(found for found in batches(buffer) if found[1].next_offset > position)
        self._check_crc = check_crc
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
        records = [] if header.is_control else self._decode(at, header)
        self._batches.popleft()
        self._records = records
        self._at = 0
        self._end = header.next_offset

    def _decode(self, at: int, header: BatchHeader) -> list[ConsumerRecord]:
        topic, partition = map(repeat, self.tp)
        kind = repeat(header.timestamp_type)
        columns = decode_columns(self._buffer, at, header, check_crc=self._check_crc)
        offsets, timestamps, keys, values, headers = columns
        rows = zip(topic, partition, offsets, timestamps, kind, keys, values, headers, strict=False)
        records = list(map(_new, repeat(ConsumerRecord), rows))
        if header.base_offset < self.position:  # asked for is one in the middle
            del records[: bisect_left(offsets, self.position)]
        return records
