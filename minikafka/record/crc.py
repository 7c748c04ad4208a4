"""CRC-32C (Castagnoli): the checksum of a record batch."""

from __future__ import annotations

from collections.abc import Callable

Bytes = bytes | bytearray | memoryview


def _byte_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


_TABLE = _byte_table()


def pure_crc32c(data: Bytes, value: int = 0) -> int:
    """CRC-32C of `data` in plain Python; `value` is the checksum of what came before it."""
    table = _TABLE
    crc = value ^ 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


crc32c: Callable[..., int]
try:
    from crc32c import crc32c
except ImportError:
    crc32c = pure_crc32c
