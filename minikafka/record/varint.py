"""The integers inside a record: zigzag varints.

    value      0    -1     1    -2  …  63    64      8191       8192
    zigzag     0     1     2     3    126   128     16382      16384
    bytes     00    01    02    03     7e  80 01    fe 7f   80 80 01

Seven bits to a byte, lowest first, the high bit says "more follows". Zigzag
interleaves the signs first, so that -1 (a null key) takes one byte and not ten.
The textbook encodes bit by bit in a loop; here nearly every number in a batch (a
length below 8 KB, a delta) is small and not negative and takes two bytes at most,
so those come from one table, and the loop serves the rest.

Source: Protocol Buffers' zigzag encoding, as in Kafka's `ByteUtils`.
"""

from __future__ import annotations

from minikafka.record.errors import BadLength

_MAX_BYTES = 10  # of a 64-bit number


def encode_varint(value: int) -> bytes:
    """`value` (64 bits, signed) as zigzag varint: 1 to 10 bytes."""
    rest = value << 1 ^ value >> 63
    out = bytearray()
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    out.append(rest)
    return bytes(out)


_BYTE = [bytes((number,)) for number in range(256)]
_EVEN_ZIGZAG = _BYTE[:128:2] + [low + high for high in _BYTE[1:128] for low in _BYTE[128::2]]

VARINTS = tuple(_EVEN_ZIGZAG)
"""`VARINTS[n]` is the encoding of n for 0 <= n < 8192; above, IndexError. Never index it with
a negative number: Python would count from the end."""


def varint_size(value: int) -> int:
    """Bytes that `value` takes as zigzag varint."""
    return ((value << 1 ^ value >> 63).bit_length() + 6) // 7 or 1


def read_uvarint(data: bytes | bytearray | memoryview, position: int) -> tuple[int, int]:
    """The number at `position` before the zigzag is undone, and the position after it.

    Raises BadLength when it has more than ten bytes, IndexError when the data ends in it.
    """
    value = shift = 0
    for at in range(position, position + _MAX_BYTES):
        byte = data[at]
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at + 1
        shift += 7
    raise BadLength(f"varint at byte {position} is longer than {_MAX_BYTES} bytes")


def read_varint(data: bytes | bytearray | memoryview, position: int) -> tuple[int, int]:
    """The signed number at `position` and the position after it; errors as `read_uvarint`."""
    value, position = read_uvarint(data, position)
    return value >> 1 ^ -(value & 1), position
