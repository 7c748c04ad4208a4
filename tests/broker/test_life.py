"""Starting, stopping and crashing: what a broker finds again, and what it refuses."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from minikafka.broker.broker import Broker
from minikafka.broker.config import BrokerConfig
from minikafka.broker.identity import WrongDirectory, identify
from minikafka.log.files import RealFiles
from minikafka.node import MS, NEVER, Channel, Request, Response
from minikafka.runtime.disk import MemoryFiles
from minikafka.wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from minikafka.wire.messages.delete_topics import DeleteTopicsRequest

from .talk import START, Conversation, batch_of, produce_request


def test_logs_are_not_given_to_another_cluster(broker: Conversation) -> None:
    broker.create()
    broker.stop()
    (broker.root / "meta.properties").unlink()
    with pytest.raises(WrongDirectory, match="is missing, but __cluster_metadata-0 is there"):
        broker.start()


@pytest.mark.parametrize(
    "lost", [["__cluster_metadata-0"], ["__cluster_metadata-0", "meta.properties"]]
)
def test_logs_without_their_metadata_are_left_as_they_are(
    broker: Conversation, lost: list[str]
) -> None:
    broker.create()
    broker.stop()
    for name in lost:
        (broker.root / name).rename(broker.root / f"saved {name}")
    with pytest.raises(WrongDirectory, match="__cluster_metadata-0 is"):
        broker.start()
    for name in lost:
        (broker.root / f"saved {name}").rename(broker.root / name)
    broker.start()
    assert broker.topic_id() != bytes(16)


@pytest.mark.parametrize("clean", [True, False])
def test_a_restart_finds_topics_configs_and_records(broker: Conversation, clean: bool) -> None:
    topic_id = broker.create(partitions=2, retention_ms=123_456)
    broker.produce(b"a", partition=1)
    cluster = broker.broker.identity.cluster_id
    if clean:
        broker.stop()
        assert (broker.root / ".kafka_cleanshutdown").exists()
    broker.start()
    assert not (broker.root / ".kafka_cleanshutdown").exists()
    assert broker.topic_id() == topic_id
    assert broker.values(1) == [b"a"]
    assert broker.broker.replicas.partition("t", 0).log.config.retention_ms == 123_456
    assert broker.broker.identity.cluster_id == cluster


def test_the_files_are_those_of_apache_kafka(broker: Conversation) -> None:
    broker.create()
    broker.produce(b"a")
    broker.stop()
    assert sorted(path.name for path in broker.root.iterdir()) == [
        ".kafka_cleanshutdown",
        "__cluster_metadata-0",
        "log-start-offset-checkpoint",
        "meta.properties",
        "recovery-point-offset-checkpoint",
        "replication-offset-checkpoint",
        "t-0",
    ]
    assert (broker.root / "replication-offset-checkpoint").read_text() == "0\n1\nt 0 1\n"
    identity = broker.broker.identity
    assert (broker.root / "meta.properties").read_text().splitlines()[1:] == [
        f"cluster.id={identity.cluster_id}",
        f"directory.id={identity.directory_id}",
        "node.id=1",
        "version=1",
    ]


@pytest.mark.parametrize("clean", [True, False])
def test_a_start_waits_for_the_disk_as_often_with_many_partitions_as_with_none(
    broker: Conversation, monkeypatch: pytest.MonkeyPatch, clean: bool
) -> None:
    broker.create(partitions=30)
    broker.produce(b"a", partition=3)
    if clean:
        broker.stop()
    flushed: list[int] = []
    monkeypatch.setattr("minikafka.log.files.os.fsync", flushed.append)
    monkeypatch.setattr("minikafka.log.files.fdatasync", flushed.append)
    broker.start()
    assert len(flushed) < 10
    assert broker.broker.replicas.partition("t", 0).log.end_offset_for_epoch(0) == (0, 0)
    assert broker.values(3) == [b"a"]


def test_another_nodes_directory_is_refused(start: Callable[..., Conversation]) -> None:
    broker = start(node_id=1)
    broker.stop()
    with pytest.raises(WrongDirectory, match=r"belongs to node.id 1, .* with node.id 2"):
        start(node_id=2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version=0\nbroker.id=1\n", "version 0, not 1"),
        ("version=1\nnode.id=1\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAQ\n", "cluster.id is missing"),
        ("", "version None, not 1"),
        ("\udcff\0", "version None, not 1"),
        ("version=1\nnode.id=1\ncluster.id=\n", "cluster.id is missing"),
        ("version=1\nnode.id=1\ncluster.id=x\ndirectory.id=!!\n", "directory.id !! is no UUID"),
        ("version=1\nnode.id=1\ncluster.id=x\ndirectory.id=AAAA\n", "directory.id AAAA is no"),
        ("version=1\nnode.id=1\ncluster.id=x\ndirectory.id=\u00e4\n", "directory.id .* is no UUID"),
    ],
)
def test_a_directory_that_says_something_else_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "meta.properties").write_text(text, "utf-8", "surrogateescape")
    with pytest.raises(WrongDirectory, match=f"^meta.properties: {message}"):
        identify(RealFiles(str(tmp_path)), 1, Random(1))


def test_a_partition_that_nobody_knows_is_set_aside_not_deleted(broker: Conversation) -> None:
    broker.create()
    broker.produce(b"precious")
    size = (broker.root / "t-0" / f"{0:020}.log").stat().st_size
    broker.stop()
    (broker.root / "t-0").rename(broker.root / "u-0")
    broker.start()
    assert [event["directory"] for event in broker.happened("stray")] == ["u-0"]
    (stray,) = broker.root.glob("u-0.*-stray")
    assert (stray / f"{0:020}.log").stat().st_size == size
    assert broker.values() == [], "and the partition that is missing is there, empty"
    broker.start()
    assert stray.exists()


def test_a_persons_directory_is_left_alone_until_there_is_such_a_topic(
    broker: Conversation,
) -> None:
    broker.stop()
    book = broker.root / "backup-0" / "book.index"
    book.parent.mkdir()
    book.write_text("precious")
    broker.start()
    assert [path.name for path in book.parent.iterdir()] == ["book.index"]
    assert not broker.happened("stray", "recovered")
    broker.create("backup")
    broker.produce(b"a", topic="backup")
    broker.start()
    assert broker.broker.replicas.partition("backup", 0).log.log_end_offset == 1
    assert book.read_text() == "precious"


def test_a_partition_that_has_lost_its_topics_id_keeps_its_records(broker: Conversation) -> None:
    topic_id = broker.create()
    broker.produce(b"acknowledged")
    broker.stop()
    path = broker.root / "t-0" / "partition.metadata"
    good = path.read_text()
    path.write_text(good + "!")
    broker.start()
    (told,) = broker.happened("file_damaged")
    assert told["file"] == "t-0/partition.metadata"
    assert broker.values() == [b"acknowledged"]
    assert (broker.topic_id(), path.read_text()) == (topic_id, good)
    assert not broker.happened("stray")


def test_a_long_name_can_be_set_aside_again_and_again(broker: Conversation) -> None:
    long = "n" * 249 + "-0"
    for count in (1, 2):
        broker.now += 1
        broker.start()
        broker.create("t" * count)
        broker.stop()
        (broker.root / ("t" * count + "-0")).rename(broker.root / long)
        broker.start()
        strays = list(broker.root.glob("n*-stray"))
        assert [len(stray.name) for stray in strays] == [255] * count
    assert not (broker.root / long).exists()


def test_a_partition_of_an_earlier_topic_of_the_name_is_set_aside(broker: Conversation) -> None:
    broker.create()
    broker.produce(b"old")
    broker.stop()
    (broker.root / "t-0").rename(broker.root / "kept")
    broker.start()
    broker.ask(DeleteTopicsRequest(topic_names=["t"]), 5)
    broker.stop()
    (broker.root / "kept").rename(broker.root / "t-0")
    broker.start()
    broker.create()
    assert broker.values() == []


def test_chores_run_by_the_clock(start: Callable[..., Conversation]) -> None:
    broker = start(log_retention_check_interval_ms=1000)
    broker.create(retention_ms=500)
    broker.produce(b"old")
    broker.pass_time(999)
    assert broker.values() == [b"old"]
    broker.pass_time(1)
    assert broker.broker.statistics().partitions[0].log_start_offset == 1
    assert broker.happened("segment_deleted")[0]["reason"] == "retention.ms"


def test_recovery_points_are_written_by_the_clock(broker: Conversation) -> None:
    broker.create(flush_messages=1)
    broker.produce(b"a")
    broker.pass_time(60_000)
    points = (broker.root / "recovery-point-offset-checkpoint").read_text()
    assert points == "0\n1\nt 0 1\n"


def test_an_idle_broker_wants_to_be_polled_for_its_chores_only(broker: Conversation) -> None:
    assert START < broker.wake < NEVER
    assert broker.wake == START + 60_000 * MS


def test_statistics_tell_what_there_is(broker: Conversation) -> None:
    broker.create(partitions=2)
    broker.produce(b"a", b"b", partition=1)
    statistics = broker.broker.statistics()
    assert [(each.topic, each.partition) for each in statistics.partitions] == [("t", 0), ("t", 1)]
    partition = statistics.partitions[1]
    assert (partition.log_start_offset, partition.high_watermark) == (0, 2)
    assert (partition.log_end_offset, partition.isr, partition.leader_epoch) == (2, (1,), 0)
    assert broker.happened("high_watermark") == [{"topic": "t", "partition": 1, "offset": 2}]


# --- a machine that loses power -------------------------------------------------------------


def powered(files: MemoryFiles, **configs: object) -> Broker:
    broker = Broker(BrokerConfig.of(configs))
    broker.files, broker.random = files, Random(5)
    broker.start(START)
    return broker


def create(broker: Broker, name: str, partitions: int, **configs: int) -> None:
    wanted = [
        CreatableTopicConfig(name=key.replace("_", "."), value=str(value))
        for key, value in configs.items()
    ]
    wish = CreatableTopic(
        name=name, num_partitions=partitions, replication_factor=1, configs=wanted
    )
    body = CreateTopicsRequest(topics=[wish])
    broker.receive(START, Request(Channel("a", "b"), body, 7, 1, None))


def test_a_topic_that_was_answered_for_survives_the_loss_of_power() -> None:
    files = MemoryFiles()
    broker = powered(files)
    create(broker, "t", 3)
    assert broker.outbox, "answered"
    files.crash()
    assert [each.partition for each in powered(files).statistics().partitions] == [0, 1, 2]


@pytest.mark.parametrize("seed", range(30))
def test_a_topic_is_there_with_all_partitions_or_not_at_all(seed: int) -> None:
    files = MemoryFiles()
    broker = powered(files)
    create(broker, "first", 1)
    broker.metadata_log.log.flush = lambda now: None  # type: ignore[method-assign]
    create(broker, "second", 20)  # written, and not flushed when the power goes
    files.crash(Random(seed))
    partitions = powered(files).statistics().partitions
    assert len([each for each in partitions if each.topic == "first"]) == 1
    assert len([each for each in partitions if each.topic == "second"]) in (0, 20)


# --- what a crash can take (the table in ARCHITECTURE.md) -----------------------------------


class Acknowledged:
    """A record that was answered for at START, in a broker that then goes on until `age_ms`."""

    def __init__(self, age_ms: int, scheduler: dict[str, int], topic: dict[str, int]) -> None:
        self.files = MemoryFiles()
        broker = powered(self.files, **scheduler)
        create(broker, "t", 1, **topic)
        broker.outbox.clear()
        body = produce_request(batch_of(b"a"))
        broker.receive(START, Request(Channel("a", "b"), body, 9, 1, None))
        (answer,) = broker.outbox
        assert isinstance(answer, Response)
        assert answer.body.responses[0].partition_responses[0].error_code == 0
        wake = broker.poll(START)
        while wake <= START + age_ms * MS:
            wake = broker.poll(wake)

    @property
    def count(self) -> int:
        """How many records a broker finds that starts now."""
        return powered(self.files).statistics().partitions[0].log_end_offset


EVERY_100_MS = {"log_flush_scheduler_interval_ms": 100}


@pytest.mark.parametrize(
    ("scheduler", "topic", "age_ms", "left"),
    [
        ({}, {}, 0, 0),
        ({}, {}, 3_600_000, 0),
        ({}, {"flush_messages": 1}, 0, 1),
        (EVERY_100_MS, {"flush_ms": 1000}, 999, 0),
        (EVERY_100_MS, {"flush_ms": 1000}, 1100, 1),
        (EVERY_100_MS, {}, 99, 0),  # the scheduler's interval is the default of flush.ms
        (EVERY_100_MS, {}, 200, 1),
    ],
)
def test_what_a_crash_can_take(
    scheduler: dict[str, int], topic: dict[str, int], age_ms: int, left: int
) -> None:
    assert Acknowledged(age_ms, scheduler, topic).count == 1, "the process is killed: nothing"
    lost_power = Acknowledged(age_ms, scheduler, topic)
    lost_power.files.crash()
    assert lost_power.count == left


def test_flush_ms_alone_does_nothing() -> None:
    lost_power = Acknowledged(3_600_000, {}, {"flush_ms": 1})
    lost_power.files.crash()
    assert lost_power.count == 0


def test_flush_messages_1_flushes_before_it_answers(
    broker: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a real disk: all bytes are in the file when it is flushed, and nobody has an answer."""
    broker.create(flush_messages=1)
    log = broker.root / "t-0" / f"{0:020}.log"
    flushed: list[int] = []

    def flush(number: int) -> None:
        assert not broker.broker.outbox and not broker.loop.leaving and not broker.me.answers
        if os.path.sameopenfile(number, reading):
            flushed.append(os.fstat(number).st_size)

    monkeypatch.setattr("minikafka.log.files.fdatasync", flush)
    with log.open() as file:
        reading = file.fileno()
        for count in (1, 2):
            assert broker.produce(b"a").error_code == 0
            assert len(flushed) == count
            assert flushed[-1] == log.stat().st_size > 0
