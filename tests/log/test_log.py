"""The log of a partition: appending, rolling, reading, finding by time, cutting, keeping."""

from __future__ import annotations

import gc
import struct
import threading
import time
import tracemalloc
from pathlib import Path
from unittest.mock import Mock

import pytest

from minikafka.log.config import LogConfig
from minikafka.log.files import RealFiles
from minikafka.log.log import Log
from minikafka.log.validate import RecordsRefused, code_of
from minikafka.record import compression as codecs
from minikafka.record.batch import HEADER_BYTES, batches, check_crc, read_header
from minikafka.record.builder import BatchBuilder
from minikafka.record.compression import Compression
from minikafka.record.control import ControlType, encode_end_txn_marker
from minikafka.record.crc import crc32c
from minikafka.record.errors import (
    BadCount,
    BadCrc,
    BadDelta,
    CodecNotAvailable,
    DecompressionTooLarge,
    RecordError,
)
from minikafka.record.records import decode
from minikafka.wire.errors import ErrorCode, KafkaError

from .helpers import NOW, NOW_MS, SMALL, Place, batch, data_of, everything, values

# --- append ------------------------------------------------------------------------


def test_records_get_consecutive_offsets() -> None:
    place = Place()
    assert place.append(3)[:2] == (0, 2)
    assert place.append(2)[:2] == (3, 4)
    assert place.log.log_end_offset == 5
    assert [record.offset for record in everything(place.log)] == [0, 1, 2, 3, 4]


def test_an_append_says_what_became_of_it() -> None:
    place = Place()
    data = batch(2)
    done = place.log.append(data, NOW, leader_epoch=4)
    assert done == (0, 1, -1, 0, False, 1, len(data))
    assert place.of("append") == [
        {"topic": "t", "partition": 0, "base_offset": 0, "last_offset": 1, "size_bytes": len(data),
         "leader_epoch": 4, "indexed": False}
    ]  # fmt: skip


def test_each_batch_of_an_append_is_told_and_whether_it_got_an_index_entry() -> None:
    place = Place()  # an entry every 200 bytes
    place.append(1)
    place.log.append(batch(2) + batch(1) + batch(3), NOW, leader_epoch=0, from_client=False)
    told = place.of("append")
    assert [(it["base_offset"], it["last_offset"]) for it in told] == [
        (0, 0),
        (1, 2),
        (3, 3),
        (4, 6),
    ]
    indexed = [it["last_offset"] for it in told if it["indexed"]]
    assert indexed == [relative for relative, _ in place.log.active.offset_index]
    assert indexed == [4 + 2]


def test_the_leader_epoch_is_stamped_and_the_checksum_still_holds() -> None:
    place = Place()
    place.append(1, epoch=7)
    stored = data_of(place.log.read(0, 1000).records)
    header = read_header(stored)
    assert header.partition_leader_epoch == 7
    assert decode(stored, 0, header, check_crc=True)


def test_a_writable_buffer_is_stamped_where_it_is_and_a_read_only_one_is_not_touched() -> None:
    place = Place()
    place.append(1)
    writable, read_only = bytearray(batch(1)), batch(1)
    place.log.append(writable, NOW, 0)
    assert read_header(writable).base_offset == 1
    place.log.append(read_only, NOW, 0)
    assert read_header(read_only).base_offset == 0
    assert read_header(data_of(place.log.read(2, 1).records)).base_offset == 2


def flipped(data: bytes, position: int) -> bytes:
    broken = bytearray(data)
    broken[position] ^= 0xFF
    return bytes(broken)


CONTROL = encode_end_txn_marker(
    ControlType.COMMIT, timestamp=NOW_MS, producer_id=1, producer_epoch=0, coordinator_epoch=0
)


def with_base_offset(data: bytes, offset: int) -> bytes:
    return offset.to_bytes(8, "big") + data[8:]


def log_append_time_claimed(codec: Compression = Compression.NONE) -> bytes:
    builder = BatchBuilder(codec)
    builder.append(NOW_MS - 5, None, b"v")
    builder.append(NOW_MS, None, b"v")
    builder.attributes |= 8
    return builder.build()


