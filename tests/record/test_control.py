"""Control batches: markers of transactions, and keys of types that this version may not know."""

from __future__ import annotations

import struct

import pytest

from minikafka.record.batch import read_header, verify
from minikafka.record.control import (
    ControlType,
    decode_control_key,
    decode_end_txn_marker,
    encode_control_key,
    encode_end_txn_marker,
)
from minikafka.record.errors import BadLength
from minikafka.record.records import decode


@pytest.mark.parametrize("control_type", [ControlType.ABORT, ControlType.COMMIT])
def test_end_of_a_transaction(control_type: ControlType) -> None:
    data = encode_end_txn_marker(
        control_type, timestamp=1234, producer_id=7, producer_epoch=2, coordinator_epoch=5
    )
    header = read_header(data)
    verify(data, 0, header)
    assert header.is_control
    assert header.is_transactional
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (7, 2, -1)
    (record,) = decode(data, 0, header)
    assert record.timestamp == 1234
    assert record.key == b"\0\0\0" + bytes([control_type])
    assert record.value == b"\0\0\0\0\0\5"
    assert decode_control_key(record.key) is control_type
    assert decode_end_txn_marker(record.value) == 5


def test_keys() -> None:
    for control_type in ControlType:
        assert decode_control_key(encode_control_key(control_type)) is control_type
    assert decode_control_key(struct.pack(">hh", 0, 99)) is ControlType.UNKNOWN
    assert decode_control_key(struct.pack(">hhi", 3, 1, 42)) is ControlType.COMMIT


def test_too_short() -> None:
    for short in (None, b"", b"\0\0\0"):
        with pytest.raises(BadLength):
            decode_control_key(short)
        with pytest.raises(BadLength):
            decode_end_txn_marker(short)
