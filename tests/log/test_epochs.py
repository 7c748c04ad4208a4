"""Leader epochs: the table in the module's text, and what contradicts it."""

from __future__ import annotations

import pytest

from minikafka.log.epochs import LeaderEpochs
from minikafka.runtime.disk import MemoryFiles


def epochs(*entries: tuple[int, int]) -> LeaderEpochs:
    files = MemoryFiles()
    files.make_directory("t-0")
    made, were_there = LeaderEpochs.load(files, "t-0")
    assert not were_there
    for epoch, offset in entries:
        made.assign(epoch, offset)
    return made


def stored(made: LeaderEpochs) -> list[tuple[int, int]]:
    again, were_there = LeaderEpochs.load(made.files, "t-0")
    assert were_there
    return again.entries


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (-1, (-1, -1)),
        (0, (0, 4)),
        (1, (0, 4)),
        (2, (2, 7)),
        (3, (2, 7)),
        (5, (5, 10)),
        (6, (-1, -1)),
    ],
)
def test_where_an_epoch_ended(asked: int, answer: tuple[int, int]) -> None:
    assert epochs((0, 0), (2, 4), (5, 7)).end_offset(asked, 10) == answer


def test_an_epoch_older_than_all_ends_where_they_begin() -> None:
    assert epochs((3, 5), (4, 8)).end_offset(1, 10) == (1, 5)


def test_an_epoch_is_noted_once() -> None:
    made = epochs((0, 0), (0, 5), (1, 6), (1, 9))
    assert made.entries == stored(made) == [(0, 0), (1, 6)]


def test_a_reign_is_written_down_with_its_first_record() -> None:
    made = epochs((0, 0))
    assert made.note(1, 5)
    assert made.end_offset(1, 5) == (1, 5)
    assert (made.saved, stored(made)) == (0, [(0, 0)])
    made.assign(1, 5)
    assert (made.saved, stored(made)) == (1, [(0, 0), (1, 5)])


def test_no_epoch_is_no_entry() -> None:
    assert epochs().end_offset(0, 0) == (-1, -1)
    assert not epochs().note(-1, 0)


def test_a_leader_that_wrote_nothing_leaves_no_trace() -> None:
    assert epochs((0, 0), (1, 5), (2, 5)).entries == [(0, 0), (2, 5)]


def test_a_new_entry_removes_what_contradicts_it() -> None:
    assert epochs((0, 0), (1, 5), (2, 8), (1, 6)).entries == [(0, 0), (1, 6)]
    assert epochs((0, 0), (1, 5), (2, 8), (3, 3)).entries == [(0, 0), (3, 3)]


def test_truncation_from_both_ends() -> None:
    made = epochs((0, 0), (2, 4), (5, 7))
    made.truncate_from_start(5)
    assert made.entries == stored(made) == [(2, 5), (5, 7)]
    made.truncate_from_end(7)
    assert made.entries == stored(made) == [(2, 5)]
    assert made.latest == 2
    made.truncate_from_end(0)
    assert (made.entries, made.latest) == ([], -1)


def test_the_epoch_of_an_offset() -> None:
    made = epochs((1, 2), (2, 4))
    assert [made.epoch_at(offset) for offset in range(6)] == [-1, -1, 1, 1, 2, 2]
