"""What a broker would say to some bytes: it says it, and nothing has happened."""

from __future__ import annotations

from typing import Any

import pytest

from minikafka.admin import NewTopic
from minikafka.node import Channel, Request
from minikafka.record.builder import BatchBuilder
from minikafka.runtime.asking import Answer
from minikafka.runtime.machine import SimulatedBroker
from minikafka.runtime.simulator import Simulator
from minikafka.wire.anatomy import dissect_response
from minikafka.wire.connection import encode_request
from minikafka.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from minikafka.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData


@pytest.fixture
def broker() -> SimulatedBroker:
    sim = Simulator(seed=7)
    broker = sim.broker()
    sim.admin().create_topics([NewTopic("t")])
    sim.producer().send("t", b"tea").result()
    return broker


def frame(body: Any, version: int) -> bytes:
    parts = encode_request(Request(Channel("me", "broker"), body, version, 7, "me"))
    return b"".join(map(bytes, parts))


def produce(acks: int = -1, topic: str = "t") -> bytes:
    batch = BatchBuilder()
    batch.append(0, None, b"scone")
    data = PartitionProduceData(index=0, records=batch.build())
    wanted = [TopicProduceData(name=topic, partition_data=[data])]
    return frame(ProduceRequest(acks=acks, timeout_ms=1_000, topic_data=wanted), 9)


def moved(answer: Answer) -> list[tuple[str, int, int]]:
    return [tuple(end) for end in answer.log_ends if end.before != end.after]


def test_it_answers_and_has_written_nothing(broker: SimulatedBroker) -> None:
    before, events = broker.statistics(), len(broker.node.trace.events)
    answers = [broker.ask(produce()) for _ in range(2)]
    assert answers[0] == answers[1], "the second does not find what the first wrote"
    assert moved(answers[0]) == [("t-0", 1, 2)]
    assert answers[0].frame is not None
    text = str(dissect_response(answers[0].frame, 0, 9))
    assert "0 (NONE)" in text
    assert broker.statistics() == before
    assert len(broker.node.trace.events) == events


def test_without_acknowledgement_there_is_no_answer(broker: SimulatedBroker) -> None:
    assert broker.ask(produce(acks=0))[:3] == (None, "", 0)
    assert moved(broker.ask(produce(acks=0))) == [("t-0", 1, 2)]
    refused = broker.ask(produce(acks=0, topic="nobody has it"))
    assert "produce with acks=0" in refused.closed and moved(refused) == []


def test_a_fetch_that_waits_is_answered_when_its_time_is_over(broker: SimulatedBroker) -> None:
    wanted = [FetchTopic(topic="t", partitions=[FetchPartition(partition=0, fetch_offset=1)])]
    body = FetchRequest(max_wait_ms=500, min_bytes=1, topics=wanted, session_epoch=-1)
    assert broker.ask(frame(body, 11)).frame is not None
    body.max_wait_ms = 24 * 3_600_000
    assert broker.ask(frame(body, 11))[:3] == (None, "", 0)


@pytest.mark.parametrize("length", range(1, 20))
def test_what_is_missing_of_a_frame_is_waited_for(broker: SimulatedBroker, length: int) -> None:
    whole = produce()
    answer = broker.ask(whole[:length])
    assert answer[:2] == (None, "")
    assert answer.missing_bytes == (len(whole) if length >= 4 else 4) - length


def test_what_cannot_be_read_costs_the_connection(broker: SimulatedBroker) -> None:
    assert broker.ask(b"\xff\xff\xff\xfb").closed.startswith("malformed frame: a frame of -5 bytes")
    two = broker.ask(produce() + bytes.fromhex("0000000a 0063 0000 00000000 ffff"))
    assert "API 99" in two.closed and two.frame is None
    assert moved(two) == [("t-0", 1, 2)], "what stood before it was whole"
