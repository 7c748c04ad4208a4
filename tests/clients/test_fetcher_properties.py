"""Whatever happens around a consumer, it hands out each record once, in the order of its partition.

Three brokers lead four partitions. Random records (with holes, as compaction leaves them),
leaders that change, connections that break, sessions that a broker forgets, seeks and pauses in
the middle of everything. The brokers' half of the sessions is the real one; the rest is a model:
a log is a list of batches, and a fetch is cut at LIMIT_BYTES. Always:

- a record is the first one at or behind the position, by what was handed out or sought before;
- nothing comes from a partition that is paused;
- no broker has two fetches open.

When all is over everything was read.
"""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from minikafka.broker.sessions import SessionCache, SessionlessFetch
from minikafka.client.arguments import TopicPartition
from minikafka.node import Request
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.fetch import FetchRequest, FetchResponse, PartitionData
from minikafka.wire.messages.list_offsets import ListOffsetsRequest
from minikafka.wire.messages.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderTopicResult,
)

from .reading import ConsumerBench, batch, listed
from .scripted import Cluster

PARTITIONS, BROKERS, LIMIT_BYTES = 4, (1, 2, 3), 600
EVERY = [TopicPartition("t", index) for index in range(PARTITIONS)]

partitions, brokers = st.integers(0, PARTITIONS - 1), st.sampled_from(BROKERS)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), partitions, st.integers(1, 6), st.sampled_from([0, 0, 40])),
        st.tuples(st.just("serve"), brokers),
        st.tuples(st.just("serve"), brokers),
        st.tuples(st.just("take"), st.integers(1, 20)),
        st.tuples(st.just("take"), st.integers(1, 20)),
        st.tuples(st.just("wait"), st.sampled_from([0, 1, 60, 700])),
        st.tuples(st.just("lead"), partitions, brokers),
        st.tuples(st.just("break"), brokers),
        st.tuples(st.just("forget"), brokers),
        st.tuples(st.just("pause"), partitions),
        st.tuples(st.just("seek"), partitions, st.integers(0, 50)),
    ),
    min_size=15,
    max_size=60,
)


class Log:
    """One partition: batches with their offsets, and where each leader epoch ended."""

    def __init__(self) -> None:
        self.batches: list[tuple[range, bytes]] = []
        self.end = self.epoch = 0
        self.ends: dict[int, int] = {}

    def write(self, count: int, hole: int) -> None:
        first = self.end + hole
        self.end = first + count
        self.batches.append((range(first, self.end), batch(first, count, epoch=self.epoch)))

    def next_offset(self, offset: int) -> int:
        """Of the first record at or behind `offset`."""
        return next((max(each.start, offset) for each, _ in self.batches if each.stop > offset), -1)

    def read(self, offset: int, limit: int, at_least_one: bool) -> bytes:
        found = [data for offsets, data in self.batches if offsets.stop > offset]
        if not found or (len(found[0]) > limit and not at_least_one):
            return b""
        return b"".join(found)[: max(limit, len(found[0]))]


