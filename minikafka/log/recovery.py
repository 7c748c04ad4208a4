"""Opening a log: O(segments) when it was closed, a search for the torn end when it was not.

    closed      look at names and sizes; read the batches after the last index entry
                of the last segment, which gives the log end offset

    not closed  recovery point ┐
                00…00.log  ████│██████   checked byte by byte from this segment on
                00…12.log  ███████▒▒      ← the first batch that is not whole or whose
                00…24.log  ████              CRC is wrong: cut here, and drop what follows

A crash tears only what had not been flushed, so checking begins at the recovery point.
What follows a damaged batch is dropped even if it looks good: a log with a hole is not
a log, and the replicas that matter have those records. The indexes of a checked segment
are made anew on the way.

A gap between two good batches may be a hole (a sealed segment lost its end, at a batch's border,
before it was flushed) or what compaction has left, and the topic's policy of today does not say
what was done to it before. What is compacted was flushed first, so above a recovery point that is
known, in a topic that is not compacted, a gap is a hole, and the log ends in front of it. Where
the recovery point is not known (there is no checkpoint, or none yet: in the first minute of a
partition), it is let be: Kafka takes no gap for damage. What Kafka's own cleaner has left in
a topic that is compacted no longer, within the minute before a crash, is taken for a hole.

Other losses need no cut: a missing or damaged index is made from the headers; damaged
leader epochs are read again from the headers; a damaged producer snapshot means one
more segment of headers to read. What happened is told in the trace (`recovered`,
`index_rebuilt`, `file_damaged`, `stray`). See LogLoader.

Not done: an interrupted compaction is not completed. Its `.cleaned` files are removed, the
original segments are still there; its `.swap` files, which may hold what is nowhere else, stay
where they are.
Not done: checking several logs at the same time (num.recovery.threads.per.data.dir).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from typing import TYPE_CHECKING

from minikafka.log.checkpoint import LOG_START_OFFSETS
from minikafka.log.epochs import LeaderEpochs
from minikafka.log.names import (
    INDEX_SUFFIX,
    LOG_SUFFIX,
    STRAY_SUFFIX,
    TIME_INDEX_SUFFIX,
    aside,
    file_name,
    is_leftover,
    offset_of,
)
from minikafka.log.segment import BadIndexEntry, Place, Scan, Segment
from minikafka.node import MS
from minikafka.record.batch import BatchHeader
from minikafka.record.errors import BadDelta, CorruptBatch, RecordError

if TYPE_CHECKING:
    from minikafka.log.files import File
    from minikafka.log.log import Log


def load(log: Log, now: int, clean: bool, epochs_are_good: bool, point_is_known: bool) -> None:
    """Fill a log that knows its checkpoints from the files in its directory. `now` in µs.

    `point_is_known`: its recovery point is what a checkpoint says, not what stands for none.
    """
    names = set(log.files.list(log.directory))
    _open_segments(log, names, now // MS)
    floor = None
    if point_is_known and not log.config.compact:
        floor = max(log.recovery_point, log.log_start_offset)
    trusted = log.segments if clean else _check_unflushed(log, floor)
    for segment in trusted:
        _check_indexes(segment, names)
    if not log.segments:
        log.add_segment(log.log_start_offset, now // MS)
    log.log_end_offset = _load_tail(log)
    if log.log_end_offset < log.log_start_offset:
        _settle_start(log, now, clean)
    log.log_start_offset = max(log.log_start_offset, log.base_offsets[0])
    log.recovery_point = (
        log.log_end_offset if clean else min(log.recovery_point, log.log_end_offset)
    )
    _load_epochs(log, epochs_are_good)
    log.producers.forget_snapshots(log.base_offsets)
    rebuild_producers(log, now)


def _open_segments(log: Log, names: set[str], now_ms: int) -> None:
    """Open what is there, in order; remove leftovers, and indexes that have lost their log."""
    for name in sorted(names):
        base_offset = offset_of(name, LOG_SUFFIX)
        if base_offset is not None:
            log.add_segment(base_offset, now_ms)
        elif is_leftover(name) or _is_orphan(name, names):
            log.files.remove(f"{log.directory}/{name}")


def _is_orphan(name: str, names: set[str]) -> bool:
    offsets = (offset_of(name, suffix) for suffix in (INDEX_SUFFIX, TIME_INDEX_SUFFIX))
    return any(each is not None and file_name(each) + LOG_SUFFIX not in names for each in offsets)


def _settle_start(log: Log, now: int, clean: bool) -> None:
    """The checkpoint says that the log begins beyond its end.

    After a crash that may be: records that were deleted by request (DeleteRecords), with later
    ones, were not on the disk yet. All that is left lies below the start, and the log goes on
    there, empty, as in Kafka. But if the checkpoint is wrong, that was the log: its files are
    moved aside for a person, one by one, so that the next start goes on where a crash ends this.
    (Kafka deletes them.) After a clean stop it cannot be: all was on the disk. Then the
    checkpoint is wrong, and the log begins where its files do.
    """
    reason = f"the log begins at {log.log_start_offset}, beyond its end {log.log_end_offset}"
    if clean:
        log.say("file_damaged", file=LOG_START_OFFSETS, reason=reason)
        log.log_start_offset = log.base_offsets[0]
        return
    stray = aside(log.files, log.directory, now, STRAY_SUFFIX)
    log.files.make_directory(stray)
    log.abandon()
    for segment in log.segments:
        for suffix in (LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX):
            name = file_name(segment.base_offset) + suffix
            log.files.rename(f"{log.directory}/{name}", f"{stray}/{name}")
    log.segments.clear()
    log.base_offsets.clear()
    log.say("stray", directory=log.directory, renamed=stray, reason=reason)
    log.start_anew_at(log.log_start_offset, now)


def _check_indexes(segment: Segment, names: set[str]) -> None:
    """Make indexes that are missing, or are seen to be wrong. `names` are the files there were."""
    stem = file_name(segment.base_offset)
    missing = [s for s in (INDEX_SUFFIX, TIME_INDEX_SUFFIX) if stem + s not in names]
    if missing:
        segment.rebuild(f"there is no {' and no '.join(missing)}")
    else:
        segment.check_indexes()


def _check_unflushed(log: Log, floor: int | None) -> list[Segment]:
    """Check each byte from the recovery point on; cut at the first damage.

    What is missing above the offset `floor` is damage as well; below nobody misses it. Returns
    the segments before it, whose bytes had reached the disk.
    """
    size_bytes = log.size_bytes
    damage = None
    unflushed = log.segments_from(log.recovery_point)
    trusted = log.segments[: len(log.segments) - len(unflushed)]
    for segment, behind in zip_longest(unflushed, unflushed[1:]):
        end = behind.base_offset if behind else None
        scan = _check_segment(log, segment, end, floor)
        damage = scan.damage
        is_short = floor is not None and end is not None and scan.next_offset < end > floor
        if damage is None and is_short:
            damage = f"offset {scan.next_offset} is missing, the next segment begins at {end}"
        if damage is not None:
            while log.active is not segment:
                log.remove_segment(len(log.segments) - 1, "recovery")
            break
    if log.segments:
        log.say(
            "recovered",
            truncated_bytes=size_bytes - log.size_bytes,
            log_start_offset=max(log.log_start_offset, log.base_offsets[0]),
            offset=_load_tail(log),
            reason=damage or "not closed cleanly; nothing is damaged",
        )
    return trusted


def _check_segment(
    log: Log,
    segment: Segment,
    end: int | None = None,
    floor: int | None = None,
    was_closed: bool = False,
) -> Scan:
    """Check a segment and cut it after its last valid batch; returns what was found.

    The next segment begins at `end`. Compaction leaves gaps, but never what overlaps. What is cut
    from a log that `was_closed` was whole once: it is kept beside it, for a person.
    """
    batches = _below(segment.checked(), end)
    if floor is not None:
        batches = _in_a_row(batches, segment.base_offset, floor)
    scan = segment.reindex(_noting_epochs(batches, log.epochs))
    if scan.damage is not None:
        if was_closed:
            _keep(log, segment.log, scan.valid_bytes)
        segment.log.truncate(scan.valid_bytes)
        segment.flush()
    return scan


READ_BYTES = 1 << 20


def _keep(log: Log, file: File, position: int) -> None:
    """Copy what is about to be cut, from `position` on, to a file of no name that is ours."""
    copy = log.files.open(f"{file.path}.cut-from-{position}")
    copy.truncate(0)
    for start in range(position, file.size_bytes, READ_BYTES):
        copy.append(file.read(start, READ_BYTES))
        copy.flush()
    copy.close()
    log.say("file_damaged", file=file.path, reason=f"the rest is kept in {copy.path}")


def _below(
    batches: Iterator[tuple[int, BatchHeader]], end: int | None
) -> Iterator[tuple[int, BatchHeader]]:
    """The same batches; a CorruptBatch is the first that reaches `end`."""
    for position, header in batches:
        if end is not None and header.next_offset > end:
            raise BadDelta(f"{header} reaches into the next segment, which begins at {end}")
        yield position, header


def _in_a_row(
    batches: Iterator[tuple[int, BatchHeader]], offset: int, floor: int
) -> Iterator[tuple[int, BatchHeader]]:
    """The same batches; a CorruptBatch is the first behind a gap that reaches above `floor`."""
    for position, header in batches:
        if offset < header.base_offset > floor:
            raise BadDelta(f"{header} where offset {offset} comes next")
        offset = header.next_offset
        yield position, header


def _noting_epochs(
    batches: Iterator[tuple[int, BatchHeader]], epochs: LeaderEpochs
) -> Iterator[tuple[int, BatchHeader]]:
    """The same batches; their epochs are noted: the checkpoint may be older than the log."""
    news = False
    try:
        for position, header in batches:
            if header.partition_leader_epoch > epochs.latest:
                news |= epochs.note(header.partition_leader_epoch, header.base_offset)
            yield position, header
    finally:
        if news:
            epochs.save()


def _load_tail(log: Log) -> int:
    """The log end offset, read from the end of the last segment.

    A segment that was said to be whole and is not gets the full check.
    """
    segment = log.active
    try:
        return segment.load_tail()
    except BadIndexEntry as error:
        segment.rebuild(str(error))
    except CorruptBatch:
        pass
    try:
        return segment.load_tail()
    except CorruptBatch:
        size_bytes = segment.size_bytes
        damage = _check_segment(log, segment, was_closed=True).damage
        offset = segment.load_tail()
        log.say(
            "recovered",
            truncated_bytes=size_bytes - segment.size_bytes,
            log_start_offset=max(log.log_start_offset, log.base_offsets[0]),
            offset=offset,
            reason=damage or "the end was not where the index said",
        )
        return offset


def _load_epochs(log: Log, are_good: bool) -> None:
    """Make the epochs those of the records that are there.

    A checkpoint in which no epoch began below the end is not of these records.
    """
    entries = log.epochs.entries
    is_empty = log.log_start_offset == log.log_end_offset
    if not are_good or not (is_empty or (entries and entries[0][1] < log.log_end_offset)):
        log.epochs.entries.clear()
        log.epochs.latest = -1
        for segment in log.segments:
            with _surviving_damage(log, segment):
                for _ in _noting_epochs(segment.headers(), log.epochs):
                    pass
    log.epochs.truncate_from_end(log.log_end_offset)
    log.epochs.truncate_from_start(log.log_start_offset)


def rebuild_producers(log: Log, now: int) -> None:
    """Bring the producers' state to the log end offset: last good snapshot, then the headers.

    A snapshot is written at each segment on the way, which is where the next truncation
    or recovery would like to start. `now` in µs.
    """
    end_offset = log.log_end_offset
    start_offset = log.producers.load(log.log_start_offset, end_offset, now // MS)
    if start_offset >= end_offset:
        return
    for segment in log.segments_from(start_offset):
        if segment.base_offset > start_offset:
            log.producers.take_snapshot(segment.base_offset)
        with _surviving_damage(log, segment):
            _replay(log, segment, max(start_offset, segment.base_offset))


def _replay(log: Log, segment: Segment, offset: int) -> None:
    """Let the batches from `offset` on change the producers' state as when they were appended."""
    first = segment.find(offset)
    if first is None:
        return
    for at, header in segment.headers(first.position):
        if header.producer_id < 0:
            continue
        if header.is_control:
            _, records = segment.records(Place(at, header.base_offset, header.size_bytes))
            for marker in records:
                log.producers.end_transaction(header, marker)
        else:
            log.producers.update(header, header.base_offset, header.max_timestamp)


@contextmanager
def _surviving_damage(log: Log, segment: Segment) -> Iterator[None]:
    """Read a segment up to the first batch that cannot be read.

    A disk may lose what it had promised to keep. That is an error for those who read there,
    and no reason to keep everybody else from the rest of the log.
    """
    try:
        yield
    except RecordError as error:
        log.say("damaged", base_offset=segment.base_offset, reason=str(error))
