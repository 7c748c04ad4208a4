"""Codecs: what they write, how they refuse, and that the limit is one."""

from __future__ import annotations

import contextlib
import gzip
import struct
import sys
import tracemalloc

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikafka.record.compression import Compression, compress, decompress
from minikafka.record.errors import CodecNotAvailable, CorruptRecords, DecompressionTooLarge

CODECS = list(Compression)
REAL_CODECS = CODECS[1:]
LIMIT = 1 << 20
TEXT = b"".join(b'{"user": %d, "page": "/item/%d"}' % (i, i * i) for i in range(8000))

codecs = pytest.mark.parametrize("codec", REAL_CODECS, ids=lambda codec: codec.name)


@given(st.sampled_from(CODECS), st.binary(max_size=500), st.integers(0, 400))
def test_round_trip(codec: Compression, data: bytes, times: int) -> None:
    data *= times
    section = compress(codec, bytearray(data))
    assert decompress(codec, section, len(data)) == data
    assert decompress(codec, memoryview(section), LIMIT) == data


@codecs
def test_levels(codec: Compression) -> None:
    sections = [compress(codec, TEXT, level) for level in (None, 1, 5)]
    assert all(decompress(codec, section, LIMIT) == TEXT for section in sections)
    if codec is not Compression.SNAPPY:
        assert len({len(section) for section in sections}) > 1


def test_the_default_level_of_lz4_is_the_fast_compressor() -> None:
    """Kafka calls it 9 (`Lz4BlockOutputStream`)."""
    assert compress(Compression.LZ4, TEXT, 9) == compress(Compression.LZ4, TEXT)
    thorough = [len(compress(Compression.LZ4, TEXT, level)) for level in (3, 8, 10)]
    assert max(thorough) < len(compress(Compression.LZ4, TEXT))


def test_names_are_those_of_the_configs() -> None:
    assert [Compression.by_name(name) for name in ("none", "gzip", "snappy", "lz4", "zstd")] == [
        *Compression
    ]
    with pytest.raises(ValueError, match="'lzma' is none of none, gzip, snappy, lz4, zstd"):
        Compression.by_name("lzma")


# -- framing ------------------------------------------------------------------


def test_snappy_has_the_framing_of_java() -> None:
    section = compress(Compression.SNAPPY, TEXT)
    assert section[:16] == b"\x82SNAPPY\0" + struct.pack(">ii", 1, 1)
    blocks = []
    position = 16
    while position < len(section):
        (length,) = struct.unpack_from(">i", section, position)
        blocks.append(bytes(cramjam.snappy.decompress_raw(section[position + 4 :][:length])))
        position += 4 + length
    assert b"".join(blocks) == TEXT
    assert {len(block) for block in blocks[:-1]} == {32 * 1024}


def test_snappy_without_framing_is_read() -> None:
    bare = bytes(cramjam.snappy.compress_raw(TEXT))
    assert decompress(Compression.SNAPPY, bare, LIMIT) == TEXT


def test_lz4_blocks_are_independent() -> None:
    section = compress(Compression.LZ4, TEXT)
    assert section[:4] == bytes.fromhex("04224d18")
    flags, block_descriptor = section[4], section[5]
    assert flags >> 6 == 1, "frame version"
    assert flags & 0x20, "Java refuses blocks that refer to the ones before them"
    assert block_descriptor == 0x40, "blocks of 64 KB"


def test_lz4_blocks_that_refer_back_are_read() -> None:
    linked = bytes(cramjam.lz4.compress(TEXT))
    assert not linked[4] & 0x20
    assert decompress(Compression.LZ4, linked, LIMIT) == TEXT


def test_nothing_may_follow_a_gzip_member() -> None:
    with pytest.raises(CorruptRecords, match="23 bytes follow its end"):
        decompress(Compression.GZIP, gzip.compress(b"one") + gzip.compress(b"two"), LIMIT)


