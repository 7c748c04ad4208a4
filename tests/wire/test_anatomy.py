"""Frames taken to pieces: every byte once, and the values that the codec reads too."""

from __future__ import annotations

import random
from typing import Any

import pytest

from minikafka.node import Channel, Request, Response
from minikafka.record.builder import BatchBuilder
from minikafka.record.compression import Compression
from minikafka.wire import connection
from minikafka.wire.anatomy import Piece, dissect_request, dissect_response
from minikafka.wire.messages import API_KEYS, REQUESTS
from minikafka.wire.messages.api_versions import ApiVersionsRequest
from minikafka.wire.messages.fetch import (
    FetchableTopicResponse,
    FetchResponse,
    PartitionData,
)
from minikafka.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from minikafka.wire.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from minikafka.wire.schema import Struct
from minikafka.wire.types import ArrayKind, FixedKind, Kind, StructKind, UuidKind, VariableKind

CHANNEL = Channel("a", "b")
EVERY_VERSION = [
    pytest.param(key, version, id=f"{key}-v{version}")
    for key in API_KEYS
    for version in range(REQUESTS[key].VERSIONS.min, REQUESTS[key].VERSIONS.max + 1)
]


def filled(cls: type[Struct], version: int, chance: random.Random) -> Any:
    """A message with something in every field that this version has."""
    values = {f.name: sample(f.kind, version, chance) for f in cls.FIELDS if version in f.versions}
    return cls(**values)


def sample(kind: Kind, version: int, chance: random.Random) -> Any:
    match kind:
        case UuidKind():
            return chance.randbytes(16)
        case FixedKind():
            return True if kind.code == "?" else 1.5 if kind.code == "d" else chance.randrange(90)
        case VariableKind():
            return "wörds" if kind.name == "string" else b"" if kind.name == "records" else b"\1\2"
        case ArrayKind():
            return [sample(kind.element, version, chance) for _ in range(2)]
        case StructKind():
            return filled(kind.cls, version, chance)
    raise AssertionError(kind)


def joined(parts: list[Any]) -> bytes:
    return b"".join(bytes(part) for part in parts)


def check_tiles(root: Piece, frame: bytes) -> None:
    at = 0
    for leaf in root.leaves():
        assert leaf.start == at, (leaf, at)
        at = leaf.end
    assert at == len(frame)


@pytest.mark.parametrize(("key", "version"), EVERY_VERSION)
def test_every_byte_belongs_to_one_piece(key: int, version: int) -> None:
    cls, chance = REQUESTS[key], random.Random(7)
    body = filled(cls, version, chance)
    request = joined(connection.encode_request(Request(CHANNEL, body, version, 5, "me")))
    check_tiles(dissect_request(request), request)
    answer = filled(cls.RESPONSE, version, chance)
    response = joined(connection.encode_response(Response(CHANNEL, answer, version, 5)))
    check_tiles(dissect_response(response, key, version), response)


def produce(codec: Compression = Compression.NONE) -> bytes:
    batch = BatchBuilder(codec)
    batch.append(1_000, b"bob", b"tea", [("who", b"me"), ("nil", None)])
    batch.append(1_007, None, b"scone")
    data = PartitionProduceData(index=3, records=batch.build())
    topic = TopicProduceData(name="orders", partition_data=[data])
    body = ProduceRequest(acks=-1, timeout_ms=30_000, topic_data=[topic])
    return joined(connection.encode_request(Request(CHANNEL, body, 9, 7, "till")))


def named(root: Piece, name: str) -> list[Piece]:
    own = [root] if root.name == name else []
    return own + [found for piece in root.pieces for found in named(piece, name)]


def test_a_record_is_taken_apart_to_its_varints() -> None:
    frame = produce()
    root = dissect_request(frame)
    check_tiles(root, frame)
    assert root.name == "Produce request v9"
    (api,) = named(root, "request_api_key")
    assert (api.value, api.form) == ("0 (Produce)", "int16")
    first, second = named(root, "record 0"), named(root, "record 1")
    assert [piece.value for piece in first[0].pieces[:6]] == ["24", "0", "0", "0", "3", '"bob"']
    assert [(p.name, p.value) for p in second[0].pieces[2:5]] == [
        ("timestamp_delta", "7"),
        ("offset_delta", "1"),
        ("key_length", "-1 (null)"),
    ]
    (key,) = named(first[0], "key")
    assert frame[key.start : key.end] == b"bob"
    (topic,) = named(root, "name")[:1]
    assert topic.form == "compact string" and topic.pieces[0].value == "7"


def test_compressed_records_stay_in_one_piece() -> None:
    root = dissect_request(produce(Compression.GZIP))
    assert named(root, "attributes")[0].value == "1 (gzip)"
    assert named(root, "record 0") == []
    block = named(root, "batch 0")[0].pieces[-1]
    assert block.form == "gzip"
    assert block.value.endswith('unpacked 37: 2 records, "bob": "tea", null: "scone"')
    damaged = bytearray(produce(Compression.GZIP))
    damaged[block.start + 12] ^= 0xFF
    words = named(dissect_request(bytes(damaged)), "batch 0")[0].pieces[-1].value
    assert "cannot be unpacked" in words