def rewritten(data: bytes, section: bytes | None = None, **fields: int) -> bytes:
    """`data` with other fields in its header or another records section, and a CRC that fits."""
    changed = bytearray(data[:HEADER_BYTES] + (data[HEADER_BYTES:] if section is None else section))
    for name, value in {"batch_length": len(changed) - 12, **fields}.items():
        at, shape = {
            "batch_length": (8, ">i"),
            "last_offset_delta": (23, ">i"),
            "max_timestamp": (35, ">q"),
            "record_count": (57, ">i"),
        }[name]
        struct.pack_into(shape, changed, at, value)
    struct.pack_into(">I", changed, 17, crc32c(changed[21:]))
    return bytes(changed)


LOG_APPEND_TIME = SMALL.replace(message_timestamp_type="LogAppendTime")
ZIPPED = batch(2, codec=Compression.GZIP)
THREE = rewritten(ZIPPED, record_count=3, last_offset_delta=2)


@pytest.mark.parametrize(
    ("data", "config", "code"),
    [
        (b"", SMALL, ErrorCode.INVALID_RECORD),
        (batch(1)[:-1], SMALL, ErrorCode.INVALID_RECORD),
        (batch(1) + batch(1), SMALL, ErrorCode.INVALID_RECORD),
        (flipped(batch(1), 70), SMALL, ErrorCode.CORRUPT_MESSAGE),
        (flipped(batch(1), 16), SMALL, ErrorCode.CORRUPT_MESSAGE),
        (flipped(batch(1), 60), SMALL, ErrorCode.CORRUPT_MESSAGE),
        (with_base_offset(batch(1), 5), SMALL, ErrorCode.INVALID_RECORD),
        (CONTROL, SMALL, ErrorCode.INVALID_RECORD),
        (batch(1, producer=(1, 0, -1)), SMALL, ErrorCode.INVALID_RECORD),
        (batch([b"x" * 1000]), SMALL.replace(max_message_bytes=999), ErrorCode.MESSAGE_TOO_LARGE),
        (batch([b"x" * 2000]), SMALL, ErrorCode.RECORD_LIST_TOO_LARGE),
        (batch(1, NOW_MS + 3_600_001), SMALL, ErrorCode.INVALID_TIMESTAMP),
        (log_append_time_claimed(), LOG_APPEND_TIME, ErrorCode.INVALID_TIMESTAMP),
        (rewritten(ZIPPED, b"junk"), SMALL, ErrorCode.CORRUPT_MESSAGE),
        (rewritten(ZIPPED, ZIPPED[HEADER_BYTES:-3]), SMALL, ErrorCode.CORRUPT_MESSAGE),
        (THREE, SMALL, ErrorCode.INVALID_RECORD),
        (THREE, SMALL.replace(compression_type="gzip"), ErrorCode.INVALID_RECORD),
        (THREE, SMALL.replace(compression_type="zstd"), ErrorCode.INVALID_RECORD),
        (THREE, SMALL.replace(cleanup_policy=("compact",)), ErrorCode.INVALID_RECORD),
        (
            batch(1, -2),
            SMALL.replace(message_timestamp_before_max_ms=10),
            ErrorCode.INVALID_TIMESTAMP,
        ),
        (
            batch(1, NOW_MS - 11),
            SMALL.replace(message_timestamp_before_max_ms=10),
            ErrorCode.INVALID_TIMESTAMP,
        ),
        (
            batch(1, key=None),
            SMALL.replace(cleanup_policy=("compact",)),
            ErrorCode.INVALID_RECORD,
        ),
    ],
)
def test_what_is_refused_changes_nothing(data: bytes, config: LogConfig, code: ErrorCode) -> None:
    place = Place(config)
    place.log.append(batch(1), NOW, 0)
    before = place.log.statistics()
    with pytest.raises(KafkaError) as refused:
        place.log.append(data, NOW, leader_epoch=3)
    assert refused.value.code == code
    assert place.log.statistics() == before
    assert place.log.latest_epoch == 0


def test_timestamps_at_the_edge_are_taken() -> None:
    place = Place(SMALL.replace(message_timestamp_before_max_ms=10))
    place.append(1, NOW_MS + 3_600_000)
    place.append(1, NOW_MS - 10)
    place.append(1, -1)
    assert place.log.log_end_offset == 3


def test_a_partial_batch_at_the_end_is_left_out() -> None:
    place = Place()
    data = batch(2)
    assert place.log.append(data + data[:40], NOW, 0).size_bytes == len(data)
    assert place.log.log_end_offset == 2


