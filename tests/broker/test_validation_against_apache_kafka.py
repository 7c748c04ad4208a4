"""What a produced batch must be, asked of this broker and of Apache Kafka (LogValidator).

Each batch below is told to both; then the answers must be the same, and what is stored too,
byte by byte.
"""

from __future__ import annotations

import struct
import time
from typing import Any

import pytest

from minikafka.record.batch import HEADER_BYTES
from minikafka.record.builder import BatchBuilder
from minikafka.record.compression import Compression
from minikafka.record.crc import crc32c
from minikafka.wire.errors import ErrorCode

from .judge import Judge, Peer, comparable, make_topic
from .talk import fetch_request, produce_request

NOW = int(time.time() * 1000)
HOUR = 3_600_000
CODECS = list(Compression)
PLACES = {
    "base_offset": (0, ">q"),
    "batch_length": (8, ">i"),
    "attributes": (21, ">h"),
    "last_offset_delta": (23, ">i"),
    "max_timestamp": (35, ">q"),
    "producer_id": (43, ">q"),
    "record_count": (57, ">i"),
}


def batch(codec: Compression, *times: int, key: bytes | None = b"k") -> bytes:
    builder = BatchBuilder(codec)
    for each in times or (NOW, NOW + 5):
        builder.append(each, key, b"v" * 20)
    return builder.build()


def rewritten(data: bytes, **fields: int) -> bytes:
    """`data` with other fields in its header, and a CRC that fits."""
    changed = bytearray(data)
    for name, value in fields.items():
        at, shape = PLACES[name]
        struct.pack_into(shape, changed, at, value)
    struct.pack_into(">I", changed, 17, crc32c(changed[21:]))
    return bytes(changed)


def told(peer: Peer, topic: str, records: bytes) -> Any:
    answer = peer.ask(produce_request(records, topic=topic), 9)
    return answer.responses[0].partition_responses[0]


def stored(peer: Peer, topic: str) -> bytes:
    answer = peer.ask(fetch_request((0, 0), topic=topic), 11)
    return bytes(answer.responses[0].partitions[0].records)


def agree(judge: Judge, topic: str, records: bytes) -> int:
    """Both answer the same and store the same; returns the error code."""
    kafka, ours = (told(peer, topic, records) for peer in judge.peers.values())
    assert comparable(ours) == comparable(kafka), f"ours:  {ours}\nKafka: {kafka}"
    kafka_stored, ours_stored = (stored(peer, topic) for peer in judge.peers.values())
    assert ours_stored == kafka_stored
    return int(ours.error_code)


# --- what a header may say ---

HEADERS = {
    "one record more": {"record_count": 3, "last_offset_delta": 2},
    "one record less": {"record_count": 1, "last_offset_delta": 0},
    "no records": {"record_count": 0, "last_offset_delta": -1},
    "another last offset": {"last_offset_delta": 5},
    "an offset of its own": {"base_offset": 7},
    "a producer without a sequence": {"producer_id": 5},
}


@pytest.fixture(scope="module")
def plain(judge: Judge) -> str:
    return make_topic(judge, "headers")


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_lie(judge: Judge, plain: str, codec: Compression, name: str) -> None:
    records = rewritten(batch(codec), **HEADERS[name])
    assert agree(judge, plain, records) == ErrorCode.INVALID_RECORD


@pytest.mark.parametrize("codec", CODECS)
def test_control_batches(judge: Judge, plain: str, codec: Compression) -> None:
    records = rewritten(batch(codec), attributes=0x20 | codec)
    assert agree(judge, plain, records) == ErrorCode.INVALID_RECORD


