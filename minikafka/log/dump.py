"""What is in a file of a log, row by row: the reader behind `minikafka dump-log`.

    00000000000000000000.log              LogStartRow, then for each batch a BatchRow and its
    0…-0….checkpoint (a KRaft snapshot)   RecordRows, and a GapRow where offsets are missing
    00000000000000000000.index            IndexRow
    00000000000000000000.timeindex        TimeIndexRow
    00000000000000000042.snapshot         ProducerRow
    leader-epoch-checkpoint               EpochRow
    …-offset-checkpoint                   OffsetRow
    any of them                           ProblemRow: what is wrong, and where

A row is a frozen dataclass: a script takes its fields (`to_json`), a person prints it.
Printed, it is the line that Kafka's own `kafka-dump-log` prints for the same bytes
(with --deep-iteration --print-data-log), so the two can be compared with `diff`;
problems and gaps, which Kafka sends to standard error at the end, stand here where
they were found, after a `!` or a `~`:

    Log starting offset: 0
    baseOffset: 0 lastOffset: 1 count: 2 … position: 0 CreateTime: 1700 size: 91 … isvalid: true
    | offset: 0 CreateTime: 1700 keySize: 1 valueSize: 5 sequence: -1 headerKeys: [] key: k …
    ! at byte 91: 17 bytes at 91, a batch header has 61

A dump is for the day when something is broken, so nothing in a file stops it but the
loss of the place where the next batch begins. Files are not opened here: the caller
brings the bytes (a mapped file will do, only what is looked at is read).

Not done: decoding the records of internal topics, whose values are shown as bytes.
Not done: .txnindex files.

See `DumpLogSegments`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from struct import Struct

from minikafka.log.index import OffsetIndex, TimeIndex
from minikafka.log.producers import DamagedSnapshot, ProducerState, decode_snapshot
from minikafka.record.batch import BatchHeader, Buffer, batches, check_crc, read_header
from minikafka.record.control import ControlType, decode_control_key, decode_end_txn_marker
from minikafka.record.errors import BadLength, RecordError
from minikafka.record.records import Record, decode

TIMESTAMP_TYPES = ("CreateTime", "LogAppendTime")
DELETE_HORIZON = 1 << 6
LAST_SEQUENCE = 0x7FFFFFFF


class UnknownFile(ValueError):
    """The name is not that of a file that can be dumped."""


# -- rows -----------------------------------------------------------------------


class Row:
    """Anything that a dump yields. `str(row)` is its line."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class LogStartRow(Row):
    """The offset that a .log is named after."""

    offset: int

    def __str__(self) -> str:
        return f"Log starting offset: {self.offset}"


@dataclass(frozen=True, slots=True)
class BatchRow(Row):
    """A batch: what its header says, and whether its CRC is right."""

    base_offset: int
    last_offset: int
    count: int
    base_sequence: int
    last_sequence: int
    producer_id: int
    producer_epoch: int
    partition_leader_epoch: int
    is_transactional: bool
    is_control: bool
    delete_horizon_ms: int | None
    position: int
    timestamp_type: str
    max_timestamp: int
    size_bytes: int
    magic: int
    compression: str
    crc: int
    is_valid: bool

    def __str__(self) -> str:
        return (
            f"baseOffset: {self.base_offset} lastOffset: {self.last_offset} count: {self.count}"
            f" baseSequence: {self.base_sequence} lastSequence: {self.last_sequence}"
            f" producerId: {self.producer_id} producerEpoch: {self.producer_epoch}"
            f" partitionLeaderEpoch: {self.partition_leader_epoch}"
            f" isTransactional: {_java(self.is_transactional)} isControl: {_java(self.is_control)}"
            f" deleteHorizonMs: {_optional_long(self.delete_horizon_ms)}"
            f" position: {self.position} {self.timestamp_type}: {self.max_timestamp}"
            f" size: {self.size_bytes} magic: {self.magic} compresscodec: {self.compression}"
            f" crc: {self.crc} isvalid: {_java(self.is_valid)}"
        )


@dataclass(frozen=True, slots=True)
class RecordRow(Row):
    """A record of the batch above it. `control` says in words what a control record means."""

    offset: int
    timestamp_type: str
    timestamp: int
    key: bytes | None
    value: bytes | None
    sequence: int
    headers: tuple[tuple[str, bytes | None], ...]
    control: str | None

    def __str__(self) -> str:
        line = (
            f"| offset: {self.offset} {self.timestamp_type}: {self.timestamp}"
            f" keySize: {_size(self.key)} valueSize: {_size(self.value)}"
            f" sequence: {self.sequence}"
            f" headerKeys: [{','.join(key for key, _ in self.headers)}]"
        )
        if self.control is not None:
            return f"{line} {self.control}"
        key = "" if self.key is None else f" key: {_text(self.key)}"
        value = "" if self.value is None else f" payload: {_text(self.value)}"
        return line + key + value


