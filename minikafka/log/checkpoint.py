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
new file. Damage is therefore rare, and each of them can be done without, so that no record is
lost with it:

    recovery points    everything is checked          epochs    read again from the batches
    log start offsets  what was deleted by request    topic id  the log belongs to the topic
                       and is still there, is back              that the metadata has by its name
    clean shutdown     checked as after a crash

A file that is not what was written is told in the trace as `file_damaged`; then it is as if it
were missing. Only meta.properties cannot be done without (broker/identity.py refuses to start).
See Kafka's CheckpointFile, PartitionMetadataFile and CleanShutdownFileHandler.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import TypeVar

from minikafka.log.files import Files
from minikafka.wire.types import ZERO_UUID, is_uuid, uuid_text

CLEAN_SHUTDOWN = ".kafka_cleanshutdown"
META_PROPERTIES = "meta.properties"
RECOVERY_POINTS = "recovery-point-offset-checkpoint"
LOG_START_OFFSETS = "log-start-offset-checkpoint"
HIGH_WATERMARKS = "replication-offset-checkpoint"
LEADER_EPOCHS = "leader-epoch-checkpoint"
PARTITION_METADATA = "partition.metadata"

VERSION = 0

TopicPartition = tuple[str, int]

Emit = Callable[..., None] | None
"""`Node.emit`: where the log says what happened to it; None when nobody listens."""

T = TypeVar("T")


def read_checked(
    files: Files, path: str, parse: Callable[[bytes], T], emit: Emit = None
) -> T | None:
    """What `parse` makes of a file. None when it is missing, or when `parse` raises ValueError:
    then it is not what was written, which is told."""
    if not files.exists(path):
        return None
    try:
        return parse(files.read(path))
    except ValueError as error:
        if emit is not None:
            emit("file_damaged", file=path, reason=str(error))
        return None


def write_lines(files: Files, path: str, lines: Iterable[str]) -> None:
    """Replace the checkpoint at `path` by these entries."""
    entries = list(lines)
    text = "\n".join([str(VERSION), str(len(entries)), *entries]) + "\n"
    files.replace(path, text.encode())


def _entries(data: bytes, word_count: int) -> list[list[str]]:
    """The words of each entry of a checkpoint. Raises ValueError when it is none."""
    version, count, *lines = [*data.decode().splitlines(), "", ""]
    entries = [line.split() for line in lines[:-2]]
    if version != str(VERSION):
        raise ValueError(f"version {version or 'none'}, not {VERSION}")
    if count != str(len(entries)):
        raise ValueError(f"{len(entries)} entries, not {count or 'as many as it should say'}")
    for words in entries:
        if len(words) != word_count:
            raise ValueError(f"{len(words)} words in an entry, not {word_count}")
    return entries


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):  # int() takes "-5" and "1_0" as well
        raise ValueError(f"{text!r} is no number")
    if len(text) > 18:  # more than any log will ever hold, and than all fields do
        raise ValueError(f"{text} is too large")
    return int(text)


def write_offsets(files: Files, path: str, offsets: Mapping[TopicPartition, int]) -> None:
    """Replace an offset checkpoint: `topic partition offset` in each line."""
    lines = (f"{topic} {partition} {offset}" for (topic, partition), offset in offsets.items())
    write_lines(files, path, lines)


def read_offsets(files: Files, path: str, emit: Emit = None) -> dict[TopicPartition, int]:
    """An offset checkpoint; empty when it is missing or damaged, which is always safe."""
    return read_checked(files, path, _offsets, emit) or {}


def _offsets(data: bytes) -> dict[TopicPartition, int]:
    entries = _entries(data, 3)
    return {(topic, _number(index)): _number(offset) for topic, index, offset in entries}


def write_epochs(files: Files, path: str, epochs: Iterable[tuple[int, int]]) -> None:
    """Replace a leader epoch checkpoint: `epoch start_offset` in each line, rising."""
    write_lines(files, path, (f"{epoch} {offset}" for epoch, offset in epochs))


def read_epochs(files: Files, path: str, emit: Emit = None) -> list[tuple[int, int]] | None:
    """A leader epoch checkpoint; None when it is missing, damaged, or not rising."""
    return read_checked(files, path, _epochs, emit)


def _epochs(data: bytes) -> list[tuple[int, int]]:
    entries = [(_number(epoch), _number(offset)) for epoch, offset in _entries(data, 2)]
    for entry, behind in pairwise(entries):
        if entry[0] >= behind[0] or entry[1] >= behind[1]:
            raise ValueError(f"epoch and offset {behind} after {entry}")
    return entries


def write_topic_id(files: Files, path: str, topic_id: str) -> None:
    """Write partition.metadata. `topic_id` in Kafka's text form: 22 characters of base64."""
    files.replace(path, f"version: {VERSION}\ntopic_id: {topic_id}".encode())


def read_topic_id(files: Files, path: str, emit: Emit = None) -> str | None:
    """The topic id in partition.metadata; None when it is missing or damaged.

    What is no UUID as Kafka writes them is damage, not the id of some other topic: or the log
    would be set aside as that topic's, and the partition would go on empty. Without an id the log
    goes to the topic that the metadata has by its name, and gets that topic's id. It could be
    an earlier topic's only if a person had put it there: deleting one renames its directories.
    (Kafka takes the whole data directory for failed.) An id of which a character has become
    another is an id, and nobody can tell: that log is set aside, as a stray.
    """
    return read_checked(files, path, _topic_id, emit)


def _topic_id(data: bytes) -> str:
    properties = _split(data, ": ")
    version, topic_id = properties.get("version"), properties.get("topic_id", "")
    if version != str(VERSION):
        raise ValueError(f"version {version or 'none'}, not {VERSION}")
    if not is_uuid(topic_id) or topic_id == uuid_text(ZERO_UUID):
        raise ValueError(f"topic_id {topic_id or 'none'} is no topic's id")
    return topic_id


def write_clean_shutdown(files: Files, broker_epoch: int = -1) -> None:
    """Leave the mark of a clean stop, the last thing that is written (KIP-966: with the epoch)."""
    mark = {"version": VERSION, "brokerEpoch": broker_epoch}
    files.replace(CLEAN_SHUTDOWN, json.dumps(mark, separators=(",", ":")).encode())


def take_clean_shutdown(files: Files, emit: Emit = None) -> bool:
    """Whether the last stop was clean. Removes the mark at once: a crash from now on is unclean.

    A mark that cannot be read is none: checking costs time, trusting could cost records.
    """
    mark = read_checked(files, CLEAN_SHUTDOWN, _mark, emit)
    if files.exists(CLEAN_SHUTDOWN):
        files.remove(CLEAN_SHUTDOWN)
    return mark is not None


def _mark(data: bytes) -> dict[str, int]:
    mark = json.loads(data.decode())
    if not isinstance(mark, dict) or mark.get("version") != VERSION:
        raise ValueError(f"no clean shutdown mark of version {VERSION}")
    return mark


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
