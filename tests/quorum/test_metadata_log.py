"""The metadata log: what is committed is replayed, in the encoding of Apache Kafka."""

from __future__ import annotations

from pathlib import Path

from minikafka.log.files import RealFiles
from minikafka.quorum.metadata_log import MetadataLog, value_of
from minikafka.record.batch import batches
from minikafka.record.records import decode
from minikafka.wire.messages.metadata_records import (
    FeatureLevelRecord,
    PartitionRecord,
    TopicRecord,
)

ID = bytes(range(16))
PARTITION = PartitionRecord(
    partition_id=0, topic_id=ID, replicas=[1], isr=[1], leader=1, leader_epoch=0, partition_epoch=0
)


def opened(root: Path) -> MetadataLog:
    return MetadataLog(RealFiles(str(root)), 0, lambda kind, **fields: None, clean=False)


def test_a_new_log_begins_with_the_level_needed_to_read_it(tmp_path: Path) -> None:
    log = opened(tmp_path)
    assert log.image.features == {"metadata.version": 30}
    assert log.image.offset == 0


def test_an_old_log_is_replayed_and_not_begun_again(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.commit([TopicRecord(name="t", topic_id=ID), PARTITION], 0)
    again = opened(tmp_path)
    assert again.image.topics["t"].partitions == first.image.topics["t"].partitions
    assert again.image.offset == first.image.offset == 2


def test_one_commit_is_one_batch(tmp_path: Path) -> None:
    opened(tmp_path).commit([TopicRecord(name="t", topic_id=ID), PARTITION], 0)
    data = (tmp_path / "__cluster_metadata-0" / f"{0:020}.log").read_bytes()
    assert [(header.base_offset, header.record_count) for _, header in batches(data)] == [
        (0, 1),
        (1, 2),
    ]


# Taken from a metadata log of Apache Kafka 4.3.1, but for the topic's id. Its partitions are in
# version 2, with the same bytes after that number, because eligible leaders are on by default.
def test_values_are_those_of_apache_kafka() -> None:
    level = FeatureLevelRecord(name="metadata.version", feature_level=30)
    assert value_of(level) == b"\x01\x0c\x00\x11metadata.version\x00\x1e\x00"
    topic = TopicRecord(name="t", topic_id=ID)
    assert value_of(topic) == b"\x01\x02\x00\x02t" + ID + b"\x00"
    partition = PartitionRecord(
        partition_id=0,
        topic_id=ID,
        replicas=[1],
        isr=[1],
        leader=1,
        leader_epoch=0,
        partition_epoch=0,
        directories=[ID],
    )
    one, none = b"\x02\x00\x00\x00\x01", b"\x01"
    assert value_of(partition) == (
        b"\x01\x03\x01" + bytes(4) + ID + one + one + none + none
        + b"\x00\x00\x00\x01" + bytes(8) + b"\x02" + ID + b"\x00"
    )  # fmt: skip


def test_a_log_longer_than_one_read_is_replayed_whole(tmp_path: Path) -> None:
    log = opened(tmp_path)
    for number in range(300):
        name = f"{number:0249}"
        log.commit([TopicRecord(name=name, topic_id=number.to_bytes(16, "big"))] * 20, 0)
    data = (tmp_path / "__cluster_metadata-0" / f"{0:020}.log").read_bytes()
    assert len(data) > 1 << 20
    assert sum(len(decode(data, at, header)) for at, header in batches(data)) == 6001
    assert len(opened(tmp_path).image.topics) == 300
