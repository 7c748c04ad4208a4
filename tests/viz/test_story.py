"""The story of a trace: each event that a reader would point at, in words and in columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from minikafka.admin import NewTopic
from minikafka.bench.widgets import a_world
from minikafka.node import Request
from minikafka.producer.partitioner import partition_of_key
from minikafka.runtime.simulator import Simulator
from minikafka.trace import Trace
from minikafka.viz.story import NEVER_ENDED, Steps, Story, size_text, span, tell
from minikafka.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData

from .conftest import BROKER, CHANNEL, Teller

TOLD = """\
started             broker-1 starts
topic_created       topic orders is created with 2 partitions
position            billing will read 0 of orders-0 next
position            audit will read 0 of orders-0 next
position            billing will read 0 of orders-1 next
produce             till sends 3 records to orders-0
append              orders-0: 3 records at 0..2, 97 B
high_watermark      orders-0: high watermark 3, 0..2 committed
batch_acknowledged  till knows: orders-0 holds 0..2
produce             till sends 1 record to orders-0
dropped             the records for orders-0 are lost on their way
produce             till sends 1 record to orders-1
append              orders-1: 1 record at 0, 73 B
high_watermark      orders-1: high watermark 1, 0 committed
batch_acknowledged  till knows: orders-1 holds 0
position            billing has read 0..2 of orders-0
roll                orders-0: the open file is closed, …0003.log begins
produce             till sends 2 records to orders-0
append              orders-0: 2 records at 3..4, 85 B
high_watermark      orders-0: high watermark 5, 3..4 committed
batch_acknowledged  till knows: orders-0 holds 3..4
position            audit has read 0..1 of orders-0
log_start_offset    orders-0: the log now starts at 1 (DeleteRecords)
produce             till sends 4 records to orders-0
append              orders-0: 4 records at 5..8, 109 B
high_watermark      orders-0: high watermark 9, 5..8 committed
batch_acknowledged  till knows: orders-0 holds 5..8
log_start_offset    orders-0: the log now starts at 3 (retention.ms)
segment_deleted     orders-0: …0000.log is deleted (retention.ms)
produce             till sends 2 records to orders-0
append              orders-0: 2 records at 9..10, 85 B
crashed             broker-1 crashes: what it had flushed stays on its disk
started             broker-1 starts
recovered           orders-0 is recovered up to 9; 9..10 lost
truncate            orders-0 is cut back to 8; 8 lost
"""


def test_every_moment_in_words(story: Story) -> None:
    moments = story.moments
    lines = [f"{k:<20}{t}\n" for k, t in zip(moments.kind, moments.text, strict=True)]
    assert "".join(lines) == TOLD


def test_offsets_are_steps_over_moments(story: Story) -> None:
    lane = story.lanes[0]
    assert (lane.log_end.value, lane.log_end.moment) == ([0, 3, 5, 9, 11, 9, 8],
                                                         [1, 6, 18, 24, 30, 33, 34])  # fmt: skip
    assert lane.high_watermark.value == [0, 3, 5, 9, 8]
    assert lane.log_start.value == [0, 1, 3]
    assert lane.readers["billing"].value == [0, 3]
    assert lane.cut == {33: 11, 34: 9}
    assert lane.log_end.at(0) is None
    assert lane.log_end.at(17) == 3


def test_batches_live_from_their_append_until_they_are_deleted_or_cut(story: Story) -> None:
    batches = story.lanes[0].batches
    assert list(zip(batches.base, batches.end, batches.born, batches.gone, strict=True)) == [
        (0, 3, 6, 28),
        (3, 5, 18, NEVER_ENDED),
        (5, 9, 24, NEVER_ENDED),
        (9, 11, 30, 33),
    ]


def test_index_entries_and_the_leaders_epoch_come_from_the_appends(story: Story) -> None:
    lane = story.lanes[0]
    assert lane.batches.indexed == [False, True, False, True]
    assert (lane.epoch.moment, lane.epoch.value) == ([1], [4])


def test_nothing_is_said_of_a_leader_that_the_trace_does_not_name() -> None:
    trace = Trace()
    trace.add("n", "append", {"topic": "t", "partition": 0, "base_offset": 0,
                              "last_offset": 0, "size_bytes": 70})  # fmt: skip
    lane = tell(trace).lanes[0]
    assert (lane.epoch.value, lane.batches.indexed) == ([], [False])


def test_partitions_that_come_later_have_lanes_and_a_moment() -> None:
    trace = Trace()
    trace.add("n", "topic_created", {"topic": "t", "partitions": 1, "leader_epoch": 0})
    trace.add("n", "partitions_created", {"topic": "t", "partitions": 2, "leader_epoch": 0})
    story = tell(trace)
    assert story.moments.text[1] == "topic t now has 2 partitions"
    assert [lane.log_end.at(0) for lane in story.lanes] == [0, None]
    assert [lane.epoch.at(1) for lane in story.lanes] == [0, 0]


def produced(*keys: bytes, partition: int | None = None) -> Story:
    """Records with these keys on their way to a topic of two partitions, one after the other."""
    run = Teller()
    run.event("topic_created", topic="orders", partitions=2)
    for key in keys:
        to = partition_of_key(key, 2) if partition is None else partition
        run.produce(to, (key.decode(), "tea"))
    return tell(run.trace)


def test_few_keys_are_told_with_their_hash_and_partition() -> None:
    found = produced(b"bob", b"alice", b"bob").keys
    assert [(key.text, key.hash, key.partition) for key in found] == [
        ("bob", "85ebcace", 0),
        ("alice", "74504595", 1),
    ]


def test_there_is_no_table_of_keys_where_it_would_be_long_or_not_true() -> None:
    assert produced(b"1", b"2", b"3", b"4", b"5").keys == []
    assert produced(b"bob", b"alice", partition=0).keys == [], "somebody chose the partition"
    assert produced().keys == []


def test_keys_and_values_come_from_the_request_behind_an_append(story: Story) -> None:
    batches = story.lanes[0].batches
    assert batches.records[0] == [["bob", "tea"], ["carol", "water"], ["bob", "scone"]]
    assert batches.records[1][1] == ["bob", "a cake with a very long…"]


def test_a_long_key_in_many_bytes_is_cut_between_its_letters() -> None:
    keys = [key.text for key in produced("ключ-для-заказа-42".encode(), "ж".encode() * 40).keys]
    assert keys == ["ключ-для-заказа-42", "ж" * 23 + "…"]


def test_a_request_is_followed_until_its_sender_knows(story: Story) -> None:
    flights = story.flights
    assert flights.label[0] == ["till · 3 records · bob, carol", "till · 3 records", "till"]
    assert flights.sent[:2] == [5, 9]
    assert flights.end[:2] == [6, 10]
    assert flights.lost[:2] == [False, True]
    assert flights.acknowledged == [8, NEVER_ENDED, 14, 20, 26, NEVER_ENDED]


def test_clients_stand_at_the_broker_that_they_asked() -> None:
    """Three brokers that know nothing of each other each have a topic of the same name."""
    story = tell(a_world(500, brokers=3, producers=3, consumers=3))
    readers = {lane.broker: list(lane.readers) for lane in story.lanes}
    assert readers == {f"broker-{n}": [f"billing-{n}"] for n in (1, 2, 3)}
    for flight, (index, label) in enumerate(
        zip(story.flights.lane, story.flights.label, strict=True)
    ):
        lane = story.lanes[index]
        assert lane.broker == label[-1].replace("till", "broker")
        if (base := story.flights.base[flight]) >= 0:
            assert base in lane.batches.base
    for lane in story.lanes:
        assert all(lane.batches.records), "each batch is known by its request"
        (read,) = lane.readers.values()
        assert read.last <= lane.log_end.last
        assert lane.log_end.moment[0] == lane.epoch.moment[0], "it begins with its own topic"


def test_what_the_story_says_is_what_the_brokers_have() -> None:
    """Through files that roll and go, a crash that forgets a DeleteRecords, and a topic's end."""
    sim = Simulator(seed=3)
    broker, admin = sim.broker(), sim.admin()
    small = {"internal.segment.bytes": "4096", "flush.messages": "1"}
    admin.create_topics([NewTopic("orders", configs={**small, "retention.bytes": "12000"})])
    producer = sim.producer()

    def write(count: int) -> None:
        for _ in range(count):
            producer.send("orders", b"x" * 500).result()

    write(60)
    sim.run(400_000)
    agree(sim, broker)
    admin.delete_records({("orders", 0): 55})
    agree(sim, broker)
    broker.crash()
    broker.restart()
    assert agree(sim, broker).log_start_offset < 55
    assert "it starts at" in tell(sim.trace or Trace()).moments.text[-1]
    write(4)
    admin.delete_topics(["orders"])
    assert tell(sim.trace or Trace()).lanes[0].log_end.at(10_000) is None
    admin.create_topics([NewTopic("orders")])
    write(2)
    assert agree(sim, broker).log_end_offset == 2


