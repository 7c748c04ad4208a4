"""A trace told as a space-time story: messages, waits, marks, lanes and their order, and bytes."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest

from minikafka.admin import NewTopic
from minikafka.bench.widgets import a_world
from minikafka.lab.scenarios import run as run_scenario
from minikafka.node import Request
from minikafka.runtime.simulator import Simulator
from minikafka.trace import Trace
from minikafka.viz import frames
from minikafka.viz.figures import a_lost_acknowledgement
from minikafka.viz.frames import Frames
from minikafka.viz.journeys import LOST, Journeys, arranged, journeys
from minikafka.wire.anatomy import dissect_request, dissect_response
from minikafka.wire.connection import encode_request, encode_response


def a_run(rounds: int = 3) -> tuple[Trace, float]:
    """A producer that lingers, a consumer that wants 150 bytes; and when they begin, in ms."""
    sim = Simulator(seed=7)
    sim.broker()
    sim.admin().create_topics([NewTopic("orders")])
    till = sim.producer(linger_ms=5, client_id="till")
    billing = sim.consumer(
        client_id="billing",
        auto_offset_reset="earliest",
        fetch_min_bytes=150,
        fetch_max_wait_ms=30,
    )
    billing.assign([("orders", 0)])
    till.send("orders", b"warm").result()
    billing.poll(timeout_ms=1_000)
    assert sim.trace is not None
    began = sim.now - sim.trace.events[0].time
    for _ in range(rounds):
        for _record in range(3):
            till.send("orders", b"tea", key=b"bob")
        sim.run(9)
        billing.poll(timeout_ms=4)
    return sim.trace, began / 1000


@pytest.fixture(scope="module")
def run() -> tuple[Trace, float]:
    return a_run()


@pytest.fixture(scope="module")
def story(run: tuple[Trace, float]) -> Journeys:
    trace, since_ms = run
    return journeys(trace, since_us=trace.events[0].time + int(since_ms * 1000))


def titles(story: Journeys) -> list[str]:
    return [message.title for message in story.messages]


def test_lanes_stand_as_data_flows(story: Journeys) -> None:
    assert [(lane.name, lane.role) for lane in story.lanes] == [
        ("till", "producer"),
        ("broker-1", "broker"),
        ("billing", "consumer"),
    ]


def test_messages_say_what_matters(story: Journeys) -> None:
    produce = next(each for each in story.messages if each.title == "Produce")
    assert produce.more == "3 records · 100 B"
    assert (produce.source, produce.target) == (0, 1)
    ack = next(
        each for each in story.messages if each.exchange == produce.exchange and each.is_answer
    )
    assert (ack.title, ack.more) == ("ack", "base offset 1")
    assert produce.sent < produce.arrived <= ack.sent < ack.arrived


def test_several_partitions_are_told_apart() -> None:
    sim = Simulator(seed=7)
    sim.broker()
    sim.admin().create_topics([NewTopic("orders", partitions=2)])
    producer, consumer = sim.producer(linger_ms=5), sim.consumer(auto_offset_reset="earliest")
    consumer.assign([("orders", 0), ("orders", 1)])
    for partition in (0, 1, 1):
        producer.send("orders", b"tea", partition=partition)
    producer.flush()
    consumer.poll(timeout_ms=100)
    assert sim.trace is not None
    story = journeys(sim.trace)
    assert {mark.title for mark in story.marks if mark.kind == "append"} == {
        "orders-0: LEO 1",
        "orders-1: LEO 2",
    }
    said = {(message.title.split(" ")[-1], message.more) for message in story.messages}
    assert {("ack", "base offset 0, 0"), ("Fetch", "from 0, 0"), ("B", "HW 1, 2")} <= said


def test_a_restart_says_nothing_of_internal_topics() -> None:
    story = journeys(run_scenario("crash", seed=7).trace or Trace())
    assert [mark.title for mark in story.marks if mark.kind == "recovered"] == ["recovers to 91"]


def test_how_clients_find_their_way_is_part_of_the_story(run: tuple[Trace, float]) -> None:
    told = journeys(run[0])
    assert {m.api for m in told.messages} >= {"Metadata", "ApiVersions", "Produce", "Fetch"}
    assert "Metadata" in told.chatter


def test_waits_have_an_end_and_a_reason(story: Journeys) -> None:
    waits = {wait.row: wait for wait in story.waits}
    assert waits["waiting"].title.startswith("Fetch waits: ")
    assert waits["filling"].title == "orders-0 fills: linger"
    assert all(wait.since <= wait.until <= story.end for wait in story.waits)


def test_only_the_nodes_that_are_wanted(run: tuple[Trace, float]) -> None:
    found = journeys(run[0], nodes=["till", "broker-1"])
    assert [lane.name for lane in found.lanes] == ["till", "broker-1"]


def test_a_message_that_was_lost_says_so() -> None:
    from minikafka.node import Channel, Request
    from minikafka.trace import NO_CAUSE
    from minikafka.wire.messages.fetch import FetchRequest

    trace, channel = Trace(), Channel("c", "b:1")
    first = Request(channel, FetchRequest(topics=[]), 12, 1, "c")
    trace.add("b", "delivered", first)  # tells who is at b:1
    trace.now, trace.cause = 1_000, NO_CAUSE
    trace.cause = trace.add("c", "sent", Request(channel, FetchRequest(topics=[]), 12, 2, "c"))
    trace.add("c", "dropped", first)
    trace.now = 9_000
    trace.add("c", "started", {})
    _seen, lost = journeys(trace).messages  # of the first only the delivery was seen
    assert lost.arrived == LOST


def test_a_crash_ends_what_waited_there_and_what_was_on_its_way() -> None:
    from minikafka.node import Channel, Request
    from minikafka.wire.messages.fetch import FetchRequest

    trace, channel = Trace(), Channel("c", "b:1")
    trace.add("b", "delivered", Request(channel, FetchRequest(topics=[]), 12, 1, "c"))
    opened = {"topic": "t", "partition": 0, "base_sequence": 0}
    trace.add("c", "batch_opened", opened)
    trace.now = 1_000
    trace.add("c", "sent", Request(channel, FetchRequest(topics=[]), 12, 2, "c"))
    trace.now = 4_000
    trace.add("c", "crashed", {})
    trace.now = 9_000
    trace.add("b", "started", {})
    story = journeys(trace)
    assert [wait.until for wait in story.waits] == [4_000]
    assert story.messages[-1].arrived == LOST


# ---- windows ---------------


def test_what_is_sent_to_a_broker_that_is_down_is_lost() -> None:
    sim = Simulator(seed=7)
    broker = sim.broker()
    sim.admin().create_topics([NewTopic("orders")])
    producer = sim.producer(client_id="till")
    producer.send("orders", b"tea").result()
    broker.crash()
    assert sim.trace is not None
    crashed = sim.now - sim.trace.events[0].time
    producer.send("orders", b"water")
    sim.run(500)
    tries = [m for m in journeys(sim.trace).messages if m.sent > crashed]
    assert tries and {message.arrived for message in tries} == {LOST}


def test_what_was_under_way_when_the_window_opens_is_in_it(run: tuple[Trace, float]) -> None:
    trace, _ = run
    whole = journeys(trace)
    fetch = next(m for m in whole.messages if m.title == "Fetch" and m.arrived > 0)
    wait = next(w for w in whole.waits if w.row == "waiting" and w.until > w.since + 2)
    first = trace.events[0].time
    middle = (fetch.sent + fetch.arrived) // 2
    told = journeys(trace, since_us=first + middle)
    entering = next(m for m in told.messages if m.sent < 0)
    assert (entering.sent, entering.arrived) == (fetch.sent - middle, fetch.arrived - middle)
    told = journeys(trace, since_us=first + wait.until - 1)
    assert next((w.since, w.until) for w in told.waits if w.row == "waiting") == (
        wait.since - wait.until + 1,
        1,
    )


def test_what_was_over_before_the_window_opens_is_not_in_it(run: tuple[Trace, float]) -> None:
    trace, _ = run
    last = trace.events[-1].time
    told = journeys(trace, since_us=last, until_us=last)
    assert all(m.arrived >= 0 or m.arrived == -2 for m in told.messages)
    assert all(wait.until >= 0 for wait in told.waits)
    assert all(mark.at >= 0 for mark in told.marks)


def test_a_role_is_that_of_the_whole_run(run: tuple[Trace, float]) -> None:
    trace, _ = run
    last = trace.events[-1].time
    told = journeys(trace, since_us=last, until_us=last, nodes=["till", "broker-1", "billing"])
    assert [(lane.name, lane.role) for lane in told.lanes] == [
        ("till", "producer"),
        ("broker-1", "broker"),
        ("billing", "consumer"),
    ]


# ---- causes ---------------


def test_a_batch_that_is_sent_again_has_its_failure_as_its_cause() -> None:
    told = a_lost_acknowledgement()
    first, again = (m for m in told.messages if m.title == "Produce")
    failed = next(mark for mark in told.marks if mark.kind == "retried")
    assert failed.title == "failed: NETWORK_EXCEPTION"
    assert told.causes[again.events[0]] == failed.events[0]
    chain, event = [], again.events[0]
    while event >= 0:
        chain.append(event)
        event = told.causes[event]
    lost = next(m for m in told.messages if m.arrived == LOST)
    assert {*first.events, lost.events[0]} <= set(chain)


def test_a_batch_that_is_split_goes_on_as_its_halves() -> None:
    sim = Simulator(seed=1)
    sim.broker()
    sim.admin().create_topics([NewTopic("t", configs={"max.message.bytes": 500})])
    producer = sim.producer(linger_ms=1)
    for _ in range(8):
        producer.send("t", b"x" * 100)
    producer.flush()
    assert sim.trace is not None
    waits = journeys(sim.trace).waits
    assert [wait.title for wait in waits if wait.row == "filling"] == ["t-0 fills: flush"]
    flying = [wait for wait in waits if wait.row == "in flight"]
    assert [wait.title for wait in flying] == [
        "8 records in flight", "4 records in flight", "4 records in flight",
    ]  # fmt: skip
    assert flying[0].until == flying[1].since == flying[2].since < flying[1].until


# ---- the order of lanes ---------------


def test_brokers_that_know_nothing_of_each_other_keep_their_clients_beside_them() -> None:
    told = journeys(a_world(500, brokers=3, producers=3, consumers=3))
    place = {lane.name: i for i, lane in enumerate(told.lanes)}
    for i in "123":
        assert place[f"till-{i}"] + 1 == place[f"broker-{i}"] == place[f"billing-{i}"] - 1


def crossings(order: tuple[int, ...] | list[int], traffic: dict[tuple[int, int], int]) -> int:
    place = {lane: i for i, lane in enumerate(order)}
    return sum((abs(place[a] - place[b]) - 1) * n for (a, b), n in traffic.items())


@pytest.mark.parametrize(
    "pairs",
    [
        [(0, 3), (1, 4), (2, 5)],
        [(0, 1), (0, 2), (0, 3), (0, 4)],
        [(0, 5), (1, 5), (2, 5), (3, 5), (4, 5)],
    ],
)
def test_arrows_cross_as_few_lanes_as_they_must(pairs: list[tuple[int, int]]) -> None:
    traffic = dict.fromkeys(pairs, 3)
    lanes = sorted({end for pair in pairs for end in pair})
    fewest = min(crossings(order, traffic) for order in permutations(lanes))
    assert crossings(arranged(lanes, traffic), traffic) <= fewest + 3 * 2


def test_an_order_in_which_nothing_is_crossed_stays() -> None:
    assert arranged([4, 1, 7], Counter({(4, 1): 5, (1, 7): 2})) == [4, 1, 7]


# ---- bytes ---------------


def test_every_message_has_its_very_bytes_and_what_they_are(run: tuple[Trace, float]) -> None:
    trace, _ = run
    told = journeys(trace)
    sent = {i: event.what for i, event in enumerate(trace) if event.kind == "sent"}
    for message in told.messages:
        original, packed = sent[message.events[0]], message.frame
        is_request = isinstance(original, Request)
        parts = encode_request(original) if is_request else encode_response(original)
        frame = b"".join(bytes(part) for part in parts)
        assert packed is not None and bytes.fromhex(packed["hex"]) == frame
        assert message.size_bytes == len(frame) and message.body is None
        tree = (
            dissect_request(frame)
            if is_request
            else dissect_response(frame, original.body.API_KEY, original.version)
        )
        spans = packed["spans"]
        rebuilt = [
            f"{start:04x}  {'  ' * depth + name:<34} {value}".rstrip()
            for (name, depth, _), start, value in zip(
                told.layouts[packed["layout"]], spans[::2], packed["values"], strict=True
            )
        ]
        assert rebuilt == str(tree).splitlines()


def test_a_large_message_keeps_its_bytes_but_says_its_fields() -> None:
    sim = Simulator(seed=7)
    sim.broker()
    sim.admin().create_topics([NewTopic("orders")])
    sim.producer(client_id="till").send("orders", b"x" * 5_000).result()
    assert sim.trace is not None
    told = journeys(sim.trace)
    large = next(m for m in told.messages if m.api == "Produce" and not m.is_answer)
    assert large.size_bytes > told.most_bytes and large.frame is None
    assert large.body["topic_data"][0]["name"] == "orders"


def test_a_story_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = a_world(500)
    requests = [e.what for e in trace.of("sent") if isinstance(e.what, Request)]
    monkeypatch.setattr(frames, "MOST_IN_ALL", 5_000)
    packer = Frames()
    kept = [packer.of(request) for request in requests]
    assert kept[0][1] is not None and kept[-1][1] is None
    assert all(size > 0 for size, _ in kept)


def test_alike_messages_share_their_names() -> None:
    told = journeys(a_world(5_000, 5, 3, 3))
    assert len(told.messages) > 1_000 and len(told.layouts) < 40
    assert all(message.frame for message in told.messages)
