"""Connections, fed whole, byte by byte, and with the beginning of the next frame behind.

One table of conversations in bytes, used in both directions: what a client writes is
what the server reads, and the other way round.
"""

import pytest

from minikafka.node import Channel, Request, Response
from minikafka.wire.connection import (
    ClientConnection,
    ServerConnection,
    decode_request,
    encode_request,
    encode_response,
    frame_size,
)
from minikafka.wire.errors import ErrorCode, MalformedFrame
from minikafka.wire.messages import API_KEYS, REQUESTS
from minikafka.wire.messages.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from minikafka.wire.messages.fetch import (
    FetchableTopicResponse,
    FetchRequest,
    FetchResponse,
    PartitionData,
)
from minikafka.wire.messages.find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)
from minikafka.wire.messages.produce import ProduceRequest, ProduceResponse

CHANNEL = Channel("client", "broker:9092")
SERVED = {key: tuple(REQUESTS[key].VERSIONS) for key in API_KEYS}

# request, its bytes, answer, its bytes; both in one version. Spaces show the parts:
# size, header, body.
CONVERSATIONS = [
    (
        3,
        ApiVersionsRequest(client_software_name="mk", client_software_version="1"),
        "00000013 0012 0003 00000007 0002 6d6b 00  03 6d6b 02 31 00",
        ApiVersionsResponse(api_keys=[ApiVersion(api_key=18, max_version=4)]),
        # Flexible, but its header has no tags (KIP-511).
        "00000013 00000007  0000 02 0012 0000 0004 00 00000000 00",
    ),
    (
        0,
        ApiVersionsRequest(),
        "0000000c 0012 0000 00000007 0002 6d6b",
        ApiVersionsResponse(api_keys=[ApiVersion(api_key=18, max_version=4)]),
        "00000010 00000007  0000 00000001 0012 0000 0004",
    ),
    (
        2,
        FindCoordinatorRequest(key="g"),
        "00000010 000a 0002 00000007 0002 6d6b  0001 67 00",
        FindCoordinatorResponse(node_id=1, host="h", port=9092),
        "00000017 00000007  00000000 0000 0000 00000001 0001 68 00002384",
    ),
    (
        4,
        FindCoordinatorRequest(coordinator_keys=["g"]),
        "00000012 000a 0004 00000007 0002 6d6b 00  00 02 02 67 00",
        FindCoordinatorResponse(
            coordinators=[Coordinator(key="g", node_id=1, host="h", port=9092, error_message=None)]
        ),
        "0000001b 00000007 00  00000000 02 02 67 00000001 02 68 00002384 0000 00 00 00",
    ),
]
NAMES = [f"{request.NAME}-v{version}" for version, request, *_ in CONVERSATIONS]


def in_pieces(frame):
    """The ways in which a frame and the beginning of another may arrive."""
    tail = b"\0\0"
    yield "whole", [frame]
    yield "byte by byte", [frame[i : i + 1] for i in range(len(frame))]
    yield "with a tail", [frame + tail]
    yield "tail with the last byte", [frame[:-1], frame[-1:] + tail]
    yield "size in two pieces", [frame[:2], frame[2:5], frame[5:]]


@pytest.mark.parametrize(
    ("version", "request_", "request_hex", "answer", "answer_hex"), CONVERSATIONS, ids=NAMES
)
def test_a_conversation_is_these_bytes(version, request_, request_hex, answer, answer_hex):
    request_bytes, answer_bytes = bytes.fromhex(request_hex), bytes.fromhex(answer_hex)
    question = Request(CHANNEL, request_, version, 7, "mk")

    client = ClientConnection(CHANNEL)
    assert b"".join(client.send(question)) == request_bytes
    for way, pieces in in_pieces(request_bytes):
        server = ServerConnection(CHANNEL, SERVED)
        arrived = fed(server.feed, server.next_request, pieces, way)
        assert arrived.body == request_
        assert arrived.channel is CHANNEL
        assert (arrived.version, arrived.correlation_id, arrived.client_id) == (version, 7, "mk")

    assert b"".join(server.send(Response(CHANNEL, answer, version, 7))) == answer_bytes
    for way, pieces in in_pieces(answer_bytes):
        client = ClientConnection(CHANNEL)
        client.send(question)
        arrived = fed(client.feed, client.next_response, pieces, way)
        assert arrived.body == answer
        assert (arrived.version, arrived.correlation_id) == (version, 7)


