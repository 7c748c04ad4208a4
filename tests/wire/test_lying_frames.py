"""Frames that lie: one clear error, and no memory for what never came.

the size         negative, above the limit
a length         negative, null where it must not be, past the end
a count          more elements than bytes are left
the end          too early, too late, in the middle of a tagged field
anything else    Hypothesis flips bytes of honest frames
"""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minikafka.node import Channel
from minikafka.wire.connection import ClientConnection, ServerConnection, decode_request
from minikafka.wire.errors import MalformedFrame
from minikafka.wire.messages import API_KEYS, REQUESTS
from minikafka.wire.messages.api_versions import ApiVersionsResponse
from minikafka.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from minikafka.wire.messages.find_coordinator import FindCoordinatorRequest
from minikafka.wire.messages.list_offsets import ListOffsetsRequest
from minikafka.wire.messages.metadata import MetadataRequest, MetadataResponse
from minikafka.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from minikafka.wire.schema import decode, encode

CHANNEL = Channel("liar", "broker")
SERVED = {key: tuple(REQUESTS[key].VERSIONS) for key in API_KEYS}
SMALL_BYTES = 50_000

NULL, EMPTY = "00", "01"
HUGE_VARINT = "ffffffff07"  # 2**31 - 1
LIES = [
    (FindCoordinatorRequest, 0, "fffe", "FindCoordinatorRequest.key has length -2"),
    (FindCoordinatorRequest, 0, "ffff", "FindCoordinatorRequest.key is null"),
    (FindCoordinatorRequest, 0, "7fff 61", "past the end"),
    (FindCoordinatorRequest, 0, "0002 c328", "not UTF-8"),
    (FindCoordinatorRequest, 3, f"{NULL} 00 00", "FindCoordinatorRequest.key is null"),
    (FindCoordinatorRequest, 3, "7f 61 00 00", "past the end"),
    (FindCoordinatorRequest, 3, "818002 61 00 00", "key has length 32768"),
    (FindCoordinatorRequest, 3, f"{HUGE_VARINT} 61 00 00", "key has length 2147483646"),
    (FindCoordinatorRequest, 3, "ffffffffff01 00 00", "longer than 5 bytes"),
    (FindCoordinatorRequest, 3, "ffffffff0f 00 00", "more than 31 bits"),
    (FindCoordinatorRequest, 4, f"00 {HUGE_VARINT} 01 00", "claims 2147483646 elements"),
    # 16 strings claim to be null: each would have moved the position back by one.
    (FindCoordinatorRequest, 4, f"00 11 {NULL * 16} 00", "coordinator_keys is null"),
    (FindCoordinatorRequest, 4, f"00 {EMPTY} 01 00 05", "tagged field of 5 bytes ends past"),
    (FindCoordinatorRequest, 4, f"00 {EMPTY} {HUGE_VARINT}", "past the end"),
    (FindCoordinatorRequest, 4, f"00 {EMPTY} 00 00", "ends 1 bytes before its frame"),
    (MetadataRequest, 1, "fffffffe", "MetadataRequest.topics has length -2"),
    (MetadataRequest, 1, "7fffffff 0000", "MetadataRequest.topics claims 2147483647 elements"),
    (MetadataRequest, 0, "ffffffff", "MetadataRequest.topics is null"),
    (ProduceRequest, 3, "ffff 0001 00000000 00000001 0001 74 00100000", "claims 1048576 elements"),
    (MetadataResponse, 0, "00000000 00000001 0000 0001 74 00000001 " + "0000 00000000 00000000 "
     "7fffffff 00000000", "replica_nodes claims 2147483647 elements"),
    # The second tagged field of ApiVersionsResponse is an int64, but says it has 4 bytes.
    (ApiVersionsResponse, 3, f"0000 {EMPTY} 00000000 01 01 04 0000000000000000", "not 4 bytes"),
    (ApiVersionsResponse, 3, f"0000 {EMPTY} 00000000 01 00 01 {HUGE_VARINT}", "claims"),
]  # fmt: skip


@pytest.mark.parametrize(("cls", "version", "frame", "why"), LIES)
def test_a_lie_is_named_and_costs_nothing(cls, version, frame, why):
    lie = bytes.fromhex(frame)
    for buffer in (lie, bytearray(lie)):
        with pytest.raises(MalformedFrame, match=why):  # compiles, too
            decode(cls, version, buffer)
    assert peak_bytes(lambda: decode(cls, version, lie)) < SMALL_BYTES


