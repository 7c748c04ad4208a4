"""RecordBatch v2: what a producer sends, a broker stores and a consumer reads, unchanged.

     0  base_offset             int64  ┐ outside the CRC: the broker stamps the
     8  batch_length            int32  │ offset and the epoch into a batch that it
    12  partition_leader_epoch  int32  │ did not make, and the producer's checksum
    16  magic = 2               int8   ┘ still holds
    17  crc                     uint32   CRC-32C over everything below
    21  attributes              int16    bits 0-2 codec, 3 log-append time, 4 transactional,
    23  last_offset_delta       int32        5 control, 6 the base timestamp is a delete horizon
    27  base_timestamp          int64    ms; record timestamps are deltas to it
    35  max_timestamp           int64    ms; the time of all records when bit 3 is set
    43  producer_id             int64    -1: none
    51  producer_epoch          int16
    53  base_sequence           int32
    57  record_count            int32
    61  records                          compressed as one piece when a codec is set

and a record is, in varints (varint.py) but for the attributes:

    length  attributes=0  timestamp delta  offset delta  |key| key  |value| value
    |headers|  then for each header: |key| key  |value| value        (length -1: null)

A batch with one record, key "k", value "hello", is 74 bytes, 13 of them the record's:

    18 00 00 00 02 6b 0a 68 65 6c 6c 6f 00
    │  │  │  │  │  k  │  h  e  l  l  o  │
    12 │  Δt Δo 1     5                 no headers
       attributes

The textbook decodes what it receives. A broker must not: walking each record costs
Python more than everything else that happens to a produced batch. So there are
three depths of reading. `read_header` looks at 61 bytes; `verify` adds the checksum
and hops from length to length, so that the number of records cannot lie; `decode`
makes the records. The broker's paths use the first two.

Sources: KIP-98 (the format), `DefaultRecordBatch`, `DefaultRecord`, `LogValidator`.

Not done: formats v0 and v1 (Kafka 4 does not take them from producers either, KIP-724).
Not done: Kafka's broker decompresses every produced batch and reads each record in it; here
the lengths of uncompressed records are checked and compressed ones only by their CRC. So a
client can store a compressed batch that nobody can read. It keeps its place: the log goes
on behind it, consumers refuse it, and a ListOffsets that must look inside (by time) is
answered with CORRUPT_MESSAGE.
Not done: Kafka recomputes max_timestamp from the records; here the producer's is believed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import NamedTuple

from minikafka.record import compression as codecs
from minikafka.record.compression import Compression
from minikafka.record.crc import crc32c
from minikafka.record.errors import (
    BadCodec,
    BadCount,
    BadCrc,
    BadDelta,
    BadLength,
    BadMagic,
)
from minikafka.record.varint import VARINTS, encode_varint, read_uvarint, read_varint

Buffer = bytes | bytearray | memoryview
Header = tuple[str, bytes | None]
Row = tuple[int, int, bytes | None, bytes | None, tuple[Header, ...]]
"""The fields of a `Record`."""

LOG_OVERHEAD = 12  # base offset and batch length: what batch_length does not count
HEADER_BYTES = 61
MAGIC = 2
DECOMPRESSED_LIMIT_BYTES = 100 * 1024 * 1024  # as large as the largest request a broker takes

CODEC_MASK = 0b111
LOG_APPEND_TIME = 1 << 3
TRANSACTIONAL = 1 << 4
CONTROL = 1 << 5

NO_PRODUCER = -1
NO_TIMESTAMP = -1

_HEADER = struct.Struct(">qiibIhiqqqhii")
_AFTER_CRC = struct.Struct(">hiqqqhii")
_UP_TO_CRC = struct.Struct(">qiibI")
_CRC = struct.Struct(">I")
_PLACE = struct.Struct(">qii")  # base offset, batch length, leader epoch
_ATTRIBUTES = struct.Struct(">h")
_TIMESTAMP = struct.Struct(">q")
_LENGTH = struct.Struct(">i")
_AT_LENGTH = 8
_AT_CRC = 17
_AT_ATTRIBUTES = 21
_AT_MAX_TIMESTAMP = 35

_CODECS = tuple(Compression)
_UNCOMPRESSED = int(Compression.NONE)  # comparing with a member of an enum is slow


class Record(NamedTuple):
    """One record, with its absolute offset and its timestamp in ms.

    A named tuple and not a dataclass: consumers make millions of them, and a tuple
    is the cheapest object that is immutable and still prints its field names.
    """

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()

    def __str__(self) -> str:
        headers = f" {dict(self.headers)}" if self.headers else ""
        return f"{self.offset} @{self.timestamp} {self.key!r}: {self.value!r}{headers}"


class BatchHeader:
    """The 61 bytes before the records, in their order; prints as `Batch(5..8, epoch 2, pid 7)`.

    A value: nobody changes one. Not a named tuple, because each is asked for so many of its
    fields that their access counts, and a slot's is three times as fast.
    """

    __slots__ = (
        "attributes", "base_offset", "base_sequence", "base_timestamp", "batch_length", "crc",
        "last_offset_delta", "magic", "max_timestamp", "partition_leader_epoch", "producer_epoch",
        "producer_id", "record_count",
    )  # fmt: skip

    base_offset: int
    batch_length: int
    partition_leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @property
    def size_bytes(self) -> int:
        """Of the whole batch, from its base offset to its last record."""
        return self.batch_length + LOG_OVERHEAD

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        return self.base_offset + self.last_offset_delta + 1

    @property
    def last_sequence(self) -> int:
        """Sequence of the last record, which wraps to 0 after 2**31 - 1; -1 when there is none."""
        if self.base_sequence < 0:
            return -1
        return (self.base_sequence + self.last_offset_delta) & 0x7FFFFFFF

    @property
    def compression(self) -> Compression:
        """Raises BadCodec when the bits name none."""
        codec = self.attributes & CODEC_MASK
        if codec >= len(_CODECS):
            raise bad_codec(self)
        return _CODECS[codec]

    @property
    def is_control(self) -> bool:
        return self.attributes & CONTROL != 0

    @property
    def is_transactional(self) -> bool:
        return self.attributes & TRANSACTIONAL != 0

    @property
    def timestamp_type(self) -> int:
        """0: create time, the producer's; 1: log-append time, the broker's."""
        return self.attributes >> 3 & 1

    def __repr__(self) -> str:
        words = [f"{self.base_offset}..{self.last_offset}"]
        if self.partition_leader_epoch >= 0:
            words.append(f"epoch {self.partition_leader_epoch}")
        if self.producer_id >= 0:
            words.append(f"pid {self.producer_id}")
        if self.is_transactional:
            words.append("transactional")
        if self.is_control:
            words.append("control")
        return f"Batch({', '.join(words)})"


def bad_codec(header: BatchHeader) -> BadCodec:
    codec = header.attributes & CODEC_MASK
    return BadCodec(f"{header} has compression bits {codec}, known are 0 to {len(_CODECS) - 1}")


# -- reading ------------------------------------------------------------------


def read_header(buffer: Buffer, position: int = 0) -> BatchHeader:
    """The header of the batch at `position`; the records need not be in the buffer.

    Raises BadLength when fewer than 61 bytes are there or the batch claims to be
    shorter than that, BadMagic when it is not format v2.
    """
    header = BatchHeader()
    try:
        (
            header.base_offset,
            header.batch_length,
            header.partition_leader_epoch,
            header.magic,
            header.crc,
            header.attributes,
            header.last_offset_delta,
            header.base_timestamp,
            header.max_timestamp,
            header.producer_id,
            header.producer_epoch,
            header.base_sequence,
            header.record_count,
        ) = _HEADER.unpack_from(buffer, position)
    except struct.error:
        raise BadLength(
            f"{max(0, len(buffer) - position)} bytes at {position}, "
            f"a batch header has {HEADER_BYTES}"
        ) from None
    if header.magic != MAGIC:
        raise BadMagic(f"magic {header.magic} at byte {position + 16}, only {MAGIC} is read")
    if header.batch_length < HEADER_BYTES - LOG_OVERHEAD:
        raise BadLength(
            f"batch_length {header.batch_length} at byte {position + 8} is less than "
            f"the {HEADER_BYTES - LOG_OVERHEAD} of a batch without records"
        )
    return header


# Straight to tuple's constructor: Record(...) would cost a call more.
_new_record: Callable[[type[Record], tuple[object, ...]], Record] = tuple.__new__


def batches(buffer: Buffer) -> Iterator[tuple[int, BatchHeader]]:
    """Position and header of each complete batch; a partial one at the end is left out.

    What a fetch answers may end in the middle of a batch, so that is no error.
    Raises what `read_header` raises.
    """
    position, end = 0, len(buffer)
    while end - position >= HEADER_BYTES:
        header = read_header(buffer, position)
        after = position + header.size_bytes
        if after > end:
            return
        yield position, header
        position = after


def check_crc(buffer: Buffer, position: int, header: BatchHeader) -> None:
    """Raise BadLength when the batch is not all there, BadCrc when its checksum is wrong.

    All that is asked of a batch that is already in a log: compaction may have taken
    records out of it, so there its count and its deltas need not fit.
    """
    end = position + header.batch_length + LOG_OVERHEAD
    if end > len(buffer):
        raise BadLength(
            f"{header} has {header.size_bytes} bytes, {len(buffer) - position} are there"
        )
    view = buffer if type(buffer) is memoryview else memoryview(buffer)
    crc = crc32c(view[position + _AT_ATTRIBUTES : end])
    if crc != header.crc:
        raise BadCrc(f"{header} has CRC {header.crc:#010x}, its bytes have {crc:#010x}")


def verify(buffer: Buffer, position: int, header: BatchHeader) -> None:
    """Check a batch as a producer sends it, without looking into its records.

    Raises BadLength, BadCrc, BadCodec, BadCount or BadDelta. See the text of this
    file for what Kafka checks beyond that.
    """
    check_crc(buffer, position, header)
    count = header.record_count
    if count <= 0:
        raise BadCount(f"{header} says that it has {count} records")
    if header.last_offset_delta != count - 1:
        raise BadDelta(
            f"{header} has {count} records and last offset delta {header.last_offset_delta}"
        )
    codec = header.attributes & CODEC_MASK
    if codec >= len(_CODECS):
        raise bad_codec(header)
    if codec == _UNCOMPRESSED:
        end = position + header.batch_length + LOG_OVERHEAD
        _hop(buffer, position + HEADER_BYTES, end, header)


def _hop(buffer: Buffer, position: int, end: int, header: BatchHeader) -> None:
    """Go from record to record by their lengths; `record_count` hops must end at `end`.

    A negative length (an odd zigzag) is remembered and refused at the end; its hop
    goes forward like any other, so bytes of a stranger cannot make this loop longer.
    """
    left = header.record_count
    odd = 0
    try:
        runs = _MAX_RUNS  # each looks at all that is left: a few must do
        while left >= _SHORT_RUN and runs:
            run, stride = _equal_lengths(buffer, position, end)
            odd |= buffer[position]
            run = min(run, left)
            position += run * stride
            left -= run
            runs = runs - 1 if run >= _SHORT_RUN else 0
        while left:
            left -= 1
            low = buffer[position]
            odd |= low
            if low < 128:
                position += (low >> 1) + 1
            elif (high := buffer[position + 1]) < 128:
                position += (low >> 1) + (high << 6) - 62  # (low & 127 | high << 7) >> 1, + 2
            else:
                length, position = read_uvarint(buffer, position)
                position += length >> 1
    except IndexError:
        position = -1
    if position != end or odd & 1:
        raise BadCount(f"{header} says {header.record_count} records, their lengths do not add up")


_SHORT_RUN = 32
_MAX_RUNS = 8


def _equal_lengths(buffer: Buffer, position: int, end: int) -> tuple[int, int]:
    """How many records from `position` on are as long as the first, and the step between them.

    If all are, their length prefixes stand `step` bytes apart: a column of equal
    bytes, which one slice takes out and `lstrip` counts, ten times as fast as a loop.
    A record's first byte is where the hop before it ended, so counting equal prefixes
    is hopping. Many batches are such runs, as offset deltas grow a byte at 64 and 8192.
    """
    length, body = read_uvarint(buffer, position)
    step = body - position + (length >> 1)
    prefix = bytes(buffer[position:body])
    if buffer[position + step : body + step] != prefix:
        return 1, step
    columns = (bytes(buffer[at:end:step]) for at in range(position, body))
    return min(len(column) - len(column.lstrip(column[:1])) for column in columns), step


def decode(
    buffer: Buffer,
    position: int,
    header: BatchHeader,
    *,
    limit_bytes: int = DECOMPRESSED_LIMIT_BYTES,
    check_crc: bool = True,
) -> list[Record]:
    """The records of a batch, with absolute offsets and timestamps.

    Control batches too: their keys are control.py's. Raises a CorruptBatch of some
    kind, DecompressionTooLarge above `limit_bytes`, or CodecNotAvailable.
    """
    rows = decode_rows(buffer, position, header, limit_bytes=limit_bytes, check_crc=check_crc)
    return [_new_record(Record, row) for row in rows]


def decode_rows(
    buffer: Buffer,
    position: int,
    header: BatchHeader,
    *,
    limit_bytes: int = DECOMPRESSED_LIMIT_BYTES,
    check_crc: bool = True,
) -> list[Row]:
    """`decode`, with a plain tuple for each record: for who makes something else of it."""
    if check_crc:
        _check_crc(buffer, position, header)
    data = bytes(buffer[position + HEADER_BYTES : position + header.size_bytes])
    if data and header.compression is not Compression.NONE:  # compaction leaves empty batches
        data = codecs.decompress(header.compression, data, limit_bytes)
    try:
        return _decode_records(data, header)
    except IndexError:
        raise BadLength(f"{header}: the data ends inside a record") from None


_check_crc = check_crc  # `decode` has an argument of that name


def _decode_records(data: bytes, header: BatchHeader) -> list[Row]:
    """Walk the records. Varints of one or two bytes are taken apart in place: a call costs more.

    `low + (high << 7) - 128` is a two-byte varint before its zigzag is undone; an odd
    one is negative, and -1 (which is 1 then) is null. What was read is compared with
    the record's length once, at its end: a slice that reaches past the data is short
    but moves `at` all the same, so it cannot stay hidden.
    """
    records: list[Row] = []
    base_offset, base_timestamp = header.base_offset, header.base_timestamp
    timestamp = header.max_timestamp
    is_create_time = not header.timestamp_type
    at = _decode_alike(data, header, records)
    previous = 2 * len(records) - 1
    for _ in range(header.record_count - len(records)):
        number = data[at]
        at += 1
        if number > 127:
            if (high := data[at]) < 128:
                number += (high << 7) - 128
                at += 1
            else:
                number, at = read_uvarint(data, at - 1)
        end = at + (number >> 1)
        number = data[at + 1]  # data[at] is the attributes: none are defined
        at += 2
        if number > 127:
            if (high := data[at]) < 128:
                number += (high << 7) - 128
                at += 1
            else:
                number, at = read_uvarint(data, at - 1)
        if is_create_time:
            timestamp = base_timestamp + (number >> 1 ^ -(number & 1))
        delta = data[at]
        at += 1
        if delta > 127:
            if (high := data[at]) < 128:
                delta += (high << 7) - 128
                at += 1
            else:
                delta, at = read_uvarint(data, at - 1)
        if delta & 1 or delta <= previous:
            raise BadDelta(f"{header}: record {len(records)} does not follow the one before it")
        previous = delta
        key = None
        number = data[at]
        at += 1
        if number != 1:
            if number > 127:
                number, at = read_uvarint(data, at - 1)
            if number & 1:
                raise BadLength(
                    f"{header}: the key of record {len(records)} is negative bytes long"
                )
            key = data[at : (at := at + (number >> 1))]
        value = None
        number = data[at]
        at += 1
        if number != 1:
            if number > 127:
                if (high := data[at]) < 128:
                    number += (high << 7) - 128
                    at += 1
                else:
                    number, at = read_uvarint(data, at - 1)
            if number & 1:
                raise BadLength(
                    f"{header}: the value of record {len(records)} is negative bytes long"
                )
            value = data[at : (at := at + (number >> 1))]
        headers: tuple[Header, ...] = ()
        if data[at]:
            headers, at = _decode_headers(data, at)
        else:
            at += 1
        if at != end:
            raise BadLength(
                f"{header}: record {len(records)} ends at byte {at}, its length says {end}"
            )
        records.append((base_offset + (delta >> 1), timestamp, key, value, headers))
    if at != len(data):
        raise BadCount(f"{header} says {header.record_count} records, more bytes follow them")
    if previous >> 1 > header.last_offset_delta:
        raise BadDelta(
            f"{header}: last offset delta is {previous >> 1}, not {header.last_offset_delta}"
        )
    return records


def _decode_alike(data: bytes, header: BatchHeader, records: list[Row]) -> int:
    """Decode the records in front that are alike; returns where they end, 0 if there are few.

    Many producers send records of one size, with keys of one size or none, and without headers.
    Then all that differs from one to the next is a byte for the time, and the content. The
    rest stands in columns, `step` bytes apart, and each column is known beforehand:

        18 00 │00│ 00 01 0a h e l l o 00
        18 00 │02│ 02 01 0a w o r l d 00      a run ends where the offset delta gets
        18 00 │02│ 04 01 0a a g a i n 00      a byte more: at 64, and beyond the table at 8192

    It is worth the trouble: three times as fast as record by record.
    """
    at = 0
    while header.record_count - len(records) >= _SHORT_RUN:
        first = len(records)
        run, step = _equal_lengths(data, at, len(data))
        last = min(first + run, header.record_count, 64 if first < 64 else len(_DELTA_LOW))
        run, end = last - first, at + (last - first) * step
        time = at + (2 if data[at] < 128 else 3)
        key = time + (2 if first < 64 else 3)
        key_bytes = max(data[key], 0) >> 1
        size, value = read_uvarint(data, key + 1 + key_bytes)
        constant = (key, *range(key + 1 + key_bytes, value), at + step - 1)
        if (
            run < _SHORT_RUN
            or size & 1
            or (data[key] & 1 and key_bytes)
            or data[key] > 127
            or value + (size >> 1) + 1 != at + step
            or data[at + step - 1]
            or max(data[time:end:step]) > 127
            or data[time + 1 : end : step] != _DELTA_LOW[first:last]
            or (first >= 64 and data[time + 2 : end : step] != _DELTA_HIGH[first:last])
            or any(data[one:end:step] != data[one : one + 1] * run for one in constant)
        ):
            break
        base = header.base_timestamp
        records += zip(
            range(header.base_offset + first, header.base_offset + last),
            [base + (delta >> 1 ^ -(delta & 1)) for delta in data[time:end:step]]
            if not header.timestamp_type
            else repeat(header.max_timestamp),
            [data[one : one + key_bytes] for one in range(key + 1, end, step)]
            if data[key] != 1
            else repeat(None),
            [data[one : one + (size >> 1)] for one in range(value, end, step)],
            repeat(()),
        )
        at = end
    return at


_DELTA_LOW = bytes(varint[0] for varint in VARINTS)
_DELTA_HIGH = bytes(varint[-1] for varint in VARINTS)


def _decode_headers(data: bytes, at: int) -> tuple[tuple[Header, ...], int]:
    """The headers of one record and the position after them.

    Keys that are not UTF-8 get replacement characters, as in Java's client: a
    consumer must not stumble for ever over what another client wrote.
    """
    count, at = read_varint(data, at)
    if count < 0:
        raise BadLength(f"a record has {count} headers")
    headers = []
    for _ in range(count):
        length, at = read_varint(data, at)
        key = data[at : at + length]
        size, after = read_varint(data, at + length)
        if length < 0 or size < -1:
            raise BadLength(f"a header's key has {length} bytes, its value {size}")
        value = None if size < 0 else data[after : after + size]
        headers.append((key.decode("utf-8", "replace"), value))
        at = after + max(size, 0)
    return tuple(headers), at


# -- building -----------------------------------------------------------------


def size_upper_bound(key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> int:
    """The most bytes that one record can take, uncompressed, wherever it stands in a batch."""
    size = RECORD_OVERHEAD_BYTES + len(key or b"") + len(value or b"")
    return size + len(_encode_headers(headers)) if headers else size


RECORD_OVERHEAD_BYTES = 32
"""Most that a record adds to its key and value: 5 length, 1 attributes, 10 and 5 deltas, 5 and 5
key and value length, 1 number of headers."""


class BatchBuilder:
    """Collects records and makes one batch of them.

        builder = BatchBuilder(Compression.LZ4)
        builder.append(1_700_000_000_000, b"key", b"value")   # 0, its offset delta
        builder.build()                                       # the bytes

    Records are encoded when they are appended, so the size is known at any time, and
    compressed in one go by `build`, which may be called again: a producer learns its
    id, epoch and base sequence only when the batch is about to leave, and sets them then.

    Not done: Kafka's producer feeds a compressor as records come and estimates the
    compressed size from earlier batches; here `estimated_size_bytes` is uncompressed.
    """

    __slots__ = (
        "attributes",
        "base_sequence",
        "base_timestamp",
        "body",
        "compression",
        "count",
        "level",
        "max_timestamp",
        "producer_epoch",
        "producer_id",
    )

    def __init__(
        self,
        compression: Compression = Compression.NONE,
        *,
        level: int | None = None,
        producer_id: int = NO_PRODUCER,
        producer_epoch: int = -1,
        base_sequence: int = -1,
        transactional: bool = False,
        control: bool = False,
    ) -> None:
        self.compression = compression
        self.level = level
        self.attributes = (
            compression | (TRANSACTIONAL if transactional else 0) | (CONTROL if control else 0)
        )
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.base_sequence = base_sequence
        self.count = 0
        self.base_timestamp = self.max_timestamp = NO_TIMESTAMP
        self.body = bytearray()

    @property
    def estimated_size_bytes(self) -> int:
        """Size of the batch so far, before compression."""
        return HEADER_BYTES + len(self.body)

    def append(
        self,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header] = (),
    ) -> int:
        """Add a record (`timestamp` in ms); returns its offset delta."""
        delta = self.count
        if delta == 0:
            self.base_timestamp = self.max_timestamp = timestamp
        elif timestamp > self.max_timestamp:
            self.max_timestamp = timestamp
        delta_ms = timestamp - self.base_timestamp
        try:
            record = b"".join(
                (
                    b"\0",
                    VARINTS[delta_ms] if delta_ms >= 0 else encode_varint(delta_ms),
                    VARINTS[delta],
                    b"\1" if key is None else VARINTS[len(key)] + key,
                    b"\1" if value is None else VARINTS[len(value)],
                    value or b"",
                    _encode_headers(headers) if headers else b"\0",
                )
            )
            length = VARINTS[len(record)]
        except IndexError:  # a number beyond the table
            record = self._encode(timestamp, key, value, headers)
            length = encode_varint(len(record))
        self.body += length
        self.body += record
        self.count = delta + 1
        return delta

    def _encode(
        self, timestamp: int, key: bytes | None, value: bytes | None, headers: Sequence[Header]
    ) -> bytes:
        """The same without the table, for the rare record with a large number in it."""
        return b"".join(
            (
                b"\0",
                encode_varint(timestamp - self.base_timestamp),
                encode_varint(self.count),
                _encode_bytes(key),
                _encode_bytes(value),
                _encode_headers(headers),
            )
        )

    def build(self, base_offset: int = 0, leader_epoch: int = -1) -> bytes:
        """The batch as bytes. Raises CodecNotAvailable when its codec's package is missing."""
        records: Buffer = self.body
        if self.compression is not Compression.NONE:
            records = codecs.compress(self.compression, self.body, self.level)
        after_crc = _AFTER_CRC.pack(
            self.attributes,
            self.count - 1,
            self.base_timestamp,
            self.max_timestamp,
            self.producer_id,
            self.producer_epoch,
            self.base_sequence,
            self.count,
        )
        crc = crc32c(records, crc32c(after_crc))
        length = HEADER_BYTES - LOG_OVERHEAD + len(records)
        before = _UP_TO_CRC.pack(base_offset, length, leader_epoch, MAGIC, crc)
        return b"".join((before, after_crc, records))


