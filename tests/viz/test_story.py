"""The story of a trace: each event that a reader would point at, in words and in columns."""

from __future__ import annotations

import json
from pathlib import Path

from minikafka.producer.partitioner import partition_of_key
from minikafka.trace import Trace
from minikafka.viz.story import NEVER_ENDED, Steps, Story, size_text, span, tell

from .conftest import Teller

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


def test_a_request_is_followed_until_its_sender_knows(story: Story) -> None:
    flights = story.flights
    assert flights.label[0] == ["till · 3 records · bob, carol", "till · 3 records", "till"]
    assert flights.sent[:2] == [5, 9]
    assert flights.end[:2] == [6, 10]
    assert flights.lost[:2] == [False, True]
    assert flights.acknowledged == [8, NEVER_ENDED, 14, 20, 26, NEVER_ENDED]


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
