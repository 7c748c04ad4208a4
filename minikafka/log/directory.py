"""All logs of one broker: Kafka's LogManager.

    data directory/
      meta.properties  .kafka_cleanshutdown  recovery-point-offset-checkpoint  …   checkpoint.py
      orders-0/  orders-1/  clicks-0/                                              log.py
      old-0.4f1a…-delete/          a deleted partition, waiting for file.delete.delay.ms

Opening reads the clean-shutdown mark and removes it at once, so that a crash from then
on counts as one. Closing closes each log, writes the checkpoints, and leaves the mark
as the very last thing. What lies between is housekeeping by the clock, in `poll`:
retention, flushes, checkpoints, forgetting producers, removing deleted partitions.

The checkpoints may be behind the logs but never ahead: a recovery point too low means
more checking, one too high would trust bytes that nobody flushed. That is why cutting a
log goes through `truncate` here, which lowers the written recovery point as well.

Not done: `__cluster_metadata-0` is opened by the quorum, not here.
Not done: several data directories, and going on without one whose disk has failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from minikafka.log import checkpoint, names
from minikafka.log.checkpoint import Emit, TopicPartition
from minikafka.log.config import LogConfig
from minikafka.log.files import Files, remove_later
from minikafka.log.log import Log, LogStatistics
from minikafka.node import MS, NEVER
from minikafka.wire.errors import ErrorCode, KafkaError

METADATA_TOPIC = "__cluster_metadata"


class Intervals(NamedTuple):
    """How often housekeeping does what, in ms; names and defaults are the broker's configs'."""

    log_retention_check_interval_ms: int = 300_000
    log_flush_offset_checkpoint_interval_ms: int = 60_000
    log_flush_start_offset_checkpoint_interval_ms: int = 60_000
    log_flush_scheduler_interval_ms: int = (1 << 63) - 1
    producer_id_expiration_check_interval_ms: int = 600_000


DEFAULT_INTERVALS = Intervals()


class LogDirectory:
    """The logs by topic and partition. Open one with `LogDirectory.open`.

    `high_watermark` tells how far a log is replicated; retention deletes nothing above.
    By default that is its end.
    """

    def __init__(self, files: Files, emit: Emit, intervals: Intervals, now: int) -> None:
        self.files = files
        self.emit = emit
        self.intervals = intervals
        self.logs: dict[TopicPartition, Log] = {}
        self.had_clean_shutdown = False
        self.high_watermark: Callable[[Log], int] = lambda log: log.log_end_offset
        self._deleted: list[tuple[int, str]] = []  # when to remove which directory
        # What `poll` does, and when next, in µs.
        self._tasks: dict[Callable[[int], None], int] = {
            task: now + interval_ms * MS if interval_ms * MS < NEVER else NEVER
            for task, interval_ms in self._schedule().items()
        }
        self._next_task = min(self._tasks.values())

    @classmethod
    def open(
        cls,
        files: Files,
        config_of: Callable[[str], LogConfig],
        now: int,
        emit: Emit,
        intervals: Intervals = DEFAULT_INTERVALS,
    ) -> LogDirectory:
        """Open every partition that is there. `config_of` gives a topic's config; `now` in µs.

        A directory without a log in it is not one, whatever its name: nothing is made in it.
        """
        directory = cls(files, emit, intervals, now)
        clean = directory.had_clean_shutdown = checkpoint.take_clean_shutdown(files, emit)
        recovery_points = checkpoint.read_offsets(files, checkpoint.RECOVERY_POINTS, emit)
        start_offsets = checkpoint.read_offsets(files, checkpoint.LOG_START_OFFSETS, emit)
        for name in files.list():
            if names.is_deleted(files, name):
                remove_later(files, name)
            key = names.parse_partition(name)
            if key is None or key[0] == METADATA_TOPIC or not names.holds_log(files, name):
                continue
            directory.logs[key] = Log.open(
                files,
                name,
                config_of(key[0]),
                now,
                emit,
                clean=clean,
                recovery_point=recovery_points.get(key),
                log_start_offset=start_offsets.get(key, 0),
            )
        return directory

    def __getitem__(self, key: TopicPartition) -> Log:
        """The log of a partition; KafkaError UNKNOWN_TOPIC_OR_PARTITION when it is not here."""
        log = self.logs.get(key)
        if log is None:
            raise KafkaError(
                ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"there is no log {key[0]}-{key[1]} here"
            )
        return log

    def create(self, topic: str, partition: int, topic_id: str, config: LogConfig, now: int) -> Log:
        """The log of a partition, created when it is not there. `now` in µs.

        Raises KafkaError INCONSISTENT_TOPIC_ID when it is there and belongs to another topic
        of the same name, deleted and created again; INVALID_REQUEST for the metadata log, which
        must have one writer.
        """
        if topic == METADATA_TOPIC:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"{topic} is the quorum's, not a topic's")
        log = self.logs.get((topic, partition))
        if log is None:
            name = f"{topic}-{partition}"
            log = Log.open(self.files, name, config, now, self.emit)
            self.logs[topic, partition] = log
        log.set_topic_id(topic_id)
        return log

    def delete(self, topic: str, partition: int, now: int) -> None:
        """Take a partition away. Its directory is renamed now, and removed after a delay.

        The rename is atomic, so no crash can leave half a partition; the delay gives an
        operator a chance to rescue it. `now` in µs.
        """
        log = self[topic, partition]
        del self.logs[topic, partition]
        log.abandon()
        name = names.aside(self.files, log.directory, now, names.DELETED_DIRECTORY_SUFFIX)
        self.files.rename(log.directory, name)
        self._deleted.append((now + log.config.file_delete_delay_ms * MS, name))
        self._next_task = min(self._next_task, self._deleted[-1][0])
        self.checkpoint_recovery_points(now)
        self.checkpoint_log_start_offsets(now)

    def truncate(self, topic: str, partition: int, offset: int, now: int) -> bool:
        """`Log.truncate_to`, and the lower recovery point is written before the next append."""
        was_cut = self[topic, partition].truncate_to(offset, now)
        if was_cut:
            self.checkpoint_recovery_points(now)
        return was_cut

    # --- housekeeping --------------------------------------------------------------

    def poll(self, now: int) -> int:
        """Do what is due at `now` (µs); returns when the next thing is."""
        if now < self._next_task:
            return self._next_task
        for task, interval_ms in self._schedule().items():
            if now >= self._tasks[task]:
                task(now)
                self._tasks[task] = now + interval_ms * MS
        for due, name in self._deleted:
            if now >= due:
                remove_later(self.files, name)
        self._deleted = [(due, name) for due, name in self._deleted if now < due]
        self._next_task = min([*self._tasks.values(), *(due for due, _ in self._deleted)])
        return self._next_task

    def _schedule(self) -> dict[Callable[[int], None], int]:
        """What is done regularly, and how often in ms."""
        intervals = self.intervals
        return {
            self.apply_retention: intervals.log_retention_check_interval_ms,
            self.checkpoint_recovery_points: intervals.log_flush_offset_checkpoint_interval_ms,
            self.checkpoint_log_start_offsets: (
                intervals.log_flush_start_offset_checkpoint_interval_ms
            ),
            self.flush_due: intervals.log_flush_scheduler_interval_ms,
            self.expire_producers: intervals.producer_id_expiration_check_interval_ms,
        }

    def apply_retention(self, now: int) -> None:
        for log in self.logs.values():
            log.apply_retention(now, self.high_watermark(log))

    def flush_due(self, now: int) -> None:
        for log in self.logs.values():
            if log.flush_due(now):
                log.flush(now)

    def expire_producers(self, now: int) -> None:
        for log in self.logs.values():
            log.producers.expire(now // MS)

    def checkpoint_recovery_points(self, now: int) -> None:
        for log in self.logs.values():
            log.settle(now)
        offsets = {key: log.recovery_point for key, log in self.logs.items()}
        checkpoint.write_offsets(self.files, checkpoint.RECOVERY_POINTS, offsets)

    def checkpoint_log_start_offsets(self, now: int) -> None:
        """Only where the start is not that of the first segment, which says it already."""
        offsets = {
            key: log.log_start_offset
            for key, log in self.logs.items()
            if log.log_start_offset > log.base_offsets[0]
        }
        checkpoint.write_offsets(self.files, checkpoint.LOG_START_OFFSETS, offsets)

    def checkpoint_high_watermarks(self, high_watermarks: Mapping[TopicPartition, int]) -> None:
        """Write down how far each partition was replicated."""
        checkpoint.write_offsets(self.files, checkpoint.HIGH_WATERMARKS, high_watermarks)

    def high_watermarks(self) -> dict[TopicPartition, int]:
        """What was last written down; a partition that is missing begins at its log start."""
        return checkpoint.read_offsets(self.files, checkpoint.HIGH_WATERMARKS, self.emit)

    def close(self, now: int, broker_epoch: int = -1) -> None:
        """Close all logs and leave the mark that lets the next opening trust them. `now` in µs."""
        for log in self.logs.values():
            log.close(now)
        self.checkpoint_recovery_points(now)
        self.checkpoint_log_start_offsets(now)
        checkpoint.write_clean_shutdown(self.files, broker_epoch)

    def statistics(self) -> tuple[LogStatistics, ...]:
        return tuple(log.statistics() for log in self.logs.values())
