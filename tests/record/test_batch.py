"""RecordBatch v2: one table of bytes for both directions, round trips, and each way to be wrong.

The checksums and bodies in the table are what kafka-python and aiokafka make of the same records.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikafka.record.batch import (
    HEADER_BYTES,
    BatchHeader,
    batches,
    check_crc,
    decompressed,
    read_header,
    recompress,
    set_create_time,
    set_log_append_time,
    stamp,
    verify,
)
from minikafka.record.builder import BatchBuilder, encode, size_upper_bound
from minikafka.record.compression import Compression
from minikafka.record.crc import crc32c
from minikafka.record.errors import (
    BadCodec,
    BadCount,
    BadCrc,
    BadDelta,
    BadLength,
    BadMagic,
    CorruptBatch,
    DecompressionTooLarge,
    RecordError,
)
from minikafka.record.records import Header, Record, decode

# -- the table ----------------------------------------------------------------


@dataclass
class Example:
    """A batch in both forms. `header` is from the CRC to the number of records."""

    name: str
    header: str
    body: str
    records: list[Record]
    base_offset: int = 0
    epoch: int = -1
    options: dict[str, int | bool] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        after_magic = bytes.fromhex(self.header + self.body)
        length = len(after_magic) + 5
        return struct.pack(">qiib", self.base_offset, length, self.epoch, 2) + after_magic

    def __str__(self) -> str:
        return self.name


NO_PRODUCER = "ffffffffffffffff ffff ffffffff"
EXAMPLES = [
    Example(
        "one record",
        "c71a8d03 0000 00000000 0000000000000000 0000000000000000" + NO_PRODUCER + "00000001",
        "18 00 00 00 02 6b 0a 68656c6c6f 00",
        [Record(0, 0, b"k", b"hello")],
    ),
    Example(
        "nulls, empty values, a tombstone",
        "94860fa8 0000 00000003 0000018bcfe56800 0000018bcfe56800" + NO_PRODUCER + "00000004",
        "0c 00 00 00 01 01 00   0c 00 00 02 00 00 00   0e 00 00 04 02 61 01 00"
        "0e 00 00 06 01 02 62 00",
        [
            Record(7, 1_700_000_000_000, None, None),
            Record(8, 1_700_000_000_000, b"", b""),
            Record(9, 1_700_000_000_000, b"a", None),
            Record(10, 1_700_000_000_000, None, b"b"),
        ],
        base_offset=7,
    ),
    Example(
        "headers, with null and empty values, twice the same key",
        "84807bdf 0000 00000000 0000000000000001 0000000000000001" + NO_PRODUCER + "00000001",
        "22 00 00 00 01 01 06   02 68 02 31   02 68 01   04 c3bc 00",
        [Record(0, 1, None, None, (("h", b"1"), ("h", None), ("ü", b"")))],
    ),
    Example(
        "time goes back and forth",
        "dadc7af8 0000 00000002 00000000000003e8 00000000000007d0" + NO_PRODUCER + "00000003",
        "0c 00 00 00 01 01 00   0e 00 cf0f 02 01 01 00   0e 00 d00f 04 01 01 00",
        [
            Record(0, 1000, None, None),
            Record(1, 0, None, None),
            Record(2, 2000, None, None),
        ],
    ),
    Example(
        "of an idempotent, transactional producer, stamped by a leader",
        "ab2fa5de 0010 00000000 0000000000000000 0000000000000000"
        "0000000000000007 0003 0000002a 00000001",
        "0e 00 00 00 01 02 76 00",
        [Record(1 << 40, 0, None, b"v")],
        base_offset=1 << 40,
        epoch=5,
        options={
            "producer_id": 7,
            "producer_epoch": 3,
            "base_sequence": 42,
            "transactional": True,
        },
    ),
]

examples = pytest.mark.parametrize("example", EXAMPLES, ids=str)


def build(records: list[Record], compression: Compression, **options: int | bool) -> BatchBuilder:
    builder = BatchBuilder(compression, **options)  # type: ignore[arg-type]
    for delta, record in enumerate(records):
        assert builder.append(*record[1:]) == delta
    return builder


@examples
def test_encodes(example: Example) -> None:
    builder = build(example.records, Compression.NONE, **example.options)
    assert builder.count == len(example.records)
    assert builder.estimated_size_bytes == len(example.data)
    assert builder.build(example.base_offset, example.epoch).hex() == example.data.hex()


@examples
def test_decodes(example: Example) -> None:
    """Whole, byte by byte, with something before it and something after it."""
    data = example.data
    for buffer, position in (
        (data, 0),
        (bytearray(data), 0),
        (memoryview(data), 0),
        (b"xyz" + data + b"tail", 3),
        (memoryview(bytearray(b"xyz" + data + b"tail")), 3),
    ):
        header = read_header(buffer, position)
        assert header.base_offset == example.base_offset
        assert header.size_bytes == len(data)
        verify(buffer, position, header)
        assert decode(buffer, position, header) == example.records
    for end in range(len(data)):
        assert list(batches(data[:end])) == []
        if end < HEADER_BYTES:
            with pytest.raises(BadLength):
                read_header(data[:end])
        else:
            with pytest.raises(BadLength):
                verify(data[:end], 0, read_header(data[:end]))


def fields_of(header: BatchHeader) -> dict[str, int]:
    return {name: getattr(header, name) for name in BatchHeader.__annotations__}


def test_fields_of_the_header() -> None:
    header = read_header(EXAMPLES[-1].data)
    assert fields_of(header) == {
        "base_offset": 1 << 40,
        "batch_length": 57,
        "partition_leader_epoch": 5,
        "magic": 2,
        "crc": 0xAB2FA5DE,
        "attributes": 16,
        "last_offset_delta": 0,
        "base_timestamp": 0,
        "max_timestamp": 0,
        "producer_id": 7,
        "producer_epoch": 3,
        "base_sequence": 42,
        "record_count": 1,
    }
    assert header.next_offset == header.last_offset + 1 == (1 << 40) + 1
    assert header.last_sequence == 42
    assert header.compression is Compression.NONE
    assert header.is_transactional
    assert not header.is_control
    assert header.timestamp_type == 0


def test_sequences_wrap() -> None:
    header = read_header(EXAMPLES[1].data)
    assert header.last_sequence == -1
    header.base_sequence = 2**31 - 2
    assert header.last_sequence == 1


def test_prints_well() -> None:
    header = read_header(EXAMPLES[-1].data)
    header.base_offset, header.last_offset_delta = 5, 3
    assert str(header) == "Batch(5..8, epoch 5, pid 7, transactional)"
    assert str(EXAMPLES[2].records[0]).startswith("0 @1 None: None {'h': None")


# -- round trips --------------------------------------------------------------

small_bytes = st.none() | st.binary(max_size=40)
sized_bytes = st.none() | st.builds(
    lambda size, byte: bytes([byte]) * size,
    st.sampled_from([0, 1, 63, 64, 100, 8191, 8192, 20_000]) | st.integers(0, 300),
    st.integers(0, 255),
)
headers: st.SearchStrategy[tuple[Header, ...]] = st.lists(
    st.tuples(st.text(max_size=8), small_bytes), max_size=3
).map(tuple)
contents = st.lists(
    st.tuples(st.integers(0, 20_000) | st.integers(-1, 2**62), sized_bytes, sized_bytes, headers),
    min_size=1,
    max_size=60,
)


@given(contents, st.sampled_from(list(Compression)), st.integers(0, 2**50))
def test_round_trip(
    content: list[tuple[int, bytes | None, bytes | None, tuple[Header, ...]]],
    compression: Compression,
    base_offset: int,
) -> None:
    records = [Record(base_offset + i, *fields) for i, fields in enumerate(content)]
    data = encode(records, compression, leader_epoch=3)
    header = read_header(data)
    verify(data, 0, header)
    assert decode(data, 0, header) == records
    assert header.compression is compression
    assert header.partition_leader_epoch == 3
    assert (header.base_offset, header.last_offset) == (base_offset, records[-1].offset)
    assert header.max_timestamp == max(record.timestamp for record in records)
    bound = HEADER_BYTES + sum(size_upper_bound(*record[2:]) for record in records)
    assert compression is not Compression.NONE or len(data) <= bound


@given(st.lists(st.integers(0, 300) | st.just(100), min_size=1, max_size=300))
def test_hops_are_right_for_runs_of_equal_lengths_and_for_others(sizes: list[int]) -> None:
    builder = BatchBuilder()
    for size in sizes * 3:
        builder.append(0, None, bytes(size))
    data = builder.build()
    verify(data, 0, read_header(data))
    for wrong in (len(sizes) * 3 - 1, len(sizes) * 3 + 1):
        lying = rewrite(data, record_count=wrong, last_offset_delta=wrong - 1)
        with pytest.raises(BadCount):
            verify(lying, 0, read_header(lying))


def test_lengths_made_to_be_slow_are_not() -> None:
    """Runs that are just long enough: looking for each in all of the rest would take minutes."""
    body = (b"\x0c......" * 40 + b"\x0e......." * 40) * 10_000
    count = 800_000
    data = rewrite(EXAMPLES[0].data, body, record_count=count, last_offset_delta=count - 1)
    verify(data, 0, read_header(data))


def test_batches_in_a_row() -> None:
    log = b"".join(example.data for example in EXAMPLES)
    found = list(batches(log + EXAMPLES[0].data[:-1]))
    assert [header.size_bytes for _, header in found] == [len(e.data) for e in EXAMPLES]
    assert [decode(log, *place)[0] for place in found] == [e.records[0] for e in EXAMPLES]


def test_encode_wants_consecutive_offsets() -> None:
    with pytest.raises(BadDelta, match="offset 9 after 7"):
        encode([Record(7, 0, None, b""), Record(9, 0, None, b"")])


def test_a_batch_may_be_built_again_when_its_producer_is_known() -> None:
    builder = build(EXAMPLES[0].records, Compression.NONE)
    assert read_header(builder.build()).producer_id == -1
    builder.producer_id, builder.producer_epoch, builder.base_sequence = 9, 0, 100
    data = builder.build()
    verify(data, 0, read_header(data))
    assert read_header(data).last_sequence == 100


def test_header_keys_that_are_not_utf_8_get_replacement_characters() -> None:
    data = EXAMPLES[2].data.replace("ü".encode(), b"\xff\xfe")
    (record,) = decode(data, 0, read_header(data), check_crc=False)
    assert record.headers[-1] == ("\ufffd\ufffd", b"")


# -- what a broker changes ----------------------------------------------------


def test_the_stamp_is_outside_the_crc() -> None:
    data = bytearray(b"xyz" + EXAMPLES[1].data)
    stamp(data, 3, read_header(data, 3), 1_000_000, 77)
    header = read_header(data, 3)
    check_crc(data, 3, header)
    assert (header.base_offset, header.last_offset) == (1_000_000, 1_000_003)
    assert header.partition_leader_epoch == 77


def test_log_append_time_is_inside_the_crc() -> None:
    data = memoryview(bytearray(b"xyz" + EXAMPLES[3].data))
    header = set_log_append_time(data, 3, read_header(data, 3), 5555)
    assert fields_of(header) == fields_of(read_header(data, 3))
    assert header.timestamp_type == 1
    verify(data, 3, header)
    assert [record.timestamp for record in decode(data, 3, header)] == [5555] * 3


def test_a_claim_of_log_append_time_can_be_taken_back() -> None:
    data = memoryview(bytearray(b"xyz" + EXAMPLES[3].data))
    before = read_header(data, 3)
    claiming = set_log_append_time(data, 3, before, 5555)
    header = set_create_time(data, 3, claiming, before.max_timestamp)
    assert fields_of(header) == fields_of(before)
    verify(data, 3, header)


# -- each way to be wrong -----------------------------------------------------


def rewrite(data: bytes, body: bytes | None = None, **fields: int) -> bytes:
    """`data` with other header fields or another body, and with lengths and a CRC that fit."""
    body = data[HEADER_BYTES:] if body is None else body
    fields = {
        **fields_of(read_header(data)),
        "batch_length": HEADER_BYTES - 12 + len(body),
        **fields,
    }
    header = struct.pack(">qiibIhiqqqhii", *fields.values())
    crc = crc32c(header[21:] + body)
    return header[:17] + struct.pack(">I", crc) + header[21:] + body


def raises(error: type[RecordError], data: bytes, act: Callable[..., object]) -> None:
    with pytest.raises(error):
        act(data, 0, read_header(data))


GOOD = EXAMPLES[1].data


def test_bad_magic() -> None:
    for magic in (0, 1, 3):
        with pytest.raises(BadMagic, match=f"magic {magic} at byte 16"):
            read_header(rewrite(GOOD, magic=magic))


def test_bad_length() -> None:
    for length in (-1, 0, 48):
        with pytest.raises(BadLength, match=f"batch_length {length}"):
            read_header(rewrite(GOOD, batch_length=length))
        with pytest.raises(BadLength):
            list(batches(rewrite(GOOD, batch_length=length)))
    raises(BadLength, rewrite(GOOD, batch_length=len(GOOD)), verify)
    raises(BadLength, rewrite(GOOD, batch_length=2**31 - 1), verify)


@given(st.integers(17, len(GOOD) - 1), st.integers(1, 255))
def test_bad_crc(where: int, change: int) -> None:
    damaged = bytearray(GOOD)
    damaged[where] ^= change
    for act in (verify, decode):
        with pytest.raises(BadCrc, match=r"has CRC 0x.*, its bytes have 0x"):
            act(damaged, 0, read_header(damaged))


@pytest.mark.parametrize("count", [-1, 0])
def test_no_records(count: int) -> None:
    raises(BadCount, rewrite(GOOD, record_count=count, last_offset_delta=count - 1), verify)


def test_bad_count() -> None:
    for count in (1, 3, 5, 2**31 - 1):
        lying = rewrite(GOOD, record_count=count, last_offset_delta=count - 1)
        raises(BadCount, lying, verify)
        raises(CorruptBatch, lying, decode)


def test_bad_delta() -> None:
    raises(BadDelta, rewrite(GOOD, last_offset_delta=7), verify)
    raises(BadDelta, rewrite(GOOD, last_offset_delta=2), decode)
    for second in ("00", "01", "03"):  # as the first, and negative ones
        body = bytes.fromhex("0c 00 00 00 01 01 00  0c 00 00" + second + "01 01 00")
        raises(BadDelta, rewrite(GOOD, body, record_count=2, last_offset_delta=1), decode)


def test_offsets_may_be_missing_after_compaction() -> None:
    body = bytes.fromhex("0c 00 00 02 01 01 00  0c 00 00 06 01 01 00")
    data = rewrite(GOOD, body, record_count=2, last_offset_delta=5)
    check_crc(data, 0, read_header(data))
    assert [record.offset for record in decode(data, 0, read_header(data))] == [8, 10]
    nothing_left = rewrite(GOOD, b"", record_count=0, last_offset_delta=5, attributes=4)
    assert decode(nothing_left, 0, read_header(nothing_left)) == []


@pytest.mark.parametrize("codec", [5, 6, 7])
def test_bad_codec(codec: int) -> None:
    for act in (verify, decode):
        raises(BadCodec, rewrite(GOOD, attributes=codec), act)


@pytest.mark.parametrize(
    "body",
    [
        "0b 00 00 00 01 01 00",  # negative length
        "0a 00 00 00 01 01 00",  # length too small
        "0e 00 00 00 01 01 00",  # too large
        "0e 00 00 00 01 01 00 00",  # a byte too many in the record
        "0c 00 00 00 01 01 00 00",  # and after it
        "0c 00 00 00 03 01 00",  # key of -2 bytes
        "0c 00 00 00 01 03 00",  # value of -2 bytes
        "0c 00 00 00 7e 01 00",  # key beyond the record
        "0c 00 00 00 01 7e 00",  # value beyond it
        "0c 00 00 00 01 01 01",  # -1 headers
        "0c 00 00 00 01 01 7e",  # more headers than bytes
        "10 00 00 00 01 01 02 01 01",  # header key null
        "10 00 00 00 01 01 02 00 03",  # header value of -2 bytes
        "0c 00 00 00 01 01 80",  # ends inside a varint
        "ff ff ff ff ff ff ff ff ff ff ff 01",  # a varint without end
        "",
    ],
)
def test_records_that_lie(body: str) -> None:
    lying = rewrite(GOOD, bytes.fromhex(body), record_count=1, last_offset_delta=0)
    raises(CorruptBatch, lying, decode)


@given(st.binary(max_size=80), st.integers(1, 5))
def test_any_body_is_decoded_or_refused_by_name(body: bytes, count: int) -> None:
    data = rewrite(GOOD, body, record_count=count, last_offset_delta=count - 1)
    try:
        assert len(decode(data, 0, read_header(data))) == count
    except CorruptBatch:
        return
    verify(data, 0, read_header(data))  # what decodes also verifies


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_by_name(data: bytes) -> None:
    try:
        for position, header in batches(data):
            verify(data, position, header)
    except CorruptBatch:
        pass


def test_too_large_when_decompressed() -> None:
    data = build([Record(0, 0, None, bytes(10_000))], Compression.ZSTD).build()
    with pytest.raises(DecompressionTooLarge, match="more than 5000 bytes"):
        decode(data, 0, read_header(data), limit_bytes=5000)


@pytest.mark.parametrize("source", list(Compression))
@pytest.mark.parametrize("target", list(Compression))
def test_recompressed_only_the_codec_and_what_follows_from_it_change(
    source: Compression, target: Compression
) -> None:
    def build(codec: Compression) -> bytes:
        builder = BatchBuilder(
            codec, producer_id=7, producer_epoch=1, base_sequence=3, transactional=True
        )
        for i in range(100):
            builder.append(1000 + i, b"k%d" % i, b"v" * i, [("h", None)])
        return builder.build()

    data = b"before" + build(source) + b"after"
    assert recompress(data, 6, read_header(data, 6), target) == build(target)


def test_a_batch_that_lies_about_its_records_is_not_recompressed() -> None:
    data = encode([Record(0, 0, None, b"a")], Compression.GZIP)
    lying = read_header(data)
    lying.record_count, lying.last_offset_delta = 2, 1
    with pytest.raises(BadCount):
        recompress(data, 0, lying, Compression.ZSTD)


def test_decompressing_has_a_limit() -> None:
    data = encode([Record(0, 0, None, bytes(1000))], Compression.ZSTD)
    with pytest.raises(DecompressionTooLarge):
        decompressed(data, 0, read_header(data), 999)
    with pytest.raises(DecompressionTooLarge):
        recompress(data, 0, read_header(data), Compression.LZ4, limit_bytes=999)