def fed(feed, receive, pieces, way):
    """Feed the pieces; the message comes with the last one and not before, and comes once."""
    for piece in pieces[:-1]:
        feed(piece)
        assert receive() is None, way
    feed(pieces[-1])
    message = receive()
    assert message is not None, way
    assert receive() is None, way
    return message


def test_many_frames_at_once_come_out_one_by_one_in_order():
    server = ServerConnection(CHANNEL, SERVED)
    frames = b"".join(
        b"".join(encode_request(Request(CHANNEL, ApiVersionsRequest(), 0, number, None)))
        for number in range(100)
    )
    server.feed(frames[:-5])
    numbers = []
    while (request := server.next_request()) is not None:
        numbers.append(request.correlation_id)
    assert numbers == list(range(99))
    server.feed(frames[-5:])
    assert server.next_request().correlation_id == 99


def test_an_unknown_version_of_api_versions_can_be_answered():
    """KIP-511: the body cannot be read, but the header can."""
    frame = bytes.fromhex("0012 0063 00000007 0002 6d6b 00 ffffffffffff")
    request = decode_request(CHANNEL, frame, SERVED)
    assert (request.version, request.correlation_id, request.client_id) == (0x63, 7, "mk")
    assert request.body == ApiVersionsRequest()


def test_a_client_reads_that_answer_in_version_0():
    client = ClientConnection(CHANNEL)
    client.send(Request(CHANNEL, ApiVersionsRequest(), 4, 7, None))
    refusal = ApiVersionsResponse(
        error_code=ErrorCode.UNSUPPORTED_VERSION,
        api_keys=[ApiVersion(api_key=18, max_version=3)],
    )
    client.feed(b"".join(encode_response(Response(CHANNEL, refusal, 0, 7))))
    response = client.next_response()
    assert response.version == 0
    assert response.body == refusal


def test_a_client_id_may_be_null_or_any_text():
    for client_id in (None, "", "ünïcode"):
        frame = b"".join(encode_request(Request(CHANNEL, FetchRequest(), 12, 1, client_id)))
        assert decode_request(CHANNEL, frame[4:], SERVED).client_id == client_id


def test_produce_without_acks_has_no_answer_and_none_is_waited_for():
    client = ClientConnection(CHANNEL)
    client.send(Request(CHANNEL, ProduceRequest(acks=0), 9, 1, None))
    assert encode_response(Response(CHANNEL, None, 9, 1)) == []
    client.send(Request(CHANNEL, ProduceRequest(acks=1), 9, 2, None))
    client.feed(b"".join(encode_response(Response(CHANNEL, ProduceResponse(), 9, 2))))
    assert client.next_response().correlation_id == 2


@pytest.mark.parametrize(("asked", "answered"), [([], 1), ([1, 2], 2)])
def test_an_answer_that_is_not_due(asked, answered):
    client = ClientConnection(CHANNEL)
    for number in asked:
        client.send(Request(CHANNEL, FetchRequest(), 12, number, None))
    client.feed(b"".join(encode_response(Response(CHANNEL, FetchResponse(), 12, answered))))
    with pytest.raises(MalformedFrame, match=r"nothing was asked|answer #2, but #1 is due"):
        client.next_response()


class FileSlice:
    """Records that are still in a file."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.reads = 0

    def __len__(self) -> int:
        return self.count

    def read(self) -> bytes:
        self.reads += 1
        return b"f" * self.count


def fetched(*records):
    """A response with one partition for each of these records."""
    partitions = [PartitionData(partition_index=i, records=r) for i, r in enumerate(records)]
    return FetchResponse(responses=[FetchableTopicResponse(topic="t", partitions=partitions)])


def test_large_records_leave_as_they_are_and_small_ones_are_joined():
    in_memory, small, on_disk = bytes(5000), FileSlice(10), FileSlice(6000)
    answer = fetched(in_memory, small, on_disk, b"x")
    parts = encode_response(Response(CHANNEL, answer, 12, 7))
    assert [part for part in parts if len(part) > 4096] == [in_memory, on_disk]
    assert parts[1] is in_memory
    assert parts[3] is on_disk
    assert (small.reads, on_disk.reads) == (1, 0)
    wire = b"".join(part.read() if isinstance(part, FileSlice) else part for part in parts)
    assert frame_size(wire) == len(wire) - 4
    client = ClientConnection(CHANNEL)
    client.send(Request(CHANNEL, FetchRequest(), 12, 7, None))
    client.feed(wire)
    partitions = client.next_response().body.responses[0].partitions
    assert [bytes(p.records) for p in partitions] == [in_memory, b"f" * 10, b"f" * 6000, b"x"]
