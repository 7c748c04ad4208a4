"""A run told by hand, with everything in it that a log strip can show, and a browser page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from minikafka.node import Channel, Request
from minikafka.record.builder import BatchBuilder
from minikafka.trace import NO_CAUSE, Trace
from minikafka.viz.chromium import chromium, executable
from minikafka.viz.story import Story, tell
from minikafka.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData

BROKER = "broker-1"
INDEXED = (3, 9)
"""Base offsets of the batches that get an index entry."""
CHANNEL = Channel("till", f"{BROKER}:9092")


class Teller:
    """Writes a trace as a broker, a producer (`till`) and consumers would."""

    def __init__(self) -> None:
        self.trace = Trace()
        self.ends: dict[int, int] = {}

    def event(self, kind: str, node: str = BROKER, after_us: int = 1_000, **what: Any) -> int:
        self.trace.now += after_us
        self.trace.cause = NO_CAUSE
        return self.trace.add(node, kind, what)

    def log(self, kind: str, partition: int = 0, after_us: int = 1_000, **what: Any) -> int:
        return self.event(kind, after_us=after_us, topic="orders", partition=partition, **what)

    def request(self, partition: int, records: list[tuple[str, str]]) -> Request:
        batch = BatchBuilder()
        for key, value in records:
            batch.append(0, key.encode(), value.encode())
        data = PartitionProduceData(index=partition, records=batch.build())
        topic = TopicProduceData(name="orders", partition_data=[data])
        body = ProduceRequest(acks=-1, timeout_ms=1_000, topic_data=[topic])
        return Request(CHANNEL, body, 9, 1, "till")

    def produce(
        self, partition: int, *records: tuple[str, str], commit: bool = True, lost: bool = False
    ) -> None:
        """A request on its way, and unless it is lost: append, commit, acknowledgement."""
        trace, request = self.trace, self.request(partition, list(records))
        trace.now += 20_000
        trace.cause = NO_CAUSE
        trace.cause = sent = trace.add("till", "sent", request)
        trace.now += 400
        if lost:
            trace.add(BROKER, "dropped", request)
            return
        trace.cause = trace.add(BROKER, "delivered", request)
        base = self.ends.get(partition, 0)
        self.ends[partition] = end = base + len(records)
        place = {"topic": "orders", "partition": partition}
        trace.add(BROKER, "append", {**place, "base_offset": base, "last_offset": end - 1,
                                     "size_bytes": 61 + 12 * len(records), "leader_epoch": 4,
                                     "indexed": base in INDEXED})  # fmt: skip
        if commit:
            trace.add(BROKER, "high_watermark", {**place, "offset": end})
            trace.now += 300
            trace.cause = sent
            trace.add("till", "batch_acknowledged",
                      {**place, "base_offset": base, "records": len(records)})  # fmt: skip

    def read(self, reader: str, partition: int, offset: int) -> None:
        self.event("position", reader, topic="orders", partition=partition, offset=offset)


def told() -> Trace:
    """Produce, loss, roll, reading, a hatched batch, retention, a crash that costs records."""
    run = Teller()
    run.event("started", after_us=0)
    run.event("topic_created", topic="orders", topic_id="an id", partitions=2, leader_epoch=4)
    run.read("billing", 0, 0)
    run.read("audit", 0, 0)
    run.read("billing", 1, 0)
    run.produce(0, ("bob", "tea"), ("carol", "water"), ("bob", "scone"))
    run.produce(0, ("bob", "never arrives"), lost=True)
    run.produce(1, ("alice", "coffee"))
    run.read("billing", 0, 3)
    run.log("roll", base_offset=3)
    run.produce(0, ("carol", "soup"), ("bob", "a cake with a very long name"))
    run.read("audit", 0, 2)
    run.log("log_start_offset", offset=1, reason="DeleteRecords")
    run.produce(0, ("carol", "tea"), ("carol", "tea"), ("bob", "tea"), ("bob", "tea"))
    run.log("log_start_offset", offset=3, reason="retention.ms")
    run.log("segment_deleted", base_offset=0, reason="retention.ms")
    run.produce(0, ("bob", "milk"), ("frank", "juice"), commit=False)
    run.event("crashed", after_us=500_000, torn=False)
    run.event("started", after_us=9_000_000)
    run.log("recovered", truncated_bytes=85, offset=9, reason="unclean shutdown")
    run.ends[0] = 9
    run.log("truncate", offset=8)
    return run.trace


def long(events: int, partitions: int = 3, brokers: int = 3) -> Trace:
    """Logs of several brokers that roll every 4 kB, lose their oldest files, and are read."""
    trace, logs = Trace(), [Growing(f"broker-{1 + p % brokers}", p) for p in range(partitions)]
    number = 0
    while len(trace) < events:
        number += 1
        trace.now += 1_500
        logs[(number * number + number // 3) % partitions].grow(trace, number)
    return trace


class Growing:
    """A log of `orders` on its broker."""

    FILES = 14
    FILE_BYTES = 4_000
    INTERVAL_BYTES = 1_024

    def __init__(self, node: str, partition: int) -> None:
        self.node, self.place = node, {"topic": "orders", "partition": partition}
        self.end = self.size_bytes = self.since_entry = 0
        self.bases = [0]

    def say(self, trace: Trace, kind: str, **what: Any) -> None:
        trace.add(self.node, kind, {**self.place, **what})

    def grow(self, trace: Trace, number: int) -> None:
        """One more batch; `number` says how large, whether it is committed, and who reads it."""
        count = 1 + number * 7 % 6
        size_bytes = 61 + 34 * count
        if self.size_bytes + size_bytes > self.FILE_BYTES:
            self.roll(trace)
        indexed = self.since_entry > self.INTERVAL_BYTES
        self.say(trace, "append", base_offset=self.end, last_offset=self.end + count - 1,
                 size_bytes=size_bytes, leader_epoch=2, indexed=indexed)  # fmt: skip
        self.since_entry = size_bytes + (0 if indexed else self.since_entry)
        self.size_bytes += size_bytes
        self.end += count
        if number % 5:
            self.say(trace, "high_watermark", offset=self.end)
        if number % 9 == 0:
            trace.add("billing", "position", {**self.place, "offset": max(0, self.end - 9)})

    def roll(self, trace: Trace) -> None:
        self.say(trace, "roll", base_offset=self.end)
        self.bases.append(self.end)
        self.size_bytes = self.since_entry = 0
        if len(self.bases) > self.FILES:
            self.say(trace, "log_start_offset", offset=self.bases[1], reason="retention.bytes")
            self.say(
                trace, "segment_deleted", base_offset=self.bases.pop(0), reason="retention.bytes"
            )


@pytest.fixture(scope="session")
def trace() -> Trace:
    return told()


@pytest.fixture(scope="session")
def story(trace: Trace) -> Story:
    return tell(trace)


# Per module: Playwright's loop must have ended before another folder's tests start theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    pytest.importorskip("playwright", reason="needs playwright")
    if executable() is None:
        pytest.skip("needs Chromium (apt-get install chromium)")
    with chromium() as running:
        yield running
