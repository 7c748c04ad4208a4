"""dump-log: the lines for whole files, and that no damage stops it.

The lines expected here are those that Apache Kafka 4.3.1's kafka-dump-log prints for
these bytes (--deep-iteration --print-data-log), except the ones that begin with `!` or `~`.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikafka.log.dump import (
    BatchRow,
    GapRow,
    IndexRow,
    ProblemRow,
    RecordRow,
    Row,
    TimeIndexRow,
    UnknownFile,
    dump,
    to_json,
)
from minikafka.log.index import OffsetIndex, TimeIndex
from minikafka.log.producers import ProducerState, SentBatch, encode_snapshot
from minikafka.record.batch import read_header, set_log_append_time, stamp
from minikafka.record.builder import BatchBuilder
from minikafka.record.compression import Compression
from minikafka.record.control import ControlType, encode_end_txn_marker

LOG = "00000000000000000005.log"
INDEX = "00000000000000000005.index"
TIME_INDEX = "00000000000000000005.timeindex"


def placed(batch: bytes, base_offset: int) -> bytearray:
    data = bytearray(batch)
    stamp(data, 0, read_header(data), base_offset, 3)
    return data


def example_log() -> bytes:
    """Two records of an idempotent producer, a marker, one record in log-append time."""
    first = BatchBuilder(Compression.NONE, producer_id=7, producer_epoch=1, base_sequence=2**31 - 1)
    first.append(1000, b"k", b"hello", [("h", b"1"), ("n", None)])
    first.append(990, None, None)
    marker = encode_end_txn_marker(
        ControlType.COMMIT, timestamp=1005, producer_id=7, producer_epoch=1, coordinator_epoch=4
    )
    last = BatchBuilder()
    last.append(1010, b"", b"\xc3\xbc")
    stamped = placed(last.build(), 8)
    set_log_append_time(stamped, 0, read_header(stamped), 2000)
    return bytes(placed(first.build(), 5) + placed(marker, 7) + stamped)


EXAMPLE = example_log()
POSITIONS = (0, 88, 166)

NOT_MARKED = "isTransactional: false isControl: false deleteHorizonMs: OptionalLong.empty"
LINES = [
    "Log starting offset: 5",
    "baseOffset: 5 lastOffset: 6 count: 2 baseSequence: 2147483647 lastSequence: 0 producerId: 7 "
    f"producerEpoch: 1 partitionLeaderEpoch: 3 {NOT_MARKED} position: 0 CreateTime: 1000 size: 88 "
    "magic: 2 compresscodec: none crc: 2651097221 isvalid: true",
    "| offset: 5 CreateTime: 1000 keySize: 1 valueSize: 5 sequence: 2147483647 headerKeys: [h,n] "
    "key: k payload: hello",
    "| offset: 6 CreateTime: 990 keySize: -1 valueSize: -1 sequence: 0 headerKeys: []",
    "baseOffset: 7 lastOffset: 7 count: 1 baseSequence: -1 lastSequence: -1 producerId: 7 "
    "producerEpoch: 1 partitionLeaderEpoch: 3 isTransactional: true isControl: true "
    "deleteHorizonMs: OptionalLong.empty position: 88 CreateTime: 1005 size: 78 magic: 2 "
    "compresscodec: none crc: 2228478611 isvalid: true",
    "| offset: 7 CreateTime: 1005 keySize: 4 valueSize: 6 sequence: -1 headerKeys: [] "
    "endTxnMarker: COMMIT coordinatorEpoch: 4",
    "baseOffset: 8 lastOffset: 8 count: 1 baseSequence: -1 lastSequence: -1 producerId: -1 "
    f"producerEpoch: -1 partitionLeaderEpoch: 3 {NOT_MARKED} position: 166 LogAppendTime: 2000 "
    "size: 70 magic: 2 compresscodec: none crc: 924903464 isvalid: true",
    "| offset: 8 LogAppendTime: 2000 keySize: 0 valueSize: 2 sequence: -1 headerKeys: [] "
    "key:  payload: ü",
]


def lines(name: str, data: bytes, **options: bytes | bool) -> list[str]:
    return [str(row) for row in dump(name, data, **options)]  # type: ignore[arg-type]


def problems(name: str, data: bytes, **options: bytes | bool) -> list[str]:
    rows = dump(name, data, **options)  # type: ignore[arg-type]
    return [str(row) for row in rows if isinstance(row, ProblemRow)]


# -- logs -----------------------------------------------------------------------


def test_log() -> None:
    assert lines(LOG, EXAMPLE) == LINES
    assert lines(LOG, EXAMPLE, records=False) == [line for line in LINES if line[0] != "|"]
    assert lines("00000000000000000008-0000000003.checkpoint", EXAMPLE) == LINES[1:]
    assert lines(LOG, b"") == LINES[:1]


@pytest.mark.parametrize("codec", list(Compression))
def test_codecs(codec: Compression) -> None:
    builder = BatchBuilder(codec)
    builder.append(1, None, b"v" * 100)
    _, batch, record = dump(LOG, builder.build())
    assert isinstance(batch, BatchRow)
    assert isinstance(record, RecordRow)
    assert (batch.compression, batch.is_valid) == (codec.name.lower(), True)
    assert record.value == b"v" * 100


def test_rows_as_json() -> None:
    rows = [to_json(row) for row in dump(LOG, EXAMPLE)]
    assert [row["kind"] for row in rows] == [
        *("LogStart", "Batch", "Record", "Record", "Batch", "Record", "Batch", "Record")
    ]
    assert rows[1]["base_sequence"] == 2**31 - 1
    assert rows[2]["key"] == "k"
    assert rows[2]["headers"] == [["h", "1"], ["n", None]]
    assert rows[3]["value"] is None
    json.dumps(rows)


def test_gaps() -> None:
    without_marker = EXAMPLE[: POSITIONS[1]] + EXAMPLE[POSITIONS[2] :]
    assert GapRow(6, 8) in list(dump(LOG, without_marker))
    assert "~ 6 is followed by 8" in lines(LOG, without_marker)


def test_a_flipped_bit_is_reported_and_the_next_batch_read() -> None:
    damaged = bytearray(EXAMPLE)
    damaged[75] ^= 1  # in the first batch's records
    found = lines(LOG, bytes(damaged))
    assert found[1] == LINES[1].replace("isvalid: true", "isvalid: false")
    assert found[2].startswith("! at byte 0: Batch(5..6, epoch 3, pid 7) has CRC 0x")
    assert found[-4:] == LINES[-4:]


def test_records_that_do_not_decode_are_reported() -> None:
    builder = BatchBuilder(Compression.GZIP)
    builder.append(1, None, b"v" * 100)
    damaged = bytearray(builder.build())
    damaged[61] ^= 0xFF
    assert [line[:48] for line in problems(LOG, bytes(damaged))][1:] == [
        "! at byte 0: gzip does not decompress: Error -3 "
    ]
    damaged[22] = 7
    assert problems(LOG, bytes(damaged))[-1].endswith("has compression bits 7, known are 0 to 4")
    assert "compresscodec: unknown" in lines(LOG, bytes(damaged))[1]


@pytest.mark.parametrize("end", range(1, len(EXAMPLE)))
def test_cut_anywhere(end: int) -> None:
    """What is whole is shown, and the rest is one problem at the right place."""
    found = lines(LOG, EXAMPLE[:end])
    if end in POSITIONS:
        assert found == LINES[: len(found)]
        return
    last_start = max(position for position in POSITIONS if position < end)
    assert found[-1].startswith(f"! at byte {last_start}: no batch, the rest is not looked at: ")
    assert found[:-1] == LINES[: len(found) - 1]


@given(st.lists(st.tuples(st.integers(0, len(EXAMPLE) - 1), st.integers(1, 255)), min_size=1))
def test_damage_anywhere_stops_nothing(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(EXAMPLE)
    for where, change in changes:
        damaged[where] ^= change
    for row in dump(LOG, damaged):
        assert str(row)
        json.dumps(to_json(row))


# -- indexes --------------------------------------------------------------------


def index(*entries: tuple[int, int]) -> bytes:
    return b"".join(OffsetIndex.ENTRY.pack(*entry) for entry in entries)


def time_index(*entries: tuple[int, int]) -> bytes:
    return b"".join(TimeIndex.ENTRY.pack(*entry) for entry in entries)


def test_index() -> None:
    data = index((1, 0), (2, 88), (3, 166))
    expected: list[Row] = [IndexRow(6, 0), IndexRow(7, 88), IndexRow(8, 166)]
    assert list(dump(INDEX, data, log=EXAMPLE)) == expected
    assert list(dump(INDEX, data + bytes(800))) == expected, "Kafka allocates in advance"
    assert lines(INDEX, data)[0] == "offset: 6 position: 0"


def test_index_that_does_not_fit_its_log() -> None:
    data = index((0, 0), (2, 166), (2, 90), (3, 1000)) + b"abc"
    assert problems(INDEX, data, log=EXAMPLE) == [
        "! at byte 0: at position 0 of the log is the batch up to 6",
        "! at byte 8: at position 166 of the log is the batch up to 8",
        "! at byte 16: offset 7 comes after 7",
        "! at byte 16: at position 90 of the log is no batch: "
        "magic -45 at byte 106, only 2 is read",
        "! at byte 24: at position 1000 of the log is no batch: "
        "0 bytes at 1000, a batch header has 61",
        "! at byte 32: 3 bytes, an entry has 8",
    ]


def test_time_index() -> None:
    data = time_index((1000, 1), (1005, 2), (2000, 3))
    expected: list[Row] = [TimeIndexRow(1000, 6), TimeIndexRow(1005, 7), TimeIndexRow(2000, 8)]
    assert list(dump(TIME_INDEX, data, log=EXAMPLE)) == expected
    assert list(dump(TIME_INDEX, data + bytes(1200))) == expected
    assert lines(TIME_INDEX, data)[0] == "timestamp: 1000 offset: 6"


def test_time_index_that_does_not_fit_its_log() -> None:
    data = time_index((999, 1), (998, 2), (2000, 9)) + b"abc"
    assert problems(TIME_INDEX, data, log=EXAMPLE) == [
        "! at byte 0: in the log Batch(5..6, epoch 3, pid 7) goes up to 1000",
        "! at byte 12: timestamp 998 comes after 999",
        "! at byte 12: in the log Batch(7..7, epoch 3, pid 7, transactional, control) "
        "goes up to 1005",
        "! at byte 24: no batch in the log ends with offset 14",
        "! at byte 36: 3 bytes, an entry has 12",
    ]


# -- snapshots and checkpoints ----------------------------------------------------


def test_producer_snapshot() -> None:
    known = ProducerState(2)
    known.batches.append(SentBatch(last_sequence=14, last_offset=123, offset_delta=2, timestamp=99))
    known.last_timestamp, known.coordinator_epoch, known.open_since = 99, 4, 107
    fenced = ProducerState(3)
    data = encode_snapshot({7: known, 8: fenced})
    name = "00000000000000000124.snapshot"
    assert lines(name, data) == [
        "producerId: 7 producerEpoch: 2 coordinatorEpoch: 4 "
        "currentTxnFirstOffset: OptionalLong[107] lastTimestamp: 99 "
        "firstSequence: 12 lastSequence: 14 lastOffset: 123 offsetDelta: 2 timestamp: 99",
        "producerId: 8 producerEpoch: 3 coordinatorEpoch: -1 "
        "currentTxnFirstOffset: OptionalLong.empty lastTimestamp: -1 ",
    ]
    assert len(problems(name, data[:-1] + b"x")) == len(problems(name, b"")) == 1


def test_checkpoints() -> None:
    assert lines("leader-epoch-checkpoint", b"0\n2\n0 0\n3 1200\n") == [
        "epoch: 0 startOffset: 0",
        "epoch: 3 startOffset: 1200",
    ]
    assert lines("recovery-point-offset-checkpoint", b"0\n1\norders 1 987\n") == [
        "topic: orders partition: 1 offset: 987"
    ]
    assert problems("leader-epoch-checkpoint", b"1\n3\n0 0\nx y\n") == [
        "! at byte 0: the version is '1', not 0",
        "! at byte 0: the number of lines is '3', not 2",
        "! at byte 8: 'x y' is neither an epoch nor an offset of a partition",
    ]
    assert problems("leader-epoch-checkpoint", b"0") == [
        "! at byte 0: no version and number of lines"
    ]
    assert problems("leader-epoch-checkpoint", b"\xff")


def test_names() -> None:
    for name in ("orders.txt", "meta.properties", "log", "a.log", ".index"):
        with pytest.raises(UnknownFile, match=name):
            dump(name, b"")
