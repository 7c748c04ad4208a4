"""A partition's directory as columns: what lies in it, byte by byte where it matters.

    /tmp/kafka/orders-0/                 read("/tmp/kafka/orders-0")       ours or Apache Kafka's
      00000000000000000000.log           read("orders-0", broker.files)    on a simulated disk
      00000000000000000000.index
      00000000000000000000.timeindex     Directory
      00000000000000000024.log             segments   batches, index entries, time entries, damage
      …                                    files      every file with its size and what it says
      leader-epoch-checkpoint              cut        where recovery would cut, and why

Nothing is written and nothing is opened for writing: a broker may be running. A batch is held
to what recovery holds it to (log/recovery.py): it is whole, its offsets go on where the last one
ended, its CRC fits. But where recovery stops at the first damage, here the headers behind it are
still read, as far as they can be: they are to be seen.

Above a known recovery point a gap between two good batches is a hole too, and is cut, unless the
topic is compacted. No file here says that it is: a topic that Kafka's cleaner has been at is taken
for one, and so are the internal ones. (Apache Kafka itself takes no gap for damage.)

A large log is not read whole. Headers of `MOST_BATCHES` batches are, first those of the file that
is asked for, then of the newest files; a picture says where it does not know.

Not done: `.txnindex` files are listed and not read.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import accumulate, pairwise
from struct import Struct
from typing import Any, Protocol

from minikafka.log.checkpoint import (
    CLEAN_SHUTDOWN,
    LEADER_EPOCHS,
    LOG_START_OFFSETS,
    PARTITION_METADATA,
    RECOVERY_POINTS,
    read_offsets,
)
from minikafka.log.dump import EpochRow, ProducerRow, Row, dump
from minikafka.log.index import OffsetIndex, TimeIndex
from minikafka.log.names import (
    INDEX_SUFFIX,
    LOG_SUFFIX,
    SNAPSHOT_SUFFIX,
    TIME_INDEX_SUFFIX,
    file_name,
    is_leftover,
    offset_of,
    parse_partition,
)
from minikafka.log.segment import MAX_RELATIVE_OFFSET
from minikafka.record.batch import HEADER_BYTES, BatchHeader, check_crc, read_header
from minikafka.record.errors import BadMagic, RecordError
from minikafka.record.records import decode
from minikafka.wire.anatomy import BATCH_HEADER

MOST_BATCHES = 10_000
MOST_ENTRIES = 300_000
MOST_RECORDS = 5_000
ENTRIES_AT_ONCE = 8_192
CLEANED = "cleaner-offset-checkpoint"
"""Apache Kafka's: up to where it has compacted a partition."""
COMPACTED = ("__consumer_offsets", "__transaction_state")
TRIES = 10
"""A broker that runs removes files and renames them while its directory is read."""

SMALL_BYTES = 1 << 16
"""A checkpoint or a snapshot that is larger than this is not read."""


class Opened(Protocol):
    """A file that is looked at."""

    @property
    def size_bytes(self) -> int: ...

    def read(self, position: int, count: int) -> bytes: ...


class Looking(Protocol):
    """The part of `Files` (log/files.py) that looks."""

    def open(self, path: str) -> Opened: ...
    def exists(self, path: str) -> bool: ...
    def list(self, path: str = "") -> list[str]: ...
    def read(self, path: str) -> bytes: ...


class OnDisk:
    """A directory of the operating system, for looking only: another process may own it."""

    def __init__(self, root: str) -> None:
        self.root = root

    def open(self, path: str) -> FileOnDisk:
        return FileOnDisk(os.path.join(self.root, path))

    def exists(self, path: str) -> bool:
        return os.path.exists(os.path.join(self.root, path))

    def list(self, path: str = "") -> list[str]:
        return sorted(os.listdir(os.path.join(self.root, path)))

    def read(self, path: str) -> bytes:
        with open(os.path.join(self.root, path), "rb") as file:
            return file.read()