# -- bounds -------------------------------------------------------------------


@codecs
@pytest.mark.parametrize("size", [1, 1000, 65_537, 700_000])
def test_one_byte_over_the_limit_is_too_large(codec: Compression, size: int) -> None:
    data = (TEXT * 3)[:size]
    section = compress(codec, data)
    assert decompress(codec, section, size) == data
    with pytest.raises(DecompressionTooLarge, match=f"more than {size - 1} bytes"):
        decompress(codec, section, size - 1)


def bomb(codec: Compression) -> bytes:
    """A small section that stands for 64 MB."""
    zeros = bytes(1 << 26)
    if codec is Compression.ZSTD:  # streaming: its header does not tell the size
        compressor = cramjam.zstd.Compressor()
        compressor.compress(zeros)
        return bytes(compressor.finish())
    return compress(codec, zeros)


@codecs
def test_a_bomb_does_not_go_off(codec: Compression) -> None:
    section = bomb(codec)
    tracemalloc.start()
    with pytest.raises(DecompressionTooLarge):
        decompress(codec, section, LIMIT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * LIMIT + 2 * len(section)


@codecs
def test_what_expands_a_thousandfold_still_fits_a_large_limit(codec: Compression) -> None:
    assert decompress(codec, compress(codec, bytes(5_000_000)), 5_000_000) == bytes(5_000_000)


def test_sizes_that_lie() -> None:
    claims_4_gb = b"\xff\xff\xff\xff\x0f" + b"\0a"
    with pytest.raises(DecompressionTooLarge):
        decompress(Compression.SNAPPY, claims_4_gb, LIMIT)
    claims_more_than_it_has = b"\xff\x7f" + b"\0a"
    with pytest.raises(CorruptRecords):
        decompress(Compression.SNAPPY, claims_more_than_it_has, LIMIT)
    # A zstd frame with a content size: one segment, eight bytes of size, one raw block.
    frame = bytes.fromhex("28b52ffd") + b"\xe0" + struct.pack("<Q", 1 << 40)
    with pytest.raises((CorruptRecords, DecompressionTooLarge)):
        decompress(Compression.ZSTD, frame + b"\x09\0\0a", LIMIT)


# -- garbage ------------------------------------------------------------------


@codecs
def test_truncated_anywhere(codec: Compression) -> None:
    section = compress(codec, TEXT[:300])
    for end in range(1, len(section)):
        if codec is Compression.SNAPPY and end == 16:
            continue  # a whole header and no blocks: nothing is what it says
        with pytest.raises(CorruptRecords):
            decompress(codec, section[:end], LIMIT)


@given(st.sampled_from(REAL_CODECS), st.binary(min_size=1, max_size=200))
def test_garbage_is_refused_by_name(codec: Compression, data: bytes) -> None:
    with contextlib.suppress(CorruptRecords, DecompressionTooLarge):
        assert len(decompress(codec, data, LIMIT)) <= LIMIT


@given(st.sampled_from(REAL_CODECS), st.integers(0, 10_000), st.integers(1, 255))
def test_damage_is_refused_by_name(codec: Compression, where: int, change: int) -> None:
    section = bytearray(compress(codec, TEXT[:2000]))
    section[where % len(section)] ^= change
    with contextlib.suppress(CorruptRecords, DecompressionTooLarge):
        assert len(decompress(codec, section, LIMIT)) <= LIMIT


# -- missing packages ---------------------------------------------------------


@codecs
def test_a_missing_package_is_named(codec: Compression, monkeypatch: pytest.MonkeyPatch) -> None:
    section = compress(codec, b"x")
    package = "zlib" if codec is Compression.GZIP else "cramjam"
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(CodecNotAvailable, match=f"{codec.name.lower()} needs .*'{package}'"):
        compress(codec, b"x")
    with pytest.raises(CodecNotAvailable, match=f"'{package}'"):
        decompress(codec, section, LIMIT)
