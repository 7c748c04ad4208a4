"""The producer's machine: why batches close, in which order they leave, what is sent again."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from minikafka.node import MS, Request, Response
from minikafka.producer.accumulator import ProducerBatch, ProducerId
from minikafka.producer.config import ProducerConfig
from minikafka.producer.sender import SenderNode
from minikafka.record.batch import read_header
from minikafka.record.builder import size_upper_bound
from minikafka.record.records import decode
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.api_versions import ApiVersionsRequest
from minikafka.wire.messages.common import LeaderIdAndEpoch, NodeEndpoint
from minikafka.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from minikafka.wire.messages.metadata import MetadataRequest
from minikafka.wire.messages.produce import (
    BatchIndexAndErrorMessage,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)

from .scripted import START, Bench, Cluster

BATCH_BYTES = 1_000
RECORD = b"x" * 100
PER_BATCH = 8  # RECORDs of 109 bytes: 61 + 8 * 109 fit


class ProducerBench(Bench):
    """A bench around a SenderNode for topic "t" that is connected already."""

    node: SenderNode

    def __init__(self, cluster: Cluster | None = None, **configs: object) -> None:
        given = {"bootstrap.servers": "broker-1:9092", "batch.size": BATCH_BYTES, **configs}
        cluster = cluster or Cluster({"t": 2})
        super().__init__(SenderNode(ProducerConfig.of(given)), cluster)
        for topic in cluster.topics:
            self.node.metadata.want(topic)
        self.connect()
        self.wait(1_000)  # the backoff between two Metadata requests

    def append(self, value: bytes = RECORD, partition: int | None = 0) -> ProducerBatch:
        record = (self.now // MS, None, value, ())
        batch = self.node.append(self.now, "t", partition, record)
        assert batch is not None
        return batch

    def fill(self, partition: int = 0) -> ProducerBatch:
        """Append one batch, full but for the record that will close it."""
        return [self.append(partition=partition) for _ in range(PER_BATCH)][-1]

    def requests(self) -> list[Request]:
        self.turn()
        return self.take(ProduceRequest)

    def reasons(self) -> list[str]:
        return [event.what["reason"] for event in self.events("batch_closed")]


def header_of(request: Request, partition: int = 0) -> Any:
    (topic,) = request.body.topic_data
    (data,) = [data for data in topic.partition_data if data.index == partition]
    return read_header(data.records)


def sequences(requests: list[Request]) -> list[int]:
    return [header_of(request).base_sequence for request in requests]


def produced(
    request: Request, error: int = 0, offset: int = 40, append_time_ms: int = -1
) -> ProduceResponse:
    """The same answer for every partition of a request."""
    return ProduceResponse(
        responses=[
            TopicProduceResponse(
                name=topic.name,
                topic_id=topic.topic_id,
                partition_responses=[
                    PartitionProduceResponse(
                        index=data.index,
                        error_code=error,
                        base_offset=offset,
                        log_append_time_ms=append_time_ms,
                    )
                    for data in topic.partition_data
                ],
            )
            for topic in request.body.topic_data
        ]
    )


# --- why a batch closes --------------------------------------------------------------------


def test_full_the_next_record_does_not_fit() -> None:
    b = ProducerBench()
    first = b.fill()
    assert b.requests() == []
    second = b.append()
    assert second is not first
    (request,) = b.requests()
    assert header_of(request).record_count == PER_BATCH
    assert b.reasons() == ["full"]


def test_full_is_counted_to_the_byte() -> None:
    # What Apache Kafka 4.3's producer makes of the same records: batches of 36, 3,985 bytes.
    b = ProducerBench(batch_size=4_000)
    batch = b.append()
    while b.append() is batch:
        pass
    (request,) = b.requests()
    assert (header_of(request).record_count, header_of(request).size_bytes) == (36, 3_985)
    b = ProducerBench(batch_size=3_985)
    batch = b.append()
    assert [b.append() for _ in range(34)] == [batch] * 34
    assert b.requests() == []
    assert b.append() is batch
    assert len(b.requests()) == 1  # there is no byte left for which it could wait
    assert b.reasons() == ["full"]
    b = ProducerBench(batch_size=3_984)
    batch = b.append()
    assert [b.append() for _ in range(34)] == [batch] * 34
    assert b.append() is not batch


def test_linger_it_was_open_for_linger_ms() -> None:
    b = ProducerBench(linger_ms=5)
    b.append()
    b.turn()
    assert b.wake == b.now + 5 * MS
    b.wait(4.999)
    assert b.requests() == []
    b.wait(0.001)
    assert len(b.requests()) == 1
    assert b.reasons() == ["linger"]


def test_without_linger_a_record_leaves_in_the_turn_it_came_in() -> None:
    b = ProducerBench(linger_ms=0)
    b.append()
    assert len(b.requests()) == 1


def test_request_another_batch_leaves_for_the_same_broker() -> None:
    b = ProducerBench(linger_ms=5)
    b.append(partition=0)
    b.wait(2)
    b.append(partition=1)
    b.wait(3)
    (request,) = b.requests()
    assert [data.index for data in request.body.topic_data[0].partition_data] == [0, 1]
    assert b.reasons() == ["linger", "request"]


def test_a_batch_for_another_broker_does_not_ride_along() -> None:
    b = ProducerBench(Cluster({"t": 2}, leaders={("t", 1): 2}, brokers=(1, 2)))
    b.append(partition=0)
    b.wait(2)
    b.append(partition=1)
    b.wait(3)
    assert len(b.requests()) == 1
    b.connect()
    b.wait(2)
    b.connect()
    (request,) = b.requests()
    assert request.channel.server == "broker-2:9092"


def test_memory_waiting_for_more_records_would_free_none() -> None:
    b = ProducerBench(linger_ms=1_000, buffer_memory=BATCH_BYTES)
    batch = b.append(partition=0)
    record = (0, None, RECORD, ())
    assert b.node.append(b.now, "t", 1, record) is None
    (request,) = b.requests()
    assert b.reasons() == ["memory"]
    b.answer(request, produced(request))
    assert batch.done
    assert b.node.append(b.now, "t", 1, record) is not None


def test_memory_is_given_back_and_counted_per_batch() -> None:
    b = ProducerBench(buffer_memory=10 * BATCH_BYTES)
    accumulator = b.node.accumulator
    b.append()
    b.append()
    assert accumulator.reserved_bytes == BATCH_BYTES
    large = b"x" * 3_000
    b.append(large)
    assert accumulator.reserved_bytes == BATCH_BYTES + 61 + size_upper_bound(None, large)
    for request in b.requests():
        b.answer(request, produced(request))
    b.wait(5)
    for request in b.requests():
        b.answer(request, produced(request))
    assert accumulator.reserved_bytes == 0
    assert accumulator.busy == {}


def test_a_record_that_fits_into_buffer_memory_to_the_byte_gets_in() -> None:
    value = b"x" * 1_914
    assert 61 + size_upper_bound(None, value) == 2_000
    b = ProducerBench(buffer_memory=2_000)
    b.append(value)
    with pytest.raises(KafkaError, match=r"buffer\.memory is 2000"):
        b.append(value + b"x")


@pytest.mark.parametrize("reason", ["flush", "close"])
def test_flush_and_close_end_what_is_open(reason: str) -> None:
    b = ProducerBench(linger_ms=1_000)
    b.append(partition=0)
    b.append(partition=1)
    b.node.accumulator.close_all(reason)
    assert len(b.requests()) == 1
    assert b.reasons() == [reason, reason]


def test_batch_size_0_means_a_batch_per_record() -> None:
    b = ProducerBench(batch_size=0, max_in_flight_requests_per_connection=1)
    for _ in range(3):
        b.append()
    (request,) = b.requests()
    assert header_of(request).record_count == 1


# --- what is in a request ------------------------------------------------------------------


def test_records_arrive_as_they_were_given() -> None:
    b = ProducerBench(linger_ms=0)
    record = (123, b"key", b"value", (("h", b"1"), ("n", None)))
    assert b.node.append(b.now, "t", 0, record) is not None
    (request,) = b.requests()
    records = request.body.topic_data[0].partition_data[0].records
    header = read_header(records)
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (7, 0, 0)
    ((_, *decoded),) = decode(records, 0, header)
    assert tuple(decoded) == record
    assert request.body.acks == -1


@pytest.mark.parametrize(("codec", "little", "much"), [("gzip", 1, 9), ("zstd", -50, 19)])
def test_a_level_is_the_effort_of_its_codec(codec: str, little: int, much: int) -> None:
    sizes = []
    for level in (little, much):
        b = ProducerBench(
            linger_ms=0, compression_type=codec, **{f"compression.{codec}.level": level}
        )
        b.append(b"hello world, hello kafka. " * 1_000)
        (request,) = b.requests()
        sizes.append(header_of(request).size_bytes)
    assert sizes[0] > sizes[1]


def test_lz4_levels_are_java_s_too() -> None:
    for level in (1, 9, 17):
        b = ProducerBench(linger_ms=0, compression_type="lz4", compression_lz4_level=level)
        b.append(b"lz4 " * 100)
        (request,) = b.requests()
        records = request.body.topic_data[0].partition_data[0].records
        ((_, _, _, value, _),) = decode(records, 0, read_header(records))
        assert value == b"lz4 " * 100


def test_topics_go_by_id_only_when_there_is_one() -> None:
    with_ids = ProducerBench(linger_ms=0)
    with_ids.append()
    (request,) = with_ids.requests()
    assert (request.version, request.body.topic_data[0].name) == (13, "")
    b = ProducerBench(Cluster({"t": 1}, with_ids=False), linger_ms=0)
    batch = b.append()
    (request,) = b.requests()
    assert (request.version, request.body.topic_data[0].name) == (12, "t")
    b.answer(request, produced(request))
    assert batch.base_offset == 40


def test_a_request_stays_below_max_request_size() -> None:
    b = ProducerBench(Cluster({"t": 4}), max_request_size=2_000, linger_ms=1_000)
    for partition in range(4):
        b.fill(partition)
    b.node.accumulator.close_all("flush")
    requests = b.requests()
    assert [len(request.body.topic_data[0].partition_data) for request in requests] == [2, 2]


def test_partitions_take_turns_at_the_head_of_a_request() -> None:
    b = ProducerBench(max_request_size=800, linger_ms=1_000)
    for _ in range(2):
        b.fill(0)
        b.fill(1)
    b.node.accumulator.close_all("flush")
    order = [
        data.index for request in b.requests() for data in request.body.topic_data[0].partition_data
    ]
    assert order == [0, 1, 0, 1]


def test_a_record_that_is_too_large_is_refused_at_once() -> None:
    b = ProducerBench(max_request_size=1_000, buffer_memory=2_000)
    with pytest.raises(KafkaError, match=r"MESSAGE_TOO_LARGE.*max\.request\.size is 1000"):
        b.append(b"x" * 1_000)
    # Apache Kafka's producer takes 1,914 bytes, and says of one more: 2001 when serialized.
    b = ProducerBench(max_request_size=2_000)
    b.append(b"x" * 1_914)
    with pytest.raises(KafkaError, match=r"the record may take 2001 bytes, max\.request\.size"):
        b.append(b"x" * 1_915)
    b = ProducerBench(max_request_size=10_000, buffer_memory=2_000)
    with pytest.raises(KafkaError, match=r"MESSAGE_TOO_LARGE.*buffer\.memory is 2000"):
        b.append(b"x" * 2_000)


def test_keyless_records_fill_whole_batches_two_in_a_row() -> None:
    """A full batch is just below batch.size, so it takes a second one to reach it.

    Apache Kafka 4.3's producer, with these records: 0x16 1x16 0x48 2x16 1x16 2x48 …
    """
    b = ProducerBench(Cluster({"t": 8}), linger_ms=1_000)
    partitions = [b.append(partition=None).key[1] for _ in range(400)]
    assert set(b.reasons()) == {"full"}
    assert {event.what["records"] for event in b.events("batch_closed")} == {PER_BATCH}
    for at in range(0, 400, 2 * PER_BATCH):
        assert len(set(partitions[at : at + 2 * PER_BATCH])) == 1
    assert len(set(partitions)) > 4


def test_bytes_of_records_that_named_a_partition_or_had_a_key_do_not_count() -> None:
    b = ProducerBench(Cluster({"t": 8}), linger_ms=1_000, batch_size=100_000)
    sticky = b.append(partition=None).key[1]
    for _ in range(700):
        b.append(partition=sticky)
        assert b.append(partition=None).key[1] == sticky


def test_a_batch_that_has_left_lets_the_partition_change() -> None:
    b = ProducerBench(Cluster({"t": 8}), linger_ms=5)
    partitions = []
    for _ in range(30):
        for _ in range(5):
            partitions.append(b.append(partition=None).key[1])
        b.wait(5)
        for request in b.requests():
            b.answer(request, produced(request))
    # 606 bytes in each batch: the second reaches 1,000, and behind it another is drawn.
    assert all(len(set(partitions[at : at + 10])) == 1 for at in range(0, 150, 10))
    assert len(set(partitions)) > 4


def test_twice_batch_size_is_enough_though_the_batch_is_open() -> None:
    b = ProducerBench(Cluster({"t": 8}), linger_ms=1_000)
    b.node.append(b.now, "t", 0, (0, None, b"", ()))
    counts: dict[int, int] = {}
    for _ in range(200):
        partition = b.append(b"x" * 1_500, partition=None).key[1]
        counts[partition] = counts.get(partition, 0) + 1
    assert len(counts) == 8


# --- order and retries ---------------------------------------------------------------------


def test_at_most_five_requests_are_in_flight() -> None:
    b = ProducerBench()
    for _ in range(8):
        b.fill()
    assert sequences(b.requests()) == [0, 8, 16, 24, 32]


def test_answers_give_each_batch_its_offsets() -> None:
    b = ProducerBench()
    batches = [b.fill() for _ in range(2)]
    b.append()
    requests = b.requests()
    b.answer(requests[0], produced(requests[0], offset=100, append_time_ms=55))
    b.answer(requests[1], produced(requests[1], offset=108))
    assert [batch.base_offset for batch in batches] == [100, 108]
    assert batches[0].log_append_time_ms == 55
    assert [event.what["base_offset"] for event in b.events("batch_acknowledged")] == [100, 108]


def test_a_refused_batch_is_sent_again_before_anything_behind_it() -> None:
    b = ProducerBench(linger_ms=0)
    batches = [b.fill() for _ in range(6)]
    requests = b.requests()
    assert sequences(requests) == [0, 8, 16, 24, 32]
    b.answer(requests[0], produced(requests[0], ErrorCode.NOT_LEADER_OR_FOLLOWER))
    for request in requests[1:]:
        b.answer(request, produced(request, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
    assert b.take(ProduceRequest) == []
    sent = []
    while not batches[-1].done:
        b.wait(250)
        b.connect()
        requests = b.requests()
        # One at a time, until nothing is left that was refused: then the next may follow.
        assert len(requests) == (1 if len(sent) < 4 else 2)
        for request in requests:
            sent += sequences([request])
            b.answer(request, produced(request, offset=sent[-1]))
    assert sent == [0, 8, 16, 24, 32, 40]
    assert [batch.base_offset for batch in batches] == sent
    assert b.node.producer == ProducerId(7, 0)  # no gap, so no new epoch


def test_a_lost_connection_sends_the_same_numbers_again() -> None:
    b = ProducerBench(linger_ms=0)
    batch = b.append()
    (request,) = b.requests()
    b.cut(request)
    assert b.requests() == []
    b.wait(120)
    b.connect()
    (again,) = b.requests()
    assert again.channel is not request.channel
    assert again.body.topic_data == request.body.topic_data
    b.answer(again, produced(again, offset=3))
    assert batch.base_offset == 3


def test_retries_wait_longer_each_time() -> None:
    b = ProducerBench(linger_ms=0)
    b.append()
    waits = []
    for _ in range(5):
        (request,) = b.requests()
        began = b.now
        b.answer(request, produced(request, ErrorCode.NOT_ENOUGH_REPLICAS))
        while not (sent := b.requests()):
            b.wait((b.wake - b.now) / MS)
        b.sent = sent
        waits.append((b.now - began) / MS)
    for waited, expected in zip(waits, [100, 200, 400, 800, 1_000], strict=True):
        assert 0.8 * expected <= waited <= 1.2 * expected


def test_retries_are_counted() -> None:
    b = ProducerBench(linger_ms=0, retries=1, enable_idempotence=True)
    batch = b.append()
    for _ in range(2):
        (request,) = b.requests()
        b.answer(request, produced(request, ErrorCode.NOT_ENOUGH_REPLICAS))
        b.wait(120)
    assert batch.error is not None
    assert batch.error.code is ErrorCode.NOT_ENOUGH_REPLICAS


def test_a_batch_that_cannot_succeed_fails_at_once() -> None:
    b = ProducerBench(linger_ms=0)
    batch = b.append()
    (request,) = b.requests()
    b.answer(request, produced(request, ErrorCode.MESSAGE_TOO_LARGE))
    assert batch.error is not None
    assert batch.error.code is ErrorCode.MESSAGE_TOO_LARGE
    assert "t-0" in batch.error.message


# KIP-467
def test_each_record_is_told_its_own_error() -> None:
    b = ProducerBench(linger_ms=0)
    batch = [b.append() for _ in range(4)][-1]
    (request,) = b.requests()
    answer = produced(request, ErrorCode.INVALID_RECORD)
    (partition,) = answer.responses[0].partition_responses
    partition.record_errors = [
        BatchIndexAndErrorMessage(batch_index=1, batch_index_error_message="no key"),
        BatchIndexAndErrorMessage(batch_index=3, batch_index_error_message=None),
    ]
    partition.error_message = "two of them"
    b.answer(request, answer)
    told = [str(batch.error_of(index)) for index in range(4)]
    innocent = "INVALID_RECORD: t-0: not appended, as its batch had invalid records"
    assert told[0] == told[2] == innocent
    assert told[1] == "INVALID_RECORD: no key"
    assert "two of them" in told[3]


def test_an_answer_after_delivery_timeout_does_not_change_what_was_told() -> None:
    b = ProducerBench(linger_ms=0, delivery_timeout_ms=31_000, request_timeout_ms=31_000)
    batch = b.append()
    b.wait(500)
    (request,) = b.requests()
    b.wait(30_500)
    told = batch.error_of(0)
    assert told is not None and told.code is ErrorCode.REQUEST_TIMED_OUT
    answer = produced(request, ErrorCode.INVALID_RECORD)
    (partition,) = answer.responses[0].partition_responses
    partition.record_errors = [
        BatchIndexAndErrorMessage(batch_index=0, batch_index_error_message="no key")
    ]
    b.answer(request, answer)
    assert batch.error_of(0) is told


def test_not_leader_asks_for_metadata_and_goes_to_the_new_leader() -> None:
    cluster = Cluster({"t": 1}, brokers=(1, 2))
    b = ProducerBench(cluster, linger_ms=0)
    batch = b.append()
    (request,) = b.requests()
    cluster.leaders["t", 0], cluster.epochs["t", 0] = 2, 1
    b.answer(request, produced(request, ErrorCode.NOT_LEADER_OR_FOLLOWER))
    assert any(isinstance(request.body, MetadataRequest) for request in b.sent)
    b.connect()
    b.wait(120)
    b.connect()
    (again,) = b.requests()
    assert again.channel.server == "broker-2:9092"
    assert again.body.topic_data == request.body.topic_data
    b.answer(again, produced(again))
    assert batch.done


# --- KIP-951: who refuses says who leads ----------------------------------------------------


def moved(request: Request, leader: int, epoch: int, host: str | None = None) -> ProduceResponse:
    """NOT_LEADER_OR_FOLLOWER with the new leader, and where it is."""
    answer = produced(request, ErrorCode.NOT_LEADER_OR_FOLLOWER)
    (partition,) = answer.responses[0].partition_responses
    partition.current_leader = LeaderIdAndEpoch(leader_id=leader, leader_epoch=epoch)
    if host is not None:
        answer.node_endpoints = [NodeEndpoint(node_id=leader, host=host, port=9092)]
    return answer


def test_the_leader_that_an_error_names_is_tried_at_once_and_without_metadata() -> None:
    b = ProducerBench(Cluster({"t": 1}), linger_ms=0)
    batch = b.append()
    (request,) = b.requests()
    b.answer(request, moved(request, 3, 1, host="broker-3"))
    versions = b.take_one(ApiVersionsRequest)
    assert versions.channel.server == "broker-3:9092"
    b.answer(versions, b.cluster.versions())
    (again,) = b.requests()
    assert again.channel.server == "broker-3:9092"
    b.answer(again, produced(again))
    assert (batch.done, batch.attempts) == (True, 1)
    assert b.take(MetadataRequest)  # nevertheless


@pytest.mark.parametrize(
    ("leader", "epoch", "host"),
    [(3, 4, "broker-3"), (3, 5, "broker-3"), (3, 6, None), (-1, -1, None)],
    ids=["older", "the same", "nobody knows where", "no hint"],
)
def test_a_hint_that_does_not_help_changes_nothing(leader: int, epoch: int, host: str) -> None:
    b = ProducerBench(Cluster({"t": 1}, epochs={("t", 0): 5}), linger_ms=0)
    b.append()
    (request,) = b.requests()
    b.answer(request, moved(request, leader, epoch, host))
    assert b.node.metadata.leader_of("t", 0) == 1
    assert not b.take(ApiVersionsRequest)
    b.wait(79)
    assert b.requests() == []


def test_a_hint_for_a_topic_that_was_forgotten_meanwhile_is_nothing() -> None:
    b = ProducerBench(Cluster({"t": 1}), linger_ms=0)
    b.append()
    (request,) = b.requests()
    b.node.metadata.forget("t")
    b.answer(request, moved(request, 3, 1, host="broker-3"))
    assert 3 not in b.node.metadata.brokers


def test_no_backoff_before_a_leader_that_is_newer_than_the_one_that_refused() -> None:
    cluster = Cluster({"t": 1})
    b = ProducerBench(cluster, linger_ms=0)
    b.append()
    (request,) = b.requests()
    cluster.epochs["t", 0] = 1
    b.answer(request, produced(request, ErrorCode.NOT_LEADER_OR_FOLLOWER))
    assert b.requests() == []
    b.serve_one()  # Metadata
    (again,) = b.requests()
    b.answer(again, produced(again, ErrorCode.NOT_ENOUGH_REPLICAS))
    b.wait(10)
    b.connect()
    assert b.requests() == []  # the same leader: its backoff has to pass


def test_delivery_timeout_ends_the_wait_whatever_is_tried() -> None:
    b = ProducerBench(linger_ms=0, delivery_timeout_ms=30_000)
    batch = b.append()
    while not batch.done:
        for request in b.requests():
            b.answer(request, produced(request, ErrorCode.NOT_ENOUGH_REPLICAS))
        b.wait(max((b.wake - b.now) / MS, 1))
        assert b.now <= START + 32_000 * MS
    assert batch.error is not None
    assert batch.error.code is ErrorCode.REQUEST_TIMED_OUT
    assert "delivery.timeout.ms = 30000" in batch.error.message


def test_with_one_request_in_flight_order_holds_without_idempotence() -> None:
    b = ProducerBench(
        linger_ms=0, enable_idempotence=False, max_in_flight_requests_per_connection=1
    )
    batches = [b.fill() for _ in range(3)]
    offset = 0
    refuse = True
    while not batches[-1].done:
        b.turn()
        request = b.take_one(ProduceRequest)
        if refuse:
            b.answer(request, produced(request, ErrorCode.NOT_LEADER_OR_FOLLOWER))
            b.connect()
            b.wait(1_000)
        else:
            b.answer(request, produced(request, offset=offset))
            offset += PER_BATCH
        refuse = not refuse
    assert [batch.base_offset for batch in batches] == [0, 8, 16]


def test_callbacks_are_calls_behind_the_turn() -> None:
    b = ProducerBench(linger_ms=0)
    heard: list[str] = []
    first, second = b.append(partition=0), b.append(partition=1)
    for batch, name in ((first, "first"), (second, "second")):
        b.node.add_callback(batch, 0, partial(heard.append, name))
    (request,) = b.requests()
    b.answer(request, produced(request))
    is_told = b.node.all_told()
    assert (first.done, is_told(), heard) == (True, False, [])
    for call in b.node.calls:
        call()
    assert (is_told(), heard) == (True, ["first", "second"])


def test_what_is_left_at_the_end_fails() -> None:
    b = ProducerBench()
    waiting = b.fill()
    opened = b.append()
    b.node.stop(b.now)
    for batch in (waiting, opened):
        assert batch.error is not None
        assert "was closed before this was acknowledged" in batch.error.message


def test_each_batch_expires_at_its_own_time() -> None:
    b = ProducerBench(Cluster({"t": 1}, leaders={("t", 0): 9}), delivery_timeout_ms=31_000)
    first = b.append()
    b.wait(500)
    b.node.accumulator.close_all("flush")
    second = b.append()
    b.wait(30_500)
    assert (first.done, second.done) == (True, False)
    b.wait(500)
    assert second.done


def test_a_topic_without_records_is_forgotten() -> None:
    b = ProducerBench(metadata_max_idle_ms=5_000, metadata_max_age_ms=1_000)
    b.append()
    for _ in range(12):
        b.connect()
        for request in b.requests():
            b.answer(request, produced(request))
        b.wait(1_000)
    assert list(b.node.metadata.wanted) == []


def left(b: ProducerBench, request: Request) -> None:
    """The world says that a request without an answer has left."""
    number = request.correlation_id
    b.node.receive(b.now, Response(request.channel, None, request.version, number))
    b.turn()


def test_acks_0_is_over_when_it_has_left() -> None:
    b = ProducerBench(linger_ms=0, acks=0)
    batch = b.append()
    (request,) = b.requests()
    assert request.body.acks == 0
    assert header_of(request).producer_id == -1
    assert not batch.done
    left(b, request)
    assert batch.done and batch.error is None
    assert batch.base_offset == -1
    b.wait(40_000)
    assert b.closed == []


def test_what_has_left_may_overtake_the_answer_to_what_was_asked_before() -> None:
    b = ProducerBench(linger_ms=0, acks=0)
    b.node.metadata.want("other")
    b.turn()
    assert b.take_one(MetadataRequest)  # and it is not answered yet
    batch = b.append()
    (request,) = b.requests()
    left(b, request)
    assert batch.done and batch.error is None
    assert b.closed == []


def test_a_partition_that_is_gone_takes_no_more_records_into_its_open_batch() -> None:
    b = ProducerBench(linger_ms=10_000)
    record = (0, None, b"v", ())
    assert b.node.append(b.now, "t", 1, record) is not None
    b.cluster.topics["t"] = 1
    b.node.metadata.request_update()
    b.wait(1_000)
    b.connect()
    assert b.node.append(b.now, "t", 1, record) is None
    assert b.node.append(b.now, "t", 0, record) is not None


def test_with_acks_0_too_only_so_many_requests_are_on_their_way_and_memory_is_bounded() -> None:
    b = ProducerBench(
        linger_ms=0, acks=0, max_in_flight_requests_per_connection=2, buffer_memory=3 * BATCH_BYTES
    )
    batches = [b.append() for _ in range(3) if b.turn() is None]
    first, second = b.take(ProduceRequest)  # the third waits for one of them to leave
    assert b.node.append(b.now, "t", 1, (0, None, b"v", ())) is None
    left(b, first)
    assert [batch.done for batch in batches] == [True, False, False]
    assert b.take_one(ProduceRequest)
    b.cut(second)  # it may have left or not: it is sent again, as after any lost answer
    assert not batches[1].done


# --- idempotence ---------------------------------------------------------------------------


def test_nothing_leaves_before_there_is_a_producer_id() -> None:
    given = {"bootstrap.servers": "broker-1:9092", "linger.ms": 0}
    b = Bench(SenderNode(ProducerConfig.of(given)), Cluster({"t": 1}))
    node = b.node
    assert isinstance(node, SenderNode)
    node.metadata.want("t")
    b.turn()
    b.serve_one()
    ask = b.take_one(InitProducerIdRequest)
    assert ask.body.transactional_id is None
    refuse = InitProducerIdResponse(error_code=ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    b.answer(ask, refuse)
    b.connect()
    assert node.append(b.now, "t", 0, (0, None, b"v", ())) is not None
    b.turn()
    assert b.take(ProduceRequest) == []
    b.wait(120)
    b.connect()
    assert header_of(b.take_one(ProduceRequest)).producer_id == 7


def test_a_producer_that_may_not_be_idempotent_fails_for_good() -> None:
    given = {"bootstrap.servers": "broker-1:9092"}
    b = Bench(SenderNode(ProducerConfig.of(given)), Cluster({"t": 1}))
    node = b.node
    assert isinstance(node, SenderNode)
    node.metadata.want("t")
    b.turn()
    b.serve_one()
    ask = b.take_one(InitProducerIdRequest)
    b.answer(ask, InitProducerIdResponse(error_code=ErrorCode.CLUSTER_AUTHORIZATION_FAILED))
    with pytest.raises(KafkaError, match="CLUSTER_AUTHORIZATION_FAILED"):
        node.append(b.now, "t", 0, (0, None, b"v", ()))


def test_a_duplicate_is_a_success() -> None:
    b = ProducerBench(linger_ms=0)
    batch = b.append()
    (request,) = b.requests()
    b.answer(request, produced(request, ErrorCode.DUPLICATE_SEQUENCE_NUMBER, offset=-1))
    assert batch.done
    assert batch.error is None
    assert batch.base_offset == -1


def test_sequences_are_counted_per_partition() -> None:
    b = ProducerBench(linger_ms=0)
    numbers = []
    for _ in range(2):
        for partition in (0, 1):
            b.append(partition=partition)
            (request,) = b.requests()
            numbers.append((partition, header_of(request, partition).base_sequence))
            b.answer(request, produced(request))
    assert numbers == [(0, 0), (1, 0), (0, 1), (1, 1)]


def test_sequences_wrap_to_0() -> None:
    b = ProducerBench(linger_ms=0)
    b.append()
    (request,) = b.requests()
    b.answer(request, produced(request))
    b.node.accumulator.queue(("t", 0)).next_sequence = (1 << 31) - 2
    for _ in range(3):
        b.append()
    (request,) = b.requests()
    assert header_of(request).base_sequence == (1 << 31) - 2
    b.answer(request, produced(request))
    b.append()
    (request,) = b.requests()
    assert header_of(request).base_sequence == 1


def test_a_gap_in_front_takes_a_new_epoch_and_numbers_anew() -> None:
    # The broker has lost what it had acknowledged (KIP-360).
    b = ProducerBench(linger_ms=0)
    b.append()
    (request,) = b.requests()
    b.answer(request, produced(request))
    batches = [b.fill(), b.fill()]
    first, second = b.requests()
    assert sequences([first, second]) == [1, 9]
    b.answer(first, produced(first, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
    b.wait(120)
    assert b.requests() == []  # an answer is still to come; it could be a success
    b.answer(second, produced(second, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
    b.wait(120)
    for expected in (0, 8):
        (request,) = b.requests()
        header = header_of(request)
        assert (header.producer_epoch, header.base_sequence) == (1, expected)
        b.answer(request, produced(request))
    assert all(batch.error is None for batch in batches)
    assert [event.what["epoch"] for event in b.events("producer_id")] == [0, 1]


def test_after_the_last_epoch_comes_another_id() -> None:
    b = ProducerBench(linger_ms=0)
    b.node.producer = ProducerId(7, 32_767)
    b.append()
    (request,) = b.requests()
    b.cluster.producer_id = 8
    b.answer(request, produced(request, ErrorCode.UNKNOWN_PRODUCER_ID))
    b.wait(120)
    b.connect()
    (request,) = b.requests()
    assert header_of(request).producer_id == 8


def test_no_batch_goes_without_a_number_while_another_id_is_asked_for() -> None:
    b = ProducerBench(linger_ms=0)
    b.node.producer = ProducerId(7, 32_767)
    b.append(partition=0)
    (request,) = b.requests()
    b.cluster.producer_id = 8
    b.answer(request, produced(request, ErrorCode.UNKNOWN_PRODUCER_ID))
    b.append(partition=1)
    b.wait(120)
    assert b.requests() == []
    b.connect()
    (request,) = b.requests()
    for partition in (0, 1):
        header = header_of(request, partition)
        assert (header.producer_id, header.base_sequence) == (8, 0)


def test_the_other_partitions_keep_their_epoch_until_they_have_nothing_in_flight() -> None:
    b = ProducerBench(linger_ms=0)
    b.append(partition=0)
    b.append(partition=1)
    (request,) = b.requests()
    answer = produced(request, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    answer.responses[0].partition_responses[1].error_code = ErrorCode.NOT_ENOUGH_REPLICAS
    b.answer(request, answer)
    b.wait(120)
    epochs = {}
    while len(epochs) < 2:
        for request in b.requests():
            for data in request.body.topic_data[0].partition_data:
                epochs[data.index] = read_header(data.records).producer_epoch
            b.answer(request, produced(request))
        b.wait(10)
    assert epochs == {0: 1, 1: 0}
    b.append(partition=1)
    (request,) = b.requests()
    header = header_of(request, 1)
    assert (header.producer_epoch, header.base_sequence) == (1, 0)


def test_an_expired_batch_stops_new_ones_until_its_fate_is_known() -> None:
    b = ProducerBench(linger_ms=0, delivery_timeout_ms=30_000, request_timeout_ms=30_000)
    lost = b.append()
    (request,) = b.requests()
    b.wait(30_000)
    assert lost.error is not None  # it was on its way: nobody knows whether it is in the log
    fresh = b.append()
    b.wait(1_000)
    b.connect()
    # Its connection is gone, so there will be no answer: only a new epoch is safe.
    (request,) = b.requests()
    header = header_of(request)
    assert (header.producer_epoch, header.base_sequence) == (1, 0)
    b.answer(request, produced(request))
    assert fresh.error is None


def test_a_late_success_of_an_expired_batch_leaves_no_gap() -> None:
    b = ProducerBench(linger_ms=0, delivery_timeout_ms=30_000, request_timeout_ms=29_000)
    b.now += 1
    lost = b.append()
    b.cut(b.requests()[0])
    b.wait(2_000)
    b.connect()
    (again,) = b.requests()
    b.wait(28_500)
    assert lost.done
    assert lost.error is not None
    fresh = b.append()
    assert b.requests() == []
    b.answer(again, produced(again, offset=0))  # it was written after all
    (request,) = b.requests()
    header = header_of(request)
    assert (header.producer_epoch, header.base_sequence) == (0, 1)
    b.answer(request, produced(request, offset=1))
    assert fresh.base_offset == 1
