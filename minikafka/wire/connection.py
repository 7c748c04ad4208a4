"""A Kafka connection without a socket: bytes in, requests out, and back.

      client                                                    server
      ClientConnection.send(request) ── parts ──▶ feed(data), next_request()
      feed(data), next_response()    ◀── parts ── ServerConnection.send(response)

      a frame:   00 00 00 1b │ 00 12  00 04  00 00 00 07  00 02 m k  00 │ …
                 size        │ api 18 v4     correlation 7 "mk"    tags │ body

In the manner of h11: an object per connection, no I/O. Data may come in any pieces,
a byte at a time or three frames and a half; nothing is set aside for a frame before
its bytes are there. Answers come in the order of the requests, so a client needs no
more than a queue to know what an answer is: the frame itself does not say.

Whatever is wrong with the bytes is one error, MalformedFrame, and the end of this
connection: after a wrong length nobody knows where the next frame begins.

A driver that has its own receive buffer cuts the frames itself and uses
`decode_request` and `encode_response` alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from struct import Struct as Layout

from minikafka.node import Channel, Request, Response
from minikafka.wire.compiler import skip_tags
from minikafka.wire.errors import ErrorCode, MalformedFrame
from minikafka.wire.messages import REQUESTS
from minikafka.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from minikafka.wire.messages.produce import ProduceRequest
from minikafka.wire.schema import Message, decode, encode
from minikafka.wire.types import Buffer, Part

SIZE_BYTES = 4
MAX_REQUEST_BYTES = 100 * 1024 * 1024
"""Kafka's default of socket.request.max.bytes."""
NULL_LENGTH = -1
_UNLIMITED = 0x7FFF_FFFF
_SIZE = Layout(">i")
_REQUEST_HEADER = Layout(">hhih")  # api key, version, correlation id, length of the client id
_REQUEST = Layout(">ihhih")  # the same with the frame's size before it
_ANSWER = Layout(">ii")  # size, correlation id
_FLEXIBLE_ANSWER = Layout(">iix")  # the same, and no tagged fields

Served = Mapping[int, tuple[int, int]]
"""The APIs that a server serves: key -> (lowest version, highest version)."""


def frame_size(data: Buffer, position: int = 0, limit: int = MAX_REQUEST_BYTES) -> int:
    """How many bytes follow the four at `position`. Raises MalformedFrame when it is a lie."""
    size: int = _SIZE.unpack_from(data, position)[0]
    if not 0 <= size <= limit:
        raise MalformedFrame(f"a frame of {size} bytes; 0 to {limit} are allowed")
    return size


def decode_request(channel: Channel, frame: bytes | bytearray, served: Served) -> Request:
    """The request in a frame (without its size).

    ApiVersions in a version that nobody knows yet gives an empty request of that version,
    so that the server can say which versions it does know (KIP-511). Any other API or
    version that is not in `served` is a MalformedFrame: the client has been told.
    """
    end = len(frame)
    if end < _REQUEST_HEADER.size:
        raise MalformedFrame(f"a request of {end} bytes is shorter than its header")
    # A RequestHeader by hand: as a message it costs as much as a small request's body.
    api_key, version, correlation_id, length = _REQUEST_HEADER.unpack_from(frame)
    versions = served.get(api_key)
    if versions is None:
        raise MalformedFrame(f"API {api_key} (v{version}) is not served here")
    client_id, position = None, _REQUEST_HEADER.size
    if length != NULL_LENGTH:
        position += length
        if length < 0 or position > end:
            raise MalformedFrame(f"a request of {end} bytes has a client id of {length}")
        client_id = _text(frame[_REQUEST_HEADER.size : position])
    cls, (first, last) = REQUESTS[api_key], versions
    body: Message
    if first <= version <= last:
        if version in cls.FLEXIBLE:
            position = _after_tags(frame, position, end)
        body = decode(cls, version, frame, position, end)
    elif cls is ApiVersionsRequest:
        body = ApiVersionsRequest()  # of its bytes nothing more is known than the header
    else:
        raise MalformedFrame(f"{cls.NAME} v{version} is not served here, only v{first}-{last}")
    return Request(channel, body, version, correlation_id, client_id)


def _text(client_id: bytes | bytearray) -> str:
    try:
        return client_id.decode()
    except UnicodeDecodeError as error:
        raise MalformedFrame("a client id is not UTF-8") from error


def _after_tags(frame: bytes | bytearray, position: int, end: int) -> int:
    """Where the tagged fields of a header end. None are known, so all are skipped."""
    try:
        return skip_tags(frame, position, end) if frame[position] else position + 1
    except IndexError as error:
        raise MalformedFrame(f"a frame of {end} bytes ends inside its header") from error