def peak_bytes(read):
    """The most memory that a refused read holds at once."""
    tracemalloc.start()
    try:
        with pytest.raises(MalformedFrame):
            read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "size", [b"\xff\xff\xff\xff", b"\x80\0\0\0", b"\x7f\xff\xff\xff", b"\x06\x40\0\x01"]
)
def test_a_lying_size_is_refused_when_its_fourth_byte_is_there(size):
    """Negative, huge, one above the limit of 100 MiB."""
    connection = ServerConnection(CHANNEL, SERVED)
    connection.feed(size[:3])
    assert connection.next_request() is None
    connection.feed(size[3:])
    with pytest.raises(MalformedFrame, match=r"a frame of -?[0-9]+ bytes"):
        connection.next_request()


def test_an_allowed_but_huge_size_takes_no_memory_before_the_bytes_come():
    connection = ServerConnection(CHANNEL, SERVED)
    tracemalloc.start()
    connection.feed(b"\x06\x40\0\0" + bytes(1000))  # 100 MiB are announced
    assert connection.next_request() is None
    assert tracemalloc.get_traced_memory()[1] < SMALL_BYTES
    tracemalloc.stop()


def test_a_client_refuses_a_negative_size_too():
    connection = ClientConnection(CHANNEL)
    connection.feed(b"\xff\xff\xff\xf0")
    with pytest.raises(MalformedFrame, match="a frame of -16 bytes"):
        connection.next_response()


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        ("", "shorter than its header"),
        ("0000", "shorter than its header"),
        ("0003 0001", "shorter than its header"),
        ("0003 0001 00000001 7fff 61", "has a client id of 32767"),
        ("0003 0001 00000001 fff0", "has a client id of -16"),
        ("03e8 0000 00000001 ffff", r"API 1000 \(v0\) is not served"),
        ("0000 0002 00000001 ffff", "Produce v2 is not served here, only v3-13"),
        ("0000 ffff 00000001 ffff", "Produce v-1 is not served"),
        ("0000 0009 00000001 0001 ff", "client id is not UTF-8"),
        ("0000 0009 00000001 ffff", "ends inside its header"),
        ("0000 0009 00000001 ffff 01", "ends inside its header"),
        ("0001 0013 00000001 ffff", "Fetch v19 is not served here, only v4-18"),
    ],
)
def test_a_frame_that_is_no_request(frame, why):
    with pytest.raises(MalformedFrame, match=why):
        decode_request(CHANNEL, bytes.fromhex(frame), SERVED)


def test_an_api_that_this_server_does_not_serve():
    with pytest.raises(MalformedFrame, match=r"API 0 \(v9\) is not served"):
        decode_request(CHANNEL, bytes.fromhex("0000 0009 00000001 ffff"), {18: (0, 4)})


def test_what_is_made_is_bounded_by_what_came():
    """A count that just fits: 5,000 empty topics in 30 KB, each of them an object and a list."""
    topics = 5000
    frame = bytes(4) + topics.to_bytes(4, "big") + bytes(6 * topics) + b"!"
    with pytest.raises(MalformedFrame, match="ends 1 bytes before its frame"):
        decode(ListOffsetsRequest, 1, frame)
    assert peak_bytes(lambda: decode(ListOffsetsRequest, 1, frame)) < 50 * len(frame)


HONEST = [
    (
        ProduceRequest(
            topic_data=[
                TopicProduceData(
                    name="t", partition_data=[PartitionProduceData(index=1, records=b"r" * 200)]
                )
            ]
        ),
        (3, 9),
    ),
    (
        FetchRequest(
            cluster_id="c",
            topics=[FetchTopic(topic="t", partitions=[FetchPartition(partition=1)] * 3)],
        ),
        (12,),
    ),
    (MetadataRequest(topics=None), (1, 9)),
    (ApiVersionsResponse(finalized_features_epoch=5, zk_migration_ready=True), (3,)),
]


@pytest.mark.parametrize(
    ("message", "version"), [(message, version) for message, vs in HONEST for version in vs]
)
@settings(max_examples=150, deadline=None, database=None)
@given(st.data())
def test_flipped_bytes_decode_or_are_refused_with_the_one_error(message, version, data):
    frame = bytearray(b"".join(encode(message, version)))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode(type(message), version, frame)
    except MalformedFrame as error:
        assert f"{type(message).__name__} v{version}" in str(error)
