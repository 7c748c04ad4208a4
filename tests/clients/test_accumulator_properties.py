"""Whatever happens to its requests, a producer loses nothing, doubles nothing, keeps the order.

Random arrivals, answers, errors, lost connections and brokers that take less than batch.size, with
and without compression, against a model of a leader that is a list of values and Kafka's rule for
sequence numbers. When all is over:

- each record was told exactly once what became of it;
- an acknowledged record is in the log where its offset says, once;
- a record that failed is there once at most;
- none has failed that waited when the brokers were well again, unless it was too large;
- the records of a partition are there in the order in which they were sent;
- all memory is back in the pool.

Without idempotence, and one request in flight, a record may be there twice. The rest holds.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minikafka.node import MS, NEVER, Request
from minikafka.producer.accumulator import ProducerBatch
from minikafka.record.batch import read_header
from minikafka.record.records import decode
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.produce import (
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)

from .scripted import Cluster
from .test_producer import BATCH_BYTES, ProducerBench

PARTITIONS = 3
BATCHES_REMEMBERED = 5  # of each producer, per partition

SENDS = st.tuples(
    st.just("send"),
    st.integers(1, 12),  # records
    st.integers(0, 400),  # bytes of each
    st.sampled_from([None, 0, 1, 2]),  # partition
)
ANSWERS = st.tuples(
    st.just("answer"),
    st.integers(0, 1),  # which connection
    st.sampled_from([0, 0, 0, ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.INVALID_RECORD]),
)
CUTS = st.tuples(st.just("cut"), st.integers(0, 1), st.integers(0, 3))  # so many were served first
WAITS = st.tuples(st.just("wait"), st.sampled_from([1, 5, 60, 700]))
STEPS = st.lists(st.one_of(SENDS, SENDS, ANSWERS, ANSWERS, CUTS, WAITS), max_size=60)
LIMITS = st.sampled_from([150, 400, 700, 10_000])  # max.message.bytes


class Leader:
    """One partition at its leader: the values in the log, and who wrote which numbers last."""

    def __init__(self) -> None:
        self.log: list[bytes | None] = []
        self.epoch = -1
        self.next_sequence = 0
        self.recent: deque[tuple[int, int, int]] = deque(maxlen=BATCHES_REMEMBERED)

    def produce(self, data: bytes, limit_bytes: int) -> tuple[int, int]:
        """Error code and base offset."""
        header = read_header(data)
        if len(data) > limit_bytes:
            return ErrorCode.MESSAGE_TOO_LARGE, -1
        sequence = header.base_sequence
        if sequence >= 0:
            if header.producer_epoch < self.epoch:
                return ErrorCode.INVALID_PRODUCER_EPOCH, -1
            if header.producer_epoch > self.epoch:
                if sequence:
                    return ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1
                self.epoch, self.next_sequence = header.producer_epoch, 0
                self.recent.clear()
            for *numbers, offset in self.recent:
                if numbers == [sequence, header.record_count]:
                    return 0, offset
            if sequence != self.next_sequence:
                return ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1
            self.next_sequence += header.record_count
            self.recent.append((sequence, header.record_count, len(self.log)))
        offset = len(self.log)
        self.log += [record.value for record in decode(data, 0, header)]
        return 0, offset


class Run:
    """A producer, its two brokers, and what was sent."""

    def __init__(self, idempotent: bool, codec: str, limit_bytes: int) -> None:
        cluster = Cluster({"t": PARTITIONS}, leaders={("t", 1): 2}, brokers=(1, 2))
        self.bench = ProducerBench(
            cluster,
            linger_ms=5,
            compression_type=codec,
            buffer_memory=6_000,
            request_timeout_ms=1_000,
            delivery_timeout_ms=3_000,
            enable_idempotence=idempotent,
            max_in_flight_requests_per_connection=5 if idempotent else 1,
        )
        if codec != "none":
            self.bench.node.accumulator._ratios["t"] = 0.3  # what many batches have taught
        self.leaders = [Leader() for _ in range(PARTITIONS)]
        self.limit_bytes = limit_bytes
        self.records: list[tuple[ProducerBatch, int, bytes]] = []
        self.told: list[int] = []
        self.waited: list[int] = []

    def step(self, what: str, *given: Any) -> None:
        getattr(self, what)(*given)
        self.bench.connect()
        self._call()
        self.check()

    # --- what may happen -----------------------------------------------------------------
    def send(self, count: int, size_bytes: int, partition: int | None) -> None:
        node, now = self.bench.node, self.bench.now
        for _ in range(count):
            value = b"%d " % len(self.records) + b"x" * size_bytes
            batch = node.append(now, "t", partition, (now // MS, None, value, ()))
            if batch is not None:  # else there is no memory: the program would have to wait
                call = partial(self.hear, len(self.records))
                node.add_callback(batch, batch.count - 1, call)
                self.records.append((batch, batch.count - 1, value))

    def hear(self, number: int) -> None:
        batch, index, _ = self.records[number]
        assert batch.find(index)[0].done
        self.told.append(number)

    def answer(self, which: int, error: int) -> None:
        request = self._first_of(which)
        if request is not None:
            self.bench.answer(request, self._serve(request, error))

    def cut(self, which: int, served: int) -> None:
        first = self._first_of(which)
        if first is not None:
            for request in [one for one in self._open() if one.channel is first.channel][:served]:
                self._serve(request, 0)
            self.bench.cut(first)

    def wait(self, ms: int) -> None:
        for _ in range(ms // 60 + 1):
            self.bench.wait(min(ms, 60))
            self.bench.connect()

    # --- the brokers -----------------------------------------------------------------------
    def _open(self) -> list[Request]:
        return [one for one in self.bench.open if isinstance(one.body, ProduceRequest)]

    def _first_of(self, which: int) -> Request | None:
        """The oldest request of one of the connections."""
        firsts = {request.channel: request for request in reversed(self._open())}
        found = sorted(firsts.values(), key=lambda request: request.channel.server)
        return found[which % len(found)] if found else None

    def _serve(self, request: Request, error: int) -> ProduceResponse:
        (topic,) = request.body.topic_data
        answers = []
        for data in topic.partition_data:
            leader = self.leaders[data.index]
            code, offset = (error, -1) if error else leader.produce(data.records, self.limit_bytes)
            answers.append(
                PartitionProduceResponse(index=data.index, error_code=code, base_offset=offset)
            )
        return ProduceResponse(
            responses=[
                TopicProduceResponse(
                    name=topic.name, topic_id=topic.topic_id, partition_responses=answers
                )
            ]
        )

    # --- what must hold ----------------------------------------------------------------------
    def _call(self) -> None:
        calls, self.bench.node.calls = self.bench.node.calls, []
        for call in calls:
            call()

    def check(self) -> None:
        """At any moment."""
        accumulator = self.bench.node.accumulator
        assert 0 <= accumulator.reserved_bytes <= accumulator.memory_bytes
        assert accumulator.reserved_bytes == sum(batch.reserved_bytes for batch in accumulator)
        closed = [batch for batch in accumulator if batch.data]
        assert all(batch.reserved_bytes <= BATCH_BYTES for batch in closed)
        for queue in accumulator.queues.values():
            assert queue.open is None or len(queue.open.body) <= queue.open.reserved_bytes
            assert queue.refused == sum(not batch.on_wire for batch in queue.pending)

    def finish(self) -> None:
        """The brokers are well again, and nothing is too late any more."""
        accumulator = self.bench.node.accumulator
        accumulator.delivery_timeout_us = NEVER
        self.waited = [number for number in range(len(self.records)) if number not in self.told]
        accumulator.close_all("close")
        for _ in range(2_000):
            if not accumulator.busy:
                break
            while self._open():
                self.step("answer", 0, 0)
            self.step("wait", 5)
        assert accumulator.busy == {}
        assert accumulator.reserved_bytes == 0
        assert sorted(self.told) == list(range(len(self.records)))

    def outcome(self) -> tuple[list[tuple[int, bytes, int]], set[bytes]]:
        """Partition, value and offset of what was acknowledged; the values of what failed."""
        acknowledged, failed = [], set()
        for batch, index, value in self.records:
            end, place = batch.find(index)
            assert end.done
            if end.error is None:
                acknowledged.append((end.key[1], value, end.base_offset + place))
            else:
                failed.add(value)
        return acknowledged, failed


@pytest.mark.parametrize(("idempotent", "codec"), [(True, "none"), (True, "gzip"), (False, "none")])
@settings(max_examples=100, deadline=None)
@given(steps=STEPS, limit_bytes=LIMITS)
def test_nothing_is_lost_and_the_order_stays(
    idempotent: bool, codec: str, steps: list[tuple[str, Any]], limit_bytes: int
) -> None:
    run = Run(idempotent, codec, limit_bytes)
    for step in steps:
        run.step(*step)
    run.finish()
    for batch, index, value in [run.records[number] for number in run.waited]:
        error = batch.find(index)[0].error
        assert error is None or (error.code == ErrorCode.MESSAGE_TOO_LARGE and len(value) > 80)
    acknowledged, failed = run.outcome()
    for partition, value, offset in acknowledged:
        assert run.leaders[partition].log[offset] == value
    sent = {value: number for number, (_, _, value) in enumerate(run.records)}
    for number, leader in enumerate(run.leaders):
        log = [value for value in leader.log if value is not None]
        if idempotent:
            assert len(log) == len(set(log))
        firsts = [sent[value] for value in dict.fromkeys(log)]
        assert firsts == sorted(firsts)
        known = {value for partition, value, _ in acknowledged if partition == number}
        assert known <= set(log) <= known | failed
