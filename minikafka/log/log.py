"""The log of one partition: what is appended gets the next offset and stays where it is.

    orders-0/
      00000000000000000000.log   ▒▒▒▒▒███████     log start offset 4: below it, deleted
      00000000000000000012.log   ████████████     sealed
      00000000000000000024.log   █████████│░░░    active; │ recovery point: flushed up to here
                                         ░░░ ↑ log end offset 36: the next one

    Invariant: first base offset <= log_start_offset <= log_end_offset,
               recovery_point <= log_end_offset.

An append is: check everything (validate.py, producers.py), roll if the active segment is
full, stamp offsets and the leader epoch into the bytes where they lie, queue them for the
file, move the end. Nothing is copied, decoded or waited for; the driver writes the queue
out at the end of the turn, before any answer leaves.

An append is not flushed: if the machine dies, what the disk had not got yet is lost,
here. That is Kafka's bargain: durability is a matter of several machines, not of one
disk, unless `flush.messages=1` says otherwise. See UnifiedLog and LocalLog.

Not done: appends of a follower, which keep the leader's offsets (replication).
Not done: `local.*` and `remote.*` retention (tiered storage).
Not done: a segment without any timestamp is as old as its opening; Kafka asks the file system.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from minikafka.log.checkpoint import PARTITION_METADATA, Emit, read_topic_id, write_topic_id
from minikafka.log.config import LogConfig
from minikafka.log.epochs import LeaderEpochs
from minikafka.log.files import Bytes, Files, FileSlice, flush_later, remove_later
from minikafka.log.index import NO_TIMESTAMP
from minikafka.log.names import (
    DELETED_SUFFIX,
    INDEX_SUFFIX,
    LOG_SUFFIX,
    TIME_INDEX_SUFFIX,
    file_name,
)
from minikafka.log.producers import Producers, SentBatch
from minikafka.log.recovery import load, rebuild_producers
from minikafka.log.segment import FoundTime, RollLimits, Segment
from minikafka.log.validate import (
    AppendRules,
    Batches,
    check_append,
    code_of,
    compress_again,
    target_codec,
)
from minikafka.node import MS
from minikafka.record.batch import LOG_OVERHEAD, BatchHeader, set_log_append_time, stamp
from minikafka.record.errors import RecordError
from minikafka.record.records import decode
from minikafka.wire.errors import ErrorCode, KafkaError


class Appended(NamedTuple):
    """What an append has become. `log_append_time_ms` is -1 when the producer's times stand.

    For a duplicate, offsets and time are those of the first attempt, and nothing was written.
    """

    base_offset: int
    last_offset: int
    log_append_time_ms: int
    log_start_offset: int
    duplicate: bool
    batch_count: int
    size_bytes: int


# Straight to tuple's constructor: Appended(...) is a call more.
_new_appended: Callable[[type[Appended], tuple[object, ...]], Appended] = tuple.__new__


class FetchedData(NamedTuple):
    """Whole batches as they lie in one segment, the last one maybe cut by `max_bytes`.

    `first_offset` is the base offset of the first batch, which may be below the one asked for.
    """

    first_offset: int
    records: bytes | FileSlice
    size_bytes: int


class SegmentStatistics(NamedTuple):
    base_offset: int
    next_offset: int
    size_bytes: int
    index_entries: int
    time_index_entries: int
    largest_timestamp: int


class LogStatistics(NamedTuple):
    """A log from outside, for figures, tests and the command line."""

    topic: str
    partition: int
    log_start_offset: int
    log_end_offset: int
    recovery_point: int
    size_bytes: int
    segments: tuple[SegmentStatistics, ...]


class Log:
    """See the module's text. `directory` is "<topic>-<partition>" in `files`."""

    def __init__(
        self, files: Files, directory: str, config: LogConfig, emit: Emit, epochs: LeaderEpochs
    ) -> None:
        self.files = files
        self.directory = directory
        self.emit = emit
        self.tells_appends = emit is not None
        """Whether it says each batch it appends too. Only a trace wants to hear so much."""
        topic, _, partition = directory.rpartition("-")
        self.topic = topic
        self.partition = int(partition)
        self.topic_id: str | None = None  # in Kafka's text form, as `partition.metadata` has it
        self.segments: list[Segment] = []
        self.base_offsets: list[int] = []  # of the segments, for bisect
        self.log_start_offset = 0
        self.log_end_offset = 0
        self.recovery_point = 0
        self.unflushed_since = 0  # µs; when the first append after the last flush came
        # End offset of each sealed segment that is on its way to the disk, and "is it there?".
        # Invariant: all of them lie above the recovery point, in rising order.
        self.flushing: deque[tuple[int, Callable[[], bool]]] = deque()
        self.epochs = epochs
        self.producers = Producers(files, directory, config.producer_id_expiration_ms, emit)
        self.configure(config)

    @classmethod
    def open(
        cls,
        files: Files,
        directory: str,
        config: LogConfig,
        now: int,
        emit: Emit,
        clean: bool = False,
        recovery_point: int | None = None,
        log_start_offset: int = 0,
    ) -> Log:
        """The log in `directory`, created if there is none. `now` in µs.

        `clean`: it was closed, so its files are whole and only their sizes are looked at.
        Otherwise everything from `recovery_point` on (None: it is not known) is checked byte
        by byte, and what is not valid at the end is cut off. See recovery.py.
        """
        files.make_directory(directory)
        epochs, epochs_are_good = LeaderEpochs.load(files, directory, emit)
        log = cls(files, directory, config, emit, epochs)
        log.topic_id = read_topic_id(files, f"{directory}/{PARTITION_METADATA}", emit)
        log.log_start_offset = log_start_offset
        log.recovery_point = recovery_point or 0
        load(log, now, clean, epochs_are_good, recovery_point is not None)
        return log

    def __repr__(self) -> str:
        return f"Log({self.directory}, {self.log_start_offset}..{self.log_end_offset})"

    # --- properties --------------------------------------------------------------

    @property
    def active(self) -> Segment:
        """The segment that grows."""
        return self.segments[-1]

    @property
    def size_bytes(self) -> int:
        return sum(segment.size_bytes for segment in self.segments)

    @property
    def latest_epoch(self) -> int:
        """The epoch of the newest record, or -1."""
        return self.epochs.latest

    def set_topic_id(self, topic_id: str) -> None:
        """Write `partition.metadata`. A log never changes its topic: refuses another id."""
        if self.topic_id is None:
            write_topic_id(self.files, f"{self.directory}/{PARTITION_METADATA}", topic_id)
            self.topic_id = topic_id
        elif self.topic_id != topic_id:
            raise KafkaError(
                ErrorCode.INCONSISTENT_TOPIC_ID,
                f"{self.directory} is of {self.topic_id}, not {topic_id}",
            )

    def configure(self, config: LogConfig) -> None:
        """Go by this config from the next append, flush or look at retention on."""
        self.config = config
        self.limits = RollLimits(config)
        self.rules = AppendRules(config)
        self.producers.expiration_ms = config.producer_id_expiration_ms

    # --- append --------------------------------------------------------------------

    def append(
        self, records: Bytes, now: int, leader_epoch: int, *, from_client: bool = True
    ) -> Appended:
        """Give the batches in `records` the next offsets and put them at the end of the log.

        `now` in µs. The bytes are stamped where they are, or in a copy when they are read-only,
        and must stay unchanged until `files.write_out`. A client may send one batch, which
        is also checked against what its producer sent before; brokers (`from_client`
        False) may write control batches, and several at once.

        Raises KafkaError, and then nothing has changed: CORRUPT_MESSAGE, INVALID_RECORD,
        MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, INVALID_TIMESTAMP, UNSUPPORTED_COMPRESSION_TYPE,
        OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE.
        """
        view = records if type(records) is memoryview else memoryview(records)
        rules, now_ms = self.rules, now // MS
        if view.readonly:
            view = memoryview(bytearray(view))
        batches = check_append(view, rules, now_ms, from_client)
        for _, header in batches:
            if header.producer_id >= 0:
                repeated = self.producers.check(header, from_client)
                if repeated is not None:
                    return self._duplicate(repeated)
        if not rules.keeps_codec:
            view, batches = self._compressed(view, batches, now_ms)
        base_offset = self.log_end_offset
        if self.recovery_point == base_offset:
            self.unflushed_since = now
        if leader_epoch != self.epochs.saved:
            self.epochs.assign(leader_epoch, base_offset)
        size_bytes = 0
        for position, header in batches:
            size_bytes += self._append_batch(view, position, header, leader_epoch, now_ms)
        end_offset = self.log_end_offset
        if end_offset - self.recovery_point >= rules.flush_messages:
            self.flush(now)
        time_ms = NO_TIMESTAMP if rules.is_create_time else now_ms
        start = self.log_start_offset
        return _new_appended(
            Appended, (base_offset, end_offset - 1, time_ms, start, False, len(batches), size_bytes)
        )

    def _append_batch(
        self, view: memoryview, position: int, header: BatchHeader, leader_epoch: int, now_ms: int
    ) -> int:
        """One checked batch: stamp it, make room for it, queue it, remember its producer.

        Returns its size in bytes.
        """
        offset = self.log_end_offset
        last_offset = offset + header.last_offset_delta
        if not self.rules.is_create_time:
            header = set_log_append_time(view, position, header, now_ms)
        timestamp = header.max_timestamp
        size_bytes = header.batch_length + LOG_OVERHEAD
        stamp(view, position, header, offset, leader_epoch)
        segment = self.segments[-1]
        if segment.must_roll(self.limits, size_bytes, timestamp, last_offset, now_ms):
            segment = self.roll(now_ms)
        data = view[position : position + size_bytes]
        is_indexed = segment.append(data, last_offset, timestamp)
        self.log_end_offset = last_offset + 1
        if self.tells_appends:
            self.say(
                "append",
                base_offset=offset,
                last_offset=last_offset,
                size_bytes=size_bytes,
                leader_epoch=leader_epoch,
                indexed=is_indexed,
            )
        if header.producer_id >= 0:
            if header.is_control:
                for marker in decode(view, position, header, check_crc=False):
                    self.producers.end_transaction(header, marker)
            else:
                self.producers.update(header, offset, timestamp)
        return size_bytes

    def _duplicate(self, sent: SentBatch) -> Appended:
        first, last, time = sent.first_offset, sent.last_offset, sent.timestamp
        return Appended(first, last, time, self.log_start_offset, True, 1, 0)

    def _compressed(
        self, view: memoryview, batches: Batches, now_ms: int
    ) -> tuple[memoryview, Batches]:
        """The append with the topic's own codec; the same when it has that already."""
        parts = []
        for position, header in batches:
            codec = target_codec(header, self.config)
            if codec is None:
                parts.append(bytearray(view[position : position + header.size_bytes]))
            else:
                parts.append(compress_again(view, position, header, codec, self.config))
        changed = memoryview(bytearray(b"".join(parts)))
        return changed, check_append(changed, self.rules, now_ms, from_client=False)

    def roll(self, now_ms: int) -> Segment:
        """Seal the active segment, begin to flush it, and begin the next one at the end offset."""
        self.active.seal()
        begun = self.flushing[-1][0] if self.flushing else self.recovery_point
        unflushed = [file for segment in self.segments_from(begun) for file in segment.files]
        self.flushing.append((self.log_end_offset, flush_later(unflushed)))
        self.settle(now_ms * MS)
        segment = self.add_segment(self.log_end_offset, now_ms)
        self.producers.take_snapshot(self.log_end_offset)
        self.say("roll", base_offset=segment.base_offset)
        return segment

    def add_segment(self, base_offset: int, now_ms: int) -> Segment:
        """Open or create the segment that begins at `base_offset`, behind the others."""
        path = f"{self.directory}/{file_name(base_offset)}"
        segment = Segment(
            self.files, path, self.config.index_interval_bytes, now_ms, self._on_rebuilt
        )
        self.segments.append(segment)
        self.base_offsets.append(base_offset)
        return segment

    # --- read ----------------------------------------------------------------------

    def read(
        self, offset: int, max_bytes: int, *, end: int | None = None, at_least_one: bool = True
    ) -> FetchedData:
        """Batches from the one that holds `offset` on, up to `max_bytes` and below offset `end`.

        `end` is where the reader must stop, the high watermark for a consumer. A first batch
        that is larger than `max_bytes` comes whole if `at_least_one`, or a consumer could never
        get past it (KIP-74), else not at all: a part of it alone is no use to anybody. Raises
        KafkaError OFFSET_OUT_OF_RANGE, and CORRUPT_MESSAGE where the disk has lost what was
        written.
        """
        if not self.log_start_offset <= offset <= self.log_end_offset:
            raise KafkaError(
                ErrorCode.OFFSET_OUT_OF_RANGE,
                f"{self.directory} holds {self.log_start_offset} to {self.log_end_offset - 1}, "
                f"not {offset}",
            )
        end = self.log_end_offset if end is None else min(end, self.log_end_offset)
        try:
            index = bisect_right(self.base_offsets, offset) - 1
            while offset < end and index < len(self.segments):
                segment = self.segments[index]
                place = segment.find(offset)
                if place is not None:
                    limit = self._readable_bytes(index, end)
                    count = min(limit - place.position, max(max_bytes, place.size_bytes))
                    if count <= 0 or (place.size_bytes > max_bytes and not at_least_one):
                        break
                    return FetchedData(
                        place.base_offset, segment.slice(place.position, count), count
                    )
                index += 1
        except RecordError as error:
            raise KafkaError(code_of(error), str(error)) from error
        return FetchedData(offset, b"", 0)

    def _readable_bytes(self, index: int, end: int) -> int:
        """How much of a segment lies below the offset `end`."""
        segment = self.segments[index]
        is_last = index == len(self.segments) - 1
        if end >= (self.log_end_offset if is_last else self.base_offsets[index + 1]):
            return segment.size_bytes
        place = segment.find(end)
        return segment.size_bytes if place is None else place.position

    def offset_for_timestamp(self, timestamp: int) -> FoundTime | None:
        """The first record with at least this timestamp (ms); None when all are older."""
        for segment in self.segments:
            if segment.largest[0] >= timestamp:
                found = self._find_timestamp(segment, timestamp)
                if found is not None:
                    return found
        return None

    def max_timestamp_offset(self) -> FoundTime | None:
        """The first record that has the largest timestamp of all; None when none has one."""
        newest = max(self.segments, key=lambda segment: segment.largest[0])
        timestamp = newest.largest[0]
        if timestamp == NO_TIMESTAMP:
            return None
        return self._find_timestamp(newest, timestamp)

    def _find_timestamp(self, segment: Segment, timestamp: int) -> FoundTime | None:
        try:
            return segment.find_timestamp(timestamp, self.log_start_offset)
        except RecordError as error:
            raise KafkaError(code_of(error), str(error)) from error

    def earliest(self) -> FoundTime:
        """Where the log begins; no timestamp is asked for."""
        epoch = self.epochs.epoch_at(self.log_start_offset)
        return FoundTime(NO_TIMESTAMP, self.log_start_offset, epoch)

    def end_offset_for_epoch(self, epoch: int) -> tuple[int, int]:
        """The epoch and offset where `epoch` ended in this log; see LeaderEpochs.end_offset."""
        return self.epochs.end_offset(epoch, self.log_end_offset)

    # --- cut -----------------------------------------------------------------------

    def truncate_to(self, offset: int, now: int) -> bool:
        """Remove all records from `offset` on; says whether there were any. `now` in µs.

        A batch is removed whole, so the log may end before `offset`. Kafka then lets the
        end offset be `offset`, until the log is opened again; here it is the end of what
        is left at once.
        """
        if offset >= self.log_end_offset:
            self.epochs.truncate_from_end(self.log_end_offset)
            return False
        if offset < self.base_offsets[0]:
            self.start_anew_at(offset, now)
            return True
        self.flushing.clear()
        while self.base_offsets[-1] > offset:
            self.remove_segment(len(self.segments) - 1, "truncation")
        self.log_end_offset = self.active.truncate_to(offset)
        self.log_start_offset = min(self.log_start_offset, self.log_end_offset)
        self.recovery_point = min(self.recovery_point, self.log_end_offset)
        self.epochs.truncate_from_end(self.log_end_offset)
        rebuild_producers(self, now)
        self.say("truncate", offset=self.log_end_offset)
        return True

    def start_anew_at(self, offset: int, now: int) -> None:
        """Remove everything; the log is empty and its next record gets `offset`. `now` in µs."""
        self.flushing.clear()
        while self.segments:
            self.remove_segment(len(self.segments) - 1, "truncation")
        self.add_segment(offset, now // MS)
        self.log_start_offset = self.log_end_offset = self.recovery_point = offset
        self.epochs.truncate_from_end(0)
        self.producers.forget_all()
        self.say("truncate", offset=offset)

    def advance_log_start_offset(self, offset: int, reason: str = "delete records") -> bool:
        """Nothing below `offset` is readable any more (DeleteRecords); says whether that is new.

        The caller sees to it that `offset` is at most the high watermark. The files go
        with the next `apply_retention`.
        """
        if offset <= self.log_start_offset:
            return False
        if offset > self.log_end_offset:
            raise KafkaError(
                ErrorCode.OFFSET_OUT_OF_RANGE, f"{self.directory} ends at {self.log_end_offset}"
            )
        self.log_start_offset = offset
        self.epochs.truncate_from_start(offset)
        self.say("log_start_offset", offset=offset, reason=reason)
        return True

    def apply_retention(self, now: int, high_watermark: int) -> int:
        """Delete the oldest segments that the topic's config does not want; returns how many.

        `now` in µs. A segment goes whole, when its newest record is older than
        `retention.ms`, when the log without it has still `retention.bytes`, or when it
        lies below the log start offset. Never a record that is not replicated yet.
        """
        below_start = bisect_right(self.base_offsets, self.log_start_offset) - 1
        deleted = self._delete_first(below_start, high_watermark, now, "log start offset")
        if "delete" in self.config.cleanup_policy:
            for count_of, reason in (
                (self._count_too_large, "retention.bytes"),
                (self._count_too_old, "retention.ms"),
            ):
                deleted += self._delete_first(count_of(now), high_watermark, now, reason)
        if deleted:
            self.producers.forget_snapshots(self.base_offsets)
        return deleted

    def _count_too_large(self, now: int) -> int:
        """How many segments can go from the front so that `retention.bytes` are still left."""
        if self.config.retention_bytes < 0:
            return 0
        excess = self.size_bytes - self.config.retention_bytes
        for index, segment in enumerate(self.segments):
            excess -= segment.size_bytes
            if excess < 0:
                return index
        return len(self.segments)

    def _count_too_old(self, now: int) -> int:
        """How many segments from the front have only records older than `retention.ms`."""
        if self.config.retention_ms < 0:
            return 0
        oldest_kept = now // MS - self.config.retention_ms
        for index, segment in enumerate(self.segments):
            newest = segment.largest[0]
            if (newest if newest >= 0 else segment.created_ms) >= oldest_kept:
                return index
        return len(self.segments)

    def _delete_first(self, count: int, high_watermark: int, now: int, reason: str) -> int:
        """Delete up to `count` segments from the front, as far as they are replicated."""
        for deleted in range(count):
            is_last = len(self.segments) == 1
            if self._next_base(0) > high_watermark or (is_last and self.size_bytes == 0):
                return deleted
            if is_last:
                self.roll(now // MS)
            self.advance_log_start_offset(self.base_offsets[1], reason)
            self.remove_segment(0, reason)
        return count

    def _next_base(self, index: int) -> int:
        """The offset after the last one of a segment."""
        if index + 1 < len(self.base_offsets):
            return self.base_offsets[index + 1]
        return self.log_end_offset

    def remove_segment(self, index: int, reason: str) -> None:
        """Remove a segment's files. The log file first: indexes without a log are swept up.

        It gets another name at once, which a restart removes too, so its own is free again.
        """
        segment = self.segments.pop(index)
        del self.base_offsets[index]
        segment.close()
        path = segment.path + LOG_SUFFIX
        self.files.rename(path, path + DELETED_SUFFIX)
        remove_later(self.files, path + DELETED_SUFFIX)
        for suffix in (INDEX_SUFFIX, TIME_INDEX_SUFFIX):
            self.files.remove(segment.path + suffix)
        self.say("segment_deleted", base_offset=segment.base_offset, reason=reason)

    # --- keep ----------------------------------------------------------------------

    def flush(self, now: int) -> None:
        """Make everything survive a crash of the machine; moves the recovery point to the end."""
        if self.recovery_point < self.log_end_offset:
            for segment in self.segments_from(self.recovery_point):
                segment.flush()
            self.flushing.clear()
            self._flushed_to(self.log_end_offset, now)

    def settle(self, now: int) -> None:
        """Move the recovery point past the sealed segments that have reached the disk since.

        Raises OSError when the disk has refused one.
        """
        while self.flushing and self.flushing[0][1]():
            self._flushed_to(self.flushing.popleft()[0], now)

    def segments_from(self, offset: int) -> list[Segment]:
        """The segments from the one that holds `offset` on."""
        return self.segments[max(0, bisect_right(self.base_offsets, offset) - 1) :]

    def _flushed_to(self, offset: int, now: int) -> None:
        self.recovery_point = offset
        if offset >= self.log_end_offset:  # else some of the rest is as old as what was flushed
            self.unflushed_since = now
        self.say("flush", offset=offset)

    def flush_due(self, now: int) -> bool:
        """Whether `flush.ms` is over since the first append that is not flushed. `now` in µs."""
        if self.recovery_point >= self.log_end_offset:
            return False
        return (now - self.unflushed_since) // MS >= self.config.flush_ms

    def close(self, now: int) -> None:
        """Make the log durable and whole, so that it can be opened without being checked."""
        self.active.seal()
        self.flush(now)
        self.producers.take_snapshot(self.log_end_offset, flush=True)
        self.producers.forget_snapshots(self.base_offsets)
        self.active.flush()
        self.abandon()

    def abandon(self) -> None:
        """Let go of the files; what is on the disk stays (the directory is about to go)."""
        for segment in self.segments:
            segment.close()

    def statistics(self) -> LogStatistics:
        segments = tuple(
            SegmentStatistics(
                segment.base_offset,
                self._next_base(index),
                segment.size_bytes,
                len(segment.offset_index),
                len(segment.time_index),
                segment.largest[0],
            )
            for index, segment in enumerate(self.segments)
        )
        return LogStatistics(
            self.topic,
            self.partition,
            self.log_start_offset,
            self.log_end_offset,
            self.recovery_point,
            self.size_bytes,
            segments,
        )

    def _on_rebuilt(self, base_offset: int, reason: str) -> None:
        self.say("index_rebuilt", base_offset=base_offset, reason=reason)

    def say(self, kind: str, **fields: object) -> None:
        if self.emit is not None:
            self.emit(kind, topic=self.topic, partition=self.partition, **fields)