class Story:
    def __init__(self) -> None:
        self.cluster = Cluster({"t": PARTITIONS}, brokers=BROKERS)
        self.logs = [Log() for _ in range(PARTITIONS)]
        for index in range(PARTITIONS):
            self.lead(index, BROKERS[index % len(BROKERS)])
            for count in (3, 4, 30):
                self.write(index, count, hole=index)
        self.caches = {broker: SessionCache(9, Random(broker)) for broker in BROKERS}
        self.begun: dict[int, SessionlessFetch] = {}  # by correlation id
        self.asked: list[Request] = []
        self.position = [0] * PARTITIONS
        self.bench = ConsumerBench(*EVERY, cluster=self.cluster, request_timeout_ms=5_000)

    # --- what happens ---
    def write(self, index: int, count: int, hole: int) -> None:
        self.logs[index].write(count, hole)

    def lead(self, index: int, broker: int) -> None:
        log = self.logs[index]
        log.ends[log.epoch] = log.end
        log.epoch += 1
        self.cluster.leaders["t", index] = broker
        self.cluster.epochs["t", index] = log.epoch

    def forget(self, broker: int) -> None:
        self.caches[broker]._sessions.clear()

    def pause(self, index: int) -> None:
        state = self.bench.node.partitions[EVERY[index]]
        state.paused = not state.paused

    def seek(self, index: int, offset: int) -> None:
        self.position[index] = min(offset, self.logs[index].end)
        self.bench.node.seek(EVERY[index], self.position[index])

    def wait(self, ms: int) -> None:
        self.bench.wait(ms)

    def break_(self, broker: int) -> None:
        for request in [each for each in self.listen() if self.server(each) == broker][:1]:
            self.bench.cut(request)

    def take(self, count: int) -> None:
        for record in self.bench.node.take(count):
            index = record.partition
            assert record.offset == self.logs[index].next_offset(self.position[index])
            assert record.value == b"v%d" % record.offset
            assert not self.bench.node.partitions[EVERY[index]].paused
            self.position[index] = record.offset + 1
        self.bench.turn()

    # --- the brokers ---
    def server(self, request: Request) -> int:
        return int(request.channel.server.removeprefix("broker-").split(":")[0])

    def listen(self) -> list[Request]:
        """What waits for an answer, beside what every client asks."""
        while self.bench.serve_one():
            pass
        kinds = (FetchRequest, ListOffsetsRequest, OffsetForLeaderEpochRequest)
        self.asked += [request for kind in kinds for request in self.bench.take(kind)]
        self.asked = [request for request in self.asked if request in self.bench.open]
        fetching = [self.server(each) for each in self.asked if isinstance(each.body, FetchRequest)]
        assert len(fetching) == len(set(fetching))
        return self.asked

    def serve(self, broker: int) -> None:
        """Answer whatever this broker can answer now; a fetch without records waits."""
        for request in [each for each in self.listen() if self.server(each) == broker]:
            if self.bench._is_next(request):
                answer = self.answer(broker, request)
                if answer is not None:
                    self.bench.answer(request, answer)

    def answer(self, broker: int, request: Request) -> Any:
        match request.body:
            case FetchRequest():
                return self.fetch(broker, request)
            case ListOffsetsRequest():
                wanted = request.body.topics[0].partitions
                leads = all(self.refusal(broker, each.partition_index) == 0 for each in wanted)
                return listed(request, 0, 0 if leads else ErrorCode.NOT_LEADER_OR_FOLLOWER)
        return OffsetForLeaderEpochResponse(
            topics=[
                OffsetForLeaderTopicResult(
                    topic="t",
                    partitions=[
                        self.epoch_end(broker, p) for p in request.body.topics[0].partitions
                    ],
                )
            ]
        )

    def refusal(self, broker: int, index: int, epoch: int = -1) -> int:
        if self.cluster.leaders["t", index] != broker:
            return ErrorCode.NOT_LEADER_OR_FOLLOWER
        return ErrorCode.FENCED_LEADER_EPOCH if 0 <= epoch < self.logs[index].epoch else 0

    def epoch_end(self, broker: int, asked: Any) -> EpochEndOffset:
        log, epoch = self.logs[asked.partition], asked.leader_epoch
        return EpochEndOffset(
            error_code=self.refusal(broker, asked.partition, asked.current_leader_epoch),
            partition=asked.partition,
            leader_epoch=epoch,
            end_offset=log.ends.get(epoch, log.end),
        )

    def fetch(self, broker: int, request: Request) -> FetchResponse | None:
        number = request.correlation_id
        if number not in self.begun:
            try:
                self.begun[number] = self.caches[broker].begin(
                    request.body, request.version, self.bench.now
                )
            except KafkaError as error:
                return FetchResponse(error_code=error.code, responses=[])
        told, size, is_ready = [], 0, False
        for wanted in self.begun[number].wanted:
            log = self.logs[wanted.index]
            code = self.refusal(broker, wanted.index, wanted.leader_epoch)
            data = b"" if code else log.read(wanted.offset, max(0, LIMIT_BYTES - size), size == 0)
            size += len(data)
            is_ready = is_ready or bool(code or data)
            end = -1 if code else log.end
            one = PartitionData(
                partition_index=wanted.index, error_code=code, high_watermark=end, records=data
            )
            told.append((wanted, one))
        return self.begun[number].answer(told, self.bench.now) if is_ready else None

    def finish(self) -> None:
        for state in self.bench.node.partitions.values():
            state.paused = False
        for _ in range(400):
            self.bench.wait(20)
            for broker in BROKERS:
                self.serve(broker)
            self.take(50)
            if self.position == [log.end for log in self.logs]:
                return
        raise AssertionError(f"stands at {self.position} of {[log.end for log in self.logs]}")


@settings(deadline=None)
@given(STEPS)
def test_each_record_is_handed_out_once_and_in_order(steps: list[tuple[Any, ...]]) -> None:
    story = Story()
    for what, *more in steps:
        getattr(story, {"break": "break_"}.get(what, what))(*more)
    story.finish()