def test_brokers_may_append_several_batches_and_control_batches() -> None:
    place = Place()
    done = place.log.append(batch(2) + CONTROL + batch(1), NOW, 0, from_client=False)
    assert (done.base_offset, done.last_offset, done.batch_count) == (0, 3, 3)


@pytest.mark.parametrize("codec", list(Compression))
def test_what_brokers_append_is_believed_about_its_codec(codec: Compression) -> None:
    place = Place()
    data = rewritten(batch(2, codec=codec), b"\x0caaaaaa\x0cbbbbbb")
    assert place.log.append(data, NOW, 0, from_client=False).last_offset == 1


@pytest.mark.parametrize("name", ["producer", "zstd", "lz4"])
def test_a_batch_is_decompressed_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    decompress = Mock(wraps=codecs.decompress)
    monkeypatch.setattr(codecs, "decompress", decompress)
    Place(SMALL.replace(compression_type=name)).append(5, codec=Compression.ZSTD)
    assert decompress.call_count == 1


@pytest.mark.parametrize("codec", list(Compression)[1:])
def test_what_was_decompressed_is_let_go_at_once(codec: Compression) -> None:
    place = Place(LogConfig())
    large = batch([bytes(8 << 20)], codec=codec)
    taken = rewritten(large)
    refused = rewritten(large, record_count=2, last_offset_delta=1)
    gc.disable()
    tracemalloc.start()
    try:
        place.log.append(taken, NOW, 0)
        with pytest.raises(KafkaError):
            place.log.append(refused, NOW, 0)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert held < 2 << 20 < 8 << 20 <= peak


@pytest.mark.parametrize("codec", list(Compression))
def test_a_claim_of_log_append_time_is_struck_out(codec: Compression) -> None:
    place = Place()
    place.log.append(log_append_time_claimed(codec), NOW, 0)
    stored = data_of(place.log.read(0, 10_000).records)
    header = read_header(stored)
    check_crc(stored, 0, header)
    assert (header.timestamp_type, header.max_timestamp) == (0, NOW_MS)
    assert [record.timestamp for record in everything(place.log)] == [NOW_MS - 5, NOW_MS]


@pytest.mark.parametrize("codec", list(Compression))
def test_a_header_that_is_ahead_of_its_records_is_set_right(codec: Compression) -> None:
    place = Place()
    place.log.append(rewritten(batch(2, codec=codec), max_timestamp=NOW_MS + 10**9), NOW, 0)
    stored = data_of(place.log.read(0, 10_000).records)
    check_crc(stored, 0, read_header(stored))
    assert read_header(stored).max_timestamp == NOW_MS
    assert place.log.max_timestamp_offset() == (NOW_MS, 0, 0)


def test_log_append_time_replaces_the_producers() -> None:
    place = Place(LOG_APPEND_TIME)
    done = place.append(2, 5)
    assert done.log_append_time_ms == NOW_MS
    assert [record.timestamp for record in everything(place.log)] == [NOW_MS, NOW_MS]
    assert place.log.offset_for_timestamp(NOW_MS) == (NOW_MS, 0, 0)


@pytest.mark.parametrize("codec", list(Compression))
def test_batches_in_any_codec_are_kept_as_they_are(codec: Compression) -> None:
    place = Place()
    data = batch(5, codec=codec)
    place.log.append(data, NOW, 0)
    assert data_of(place.log.read(0, 10_000).records)[16:] == data[16:]


@pytest.mark.parametrize("name", ["gzip", "uncompressed", "zstd"])
def test_a_topic_with_a_codec_of_its_own_compresses_again(name: str) -> None:
    place = Place(SMALL.replace(compression_type=name))
    place.append(5, codec=Compression.LZ4, producer=(7, 0, 0))
    stored = data_of(place.log.read(0, 10_000).records)
    header = read_header(stored)
    assert header.compression.name.lower() == ("none" if name == "uncompressed" else name)
    assert (header.producer_id, header.base_sequence) == (7, 0)
    assert values(place.log) == [b"v0", b"v1", b"v2", b"v3", b"v4"]


