"""The schema language: each construct in bytes, and what a declared class can do.

The bytes follow Kafka's protocol guide. Messages of this issue use only a part of the
language; the sample below uses the rest, so that later messages meet no surprise.
"""

import inspect
import linecache
from random import Random

import pytest

from minikafka.wire.errors import MalformedFrame, UnsupportedVersion
from minikafka.wire.messages.fetch import (
    EpochEndOffset,
    FetchPartition,
    FetchRequest,
    FetchTopic,
    PartitionData,
)
from minikafka.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from minikafka.wire.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from minikafka.wire.schema import Message, Struct, decode, encode
from minikafka.wire.types import (
    Versions,
    array,
    boolean,
    bytes_,
    float64,
    int8,
    int16,
    int64,
    random_uuid,
    string,
    uint16,
    uint32,
    uuid,
    uuid_from_text,
    uuid_text,
    versions,
)
from minikafka.wire.types import struct as nested

ID = bytes(range(16))


class Inner(Struct):
    a: int = int8(default=7)
    b: str | None = string(nullable="1+", default=None)


class Numbers(Message, versions="0-1", flexible="1+"):
    yes: bool = boolean()
    small: int = uint16()
    medium: int = uint32()
    real: float = float64()
    ident: bytes = uuid()


class Variable(Message, versions="0-1", flexible="1+"):
    text: str | None = string(nullable="0+")
    blob: bytes | None = bytes_(nullable="0+", default=None)
    plain: str = string(compact=False)


class Arrays(Message, versions="0-1", flexible="1+"):
    flags: list[bool] = array(boolean)
    longs: list[int] = array(int64)
    ids: list[bytes] = array(uuid)
    names: list[str] | None = array(string, nullable="0+")
    blobs: list[bytes] = array(bytes_)


class Nested(Message, versions="0-1", flexible="1+"):
    inner: Inner = nested(Inner)
    maybe: Inner | None = nested(Inner, nullable="0+", default=None)
    last: int = int8()


class Tagged(Message, versions="0-2", flexible="1+"):
    """`was_tagged` is an ordinary field in version 1 and a tagged one in version 2."""

    was_tagged: str = string("1+", tag=3, tagged="2+", default="d")
    number: int = int16("1+", tag=0, default=-1)
    numbers: list[int] | None = array(int16, "1+", nullable="1+", default=None, tag=1)
    inner: Inner = nested(Inner, "1+", tag=2)
    blob: bytes = bytes_("1+", tag=4)


SAMPLES = [
    (
        Numbers(yes=True, small=0xFFFE, medium=0xFFFFFFFD, real=0.5, ident=ID),
        {
            0: f"01 fffe fffffffd 3fe0000000000000 {ID.hex()}",
            1: f"01 fffe fffffffd 3fe0000000000000 {ID.hex()} 00",
        },
    ),
    (
        Variable(text="ü", blob=b"\0", plain="p"),
        {0: "0002 c3bc 00000001 00 0001 70", 1: "03 c3bc 02 00 0001 70 00"},
    ),
    (
        Variable(text=None, blob=None, plain=""),
        {0: "ffff ffffffff 0000", 1: "00 00 0000 00"},
    ),
    (
        Variable(text="x" * 127, blob=b"y" * 300, plain=""),
        {
            0: "007f" + "78" * 127 + "0000012c" + "79" * 300 + "0000",
            1: "8001" + "78" * 127 + "ad02" + "79" * 300 + "0000 00",
        },
    ),
    (
        Arrays(flags=[True, False], longs=[-1], ids=[ID], names=["n", ""], blobs=[b"b"]),
        {
            0: "00000002 01 00 00000001 ffffffffffffffff 00000001"
            + ID.hex()
            + "00000002 0001 6e 0000 00000001 00000001 62",
            1: "03 01 00 02 ffffffffffffffff 02" + ID.hex() + "03 02 6e 01 02 02 62 00",
        },
    ),
    (
        Arrays(names=None),
        {0: "00000000 00000000 00000000 ffffffff 00000000", 1: "01 01 01 00 01 00"},
    ),
    (
        Nested(inner=Inner(a=1, b=""), maybe=Inner(a=2, b=""), last=3),
        {0: "01 0000 01 02 0000 03", 1: "01 01 00 01 02 01 00 03 00"},
    ),
    (
        Nested(inner=Inner(a=1, b=""), last=3),
        {0: "01 0000 ff 03", 1: "01 01 00 ff 03 00"},
    ),
    (Tagged(), {0: "", 1: "02 64 00", 2: "00"}),
    (
        Tagged(was_tagged="w", number=5, numbers=[], inner=Inner(a=1), blob=b"b"),
        {
            1: "02 77 04  00 02 0005  01 01 01  02 03 01 00 00  04 02 02 62",
            2: "05  00 02 0005  01 01 01  02 03 01 00 00  03 02 02 77  04 02 02 62",
        },
    ),
]
CASES = [
    pytest.param(message, version, bytes.fromhex(text), id=f"{type(message).__name__}-v{version}")
    for message, texts in SAMPLES
    for version, text in texts.items()
]


