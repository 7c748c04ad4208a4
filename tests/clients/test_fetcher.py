"""What a consumer does when the world changes around its positions.

Leaders that come and go (KIP-320), followers nearby (KIP-392), transactions that were aborted,
sessions that end (KIP-227), partitions that pause, and the numbers it tells about all that.
"""

from __future__ import annotations

import pytest

from minikafka.consumer.offsets import LogTruncation
from minikafka.node import MS, Request
from minikafka.record.batch import batches
from minikafka.record.builder import BatchBuilder
from minikafka.record.control import ControlType, encode_end_txn_marker
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.fetch import AbortedTransaction, FetchRequest
from minikafka.wire.messages.list_offsets import EARLIEST, LATEST, ListOffsetsRequest
from minikafka.wire.messages.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderTopicResult,
)

from .reading import T0, T1, T2, ConsumerBench, batch, fetched, listed, ready
from .scripted import START, Cluster

HOUR_MS = 3_600_000


def asked_offset(request: Request) -> int:
    offset: int = request.body.topics[0].partitions[0].fetch_offset
    return offset


# --- auto.offset.reset = by_duration (KIP-1106) ------------------------------------------------


def test_by_duration_asks_for_the_first_record_that_is_no_older() -> None:
    b = ConsumerBench(T0, auto_offset_reset="by_duration:PT1H")
    request = b.take_one(ListOffsetsRequest)
    assert request.body.topics[0].partitions[0].timestamp == START // MS - HOUR_MS
    b.answer(request, listed(request, 17))
    b.connect()
    assert asked_offset(b.take_one(FetchRequest)) == 17


def test_by_duration_asks_again_while_no_record_is_that_young() -> None:
    b = ConsumerBench(T0, auto_offset_reset="by_duration:PT1H", request_timeout_ms=5_000)
    request = b.take_one(ListOffsetsRequest)
    b.answer(request, listed(request, -1))
    b.wait(4_999)
    assert b.take(ListOffsetsRequest) == [] and b.take(FetchRequest) == []
    b.wait(1)
    request = b.take_one(ListOffsetsRequest)
    assert request.body.topics[0].partitions[0].timestamp == START // MS - HOUR_MS + 5_000


def test_a_duration_longer_than_the_calendar_begins_at_its_first_day() -> None:
    b = ConsumerBench(T0, auto_offset_reset="by_duration:P1000000D")
    assert b.take_one(ListOffsetsRequest).body.topics[0].partitions[0].timestamp == 0


# --- isolation.level ----------------------------------------------------------------------------


def transactional(base: int, count: int, producer_id: int) -> bytes:
    builder = BatchBuilder(
        producer_id=producer_id, producer_epoch=0, base_sequence=0, transactional=True
    )
    for offset in range(base, base + count):
        builder.append(offset, None, b"v%d" % offset)
    return builder.build(base)


def marker(base: int, producer_id: int, kind: ControlType) -> bytes:
    data = bytearray(
        encode_end_txn_marker(
            kind, timestamp=0, producer_id=producer_id, producer_epoch=0, coordinator_epoch=0
        )
    )
    data[:8] = base.to_bytes(8, "big")
    return bytes(data)


STORY = (
    batch(10, 1)
    + transactional(11, 2, 7)  # aborted at 15
    + transactional(13, 1, 8)
    + transactional(14, 1, 7)
    + marker(15, 7, ControlType.ABORT)
    + transactional(16, 1, 7)
    + marker(17, 8, ControlType.COMMIT)
    + marker(18, 7, ControlType.COMMIT)
    + batch(19, 1)
)
ABORTED = [AbortedTransaction(producer_id=7, first_offset=11)]


def read_story(position: int = 10, chunk: int = 100, **configs: object) -> list[int]:
    b = ready(T0, **configs)
    b.seek(T0, position)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request))
    request = b.take_one(FetchRequest)
    # A broker begins with the batch of the position, and tells of transactions that ended later.
    data = b"".join(
        STORY[at : at + header.size_bytes]
        for at, header in batches(STORY)
        if header.last_offset >= position
    )
    aborted = ABORTED if position <= 15 else []
    b.answer(request, fetched(request, {0: data}, aborted_transactions=aborted))
    offsets: list[int] = []
    while b.node.has_news():
        offsets += [record.offset for record in b.node.take(chunk)]
    assert b.node.partitions[T0].position == 20
    return offsets


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_read_committed_leaves_out_what_was_aborted(chunk: int) -> None:
    assert read_story(chunk=chunk, isolation_level="read_committed") == [10, 13, 16, 19]