def test_a_batch_that_has_the_topics_codec_already_is_kept() -> None:
    place = Place(SMALL.replace(compression_type="lz4"))
    data = batch(5, codec=Compression.LZ4)
    place.log.append(data, NOW, 0)
    assert data_of(place.log.read(0, 10_000).records)[16:] == data[16:]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadCount(), ErrorCode.INVALID_RECORD),
        (BadDelta(), ErrorCode.INVALID_RECORD),
        (BadCrc(), ErrorCode.CORRUPT_MESSAGE),
        (CodecNotAvailable(), ErrorCode.UNSUPPORTED_COMPRESSION_TYPE),
        (DecompressionTooLarge(), ErrorCode.MESSAGE_TOO_LARGE),
    ],
)
def test_what_is_wrong_with_a_batch_has_a_name_in_the_protocol(
    error: RecordError, code: ErrorCode
) -> None:
    assert code_of(error) == code


# --- roll ----------------------------------------------------------------------------


def test_a_segment_is_full_before_it_is_larger_than_segment_bytes() -> None:
    place = Place()
    place.fill(60)
    sizes = [segment.size_bytes for segment in place.log.segments]
    assert len(sizes) > 2
    assert all(size <= 2_000 for size in sizes)
    size = len(batch([b"10"]))
    assert all(size + each > 2_000 - size for each in sizes[:-1])
    assert [e["base_offset"] for e in place.of("roll")] == place.log.base_offsets[1:]


def test_a_segment_rolls_when_its_first_record_is_older_than_segment_ms() -> None:
    place = Place(SMALL.replace(segment_ms=100))
    place.append(1, NOW_MS)
    place.append(1, NOW_MS + 100)
    assert len(place.log.segments) == 1
    place.append(1, NOW_MS + 101)
    assert place.log.base_offsets == [0, 2]


def test_without_timestamps_the_clock_decides() -> None:
    place = Place(SMALL.replace(segment_ms=100))
    place.append(1, -1, now=NOW)
    place.append(1, -1, now=NOW + 100_000)
    assert len(place.log.segments) == 1
    place.append(1, -1, now=NOW + 101_000)
    assert place.log.base_offsets == [0, 2]


def test_the_first_timestamp_is_known_after_reopening() -> None:
    place = Place(SMALL.replace(segment_ms=100))
    place.append(1, NOW_MS)
    place.reopen()
    place.append(1, NOW_MS + 101)
    assert place.log.base_offsets == [0, 1]


def test_jitter_rolls_earlier_by_an_amount_that_belongs_to_the_segment() -> None:
    def rolls_after(jitter_ms: int) -> int:
        place = Place(SMALL.replace(segment_ms=1_000, segment_jitter_ms=jitter_ms))
        place.append(1, NOW_MS)
        waited = 0
        while len(place.log.segments) == 1:
            waited += 50
            place.append([b""], NOW_MS + waited)
            if len(place.log.segments) == 1:
                place.log.truncate_to(1, NOW)
        return waited

    assert rolls_after(0) == 1_050
    assert rolls_after(900) == rolls_after(900) < 1_050


@pytest.mark.parametrize(("index_bytes", "entries"), [(40, 2), (48, 3), (10_000, None)])
def test_a_segment_rolls_when_an_index_is_full(index_bytes: int, entries: int | None) -> None:
    """40 bytes are five offset entries but three time entries, of which one is kept back."""
    place = Place(SMALL.replace(segment_index_bytes=index_bytes, segment_bytes=100_000))
    place.fill(40)
    if entries is None:
        assert len(place.log.segments) == 1
    else:
        segments = place.log.statistics().segments
        assert {segment.index_entries for segment in segments[:-1]} == {entries}


def test_a_segment_rolls_when_an_offset_is_too_far_for_the_index() -> None:
    place = Place()
    place.log.start_anew_at(0, NOW)
    place.append(1)
    place.log.log_end_offset = (1 << 31) - 1  # as if compaction had left a hole
    place.append(1)
    assert place.log.base_offsets == [0]
    place.append(1)
    assert place.log.base_offsets == [0, 1 << 31]


def test_a_roll_leaves_a_producer_snapshot_and_flushes() -> None:
    place = Place()
    place.fill(30)
    base = place.log.base_offsets[1]
    assert f"{base:020d}.snapshot" in place.files.list("t-0")
    assert place.log.recovery_point == base


# --- read ------------------------------------------------------------------------------


def test_every_offset_can_be_read_from_memory_and_from_the_disk() -> None:
    place = Place()
    place.fill(100)
    for log in (place.log, place.reopen()):
        assert len(log.segments) > 3
        for offset in range(100):
            fetched = log.read(offset, 1)
            header = read_header(data_of(fetched.records))
            assert (fetched.first_offset, header.base_offset) == (offset, offset)


