"""A producer that holds a full buffer takes little more than buffer.memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from minikafka.admin import NewTopic
from minikafka.node import MS
from minikafka.producer.producer import Producer
from minikafka.record.batch import read_header
from minikafka.runtime.simulator import Simulator
from minikafka.wire.errors import ErrorCode, KafkaError

from .scripted import Cluster
from .test_producer import ProducerBench, header_of, produced

BUFFER_BYTES = 4 << 20


@pytest.mark.parametrize(
    ("codec", "size_bytes"),
    [("none", 10), ("none", 100), ("none", 1_000), ("none", 50_000), ("lz4", 100), ("gzip", 1_000)],
)
@pytest.mark.parametrize("is_sent", [True, False], ids=["in flight", "waiting"])
def test_a_full_buffer_takes_less_than_one_and_a_half_times_its_size(
    codec: str, size_bytes: int, is_sent: bool
) -> None:
    b = ProducerBench(
        Cluster({"t": 16}),
        batch_size=16_384,
        buffer_memory=BUFFER_BYTES,
        linger_ms=0,
        compression_type=codec,
        enable_idempotence=False,
        max_in_flight_requests_per_connection=1_000,
    )
    for partition in range(16):
        b.append(partition=partition)
    for request in b.requests():
        b.answer(request, produced(request))
    assert not b.node.accumulator.busy
    node, kept = b.node, list[Any]()
    values = [(b"%d " % number * size_bytes)[:size_bytes] for number in range(97)]
    tracemalloc.start()
    try:
        count = 0
        while (
            node.append(b.now, "t", count // 40 % 16, (0, None, values[count % 97], ())) is not None
        ):
            count += 1
            if is_sent and node.turn_wanted:
                node.poll(b.now)
                kept += node.outbox  # what the world still has to carry
                node.outbox.clear()
        taken_bytes, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    in_flight = sum(queue.in_flight for queue in node.accumulator.queues.values())
    assert bool(in_flight) == is_sent
    # What was open when nothing was left is compressed since then, and takes less.
    assert node.accumulator.free_bytes < (60_000 if codec == "none" else BUFFER_BYTES // 3)
    assert taken_bytes <= most_bytes < 1.5 * BUFFER_BYTES


@pytest.mark.parametrize("size_bytes", [100, 1_000])
def test_a_program_may_keep_every_future(size_bytes: int) -> None:
    sim = Simulator(seed=1)
    sim.broker()
    sim.admin().create_topics([NewTopic("t", partitions=16)])
    producer = sim.producer(buffer_memory=BUFFER_BYTES, linger_ms=60_000, acks=1, max_block_ms=1)
    producer.partitions_for("t")
    sim.broker_hosts()[0].crash()
    value = b"x" * size_bytes
    kept: list[Any] = [None] * (BUFFER_BYTES // size_bytes)  # the list is the program's own
    begin_ms = 1_700_000_000_000
    tracemalloc.start()
    try:
        for count in range(len(kept)):
            time_ms = begin_ms + count // 400
            at = count // 40 % 16
            try:
                kept[count] = producer.send("t", value, partition=at, timestamp_ms=time_ms)
            except KafkaError:
                break
        taken_bytes = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert producer.statistics().metrics.buffer_available_bytes < 60_000
    assert taken_bytes < 1.5 * BUFFER_BYTES
    assert not kept[0].done() and kept[count - 1].error() is None


def little_memory(**configs: Any) -> tuple[Simulator, Producer]:
    """A producer for "t", which has two partitions, with memory for three batches."""
    sim = Simulator(seed=1)
    sim.broker(auto_create_topics_enable=False)
    sim.admin().create_topics([NewTopic("t", partitions=2), NewTopic("u")])
    producer = sim.producer(buffer_memory=3_000, batch_size=1_000, **configs)
    producer.send("t", b"first", partition=0)
    producer.flush()
    return sim, producer


# The first in line is held up by a program that was called while it waits, and is second.
@pytest.mark.parametrize("size_bytes", [100, 2_500])
def test_who_is_behind_in_the_line_serves_those_before_it(size_bytes: int) -> None:
    sim, producer = little_memory(linger_ms=0, max_block_ms=5_000)
    producer.send("t", b"x" * 2_400, partition=0)
    later = []
    sim.call_later(0, lambda: later.append(producer.send("t", b"second", partition=0)))
    first = producer.send("t", b"x" * size_bytes, partition=0)
    assert first.result().offset == 2
    assert [future.result().offset for future in later] == [3]
    assert sim.consumer().end_offsets([("t", 0)]) == {("t", 0): 4}
    assert producer.statistics().metrics.waiting_threads == 0


def test_a_batch_closed_for_its_memory_leaves_at_once_though_the_wait_has_begun() -> None:
    sim, producer = little_memory(linger_ms=30_000)
    quick = producer.send("t", b"quick", partition=0)
    # It takes memory as soon as there is some, before who waits for more has looked.
    quick.add_callback(lambda _: producer.send("t", b"again", partition=1))
    began = sim.now
    producer.send("t", b"x" * 2_500, partition=0)
    assert sim.now - began < 1_000 * MS


@pytest.mark.parametrize(
    "error", [ErrorCode.TOPIC_AUTHORIZATION_FAILED, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
)
def test_a_record_whose_topic_goes_away_holds_up_nobody_behind_it(error: ErrorCode) -> None:
    sim, producer = little_memory(linger_ms=0, max_block_ms=5_000)
    producer.partitions_for("u")
    sim.admin().delete_topics(["u"])
    for _ in range(3):
        producer.send("t", b"x" * 900, partition=0)
    began = sim.now
    metadata, later = producer._node.metadata, []

    def second() -> None:
        known = metadata.topics["u"]
        metadata.topics["u"] = known._replace(partitions={}, error=KafkaError(error, "gone"))
        later.append(producer.send("t", b"second", partition=0))
        assert sim.now - began < 1_000 * MS

    sim.call_later(0, second)
    with pytest.raises(KafkaError):
        producer.send("u", b"x" * 2_500, partition=0)
    assert later[0].result().offset == 4


# Ctrl-C may come between its opening and its first record.
@pytest.mark.parametrize("codec", ["none", "gzip", "lz4"])
def test_a_batch_that_stayed_empty_hurts_nobody(codec: str) -> None:
    sim, producer = little_memory(linger_ms=0, compression_type=codec)
    opened = producer._node.accumulator.batch_for(sim.now, ("t", 0), (0, None, b"", ()))
    assert opened is not None and opened.count == 0
    producer.flush()
    assert opened.error is not None
    assert opened.error.code is ErrorCode.INVALID_RECORD
    assert producer.send("t", b"second", partition=0).result().offset == 1


def test_a_batch_that_is_sent_again_is_the_same_bytes() -> None:
    b = ProducerBench(linger_ms=0, compression_type="gzip")
    batch = b.append()
    (request,) = b.requests()
    data, taken = batch.data, len(batch.body)
    assert (request.body.topic_data[0].partition_data[0].records, taken) == (data, 0)
    b.answer(request, produced(request, 7))
    b.wait(120)
    (request,) = b.requests()
    assert batch.data is data
    b.answer(request, produced(request, 45))  # out of order: a new epoch, so another header
    b.wait(250)
    (request,) = b.requests()
    assert header_of(request).producer_epoch == 1
    assert batch.data[61:] == data[61:]
    assert read_header(batch.data).crc != read_header(data).crc
    b.answer(request, produced(request))
    assert (batch.done, batch.data) == (True, b"")