def test_read_uncommitted_hands_over_everything_but_the_marks() -> None:
    assert read_story() == [10, 11, 12, 13, 14, 16, 19]


@pytest.mark.parametrize("position", range(10, 20))
def test_reading_may_begin_anywhere_in_a_transaction(position: int) -> None:
    expected = [offset for offset in (10, 13, 16, 19) if offset >= position]
    assert read_story(position, isolation_level="read_committed") == expected


def test_the_isolation_level_is_said_in_both_questions() -> None:
    b = ConsumerBench(T0, isolation_level="read_committed")
    request = b.take_one(ListOffsetsRequest)
    assert request.body.isolation_level == 1
    b.answer(request, listed(request, 3))
    b.connect()
    assert b.take_one(FetchRequest).body.isolation_level == 1


def test_a_fetch_of_nothing_but_aborted_records_moves_on() -> None:
    b = ready(T0, isolation_level="read_committed")
    request = b.take_one(FetchRequest)
    data = transactional(0, 3, 7) + marker(3, 7, ControlType.ABORT)
    aborted = [AbortedTransaction(producer_id=7, first_offset=0)]
    b.answer(request, fetched(request, {0: data}, aborted_transactions=aborted))
    assert b.values() == []
    b.turn()
    assert asked_offset(b.take_one(FetchRequest)) == 4


def test_the_lag_of_read_committed_ends_at_the_last_stable_offset() -> None:
    lags = {}
    for level in ("read_committed", "read_uncommitted"):
        b = ready(T0, isolation_level=level)
        request = b.take_one(FetchRequest)
        ends = {"high_watermark": 30, "last_stable_offset": 10}
        b.answer(request, fetched(request, {0: batch(0, 4)}, **ends))
        b.values()
        lags[level] = b.node.statistics(b.now).records_lag_max
    assert lags == {"read_committed": 6, "read_uncommitted": 26}


# --- leader epochs (KIP-320) --------------------------------------------------------------------


def epoch_end(
    request: Request, epoch: int, end: int, error: int = 0
) -> OffsetForLeaderEpochResponse:
    end_offset = EpochEndOffset(error, 0, epoch, end)
    return OffsetForLeaderEpochResponse(topics=[OffsetForLeaderTopicResult("t", [end_offset])])


def led_by_another(**configs: object) -> ConsumerBench:
    """A consumer at offset 10, behind records of epoch 3, when broker 2 begins to lead, epoch 4."""
    cluster = Cluster({"t": 1}, brokers=(1, 2))
    cluster.epochs["t", 0] = 3
    b = ready(T0, cluster=cluster, **configs)
    b.wait(1_000)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(0, 10, epoch=3)}))
    assert len(b.values()) == 10
    b.turn()
    request = b.take_one(FetchRequest)
    cluster.leaders["t", 0], cluster.epochs["t", 0] = 2, 4
    b.answer(request, fetched(request, errors={0: ErrorCode.FENCED_LEADER_EPOCH}))
    b.connect()
    b.wait(120)
    b.connect()
    assert b.take(FetchRequest) == []
    return b


def test_a_new_leader_is_asked_whether_it_has_the_record_before_the_position() -> None:
    b = led_by_another()
    request = b.take_one(OffsetForLeaderEpochRequest)
    assert request.channel.server == "broker-2:9092"
    asked = request.body.topics[0].partitions[0]
    assert (asked.leader_epoch, asked.current_leader_epoch) == (3, 4)
    assert request.body.replica_id == -1
    b.answer(request, epoch_end(request, 3, 10))
    b.connect()
    fetch = b.take_one(FetchRequest)
    assert asked_offset(fetch) == 10
    assert fetch.channel.server == "broker-2:9092"
    assert fetch.body.topics[0].partitions[0].current_leader_epoch == 4
    (event,) = b.events("position_checked")
    assert (event.what["offset"], event.what["epoch"]) == (10, 3)


