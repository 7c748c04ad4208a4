"""One segment: a file of batches, and the two indexes that find things in it.

    topic-0/00000000000000004200.log         batches, one after the other, as producers made them
            00000000000000004200.index       some offsets → positions    } index.py
            00000000000000004200.timeindex   some timestamps → offsets   }

The name is the base offset: no offset in the segment is smaller. A log is a row of
segments, and only the last one, the active one, grows. Old records go by removing
whole files from the front, which costs the same however large they are.

The log file is the truth. An index only says where to begin to look, so each lookup
compares what it finds there with what the index promised. If they disagree, both
indexes are made anew from the batches, and the lookup starts again; a reader never
notices a rotten index other than by the time it took. See Kafka's LogSegment.

Not done: the transaction index (`.txnindex`), which comes with transactions.
Not done: Kafka checks an index only when it opens an unclean log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from struct import Struct
from typing import NamedTuple

from minikafka.log.config import LogConfig
from minikafka.log.files import Bytes, File, Files, FileSlice
from minikafka.log.index import NO_TIMESTAMP, OffsetIndex, TimeIndex
from minikafka.log.names import INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX
from minikafka.record.batch import (
    HEADER_BYTES,
    LOG_OVERHEAD,
    MAGIC,
    BatchHeader,
    check_crc,
    read_header,
)
from minikafka.record.crc import crc32c
from minikafka.record.errors import BadDelta, BadLength, CorruptBatch
from minikafka.record.records import Record, decode

MAX_RELATIVE_OFFSET = (1 << 31) - 1
"""Indexes hold offsets as 32-bit distances from the base offset."""

MIN_BATCH_LENGTH = HEADER_BYTES - LOG_OVERHEAD

HOP_BYTES = 8192
"""Read at a time when going from header to header: two index intervals."""

CHECK_BYTES = 1 << 20
"""Read at a time when every byte is checked."""

_HOP = Struct(">qi4xb6xi")  # base offset, batch length, magic, last offset delta
ANY_OFFSET = 1 << 63


class BadIndexEntry(CorruptBatch):
    """An index entry points to where no such batch begins. Never leaves this file."""


class Place(NamedTuple):
    """Where a batch stands in its segment."""

    position: int
    base_offset: int
    size_bytes: int


class Scan(NamedTuple):
    """What going through a segment batch by batch found. `damage` None: all is well."""

    valid_bytes: int
    next_offset: int
    damage: str | None


class FoundTime(NamedTuple):
    """A record found by its timestamp (ms), with the leader epoch of its batch (-1: none)."""

    timestamp: int
    offset: int
    leader_epoch: int


class RollLimits:
    """When a segment is full: what a topic's config says about it, worked out once."""

    __slots__ = ("age_ms", "index_bytes", "jitter_ms", "size_bytes", "time_index_bytes")

    def __init__(self, config: LogConfig) -> None:
        self.size_bytes = config.roll_bytes
        self.age_ms = config.roll_ms
        self.jitter_ms = min(config.segment_jitter_ms, config.segment_ms)
        # An index with more than this has no room for another entry; in the time index
        # one more is kept back, for the entry that closes the segment.
        self.index_bytes = config.segment_index_bytes - OffsetIndex.ENTRY.size
        self.time_index_bytes = config.segment_index_bytes - 2 * TimeIndex.ENTRY.size


