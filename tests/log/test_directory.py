"""All logs of a broker: opening, creating, deleting, housekeeping, and the files beside them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from minikafka.log import checkpoint
from minikafka.log.checkpoint import read_offsets
from minikafka.log.config import LogConfig
from minikafka.log.directory import DEFAULT_INTERVALS, Intervals, LogDirectory
from minikafka.log.files import Files, RealFiles
from minikafka.log.log import Log
from minikafka.log.names import parse_partition
from minikafka.node import MS
from minikafka.runtime.disk import MemoryFiles
from minikafka.wire.errors import KafkaError

from .helpers import NOW, NOW_MS, SMALL, batch, values

ID = "AAAAAAAAAAAAAAAAAAAAAQ"


class Broker:
    """Just the part of a broker that owns a data directory."""

    def __init__(self, config: LogConfig = SMALL, intervals: Intervals = DEFAULT_INTERVALS) -> None:
        self.files = MemoryFiles()
        self.config = config
        self.intervals = intervals
        self.start()

    def start(self, now: int = NOW) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.logs = LogDirectory.open(
            self.files, lambda topic: self.config, now, self.emit, self.intervals
        )

    def emit(self, kind: str, **fields: object) -> None:
        self.events.append((kind, fields))

    def create(self, topic: str = "t", partition: int = 0) -> Log:
        return self.logs.create(topic, partition, ID, self.config, NOW)

    def fill(self, log: Log, count: int = 60) -> None:
        for i in range(count):
            log.append(batch([b"%d" % i], NOW_MS + i), NOW, 0)


def test_logs_are_found_again() -> None:
    broker = Broker()
    for topic, partition in (("t", 0), ("t", 10), ("a-b", 1)):
        broker.fill(broker.create(topic, partition), 5)
    broker.logs.close(NOW)
    broker.start()
    assert set(broker.logs.logs) == {("t", 0), ("t", 10), ("a-b", 1)}
    assert broker.logs.had_clean_shutdown
    assert broker.logs["a-b", 1].log_end_offset == 5
    assert not broker.events


def test_the_clean_mark_is_gone_as_soon_as_it_was_read() -> None:
    broker = Broker()
    broker.create()
    broker.logs.close(NOW)
    assert broker.files.exists(checkpoint.CLEAN_SHUTDOWN)
    broker.start()
    assert not broker.files.exists(checkpoint.CLEAN_SHUTDOWN)
    broker.start()  # it had crashed
    assert not broker.logs.had_clean_shutdown
    assert [kind for kind, _ in broker.events] == ["recovered"]


def test_after_a_crash_only_what_follows_the_recovery_point_is_checked() -> None:
    broker = Broker()
    log = broker.create()
    broker.fill(log)
    broker.logs.checkpoint_recovery_points(NOW)
    assert checkpoint.read_offsets(broker.files, checkpoint.RECOVERY_POINTS) == {
        ("t", 0): log.recovery_point
    }
    broker.files.crash()
    broker.start()
    assert broker.logs["t", 0].log_end_offset == log.recovery_point > 0


@pytest.mark.parametrize("damage", [b"", b"garbage", b"0\n1\nt 0\n", b"0\n1\nt 0 x\n", b"\xff"])
def test_damaged_checkpoints_mean_more_checking_and_nothing_else(damage: bytes) -> None:
    broker = Broker()
    broker.fill(broker.create())
    broker.logs.close(NOW)
    broker.files.remove(checkpoint.CLEAN_SHUTDOWN)
    for path in (checkpoint.RECOVERY_POINTS, checkpoint.LOG_START_OFFSETS):
        broker.files.replace(path, damage)
    broker.start()
    assert values(broker.logs["t", 0]) == [b"%d" % i for i in range(60)]


def test_a_log_is_created_once_and_belongs_to_one_topic() -> None:
    broker = Broker()
    log = broker.create()
    assert broker.create() is log
    with pytest.raises(KafkaError, match="INCONSISTENT_TOPIC_ID"):
        broker.logs.create("t", 0, "B" * 22, SMALL, NOW)
    with pytest.raises(KafkaError, match="UNKNOWN_TOPIC_OR_PARTITION"):
        broker.logs["t", 1]


def test_a_deleted_partition_is_renamed_and_removed_later() -> None:
    broker = Broker()
    broker.fill(broker.create(), 3)
    broker.logs.delete("t", 0, NOW)
    (name,) = [name for name in broker.files.list() if name.startswith("t-0")]
    assert name.endswith("-delete") and len(name) == len("t-0.") + 32 + len("-delete")
    broker.create()
    assert broker.logs["t", 0].log_end_offset == 0
    wake = broker.logs.poll(NOW)
    assert wake == NOW + SMALL.file_delete_delay_ms * MS
    broker.logs.poll(wake - 1)
    assert broker.files.exists(name)
    broker.logs.poll(wake)
    assert not broker.files.exists(name)


def test_a_deletion_that_a_crash_interrupted_is_finished_at_the_next_start() -> None:
    broker = Broker()
    broker.create()
    broker.logs.delete("t", 0, NOW)
    broker.start()
    assert not [name for name in broker.files.list() if name.startswith("t-0")]
    assert broker.logs.logs == {}


def test_two_deleted_partitions_with_long_names_do_not_collide() -> None:
    broker = Broker()
    names = ["x" * 248 + last for last in "ab"]
    for name in names:
        broker.create(name)
        broker.logs.delete(name, 0, NOW)
    left = [name for name in broker.files.list() if name.endswith("-delete")]
    assert [len(name) for name in left] == [255, 255]


def test_strangers_in_the_directory_are_left_alone() -> None:
    broker = Broker()
    broker.files.make_directory("__cluster_metadata-0")
    broker.files.make_directory("lost+found")
    strangers = ["a-1", "note-x", "please-delete"]
    for name in strangers:
        broker.files.replace(name, b"?")
    broker.start()
    assert broker.logs.logs == {}
    assert broker.files.list() == sorted(["__cluster_metadata-0", "lost+found", *strangers])


HEX = "0123456789abcdef" * 2


@pytest.fixture(params=["memory", "disk"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    return MemoryFiles() if request.param == "memory" else RealFiles(str(tmp_path))


def opened(files: Files) -> LogDirectory:
    logs = LogDirectory.open(files, lambda topic: SMALL, NOW, None)
    if isinstance(files, RealFiles):
        files.in_background(lambda: None).result()  # what is to be removed is gone
    return logs


def test_plain_files_are_left_alone(files: Files) -> None:
    strangers = ["a-1", f"a-1.{HEX}-delete", "please-delete", "readme.tmp"]
    for name in strangers:
        files.replace(name, b"mine")
    assert opened(files).logs == {}
    assert files.list() == strangers


@pytest.mark.parametrize(
    ("name", "is_removed"),
    [
        (f"t-0.{HEX}-delete", True),
        (f"a.b-c_D-12.{HEX}-delete", True),
        ("do-not-delete", False),
        ("t-0-delete", False),
        ("t-0.copy-delete", False),
        (f"t-0.{HEX.upper()}-delete", False),
        (f"t-0.{HEX[1:]}-delete", False),
        (f"t-0.0{HEX}-delete", False),
        (f"t-x.{HEX}-delete", False),
        (f"t-01.{HEX}-delete", False),
        (f"-0.{HEX}-delete", False),
        (f"t-0.{HEX}-deleted", False),
        (f"t-0.{HEX}-stray", False),
    ],
)
def test_only_a_deleted_partition_is_removed(files: Files, name: str, is_removed: bool) -> None:
    files.make_directory(f"{name}/inside")
    files.replace(f"{name}/inside/book", b"precious")
    opened(files)
    assert files.exists(f"{name}/inside/book") is not is_removed


@pytest.mark.parametrize("inside", [[], ["keep.txt", "a.tmp", "book.index", "5.log", "x.deleted"]])
def test_a_directory_without_a_log_is_nobodys_partition(files: Files, inside: list[str]) -> None:
    files.make_directory("backup-2024")
    for name in inside:
        files.replace(f"backup-2024/{name}", b"mine")
    assert opened(files).logs == {}
    assert files.list("backup-2024") == sorted(inside)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("t-0", ("t", 0)),
        ("a-b-12", ("a-b", 12)),
        ("t", None),
        ("-0", None),
        ("t-", None),
        ("t--1", ("t-", 1)),
        ("t-x", None),
        ("t-01", None),
        ("t-\u0661", None),
        ("meta.properties", None),
    ],
)
def test_directory_names(name: str, found: object) -> None:
    assert parse_partition(name) == found


def test_a_persons_copy_of_a_log_is_not_a_log(files: Files) -> None:
    for name in ("Copy of t-0", "t\u00e4-0"):
        files.make_directory(name)
        files.replace(f"{name}/00000000000000000000.log", b"half a log")
        files.replace(f"{name}/00000000000000000007.index", b"12345678")
    opened(files)
    for name in ("Copy of t-0", "t\u00e4-0"):
        assert files.list(name) == ["00000000000000000000.log", "00000000000000000007.index"]
        assert files.read(f"{name}/00000000000000000000.log") == b"half a log"


def test_a_number_that_no_log_can_reach_is_damage(files: Files) -> None:
    files.replace("log-start-offset-checkpoint", b"0\n1\nt 0 9223372036854775807\n")
    assert read_offsets(files, "log-start-offset-checkpoint") == {}


def test_the_log_start_offset_survives_a_crash() -> None:
    broker = Broker()
    log = broker.create()
    broker.fill(log, 10)
    log.flush(NOW)
    log.advance_log_start_offset(4)
    broker.logs.checkpoint_log_start_offsets(NOW)
    broker.files.crash()
    broker.start()
    assert broker.logs["t", 0].log_start_offset == 4


def test_high_watermarks_are_written_and_read() -> None:
    broker = Broker()
    assert broker.logs.high_watermarks() == {}
    broker.logs.checkpoint_high_watermarks({("t", 0): 7, ("u", 3): 0})
    assert broker.logs.high_watermarks() == {("t", 0): 7, ("u", 3): 0}
    path = checkpoint.HIGH_WATERMARKS
    assert broker.files.read(path) == b"0\n2\nt 0 7\nu 3 0\n"


def test_the_metadata_log_is_not_created_here() -> None:
    broker = Broker()
    with pytest.raises(KafkaError, match="the quorum's"):
        broker.create("__cluster_metadata")
    assert broker.files.list() == []


def test_truncation_lowers_the_written_recovery_point() -> None:
    broker = Broker()
    log = broker.create()
    broker.fill(log, 10)
    log.flush(NOW)
    assert broker.logs.truncate("t", 0, 6, NOW)
    assert not broker.logs.truncate("t", 0, 6, NOW)
    assert checkpoint.read_offsets(broker.files, checkpoint.RECOVERY_POINTS) == {("t", 0): 6}


# --- housekeeping --------------------------------------------------------------------------

EACH = Intervals(1_000, 2_000, 3_000, 500, 700)


def test_nothing_happens_before_it_is_due() -> None:
    broker = Broker(SMALL.replace(retention_bytes=0), EACH)
    broker.fill(broker.create())
    assert broker.logs.poll(NOW) == NOW + 500 * MS
    assert broker.logs.poll(NOW + 499 * MS) == NOW + 500 * MS
    assert broker.logs["t", 0].log_start_offset == 0
    broker.logs.poll(NOW + 500 * MS)
    assert broker.logs.poll(NOW + 1_000 * MS) > NOW + 1_000 * MS
    assert broker.logs["t", 0].log_start_offset == 60


def test_retention_asks_how_far_a_log_is_replicated() -> None:
    broker = Broker(SMALL.replace(retention_bytes=0), EACH)
    broker.fill(broker.create())
    broker.logs.high_watermark = lambda log: 0
    broker.logs.poll(NOW + 10_000 * MS)
    assert broker.logs["t", 0].log_start_offset == 0


def test_flushes_checkpoints_and_expiry_by_the_clock() -> None:
    config = SMALL.replace(flush_ms=100, producer_id_expiration_ms=50)
    broker = Broker(config, EACH)
    log = broker.create()
    log.append(batch(1, producer=(7, 0, 0)), NOW, 0)
    broker.logs.poll(NOW + 500 * MS)
    assert log.recovery_point == 1
    assert log.producers.states
    broker.logs.poll(NOW + 700 * MS)
    assert not log.producers.states
    assert not broker.files.exists(checkpoint.RECOVERY_POINTS)
    broker.logs.poll(NOW + 2_000 * MS)
    assert checkpoint.read_offsets(broker.files, checkpoint.RECOVERY_POINTS) == {("t", 0): 1}


# --- the small files -----------------------------------------------------------------------


def test_the_clean_mark_and_the_topic_id_are_kafkas_bytes() -> None:
    files = MemoryFiles()
    checkpoint.write_clean_shutdown(files, 12)
    assert files.read(".kafka_cleanshutdown") == b'{"version":0,"brokerEpoch":12}'
    checkpoint.write_topic_id(files, "partition.metadata", ID)
    assert files.read("partition.metadata") == f"version: 0\ntopic_id: {ID}".encode()
    assert checkpoint.read_topic_id(files, "partition.metadata") == ID


def test_meta_properties_are_read_as_java_writes_them() -> None:
    files = MemoryFiles()
    assert checkpoint.read_meta_properties(files) is None
    properties = {"cluster.id": "c", "node.id": "1", "version": "1"}
    checkpoint.write_meta_properties(files, properties)
    assert checkpoint.read_meta_properties(files) == properties
    files.replace("meta.properties", b"#\n#Tue\nnode.id=1\n\nversion = 1\n")
    assert checkpoint.read_meta_properties(files) == {"node.id": "1", "version": "1"}


def lines_of(*damages: tuple[bytes, str]) -> list[tuple[bytes, str]]:
    """What every checkpoint of lines refuses, and these."""
    return [
        (b"", "version none, not 0"),
        (b"\xff\xfe", "can't decode"),
        (b"1\n0\n", "version 1, not 0"),
        (b"0", "0 entries, not as many as it should say"),
        (b"0\n2\nt 0 5\n", "1 entries, not 2"),
        (b"0\n1\nt\n", "1 words in an entry"),
        *damages,
    ]


OFFSETS = lines_of(
    (b"0\n1\nt 0 -5\n", "'-5' is no number"),
    (b"0\n1\nt 0 1_0\n", "'1_0' is no number"),
    (b"0\n1\nt x 5\n", "'x' is no number"),
    (b"0\n1\nt 0 5\nhello\n", "2 entries, not 1"),
)
EPOCHS = lines_of(
    (b"0\n1\nx 0\n", "'x' is no number"), (b"0\n2\n0 0\n0 5\n", r"\(0, 5\) after \(0, 0\)")
)
TOPIC_IDS = [
    (b"", "version none, not 0"),
    (b"\xff\xfe", "version none"),
    (b"topic_id: " + ID.encode(), "version none"),
    (b"version: 1\ntopic_id: " + ID.encode(), "version 1, not 0"),
    (b"version: 0", "topic_id none"),
    (b"version: 0\ntopic_id: " + ID.encode() + b"!", f"topic_id {ID}! is no topic's id"),
    (b"version: 0\ntopic_id: " + ID[1:].encode(), "is no topic's id"),
    (b"version: 0\ntopic_id: " + b"A" * 22, "is no topic's id"),
]
MARKS = [
    (b"", "Expecting value"),
    (b"\xff\xfe", "can't decode"),
    (b"[0]", "no clean shutdown mark"),
    (b'{"version":1,"brokerEpoch":5}', "no clean shutdown mark of version 0"),
]


@pytest.mark.parametrize(
    ("file", "damage", "reason"),
    [
        (file, damage, reason)
        for file, damages in (
            (checkpoint.RECOVERY_POINTS, OFFSETS),
            (checkpoint.LOG_START_OFFSETS, OFFSETS),
            (f"t-0/{checkpoint.LEADER_EPOCHS}", EPOCHS),
            (f"t-0/{checkpoint.PARTITION_METADATA}", TOPIC_IDS),
            (checkpoint.CLEAN_SHUTDOWN, MARKS),
            (f"t-0/{60:020}.snapshot", [(b"?", "too few for a snapshot")]),
        )
        for damage, reason in damages
    ],
)
def test_a_damaged_file_costs_no_record_and_is_told(file: str, damage: bytes, reason: str) -> None:
    broker = Broker()
    broker.fill(broker.create())
    broker.logs.close(NOW)
    broker.files.replace(file, damage)
    broker.start()
    log = broker.create()
    assert values(log) == [b"%d" % i for i in range(60)]
    assert (log.epochs.entries, log.topic_id) == ([(0, 0)], ID)
    (told,) = [fields for kind, fields in broker.events if kind == "file_damaged"]
    assert told["file"] == file
    assert re.search(reason, told["reason"])
    broker.logs.close(NOW)
    broker.start()
    broker.create()
    assert not broker.events, "it has been mended"


@pytest.mark.parametrize("checkpoint_says", [b"0\n1\n0 9999\n", b"0\n0\n"])
def test_epochs_that_are_not_of_these_records_are_read_again(checkpoint_says: bytes) -> None:
    broker = Broker()
    broker.fill(broker.create())
    broker.logs.close(NOW)
    broker.files.replace("t-0/leader-epoch-checkpoint", checkpoint_says)
    broker.start()
    assert broker.logs["t", 0].epochs.entries == [(0, 0)]