def test_a_log_that_was_cut_is_read_from_where_the_two_part() -> None:
    b = led_by_another()
    request = b.take_one(OffsetForLeaderEpochRequest)
    b.answer(request, epoch_end(request, 2, 7))
    b.connect()
    assert asked_offset(b.take_one(FetchRequest)) == 7
    assert b.take(OffsetForLeaderEpochRequest) == []
    (event,) = b.events("truncation_found")
    assert (event.what["offset"], event.what["end"]) == (10, 7)


def test_a_leader_that_knows_no_such_epoch_leaves_it_to_auto_offset_reset() -> None:
    b = led_by_another(auto_offset_reset="latest")
    request = b.take_one(OffsetForLeaderEpochRequest)
    b.answer(request, epoch_end(request, -1, -1))
    b.connect()
    assert b.take_one(ListOffsetsRequest).body.topics[0].partitions[0].timestamp == LATEST


@pytest.mark.parametrize(("end", "divergent"), [((2, 7), 7), ((-1, -1), None)])
def test_without_a_policy_a_cut_log_is_an_error_until_a_seek(
    end: tuple[int, int], divergent: int | None
) -> None:
    b = led_by_another(auto_offset_reset="none")
    for _ in range(2):
        request = b.take_one(OffsetForLeaderEpochRequest)
        b.answer(request, epoch_end(request, *end))
        assert b.take(FetchRequest) == []
        with pytest.raises(LogTruncation, match="t-0: the log of epoch 3 ends at") as error:
            b.node.take(1)
        assert error.value.divergent_offset == divergent
        b.turn()
    b.seek(T0, 7)
    assert asked_offset(b.take_one(FetchRequest)) == 7


@pytest.mark.parametrize("code", ["FENCED_LEADER_EPOCH", "UNKNOWN_LEADER_EPOCH"])
def test_a_check_is_repeated_until_both_live_in_the_same_epoch(code: str) -> None:
    b = led_by_another()
    request = b.take_one(OffsetForLeaderEpochRequest)
    b.answer(request, epoch_end(request, -1, -1, ErrorCode[code]))
    before = b.node.metadata.updates
    b.connect()
    b.wait(240)
    b.connect()
    assert b.node.metadata.updates > before
    request = b.take_one(OffsetForLeaderEpochRequest)
    b.answer(request, epoch_end(request, 3, 12))
    b.connect()
    assert asked_offset(b.take_one(FetchRequest)) == 10


def test_a_seek_makes_a_check_void() -> None:
    b = led_by_another()
    request = b.take_one(OffsetForLeaderEpochRequest)
    b.seek(T0, 2)
    b.answer(request, epoch_end(request, 2, 1))
    b.connect()
    assert asked_offset(b.take_one(FetchRequest)) == 2


def test_a_broker_that_knows_no_epochs_is_believed() -> None:
    b = ready(cluster=Cluster({"t": 1}, newest={OffsetForLeaderEpochRequest: 1}))
    b.node.assign([T0])
    b.node.seek(T0, 10, 2)
    b.connect()
    b.wait(1)
    b.connect()
    assert asked_offset(b.take_one(FetchRequest)) == 10


def test_a_seek_with_an_epoch_is_checked_at_once() -> None:
    b = ready()
    b.node.assign([T0])
    b.node.seek(T0, 40, 2)
    b.connect()
    request = b.take_one(OffsetForLeaderEpochRequest)
    assert request.body.topics[0].partitions[0].leader_epoch == 2
    b.answer(request, epoch_end(request, 2, 33))
    b.connect()
    assert asked_offset(b.take_one(FetchRequest)) == 33


def test_a_record_says_its_epoch_so_that_a_kept_position_can_be_checked() -> None:
    b = ready(T0)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(0, 2, epoch=4) + batch(2, 1, epoch=5)}))
    assert [(each.offset, each.leader_epoch) for each in b.node.take(9)] == [(0, 4), (1, 4), (2, 5)]


def test_the_same_leader_in_newer_metadata_is_not_asked() -> None:
    b = ready(T0, metadata_max_age_ms=1_000)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(0, 10, epoch=0)}))
    b.wait(1_000)
    b.connect()
    b.values()
    b.turn()
    assert b.node.metadata.updates > 1
    assert asked_offset(b.take_one(FetchRequest)) == 10
    assert b.take(OffsetForLeaderEpochRequest) == []