@pytest.mark.parametrize(("message", "version", "wire"), CASES)
def test_each_construct_in_bytes(message, version, wire):
    assert b"".join(encode(message, version)) == wire
    assert decode(type(message), version, wire) == message
    assert decode(type(message), version, bytearray(b"##" + wire + b"##"), 2, 2 + len(wire)) == (
        message
    )
    for end in range(len(wire)):
        with pytest.raises(MalformedFrame):
            decode(type(message), version, wire[:end])


def test_unknown_tagged_fields_are_stepped_over():
    wire = bytes.fromhex("02 00 02 0005 63 03 616263")  # tag 99 is from the future
    assert decode(Tagged, 2, wire) == Tagged(number=5)


@pytest.mark.parametrize(
    ("wire", "why"),
    [
        ("01 00 03 000500", "not 3 bytes long"),
        ("01 00 02 00", "past the end"),
        ("01 63 05 0000", "not 5 bytes long"),
        ("01 02 02 01 00", "past the end"),
    ],
)
def test_a_tagged_field_must_fill_its_size(wire, why):
    with pytest.raises(MalformedFrame, match=why):
        decode(Tagged, 2, bytes.fromhex(wire))


def test_what_a_version_cannot_say_is_refused_by_name():
    with pytest.raises(UnsupportedVersion, match=r"Tagged.number = 5 cannot be said in version 0"):
        encode(Tagged(number=5), 0)
    with pytest.raises(UnsupportedVersion, match=r"Inner.b = None .* version 0"):
        encode(Nested(), 0)
    with pytest.raises(UnsupportedVersion, match=r"topics = None .* version 0"):
        encode(MetadataRequest(topics=None), 0)
    topic = FetchTopic(partitions=[FetchPartition(last_fetched_epoch=3)])
    with pytest.raises(UnsupportedVersion, match=r"FetchPartition.last_fetched_epoch"):
        encode(FetchRequest(topics=[topic]), 11)


def test_what_a_version_may_ignore_is_dropped():
    request = FetchRequest(rack_id="r", topics=[FetchTopic(topic="t", topic_id=ID)])
    old = decode(FetchRequest, 4, b"".join(encode(request, 4)))
    assert old == FetchRequest(topics=[FetchTopic(topic="t")])
    new = decode(FetchRequest, 13, b"".join(encode(request, 13)))
    assert new == FetchRequest(rack_id="r", topics=[FetchTopic(topic_id=ID)])


def test_fields_that_a_version_lacks_hold_their_defaults_after_decoding():
    request = decode(MetadataRequest, 0, bytes.fromhex("00000001 0001 74"))
    assert request == MetadataRequest(topics=[MetadataRequestTopic(name="t")])
    assert request.allow_auto_topic_creation


@pytest.mark.parametrize("version", [-1, 3, 19])
def test_a_version_that_does_not_exist(version):
    with pytest.raises(UnsupportedVersion, match=f"FetchRequest has no version {version}, only 4"):
        encode(FetchRequest(), version)
    with pytest.raises(UnsupportedVersion):
        decode(FetchRequest, version, b"")


def test_what_does_not_fit_on_the_wire():
    """A string of more than 32,767 bytes, a number of more bits than its field."""
    for version in (0, 1):
        with pytest.raises(ValueError, match=r"Variable v[01]: .*3276[78]"):
            encode(Variable(text="x" * 32768), version)
    with pytest.raises(ValueError, match=r"Numbers v1: .*65535"):
        encode(Numbers(small=65536), 1)


# ------------------------------------------------------------------ the classes