def test_as_text() -> None:
    body = MetadataRequest(topics=[MetadataRequestTopic(name="t")])
    frame = joined(connection.encode_request(Request(CHANNEL, body, 1, 4, None)))
    assert str(dissect_request(frame)).splitlines() == [
        "0000  Metadata request v1",
        "0000    size                             17",
        "0004    header",
        "0004      request_api_key                3 (Metadata)",
        "0006      request_api_version            1",
        "0008      correlation_id                 4",
        "000c      client_id                      null",
        "000c        length                       -1",
        "000e    body",
        "000e      topics                         1",
        "000e        count                        1",
        "0012        [0]",
        '0012          name                       "t"',
        "0012            length                   1",
        '0014            content                  "t"',
    ]


def unread(root: Piece) -> str:
    """Why the last of a frame could not be read."""
    *_, last = root.leaves()
    return last.value if last.name == "unread" else ""


def test_a_frame_that_is_cut_or_lies_is_told_as_far_as_it_goes() -> None:
    frame = produce()
    assert unread(dissect_request(frame)) == ""
    for end in range(1, len(frame)):
        root = dissect_request(frame[:end])
        check_tiles(root, frame[:end])
        assert unread(root)
        assert root.name == "Produce request v9" or end < 8
    cut = dissect_request(frame[:-30])
    assert [piece.value for piece in named(cut, "size")] == ["137, but 107 bytes follow"]
    assert [piece.value for piece in named(cut, "timeout_ms")] == ["30000"]
    assert unread(dissect_request(frame + b"x")) == "1 byte follows the message"
    chance = random.Random(3)
    for _ in range(2_000):
        damaged = bytearray(frame)
        damaged[chance.randrange(len(frame))] = chance.randrange(256)
        check_tiles(dissect_request(bytes(damaged)), frame)


def test_garbage_and_apis_that_nobody_knows() -> None:
    chance = random.Random(4)
    for size in range(300):
        garbage = chance.randbytes(size)
        check_tiles(dissect_request(garbage), garbage)
        check_tiles(dissect_response(garbage, chance.randrange(-1, 99), size % 9), garbage)
    frame = bytes.fromhex("0000 0010 0063 0002 0000 0007 0002 6d65 dead beef")
    root = dissect_request(frame)
    assert root.name == "API 99 request v2"
    assert named(root, "client_id")[0].value == '"me"'
    assert unread(root) == "there is no API 99 in version 2"
    assert dissect_response(frame, 99, 0).name == "API 99 response v0"
    assert dissect_request(b"").name == "0 bytes"


def test_a_batch_of_an_idempotent_producer_and_several_batches() -> None:
    one = BatchBuilder(producer_id=7, producer_epoch=0, base_sequence=5)
    one.append(1_000, b"bob", b"tea")
    two = BatchBuilder(Compression.GZIP)
    two.append(1_000, None, b"scone")
    partition = PartitionData(records=one.build() + two.build())
    answer = FetchResponse(responses=[FetchableTopicResponse(topic="t", partitions=[partition])])
    frame = joined(connection.encode_response(Response(CHANNEL, answer, 11, 7)))
    root = dissect_response(frame, 1, 11)
    check_tiles(root, frame)
    assert [piece.value for piece in named(root, "producer_id")] == ["7", "-1 (not idempotent)"]
    assert named(root, "base_sequence")[0].value == "5"
    assert [len(named(root, f"batch {i}")) for i in range(3)] == [1, 1, 0]
    assert len(named(root, "record 0")) == 1


def test_of_a_large_frame_the_first_pieces_are_told_and_the_rest_as_one() -> None:
    batch = BatchBuilder()
    for number in range(30_000):
        batch.append(1_000, b"%d" % number, b"x" * 20)
    partition = PartitionData(records=batch.build())
    answer = FetchResponse(
        responses=[FetchableTopicResponse(topic="t", partitions=[partition] * 2)]
    )
    frame = joined(connection.encode_response(Response(CHANNEL, answer, 11, 7)))
    assert len(frame) > 1_000_000
    root = dissect_response(frame, 1, 11)
    check_tiles(root, frame)
    pieces = list(root.leaves())
    assert len(pieces) < 2_500
    more = [piece.name for piece in pieces if piece.form == "left out"]
    assert len(more) == 2 and more[0].startswith("and 29,7") and more[0].endswith(" more records")


def test_the_answer_to_api_versions_has_the_old_header() -> None:
    answer = filled(ApiVersionsRequest.RESPONSE, 4, random.Random(1))
    frame = joined(connection.encode_response(Response(CHANNEL, answer, 4, 9)))
    root = dissect_response(frame, 18, 4)
    assert [piece.name for piece in root.pieces[1].pieces] == ["correlation_id"]


def test_a_batch_that_an_answer_cuts_is_told_as_such() -> None:
    (batch,) = named(dissect_request(produce()), "batch 0")
    whole = produce()[batch.start : batch.end]
    partition = PartitionData(partition_index=0, high_watermark=4, records=whole + whole[:-5])
    topic = FetchableTopicResponse(topic="orders", partitions=[partition])
    answer = Response(CHANNEL, FetchResponse(responses=[topic]), 11, 7)
    frame = joined(connection.encode_response(answer))
    root = dissect_response(frame, 1, 11)
    check_tiles(root, frame)
    (cut,) = named(root, "partial batch")
    assert cut.end - cut.start == len(whole) - 5
    assert len(named(root, "record 0")) == 1