def encode(
    records: Iterable[Record], compression: Compression = Compression.NONE, leader_epoch: int = -1
) -> bytes:
    """One batch of these records, which must have consecutive offsets.

    For tests, tools and the metadata log; a producer has a BatchBuilder.
    """
    builder = BatchBuilder(compression)
    base_offset = 0
    for record in records:
        if builder.count == 0:
            base_offset = record.offset
        elif record.offset != base_offset + builder.count:
            raise BadDelta(f"offset {record.offset} after {base_offset + builder.count - 1}")
        builder.append(record.timestamp, record.key, record.value, record.headers)
    return builder.build(base_offset, leader_epoch)


def _encode_bytes(data: bytes | None) -> bytes:
    return b"\1" if data is None else encode_varint(len(data)) + data


def _encode_headers(headers: Sequence[Header]) -> bytes:
    parts = [encode_varint(len(headers))]
    for key, value in headers:
        parts.append(_encode_bytes(key.encode()))
        parts.append(_encode_bytes(value))
    return b"".join(parts)


# -- what a broker changes ------------------------------------------------------


def stamp(
    buffer: bytearray | memoryview, position: int, header: BatchHeader, offset: int, epoch: int
) -> None:
    """Give the batch at `position` its place in the log. Outside the CRC, so nothing else changes.

    `offset` becomes its base offset; `epoch` is the partition leader epoch (KIP-101).
    """
    _PLACE.pack_into(buffer, position, offset, header.batch_length, epoch)