def agree(sim: Simulator, broker: Any) -> Any:
    """Compare the end of the story with the broker; returns what the broker says."""
    assert sim.trace is not None
    lane, now = tell(sim.trace).lanes[0], sim.trace.events[-1].time
    (partition,) = [p for p in broker.statistics().partitions if p.topic == "orders"]
    segments, batches = lane.segments, lane.batches
    alive = [base for base, gone in zip(segments.base, segments.gone, strict=True) if gone < 0]
    sizes = zip(batches.size_bytes, batches.gone, strict=True)
    told = (lane.log_start.last, lane.high_watermark.last, lane.log_end.last,
            sorted(alive), sum(size for size, gone in sizes if gone < 0))  # fmt: skip
    assert told == (partition.log_start_offset, partition.high_watermark,
                    partition.log_end_offset, [s.base_offset for s in partition.segments],
                    partition.size_bytes), now  # fmt: skip
    return partition


def test_records_for_a_broker_that_is_down_do_not_fly_for_ever() -> None:
    sim = Simulator(seed=7)
    broker = sim.broker()
    sim.admin().create_topics([NewTopic("orders", configs={"flush.messages": "1"})])
    producer = sim.producer()
    producer.send("orders", b"1").result()
    producer.send("orders", b"2")
    assert sim.run_until(lambda: len(tell(sim.trace or Trace()).flights.sent) == 2)
    broker.crash()
    sim.run(5)
    broker.restart()
    sim.run(500)
    story = tell(sim.trace or Trace())
    assert NEVER_ENDED not in story.flights.end
    assert story.flights.lost == [False, True, False]