def encode_request(request: Request) -> list[Part]:
    """The request as a frame, size first, in parts (see `schema.encode`)."""
    body: Message = request.body
    version = request.version
    parts = encode(body, version)
    name = b"" if request.client_id is None else request.client_id.encode()
    length = NULL_LENGTH if request.client_id is None else len(name)
    tags = b"\0" if version in body.FLEXIBLE else b""
    size = _REQUEST_HEADER.size + len(name) + len(tags)
    for part in parts:
        size += len(part)
    first = parts[0]
    assert isinstance(first, bytes)
    header = _REQUEST.pack(size, body.API_KEY, version, request.correlation_id, length)
    parts[0] = b"".join((header, name, tags, first))
    return parts


def has_answer(request: Request) -> bool:
    """Whether a server answers this: all but a produce with acks=0."""
    body = request.body
    return not (type(body) is ProduceRequest and body.acks == 0)


def encode_response(response: Response) -> list[Part]:
    """The answer as a frame, size first, in parts; no parts when nothing is to be sent."""
    body: Message | None = response.body
    if body is None:
        return []
    version = response.version
    parts = encode(body, version)
    # A ResponseHeader by hand: as a message it is half of a small answer's cost.
    header = _FLEXIBLE_ANSWER if _has_tags(type(body), version) else _ANSWER
    size = header.size - SIZE_BYTES
    for part in parts:
        size += len(part)
    first = parts[0]
    assert isinstance(first, bytes)
    parts[0] = header.pack(size, response.correlation_id) + first
    return parts


def _has_tags(cls: type[Message], version: int) -> bool:
    """Whether this answer's header has tagged fields, which makes it one of version 1."""
    return version in cls.FLEXIBLE and cls is not ApiVersionsResponse


class _Frames:
    """Cuts a stream into frames."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.received = bytearray()
        self.position = 0  # of the first byte that is not handed out yet

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        self.received += data

    def next(self) -> bytearray | None:
        """The next whole frame without its size, or None until more arrives."""
        start = self.position + SIZE_BYTES
        if len(self.received) >= start:
            end = start + frame_size(self.received, self.position, self.limit)
            if len(self.received) >= end:
                self.position = end
                return self.received[start:end]
        # Moved once per batch of frames, not once per frame.
        del self.received[: self.position]
        self.position = 0
        return None

    @property
    def missing_bytes(self) -> int:
        there = len(self.received) - self.position
        if not there:
            return 0
        known = there >= SIZE_BYTES
        size = frame_size(self.received, self.position, self.limit) if known else 0
        return SIZE_BYTES + size - there


class ServerConnection:
    """The server's end of a connection."""

    def __init__(
        self, channel: Channel, served: Served, max_request_bytes: int = MAX_REQUEST_BYTES
    ) -> None:
        self.channel = channel
        self.served = served
        self._frames = _Frames(max_request_bytes)

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take what the socket gave."""
        self._frames.feed(data)

    def next_request(self) -> Request | None:
        """The next request, or None until more arrives. After MalformedFrame, close."""
        frame = self._frames.next()
        return None if frame is None else decode_request(self.channel, frame, self.served)

    @property
    def missing_bytes(self) -> int:
        """What has to arrive before the frame that has begun can be read; 0 if none has."""
        return self._frames.missing_bytes

    def send(self, response: Response) -> list[Part]:
        """What to write to the socket, part after part."""
        return encode_response(response)


class ClientConnection:
    """The client's end: remembers what it has asked, in order."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._frames = _Frames(_UNLIMITED)
        self._asked: deque[Request] = deque()

    def send(self, request: Request) -> list[Part]:
        """What to write to the socket, part after part."""
        parts = encode_request(request)
        if has_answer(request):
            self._asked.append(request)
        return parts

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take what the socket gave."""
        self._frames.feed(data)

    def next_response(self) -> Response | None:
        """The next answer, or None until more arrives. After MalformedFrame, close."""
        frame = self._frames.next()
        return None if frame is None else self.decode_response(frame)

    def decode_response(self, frame: bytes | bytearray) -> Response:
        """The answer in a frame (without its size): it must be the one that is due.

        A server that does not know this version of ApiVersions answers in version 0, and
        the error code, which comes first in every version, says so.
        """
        if not self._asked:
            raise MalformedFrame(f"{self.channel}: an answer, but nothing was asked")
        request = self._asked.popleft()
        cls, version = request.body.RESPONSE, request.version
        correlation_id = int.from_bytes(frame[:4], "big", signed=True)
        if correlation_id != request.correlation_id:
            raise MalformedFrame(
                f"{self.channel}: answer #{correlation_id}, but #{request.correlation_id} is due"
            )
        position = 4
        if _has_tags(cls, version):
            position = _after_tags(frame, position, len(frame))
        if cls is ApiVersionsResponse:
            error_code = int.from_bytes(frame[position : position + 2], "big", signed=True)
            version = 0 if error_code == ErrorCode.UNSUPPORTED_VERSION else version
        body = decode(cls, version, frame, position)
        return Response(self.channel, body, version, request.correlation_id)
