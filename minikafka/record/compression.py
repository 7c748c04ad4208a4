"""The five codecs, in the framings that Kafka's Java clients write and read.

    codec   id  section of a batch                                   provided by
    none    0   the records                                          -
    gzip    1   gzip member                                          Python's zlib
    snappy  2   82 S N A P P Y 00, version 1, version 1, then        cramjam
                blocks: |length int32| raw snappy of up to 32 KB
    lz4     3   lz4 frame, blocks of 64 KB, *independent* ones:      cramjam
                Java's reader refuses blocks that refer back
    zstd    4   zstd frame                                           cramjam

Snappy has a framing of its own, but Java's snappy library was there first with
another one (xerial's); that is what "snappy" means on a Kafka topic. Some clients
send one bare snappy block, so that is read too.

**Bounded.** A kilobyte can claim, truthfully or not, to be a gigabyte. So
`decompress` asks for a limit and makes nothing larger (what is made of the records is another
matter). Sizes in frame headers may
lie or be missing, so none is believed: zlib stops at a length by itself; lz4 and
zstd write into a buffer of our size, which grows eightfold up to the limit;
snappy's claims are compared with the limit before anything is allocated, and its
decoder fails when they turn out wrong.

Libraries are imported when their codec is first met: the package starts faster,
and runs without them where no wheel exists.

Not done: Java reads several gzip members in a row; nothing is known to write them.

Sources: `CompressionType`, `Lz4BlockOutputStream`, xerial's `SnappyOutputStream`, KIP-110,
KIP-390 (levels).
"""

from __future__ import annotations

import struct
from enum import IntEnum
from importlib import import_module
from types import ModuleType

from minikafka.record.errors import CodecNotAvailable, CorruptRecords, DecompressionTooLarge

Buffer = bytes | bytearray | memoryview

DECOMPRESSED_LIMIT_BYTES = 100 * 1024 * 1024
"""What a batch may grow to by default: as much as the largest request that a broker takes."""

SNAPPY_BLOCK_BYTES = 32 * 1024
_SNAPPY_MAGIC = b"\x82SNAPPY\0"
_SNAPPY_HEADER = _SNAPPY_MAGIC + b"\0\0\0\1\0\0\0\1"  # version, oldest version that can read it
_BLOCK_LENGTH = struct.Struct(">i")

_LZ4_DEFAULT_LEVEL = 9  # Kafka's name for the fast compressor; other levels are the thorough one
_LZ4_FAST = 0  # lz4's own; cramjam's default is 4, a thorough one that takes five times as long
_LZ4_MAGIC, _LZ4_FLAGS_AT = b"\x04\x22\x4d\x18", 4
_LZ4_THAT_MATTER, _LZ4_AS_JAVA_READS_IT = 0xE1, 0x60  # version 1, independent blocks, no dictionary
_GZIP_WINDOW = 15 + 16  # zlib's way to say: gzip's header and trailer
_FIRST_GUESS_BYTES = 64 * 1024
_GROWTH = 8


class Compression(IntEnum):
    """Codec ids as the attributes of a batch carry them; names as Kafka's configs spell them."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4

    @classmethod
    def by_name(cls, name: str) -> Compression:
        """`Compression.by_name("gzip")`. ValueError names what there is."""
        try:
            return cls[name.upper()]
        except KeyError:
            known = ", ".join(member.name.lower() for member in cls)
            raise ValueError(f"compression {name!r} is none of {known}") from None


def compress(codec: Compression, data: Buffer, level: int | None = None) -> bytes:
    """The records section of a batch from its encoded records.

    `level` as Kafka's compression.*.level: gzip 1 to 9, lz4 1 to 17, zstd up to 22;
    None is the codec's default, and snappy has none. Raises CodecNotAvailable.
    """
    match codec:
        case Compression.NONE:
            return bytes(data)
        case Compression.GZIP:
            return _compress_gzip(data, level)
        case Compression.SNAPPY:
            return _compress_snappy(data)
        case Compression.LZ4:
            return _compress_lz4(data, level)
        case Compression.ZSTD:
            return bytes(_library(codec, "cramjam").zstd.compress(data, level))


def level_of(codec: Compression, config: object) -> int | None:
    """What a component's config says as compression.<codec>.level; None if the codec has none."""
    level: int | None = getattr(config, f"compression_{codec.name.lower()}_level", None)
    return level


def decompress(codec: Compression, data: Buffer, limit_bytes: int) -> bytes:
    """The encoded records from the records section of a batch.

    Raises DecompressionTooLarge when they have more than `limit_bytes`, CorruptRecords
    when the section is truncated or garbage, CodecNotAvailable.
    """
    match codec:
        case Compression.NONE:
            return bytes(data)
        case Compression.GZIP:
            return _decompress_gzip(data, limit_bytes)
        case Compression.SNAPPY:
            return _decompress_snappy(data, limit_bytes)
        case Compression.LZ4 | Compression.ZSTD:
            return _decompress_frame(codec, data, limit_bytes)


# -- gzip ---------------------------------------------------------------------


def _compress_gzip(data: Buffer, level: int | None) -> bytes:
    zlib = _library(Compression.GZIP, "zlib")
    return bytes(zlib.compress(data, -1 if level is None else level, _GZIP_WINDOW))


