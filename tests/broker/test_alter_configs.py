"""Configs that change while the broker runs: in force at once, and still there after a crash."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from minikafka.node import MS
from minikafka.record.batch import read_header
from minikafka.record.compression import Compression
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from minikafka.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from minikafka.wire.messages.describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from minikafka.wire.messages.describe_log_dirs import DescribeLogDirsRequest
from minikafka.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
    Operation,
)
from minikafka.wire.messages.metadata_records import ConfigRecord

from .talk import Conversation, batch_of, fetch_request

Start = Callable[..., Conversation]
TOPIC, BROKER = 2, 4


def alter(broker: Conversation, kind: int, name: str, **configs: object) -> Any:
    """Set configs (None: delete); returns the answer for the resource."""
    changes = [
        AlterableConfig(
            config.replace("_", "."),
            Operation.DELETE if value is None else Operation.SET,
            None if value is None else str(value),
        )
        for config, value in configs.items()
    ]
    request = IncrementalAlterConfigsRequest([AlterConfigsResource(kind, name, changes)])
    return broker.ask(request, 1).responses[0]


def value_of(broker: Conversation, kind: int, name: str, config: str) -> tuple[str | None, int]:
    """Value and source."""
    wanted = DescribeConfigsResource(kind, name, [config])
    (found,) = broker.ask(DescribeConfigsRequest([wanted]), 4).results[0].configs
    return found.value, found.config_source


def test_the_size_of_messages(broker: Conversation) -> None:
    broker.create()
    assert broker.produce(b"x" * 500).error_code == 0
    alter(broker, TOPIC, "t", max_message_bytes=300)
    assert broker.produce(b"x" * 500).error_code == ErrorCode.MESSAGE_TOO_LARGE
    alter(broker, TOPIC, "t", max_message_bytes=None)
    assert broker.produce(b"x" * 500).error_code == 0


def test_whose_time_counts_and_in_which_bounds(broker: Conversation) -> None:
    broker.create()
    assert broker.produce(b"v").log_append_time_ms == -1
    alter(broker, TOPIC, "t", message_timestamp_type="LogAppendTime")
    assert broker.produce(b"v").log_append_time_ms == broker.now // MS
    alter(broker, TOPIC, "t", message_timestamp_type="CreateTime")
    alter(broker, TOPIC, "t", message_timestamp_before_max_ms=1000)
    broker.now += 5_000 * MS
    old = batch_of(b"v", now=broker.now - 2_000 * MS)
    from .talk import produce_request

    answer = broker.ask(produce_request(old), 9).responses[0].partition_responses[0]
    assert answer.error_code == ErrorCode.INVALID_TIMESTAMP


def test_the_codec_in_which_batches_are_kept(broker: Conversation) -> None:
    broker.create()
    alter(broker, TOPIC, "t", compression_type="gzip")
    broker.produce(b"v" * 1000)
    stored = bytes(broker.fetch((0, 0)).responses[0].partitions[0].records)
    assert read_header(stored).compression is Compression.GZIP
    assert broker.values() == [b"v" * 1000]


def test_the_size_of_segments_and_how_much_is_kept(start: Start) -> None:
    broker = start(log_retention_check_interval_ms=1_000)
    broker.create()
    for _ in range(3):
        broker.produce(b"x" * 700_000)
    log = broker.broker.replicas.partition("t", 0).log
    assert len(log.segments) == 1
    alter(broker, TOPIC, "t", segment_bytes=1 << 20)
    for _ in range(3):
        broker.produce(b"x" * 700_000)
    assert len(log.segments) == 4
    alter(broker, TOPIC, "t", retention_bytes=1_400_000)
    broker.pass_time(2_000)
    assert log.log_start_offset == 4 and log.log_end_offset == 6
    broker.now += 100_000 * MS
    alter(broker, TOPIC, "t", retention_ms=1_000)
    broker.pass_time(2_000)
    assert log.log_start_offset == log.log_end_offset == 6


def test_a_brokers_config_is_the_default_of_its_topics_and_of_those_that_set_nothing(
    broker: Conversation,
) -> None:
    broker.create("own", retention_ms=5)
    broker.create("t")
    alter(broker, BROKER, "", log_retention_ms=1_000)
    assert value_of(broker, TOPIC, "t", "retention.ms") == ("1000", 3)
    alter(broker, BROKER, "1", log_retention_ms=2_000)
    assert value_of(broker, TOPIC, "t", "retention.ms") == ("2000", 2)
    assert value_of(broker, TOPIC, "own", "retention.ms") == ("5", 1)
    assert broker.broker.replicas.partition("t", 0).log.config.retention_ms == 2_000
    alter(broker, TOPIC, "own", retention_ms=None)
    assert value_of(broker, TOPIC, "own", "retention.ms") == ("2000", 2)
    alter(broker, BROKER, "1", log_retention_ms=None)
    alter(broker, BROKER, "", log_retention_ms=None)
    assert value_of(broker, TOPIC, "t", "retention.ms") == ("604800000", 5)
    assert broker.broker.replicas.partition("t", 0).log.config.retention_ms == 604_800_000


def test_after_a_crash_everything_is_as_it_was_set(start: Start) -> None:
    broker = start(log_retention_ms=9_000)
    broker.create("t")
    alter(broker, TOPIC, "t", segment_bytes=2 << 20)
    alter(broker, BROKER, "1", max_connections=7)
    alter(broker, BROKER, "", log_retention_ms=1_000)
    again = start(log_retention_ms=9_000)
    assert again.broker.max_connections == 7
    assert value_of(again, TOPIC, "t", "segment.bytes") == (str(2 << 20), 1)
    config = again.broker.replicas.partition("t", 0).log.config
    assert (config.segment_bytes, config.retention_ms) == (2 << 20, 1_000)
    alter(again, BROKER, "", log_retention_ms=None)
    assert value_of(again, TOPIC, "t", "retention.ms") == ("9000", 4)


@pytest.mark.parametrize("name", ["node.id", "num.partitions", "no.such.config"])
def test_what_cannot_be_changed_is_refused_and_nothing_else_happens(
    broker: Conversation, name: str
) -> None:
    before = broker.broker.image.offset
    answer = alter(broker, BROKER, "1", **{"log.retention.ms": 5, name: "7"})
    assert answer.error_code != 0 and name in answer.error_message
    assert broker.broker.image.offset == before
    assert value_of(broker, BROKER, "1", "log.retention.hours") == ("168", 5)


def test_configs_of_another_version_in_the_log_do_not_keep_a_broker_from_starting(
    start: Start,
) -> None:
    broker = start()
    broker.create("t")
    for kind, name, config, value in [
        (TOPIC, "t", "of.kafka.5", "1"),
        (TOPIC, "t", "retention.ms", "a while"),
        (TOPIC, "t", "segment.bytes", "2000000"),
        (BROKER, "1", "log.retention.ms", "a while"),
        (BROKER, "", "of.kafka.5", "1"),
        (16, "metrics", "interval.ms", "1"),
    ]:
        broker.broker.commit([ConfigRecord(kind, name, config, value)], broker.now)
    again = start()
    config = again.broker.replicas.partition("t", 0).log.config
    assert (config.retention_ms, config.segment_bytes) == (604_800_000, 2_000_000)
    assert value_of(again, TOPIC, "t", "retention.ms") == ("604800000", 5)
    assert again.produce(b"v").error_code == 0


def test_too_much_for_the_log_at_once_changes_nothing(broker: Conversation) -> None:
    for number in range(300):
        broker.create(f"t{number}")
    pairs = ",".join(f"{n}:1" for n in range(4_500))
    wanted = [
        AlterConfigsResource(
            TOPIC, f"t{n}", [AlterableConfig("leader.replication.throttled.replicas", 0, pairs)]
        )
        for n in range(300)
    ]
    answers = broker.ask(IncrementalAlterConfigsRequest(wanted), 1).responses
    assert {answer.error_code for answer in answers} == {ErrorCode.MESSAGE_TOO_LARGE}
    assert broker.broker.image.topic_configs("t7") == {}


def test_a_directory_that_is_gone_is_told_and_ends_nothing(
    broker: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> tuple[int, int]:
        raise FileNotFoundError

    monkeypatch.setattr(broker.files, "space", gone)
    (told,) = broker.ask(DescribeLogDirsRequest(None), 5).results
    assert told.error_code == ErrorCode.UNKNOWN_SERVER_ERROR


def test_records_are_deleted_for_readers_that_wait_too(broker: Conversation) -> None:
    broker.create()
    for _ in range(4):
        broker.produce(b"v")
    waits = fetch_request((0, 4), max_wait_ms=10_000)
    broker.send(waits, 12)
    assert broker.me.answers == []
    partitions = [DeleteRecordsPartition(0, 3)]
    broker.ask(DeleteRecordsRequest([DeleteRecordsTopic("t", partitions)]), 2, other(broker))
    assert broker.me.answers == []  # what it waits for is still to come
    early = broker.fetch((0, 2), client=other(broker)).responses[0].partitions[0]
    assert early.error_code == ErrorCode.OFFSET_OUT_OF_RANGE
    assert early.log_start_offset in (3, -1)


def other(broker: Conversation) -> Any:
    from .talk import Client

    return Client("another")


def test_new_partitions_are_there_at_once_and_after_a_crash(start: Start) -> None:
    broker = start()
    broker.create("t", 2)
    broker.produce(b"old")
    grow = CreatePartitionsRequest([CreatePartitionsTopic("t", 4, None)])
    assert broker.ask(grow, 3).results[0].error_code == 0
    assert broker.produce(b"new", partition=3).error_code == 0
    assert broker.values() == [b"old"]
    assert [e["partitions"] for e in broker.happened("partitions_created")] == [4]
    again = start()
    assert again.values(partition=3) == [b"new"]
    assert again.values() == [b"old"]
