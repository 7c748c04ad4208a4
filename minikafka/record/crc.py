"""CRC-32C (Castagnoli), the checksum of a record batch: from C where there is a wheel, else folded.

A CRC is the remainder of a polynomial division: the data's bits are coefficients
(0 or 1, addition is XOR), the divisor has degree 32. The textbook divides byte by
byte with a table of 256 remainders, which costs Python a loop step per byte.

The fold below takes thousands of bytes in a step. Remainders do not change when a
multiple of the divisor is added, and among its multiples there is a sparse one:

    x^290 + x^136 + x^113 + x^107 + x^32 + 1   is 0,   so   x^290 = x^136 + x^113 + …

"The bits above place 290 may be XORed in at five places further down" is five
shifts of one Python integer, and its bits are gone. For long data the five places
are moved apart: squaring doubles all exponents of a sum of powers (the mixed terms
cancel), so the same holds with every exponent times 2, 4, 8, …:

    |<- top ->|            290·s            |
    |=========|·····························|
              |····=========··=========·····|   top, XORed in at 136·s, 113·s, …

Halving the scale s as the data shrinks leaves some 40 bytes for the table. Bits are
kept in CRC-32C's own order, lowest bit of the first byte first, so "top" is the low
end of a little-endian integer and moving down is a shift to the left.

There is a CRC-32 in zlib, but for another polynomial.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from typing import cast

Buffer = bytes | bytearray | memoryview

POLYNOMIAL = 0x1EDC6F41  # without its x^32
SPARSE_MULTIPLE = (290, 136, 113, 107, 32, 0)

_ONES = 0xFFFFFFFF
_REVERSED_POLYNOMIAL = 0x82F63B78


def _remainder_of(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_REVERSED_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = tuple(map(_remainder_of, range(256)))


def pure_crc32c(data: Buffer, value: int = 0) -> int:
    """CRC-32C of `data` in plain Python; `value` is the checksum of what came before it."""
    crc = value ^ _ONES
    if len(data) > 2 * SPARSE_MULTIPLE[0] // 8:
        data, crc = _fold(int.from_bytes(data, "little") ^ crc, 8 * len(data)), 0
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ _ONES


def _fold(number: int, bits: int) -> bytes:
    """Some 40 bytes with the same remainder as the `bits` bits of `number`."""
    degree, *places = SPARSE_MULTIPLE
    scale = 1 << (bits // degree).bit_length() - 1
    while scale:
        # No more than fits below the top, and none that would land in the top again.
        while cut := min(bits - degree * scale, (degree - places[0]) * scale) & ~7:
            top = number & (1 << cut) - 1
            number >>= cut
            for place in places:
                number ^= top << (degree - place) * scale - cut
            bits -= cut
        scale >>= 1
    return number.to_bytes(bits // 8, "little")


def _fastest() -> Callable[..., int]:
    """The wheel's function if there is one. It releases the GIL and takes memoryviews uncopied.

    Only the extension module is loaded, because the package around it asks for its own
    version on import, and that takes longer than all other imports of the core together.
    """
    package = PathFinder.find_spec("crc32c")
    if package is None:
        return pure_crc32c
    spec = PathFinder.find_spec("crc32c._crc32c", package.submodule_search_locations)
    if spec is None or spec.loader is None:  # a version that is built otherwise
        return cast(Callable[..., int], import_module("crc32c").crc32c)
    extension = module_from_spec(spec)
    spec.loader.exec_module(extension)
    return cast(Callable[..., int], extension.crc32c)


crc32c = _fastest()
"""CRC-32C: `crc32c(data, value=0)`, as `pure_crc32c`."""
