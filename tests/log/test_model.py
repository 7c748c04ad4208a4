"""A log against a list: random appends, rolls, cuts, restarts and crashes.

The oracle is the list of records that the log should hold, with how many of them are
flushed. After each step the log must say the same; after a crash it must hold all that
was flushed and a prefix of the rest.
"""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from minikafka.log.config import LogConfig
from minikafka.record.batch import read_header
from minikafka.runtime.disk import MemoryFiles

from .helpers import NOW, NOW_MS, Place, data_of, everything

CONFIG = LogConfig(segment_bytes=600, index_interval_bytes=100)


class LogMachine(RuleBasedStateMachine):
    """`records` are (value, timestamp, epoch, base offset of its batch) from offset 0."""

    @initialize()
    def begin(self) -> None:
        self.files = MemoryFiles()
        self.place = Place(CONFIG, self.files)
        self.records: list[tuple[bytes, int, int, int]] = []
        self.start = 0
        self.epoch = 0
        self.sequence = 0
        self.count = 0

    @property
    def log(self) -> Any:
        return self.place.log

    @rule(size=st.integers(1, 4), ms=st.integers(0, 50))
    def append(self, size: int, ms: int) -> None:
        base = len(self.records)
        values = [b"%d" % (self.count + i) for i in range(size)]
        self.count += size
        done = self.place.append(
            values, NOW_MS + ms, producer=(7, self.epoch, self.sequence), epoch=self.epoch
        )
        assert done.base_offset == base
        self.sequence += size
        self.records += [(value, NOW_MS + ms, self.epoch, base) for value in values]

    @rule()
    def retry_the_last_batch(self) -> None:
        if self.sequence and self.records and self.records[-1][2] == self.epoch:
            base = self.records[-1][3]
            size = len(self.records) - base
            done = self.place.append(size, producer=(7, self.epoch, self.sequence - size))
            assert done.duplicate and done.base_offset == base

    @rule()
    def new_leader(self) -> None:
        self.epoch += 1
        self.sequence = 0

    @rule(data=st.data())
    def truncate(self, data: st.DataObject) -> None:
        offset = data.draw(st.integers(self.start, len(self.records)))
        self.log.truncate_to(offset, NOW)
        if offset < len(self.records):
            del self.records[self.records[offset][3] :]
        self.start = min(self.start, len(self.records))
        self.new_leader()

    @rule(data=st.data())
    def delete_records(self, data: st.DataObject) -> None:
        self.start = data.draw(st.integers(self.start, len(self.records)))
        self.log.advance_log_start_offset(self.start)
        self.log.apply_retention(NOW, len(self.records))

    @rule()
    def flush(self) -> None:
        self.log.flush(NOW)

    @rule()
    def roll(self) -> None:
        if self.log.active.size_bytes:
            self.log.roll(NOW_MS)

    @rule()
    def restart(self) -> None:
        self.place.reopen()

    @rule(seed=st.integers(0, 1 << 32), stale=st.booleans())
    def crash(self, seed: int, stale: bool) -> None:
        """The recovery point that was written down may be an old one, never one ahead."""
        flushed = self.log.recovery_point
        self.files.crash(Random(seed))
        self.place.open(
            clean=False, recovery_point=0 if stale else flushed, log_start_offset=self.start
        )
        kept = self.log.log_end_offset
        assert flushed <= kept <= len(self.records)
        del self.records[kept:]
        self.new_leader()

    @invariant()
    def the_log_is_the_list(self) -> None:
        log = self.log
        assert (log.log_start_offset, log.log_end_offset) == (self.start, len(self.records))
        found = [(r.value, r.timestamp) for r in everything(log)]
        assert found == [record[:2] for record in self.records[self.start :]]
        assert log.base_offsets == sorted(set(log.base_offsets))
        assert log.base_offsets[0] <= log.log_start_offset
        assert log.recovery_point <= log.log_end_offset

    @invariant()
    def every_offset_is_found(self) -> None:
        for offset in range(self.start, len(self.records)):
            header = read_header(data_of(self.log.read(offset, 1).records))
            assert header.base_offset == self.records[offset][3]
            assert header.partition_leader_epoch == self.records[offset][2]

    @invariant()
    def times_are_found(self) -> None:
        for timestamp in (NOW_MS, NOW_MS + 20, NOW_MS + 50):
            later = (i for i, r in enumerate(self.records) if i >= self.start and r[1] >= timestamp)
            found = self.log.offset_for_timestamp(timestamp)
            assert (found and found.offset) == next(later, None)

    @invariant()
    def epochs_are_those_of_the_records(self) -> None:
        if self.start == len(self.records):
            return  # nothing can be asked about no records; a restart forgets, as Kafka's does
        expected: list[tuple[int, int]] = []
        for offset, record in enumerate(self.records):
            if not expected or expected[-1][0] != record[2]:
                expected.append((record[2], offset))
        below = [epoch for epoch, offset in expected if offset <= self.start]
        expected = [(epoch, offset) for epoch, offset in expected if offset > self.start]
        if below:
            expected.insert(0, (below[-1], self.start))
        assert self.log.epochs.entries == expected

    @invariant()
    def the_producer_is_known_by_its_last_batch(self) -> None:
        state = self.log.producers.states.get(7)
        if state is not None and self.records and len(self.records) > self.start:
            assert state.batches[-1].last_offset == len(self.records) - 1


TestLogMachine = LogMachine.TestCase
TestLogMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