def set_log_append_time(
    buffer: bytearray | memoryview, position: int, header: BatchHeader, timestamp: int
) -> BatchHeader:
    """Let `timestamp` (ms) be the time of all records of the batch; returns its new header.

    Inside the CRC, which is computed anew: that is what message.timestamp.type=
    LogAppendTime costs.
    """
    attributes = header.attributes | LOG_APPEND_TIME
    _ATTRIBUTES.pack_into(buffer, position + _AT_ATTRIBUTES, attributes)
    _TIMESTAMP.pack_into(buffer, position + _AT_MAX_TIMESTAMP, timestamp)
    end = position + header.size_bytes
    crc = crc32c(memoryview(buffer)[position + _AT_ATTRIBUTES : end])
    _CRC.pack_into(buffer, position + _AT_CRC, crc)
    return read_header(buffer, position)


def recompress(
    buffer: Buffer,
    position: int,
    header: BatchHeader,
    codec: Compression,
    level: int | None = None,
    *,
    limit_bytes: int = DECOMPRESSED_LIMIT_BYTES,
) -> bytearray:
    """The batch at `position` with its records in another codec.

    Encoded records are the same bytes inside every codec, so none is decoded; their lengths
    must add up. Raises BadCount, CorruptRecords, DecompressionTooLarge, CodecNotAvailable.
    """
    section = buffer[position + HEADER_BYTES : position + header.size_bytes]
    records = codecs.decompress(header.compression, section, limit_bytes)
    _hop(records, 0, len(records), header)
    batch = bytearray(buffer[position : position + HEADER_BYTES])
    batch += codecs.compress(codec, records, level)
    _LENGTH.pack_into(batch, _AT_LENGTH, len(batch) - LOG_OVERHEAD)
    _ATTRIBUTES.pack_into(batch, _AT_ATTRIBUTES, header.attributes & ~CODEC_MASK | codec)
    _CRC.pack_into(batch, _AT_CRC, crc32c(memoryview(batch)[_AT_ATTRIBUTES:]))
    return batch
