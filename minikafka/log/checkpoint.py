"""The small text files of a data directory: what they say, and reading them with distrust.

    meta.properties                    which cluster and node this directory belongs to
    .kafka_cleanshutdown               here only after a clean stop
    recovery-point-offset-checkpoint   up to where each log is surely on the disk
    log-start-offset-checkpoint        where each log begins, if not with its first segment
    replication-offset-checkpoint      the high watermarks
    <topic>-<partition>/
        leader-epoch-checkpoint        which leader epoch began at which offset
        partition.metadata             the topic's id

Four of them are lists in one format, version, number of lines, lines:

    0
    2
    orders 0 1200
    orders 1 987

They are replaced whole (write beside, flush, rename), so a crash leaves the old or the
new file. Damage is therefore rare, and each of them can be done without: offsets fall
back to "check everything", epochs are read again from the batches. `read_lines` says
None for "do without". See Kafka's CheckpointFile, PartitionMetadata and
CleanShutdownFileHandler.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import pairwise

from minikafka.log.files import Files

CLEAN_SHUTDOWN = ".kafka_cleanshutdown"
META_PROPERTIES = "meta.properties"
RECOVERY_POINTS = "recovery-point-offset-checkpoint"
LOG_START_OFFSETS = "log-start-offset-checkpoint"
HIGH_WATERMARKS = "replication-offset-checkpoint"
LEADER_EPOCHS = "leader-epoch-checkpoint"
PARTITION_METADATA = "partition.metadata"

VERSION = 0

TopicPartition = tuple[str, int]


def write_lines(files: Files, path: str, lines: Iterable[str]) -> None:
    """Replace the checkpoint at `path` by these entries."""
    entries = list(lines)
    text = "\n".join([str(VERSION), str(len(entries)), *entries]) + "\n"
    files.replace(path, text.encode())


def read_lines(files: Files, path: str) -> list[str] | None:
    """The entries of a checkpoint; None when it is missing, or is not what was written."""
    if not files.exists(path):
        return None
    try:
        version, count, *entries = files.read(path).decode().splitlines()
    except ValueError:  # fewer than two lines, or not text at all
        return None
    if version != str(VERSION) or count != str(len(entries)):
        return None
    return entries


def write_offsets(files: Files, path: str, offsets: Mapping[TopicPartition, int]) -> None:
    """Replace an offset checkpoint: `topic partition offset` in each line."""
    lines = (f"{topic} {partition} {offset}" for (topic, partition), offset in offsets.items())
    write_lines(files, path, lines)


def read_offsets(files: Files, path: str) -> dict[TopicPartition, int]:
    """An offset checkpoint; empty when it is missing or damaged, which is always safe."""
    offsets = {}
    for line in read_lines(files, path) or ():
        try:
            topic, partition, offset = line.split()
            offsets[topic, int(partition)] = int(offset)
        except ValueError:
            return {}
    return offsets


def write_epochs(files: Files, path: str, epochs: Iterable[tuple[int, int]]) -> None:
    """Replace a leader epoch checkpoint: `epoch start_offset` in each line, rising."""
    write_lines(files, path, (f"{epoch} {offset}" for epoch, offset in epochs))


def read_epochs(files: Files, path: str) -> list[tuple[int, int]] | None:
    """A leader epoch checkpoint; None when it is missing, damaged, or not rising."""
    lines = read_lines(files, path)
    if lines is None:
        return None
    try:
        entries = [(int(epoch), int(offset)) for epoch, offset in map(str.split, lines)]
    except ValueError:
        return None
    for (epoch, offset), (next_epoch, next_offset) in pairwise(entries):
        if epoch >= next_epoch or offset >= next_offset:
            return None
    return entries


def write_topic_id(files: Files, path: str, topic_id: str) -> None:
    """Write partition.metadata. `topic_id` in Kafka's text form: 22 characters of base64."""
    files.replace(path, f"version: {VERSION}\ntopic_id: {topic_id}".encode())


def read_topic_id(files: Files, path: str) -> str | None:
    """The topic id in partition.metadata; None when it is missing or damaged."""
    if not files.exists(path):
        return None
    properties = _split(files.read(path), ": ")
    return properties.get("topic_id") if properties.get("version") == str(VERSION) else None


def write_clean_shutdown(files: Files, broker_epoch: int = -1) -> None:
    """Leave the mark of a clean stop, the last thing that is written (KIP-966: with the epoch)."""
    mark = {"version": VERSION, "brokerEpoch": broker_epoch}
    files.replace(CLEAN_SHUTDOWN, json.dumps(mark, separators=(",", ":")).encode())


def take_clean_shutdown(files: Files) -> bool:
    """Whether the last stop was clean. Removes the mark at once: a crash from now on is unclean."""
    if not files.exists(CLEAN_SHUTDOWN):
        return False
    files.remove(CLEAN_SHUTDOWN)
    return True


def write_meta_properties(files: Files, properties: Mapping[str, str]) -> None:
    """Replace meta.properties: `cluster.id`, `node.id`, `directory.id`, `version=1`."""
    lines = [f"{key}={value}\n" for key, value in properties.items()]
    files.replace(META_PROPERTIES, "".join(["#\n", *lines]).encode())


def read_meta_properties(files: Files) -> dict[str, str] | None:
    """What meta.properties says; None for a directory that was never formatted."""
    if not files.exists(META_PROPERTIES):
        return None
    return _split(files.read(META_PROPERTIES), "=")


def _split(data: bytes, separator: str) -> dict[str, str]:
    lines = data.decode(errors="replace").splitlines()
    pairs = (line.partition(separator) for line in lines if not line.startswith("#"))
    return {key.strip(): value.strip() for key, found, value in pairs if found}