def test_a_read_begins_with_the_batch_that_holds_the_offset() -> None:
    place = Place()
    place.append(10)
    assert place.log.read(7, 1000).first_offset == 0


def test_a_read_ends_with_its_segment_and_the_next_one_goes_on() -> None:
    place = Place()
    place.fill(60)
    base = place.log.base_offsets[1]
    fetched = place.log.read(base - 1, 100_000)
    found = [header.base_offset for _, header in batches(data_of(fetched.records))]
    assert found == [base - 1]
    assert place.log.read(base, 1).first_offset == base


def test_max_bytes_may_cut_the_last_batch_but_not_the_first() -> None:
    place = Place()
    place.fill(3)
    size = len(batch([b"0"]))
    assert place.log.read(0, size + 10).size_bytes == size + 10
    assert place.log.read(0, 10).size_bytes == size
    assert place.log.read(0, 10, at_least_one=False) == (0, b"", 0)
    assert place.log.read(0, 0, at_least_one=False) == (0, b"", 0)


def test_a_read_stops_at_the_given_end() -> None:
    place = Place()
    place.fill(60)
    for end in range(0, 61, 7):
        seen = []
        offset = 0
        while data := data_of(place.log.read(offset, 100_000, end=end).records):
            seen += [header.base_offset for _, header in batches(data)]
            offset = seen[-1] + 1
        assert seen == list(range(end))


def test_a_read_that_starts_in_the_batch_where_it_must_stop_gives_nothing() -> None:
    place = Place()
    place.append(10)
    assert place.log.read(2, 1_000, end=5) == (2, b"", 0)


def test_reading_at_the_end_gives_nothing_and_beyond_it_an_error() -> None:
    place = Place()
    place.fill(3)
    assert place.log.read(3, 100) == (3, b"", 0)
    for offset in (-1, 4):
        with pytest.raises(KafkaError, match="holds 0 to 2") as error:
            place.log.read(offset, 100)
        assert error.value.code == ErrorCode.OFFSET_OUT_OF_RANGE


def test_offsets_below_the_log_start_are_out_of_range() -> None:
    place = Place()
    place.fill(30)
    assert place.log.advance_log_start_offset(5)
    assert not place.log.advance_log_start_offset(5)
    with pytest.raises(KafkaError):
        place.log.read(4, 100)
    assert place.log.read(5, 1).first_offset == 5
    assert place.of("log_start_offset")[0]["offset"] == 5
    with pytest.raises(KafkaError):
        place.log.advance_log_start_offset(31)


# --- time --------------------------------------------------------------------------------


