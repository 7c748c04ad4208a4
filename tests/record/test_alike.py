"""Records that are alike are decoded by columns: never anything else than record by record."""

from __future__ import annotations

import struct
from random import Random

import pytest

from minikafka.record import records
from minikafka.record.batch import read_header
from minikafka.record.crc import crc32c
from minikafka.record.errors import RecordError
from minikafka.record.records import Columns, decode_columns
from minikafka.record.varint import encode_varint


def in_varints(data: bytes | None) -> bytes:
    return encode_varint(-1) if data is None else encode_varint(len(data)) + data


def batch_of(body: bytes, count: int, last_delta: int, attributes: int = 0) -> bytes:
    after = struct.pack(">hiqqqhii", attributes, last_delta, 1_000, 5_000, -1, -1, -1, count) + body
    return struct.pack(">qiibI", 100, 9 + len(after), 0, 2, crc32c(after)) + after


def random_batch(random: Random) -> bytes:
    """Mostly of one shape, with the lengths and deltas at which something gets a byte more."""
    count = random.choice([5, 33, 64, 70, 130, 300])
    offset = random.choice([0, 0, 0, 1, 60, 64, 8_100])
    key_bytes = random.choice([None, None, 0, 1, 5, 63, 64, 150, 200])
    value_bytes = random.choice([None, 0, 1, 10, 63, 64, 100, 8_200])
    filling = random.choice([b"\xff", b"\x80", b"\0", b"A", None])
    time, step = random.choice([0, 0, 1, 60, 64, -1, -70]), random.choice([0, 0, 1])

    def content(size: int | None) -> bytes | None:
        if size is None:
            return None
        return random.randbytes(size) if filling is None else filling * size

    body = bytearray()
    gap = random.choice([0.0, 0.0, 0.05])
    for number in range(count):
        record = b"\0" + encode_varint(time + step * number) + encode_varint(offset)
        record += in_varints(content(key_bytes)) + in_varints(content(value_bytes))
        record += (
            encode_varint(1) + in_varints(b"h") + in_varints(None)
            if random.random() < 0.001
            else b"\0"
        )
        body += encode_varint(len(record)) + record
        offset += 1 + (random.random() < gap)
    return batch_of(bytes(body), count, offset - 1, random.choice([0, 0, 8]))


def outcome(batch: bytes) -> Columns | type[RecordError]:
    try:
        return decode_columns(batch, 0, read_header(batch), check_crc=False)
    except RecordError as error:
        return type(error)


def both_ways(batch: bytes) -> tuple[object, object]:
    by_columns = outcome(batch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "SHORT_RUN", 1 << 40)
        return by_columns, outcome(batch)


def test_the_same_records_as_one_by_one() -> None:
    for seed in range(400):
        by_columns, one_by_one = both_ways(random_batch(Random(seed)))
        assert isinstance(one_by_one, tuple), seed
        assert by_columns == one_by_one, seed


def test_the_same_refusals_as_one_by_one() -> None:
    for seed in range(1_500):
        random = Random(seed)
        batch = bytearray(random_batch(random))
        for _ in range(random.choice([1, 1, 2])):
            at = random.choice([random.randrange(61, len(batch)), 61 + random.randrange(12)])
            batch[min(at, len(batch) - 1)] = random.choice(
                [0, 1, 2, 127, 128, 255, random.randrange(256)]
            )
        if random.random() < 0.1:
            del batch[-random.randrange(1, 20) :]
            struct.pack_into(">i", batch, 8, len(batch) - 12)
        by_columns, one_by_one = both_ways(bytes(batch))
        assert by_columns == one_by_one, seed


@pytest.mark.parametrize("text", ["Ж" * 75, "Ж" * 20, "é" * 64])
def test_keys_and_values_that_look_like_endless_varints(text: str) -> None:
    for key, value in ((text.encode(), b"v"), (None, text.encode()), (text.encode(), None)):
        body = bytearray()
        for number in range(1_000):
            record = b"\0" + encode_varint(number // 10) + encode_varint(number)
            record += in_varints(key) + in_varints(value) + b"\0"
            body += encode_varint(len(record)) + record
        columns = outcome(batch_of(bytes(body), 1_000, 999))
        assert isinstance(columns, tuple)
        assert columns[0] == list(range(100, 1_100))
        assert columns[2] == [key] * 1_000 and columns[3] == [value] * 1_000


def test_a_record_of_negative_length_is_refused() -> None:
    body = bytes.fromhex("0d 00 00 00 01 01 00")
    assert isinstance(outcome(batch_of(body, 1, 0)), type)


def test_long_records_without_their_attributes_are_refused() -> None:
    # A length prefix of three bytes: the columns are not where those of shorter records are.
    body = b""
    for number in range(40):
        record = (
            encode_varint(0) + encode_varint(number) + in_varints(b"") + in_varints(b"x" * 9_000)
        )
        body += encode_varint(len(record) + 1) + record + b"\0"
    assert isinstance(outcome(batch_of(body, 40, 39)), type)