def _decompress_gzip(data: Buffer, limit_bytes: int) -> bytes:
    zlib = _library(Compression.GZIP, "zlib")
    member = zlib.decompressobj(_GZIP_WINDOW)
    try:
        records: bytes = member.decompress(data, limit_bytes + 1)
    except zlib.error as error:
        raise _corrupt(Compression.GZIP, error) from None
    if len(records) > limit_bytes:
        raise _too_large(Compression.GZIP, limit_bytes)
    if not member.eof:
        raise _corrupt(Compression.GZIP, "the data ends too early")
    if member.unused_data:
        raise _corrupt(Compression.GZIP, f"{len(member.unused_data)} bytes follow its end")
    return records


# -- snappy -------------------------------------------------------------------


def _compress_snappy(data: Buffer) -> bytes:
    snappy = _library(Compression.SNAPPY, "cramjam").snappy
    parts = [_SNAPPY_HEADER]
    for start in range(0, len(data), SNAPPY_BLOCK_BYTES):
        block = bytes(snappy.compress_raw(data[start : start + SNAPPY_BLOCK_BYTES]))
        parts += (_BLOCK_LENGTH.pack(len(block)), block)
    return b"".join(parts)


def _decompress_snappy(data: Buffer, limit_bytes: int) -> bytes:
    cramjam = _library(Compression.SNAPPY, "cramjam")
    parts: list[bytes] = []
    room = limit_bytes
    for block in _snappy_blocks(data):
        try:
            room -= cramjam.snappy.decompress_raw_len(block)
            if room < 0:
                raise _too_large(Compression.SNAPPY, limit_bytes)
            parts.append(bytes(cramjam.snappy.decompress_raw(block)))
        except cramjam.DecompressionError as error:
            raise _corrupt(Compression.SNAPPY, error) from None
    return b"".join(parts)


def _snappy_blocks(data: Buffer) -> list[Buffer]:
    """The raw blocks of xerial's framing, or `data` itself when it is not framed."""
    if data[: len(_SNAPPY_MAGIC)] != _SNAPPY_MAGIC:
        return [data]
    blocks = []
    position = len(_SNAPPY_HEADER)
    while position < len(data):
        start = position + _BLOCK_LENGTH.size
        position = start + int.from_bytes(data[position:start], "big")
        blocks.append(data[start:position])
    if position > len(data):
        raise _corrupt(Compression.SNAPPY, "the data ends too early")
    return blocks


# -- lz4 and zstd -------------------------------------------------------------


def _compress_lz4(data: Buffer, level: int | None) -> bytes:
    level = _LZ4_FAST if level in (None, _LZ4_DEFAULT_LEVEL) else level
    compressor = _library(Compression.LZ4, "cramjam").lz4.Compressor(level, False, False)
    compressor.compress(bytes(data))
    return bytes(compressor.finish())


def check_frame(codec: Compression, data: Buffer) -> None:
    """Raises CorruptRecords for an lz4 frame whose blocks need each other: Java cannot read it."""
    if codec is not Compression.LZ4:
        return
    flags = data[_LZ4_FLAGS_AT] if len(data) > _LZ4_FLAGS_AT else 0
    if data[:_LZ4_FLAGS_AT] != _LZ4_MAGIC or flags & _LZ4_THAT_MATTER != _LZ4_AS_JAVA_READS_IT:
        raise _corrupt(codec, f"a frame with flags {flags:#04x}, which Java's clients cannot read")


def _decompress_frame(codec: Compression, data: Buffer, limit_bytes: int) -> bytes:
    """Decompress into a buffer that grows until the frame fits or the limit is reached."""
    cramjam = _library(codec, "cramjam")
    library = cramjam.lz4 if codec is Compression.LZ4 else cramjam.zstd
    size = min(limit_bytes, max(_FIRST_GUESS_BYTES, _GROWTH * len(data)))
    while True:
        output = bytearray(size)
        try:
            written: int = library.decompress_into(data, output)
            return bytes(memoryview(output)[:written])
        except cramjam.DecompressionError as error:
            if str(error) != _output_is_full(library):
                raise _corrupt(codec, error) from None
        if size == limit_bytes:
            raise _too_large(codec, limit_bytes)
        size = min(limit_bytes, size * _GROWTH)


def _output_is_full(library: ModuleType) -> str:
    """What the library says when its output has no more room.

    It has one error class for everything, and the text is nowhere promised, so it is
    asked: this is the error for a good frame and a buffer of no size.
    """
    try:
        library.decompress_into(library.compress(b"x"), bytearray())
    except Exception as error:
        return str(error)
    raise AssertionError("one byte fitted into none")


# -- shared -------------------------------------------------------------------


def _library(codec: Compression, name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError:
        raise CodecNotAvailable(
            f"compression {codec.name.lower()} needs the package {name!r}, which is not here"
        ) from None


def _too_large(codec: Compression, limit_bytes: int) -> DecompressionTooLarge:
    return DecompressionTooLarge(
        f"{codec.name.lower()}: more than {limit_bytes} bytes when decompressed"
    )


def _corrupt(codec: Compression, reason: object) -> CorruptRecords:
    return CorruptRecords(f"{codec.name.lower()} does not decompress: {reason}")
