"""The five codecs."""

from __future__ import annotations

from enum import IntEnum


class Compression(IntEnum):
    """Codec ids as the attributes of a batch carry them; names as Kafka's configs spell them."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4

    @classmethod
    def by_name(cls, name: str) -> Compression:
        """`Compression.by_name("gzip")`; ValueError names what there is."""
        try:
            return cls[name.upper()]
        except KeyError:
            known = ", ".join(member.name.lower() for member in cls)
            raise ValueError(f"compression {name!r} is none of {known}") from None


def compress(
    codec: Compression, data: bytes | bytearray, level: int | None = None
) -> bytes | bytearray:
    if codec is Compression.NONE:
        return data
    raise NotImplementedError


def decompress(codec: Compression, data: bytes, limit_bytes: int) -> bytes:
    if codec is Compression.NONE:
        return data
    raise NotImplementedError
