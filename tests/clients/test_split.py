"""A batch that is too large for the broker leaves again in halves."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from minikafka.admin import NewTopic
from minikafka.node import MS
from minikafka.producer.accumulator import ProducerBatch, ProducerId
from minikafka.producer.producer import DeliveryFuture
from minikafka.record.batch import read_header
from minikafka.record.compression import Compression
from minikafka.record.records import decode
from minikafka.runtime.simulator import Simulator
from minikafka.wire.errors import ErrorCode, KafkaError

from .test_producer import BATCH_BYTES, ProducerBench, header_of, produced, sequences

TOO_LARGE = ErrorCode.MESSAGE_TOO_LARGE


def values_of(request: Any, partition: int = 0) -> list[bytes | None]:
    (topic,) = request.body.topic_data
    (data,) = [data for data in topic.partition_data if data.index == partition]
    return [record.value for record in decode(data.records, 0, read_header(data.records))]


def numbered(b: ProducerBench, count: int) -> ProducerBatch:
    return [b.append(b"%02d" % i) for i in range(count)][-1]


def test_both_halves_leave_at_once_one_after_the_other_with_the_numbers_they_had() -> None:
    b = ProducerBench(linger_ms=0)
    numbered(b, 7)
    (request,) = b.requests()
    b.answer(request, produced(request, TOO_LARGE))
    (first,) = b.requests()
    assert b.requests() == []  # the second half behind it, as after any retry
    b.answer(first, produced(first, offset=40))
    (second,) = b.requests()
    assert values_of(first) + values_of(second) == values_of(request)
    assert [header_of(half).record_count for half in (first, second)] == [4, 3]
    assert sequences([request, first, second]) == [0, 0, 4]
    b.append(b"next")
    b.answer(second, produced(second, offset=44))
    (after,) = b.requests()
    assert sequences([after]) == [7]
    assert b.node.producer == ProducerId(7, 0)


def test_halves_keep_keys_headers_times_and_codec() -> None:
    b = ProducerBench(linger_ms=0, compression_type="gzip", compression_gzip_level=9)
    records = [(50 - i, b"k%d" % i, None, (("h", b"%d" % i),)) for i in range(6)]
    for record in records:
        assert b.node.append(b.now, "t", 0, record) is not None
    (request,) = b.requests()
    b.answer(request, produced(request, TOO_LARGE))
    seen: list[tuple[object, ...]] = []
    for _ in range(2):
        (half,) = b.requests()
        data = half.body.topic_data[0].partition_data[0].records
        header = read_header(data)
        assert header.compression.name == "GZIP"
        seen += [tuple(record)[1:] for record in decode(data, 0, header)]
        b.answer(half, produced(half))
    assert seen == records


def test_halves_are_split_again_until_a_single_record_is_too_large() -> None:
    b = ProducerBench(linger_ms=0)
    batch = numbered(b, 4)
    sent = []
    while not all(end.done for end in batch.ends()):
        (request,) = b.requests()
        sent.append(values_of(request))
        refused = b"02" in sent[-1]
        b.answer(request, produced(request, TOO_LARGE if refused else 0, offset=len(sent)))
        b.wait(1)
    assert sent == [[b"00", b"01", b"02", b"03"], [b"00", b"01"], [b"02", b"03"], [b"02"], [b"03"]]
    errors = [batch.find(index)[0].error for index in range(4)]
    assert [error and error.code for error in errors] == [None, None, TOO_LARGE, None]
    assert b.node.accumulator.reserved_bytes == 0
    assert b.node.accumulator.busy == {}


def test_those_behind_a_split_batch_follow_it() -> None:
    b = ProducerBench()
    b.fill()
    b.fill()
    b.append()
    first, second = b.requests()
    b.answer(first, produced(first, TOO_LARGE))
    b.answer(second, produced(second, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
    sent = []
    for _ in range(20):
        for request in b.requests():
            sent += sequences([request])
            b.answer(request, produced(request))
        b.wait(50)
    assert sent == [0, 4, 8, 16]
    assert b.node.producer == ProducerId(7, 0)  # no gap, so no new epoch


def test_memory_and_the_delivery_timeout_are_those_of_the_whole() -> None:
    b = ProducerBench(linger_ms=0, delivery_timeout_ms=31_000)
    batch = numbered(b, 5)
    (request,) = b.requests()
    b.wait(1_000)
    b.answer(request, produced(request, TOO_LARGE))
    assert b.node.accumulator.reserved_bytes == BATCH_BYTES
    (first,) = b.requests()
    b.answer(first, produced(first))
    assert 0 < b.node.accumulator.reserved_bytes < BATCH_BYTES
    b.wait(30_000)
    assert b.node.accumulator.reserved_bytes == 0
    error = batch.find(4)[0].error
    assert error is not None
    assert error.code is ErrorCode.REQUEST_TIMED_OUT


def test_a_callback_goes_with_its_record() -> None:
    b = ProducerBench(linger_ms=0)
    heard: list[int] = []
    batch = numbered(b, 4)
    for index in range(4):
        b.node.add_callback(batch, index, partial(heard.append, index))
    (request,) = b.requests()
    is_told = b.node.all_told()
    b.answer(request, produced(request, TOO_LARGE))
    for expected in ([0, 1], [0, 1, 2, 3]):
        assert not is_told()
        (half,) = b.requests()
        b.answer(half, produced(half))
        calls, b.node.calls = b.node.calls, []
        for call in calls:
            call()
        assert heard == expected
    assert is_told()
    b.node.add_callback(batch, 3, partial(heard.append, 9))
    assert len(b.node.calls) == 2  # the call, and the note that it was made


@pytest.mark.parametrize("codec", ["none", "lz4"])
@pytest.mark.parametrize("idempotent", [True, False])
def test_a_topic_that_takes_less_than_batch_size(codec: str, idempotent: bool) -> None:
    sim = Simulator(seed=1, bytes_on_wire=True)
    sim.broker()
    sim.admin().create_topics([NewTopic("t", configs={"max.message.bytes": 1_000})])
    producer = sim.producer(
        linger_ms=20, compression_type=codec, enable_idempotence=idempotent, retries=9,
        max_in_flight_requests_per_connection=1 + 4 * idempotent,
    )  # fmt: skip
    heard: list[DeliveryFuture] = []
    values = [sim.random_for(str(i)).randbytes(20 + 7 * i) for i in range(60)]
    values[30] = sim.random_for("too large").randbytes(1_000)
    futures = [producer.send("t", value) for value in values]
    for future in futures:
        future.add_callback(heard.append)
    producer.flush(60_000)
    assert len(heard) == len(futures)
    assert set(heard) == set(futures)
    with pytest.raises(KafkaError, match=r"MESSAGE_TOO_LARGE.*t-0"):
        futures.pop(30).result()
    del values[30]
    assert [future.result().offset for future in futures] == list(range(59))
    consumer = sim.consumer(auto_offset_reset="earliest")
    consumer.assign([("t", 0)])
    read: list[Any] = []
    while len(read) < 59:
        read += consumer.poll(1_000)
    assert [record.value for record in read] == values
    assert producer.statistics().reserved_bytes == 0
    assert sim.trace is not None
    assert sim.trace.of("batch_split")


def test_a_batch_of_two_is_cut_between_them() -> None:
    for sizes in ((10, 900), (900, 10), (10, 10)):
        batch = ProducerBatch(("t", 0), Compression.NONE, None, 5 * MS, 1_000)
        for size in sizes:
            batch.append(1, None, b"x" * size)
        halves = batch.split()
        assert [half.count for half in halves] == [1, 1]
        assert sum(half.reserved_bytes for half in halves) == 1_000
        assert all(half.opened_at == 5 * MS for half in halves)
