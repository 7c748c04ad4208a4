"""Which names in a data directory are ours. Whatever else lies there is somebody's, and stays.

    data directory/
      orders-0/                                 a partition, if it holds a log's files
          00000000000000004200.log              exactly 20 digits, so that names sort like numbers
          00000000000000004200.index
          00000000000000004200.timeindex
          00000000000000004200.snapshot
          00000000000000004100.log.deleted      on its way out: removed at the next start
          leader-epoch-checkpoint.tmp           half written: the same
          5.log   notes.tmp   book.index        a person's
      orders-0.4f1a…-delete/                    32 hex digits: removed at the next start
      orders-0.77c0…-stray/                     kept until a person decides
      backup-2024/                              no log in it: a person's
      Copy of orders-0/                         no topic can be called so: a person's
      please-delete/                            a person's

Names are all that a broker has to go by when it removes something, and a removal cannot be
undone: so each rule takes what we or Kafka write, and nothing that merely looks like it. Kafka
is laxer: it takes `5.log` for a segment, removes any `x.deleted`, and does not start
where a directory's name is no partition's. See LogFileUtils, LocalLog and UnifiedLog.
"""

from __future__ import annotations

import re
from itertools import count

from minikafka.log.checkpoint import LEADER_EPOCHS, PARTITION_METADATA, TopicPartition
from minikafka.log.files import Files
from minikafka.record.crc import crc32c

LOG_SUFFIX = ".log"
INDEX_SUFFIX = ".index"
TIME_INDEX_SUFFIX = ".timeindex"
SNAPSHOT_SUFFIX = ".snapshot"
DELETED_SUFFIX = ".deleted"
"""Behind the name of a log file that is on its way out."""

DELETED_DIRECTORY_SUFFIX = "-delete"
STRAY_SUFFIX = "-stray"

LONGEST_NAME = 255  # of a directory, in most file systems; a topic's name may have 249

_AT_OFFSET = re.compile(r"([0-9]{20})(\.(?:log|index|timeindex|txnindex|snapshot))")
_LEFTOVER = re.compile(
    rf"{_AT_OFFSET.pattern}\.(deleted|cleaned)|({LEADER_EPOCHS}|{PARTITION_METADATA})\.tmp"
)
_DIRECTORY = re.compile(r"([a-zA-Z0-9._-]+)-(0|[1-9][0-9]*)")  # t-01 is not t-1
_DELETED_DIRECTORY = re.compile(rf"{_DIRECTORY.pattern}\.[0-9a-f]{{32}}-delete")


def file_name(base_offset: int) -> str:
    """The name, without suffix, that sorts like the number: 20 digits."""
    return f"{base_offset:020d}"


def offset_of(name: str, suffix: str) -> int | None:
    """The offset that a file with this suffix is named after; None when it is not ours."""
    found = _AT_OFFSET.fullmatch(name)
    if found is None or found[2] != suffix:
        return None
    offset = int(found[1])
    return offset if offset < 1 << 63 else None


def is_leftover(name: str) -> bool:
    """Whether this is a file whose making or removal was interrupted."""
    return _LEFTOVER.fullmatch(name) is not None


def parse_partition(name: str) -> TopicPartition | None:
    """Topic and partition of a directory's name; None when it is not a partition's."""
    found = _DIRECTORY.fullmatch(name)
    return (found[1], int(found[2])) if found is not None else None


def holds_log(files: Files, name: str) -> bool:
    """Whether this is a directory with any of the files that a log consists of."""
    checkpoints = (LEADER_EPOCHS, PARTITION_METADATA)
    inside = _inside(files, name) or []
    return any(_AT_OFFSET.fullmatch(each) or each in checkpoints for each in inside)


def is_deleted(files: Files, name: str) -> bool:
    """Whether this is the directory of a partition that was deleted (`LocalLog`)."""
    return _DELETED_DIRECTORY.fullmatch(name) is not None and _inside(files, name) is not None


def _inside(files: Files, name: str) -> list[str] | None:
    """What a directory holds; None when it is none: a file of a person may have any name."""
    try:
        return files.list(name)
    except (NotADirectoryError, FileNotFoundError):
        return None


def aside(files: Files, directory: str, now: int, suffix: str) -> str:
    """A new name for a partition's directory that is no partition's: `orders-0.4f1a…<suffix>`.

    The middle is unique, and the topic is cut where the name would be too long (Kafka's
    `UnifiedLog.logDeleteDirName`). `now` in µs.
    """
    topic, _, partition = directory.rpartition("-")
    crc = crc32c(directory.encode())
    for number in count(now):  # one name may be deleted several times within a turn
        ending = f"-{partition}.{crc:08x}{number:024x}{suffix}"
        name = topic[: LONGEST_NAME - len(ending)] + ending
        if not files.exists(name):
            break
    return name