def test_an_unknown_leader_epoch_is_waited_out() -> None:
    b = ready(T0)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, errors={0: ErrorCode.UNKNOWN_LEADER_EPOCH}))
    assert b.take(FetchRequest) == []
    b.wait(120)
    b.connect()
    assert asked_offset(b.take_one(FetchRequest)) == 0


# --- the nearest replica (KIP-392) --------------------------------------------------------------

NEAR = {"client_rack": "a", "metadata_max_age_ms": 60_000}


def sent_nearby() -> ConsumerBench:
    """A consumer whose leader, broker 1, has named broker 2, and which reads there from 10."""
    b = ready(T0, cluster=Cluster({"t": 1}, brokers=(1, 2)), **NEAR)
    b.seek(T0, 10)
    b.wait(1_000)
    request = b.take_one(FetchRequest)
    assert request.channel.server == "broker-1:9092"
    assert request.body.rack_id == "a"
    b.answer(request, fetched(request))
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: b""}, preferred_read_replica=2))
    b.connect()
    return b


def test_the_follower_that_the_leader_names_is_read_from() -> None:
    b = sent_nearby()
    request = b.take_one(FetchRequest)
    assert request.channel.server == "broker-2:9092"
    assert asked_offset(request) == 10
    assert b.node.statistics(b.now).partitions[0].preferred_read_replica == 2
    assert [event.what["replica"] for event in b.events("read_replica")] == [2]


def server_of_next_fetch(b: ConsumerBench) -> str:
    b.connect()
    b.wait(120)
    b.connect()
    request = b.take_one(FetchRequest)
    assert asked_offset(request) == 10
    return request.channel.server


def test_after_metadata_max_age_the_leader_is_asked_again() -> None:
    b = sent_nearby()
    for _ in range(4):  # well within request.timeout.ms, each time
        request = b.take_one(FetchRequest)
        assert request.channel.server == "broker-2:9092"
        b.wait(15_001)
        b.answer(request, fetched(request))
        b.connect()
    assert server_of_next_fetch(b) == "broker-1:9092"


@pytest.mark.parametrize(
    "code", ["OFFSET_OUT_OF_RANGE", "NOT_LEADER_OR_FOLLOWER", "KAFKA_STORAGE_ERROR"]
)
def test_a_follower_that_cannot_serve_sends_us_back_to_the_leader(code: str) -> None:
    b = sent_nearby()
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, errors={0: ErrorCode[code]}))
    assert server_of_next_fetch(b) == "broker-1:9092"
    assert b.node.partitions[T0].position == 10
    assert b.take(ListOffsetsRequest) == []


def test_a_follower_that_breaks_off_sends_us_back_to_the_leader() -> None:
    b = sent_nearby()
    b.cut(b.take_one(FetchRequest))
    assert server_of_next_fetch(b) == "broker-1:9092"


def test_a_follower_that_has_left_the_cluster_is_left() -> None:
    b = sent_nearby()
    b.cluster.brokers = (1,)
    b.node.metadata.request_update()
    b.wait(1_000)
    b.connect()
    servers = [request.channel.server for request in b.take(FetchRequest)]
    assert servers == ["broker-2:9092", "broker-1:9092"]
    assert b.node.partitions[T0].replica == -1


# --- sessions end (KIP-227) ---------------------------------------------------------------------


def in_a_session() -> tuple[ConsumerBench, Request]:
    b = ready(T0)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(0, 1)}, session_id=9))
    return b, request


def test_a_consumer_that_closes_gives_its_session_back() -> None:
    b, first = in_a_session()
    b.node.close()
    b.turn()
    last = b.take_one(FetchRequest)
    assert (last.body.session_id, last.body.session_epoch) == (9, -1)
    assert last.body.topics == [] and last.body.forgotten_topics_data == []
    assert last.channel is first.channel
    assert not b.node.is_over()
    b.answer(last, fetched(last))
    assert b.node.is_over() and b.take(FetchRequest) == []


def test_while_a_fetch_waits_the_session_goes_back_on_the_other_connection() -> None:
    b, _ = in_a_session()
    b.values()
    b.turn()
    waiting = b.take_one(FetchRequest)
    b.node.close()
    b.turn()
    last = b.take_one(FetchRequest)
    assert last.body.session_epoch == -1
    assert last.channel is not waiting.channel and last.channel.server == waiting.channel.server
    b.answer(waiting, fetched(waiting, session_id=9))  # too late to matter
    assert b.take(FetchRequest) == []
    b.answer(last, fetched(last))
    assert b.node.is_over()