def test_a_timestamp_is_found_wherever_it_lies() -> None:
    place = Place()
    for i in range(50):
        place.append([b"a", b"b"], 1_000 + i * 10)
    for log in (place.log, place.reopen()):
        for timestamp in range(990, 1_500):
            expected = max(0, -(-(timestamp - 1_000) // 10))
            found = log.offset_for_timestamp(timestamp)
            if expected < 50:
                assert found == (1_000 + expected * 10, expected * 2, 0)
            else:
                assert found is None


def test_timestamps_that_go_back_are_found_at_the_first_record_that_reaches_them() -> None:
    place = Place()
    stamps = [(i * 37) % 101 for i in range(100)]
    for stamp in stamps:
        place.append(1, stamp)
    for log in (place.log, place.reopen()):
        for target in range(102):
            first = next((i for i, stamp in enumerate(stamps) if stamp >= target), None)
            found = log.offset_for_timestamp(target)
            assert (found and found.offset) == first
        assert log.max_timestamp_offset() == (100, stamps.index(100), 0)


def test_a_timestamp_below_the_log_start_is_found_above_it() -> None:
    place = Place()
    place.fill(50, first_ms=1_000)
    place.log.advance_log_start_offset(33)
    assert place.log.offset_for_timestamp(1_001) == (1_033, 33, 0)
    assert place.log.earliest() == (-1, 33, 0)


def test_a_log_without_records_or_timestamps_has_none() -> None:
    place = Place()
    assert place.log.max_timestamp_offset() is None
    place.append(1, -1)
    assert place.log.max_timestamp_offset() is None
    assert place.log.offset_for_timestamp(0) is None


# --- cut -----------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0, 1, 10, 19, 20, 21, 40, 59])
def test_truncation_leaves_what_is_below(offset: int) -> None:
    place = Place()
    place.fill(60)
    assert place.log.truncate_to(offset, NOW)
    assert values(place.log) == [b"%d" % i for i in range(offset)]
    assert place.log.log_end_offset == offset
    assert place.append([b"new"]).base_offset == offset
    place.reopen()
    assert values(place.log) == [*(b"%d" % i for i in range(offset)), b"new"]


def test_truncation_to_the_end_or_beyond_changes_nothing() -> None:
    place = Place()
    place.fill(3)
    assert not place.log.truncate_to(3, NOW)
    assert not place.log.truncate_to(9, NOW)
    assert place.log.log_end_offset == 3


def test_truncation_inside_of_a_batch_removes_the_batch() -> None:
    place = Place()
    place.append(5)
    place.append(5)
    place.log.truncate_to(7, NOW)
    assert place.log.log_end_offset == 5
    assert place.of("truncate") == [{"topic": "t", "partition": 0, "offset": 5}]


def test_truncation_takes_epochs_and_producers_along() -> None:
    place = Place()
    for i in range(60):
        place.append(1, producer=(7, 0, i), epoch=i // 20)
    place.log.truncate_to(41, NOW)
    assert place.log.epochs.entries == [(0, 0), (1, 20), (2, 40)]
    place.log.truncate_to(30, NOW)
    assert place.log.epochs.entries == [(0, 0), (1, 20)]
    assert place.log.producers.states[7].batches[-1].last_offset == 29
    with pytest.raises(KafkaError):
        place.append(1, producer=(7, 0, 41))
    assert place.append(1, producer=(7, 0, 30)).base_offset == 30


def test_truncation_survives_a_crash() -> None:
    place = Place()
    place.fill(30)
    place.log.flush(NOW)
    place.log.truncate_to(25, NOW)
    place.files.crash()  # type: ignore[attr-defined]
    place.open(clean=False, recovery_point=30)
    assert place.log.log_end_offset == 25


def test_truncation_below_the_first_segment_starts_anew() -> None:
    place = Place(SMALL.replace(retention_bytes=2_000))
    place.fill(60)
    place.log.apply_retention(NOW, 60)
    first = place.log.base_offsets[0]
    assert first > 0
    place.log.truncate_to(first - 3, NOW)
    assert place.log.log_start_offset == place.log.log_end_offset == first - 3
    assert place.append(1).base_offset == first - 3


# --- keep -----------------------------------------------------------------------------------


def test_retention_by_bytes_keeps_at_least_that_much() -> None:
    place = Place(SMALL.replace(retention_bytes=3_000))
    place.fill(100)
    before = place.log.size_bytes
    sizes = [segment.size_bytes for segment in place.log.segments]
    deleted = place.log.apply_retention(NOW, 100)
    assert deleted > 0
    assert before - sum(sizes[:deleted]) >= 3_000 > before - sum(sizes[: deleted + 1])
    assert place.log.log_start_offset == place.log.base_offsets[0]
    assert {e["reason"] for e in place.of("segment_deleted")} == {"retention.bytes"}


def test_retention_by_time_deletes_segments_whose_newest_record_is_old() -> None:
    place = Place(SMALL.replace(retention_ms=1_000))
    place.fill(60)
    first_end = place.log.base_offsets[1]
    newest_ms = NOW_MS + first_end - 1
    assert place.log.apply_retention((newest_ms + 1_000) * 1_000, 60) == 0
    assert place.log.apply_retention((newest_ms + 1_001) * 1_000, 60) == 1
    assert place.log.log_start_offset == first_end


def test_without_limits_nothing_is_deleted() -> None:
    place = Place(SMALL.replace(retention_ms=-1))
    place.fill(60, first_ms=0)
    assert place.log.apply_retention(NOW, 60) == 0


def test_when_all_is_old_the_active_segment_goes_too() -> None:
    place = Place(SMALL.replace(retention_ms=1_000))
    place.fill(60)
    assert len(place.log.segments) == 3
    assert place.log.apply_retention(NOW + 10**9, 60) == 3
    assert place.log.log_start_offset == place.log.log_end_offset == 60
    assert place.log.base_offsets == [60]
    assert place.log.apply_retention(NOW + 10**9, 60) == 0
    assert place.append(1).base_offset == 60


def test_nothing_beyond_the_high_watermark_is_deleted() -> None:
    place = Place(SMALL.replace(retention_bytes=0))
    place.fill(60)
    second = place.log.base_offsets[2]
    assert place.log.apply_retention(NOW, second - 1) == 1
    assert place.log.apply_retention(NOW, second) == 1


def test_segments_below_the_log_start_offset_are_deleted_whatever_the_policy() -> None:
    place = Place(SMALL.replace(cleanup_policy=("compact",), retention_bytes=0, retention_ms=1))
    place.fill(60)
    place.log.advance_log_start_offset(place.log.base_offsets[2] + 1)
    assert place.log.apply_retention(NOW + 10**9, 60) == 2
    place.log.advance_log_start_offset(60)
    place.log.apply_retention(NOW + 10**9, 60)
    assert len(place.log.segments) == 1  # the active one stays, though all of it is below


def test_deleted_segments_leave_no_files() -> None:
    place = Place(SMALL.replace(retention_bytes=0))
    place.fill(60)
    place.log.apply_retention(NOW, 60)
    suffixes = sorted(name.split(".")[1] for name in place.files.list("t-0") if "." in name)
    assert suffixes == ["index", "log", "snapshot", "timeindex"]


def test_flush_moves_the_recovery_point_and_says_so() -> None:
    place = Place()
    place.fill(3)
    assert place.log.recovery_point == 0
    place.log.flush(NOW)
    assert place.log.recovery_point == 3
    place.log.flush(NOW)
    assert len(place.of("flush")) == 1


def test_a_roll_does_not_wait_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr("minikafka.log.files.fdatasync", lambda number: gate.wait(10))
    place = Place(files=RealFiles(str(tmp_path)))
    place.fill(60)
    assert len(place.log.segments) > 2
    assert place.log.recovery_point == 0
    gate.set()
    while place.log.recovery_point < place.log.base_offsets[-1]:
        place.log.settle(NOW)
    assert [e["offset"] for e in place.of("flush")] == place.log.base_offsets[1:]
    place.log.flush(NOW)
    assert place.log.recovery_point == 60


def test_truncation_forgets_flushes_that_are_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the recovery point could move past records that came after the cut."""
    gate = threading.Event()
    place = Place(files=RealFiles(str(tmp_path)))
    with monkeypatch.context() as patch:
        patch.setattr("minikafka.log.files.fdatasync", lambda number: gate.wait(10))
        place.fill(30)
        gate.set()
        place.log.truncate_to(20, NOW)
    place.append(30)
    place.log.settle(NOW)
    assert place.log.recovery_point == 0


def test_flush_messages_flushes_before_the_append_returns() -> None:
    place = Place(SMALL.replace(flush_messages=2))
    place.append(1)
    assert place.log.recovery_point == 0
    place.append(1)
    assert place.log.recovery_point == 2
    place.files.crash()  # type: ignore[attr-defined]
    assert place.open(clean=False).log_end_offset == 2


def test_flush_ms_counts_from_the_first_unflushed_append() -> None:
    place = Place(SMALL.replace(flush_ms=100))
    assert not place.log.flush_due(NOW + 10**9)
    place.append(1, now=NOW)
    place.append(1, now=NOW + 90_000)
    assert not place.log.flush_due(NOW + 99_000)
    assert place.log.flush_due(NOW + 100_000)
    place.log.flush(NOW + 100_000)
    assert not place.log.flush_due(NOW + 10**9)


def test_the_topic_id_is_written_once() -> None:
    place = Place()
    assert place.log.topic_id is None
    place.log.set_topic_id("ab" * 10 + "aA")
    place.log.set_topic_id("ab" * 10 + "aA")
    assert place.reopen().topic_id == "ab" * 10 + "aA"
    with pytest.raises(KafkaError, match="INCONSISTENT_TOPIC_ID"):
        place.log.set_topic_id("cd" * 10 + "cA")


def test_epochs_end_where_the_next_one_wrote() -> None:
    place = Place()
    for epoch, count in ((0, 3), (2, 4), (5, 1)):
        for _ in range(count):
            place.append(1, epoch=epoch)
    assert place.log.latest_epoch == 5
    assert place.log.end_offset_for_epoch(1) == (0, 3)
    assert place.log.end_offset_for_epoch(4) == (2, 7)
    assert place.log.end_offset_for_epoch(5) == (5, 8)
    assert place.log.end_offset_for_epoch(6) == (-1, -1)


def test_the_same_log_on_a_real_disk(tmp_path: Path) -> None:
    """Fetches are slices of files there, and all of them hold what memory would give."""
    real, memory = Place(files=RealFiles(str(tmp_path))), Place()
    for place in (real, memory):
        place.fill(60)
    assert values(real.log) == values(memory.log)
    for name in memory.files.list("t-0"):
        assert real.files.read(f"t-0/{name}") == memory.files.read(f"t-0/{name}"), name
    assert isinstance(real.log, Log)
    assert values(real.reopen()) == values(memory.log)


def test_a_small_batch_that_becomes_many_small_things_costs_little() -> None:
    """A record with millions of headers, in a batch that gives reason to look at records."""
    headers = 5_000_000
    record = b"\0\0\0\1\1" + encoded(headers) + b"\0\1" * headers
    section = codecs.compress(Compression.ZSTD, encoded(len(record)) + record)
    far = NOW_MS + 9 * 3_600_000
    data = rewritten(batch(1, codec=Compression.ZSTD), section, max_timestamp=far)
    place = Place()
    tracemalloc.start()
    try:
        assert place.log.append(data, NOW, 0).last_offset == 0
        assert tracemalloc.get_traced_memory()[1] < 4 * len(record)
    finally:
        tracemalloc.stop()


def encoded(number: int) -> bytes:
    """A zigzag varint."""
    number, found = number << 1, bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def test_a_few_kilobytes_do_not_become_a_hundred_megabytes() -> None:
    section = codecs.compress(Compression.ZSTD, bytes(60 << 20))
    data = rewritten(batch(1, codec=Compression.ZSTD), section)
    with pytest.raises(KafkaError, match="MESSAGE_TOO_LARGE"):
        Place(LogConfig()).log.append(data, NOW, 0)
    honest = batch([b"x" * 1_000_000] * 10, codec=Compression.ZSTD)  # 10 MB in some hundred bytes
    assert Place(LogConfig()).log.append(honest, NOW, 0).last_offset == 9


def test_an_lz4_frame_that_java_cannot_read_is_refused() -> None:
    import lz4.frame

    records = bytes(batch([b"x" * 100_000]))[HEADER_BYTES:]
    for linked in (True, False):
        section = lz4.frame.compress(records, block_linked=linked, block_size=4)
        data = rewritten(batch(1, codec=Compression.LZ4), section)
        place = Place(LogConfig())
        if linked:
            with pytest.raises(KafkaError, match="which Java's clients cannot read"):
                place.log.append(data, NOW, 0)
        else:
            assert place.log.append(data, NOW, 0).last_offset == 0


def test_times_that_no_field_could_hold_do_no_harm() -> None:
    config = SMALL.replace(
        message_timestamp_after_max_ms=(1 << 63) - 1, message_timestamp_before_max_ms=3_600_000
    )
    builder = BatchBuilder()
    for more in (0, 5):
        builder.append(NOW_MS + more, b"k", b"v")
    data = bytearray(builder.build())
    struct.pack_into(">q", data, 27, (1 << 63) - 2)  # base timestamp
    struct.pack_into(">I", data, 17, crc32c(data[21:]))
    with pytest.raises(RecordsRefused):  # the second is long ago, as Java adds
        Place(config).log.append(bytes(data), NOW, 0)


def test_a_damaged_first_batch_does_not_keep_others_from_being_written(tmp_path: Path) -> None:
    place = Place(SMALL.replace(segment_bytes=100_000), RealFiles(str(tmp_path)))
    for _ in range(20):
        place.append(3)
    place.log.close(NOW)
    path = tmp_path / "t-0" / "00000000000000000000.log"
    damaged = bytearray(path.read_bytes())
    damaged[16] ^= 1  # the magic
    path.write_bytes(damaged)
    log = place.open(clean=True)
    assert log.append(batch(1), NOW, 0).last_offset == 60


def test_a_flush_of_sealed_segments_does_not_make_the_rest_younger(tmp_path: Path) -> None:
    place = Place(SMALL.replace(flush_ms=50_000), RealFiles(str(tmp_path)))
    second = 1_000_000
    place.log.append(batch([b"x" * 1_500]), NOW, 0)
    place.log.append(batch([b"y" * 1_500]), NOW + second, 0)  # rolls
    deadline = time.monotonic() + 10
    while place.log.flushing and time.monotonic() < deadline:
        place.log.settle(NOW + 50 * second)
    assert place.log.recovery_point == 1
    assert place.log.flush_due(NOW + 51 * second)