@dataclass(frozen=True, slots=True)
class GapRow(Row):
    """Offsets are missing between two batches. Compaction does that; so does damage."""

    last_offset: int
    next_offset: int

    def __str__(self) -> str:
        return f"~ {self.last_offset} is followed by {self.next_offset}"


@dataclass(frozen=True, slots=True)
class IndexRow(Row):
    """The batch that ends with `offset` begins at `position`."""

    offset: int
    position: int

    def __str__(self) -> str:
        return f"offset: {self.offset} position: {self.position}"


@dataclass(frozen=True, slots=True)
class TimeIndexRow(Row):
    """No record up to `offset` is younger than `timestamp` (ms)."""

    timestamp: int
    offset: int

    def __str__(self) -> str:
        return f"timestamp: {self.timestamp} offset: {self.offset}"


@dataclass(frozen=True, slots=True)
class ProducerRow(Row):
    """What a log remembers of a producer; the last five are None when it holds no batch of it."""

    producer_id: int
    producer_epoch: int
    coordinator_epoch: int
    current_txn_first_offset: int | None
    last_timestamp: int
    first_sequence: int | None
    last_sequence: int | None
    last_offset: int | None
    offset_delta: int | None
    timestamp: int | None

    def __str__(self) -> str:
        line = (
            f"producerId: {self.producer_id} producerEpoch: {self.producer_epoch}"
            f" coordinatorEpoch: {self.coordinator_epoch}"
            f" currentTxnFirstOffset: {_optional_long(self.current_txn_first_offset)}"
            f" lastTimestamp: {self.last_timestamp} "
        )
        if self.last_offset is None:
            return line
        return (
            f"{line}firstSequence: {self.first_sequence} lastSequence: {self.last_sequence}"
            f" lastOffset: {self.last_offset} offsetDelta: {self.offset_delta}"
            f" timestamp: {self.timestamp}"
        )


@dataclass(frozen=True, slots=True)
class EpochRow(Row):
    """A leader epoch and the first offset that was written in it."""

    epoch: int
    start_offset: int

    def __str__(self) -> str:
        return f"epoch: {self.epoch} startOffset: {self.start_offset}"


@dataclass(frozen=True, slots=True)
class OffsetRow(Row):
    """A line of an offset checkpoint."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"topic: {self.topic} partition: {self.partition} offset: {self.offset}"


@dataclass(frozen=True, slots=True)
class ProblemRow(Row):
    """Something is not as it should be at this byte of the file."""

    position: int
    problem: str

    def __str__(self) -> str:
        return f"! at byte {self.position}: {self.problem}"


def to_json(row: Row) -> dict[str, object]:
    """A row as plain values: its kind and its fields; bytes that are not text are escaped."""
    kind = type(row).__name__.removesuffix("Row")
    values = {field.name: getattr(row, field.name) for field in fields(row)}  # type: ignore[arg-type]
    return {"kind": kind, **{name: _plain(value) for name, value in values.items()}}


# -- files ----------------------------------------------------------------------


def dump(
    name: str, data: Buffer, *, records: bool = True, log: Buffer | None = None
) -> Iterator[Row]:
    """The rows of the file `name` (without its folder; it tells the kind) with content `data`.

    `records`: also those inside the batches. `log`: the .log that an index belongs to;
    given it, entries are compared with the batches. Raises UnknownFile at once, and
    nothing later: what is wrong with the content is a ProblemRow.
    """
    suffix = name[name.rfind(".") :] if "." in name else ""
    match suffix:
        case ".log":
            return _dump_log(_base_offset(name), data, records)
        case ".checkpoint":
            return _dump_batches(data, records)
        case ".index":
            return _dump_index(_base_offset(name), data, log)
        case ".timeindex":
            return _dump_time_index(_base_offset(name), data, log)
        case ".snapshot":
            return _dump_producers(data)
    if name.endswith("-checkpoint"):
        return _dump_checkpoint(data)
    raise UnknownFile(
        f"{name} is none of *.log, *.checkpoint, *.index, *.timeindex, *.snapshot, *-checkpoint"
    )


def _base_offset(name: str) -> int:
    """The offset in a segment file's name. Raises UnknownFile."""
    stem = name[: name.index(".")]
    if not stem.isdecimal():
        raise UnknownFile(f"{name} does not begin with the offset that the segment begins with")
    return int(stem)