def test_nobody_waits_for_a_broker_that_is_gone() -> None:
    b, _ = in_a_session()
    b.values()
    b.turn()
    b.cut(b.take_one(FetchRequest))
    b.take(FetchRequest)
    b.node.close()
    b.turn()
    assert b.node.is_over() and b.take(FetchRequest) == []


def test_without_a_session_there_is_nothing_to_give_back() -> None:
    b = ready(T0)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(0, 1)}))
    b.node.close()
    b.turn()
    assert b.node.is_over() and b.take(FetchRequest) == []


# --- flow ---------------------------------------------------------------------------------------


def test_what_arrives_while_its_partition_is_paused_is_kept() -> None:
    b = ready(T0)
    request = b.take_one(FetchRequest)
    b.node.partitions[T0].paused = True
    b.answer(request, fetched(request, {0: batch(0, 3)}))
    assert b.values() == [] and b.take(FetchRequest) == []
    b.node.partitions[T0].paused = False
    b.turn()
    assert b.take(FetchRequest) == []
    assert b.values() == [b"v0", b"v1", b"v2"]


def test_a_paused_partition_does_not_hold_up_the_others() -> None:
    b = ready(T0, T1)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(0, 3), 1: batch(0, 2)}))
    b.node.partitions[T0].paused = True
    assert [(record.partition, record.offset) for record in b.node.take(9)] == [(1, 0), (1, 1)]
    b.turn()
    (asked,) = b.take_one(FetchRequest).body.topics[0].partitions
    assert asked.partition == 1


def test_every_partition_has_its_turn() -> None:
    # Without a session a request names all, and an answer that is full holds what came first.
    b = ready(T0, T1)
    order = []
    for _ in range(4):
        request = b.take_one(FetchRequest)
        first = request.body.topics[0].partitions[0]
        order.append(first.partition)
        b.answer(request, fetched(request, {first.partition: batch(first.fetch_offset, 10)}))
        while b.node.has_news():
            assert len(b.node.take(5)) == 5
        for between in b.take(FetchRequest):  # for the other one, before the records were taken
            assert [each.partition for each in between.body.topics[0].partitions] == [1 - order[-1]]
            b.answer(between, fetched(between))
        b.turn()
    assert order == [0, 1, 0, 1]


# A fetch for the quiet one alone would wait at the broker, and the busy one behind it.
def test_a_quiet_partition_does_not_hold_up_a_busy_one_of_the_same_broker() -> None:
    b = ready(T0, T1)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {1: b""}, high_watermark=0))
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(0, 10)}))
    assert len(b.values(9)) == 9
    b.turn()
    assert b.take(FetchRequest) == []
    assert len(b.values()) == 1
    b.turn()
    partitions = b.take_one(FetchRequest).body.topics[0].partitions
    assert [each.partition for each in partitions] == [1, 0]


def test_what_is_known_to_be_there_is_fetched_while_the_rest_is_read() -> None:
    b = ready(T0, T1)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(0, 3), 1: batch(0, 3)}, high_watermark=9))
    assert len(b.values(3)) == 3
    b.turn()
    (asked,) = b.take_one(FetchRequest).body.topics[0].partitions
    assert (asked.partition, asked.fetch_offset) == (0, 3)


# Two that are busy take turns: something of theirs lies unread all the time.
def test_busy_partitions_do_not_keep_a_quiet_one_from_being_asked_about() -> None:
    b = ready(T0, T1, T2, cluster=Cluster({"t": 3}))
    request = b.take_one(FetchRequest)
    answer = fetched(request, {0: batch(0, 3), 1: batch(0, 3), 2: b""})
    answer.responses[0].partitions[2].high_watermark = 0
    b.answer(request, answer)
    assert len(b.values(3)) == 3
    b.turn()
    request = b.take_one(FetchRequest)
    assert [each.partition for each in request.body.topics[0].partitions] == [2, 0]
    b.answer(request, fetched(request, {0: batch(3, 3), 2: batch(0, 1)}))
    assert len(b.values(3)) == 3
    assert b.node.has_news() and {record.partition for record in b.node.take(9)} == {0, 2}


