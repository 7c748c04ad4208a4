"""The metadata image: each type of record, and what it leaves behind."""

from __future__ import annotations

import pytest

from minikafka.quorum.image import TOPIC_RESOURCE, MetadataImage, PartitionImage
from minikafka.wire.messages.metadata_records import (
    ConfigRecord,
    FeatureLevelRecord,
    PartitionRecord,
    ProducerIdsRecord,
    RemoveTopicRecord,
    TopicRecord,
)
from minikafka.wire.types import uuid_text

ID = bytes(range(16))


def image_of(*records: object) -> MetadataImage:
    image = MetadataImage()
    for offset, record in enumerate(records):
        image.apply(record, offset)
    return image


def config(value: str | None) -> ConfigRecord:
    return ConfigRecord(
        resource_type=TOPIC_RESOURCE, resource_name="t", name="retention.ms", value=value
    )


def partition(index: int, leader: int = 1, epoch: int = 0) -> PartitionRecord:
    return PartitionRecord(
        partition_id=index,
        topic_id=ID,
        replicas=[leader],
        isr=[leader],
        leader=leader,
        leader_epoch=epoch,
        partition_epoch=epoch,
    )


TOPIC = TopicRecord(name="t", topic_id=ID)


def test_a_topic_is_found_by_name_and_by_id() -> None:
    image = image_of(TOPIC, partition(0), partition(1))
    assert image.topics["t"] is image.topics_by_id[ID]
    assert list(image.topics["t"].partitions) == [0, 1]
    assert image.topics["t"].partitions[0] == PartitionImage(1, (1,), (1,), 0, 0)
    assert image.offset == 2


def test_a_later_partition_record_replaces_the_earlier_one() -> None:
    image = image_of(TOPIC, partition(0), partition(0, leader=2, epoch=5))
    assert image.topics["t"].partitions[0].leader == 2
    assert image.topics["t"].partitions[0].leader_epoch == 5


def test_a_config_is_set_and_unset() -> None:
    assert image_of(TOPIC, config("1000")).topic_configs("t") == {"retention.ms": "1000"}
    assert image_of(TOPIC, config("1000"), config(None)).topic_configs("t") == {}


def test_a_removed_topic_takes_its_partitions_and_configs_with_it() -> None:
    image = image_of(TOPIC, config("1000"), partition(0), RemoveTopicRecord(topic_id=ID))
    assert image.topics == {} and image.topics_by_id == {} and image.configs == {}


def test_features_and_producer_ids_are_the_last_ones_said() -> None:
    image = image_of(
        FeatureLevelRecord(name="metadata.version", feature_level=30),
        ProducerIdsRecord(broker_id=1, next_producer_id=1000),
        ProducerIdsRecord(broker_id=1, next_producer_id=2000),
    )
    assert image.features == {"metadata.version": 30}
    assert image.next_producer_id == 2000


def test_a_record_about_a_topic_that_never_was_is_refused() -> None:
    with pytest.raises(ValueError, match=uuid_text(ID)):
        image_of(partition(0))


def test_a_record_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="type not known"):
        image_of(object())