# -- batches --------------------------------------------------------------------


def _dump_log(base_offset: int, data: Buffer, records: bool) -> Iterator[Row]:
    yield LogStartRow(base_offset)
    yield from _dump_batches(data, records)


def _dump_batches(data: Buffer, records: bool) -> Iterator[Row]:
    position = 0
    next_offset: int | None = None
    while position < len(data):
        try:
            header = _whole_batch(data, position)
        except RecordError as error:
            yield ProblemRow(position, f"no batch, the rest is not looked at: {error}")
            return
        if next_offset not in (None, header.base_offset):
            yield GapRow(next_offset - 1, header.base_offset)
        yield from _dump_batch(data, position, header, records)
        next_offset = header.next_offset
        position += header.size_bytes


def _whole_batch(data: Buffer, position: int) -> BatchHeader:
    header = read_header(data, position)
    there = len(data) - position
    if header.size_bytes > there:
        raise BadLength(f"{header} has {header.size_bytes} bytes, {there} are there")
    return header


def _dump_batch(data: Buffer, position: int, header: BatchHeader, records: bool) -> Iterator[Row]:
    problem = None
    try:
        check_crc(data, position, header)
    except RecordError as error:
        problem = ProblemRow(position, str(error))
    yield _batch_row(position, header, is_valid=problem is None)
    if problem:
        yield problem
    if records:
        try:
            for record in decode(data, position, header, check_crc=False):
                yield _record_row(header, record)
        except RecordError as error:
            yield ProblemRow(position, str(error))


def _batch_row(position: int, header: BatchHeader, is_valid: bool) -> BatchRow:
    try:
        compression = header.compression.name.lower()
    except RecordError:
        compression = "unknown"
    return BatchRow(
        base_offset=header.base_offset,
        last_offset=header.last_offset,
        count=header.record_count,
        base_sequence=header.base_sequence,
        last_sequence=header.last_sequence,
        producer_id=header.producer_id,
        producer_epoch=header.producer_epoch,
        partition_leader_epoch=header.partition_leader_epoch,
        is_transactional=header.is_transactional,
        is_control=header.is_control,
        delete_horizon_ms=header.base_timestamp if header.attributes & DELETE_HORIZON else None,
        position=position,
        timestamp_type=TIMESTAMP_TYPES[header.timestamp_type],
        max_timestamp=header.max_timestamp,
        size_bytes=header.size_bytes,
        magic=header.magic,
        compression=compression,
        crc=header.crc,
        is_valid=is_valid,
    )


def _record_row(header: BatchHeader, record: Record) -> RecordRow:
    sequence = header.base_sequence
    if sequence >= 0:
        sequence = sequence + record.offset - header.base_offset & LAST_SEQUENCE
    return RecordRow(
        offset=record.offset,
        timestamp_type=TIMESTAMP_TYPES[header.timestamp_type],
        timestamp=record.timestamp,
        key=record.key,
        value=record.value,
        sequence=sequence,
        headers=record.headers,
        control=_control(record) if header.is_control else None,
    )


def _control(record: Record) -> str:
    """A control record in words. Raises BadLength."""
    control_type = decode_control_key(record.key)
    if control_type in (ControlType.ABORT, ControlType.COMMIT):
        epoch = decode_end_txn_marker(record.value)
        return f"endTxnMarker: {control_type.name} coordinatorEpoch: {epoch}"
    return f"controlType: {control_type.name}({control_type.value})"


# -- indexes --------------------------------------------------------------------


def _dump_index(base_offset: int, data: Buffer, log: Buffer | None) -> Iterator[Row]:
    previous = -1
    for at, (relative, position) in _entries(data, OffsetIndex.ENTRY, 0):
        row = IndexRow(base_offset + relative, position)
        yield row
        if row.offset <= previous:
            yield ProblemRow(at, f"offset {row.offset} comes after {previous}")
        previous = row.offset
        if log is not None:
            yield from _compare_with_batch(at, row, log)
    yield from _half_entry(data, OffsetIndex.ENTRY)


def _compare_with_batch(at: int, row: IndexRow, log: Buffer) -> Iterator[ProblemRow]:
    try:
        found = read_header(log, row.position).last_offset
    except RecordError as error:
        yield ProblemRow(at, f"at position {row.position} of the log is no batch: {error}")
        return
    if found != row.offset:
        yield ProblemRow(at, f"at position {row.position} of the log is the batch up to {found}")


