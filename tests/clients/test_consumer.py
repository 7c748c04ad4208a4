"""The consumer's machine: positions, fetches, and records in chunks."""

from __future__ import annotations

import pytest

from minikafka.client.arguments import TopicPartition
from minikafka.client.node import Pending
from minikafka.consumer.offsets import NoOffsetForPartition, OffsetAndTimestamp
from minikafka.consumer.records import Fetched
from minikafka.node import MS
from minikafka.record.batch import CONTROL, TRANSACTIONAL
from minikafka.record.builder import BatchBuilder
from minikafka.record.compression import Compression
from minikafka.record.crc import crc32c
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.api_versions import ApiVersionsRequest
from minikafka.wire.messages.fetch import (
    FetchRequest,
    FetchResponse,
)
from minikafka.wire.messages.list_offsets import (
    EARLIEST,
    LATEST,
    ListOffsetsRequest,
)
from minikafka.wire.messages.metadata import MetadataRequest

from .reading import T0, T1, ConsumerBench, batch, fetched, listed, ready
from .scripted import Cluster

# --- positions -----------------------------------------------------------------------------


@pytest.mark.parametrize(("reset", "timestamp"), [("earliest", EARLIEST), ("latest", LATEST)])
def test_without_a_position_it_asks_where_to_begin(reset: str, timestamp: int) -> None:
    b = ConsumerBench(T0, auto_offset_reset=reset)
    request = b.take_one(ListOffsetsRequest)
    assert request.body.topics[0].partitions[0].timestamp == timestamp
    assert b.take(FetchRequest) == []
    b.answer(request, listed(request, 17))
    b.connect()
    fetch = b.take_one(FetchRequest)
    assert fetch.body.topics[0].partitions[0].fetch_offset == 17
    assert [event.what["offset"] for event in b.events("position")] == [17]


def test_without_a_position_and_without_a_policy_it_says_so() -> None:
    b = ConsumerBench(T0, auto_offset_reset="none")
    for _ in range(2):
        with pytest.raises(NoOffsetForPartition, match="OFFSET_OUT_OF_RANGE: t-0 has no position"):
            b.node.take(1)
        b.turn()


def test_a_seek_needs_no_question() -> None:
    b = ConsumerBench()
    b.node.assign([T0])
    b.seek(T0, 5)
    assert b.take(ListOffsetsRequest) == []
    assert b.take_one(FetchRequest).body.topics[0].partitions[0].fetch_offset == 5


def test_an_answer_that_comes_after_a_seek_is_void() -> None:
    b = ConsumerBench(T0)
    request = b.take_one(ListOffsetsRequest)
    b.seek(T0, 5)
    b.answer(request, listed(request, 17))
    assert b.node.partitions[T0].position == 5


def test_an_answer_that_comes_right_after_a_seek_is_void_too() -> None:
    b = ConsumerBench(T0)
    question = b.take_one(ListOffsetsRequest)
    b.node.seek(T0, 7)  # without a turn of the machine, as `Consumer.seek` does it
    b.answer(question, listed(question, 3))
    assert b.node.partitions[T0].position == 7


def test_a_lookup_is_repeated_until_the_leader_is_found() -> None:
    b = ConsumerBench(T0)
    b.wait(1_000)
    request = b.take_one(ListOffsetsRequest)
    b.answer(request, listed(request, error=ErrorCode.NOT_LEADER_OR_FOLLOWER))
    assert any(isinstance(sent.body, MetadataRequest) for sent in b.sent)
    b.connect()
    b.wait(120)
    b.connect()
    request = b.take_one(ListOffsetsRequest)
    b.answer(request, listed(request, 3))
    assert b.node.partitions[T0].position == 3


def test_seeking_a_partition_of_somebody_else_is_refused() -> None:
    b = ConsumerBench(T0)
    with pytest.raises(ValueError, match="t-1 is not assigned"):
        b.node.seek(T1, 0)


def test_assign_keeps_the_place_of_what_stays() -> None:
    b = ConsumerBench(T0)
    b.seek(T0, 5)
    b.node.assign([T0, T1])
    assert b.node.partitions[T0].position == 5
    assert b.node.partitions[T1].position is None
    b.node.assign([T1])
    assert list(b.node.partitions) == [T1]


# --- fetching ------------------------------------------------------------------------------