class FileOnDisk:
    """One of its files. Opened for each read, so that none stays open."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.size_bytes = os.stat(path).st_size

    def read(self, position: int, count: int) -> bytes:
        with open(self.path, "rb", buffering=0) as file:
            return os.pread(file.fileno(), count, position)


@dataclass(slots=True)
class Damage:
    """The first byte of a .log that is not part of a good log, and why.

    `readable`: the headers go on behind it, so it is a batch in the middle that is bad.
    """

    position: int
    reason: str
    readable: bool = False


@dataclass(slots=True)
class SegmentFiles:
    """A .log and its two indexes. Sizes are -1 for a file that is missing.

    `batches` are those from byte `begin` up to byte `end`; `bad` says of some what is wrong with
    them, `records` has offset, time and key of the records of some.
    """

    base_offset: int
    log_bytes: int
    index_bytes: int = -1
    time_index_bytes: int = -1
    entries: list[tuple[int, int]] = field(default_factory=list)
    time_entries: list[tuple[int, int]] = field(default_factory=list)
    has_all_entries: bool = True
    begin: int = 0
    end: int = 0
    batches: list[BatchHeader] = field(default_factory=list)
    bad: dict[int, str] = field(default_factory=dict)
    records: dict[int, list[tuple[int, int, str | None]]] = field(default_factory=dict)
    damage: Damage | None = None

    def position_of(self, offset: int) -> int:
        """Where the index says that a search for `offset` begins."""
        slot = bisect_right(self.entries, offset - self.base_offset, key=lambda e: e[0]) - 1
        return self.entries[slot][1] if slot >= 0 else 0

    def offset_of(self, timestamp: int) -> int:
        """Where the time index says that a search for `timestamp` begins."""
        slot = bisect_right(self.time_entries, timestamp, key=lambda e: e[0]) - 1
        return self.base_offset + (self.time_entries[slot][1] if slot >= 0 else 0)

    def to_json(self) -> dict[str, Any]:
        return {
            "base": self.base_offset,
            "log_bytes": self.log_bytes,
            "index_bytes": self.index_bytes,
            "time_index_bytes": self.time_index_bytes,
            "index": _columns(self.entries),
            "time_index": _columns(self.time_entries),
            "has_all_entries": self.has_all_entries,
            "begin": self.begin,
            "end": self.end,
            "batches": {
                name: [getattr(header, name) for header in self.batches] for name in HEADER_FIELDS
            },
            "bad": self.bad,
            "records": self.records,
            "damage": asdict(self.damage) if self.damage else None,
        }


HEADER_FIELDS = [name for name, _ in BATCH_HEADER if name != "magic"]  # which is 2


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of the directory. `base_offset` -1: it belongs to no segment that is there."""

    name: str
    size_bytes: int
    base_offset: int
    says: str


@dataclass(frozen=True, slots=True)
class Cut:
    """What recovery would do: cut this segment at this byte, and remove the later ones."""

    segment: int
    position: int
    lost_bytes: int
    reason: str


@dataclass(frozen=True, slots=True)
class Directory:
    """A partition on its disk. `recovery_point` is None when no checkpoint has one."""

    name: str
    segments: tuple[SegmentFiles, ...]
    files: tuple[ListedFile, ...]
    log_start_offset: int
    log_end_offset: int
    recovery_point: int | None
    was_closed: bool
    checked_from: int
    """The segment from which on a start checks every byte."""
    cut: Cut | None
    is_set_aside: bool
    """All that is left lies below the log start: a start after a crash begins with an empty log."""

    @property
    def size_bytes(self) -> int:
        """Of all batches, as a log counts."""
        return sum(segment.log_bytes for segment in self.segments)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "segments": [segment.to_json() for segment in self.segments],
            "files": [asdict(file) for file in self.files],
            "log_start": self.log_start_offset,
            "log_end": self.log_end_offset,
            "recovery_point": self.recovery_point,
            "was_closed": self.was_closed,
            "checked_from": self.checked_from,
            "cut": asdict(self.cut) if self.cut else None,
            "is_set_aside": self.is_set_aside,
        }