def _dump_time_index(base_offset: int, data: Buffer, log: Buffer | None) -> Iterator[Row]:
    headers = None if log is None else _by_last_offset(log)
    previous = -1
    for at, (timestamp, relative) in _entries(data, TimeIndex.ENTRY, 1):
        row = TimeIndexRow(timestamp, base_offset + relative)
        yield row
        if timestamp <= previous:
            yield ProblemRow(at, f"timestamp {timestamp} comes after {previous}")
        previous = timestamp
        if headers is not None:
            header = headers.get(row.offset)
            if header is None:
                yield ProblemRow(at, f"no batch in the log ends with offset {row.offset}")
            elif header.max_timestamp != timestamp:
                yield ProblemRow(at, f"in the log {header} goes up to {header.max_timestamp}")
    yield from _half_entry(data, TimeIndex.ENTRY)


def _by_last_offset(log: Buffer) -> dict[int, BatchHeader]:
    found = {}
    try:
        for _, header in batches(log):
            found[header.last_offset] = header
    except RecordError:
        pass  # what lies behind the damage is not found, and that is what will be said
    return found


def _entries(
    data: Buffer, entry: Struct, relative_column: int
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Position and fields of each entry. A broker that runs has zeros behind the last one."""
    for at in range(0, len(data) - entry.size + 1, entry.size):
        values: tuple[int, ...] = entry.unpack_from(data, at)
        if at > 0 and values[relative_column] == 0:
            return
        yield at, values


def _half_entry(data: Buffer, entry: Struct) -> Iterator[ProblemRow]:
    rest = len(data) % entry.size
    if rest:
        yield ProblemRow(len(data) - rest, f"{rest} bytes, an entry has {entry.size}")


# -- snapshots and checkpoints --------------------------------------------------


def _dump_producers(data: Buffer) -> Iterator[Row]:
    try:
        states = decode_snapshot(bytes(data))
    except DamagedSnapshot as error:
        yield ProblemRow(0, str(error))
        return
    for producer_id, state in states.items():
        yield _producer_row(producer_id, state)


def _producer_row(producer_id: int, state: ProducerState) -> ProducerRow:
    last = state.batches[-1] if state.batches else None
    return ProducerRow(
        producer_id=producer_id,
        producer_epoch=state.epoch,
        coordinator_epoch=state.coordinator_epoch,
        current_txn_first_offset=state.open_since if state.open_since >= 0 else None,
        last_timestamp=state.last_timestamp,
        first_sequence=last.first_sequence if last else None,
        last_sequence=last.last_sequence if last else None,
        last_offset=last.last_offset if last else None,
        offset_delta=last.offset_delta if last else None,
        timestamp=last.timestamp if last else None,
    )


def _dump_checkpoint(data: Buffer) -> Iterator[Row]:
    """Lines of two numbers are epochs, lines of a topic and two numbers are offsets."""
    lines = bytes(data).decode(errors="replace").splitlines()
    if len(lines) < 2:
        yield ProblemRow(0, "no version and number of lines")
        return
    if lines[0] != "0":
        yield ProblemRow(0, f"the version is {lines[0]!r}, not 0")
    if lines[1] != str(len(lines) - 2):
        yield ProblemRow(0, f"the number of lines is {lines[1]!r}, not {len(lines) - 2}")
    position = sum(len(line.encode()) + 1 for line in lines[:2])
    for line in lines[2:]:
        yield _checkpoint_row(position, line)
        position += len(line.encode()) + 1


def _checkpoint_row(position: int, line: str) -> Row:
    try:
        match line.split():
            case [epoch, start_offset]:
                return EpochRow(int(epoch), int(start_offset))
            case [topic, partition, offset]:
                return OffsetRow(topic, int(partition), int(offset))
    except ValueError:
        pass
    return ProblemRow(position, f"{line!r} is neither an epoch nor an offset of a partition")


# -- text -------------------------------------------------------------------------


def _java(value: bool) -> str:
    return "true" if value else "false"


def _optional_long(value: int | None) -> str:
    return "OptionalLong.empty" if value is None else f"OptionalLong[{value}]"


def _size(data: bytes | None) -> int:
    return -1 if data is None else len(data)


def _text(data: bytes) -> str:
    """As Java decodes it: what is not UTF-8 becomes replacement characters."""
    return data.decode(errors="replace")


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