def test_a_fetch_says_what_the_configs_say() -> None:
    b = ready(
        T0,
        fetch_min_bytes=7,
        fetch_max_wait_ms=300,
        fetch_max_bytes=70_000,
        max_partition_fetch_bytes=9_000,
    )
    body = b.take_one(FetchRequest).body
    assert (body.min_bytes, body.max_wait_ms, body.max_bytes) == (7, 300, 70_000)
    assert body.topics[0].partitions[0].partition_max_bytes == 9_000
    assert body.replica_state.replica_id == -1


def test_fetches_have_a_connection_of_their_own() -> None:
    b = ready(T0)
    fetch = b.take_one(FetchRequest)
    b.node.look_up({T0: LATEST}, b.now + 1_000 * MS)
    b.connect()
    question = b.take_one(ListOffsetsRequest)
    assert question.channel.server == fetch.channel.server
    assert question.channel is not fetch.channel


def test_nothing_is_fetched_while_something_is_unread() -> None:
    b = ready(T0)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(0, 10)}))
    assert b.take(FetchRequest) == []
    assert b.values(4) == [b"v0", b"v1", b"v2", b"v3"]
    b.turn()
    assert b.take(FetchRequest) == []
    assert len(b.values()) == 6
    b.turn()
    assert b.take_one(FetchRequest).body.topics[0].partitions[0].fetch_offset == 10


def test_a_broker_has_one_fetch_open_and_the_others_wait_for_it() -> None:
    b = ready(T0)
    b.node.assign([T0, T1])
    b.node.seek(T1, 0)
    b.turn()
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request))
    body = b.take_one(FetchRequest).body
    assert [partition.partition for partition in body.topics[0].partitions] == [0, 1]


def test_each_leader_is_asked_for_its_own() -> None:
    b = ready(T0, T1, cluster=Cluster({"t": 2}, leaders={("t", 1): 2}, brokers=(1, 2)))
    requests = b.take(FetchRequest)
    assert sorted(request.channel.server for request in requests) == [
        "broker-1:9092",
        "broker-2:9092",
    ]


def test_an_empty_answer_is_followed_by_another_fetch() -> None:
    b = ready(T0)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request))
    assert not b.node.has_news()
    b.take_one(FetchRequest)


def test_records_before_the_position_are_left_out() -> None:
    b = ready(T0)
    b.seek(T0, 7)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(0, 10)}))  # for the old position 0: void
    assert not b.node.has_news()
    request = b.take_one(FetchRequest)
    assert request.body.topics[0].partitions[0].fetch_offset == 7
    b.answer(request, fetched(request, {0: batch(0, 10)}))
    assert b.values() == [b"v7", b"v8", b"v9"]


def test_max_poll_records_goes_across_batches_and_partitions() -> None:
    b = ready(T0, T1)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(0, 3) + batch(3, 3), 1: batch(0, 4)}))
    taken = [b.node.take(4) for _ in range(3)]
    assert [[(r.partition, r.offset) for r in records] for records in taken] == [
        [(0, 0), (0, 1), (0, 2), (0, 3)],
        [(0, 4), (0, 5), (1, 0), (1, 1)],
        [(1, 2), (1, 3)],
    ]
    assert [e.what["offset"] for e in b.events("position")][-4:] == [4, 6, 2, 4]


def test_a_paused_partition_is_neither_fetched_nor_handed_out() -> None:
    b = ready(T0)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(0, 3)}))
    b.node.partitions[T0].paused = True
    assert not b.node.has_news()
    assert b.values() == []
    b.node.partitions[T0].paused = False
    assert len(b.values()) == 3


def test_out_of_range_does_what_auto_offset_reset_says() -> None:
    b = ready(T0, auto_offset_reset="latest")
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, errors={0: ErrorCode.OFFSET_OUT_OF_RANGE}))
    b.connect()
    question = b.take_one(ListOffsetsRequest)
    assert question.body.topics[0].partitions[0].timestamp == LATEST
    b = ready(T0, auto_offset_reset="none")
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, errors={0: ErrorCode.OFFSET_OUT_OF_RANGE}))
    assert b.node.has_news()
    with pytest.raises(KafkaError, match="t-0 does not hold offset 0") as error:
        b.node.take(1)
    assert type(error.value) is KafkaError  # something may have been lost


