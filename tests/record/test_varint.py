"""Zigzag varints: one table for both directions, and what must be refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikafka.record.errors import BadLength
from minikafka.record.varint import VARINTS, encode_varint, read_uvarint, read_varint, varint_size

TABLE = [
    (0, "00"),
    (-1, "01"),
    (1, "02"),
    (-2, "03"),
    (63, "7e"),
    (-64, "7f"),
    (64, "8001"),
    (-65, "8101"),
    (8191, "fe7f"),
    (8192, "808001"),
    (-8193, "818001"),
    (2**31 - 1, "feffffff0f"),
    (-(2**31), "ffffffff0f"),
    (2**63 - 1, "feffffffffffffffff01"),
    (-(2**63), "ffffffffffffffffff01"),
]


@pytest.mark.parametrize(("value", "text"), TABLE)
def test_both_directions(value: int, text: str) -> None:
    data = bytes.fromhex(text)
    assert encode_varint(value) == data
    assert varint_size(value) == len(data)
    assert read_varint(data, 0) == (value, len(data))
    assert read_varint(b"\xff" + data + b"\xff", 1) == (value, len(data) + 1)
    for end in range(len(data)):
        with pytest.raises(IndexError):
            read_varint(data[:end], 0)


@given(st.integers(-(2**63), 2**63 - 1))
def test_round_trip(value: int) -> None:
    data = encode_varint(value)
    assert len(data) == varint_size(value)
    assert read_varint(data, 0) == (value, len(data))


def test_the_table_is_the_function() -> None:
    assert [encode_varint(value) for value in range(8192)] == list(VARINTS)


def test_more_than_ten_bytes_are_no_number() -> None:
    with pytest.raises(BadLength, match="at byte 2 is longer than 10 bytes"):
        read_uvarint(b"\0\0" + b"\x80" * 11 + b"\x01", 2)
