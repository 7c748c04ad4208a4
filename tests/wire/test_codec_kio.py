"""Every message in every version against an independent codec, `kio`.

kio is generated from Apache Kafka's own schemas and knows all the versions that are
advertised here, the newest included (Produce 13, Fetch 18, ListOffsets 11). For
messages made up by Hypothesis:

      ours ──encode──▶ bytes ──kio reads──▶ its values, field by field the same
                       bytes ◀──kio writes── and the very same bytes again
      ours ◀──decode── bytes

Fed a byte at a time through a connection the message is the same, and every shorter
frame is refused. kio has no metadata records: those are compared with Apache Kafka's
own bytes in `test_metadata_records.py`.
"""

import datetime
import importlib
import io
import re
import uuid as uuid_module
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kio.schema.errors import ErrorCode as KioErrorCode
from kio.serial import entity_reader, entity_writer

from minikafka.node import Channel, Request, Response
from minikafka.wire import connection
from minikafka.wire.errors import MalformedFrame
from minikafka.wire.messages import API_KEYS, REQUESTS
from minikafka.wire.messages.headers import RequestHeader, ResponseHeader
from minikafka.wire.messages.produce import ProduceRequest
from minikafka.wire.schema import Message, Struct, decode, encode
from minikafka.wire.types import ArrayKind, FixedKind, StructKind, UuidKind, int64

CHANNEL = Channel("client", "server")
SERVED = {key: tuple(REQUESTS[key].VERSIONS) for key in API_KEYS}
EVERY_VERSION = [
    pytest.param(message, version, id=f"{message.__name__}-v{version}")
    for request in map(REQUESTS.__getitem__, API_KEYS)
    for message in (request, request.RESPONSE)
    for version in range(message.VERSIONS.min, message.VERSIONS.max + 1)
]

BITS = {"b": 8, "h": 16, "i": 32, "q": 64}
NUMBERS = {
    code: st.integers(-(1 << bits - 1), (1 << bits - 1) - 1) for code, bits in BITS.items()
} | {"?": st.booleans(), "H": st.integers(0, 0xFFFF), "d": st.floats(allow_nan=False)}
TEXT = st.text(max_size=6) | st.sampled_from(["", "x" * 127, "ü" * 70])
BYTES = st.binary(max_size=20) | st.sampled_from([b"", b"r" * 127, b"r" * 300])
ERROR_CODES = st.sampled_from([int(code) for code in KioErrorCode])
TIMES_MS = st.integers(0, 4_000_000_000_000)  # kio makes dates or durations of 64-bit times


def values(kind, name):
    """A strategy for what a field of this kind may hold."""
    if name.endswith("error_code"):
        return ERROR_CODES
    if name == "log_append_time_ms":
        return TIMES_MS | st.just(-1)
    if name.endswith("_ms") and kind is int64:
        return TIMES_MS
    if isinstance(kind, UuidKind):
        return st.binary(min_size=16, max_size=16)
    if isinstance(kind, FixedKind):
        return NUMBERS[kind.code]
    if isinstance(kind, ArrayKind):
        return None
    return TEXT if kind.name == "string" else BYTES


@cache
def structs(cls, version):
    """A strategy for a struct as this version can say it."""
    fields = {}
    for field in cls.FIELDS:
        if version not in field.versions:
            continue
        kind = field.kind
        if isinstance(kind, StructKind):
            strategy = structs(kind.cls, version)
        elif isinstance(kind, ArrayKind):
            element = kind.element
            is_struct = isinstance(element, StructKind)
            items = structs(element.cls, version) if is_struct else values(element, "")
            strategy = st.lists(items, max_size=2)
        else:
            strategy = values(kind, field.name)
        if version in field.tagged:
            strategy = st.just(field.default) | strategy
        fields[field.name] = strategy | st.none() if version in field.nullable else strategy
    return st.builds(cls, **fields)