def test_not_leader_asks_for_metadata_and_goes_on_elsewhere() -> None:
    cluster = Cluster({"t": 1}, brokers=(1, 2))
    b = ready(T0, cluster=cluster)
    b.wait(1_000)
    request = b.take_one(FetchRequest)
    assert request.body.topics[0].partitions[0].current_leader_epoch == 0
    cluster.leaders["t", 0], cluster.epochs["t", 0] = 2, 1
    b.answer(request, fetched(request, errors={0: ErrorCode.NOT_LEADER_OR_FOLLOWER}))
    b.connect()
    b.wait(120)
    b.connect()
    request = b.take_one(FetchRequest)
    assert request.channel.server == "broker-2:9092"
    assert request.body.topics[0].partitions[0].current_leader_epoch == 1


def test_an_error_that_stays_is_raised_once_and_tried_again() -> None:
    b = ready(T0)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, errors={0: ErrorCode.TOPIC_AUTHORIZATION_FAILED}))
    assert b.take(FetchRequest) == []
    with pytest.raises(KafkaError, match="TOPIC_AUTHORIZATION_FAILED"):
        b.node.take(1)
    b.turn()
    b.take_one(FetchRequest)


def test_an_error_is_not_kept_back_by_records_that_go_on_coming() -> None:
    b = ready(T0, T1, cluster=Cluster({"t": 2}, leaders={("t", 1): 2}, brokers=(1, 2)))
    busy, broken = sorted(b.take(FetchRequest), key=lambda request: request.channel.server)
    b.answer(busy, fetched(busy, {0: batch(0, 2)}))
    b.answer(broken, fetched(broken, errors={1: int(ErrorCode.TOPIC_AUTHORIZATION_FAILED)}))
    assert len(b.values()) == 2
    b.turn()
    busy = b.take_one(FetchRequest)
    b.answer(busy, fetched(busy, {0: batch(2, 2)}))
    with pytest.raises(KafkaError, match="TOPIC_AUTHORIZATION_FAILED"):
        b.node.take(9)
    assert b.values() == [b"v2", b"v3"]


def test_what_a_broker_finds_corrupt_is_raised_and_not_asked_for_again_and_again() -> None:
    b = ready(T0)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, errors={0: ErrorCode.CORRUPT_MESSAGE}))
    with pytest.raises(KafkaError, match="CORRUPT_MESSAGE: t-0 at offset 0"):
        b.node.take(1)


@pytest.mark.parametrize(
    "code", [ErrorCode.INVALID_TOPIC_EXCEPTION, ErrorCode.TOPIC_AUTHORIZATION_FAILED]
)
def test_a_topic_that_cannot_be_read_is_told(code: ErrorCode) -> None:
    b = ConsumerBench(T0, cluster=Cluster(errors={"t": code}))
    with pytest.raises(KafkaError, match=f"{code.name}: topic t"):
        b.node.take(1)
    b.wait(200)
    b.connect()  # and again, until somebody sets it right
    with pytest.raises(KafkaError, match=code.name):
        b.node.take(1)


def test_a_topic_that_is_not_there_yet_is_waited_for() -> None:
    b = ConsumerBench(T0, cluster=Cluster({}))
    assert b.values() == []
    b.cluster.topics["t"] = 1
    b.wait(200)
    b.connect()
    b.take_one(ListOffsetsRequest)


def test_a_lost_connection_begins_a_new_session() -> None:
    b = ready(T0)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, session_id=9))
    request = b.take_one(FetchRequest)
    assert (request.body.session_id, request.body.session_epoch) == (9, 1)
    assert request.body.topics == []
    b.cut(request)
    b.wait(100)
    b.connect()
    request = b.take_one(FetchRequest)
    assert (request.body.session_id, request.body.session_epoch) == (9, 0)
    assert len(request.body.topics) == 1


def test_an_error_of_the_whole_answer_is_waited_out() -> None:
    b = ready(T0)
    waits = []
    for _ in range(3):
        request = b.take_one(FetchRequest)
        began = b.now
        b.answer(request, FetchResponse(error_code=ErrorCode.UNKNOWN_SERVER_ERROR, responses=[]))
        while not any(isinstance(sent.body, FetchRequest) for sent in b.sent):
            b.connect()
            b.wait((b.wake - b.now) / MS)
        waits.append((b.now - began) / MS)
    for waited, expected in zip(waits, [100, 200, 400], strict=True):
        assert 0.8 * expected <= waited <= 1.2 * expected


