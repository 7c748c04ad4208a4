"""What the tests of the log share: a place for a log to live in, and batches to put there."""

from __future__ import annotations

from typing import Any

from minikafka.log.config import LogConfig
from minikafka.log.files import Files, FileSlice
from minikafka.log.log import Appended, Log
from minikafka.record.batch import batches
from minikafka.record.builder import BatchBuilder
from minikafka.record.compression import Compression
from minikafka.record.records import Record, decode
from minikafka.runtime.disk import MemoryFiles

NOW = 1_700_000_000_000_000
"""A time in µs; `NOW // 1000` is the timestamp in ms that goes with it."""
NOW_MS = NOW // 1000

SMALL = LogConfig(segment_bytes=2_000, index_interval_bytes=200)
"""Segments of about 20 of the batches below, with an index entry for every third."""


def batch(
    values: int | list[bytes] = 1,
    timestamp: int = NOW_MS,
    *,
    key: bytes | None = b"k",
    codec: Compression = Compression.NONE,
    producer: tuple[int, int, int] | None = None,
    transactional: bool = False,
) -> bytes:
    """A batch as a producer sends it. `producer` is (id, epoch, base sequence)."""
    producer_id, epoch, sequence = producer or (-1, -1, -1)
    builder = BatchBuilder(
        codec,
        producer_id=producer_id,
        producer_epoch=epoch,
        base_sequence=sequence,
        transactional=transactional,
    )
    for value in [b"v%d" % i for i in range(values)] if isinstance(values, int) else values:
        builder.append(timestamp, key, value)
    return builder.build()


class Place:
    """Files and what a log in them has said. `reopen` as after a clean stop, `crash` as not."""

    def __init__(self, config: LogConfig = SMALL, files: Files | None = None) -> None:
        self.files: Files = files if files is not None else MemoryFiles()
        self.config = config
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.log = self.open(clean=False)

    def emit(self, kind: str, **fields: object) -> None:
        self.events.append((kind, fields))

    def open(
        self, clean: bool, recovery_point: int | None = None, log_start_offset: int = 0
    ) -> Log:
        self.events.clear()
        self.log = Log.open(
            self.files,
            "t-0",
            self.config,
            NOW,
            self.emit,
            clean=clean,
            recovery_point=recovery_point,
            log_start_offset=log_start_offset,
        )
        return self.log

    def reopen(self) -> Log:
        """Close the log and open it again as one that was closed."""
        self.log.close(NOW)
        return self.open(clean=True, log_start_offset=self.log.log_start_offset)

    def append(self, *args: Any, epoch: int = 0, now: int = NOW, **kwargs: Any) -> Appended:
        done = self.log.append(batch(*args, **kwargs), now, epoch)
        self.files.write_out()
        return done

    def fill(self, count: int, first_ms: int = NOW_MS) -> None:
        """Append `count` batches of one record, a millisecond apart; record i has value "i"."""
        for i in range(count):
            self.append([b"%d" % i], first_ms + i)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [fields for said, fields in self.events if said == kind]


def data_of(records: bytes | FileSlice) -> bytes:
    return records.read() if isinstance(records, FileSlice) else records


def everything(log: Log) -> list[Record]:
    """All records that a reader can get from the log, one fetch after the other."""
    records: list[Record] = []
    offset = log.log_start_offset
    while offset < log.log_end_offset:
        fetched = data_of(log.read(offset, 700).records)
        if not fetched:
            break
        for position, header in batches(fetched):
            records += [r for r in decode(fetched, position, header) if r.offset >= offset]
            offset = header.next_offset
    return records


def values(log: Log) -> list[bytes]:
    return [record.value or b"" for record in everything(log)]
