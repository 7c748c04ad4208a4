"""The batches of kafka-python and aiokafka against ours: two independent codecs as judges.

Each builder's batch is read by each reader, for every codec; uncompressed, the
builders must agree to the byte.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiokafka.record.default_records as aiokafka_records
import kafka.record.default_records as kafka_python_records
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikafka.record.batch import read_header, verify
from minikafka.record.builder import BatchBuilder
from minikafka.record.compression import Compression
from minikafka.record.records import Record, decode

BUILDERS: dict[str, Any] = {
    "kafka-python": kafka_python_records.DefaultRecordBatchBuilder,
    "aiokafka": aiokafka_records.DefaultRecordBatchBuilder,
    "aiokafka, in Python": aiokafka_records._DefaultRecordBatchBuilderPy,
}
READERS: dict[str, Any] = {
    "kafka-python": kafka_python_records.DefaultRecordBatch,
    "aiokafka": aiokafka_records.DefaultRecordBatch,
    "aiokafka, in Python": aiokafka_records._DefaultRecordBatchPy,
}

builders = pytest.mark.parametrize("builder", BUILDERS.values(), ids=BUILDERS)
readers = pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
codecs = pytest.mark.parametrize("codec", list(Compression), ids=lambda codec: codec.name)

RECORDS = [
    Record(
        offset,
        1_700_000_000_000 + offset * 7 - (offset % 3) * 50,
        None if offset % 5 == 0 else b"key-%d" % offset,
        None if offset % 7 == 0 else b'{"n": %d}' % offset * (offset % 40),
        (("trace", b"%d" % offset), ("none", None), ("ü", b"")) if offset % 4 == 0 else (),
    )
    for offset in range(3000)
]


def theirs(builder: Any, records: list[Record], codec: int, **producer: int) -> bytes:
    batch = builder(
        2,
        int(codec),
        producer.get("transactional", 0),
        producer.get("producer_id", -1),
        producer.get("producer_epoch", -1),
        producer.get("base_sequence", -1),
        1 << 24,
    )
    for delta, record in enumerate(records):
        added = batch.append(
            delta, record.timestamp, record.key, record.value, list(record.headers)
        )
        assert added is not None
    return bytes(batch.build())


def ours(records: list[Record], codec: Compression, **producer: Any) -> bytes:
    builder = BatchBuilder(codec, **producer)
    for record in records:
        builder.append(record.timestamp, record.key, record.value, record.headers)
    return builder.build()


def read_by(reader: Callable[[bytes], Any], data: bytes) -> list[Record]:
    batch = reader(data)
    assert batch.validate_crc()
    return [
        Record(r.offset, r.timestamp, r.key, r.value, tuple((k, v) for k, v in r.headers))
        for r in batch
    ]


@builders
@codecs
def test_we_read_theirs(builder: Any, codec: Compression) -> None:
    data = theirs(builder, RECORDS, codec)
    header = read_header(data)
    verify(data, 0, header)
    assert header.size_bytes == len(data)
    assert header.compression is codec
    assert decode(data, 0, header) == RECORDS


@readers
@codecs
def test_they_read_ours(reader: Any, codec: Compression) -> None:
    assert read_by(reader, ours(RECORDS, codec)) == RECORDS


records = st.lists(
    st.tuples(
        st.integers(0, 2**40),
        st.none() | st.binary(max_size=100),
        st.none() | st.binary(max_size=300),
        st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=5)), max_size=2),
    ),
    min_size=1,
    max_size=80,
).map(lambda rows: [Record(i, *row[:3], tuple(row[3])) for i, row in enumerate(rows)])


@given(records, st.integers(0, 2**40), st.integers(0, 2**15 - 1), st.integers(0, 2**31 - 1))
def test_uncompressed_bytes_are_the_same(
    batch: list[Record], producer_id: int, producer_epoch: int, base_sequence: int
) -> None:
    producer = {
        "producer_id": producer_id,
        "producer_epoch": producer_epoch,
        "base_sequence": base_sequence,
        "transactional": 1,
    }
    expected = ours(batch, Compression.NONE, **producer)
    for builder in BUILDERS.values():
        data = bytearray(theirs(builder, batch, 0, **producer))
        data[12:16] = expected[12:16]  # the epoch, which is the broker's to write
        assert data == expected