def test_the_constructor_takes_its_fields_and_no_others():
    assert (Inner().a, Inner(a=1).a, Inner(1).a) == (7, 1, 1)
    with pytest.raises(TypeError, match="c"):
        Inner(c=1)
    with pytest.raises(TypeError):
        Inner(*range(100))
    with pytest.raises(AttributeError):
        Inner().c = 1


def test_lists_are_fresh_and_default_structs_are_shared():
    assert FetchRequest().topics is not FetchRequest().topics
    wire = b"".join(encode(FetchRequest(), 12))
    one, two = decode(FetchRequest, 12, wire), decode(FetchRequest, 12, wire)
    assert one.topics is not two.topics
    assert one.replica_state is two.replica_state is FetchRequest().replica_state


def test_a_request_and_its_answer_know_each_other():
    response = FetchRequest.RESPONSE
    assert response.REQUEST is FetchRequest
    assert (response.API_KEY, response.NAME, FetchRequest.NAME) == (1, "Fetch", "Fetch")
    assert response.VERSIONS == FetchRequest.VERSIONS == (4, 18)
    assert response.FLEXIBLE[0] == 12


def test_equality_looks_at_every_field_and_at_the_class():
    assert Inner(a=1) == Inner(a=1) != Inner(a=2)
    assert Inner() != Numbers()
    assert PartitionProduceData(records=b"r") == PartitionProduceData(records=memoryview(b"r"))
    with pytest.raises(TypeError):
        hash(Inner())


def test_it_prints_what_is_not_the_default():
    partition = PartitionData(
        partition_index=1,
        error_code=6,
        diverging_epoch=EpochEndOffset(epoch=3),
        aborted_transactions=None,
        records=bytes(100),
    )
    assert repr(partition) == (
        "PartitionData(partition_index=1, error_code=NOT_LEADER_OR_FOLLOWER, "
        "diverging_epoch=EpochEndOffset(epoch=3), aborted_transactions=None, records=<100 bytes>)"
    )
    assert repr(FetchTopic(topic="t", topic_id=ID)) == (
        "FetchTopic(topic='t', topic_id=AAECAwQFBgcICQoLDA0ODw)"
    )
    assert repr(Arrays(longs=list(range(12)))) == (
        "Arrays(longs=[0, 1, 2, 3, 4, 5, 6, 7, … 4 more])"
    )


def test_records_are_views_into_the_frame():
    request = ProduceRequest(
        topic_data=[
            TopicProduceData(name="t", partition_data=[PartitionProduceData(records=b"abc")])
        ]
    )
    frame = bytearray(b"".join(encode(request, 9)))
    records = decode(ProduceRequest, 9, frame).topic_data[0].partition_data[0].records
    assert records == b"abc"
    records[0:1] = b"X"  # a broker stamps batches in place
    assert b"Xbc" in frame


def test_the_generated_source_can_be_read():
    for function in (FetchRequest.DECODERS[17], FetchRequest.ENCODERS[17], Inner.__init__):
        linecache.checkcache()
        source = inspect.getsource(function)
        assert source.startswith("def ")
    assert "unpack_iiqiqiB(b, p)" in inspect.getsource(FetchRequest.DECODERS[17])


# ---------------------------------------------------------------- versions, ids


def test_ranges_are_read_as_the_schemas_write_them():
    assert versions("4") == (4, 4)
    assert versions("7-12") == (7, 12)
    assert 30000 in versions("9+")
    assert 8 not in versions("9+")
    assert 0 not in versions("none")
    assert str(Versions(4, 18)) == "4-18"


def test_ids_are_written_as_kafka_writes_them():
    """`Uuid.METADATA_TOPIC_ID.toString()`, and the ids of `test_metadata_records`."""
    assert uuid_text(bytes(15) + b"\x01") == "AAAAAAAAAAAAAAAAAAAAAQ"
    assert uuid_text(bytes(range(1, 17))) == "AQIDBAUGBwgJCgsMDQ4PEA"
    assert uuid_from_text("EREREREREREREREREREREQ") == b"\x11" * 16
    with pytest.raises(ValueError, match="not a UUID"):
        uuid_from_text("AAAA")


def test_random_ids_are_of_version_4_and_never_begin_with_a_dash():
    random = Random(7)
    ids = [random_uuid(random) for _ in range(500)]
    assert len(set(ids)) == 500
    assert not any(uuid_text(i).startswith("-") for i in ids)
    assert {i[6] >> 4 for i in ids} == {4}
    assert {i[8] >> 6 for i in ids} == {2}
    assert random_uuid(Random(7)) == ids[0]