@pytest.mark.parametrize("codec", CODECS[1:])
@pytest.mark.parametrize("own_codec", ["producer", "gzip"])
def test_what_does_not_decompress(judge: Judge, codec: Compression, own_codec: str) -> None:
    """Kafka has no better word for it than an unknown error; see validate.py."""
    name = f"broken-{codec.name}-{own_codec}"
    topic = make_topic(judge, name, compression_type=own_codec)
    good = batch(codec)
    garbage = good[:HEADER_BYTES] + b"\xff" * (len(good) - HEADER_BYTES)
    cut = good[:-3]
    for records in (garbage, rewritten(cut, batch_length=len(cut) - 12)):
        kafka, ours = (
            told(peer, topic, rewritten(records)).error_code for peer in judge.peers.values()
        )
        assert (kafka, ours) == (ErrorCode.UNKNOWN_SERVER_ERROR, ErrorCode.CORRUPT_MESSAGE)
    count = rewritten(good, **HEADERS["one record more"])
    assert agree(judge, topic, count) == ErrorCode.INVALID_RECORD
    assert [stored(peer, topic) for peer in judge.peers.values()] == [b"", b""]


# --- timestamps ---


@pytest.mark.parametrize("codec", CODECS)
def test_headers_that_are_ahead_of_their_records(judge: Judge, codec: Compression) -> None:
    topic = make_topic(judge, f"ahead-{codec.name}")
    assert agree(judge, topic, rewritten(batch(codec), max_timestamp=NOW + 9 * HOUR)) == 0
    assert agree(judge, topic, batch(codec, NOW, NOW + 9 * HOUR)) == ErrorCode.INVALID_TIMESTAMP


@pytest.mark.parametrize("codec", CODECS)
def test_timestamps_within_bounds(judge: Judge, codec: Compression) -> None:
    topic = make_topic(judge, f"bounds-{codec.name}", message_timestamp_before_max_ms=HOUR)
    late = ErrorCode.INVALID_TIMESTAMP
    assert agree(judge, topic, batch(codec)) == 0
    assert agree(judge, topic, batch(codec, -1)) == 0
    assert agree(judge, topic, batch(codec, -1, NOW)) == 0
    assert agree(judge, topic, batch(codec, -2)) == late
    assert agree(judge, topic, batch(codec, NOW - 9 * HOUR, NOW, NOW - 9 * HOUR)) == late
    assert agree(judge, topic, batch(codec, -(10**13), NOW)) == late
    hidden = rewritten(batch(codec, NOW, NOW + 9 * HOUR), max_timestamp=NOW)
    assert agree(judge, topic, hidden) == late
    assert agree(judge, topic, rewritten(batch(codec), max_timestamp=NOW - 500)) == 0
    assert agree(judge, topic, rewritten(batch(codec), max_timestamp=NOW + 500)) == 0


@pytest.mark.parametrize("codec", CODECS)
def test_claims_of_log_append_time(judge: Judge, codec: Compression) -> None:
    claim, wrong = 8 | codec, ErrorCode.INVALID_TIMESTAMP
    topic = make_topic(judge, f"claims-{codec.name}")
    assert agree(judge, topic, rewritten(batch(codec), attributes=claim)) == 0
    for max_timestamp in (-1, NOW + 9 * HOUR):
        records = rewritten(batch(codec), attributes=claim, max_timestamp=max_timestamp)
        assert agree(judge, topic, records) == wrong
    topic = make_topic(judge, f"broker-{codec.name}", message_timestamp_type="LogAppendTime")
    assert agree(judge, topic, rewritten(batch(codec), attributes=claim)) == wrong


@pytest.mark.parametrize("codec", CODECS)
def test_keys_of_a_compacted_topic(judge: Judge, codec: Compression) -> None:
    topic = make_topic(judge, f"compacted-{codec.name}", cleanup_policy="compact")
    assert agree(judge, topic, batch(codec)) == 0
    assert agree(judge, topic, batch(codec, key=None)) == ErrorCode.INVALID_RECORD
    assert agree(judge, topic, rewritten(batch(codec), max_timestamp=NOW + 9 * HOUR)) == 0