def test_a_part_of_a_request_that_is_refused_ends_there() -> None:
    run = Teller()
    run.event("topic_created", topic="orders", partitions=2)
    body = ProduceRequest(acks=1, timeout_ms=1_000, topic_data=[TopicProduceData(name="orders",
        partition_data=[PartitionProduceData(index=i, records=None) for i in (0, 1)])])  # fmt: skip
    request = Request(CHANNEL, body, 9, 1, "till")
    run.trace.cause = run.trace.add("till", "sent", request)
    run.trace.cause = run.trace.add(BROKER, "delivered", request)
    run.trace.add(BROKER, "append", {"topic": "orders", "partition": 0, "base_offset": 0,
                                     "last_offset": 0, "size_bytes": 70})  # fmt: skip
    story = tell(run.trace)
    assert story.moments.text[-2:] == ["orders-1: nothing is appended",
                                       "orders-0: 1 record at 0, 70 B"]  # fmt: skip
    assert NEVER_ENDED not in story.flights.end


def test_a_story_is_plain_values_for_the_browser(story: Story) -> None:
    plain = json.loads(json.dumps(story.to_json()))
    assert plain["lanes"][0]["name"] == "orders-0"
    assert plain["moments"]["text"] == story.moments.text


def test_a_chosen_topic_and_internal_topics() -> None:
    trace = Trace()
    for topic in ("a", "b", "__cluster_metadata"):
        trace.add("n", "append", {"topic": topic, "partition": 0, "base_offset": 7,
                                  "last_offset": 7, "size_bytes": 70})  # fmt: skip
    assert [lane.name for lane in tell(trace).lanes] == ["a-0", "b-0"]
    chosen = tell(trace, topics=["__cluster_metadata"])
    assert [lane.name for lane in chosen.lanes] == ["__cluster_metadata-0"]
    assert chosen.lanes[0].first == 7, "the first thing heard of a log is where it begins"
    assert chosen.lanes[0].batches.records == [[]]


def test_an_empty_trace_has_an_empty_story() -> None:
    story = tell(Trace())
    assert (story.lanes, story.last, story.record_count) == ([], -1, 0)


def test_a_long_story_is_told_quickly_enough_to_redraw() -> None:
    trace = Trace()
    for offset in range(5_000):
        trace.now += 100
        trace.add("n", "append", {"topic": "t", "partition": 0, "base_offset": offset,
                                  "last_offset": offset, "size_bytes": 70})  # fmt: skip
        trace.add("n", "high_watermark", {"topic": "t", "partition": 0, "offset": offset + 1})
    story = tell(trace)
    assert story.record_count == 5_000
    assert story.last == 9_999


def test_words_for_numbers() -> None:
    assert (span(4, 5), span(4, 7)) == ("4", "4..6")
    assert [size_text(n) for n in (0, 999, 3_400, 1_250_000)] == [
        "0 B",
        "999 B",
        "3.4 kB",
        "1.2 MB",
    ]


def test_steps_keep_only_changes() -> None:
    steps = Steps()
    for moment, value in ((1, 5), (2, 5), (3, 6)):
        steps.set(moment, value)
    assert (steps.moment, steps.value, steps.last) == ([1, 3], [5, 6], 6)


def test_viz_reads_no_files_of_its_own_for_a_story() -> None:
    """A story is a pure function of the trace: nothing in viz/story.py touches the world."""
    source = Path(tell.__code__.co_filename).read_text(encoding="utf-8")
    assert "open(" not in source.replace("_open(", "")