def read(
    path: str | os.PathLike[str],
    files: Looking | None = None,
    *,
    offset: int | None = None,
    timestamp_ms: int | None = None,
) -> Directory:
    """What is in a partition's directory. Raises FileNotFoundError when there is none.

    Without `files`, `path` is one of the operating system. What is around `offset`, or around
    `timestamp_ms`, is read first.
    """
    if files is None:
        root, path = os.path.split(os.path.abspath(os.path.expanduser(path)))
        files = OnDisk(root)
    path = os.fspath(path).rstrip("/")
    for _ in range(TRIES):
        try:
            return _Reader(files, path, offset, timestamp_ms).directory()
        except FileNotFoundError:
            if not files.exists(path):
                raise
    raise FileNotFoundError(f"the files of {path} change too fast to be read")


class _Reader:
    """What is left to read, and what has been."""

    def __init__(
        self, files: Looking, path: str, offset: int | None, timestamp_ms: int | None
    ) -> None:
        self.files = files
        self.path = path
        self.names = files.list(path)
        self.topic = parse_partition(path.rpartition("/")[2])
        self.offset = offset
        self.timestamp_ms = timestamp_ms
        self.batches_left = MOST_BATCHES
        self.entries_left = MOST_ENTRIES
        self.records_left = MOST_RECORDS

    def directory(self) -> Directory:
        found = (offset_of(name, LOG_SUFFIX) for name in self.names)
        bases = sorted(base for base in found if base is not None)
        segments = [self._segment(base) for base in bases]
        start = self._log_start(bases)
        if self.offset is None and self.timestamp_ms is None:
            self.offset = (start + self._end_offset(segments, None)) // 2
        for at in self._in_order(segments):
            end = bases[at + 1] if at + 1 < len(bases) else None
            self._read_segment(segments[at], end)
        point = self._checkpoint(RECOVERY_POINTS).get(self.topic) if self.topic else None
        was_closed = self.files.exists(self._beside(CLEAN_SHUTDOWN))
        checked_from = max(0, bisect_right(bases, point or 0) - 1)
        if was_closed:
            checked_from = max(0, len(bases) - 1)
        floor = None if point is None or self._is_compacted() else max(point, start)
        cut = _cut(segments, checked_from, was_closed, floor)
        end = self._end_offset(segments, cut)
        is_set_aside = bool(bases) and end < start and not was_closed
        if bases and end < start and was_closed:
            start = bases[0]  # all was on the disk, so it is the checkpoint that is wrong
        return Directory(
            name=self.path.rpartition("/")[2],
            segments=tuple(segments),
            files=tuple(self._listed(name) for name in self.names),
            log_start_offset=start,
            log_end_offset=max(start, end),
            recovery_point=point,
            was_closed=was_closed,
            checked_from=checked_from,
            cut=cut,
            is_set_aside=is_set_aside,
        )

    def _log_start(self, bases: list[int]) -> int:
        said = self._checkpoint(LOG_START_OFFSETS).get(self.topic, 0) if self.topic else 0
        return max(said, bases[0] if bases else 0)

    def _is_compacted(self) -> bool:
        topic = self.topic and self.topic[0]
        return topic in COMPACTED or self.topic in self._checkpoint(CLEANED)

    def _in_order(self, segments: list[SegmentFiles]) -> list[int]:
        """The segment that is asked for, then the others from the newest back."""
        order = list(reversed(range(len(segments))))
        asked = self._asked(segments)
        return order if asked is None else [asked, *(at for at in order if at != asked)]

    def _asked(self, segments: list[SegmentFiles]) -> int | None:
        if self.offset is not None:
            at = bisect_right(segments, self.offset, key=lambda s: s.base_offset) - 1
            return at if at >= 0 else None
        if self.timestamp_ms is not None:
            for at, segment in enumerate(segments):
                last = self._last_time_entry(segment)
                if last is not None and last >= self.timestamp_ms:
                    return at
        return None

    # -- a segment --------------------------------------------------------------------------

    def _segment(self, base: int) -> SegmentFiles:
        log, index, time_index = (
            self._open(base, suffix).size_bytes if self._has(base, suffix) else -1
            for suffix in (LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX)
        )
        segment = SegmentFiles(base, log, index, time_index)
        for suffix, entry, column, into in (
            (INDEX_SUFFIX, OffsetIndex.ENTRY, 0, segment.entries),
            (TIME_INDEX_SUFFIX, TimeIndex.ENTRY, 1, segment.time_entries),
        ):
            if self._has(base, suffix):
                into += self._entries(segment, self._open(base, suffix), entry, column)
        return segment

    def _has(self, base: int, suffix: str) -> bool:
        return file_name(base) + suffix in self.names

    def _open(self, base: int, suffix: str) -> Opened:
        return self.files.open(f"{self.path}/{file_name(base)}{suffix}")

    def _last_time_entry(self, segment: SegmentFiles) -> int | None:
        size = TimeIndex.ENTRY.size
        if segment.time_index_bytes < size:
            return None
        at = segment.time_index_bytes // size * size - size
        entry = self._open(segment.base_offset, TIME_INDEX_SUFFIX).read(at, size)
        return int(TimeIndex.ENTRY.unpack(entry)[0])

    def _read_segment(self, segment: SegmentFiles, end: int | None) -> None:
        log = self._open(segment.base_offset, LOG_SUFFIX)
        begin = 0 if self._fits(segment, log) else self._start(segment)
        self._read_batches(segment, log, begin, end)
        self._read_records(segment, log)

    def _fits(self, segment: SegmentFiles, log: Opened) -> bool:
        """Whether all batches of a segment can be read, or all up to the first damage."""
        position = 0
        for _ in range(self.batches_left):
            _, header = _header(log, position, segment.log_bytes)
            if header is None:
                return True
            position += header.size_bytes
        return position >= segment.log_bytes

    def _start(self, segment: SegmentFiles) -> int:
        """From which byte on a search for what is asked for reads."""
        offset = self.offset
        if offset is None and self.timestamp_ms is not None:
            offset = segment.offset_of(self.timestamp_ms)
        if offset is None:
            return 0
        position = segment.position_of(offset)
        log = self._open(segment.base_offset, LOG_SUFFIX)
        return position if _is_entry_of(log, segment.log_bytes, offset, position) else 0

    def _entries(
        self, segment: SegmentFiles, file: Opened, entry: Struct, relative: int
    ) -> list[tuple[int, int]]:
        """The entries of an index; Kafka's, while it runs, has zeros behind the last one."""
        found: list[tuple[int, int]] = []
        count = file.size_bytes // entry.size
        for first in range(0, count, ENTRIES_AT_ONCE):
            data = file.read(first * entry.size, ENTRIES_AT_ONCE * entry.size)
            for one, two in entry.iter_unpack(data[: len(data) // entry.size * entry.size]):
                if found and (one, two)[relative] == 0:
                    return found
                if self.entries_left == 0:
                    segment.has_all_entries = False
                    return found
                self.entries_left -= 1
                found.append((one, two))
        return [] if found == [(0, 0)] and count > 1 else found

    def _read_batches(
        self, segment: SegmentFiles, log: Opened, position: int, end: int | None
    ) -> None:
        """Headers from `position` on, each batch checked; `end` is the next segment's base."""
        segment.begin = segment.end = position
        following = segment.base_offset
        while position < segment.log_bytes and self.batches_left:
            reason, header = _header(log, position, segment.log_bytes)
            if header is None:
                self._damaged(segment, position, reason)
                return
            reason = _misplaced(header, segment.base_offset, following, end)
            reason = reason or _wrong_crc(log.read(position, header.size_bytes), header)
            if reason:
                self._damaged(segment, position, reason)
                segment.bad[len(segment.batches)] = reason
            else:
                following = header.next_offset
                if segment.damage:
                    segment.damage.readable = True
            self.batches_left -= 1
            segment.batches.append(header)
            position += header.size_bytes
            segment.end = position

    def _damaged(self, segment: SegmentFiles, position: int, reason: str) -> None:
        if segment.damage is None:
            segment.damage = Damage(position, reason)

    def _read_records(self, segment: SegmentFiles, log: Opened) -> None:
        """Records as far as they go round, from where a search begins on, then those before."""
        positions = [*accumulate((h.size_bytes for h in segment.batches), initial=segment.begin)]
        first = bisect_right(positions, self._start(segment)) - 1
        count = len(segment.batches)
        for at in (*range(first, count), *range(min(first, count))):
            header, position = segment.batches[at], positions[at]
            if 0 < header.record_count <= self.records_left and at not in segment.bad:
                data = log.read(position, header.size_bytes)
                try:
                    records = decode(data, 0, header, check_crc=False)
                except RecordError as error:
                    segment.bad[at] = str(error)
                else:
                    self.records_left -= len(records)
                    segment.records[at] = [(r.offset, r.timestamp, _text(r.key)) for r in records]

    def _end_offset(self, segments: list[SegmentFiles], cut: Cut | None) -> int:
        """The offset after the last batch that stays, also where the end was not read."""
        if not segments:
            return 0
        segment = segments[cut.segment if cut else -1]
        limit = cut.position if cut else segment.log_bytes
        log = self._open(segment.base_offset, LOG_SUFFIX)
        offset, position = segment.base_offset, 0
        if segment.entries and segment.has_all_entries:
            relative, at = segment.entries[-1]
            position = at if _is_entry_of(log, limit, offset + relative, at) else 0
        while position < limit:
            _, header = _header(log, position, limit)
            if header is None:
                break
            offset = header.next_offset
            position += header.size_bytes
        return offset

    # -- the other files ----------------------------------------------------------------------

    def _beside(self, name: str) -> str:
        """The path of a file of the data directory that the partition lies in."""
        above = self.path.rpartition("/")[0]
        return f"{above}/{name}" if above else name

    def _checkpoint(self, name: str) -> dict[tuple[str, int], int]:
        return read_offsets(self.files, self._beside(name))  # type: ignore[arg-type]  # it looks

    def _listed(self, name: str) -> ListedFile:
        file = self.files.open(f"{self.path}/{name}")
        suffixes = (LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX, SNAPSHOT_SUFFIX, ".txnindex")
        bases = [offset_of(name, suffix) for suffix in suffixes]
        base = next((each for each in bases if each is not None), -1)
        return ListedFile(name, file.size_bytes, base, self._says(name, file.size_bytes))

    def _says(self, name: str, size_bytes: int) -> str:
        """What a small file says, or what a leftover is."""
        if is_leftover(name):
            return "left over: a start removes it"
        if ".cut-from-" in name:
            return "what recovery cut off, kept for a person"
        if name.endswith(".swap"):
            return "a compaction that did not end"
        if size_bytes > SMALL_BYTES:
            return ""
        if name == PARTITION_METADATA:
            lines = self._content(name).decode(errors="replace").splitlines()
            return next((line for line in lines if "id" in line), "")
        if name == LEADER_EPOCHS or name.endswith(SNAPSHOT_SUFFIX):
            rows = [_in_short(row) for row in dump(name, self._content(name))]
            more = f", and {len(rows) - 2} more" if len(rows) > 2 else ""
            return (", ".join(rows[:2]) or "nothing") + more
        return ""

    def _content(self, name: str) -> bytes:
        return self.files.read(f"{self.path}/{name}")


# -- leaves -------------------------------------------------------------------------------


def _header(log: Opened, position: int, size: int) -> tuple[str, BatchHeader | None]:
    """The header at `position` of a batch that is all there; or what is wrong, and None."""
    left = size - position
    if left < HEADER_BYTES:
        return f"{left} bytes are left, a batch header alone has {HEADER_BYTES}", None
    head = log.read(position, HEADER_BYTES)
    try:
        header = read_header(head)
    except BadMagic:
        return f"no batch begins here: the byte for magic is {head[16]}, not 2", None
    except RecordError:
        length = int.from_bytes(head[8:12], "big", signed=True)
        return f"no batch begins here: its length would be {length}", None
    if header.size_bytes > left:
        return f"the header says {header.size_bytes} bytes, {left} are left", None
    return "", header


def _misplaced(header: BatchHeader, base: int, following: int, end: int | None) -> str:
    if header.last_offset - base > MAX_RELATIVE_OFFSET:
        return f"offset {header.last_offset} is too far from {base} for an index"
    if header.base_offset < following:
        return f"offset {header.base_offset} where {following} or more comes next"
    if end is not None and header.next_offset > end:
        return f"offset {header.last_offset} belongs to the next file, which begins at {end}"
    return ""


def _wrong_crc(data: bytes, header: BatchHeader) -> str:
    try:
        check_crc(data, 0, header)
    except RecordError:
        return "its CRC does not fit its bytes"
    return ""


def _is_entry_of(log: Opened, limit: int, offset: int, position: int) -> bool:
    """Whether a batch that may hold `offset`, or one before it, begins where an index says."""
    if not 0 <= position < limit:
        return False
    _, header = _header(log, position, limit)
    return header is not None and header.base_offset <= offset


def _cut(
    segments: list[SegmentFiles], first: int, was_closed: bool, floor: int | None
) -> Cut | None:
    """What recovery would cut. After a clean stop it looks only whether the last file ends well;
    else a gap that reaches above the offset `floor` is damage too."""
    for at in range(first, len(segments)):
        segment, damage = segments[at], segments[at].damage
        if was_closed and segment.end == segment.log_bytes:
            continue
        if floor is not None and not was_closed:
            end = segments[at + 1].base_offset if at + 1 < len(segments) else None
            gap = _gap(segment, end, floor)
            damage = min(filter(None, (damage, gap)), key=lambda d: d.position, default=None)
        if damage:
            later = sum(each.log_bytes for each in segments[at + 1 :])
            lost = segment.log_bytes - damage.position + later
            return Cut(at, damage.position, lost, damage.reason)
    return None


def _gap(segment: SegmentFiles, end: int | None, floor: int) -> Damage | None:
    """Where records are missing above `floor`; `end` is the next segment's base."""
    if segment.begin > 0:
        return None
    position, following = 0, segment.base_offset
    for header in segment.batches:
        if following < header.base_offset > floor:
            return Damage(position, f"offset {following} is missing, {header.base_offset} is next")
        position, following = position + header.size_bytes, header.next_offset
    if position == segment.log_bytes and end is not None and following < end > floor:
        return Damage(position, f"offset {following} is missing, the next file begins at {end}")
    return None


def _in_short(row: Row) -> str:
    match row:
        case EpochRow(epoch, start_offset):
            return f"epoch {epoch} from {start_offset}"
        case ProducerRow(producer_id, last_sequence=last) if last is not None:
            return f"producer {producer_id} up to sequence {last}"
        case ProducerRow(producer_id):
            return f"producer {producer_id}"
    return str(row)


def _columns(entries: list[tuple[int, int]]) -> list[list[int]]:
    """Both columns as differences, which are short: an index may have a quarter million entries."""
    return [list(_differences(entry[column] for entry in entries)) for column in (0, 1)]


def _differences(values: Iterator[int]) -> Iterator[int]:
    for before, value in pairwise([0, *values]):
        yield value - before


def _text(key: bytes | None) -> str | None:
    return None if key is None else key.decode(errors="backslashreplace")[:24]