def test_a_session_that_is_gone_is_made_anew_at_once() -> None:
    b = ready(T0)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, session_id=9))
    request = b.take_one(FetchRequest)
    gone = ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    b.answer(request, FetchResponse(error_code=gone, responses=[]))
    assert b.take_one(FetchRequest).body.session_epoch == 0


def test_topics_without_an_id_go_by_name() -> None:
    b = ready(T0, cluster=Cluster({"t": 1}, with_ids=False))
    request = b.take_one(FetchRequest)
    assert (request.version, request.body.topics[0].topic) == (12, "t")
    b.answer(request, fetched(request, {0: batch(0, 1)}))
    assert b.values() == [b"v0"]


def test_a_broker_that_cannot_fetch_our_way_is_reported() -> None:
    b = ready(T0, cluster=Cluster({"t": 1}, newest={FetchRequest: 3}))
    with pytest.raises(KafkaError, match="UNSUPPORTED_VERSION"):
        b.node.take(1)


# --- offsets -------------------------------------------------------------------------------


def look_up(b: ConsumerBench, times: dict[TopicPartition, int]) -> Pending:
    question = b.node.look_up(times, b.now + 10_000 * MS)
    b.connect()
    return question


def test_offsets_are_asked_for_where_their_leaders_are() -> None:
    cluster = Cluster({"t": 2}, leaders={("t", 1): 2}, brokers=(1, 2))
    b = ConsumerBench(cluster=cluster)
    question = look_up(b, {T0: 5, T1: 6})
    for offset, request in enumerate(b.take(ListOffsetsRequest)):
        b.answer(request, listed(request, offset))
    assert question.result() == {T0: OffsetAndTimestamp(0, -1, 0), T1: OffsetAndTimestamp(1, -1, 0)}


def test_no_record_that_late_is_none() -> None:
    b = ConsumerBench()
    question = look_up(b, {T0: 1 << 50})
    request = b.take_one(ListOffsetsRequest)
    b.answer(request, listed(request, -1))
    assert question.result() == {T0: None}


def test_an_offset_that_nobody_tells_is_a_timeout() -> None:
    b = ConsumerBench(cluster=Cluster({}))
    question = look_up(b, {T0: 0})
    for _ in range(200):
        b.wait(100)
        b.connect()
    with pytest.raises(KafkaError, match="REQUEST_TIMED_OUT"):
        question.result()
    b.take(ApiVersionsRequest)


def test_a_question_that_is_asked_and_not_answered_is_a_timeout_too() -> None:
    b = ConsumerBench()
    question = look_up(b, {T0: 0})
    b.take_one(ListOffsetsRequest)
    b.wait(10_000)
    with pytest.raises(KafkaError, match="REQUEST_TIMED_OUT"):
        question.result()


def test_no_request_names_a_partition_twice() -> None:
    b = ConsumerBench()
    first, second = look_up(b, {T0: 5}), look_up(b, {T0: LATEST})
    request = b.take_one(ListOffsetsRequest)
    assert len(request.body.topics[0].partitions) == 1
    b.answer(request, listed(request, 1))
    request = b.take_one(ListOffsetsRequest)
    b.answer(request, listed(request, 2))
    assert [question.result()[T0].offset for question in (first, second)] == [1, 2]


# --- from bytes to records -----------------------------------------------------------------


@pytest.mark.parametrize("compression", Compression)
def test_any_codec_any_chunk(compression: Compression) -> None:
    data = batch(0, 5, compression) + batch(5, 1, compression) + batch(6, 4, compression)
    for chunk in (1, 2, 3, 10, 100):
        unread = Fetched(T0, 2, data, True)
        taken = []
        while not unread.is_empty:
            some = unread.take(chunk)
            assert len(some) == chunk or unread.is_empty
            assert unread.position == some[-1].offset + 1
            taken += some
        assert [record.offset for record in taken] == list(range(2, 10))
        assert taken[0].timestamp_ms == 1_002


def test_a_batch_that_is_cut_off_is_left_for_the_next_fetch() -> None:
    unread = Fetched(T0, 0, batch(0, 3) + batch(3, 3)[:-1], True)
    assert len(unread.take(100)) == 3
    assert unread.is_empty
    assert unread.position == 3


