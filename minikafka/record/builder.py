"""Making a batch: records are encoded as they come, the header when the batch leaves."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from minikafka.record import compression as codecs
from minikafka.record.batch import (
    CONTROL,
    HEADER_BYTES,
    LOG_OVERHEAD,
    MAGIC,
    NO_PRODUCER,
    NO_TIMESTAMP,
    TRANSACTIONAL,
    Buffer,
)
from minikafka.record.compression import Compression
from minikafka.record.crc import crc32c
from minikafka.record.errors import BadDelta
from minikafka.record.records import Header, Record
from minikafka.record.varint import VARINTS, encode_varint, varint_size

_AFTER_CRC = struct.Struct(">hiqqqhii")
_UP_TO_CRC = struct.Struct(">qiibI")


def size_upper_bound(key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> int:
    """The most bytes that one record can take, uncompressed, wherever it stands in a batch.

    `AbstractRecords.estimateSizeInBytesUpperBound` without the header of the batch.
    """
    return FIELDS_BYTES + _size_of(key, value, headers)


FIELDS_BYTES = 21
"""Most that length, attributes, time and offset of a record take: 5, 1, 10 and 5."""
RECORD_OVERHEAD_BYTES = FIELDS_BYTES + 5 + 5 + 1
"""Most that a record without headers adds to its key and value: also their lengths, and a 0."""


NO_TIMES = array("q")


class BatchBuilder:
    """Collects records and makes one batch of them.

        builder = BatchBuilder(Compression.LZ4)
        builder.append(1_700_000_000_000, b"key", b"value")   # 0, its offset delta
        builder.build()                                       # the bytes

    Records are encoded when they are appended, so the size is known at any time, and
    compressed in one go by `build`, which may be called again: a producer learns its
    id, epoch and base sequence only when the batch is about to leave, and sets them then.
    """

    __slots__ = (
        "_last_timestamp",
        "_times",
        "_times_begin",
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
        self._last_timestamp: int | None = None
        # Each time that differs from that of the record before, and which record that was. Most
        # batches have one time, the base's, and no such lists.
        self._times: array[int] = NO_TIMES
        self._times_begin: array[int] = NO_TIMES
        self.body = bytearray()

    @property
    def estimated_size_bytes(self) -> int:
        """Size of the batch so far, before compression."""
        return HEADER_BYTES + len(self.body)

    def size_of(
        self, timestamp: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()
    ) -> int:
        """How many bytes this record would add, before compression."""
        delta_ms = timestamp - self.base_timestamp if self.count else 0
        size = 1 + _size_of(key, value, headers)
        size += varint_size(delta_ms) + varint_size(self.count)
        return varint_size(size) + size

    def append(
        self,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header] = (),
    ) -> int:
        """Add a record (`timestamp` in ms); returns its offset delta."""
        delta = self.count
        if timestamp != self._last_timestamp:
            self._note_time(timestamp)
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

    def _note_time(self, timestamp: int) -> None:
        self._last_timestamp = timestamp
        if self.count == 0:
            self.base_timestamp = self.max_timestamp = timestamp
            return
        if timestamp > self.max_timestamp:
            self.max_timestamp = timestamp
        if not self._times:
            self._times, self._times_begin = array("q"), array("i")
        self._times.append(timestamp)
        self._times_begin.append(self.count)

    def timestamp_of(self, index: int) -> int:
        """The time that the record with this offset delta was given."""
        changes = bisect_right(self._times_begin, index)
        return self._times[changes - 1] if changes else self.base_timestamp

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
        return self.build_around(records, base_offset, leader_epoch)

    def build_around(self, records: Buffer, base_offset: int = 0, leader_epoch: int = -1) -> bytes:
        """The same when the records section is there already, compressed and all."""
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


def _size_of(key: bytes | None, value: bytes | None, headers: Sequence[Header]) -> int:
    """How many bytes key, value and headers take with their lengths."""
    size = len(_encode_headers(headers)) if headers else 1
    for data in (key, value):
        size += 1 if data is None else varint_size(len(data)) + len(data)
    return size


def _encode_bytes(data: bytes | None) -> bytes:
    return b"\1" if data is None else encode_varint(len(data)) + data


def _encode_headers(headers: Sequence[Header]) -> bytes:
    parts = [encode_varint(len(headers))]
    for key, value in headers:
        parts.append(_encode_bytes(key.encode()))
        parts.append(_encode_bytes(value))
    return b"".join(parts)