def test_what_is_unread_of_one_broker_does_not_hold_up_another() -> None:
    b = ready(T0, T1, cluster=Cluster({"t": 2}, leaders={("t", 1): 2}, brokers=(1, 2)))
    first, second = sorted(b.take(FetchRequest), key=lambda request: request.channel.server)
    b.answer(first, fetched(first, {0: batch(0, 3)}))
    b.answer(second, fetched(second))
    assert b.take_one(FetchRequest).channel.server == "broker-2:9092"


def test_a_broker_that_makes_us_wait_does_not_hold_up_another() -> None:
    b = ready(T0, T1, cluster=Cluster({"t": 2}, leaders={("t", 1): 2}, brokers=(1, 2)))
    slow, quick = sorted(b.take(FetchRequest), key=lambda request: request.channel.server)
    for base in (0, 10, 20):
        assert quick.body.topics[0].partitions[0].partition == 1
        b.answer(quick, fetched(quick, {1: batch(base, 10)}))
        assert len(b.values()) == 10
        b.turn()
        quick = b.take_one(FetchRequest)
        assert quick.channel.server == "broker-2:9092"
    assert b.node.statistics(b.now).open_fetches == 2
    b.answer(slow, fetched(slow, {0: batch(0, 1)}))
    assert b.values() == [b"v0"]


def test_the_next_records_come_while_the_last_ones_are_worked_on() -> None:
    b = ready(T0)
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(0, 3)}))
    assert len(b.node.take(3)) == 3
    b.turn()  # the program is busy with them
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, {0: batch(3, 3)}))
    assert b.values() == [b"v3", b"v4", b"v5"]


# --- numbers ------------------------------------------------------------------------------------


def test_the_numbers_have_kafkas_names_and_add_up() -> None:
    b = ready(T0)
    sizes = []
    for base in (0, 10):
        request = b.take_one(FetchRequest)
        b.wait(20)
        data = batch(base, 10, epoch=5)
        sizes.append(len(data))
        ends = {"high_watermark": 40, "log_start_offset": 2}
        b.answer(request, fetched(request, {0: data}, **ends))
        assert len(b.values()) == 10
        b.turn()
    b.wait(160)
    told = b.node.statistics(b.now)
    assert (told.fetch_total, told.records_consumed_total) == (2, 20)
    assert told.bytes_consumed_total == sum(sizes)
    assert (told.fetch_size_avg, told.fetch_size_max) == (sum(sizes) / 2, max(sizes))
    assert (told.fetch_latency_avg, told.fetch_latency_max) == (20, 20)
    assert told.records_per_request_avg == 10
    seconds = (b.now - START) / (1_000 * MS)
    assert told.fetch_rate == 2 / seconds and told.records_consumed_rate == 20 / seconds
    assert told.bytes_consumed_rate == sum(sizes) / seconds
    assert (told.records_lag_max, told.records_lead_min) == (20, 18)
    (partition,) = told.partitions
    assert (partition.position, partition.leader_epoch, partition.records_lag) == (20, 5, 20)
    assert told.open_fetches == 1


def test_before_anything_is_known_the_numbers_say_so() -> None:
    told = ConsumerBench(T0).node.statistics(START)
    assert (told.records_lag_max, told.records_lead_min, told.fetch_latency_avg) == (-1, -1, 0)
    assert told.partitions[0].position == -1


def test_out_of_range_asks_where_to_begin_by_the_policy() -> None:
    b = ready(T0, auto_offset_reset="by_duration:PT1H")
    request = b.take_one(FetchRequest)
    b.answer(request, fetched(request, errors={0: ErrorCode.OFFSET_OUT_OF_RANGE}))
    b.connect()
    timestamp = b.take_one(ListOffsetsRequest).body.topics[0].partitions[0].timestamp
    assert timestamp == b.now // MS - HOUR_MS and timestamp != EARLIEST


def test_an_error_of_an_epoch_question_that_stays_is_raised() -> None:
    b = led_by_another()
    request = b.take_one(OffsetForLeaderEpochRequest)
    b.answer(request, epoch_end(request, -1, -1, ErrorCode.TOPIC_AUTHORIZATION_FAILED))
    with pytest.raises(KafkaError, match="TOPIC_AUTHORIZATION_FAILED"):
        b.node.take(1)
    b.turn()
    b.take_one(OffsetForLeaderEpochRequest)
