"""ListOffsets: real timestamps, the special ones, and who may see what."""

from __future__ import annotations

from typing import Any

import pytest

from minikafka.record.batch import HEADER_BYTES
from minikafka.record.crc import crc32c
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)

from .talk import Conversation, batch_of, produce_request


def find(
    broker: Conversation,
    timestamp: int,
    version: int = 11,
    topic: str = "t",
    epoch: int = -1,
    **fields: Any,
) -> Any:
    asked = ListOffsetsPartition(timestamp=timestamp, current_leader_epoch=epoch)
    topics = [ListOffsetsTopic(name=topic, partitions=[asked])]
    answer = broker.ask(ListOffsetsRequest(**{"replica_id": -1, **fields}, topics=topics), version)
    return answer.topics[0].partitions[0]


@pytest.fixture
def talk(broker: Conversation) -> Conversation:
    """Topic t with records of 1000 ms, 3000 ms and 2000 ms; its log starts at offset 0."""
    broker.create()
    for ms in (1000, 3000, 2000):
        broker.now = ms * 1000
        broker.produce(b"x")
    return broker


FOUND = {
    "the latest offset": (-1, (-1, 3, 0)),
    "the earliest offset": (-2, (-1, 0, 0)),
    "the largest timestamp": (-3, (3000, 1, 0)),
    "the earliest offset here": (-4, (-1, 0, 0)),
    "the latest in tiered storage": (-5, (-1, -1, -1)),
    "the earliest not uploaded": (-6, (-1, -1, -1)),
    "a time before all": (0, (1000, 0, 0)),
    "the time of a record": (1000, (1000, 0, 0)),
    "a time between records": (1001, (3000, 1, 0)),
    "a time after all": (3001, (-1, -1, -1)),
}


@pytest.mark.parametrize("name", FOUND)
def test_finds(talk: Conversation, name: str) -> None:
    timestamp, (time, offset, epoch) = FOUND[name]
    found = find(talk, timestamp)
    assert (found.timestamp, found.offset, found.leader_epoch) == (time, offset, epoch)
    assert found.error_code == 0


@pytest.mark.parametrize("version", range(1, 12))
def test_every_version_finds_both_ends(talk: Conversation, version: int) -> None:
    assert find(talk, -2, version).offset == 0
    found = find(talk, -1, version)
    assert found.offset == 3
    assert found.leader_epoch == (0 if version >= 4 else -1)


@pytest.mark.parametrize(("timestamp", "since"), [(-3, 7), (-4, 8), (-5, 9), (-6, 11)])
def test_a_special_timestamp_is_unknown_before_its_version(
    talk: Conversation, timestamp: int, since: int
) -> None:
    assert find(talk, timestamp, since - 1).error_code == ErrorCode.UNSUPPORTED_VERSION
    assert find(talk, timestamp, since).error_code == 0


def test_a_timestamp_that_means_nothing_is_unsupported(talk: Conversation) -> None:
    assert find(talk, -7).error_code == ErrorCode.UNSUPPORTED_VERSION


def test_what_is_not_committed_is_not_found(talk: Conversation) -> None:
    partition = talk.broker.replicas.partition("t", 0)
    partition.high_watermark = 1
    assert find(talk, -1).offset == 1
    assert find(talk, 2000).offset == -1
    assert find(talk, -3).offset == -1
    assert find(talk, -1, replica_id=-2).offset == 3, "a debugger sees the log's end"


def test_an_empty_log_has_two_equal_ends_and_no_times(broker: Conversation) -> None:
    broker.create()
    assert find(broker, -1).offset == find(broker, -2).offset == 0
    assert find(broker, -3).offset == find(broker, 0).offset == -1
    assert find(broker, -2).leader_epoch == 0, "the leader's reign has begun all the same"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"topic": "nowhere"}, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ({"epoch": 1}, ErrorCode.UNKNOWN_LEADER_EPOCH),
        ({"epoch": -2}, ErrorCode.FENCED_LEADER_EPOCH),
    ],
)
def test_errors(talk: Conversation, fields: dict[str, Any], error: ErrorCode) -> None:
    found = find(talk, -1, **fields)
    assert (found.error_code, found.offset, found.timestamp) == (error, -1, -1)


def test_a_partition_named_twice_is_refused_once(talk: Conversation) -> None:
    twice = [ListOffsetsPartition(timestamp=-1), ListOffsetsPartition(timestamp=-2)]
    request = ListOffsetsRequest(topics=[ListOffsetsTopic(name="t", partitions=twice)])
    (answer,) = talk.ask(request, 5).topics[0].partitions
    assert answer.error_code == ErrorCode.INVALID_REQUEST


def test_a_batch_that_nobody_can_read_does_not_stop_the_log(talk: Conversation) -> None:
    """Nothing is looked at inside of a record when it is produced; see record/batch.py."""
    garbage = bytearray(batch_of(b"x", b"y", now=4_000_000))
    garbage[HEADER_BYTES + 4] = 60  # the length of a key that is not there
    garbage[17:21] = crc32c(garbage[21:]).to_bytes(4, "big")
    answer = talk.ask(produce_request(bytes(garbage)), 9).responses[0].partition_responses[0]
    assert (answer.error_code, answer.base_offset) == (0, 3)
    talk.now = 5_000_000
    assert talk.produce(b"next").base_offset == 5

    for clean in (False, True):
        assert find(talk, 3500).error_code == ErrorCode.CORRUPT_MESSAGE
        assert [find(talk, ms).offset for ms in (1000, 4001, -1, -2, -3)] == [0, 5, 6, 0, 5]
        (partition,) = talk.fetch((0, 3)).responses[0].partitions
        assert (partition.error_code, partition.high_watermark) == (0, 6)
        assert bytes(partition.records)[HEADER_BYTES : len(garbage)] == garbage[HEADER_BYTES:]
        assert talk.values(offset=5) == [b"next"]
        if clean:
            talk.stop()
        talk.start()
