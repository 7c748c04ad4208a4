"""The records inside a batch: from its bytes to what a consumer reads.

A record is, in varints (varint.py) but for the attributes:

    length  attributes=0  timestamp delta  offset delta  |key| key  |value| value
    |headers|  then for each header: |key| key  |value| value        (length -1: null)

A batch with one record, key "k", value "hello", is 74 bytes, 13 of them the record's:

    18 00 00 00 02 6b 0a 68 65 6c 6c 6f 00
    │  │  │  │  │  k  │  h  e  l  l  o  │
    12 │  Δt Δo 1     5                 no headers
       attributes

Taking it apart is what costs a consumer its time, so there are two ways here: record by record,
with nothing called for the common case, and, for a run of records that are alike, column by column.

Sources: `DefaultRecord`, KIP-98, KIP-82 (headers).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from itertools import repeat
from struct import unpack_from
from typing import NamedTuple

from minikafka.record import compression as codecs
from minikafka.record.batch import (
    HEADER_BYTES,
    SHORT_RUN,
    BatchHeader,
    Buffer,
    check_crc,
    equal_lengths,
)
from minikafka.record.compression import DECOMPRESSED_LIMIT_BYTES, Compression
from minikafka.record.errors import BadCount, BadDelta, BadLength
from minikafka.record.varint import VARINTS, read_uvarint, read_varint

Header = tuple[str, bytes | None]


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


Columns = tuple[
    list[int], list[int], list[bytes | None], list[bytes | None], list[tuple[Header, ...]]
]
"""The records of a batch, field by field, in the order in which `Record` has the fields."""

# Straight to tuple's constructor: Record(...) would cost a call more.
_new_record: Callable[[type[Record], tuple[object, ...]], Record] = tuple.__new__


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
    columns = decode_columns(buffer, position, header, limit_bytes=limit_bytes, check_crc=check_crc)
    return list(map(_new_record, repeat(Record), zip(*columns, strict=True)))


def decode_columns(
    buffer: Buffer,
    position: int,
    header: BatchHeader,
    *,
    limit_bytes: int = DECOMPRESSED_LIMIT_BYTES,
    check_crc: bool = True,
) -> Columns:
    """`decode`, field by field: for who makes something else of it than a `Record`."""
    if check_crc:
        _check_crc(buffer, position, header)
    data = bytes(buffer[position + HEADER_BYTES : position + header.size_bytes])
    if data and header.compression is not Compression.NONE:  # compaction leaves empty batches
        data = codecs.decompress(header.compression, data, limit_bytes)
    columns: Columns = [], [], [], [], []
    try:
        _decode_records(data, header, columns)
    except IndexError:
        raise BadLength(f"{header}: the data ends inside a record") from None
    return columns


def keys_and_times(data: bytes, header: BatchHeader) -> tuple[bytearray, array[int]]:
    """Of each record whether it has a key (1 or 0), and its timestamp in ms.

    For who has to look at records that a stranger has sent: what it makes of them is smaller than
    they are, so values and headers are not taken out, nor looked at. Raises BadLength or BadDelta.
    """
    has_key, times = bytearray(), array("q")
    base, at = header.base_timestamp, 0
    try:
        for index in range(header.record_count):
            length, at = read_varint(data, at)
            end = at + length
            time, at = read_varint(data, at + 1)
            delta, at = read_varint(data, at)
            key_bytes, at = read_varint(data, at)
            if length < 0 or at + key_bytes > end:
                raise BadLength(f"{header}: record {index} is shorter than its key")
            if delta != index:
                raise BadDelta(f"{header}: record {index} has offset delta {delta}")
            has_key.append(key_bytes >= 0)
            if header.timestamp_type:
                times.append(header.max_timestamp)
            else:
                times.append((base + time + _HALF) % (2 * _HALF) - _HALF)  # as a Java long adds
            at = end
    except IndexError:
        raise BadLength(f"{header}: the data ends inside a record") from None
    return has_key, times


_HALF = 1 << 63


_check_crc = check_crc  # `decode` has an argument of that name


def _decode_records(data: bytes, header: BatchHeader, columns: Columns) -> None:
    """Walk the records. Varints of one or two bytes are taken apart in place: a call costs more.

    `low + (high << 7) - 128` is a two-byte varint before its zigzag is undone; an odd
    one is negative, and -1 (which is 1 then) is null. What was read is compared with
    the record's length once, at its end: a slice that reaches past the data is short
    but moves `at` all the same, so it cannot stay hidden.
    """
    base_offset, base_timestamp = header.base_offset, header.base_timestamp
    timestamp = header.max_timestamp
    is_create_time = not header.timestamp_type
    offsets, timestamps, keys, values, all_headers = columns
    at = _decode_alike(data, header, columns) if header.record_count >= SHORT_RUN else 0
    first = len(offsets)
    previous = 2 * first - 1
    for index in range(first, header.record_count):
        number = data[at]
        at += 1
        if number > 127:
            if (high := data[at]) < 128:
                number += (high << 7) - 128
                at += 1
            else:
                number, at = read_uvarint(data, at - 1)
        if number & 1:
            raise BadLength(f"{header}: record {index} is negative bytes long")
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
            raise BadDelta(f"{header}: record {index} does not follow the one before it")
        previous = delta
        key = None
        number = data[at]
        at += 1
        if number != 1:
            if number > 127:
                number, at = read_uvarint(data, at - 1)
            if number & 1:
                raise BadLength(f"{header}: the key of record {index} is negative bytes long")
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
                raise BadLength(f"{header}: the value of record {index} is negative bytes long")
            value = data[at : (at := at + (number >> 1))]
        headers: tuple[Header, ...] = ()
        if data[at]:
            headers, at = _decode_headers(data, at)
        else:
            at += 1
        if at != end:
            raise BadLength(f"{header}: record {index} ends at byte {at}, its length says {end}")
        offsets.append(base_offset + (delta >> 1))
        timestamps.append(timestamp)
        keys.append(key)
        values.append(value)
        all_headers.append(headers)
    if at != len(data):
        raise BadCount(f"{header} says {header.record_count} records, more bytes follow them")
    if previous >> 1 > header.last_offset_delta:
        raise BadDelta(
            f"{header}: last offset delta is {previous >> 1}, not {header.last_offset_delta}"
        )


LONGEST_RUN = 1024
"""Records taken out at once: struct remembers what it was asked for, and should not grow."""


def _decode_alike(data: bytes, header: BatchHeader, columns: Columns) -> int:
    """Decode the records in front that are alike; returns where they end, 0 if there are few.

    Many producers send records of one size, with keys of one size or none, and without headers.
    Then all that differs from one to the next is a byte for the time, and the content. The
    rest stands in columns, `step` bytes apart, and each column is known beforehand:

        18 00 │00│ 00 01 0a h e l l o 00
        18 00 │02│ 02 01 0a w o r l d 00      a run ends where the offset delta gets
        18 00 │02│ 04 01 0a a g a i n 00      a byte more: at 64, and beyond the table at 8192

    It is worth the trouble: twice as fast as record by record. Whatever does not look like this,
    malformed records among it, is left to the general way; nothing is refused here.
    """
    at = 0
    try:
        while header.record_count - len(columns[0]) >= SHORT_RUN:
            end = _decode_run(data, at, header, columns)
            if end == at:
                break
            at = end
    except (IndexError, BadLength):
        pass  # the general way says what is wrong
    return at


def _decode_run(data: bytes, at: int, header: BatchHeader, columns: Columns) -> int:
    """Decode one run of records that are alike; returns its end, or `at` if there is none."""
    offsets, timestamps, keys, values, headers = columns
    first = len(offsets)
    run, step = equal_lengths(data, at, len(data))
    limit = 64 if first < 64 else min(first + LONGEST_RUN, len(_DELTA_LOW))
    last = min(first + run, header.record_count, limit)
    run, end = last - first, at + (last - first) * step
    # Column by column, from the left: each is known only if those before it are what they must be.
    prefix = 1 if data[at] < 128 else 2
    time, delta = at + prefix + 1, at + prefix + 2
    key = delta + (1 if first < 64 else 2)
    times = data[time:end:step]
    numbers = set(times)  # few: records of one batch come within milliseconds
    if (
        run < SHORT_RUN
        or data[at + prefix - 1] > 127
        or max(numbers) > 127
        or data[delta:end:step] != _DELTA_LOW[first:last]
        or (first >= 64 and data[delta + 1 : end : step] != _DELTA_HIGH[first:last])
        or data[key] > 127
        or (data[key] & 1 and data[key] != 1)
    ):
        return at
    key_bytes = data[key] >> 1
    length = key + 1 + key_bytes  # where the value's length stands
    size, value = data[length], length + 1
    if size > 127:
        size += (data[value] << 7) - 128
        value += 1
    constant = (key, *range(length, value), at + step - 1)
    if (
        data[value - 1] > 127
        or size & 1
        or value + (size >> 1) + 1 != at + step
        or data[at + step - 1]
        or any(data[one:end:step] != data[one : one + 1] * run for one in constant)
    ):
        return at
    # struct takes all contents out in one call, several times as fast as slice by slice.
    if data[key] == 1:
        contents = unpack_from(f"{value - at}x{size >> 1}sx" * run, data, at)
        keys.extend(repeat(None, run))
        values.extend(contents)
    else:
        shape = f"{key + 1 - at}x{key_bytes}s{value - length}x{size >> 1}sx"
        contents = unpack_from(shape * run, data, at)
        keys.extend(contents[0::2])
        values.extend(contents[1::2])
    offsets.extend(range(header.base_offset + first, header.base_offset + last))
    if header.timestamp_type:
        timestamps.extend(repeat(header.max_timestamp, run))
    else:
        base = header.base_timestamp
        time_of = {number: base + (number >> 1 ^ -(number & 1)) for number in numbers}
        timestamps.extend(map(time_of.__getitem__, times))
    headers.extend(repeat((), run))
    return end


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