class Segment:
    """See the module's text. `created_ms` is when it was created or opened.

    `on_rebuilt` is told the base offset and the reason when the indexes had to be made anew.
    """

    __slots__ = (
        "_first_timestamp",
        "_largest",
        "base_offset",
        "bytes_since_entry",
        "created_ms",
        "index_interval_bytes",
        "log",
        "offset_index",
        "on_rebuilt",
        "path",
        "time_index",
    )

    def __init__(
        self,
        files: Files,
        path: str,
        index_interval_bytes: int,
        created_ms: int,
        on_rebuilt: Callable[[int, str], None],
    ) -> None:
        self.path = path  # without suffix
        self.base_offset = int(path.rpartition("/")[2])
        self.log = files.open(path + LOG_SUFFIX)
        self.offset_index = OffsetIndex(files.open(path + INDEX_SUFFIX), self.base_offset)
        self.time_index = TimeIndex(files.open(path + TIME_INDEX_SUFFIX), self.base_offset)
        self.index_interval_bytes = index_interval_bytes
        self.created_ms = created_ms
        self.on_rebuilt = on_rebuilt
        self.bytes_since_entry = 0
        self._first_timestamp: int | None = None
        is_empty = self.log.size_bytes == 0
        self._largest = (NO_TIMESTAMP, self.base_offset) if is_empty else None

    def __repr__(self) -> str:
        return f"Segment({self.base_offset}.., {self.size_bytes} bytes)"

    @property
    def size_bytes(self) -> int:
        return self.log.size_bytes

    @property
    def largest(self) -> tuple[int, int]:
        """The largest timestamp (ms) and the last offset of the first batch that has it.

        A sealed segment has it as the last entry of its time index. When it is first
        asked for, the batch that the entry names must confirm it, and what follows the
        last offset entry is looked at too: a time index may have lost its end, or may have
        got another one.
        """
        if self._largest is None:
            self._largest = self._find_largest()
        return self._largest

    def _find_largest(self) -> tuple[int, int]:
        try:
            if self._trusted_time_entry(*self.time_index.largest):
                largest = self.time_index.largest
                for _, header in self._tail():
                    if header.max_timestamp > largest[0]:
                        largest = (header.max_timestamp, header.last_offset)
                return largest
        except BadIndexEntry as error:
            self.rebuild(str(error))
        except CorruptBatch:
            pass  # the log is damaged there; the index is all there is
        return self.time_index.largest

    @property
    def first_timestamp(self) -> int:
        """The largest timestamp of the first batch; -1 when there is none, or none to be read."""
        if self._first_timestamp is None:
            try:
                first = next(self.headers(), None)
            except CorruptBatch:
                first = None
            if first is None:
                return NO_TIMESTAMP
            self._first_timestamp = first[1].max_timestamp
        return self._first_timestamp

    # --- growing -----------------------------------------------------------------

    def must_roll(
        self,
        limits: RollLimits,
        size_bytes: int,
        largest_timestamp: int,
        last_offset: int,
        now: int,
    ) -> bool:
        """Whether a batch like this must begin a new segment. `now` in ms.

        When it would make this one too large, when the first batch here is `segment.ms`
        older than this one, when an index is full, or when the offset is too far from the
        base for an index. Time is the records' own, so that a replay rolls like the
        original; the clock is asked only when the first batch has no timestamp.
        """
        size = self.log.size_bytes
        if size == 0:
            return False
        if size + size_bytes > limits.size_bytes:
            return True
        first = self._first_timestamp
        if first is None:
            first = self.first_timestamp
        waited_ms = largest_timestamp - first if first >= 0 else now - self.created_ms
        return (
            waited_ms > limits.age_ms - (limits.jitter_ms and self._jitter_ms(limits))
            or last_offset - self.base_offset > MAX_RELATIVE_OFFSET
            or self.offset_index.file.size_bytes > limits.index_bytes
            or self.time_index.file.size_bytes > limits.time_index_bytes
        )

    def _jitter_ms(self, limits: RollLimits) -> int:
        """A part of segment.jitter.ms: another one for each segment, the same in each run."""
        return crc32c(self.path.encode()) % (limits.jitter_ms + 1)

    def append(self, batch: Bytes, last_offset: int, largest_timestamp: int) -> bool:
        """Put a batch at the end, and an entry for it into the indexes when it is time for one.

        Says whether the offset index got one.
        """
        position = self.log.size_bytes
        if position == 0:
            self._first_timestamp = largest_timestamp
        largest = self._largest or self.largest
        self.log.append(batch)
        if largest_timestamp > largest[0]:
            self._largest = largest = (largest_timestamp, last_offset)
        if self.bytes_since_entry > self.index_interval_bytes:
            self.offset_index.append(last_offset, position)
            self.time_index.maybe_append(*largest)
            self.bytes_since_entry = len(batch)
            return True
        self.bytes_since_entry += len(batch)
        return False

    def seal(self) -> None:
        """The segment stops growing: its largest timestamp becomes the last entry.

        Retention and time lookups read it there when the segment is cold.
        """
        self.time_index.maybe_append(*self.largest)
        self.offset_index.cool()
        self.time_index.cool()

    # --- reading -----------------------------------------------------------------

    def find(self, offset: int) -> Place | None:
        """The first batch whose last offset is at least `offset`; None if all are smaller.

        Raises CorruptBatch when the log itself is damaged on the way there.
        """
        try:
            return self._hop_to(offset)
        except BadIndexEntry as error:
            self.rebuild(str(error))
            return self._hop_to(offset)

    def _hop_to(self, offset: int) -> Place | None:
        """From where the index says on, the first batch that reaches `offset`."""
        indexed_offset, position = self.offset_index.lookup(offset)
        expected = indexed_offset if position else ANY_OFFSET
        if not 0 <= position <= self.log.size_bytes:
            raise BadIndexEntry(f"offset {indexed_offset} at {position}, outside of {self}")
        unpack, read, end = _HOP.unpack_from, self.log.read, self.log.size_bytes
        while position < end:
            chunk = read(position, HOP_BYTES)
            at = 0
            while at + HEADER_BYTES <= len(chunk):
                base_offset, length, magic, last_delta = unpack(chunk, at)
                if base_offset > expected:
                    raise BadIndexEntry(f"{base_offset} at {position}, not {indexed_offset}")
                if length < MIN_BATCH_LENGTH or magic != MAGIC:
                    wrong = BadIndexEntry if expected != ANY_OFFSET else BadLength
                    raise wrong(f"{self}: no batch at {position + at}")
                if base_offset + last_delta >= offset:
                    return Place(position + at, base_offset, length + LOG_OVERHEAD)
                at += length + LOG_OVERHEAD
                expected = ANY_OFFSET
            if at == 0:
                raise BadLength(f"{self}: {len(chunk)} bytes at {position}, no batch")
            position += at
        return None

    def slice(self, position: int, count: int) -> bytes | FileSlice:
        """Bytes of the log file for sending."""
        return self.log.slice(position, count)

    def headers(
        self, position: int = 0, chunk_bytes: int = HOP_BYTES
    ) -> Iterator[tuple[int, BatchHeader]]:
        """Position and header of each complete batch from `position` on.

        A partial batch at the end is left out; raises CorruptBatch for one that lies.
        """
        end = self.log.size_bytes
        while position + HEADER_BYTES <= end:
            chunk = self.log.read(position, chunk_bytes)
            at = 0
            while at + HEADER_BYTES <= len(chunk):
                header = read_header(chunk, at)
                if position + at + header.size_bytes > end:
                    return
                yield position + at, header
                at += header.size_bytes
            position += at

    def checked(self) -> Iterator[tuple[int, BatchHeader]]:
        """All batches like `headers`, each with its checksum verified; reads every byte."""
        position, end = 0, self.log.size_bytes
        while position + HEADER_BYTES <= end:
            chunk = self.log.read(position, CHECK_BYTES)
            at = 0
            while at + HEADER_BYTES <= len(chunk):
                header = read_header(chunk, at)
                if position + at + header.size_bytes > end:
                    return
                if at + header.size_bytes > len(chunk):
                    break
                check_crc(chunk, at, header)
                yield position + at, header
                at += header.size_bytes
            if at == 0:  # one batch larger than the chunk
                check_crc(self.log.read(position, header.size_bytes), 0, header)
                yield position, header
                at = header.size_bytes
            position += at

    def records(self, place: Place) -> tuple[BatchHeader, list[Record]]:
        """The batch at `place`, decoded."""
        data = self.log.read(place.position, place.size_bytes)
        header = read_header(data)
        return header, decode(data, 0, header)

    def find_timestamp(self, timestamp: int, from_offset: int) -> FoundTime | None:
        """The first record at or after `from_offset` with at least this timestamp (ms)."""
        if not self._trusted_time_entry(*self.time_index.lookup(timestamp)):
            return self.find_timestamp(timestamp, from_offset)
        start = self.find(max(self.time_index.lookup(timestamp)[1], from_offset))
        if start is None:
            return None
        for position, header in self.headers(start.position):
            if header.max_timestamp >= timestamp:
                place = Place(position, header.base_offset, header.size_bytes)
                for record in self.records(place)[1]:
                    if record.timestamp >= timestamp and record.offset >= from_offset:
                        return FoundTime(
                            record.timestamp, record.offset, header.partition_leader_epoch
                        )
        return None

    def _trusted_time_entry(self, timestamp: int, offset: int) -> bool:
        """Whether the batch with `offset` has `timestamp` as its largest, as the time index says.

        If not, the indexes have been made anew.
        """
        if (timestamp, offset) == (NO_TIMESTAMP, self.base_offset):  # there is no entry
            return True
        place = self.find(offset) if offset >= self.base_offset else None
        if place is not None:
            header = read_header(self.log.read(place.position, HEADER_BYTES))
            if header.max_timestamp == timestamp:
                return True
        self.rebuild(f"time index: no batch with timestamp {timestamp} holds offset {offset}")
        return False

    # --- opening and mending -------------------------------------------------------

    def check_indexes(self) -> None:
        """A look at the files' sizes, all that opening a clean log costs; mends what is wrong.

        A segment that holds timestamps has at least one time index entry when it is sealed.
        """
        wrong = ""
        try:
            if not self.offset_index.is_whole or not self.time_index.is_whole:
                wrong = "an index file holds a part of an entry"
            elif len(self.time_index) == 0 and self.first_timestamp >= 0:
                wrong = "the time index is empty"
            elif len(self.offset_index) == 0 and self._needs_entry():
                wrong = "the offset index is empty"
        except CorruptBatch as error:
            wrong = f"an index is empty, and what it is of is damaged: {error}"
        if wrong:
            self.rebuild(wrong)

    def _needs_entry(self) -> bool:
        """Whether the second batch lies far enough into the file to have an index entry."""
        if self.size_bytes <= self.index_interval_bytes:
            return False
        return any(position > self.index_interval_bytes for position, _ in self.headers())

    def load_tail(self) -> int:
        """Read on from the last index entry to the end; returns the next offset.

        Makes the segment ready to grow. Raises CorruptBatch when the file does not end
        with a whole batch, or the last entry does not point to one.
        """
        next_offset = self.base_offset
        _, indexed = self.offset_index.last or (0, 0)
        end = indexed
        for at, header in self._tail():
            self._check_order(header, next_offset)
            next_offset = header.next_offset
            end = at + header.size_bytes
        if end != self.size_bytes:
            raise BadLength(f"{self}: {self.size_bytes - end} bytes after the last whole batch")
        self._largest = None
        self.bytes_since_entry = end - indexed
        return next_offset

    def _tail(self) -> Iterator[tuple[int, BatchHeader]]:
        """The batches from the last index entry on. BadIndexEntry when it points to none."""
        relative, position = self.offset_index.last or (0, 0)
        if not 0 <= position <= self.size_bytes:
            raise BadIndexEntry(f"offset +{relative} at {position}, outside of {self}")
        batches = self.headers(position)
        if self.offset_index.last is not None:
            try:
                first = next(batches, None)
            except CorruptBatch as error:
                raise BadIndexEntry(f"offset +{relative} at {position}: {error}") from error
            if first is None or first[1].base_offset > self.base_offset + relative:
                raise BadIndexEntry(f"offset +{relative} is not at {position} of {self}")
            yield first
        yield from batches

    def rebuild(self, reason: str) -> Scan:
        """Make the indexes anew from the headers, leaving the log as it is."""
        scan = self.reindex(self.headers())
        self.offset_index.file.flush()
        self.time_index.file.flush()
        self.on_rebuilt(self.base_offset, reason)
        return scan

    def reindex(self, batches: Iterable[tuple[int, BatchHeader]]) -> Scan:
        """Make the indexes anew from these batches of the segment, up to the first damage."""
        self.offset_index.cut(0)
        self.time_index.cut(0)
        largest = (NO_TIMESTAMP, self.base_offset)
        valid_bytes = indexed = 0
        next_offset = self.base_offset
        damage = None
        try:
            for position, header in batches:
                self._check_order(header, next_offset)
                if header.max_timestamp > largest[0]:
                    largest = (header.max_timestamp, header.last_offset)
                if position - indexed > self.index_interval_bytes:
                    self.offset_index.append(header.last_offset, position)
                    self.time_index.maybe_append(*largest)
                    indexed = position
                valid_bytes = position + header.size_bytes
                next_offset = header.next_offset
        except CorruptBatch as error:
            damage = str(error)
        if damage is None and valid_bytes < self.size_bytes:
            damage = f"{self.size_bytes - valid_bytes} bytes of an unfinished batch"
        self._largest = largest
        self.bytes_since_entry = valid_bytes - indexed
        self.seal()
        return Scan(valid_bytes, next_offset, damage)

    def _check_order(self, header: BatchHeader, next_offset: int) -> None:
        if header.base_offset < next_offset:
            raise BadDelta(f"{header} in {self} where offset {next_offset} comes next")
        if header.last_offset - self.base_offset > MAX_RELATIVE_OFFSET:
            raise BadDelta(f"{header} is too far from the start of {self}")

    def truncate_to(self, offset: int) -> int:
        """Remove the batches that reach `offset` or more, for good; returns the next offset.

        Flushed at once: a record that was cut away must not come back after a crash.
        """
        place = self.find(offset)
        if place is not None:
            self.offset_index.truncate_to(offset)
            self.time_index.truncate_to(offset)
            self.log.truncate(place.position)
            self.flush()
        if self.size_bytes == 0:
            self._first_timestamp = None
        return self.load_tail()

    @property
    def files(self) -> tuple[File, File, File]:
        return self.log, self.offset_index.file, self.time_index.file

    def flush(self) -> None:
        """Make everything here survive a crash (fsync of three files)."""
        for file in self.files:
            file.flush()

    def close(self) -> None:
        """Let go of the files."""
        for file in self.files:
            file.close()