@cache
def kio(cls: type[Message], version: int):
    """kio's class for the same message and version, with its reader and writer."""
    folder = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.NAME).lower()
    part = "response" if cls.__name__.endswith("Response") else "request"
    module = importlib.import_module(f"kio.schema.{folder}.v{version}.{part}")
    entity = getattr(module, cls.__name__)
    return entity_reader(entity), entity_writer(entity)


def plain(value):
    """A value of kio's as ours: dates and durations in ms, error codes and ids as they travel."""
    if isinstance(value, datetime.timedelta):
        return value // datetime.timedelta(milliseconds=1)
    if isinstance(value, datetime.datetime):
        epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
        return (value - epoch) // datetime.timedelta(milliseconds=1)
    if isinstance(value, uuid_module.UUID):
        return value.bytes
    return int(value) if isinstance(value, KioErrorCode) else value


def assert_same(ours, theirs, version):
    """The same names hold the same values, all the way down."""
    if isinstance(ours, list):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other, version)
    elif isinstance(ours, Struct):
        names = {field.name for field in ours.FIELDS if version in field.versions}
        their_names = set(type(theirs).__slots__)
        assert {name if name in their_names else name.removesuffix("_ms") for name in names} == (
            their_names
        )
        for name in names:
            their_name = name if name in their_names else name.removesuffix("_ms")
            assert_same(getattr(ours, name), getattr(theirs, their_name), version)
    elif theirs is None and ours is not None:
        assert ours in (bytes(16), -1)  # how kio says "no id" and "no date"
    else:
        assert ours == plain(theirs)


@pytest.mark.parametrize(("cls", "version"), EVERY_VERSION)
@settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_kio_reads_what_we_write_and_writes_what_we_read(cls, version, data):
    message = data.draw(structs(cls, version))
    wire = b"".join(encode(message, version))
    read, write = kio(cls, version)
    theirs, size = read(wire, 0)
    assert size == len(wire)
    assert_same(message, theirs, version)
    written = io.BytesIO()
    write(written, theirs)
    assert written.getvalue() == wire
    assert decode(cls, version, wire) == message

    assert through_a_connection(message, version) == message
    for end in {0, 1, len(wire) // 2, len(wire) - 1} & set(range(len(wire))):
        with pytest.raises(MalformedFrame):
            decode(cls, version, wire[:end])


def through_a_connection(message, version):
    """Send it as a frame, a byte at a time; returns what comes out at the other end."""
    client = connection.ClientConnection(CHANNEL)
    if type(message) in REQUESTS.values():
        receiver = connection.ServerConnection(CHANNEL, SERVED)
        frame = client.send(Request(CHANNEL, message, version, 7, "c"))
        receive = receiver.next_request
    else:
        receiver = client
        request = type(message).REQUEST()
        if isinstance(request, ProduceRequest):
            request.acks = 1  # with 0 there would be no answer
        client.send(Request(CHANNEL, request, version, 7, None))
        frame = connection.encode_response(Response(CHANNEL, message, version, 7))
        receive = client.next_response
    if getattr(message, "error_code", 0) == 35 and version > 0:
        return message  # an ApiVersions answer of this kind is in version 0 by definition
    arrived = None
    for byte in b"".join(frame):
        assert arrived is None
        receiver.feed(bytes([byte]))
        arrived = receive()
    assert (arrived.version, arrived.correlation_id) == (version, 7)
    return arrived.body


@pytest.mark.parametrize(
    ("cls", "version"),
    [(RequestHeader, 1), (RequestHeader, 2), (ResponseHeader, 0), (ResponseHeader, 1)],
)
@settings(max_examples=8, deadline=None, database=None)
@given(st.data())
def test_headers(cls, version, data):
    header = data.draw(structs(cls, version))
    wire = b"".join(encode(header, version))
    folder = "request_header" if cls is RequestHeader else "response_header"
    entity = getattr(
        importlib.import_module(f"kio.schema.{folder}.v{version}.header"), cls.__name__
    )
    theirs, _ = entity_reader(entity)(wire, 0)
    assert_same(header, theirs, version)
    written = io.BytesIO()
    entity_writer(entity)(written, theirs)
    assert written.getvalue() == wire
    assert decode(cls, version, wire) == header
