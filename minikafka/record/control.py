"""Control batches: what brokers write between the records, for other brokers and for clients.

A control batch holds one record (KRaft's may hold more) whose key says what it means:

    key    00 00  00 01                version 0, type 1: COMMIT
    value  00 00  00 00 00 05          version 0, coordinator epoch 5

Consumers never hand them to applications; they take an offset all the same, which is
why the offsets of a transactional topic have holes.

Sources: `ControlRecordType`, `EndTransactionMarker`, KIP-98; KIP-595 and KIP-853 for
the types of the metadata quorum, whose values are messages of their own (wire/).
"""

from __future__ import annotations

import struct
from enum import IntEnum

from minikafka.record.builder import BatchBuilder
from minikafka.record.errors import BadLength

_KEY = struct.Struct(">hh")
_END_TXN_MARKER = struct.Struct(">hi")


class ControlType(IntEnum):
    """What a control record means. UNKNOWN: written by a later version, to be skipped."""

    UNKNOWN = -1
    ABORT = 0
    COMMIT = 1
    LEADER_CHANGE = 2
    SNAPSHOT_HEADER = 3
    SNAPSHOT_FOOTER = 4
    KRAFT_VERSION = 5
    KRAFT_VOTERS = 6


def encode_control_key(control_type: ControlType) -> bytes:
    return _KEY.pack(0, control_type)


def decode_control_key(key: bytes | None) -> ControlType:
    """What the control record with this key means. Raises BadLength when it is too short.

    Longer keys and later versions are read by their first four bytes, as Kafka does.
    """
    if key is None or len(key) < _KEY.size:
        raise BadLength(f"control record key {key!r} has fewer than {_KEY.size} bytes")
    number = _KEY.unpack_from(key)[1]
    return ControlType(number) if number in _KNOWN else ControlType.UNKNOWN


_KNOWN = frozenset(ControlType)


def encode_end_txn_marker(
    control_type: ControlType,
    *,
    timestamp: int,
    producer_id: int,
    producer_epoch: int,
    coordinator_epoch: int,
) -> bytes:
    """The batch that ends a transaction: ABORT or COMMIT (KIP-98). `timestamp` in ms."""
    builder = BatchBuilder(
        producer_id=producer_id, producer_epoch=producer_epoch, transactional=True, control=True
    )
    builder.append(
        timestamp, encode_control_key(control_type), _END_TXN_MARKER.pack(0, coordinator_epoch)
    )
    return builder.build()


def decode_end_txn_marker(value: bytes | None) -> int:
    """The coordinator epoch in a marker's value. Raises BadLength when it is too short."""
    if value is None or len(value) < _END_TXN_MARKER.size:
        raise BadLength(f"marker {value!r} has fewer than {_END_TXN_MARKER.size} bytes")
    epoch: int = _END_TXN_MARKER.unpack_from(value)[1]
    return epoch
