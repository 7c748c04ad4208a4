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

The textbook decodes what it receives. A broker must not: walking each record costs
Python more than everything else that happens to a produced batch. So there are
three depths of reading. `read_header` looks at 61 bytes; `verify` adds the checksum
and hops from length to length, so that the number of records cannot lie (`decompressed`
does so for records in a codec); `decode` (records.py) makes the records. The broker's
paths use the first two.

Sources: KIP-98 (the format), `DefaultRecordBatch`, `DefaultRecord`, `LogValidator`.

Not done: formats v0 and v1 (Kafka 4 does not take them from producers either, KIP-724).
Not done: Kafka's broker reads each record of a produced batch; here records are hopped over by
their lengths, so that there are as many as the header says, and nothing is looked at inside of
one. So a client can store a batch that nobody can read. It keeps its place: the log goes on
behind it, consumers refuse it, and a ListOffsets that must look inside (by time) is answered
with CORRUPT_MESSAGE.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from minikafka.record import compression as codecs
from minikafka.record.compression import DECOMPRESSED_LIMIT_BYTES, Compression
from minikafka.record.crc import crc32c
from minikafka.record.errors import (
    BadCodec,
    BadCount,
    BadCrc,
    BadDelta,
    BadLength,
    BadMagic,
)
from minikafka.record.varint import read_uvarint

Buffer = bytes | bytearray | memoryview
LOG_OVERHEAD = 12  # base offset and batch length: what batch_length does not count
HEADER_BYTES = 61
MAGIC = 2

CODEC_MASK = 0b111
LOG_APPEND_TIME = 1 << 3
TRANSACTIONAL = 1 << 4
CONTROL = 1 << 5

NO_PRODUCER = -1
NO_TIMESTAMP = -1

_HEADER = struct.Struct(">qiibIhiqqqhii")
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

    Raises BadLength, BadCrc, BadCodec, BadCount or BadDelta. What is in a codec is believed
    here: see `decompressed`, and the text of this file for what Kafka checks beyond that.
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
    if left * LEAST_RECORD_BYTES > end - position:
        raise BadCount(f"{header} says {left} records, {end - position} bytes cannot be so many")
    try:
        runs = _MAX_RUNS  # each looks at all that is left: a few must do
        while left >= SHORT_RUN and runs:
            run, stride = equal_lengths(buffer, position, end)
            odd |= buffer[position]
            run = min(run, left)
            position += run * stride
            left -= run
            runs = runs - 1 if run >= SHORT_RUN else 0
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


def decompressed(
    buffer: Buffer,
    position: int,
    header: BatchHeader,
    limit_bytes: int = DECOMPRESSED_LIMIT_BYTES,
) -> bytes:
    """The encoded records of the batch at `position`, out of their codec; their lengths add up.

    Raises BadCount, CorruptRecords, DecompressionTooLarge above `limit_bytes`, CodecNotAvailable.
    """
    section = buffer[position + HEADER_BYTES : position + header.size_bytes]
    codecs.check_frame(header.compression, section)
    records = codecs.decompress(header.compression, section, limit_bytes)
    _hop(records, 0, len(records), header)
    return records


LEAST_RECORD_BYTES = 7
"""Length, attributes, both deltas, no key, no value, no headers: a byte each."""

SHORT_RUN = 32
_MAX_RUNS = 8


def equal_lengths(buffer: Buffer, position: int, end: int) -> tuple[int, int]:
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
    run = end
    for at in range(position, body):
        column = bytes(buffer[at:end:step])
        run = min(run, len(column) - len(column.lstrip(column[:1])))
    return run, step


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
    return _set_times(buffer, position, header, header.attributes | LOG_APPEND_TIME, timestamp)


def set_create_time(
    buffer: bytearray | memoryview, position: int, header: BatchHeader, max_timestamp: int
) -> BatchHeader:
    """Let the records have the producer's times, of which `max_timestamp` is the largest.

    For a header that said otherwise: see validate.py. Returns the new one.
    """
    return _set_times(buffer, position, header, header.attributes & ~LOG_APPEND_TIME, max_timestamp)


def _set_times(
    buffer: bytearray | memoryview,
    position: int,
    header: BatchHeader,
    attributes: int,
    timestamp: int,
) -> BatchHeader:
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
    records = decompressed(buffer, position, header, limit_bytes)
    batch = bytearray(buffer[position : position + HEADER_BYTES])
    batch += codecs.compress(codec, records, level)
    _LENGTH.pack_into(batch, _AT_LENGTH, len(batch) - LOG_OVERHEAD)
    _ATTRIBUTES.pack_into(batch, _AT_ATTRIBUTES, header.attributes & ~CODEC_MASK | codec)
    _CRC.pack_into(batch, _AT_CRC, crc32c(memoryview(batch)[_AT_ATTRIBUTES:]))
    return batch