def compacted(base: int, last: int, *left: int) -> bytes:
    """A batch of the offsets `base` to `last` in which compaction has left only these."""
    builder = BatchBuilder()
    builder.count = len(left)
    records = b"".join(bytes((12, 0, 0, 2 * (offset - base), 1, 1, 0)) for offset in left)
    data = bytearray(builder.build_around(records, base))
    data[23:27] = (last - base).to_bytes(4, "big")
    data[17:21] = crc32c(data[21:]).to_bytes(4, "big")
    return bytes(data)


FAR = 10**12
HOLES = compacted(0, 9, 2, 5) + compacted(10, 19) + compacted(20, 29, 29) + compacted(FAR, FAR + 3)


@pytest.mark.parametrize("chunk", [1, 2, 100])
@pytest.mark.parametrize("position", [0, 2, 3, 6, 10, 29, 30])
def test_holes_of_compaction_are_stepped_over(position: int, chunk: int) -> None:
    unread = Fetched(T0, position, HOLES, True)
    taken = []
    while not unread.is_empty:
        taken += [record.offset for record in unread.take(chunk)]
        assert unread.position > max(taken, default=-1)
    assert taken == [offset for offset in (2, 5, 29) if offset >= position]
    assert unread.position == FAR + 4


def test_control_batches_only_move_the_position() -> None:
    builder = BatchBuilder(control=True)
    builder.append(0, b"\0\0\0\1", b"\0\0\0\0\0\0")
    unread = Fetched(T0, 0, batch(0, 2) + builder.build(2) + batch(3, 1), True)
    assert [record.offset for record in unread.take(100)] == [0, 1, 3]
    unread = Fetched(T0, 2, builder.build(2), True)
    assert unread.take(100) == []
    assert unread.position == 3


def test_a_bad_batch_is_named_and_can_be_skipped() -> None:
    bad = bytearray(batch(2, 2))
    bad[-1] ^= 1
    b = ready(T0)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(0, 2) + bytes(bad) + batch(4, 1)}))
    assert len(b.values()) == 2
    for _ in range(2):
        with pytest.raises(KafkaError, match="CORRUPT_MESSAGE: t-0 at offset 2"):
            b.values()
        b.turn()
        request = b.take_one(FetchRequest)
        b.answer(request, fetched(request, {0: bytes(bad) + batch(4, 1)}))
    b.seek(T0, 4)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(4, 1)}))
    assert b.values() == [b"v4"]


# A wrong bit makes three records the mark of a transaction, or a part of one that was aborted.
@pytest.mark.parametrize(("bit", "aborted"), [(CONTROL, []), (TRANSACTIONAL, [(0, -1)])])
def test_a_batch_that_is_left_out_is_checked_too(bit: int, aborted: list[tuple[int, int]]) -> None:
    bad = bytearray(batch(0, 3))
    bad[22] ^= bit
    with pytest.raises(KafkaError, match="has CRC"):
        Fetched(T0, 0, bytes(bad), True, aborted).take(9)


def test_what_is_whole_is_handed_out_before_what_is_not() -> None:
    b = ready(T0)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(0, 3) + bytes(100)}))
    assert b.values() == [b"v0", b"v1", b"v2"]
    b.turn()
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: bytes(100)}))
    with pytest.raises(KafkaError, match="CORRUPT_MESSAGE: t-0 at offset 3: magic 0"):
        b.values()


def test_after_a_bad_batch_the_epoch_of_the_position_is_still_known() -> None:
    bad = bytearray(batch(2, 2, epoch=5))
    bad[-1] ^= 1
    b = ready(T0)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(0, 2, epoch=5) + bytes(bad)}))
    assert len(b.values()) == 2
    with pytest.raises(KafkaError, match="at offset 2"):
        b.values()
    state = b.node.partitions[T0]
    assert (state.position, state.epoch) == (2, 5)


def test_checksums_are_not_looked_at_when_told_so() -> None:
    bad = bytearray(batch(0, 2))
    bad[-2] ^= 1  # the last byte of the last value
    assert len(Fetched(T0, 0, bytes(bad), False).take(10)) == 2


def test_bytes_that_are_no_batches_are_an_error_and_no_loop() -> None:
    b = ready(T0)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(0, 3)[:-1]}))
    with pytest.raises(KafkaError, match="no whole batch"):
        b.node.take(1)
