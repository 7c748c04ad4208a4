"""The records of the metadata log, byte for byte as Apache Kafka writes them.

The bytes are what Kafka 4.3.1's `MetadataRecordSerde` made of the same values.
"""

import pytest

from minikafka.wire.errors import MalformedFrame
from minikafka.wire.messages.metadata_records import (
    ConfigRecord,
    FeatureLevelRecord,
    PartitionRecord,
    ProducerIdsRecord,
    RemoveTopicRecord,
    TopicRecord,
    decode_record,
    encode_record,
)

ID = bytes(range(1, 17))
DIRECTORY = b"\x11" * 16
PARTITION = {"partition_id": 3, "topic_id": ID, "leader_epoch": 5, "partition_epoch": 7}
ID_HEX, DIRECTORY_HEX = ID.hex(), DIRECTORY.hex()

RECORDS = [
    (
        FeatureLevelRecord(name="metadata.version", feature_level=29),
        0,
        "010c00116d657461646174612e76657273696f6e001d00",
    ),
    (TopicRecord(name="orders", topic_id=ID), 0, f"010200076f7264657273{ID_HEX}00"),
    (
        PartitionRecord(**PARTITION, replicas=[1, 2], isr=[1], leader=1),
        0,
        f"01030000000003{ID_HEX}0300000001000000020200000001010100000001000000050000000700",
    ),
    (
        PartitionRecord(
            **PARTITION,
            replicas=[1],
            isr=[1],
            leader=1,
            leader_recovery_state=1,
            directories=[DIRECTORY],
        ),
        1,
        f"01030100000003{ID_HEX}020000000102000000010101"
        f"00000001000000050000000702{DIRECTORY_HEX}01000101",
    ),
    (
        PartitionRecord(
            **PARTITION,
            replicas=[1],
            adding_replicas=[4],
            directories=[DIRECTORY],
            eligible_leader_replicas=[1, 2],
            last_known_elr=[],
        ),
        2,
        f"01030200000003{ID_HEX}0200000001010102"
        f"00000004ffffffff000000050000000702{DIRECTORY_HEX}"
        "020109030000000100000002020101",
    ),
    (
        ConfigRecord(resource_type=2, resource_name="orders", name="retention.ms", value="1000"),
        0,
        "01040002076f72646572730d726574656e74696f6e2e6d73053130303000",
    ),
    (
        ConfigRecord(resource_type=2, resource_name="orders", name="retention.ms", value=None),
        0,
        "01040002076f72646572730d726574656e74696f6e2e6d730000",
    ),
    (RemoveTopicRecord(topic_id=ID), 0, f"010900{ID_HEX}00"),
    (
        ProducerIdsRecord(broker_id=1, broker_epoch=11, next_producer_id=1000),
        0,
        "010f0000000001000000000000000b00000000000003e800",
    ),
]
NAMES = [f"{type(record).__name__}-v{version}" for record, version, _ in RECORDS]


@pytest.mark.parametrize(("record", "version", "expected"), RECORDS, ids=NAMES)
def test_the_bytes_are_kafkas(record, version, expected):
    assert encode_record(record, version).hex() == expected
    assert decode_record(bytes.fromhex(expected)) == record


@pytest.mark.parametrize(("record", "version", "expected"), RECORDS, ids=NAMES)
def test_every_shorter_and_longer_value_is_refused(record, version, expected):
    value = bytes.fromhex(expected)
    for end in range(len(value)):
        with pytest.raises(MalformedFrame):
            decode_record(value[:end])
    with pytest.raises(MalformedFrame, match="before its frame does"):
        decode_record(value + b"\0")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "no header"),
        ("000200", "frame version 0"),
        ("01ff0100", "unknown type 255"),
        ("01020100", "unknown type 2 v1"),
    ],
)
def test_what_is_not_a_metadata_record(value, why):
    with pytest.raises(MalformedFrame, match=why):
        decode_record(bytes.fromhex(value))
