"""What a crash may leave: every state of the unflushed files, tried one after the other.

A log is written, part of it is flushed, more is written; then the machine dies. Of each file
whatever was appended since its last flush may survive up to any byte, one file independently of
the other. Whatever it was:

    what was flushed is there, the rest is a beginning of what was written: never a hole
    opening what recovery has left changes nothing: it is idempotent
    the log grows on from its end
"""

from __future__ import annotations

import copy
from itertools import product
from random import Random

import pytest

from minikafka.log import log as log_module
from minikafka.log.log import Log
from minikafka.log.producers import SentBatch
from minikafka.runtime.disk import MemoryFiles

from .helpers import NOW, NOW_MS, SMALL, Place, values

RECORDS = 45


class Crashed:
    """The files at the moment of the crash, and what had been promised."""

    def __init__(self, flushed: int) -> None:
        self.files = MemoryFiles()
        place = Place(files=self.files)
        for number in range(RECORDS):
            place.append([b"%d" % number], NOW_MS + number, producer=(7, 0, number))
            if number + 1 == flushed:
                place.log.flush(NOW)
        self.recovery_point = place.log.recovery_point
        contents = self.files._files
        self.unflushed = {
            path: len(content.data) - content.flushed_bytes
            for path, content in sorted(contents.items())
            if len(content.data) > content.flushed_bytes
        }

    def survivors(self, kept: dict[str, int]) -> MemoryFiles:
        """The files after the crash: of each, so many unflushed bytes are left."""
        files = copy.deepcopy(self.files)
        for path, content in files._files.items():
            content.forget(kept.get(path, 0))
        return files


def check(files: MemoryFiles, recovery_point: int) -> None:
    log = opened(files, recovery_point)
    end = log.log_end_offset
    assert recovery_point <= end <= RECORDS
    assert values(log) == [b"%d" % number for number in range(end)]
    state = {path: bytes(content.data) for path, content in files._files.items()}
    again = opened(files, recovery_point)
    assert again.log_end_offset == end
    assert {path: bytes(content.data) for path, content in files._files.items()} == state
    assert last_batches(again) == last_batches(log)
    place = Place(files=files)
    place.log = again
    assert place.append([b"%d" % end], NOW_MS, producer=(7, 0, end)).base_offset == end
    assert values(again) == [b"%d" % number for number in range(end + 1)]


def last_batches(log: Log) -> dict[int, tuple[int, SentBatch]]:
    return {key: (state.epoch, state.batches[-1]) for key, state in log.producers.states.items()}


def opened(files: MemoryFiles, recovery_point: int) -> Log:
    return Log.open(files, "t-0", SMALL, NOW, None, recovery_point=recovery_point)


@pytest.fixture(autouse=True, params=["sealed segments are flushed", "not yet"])
def sealed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sealed segment is flushed in the background: a crash may come before that is done."""
    if request.param == "not yet":
        monkeypatch.setattr(log_module, "flush_later", lambda files: lambda: False)


@pytest.mark.parametrize("flushed", [0, 5, 22, 44])
def test_the_log_may_end_at_any_byte(flushed: int) -> None:
    crashed = Crashed(flushed)
    logs = [path for path in crashed.unflushed if path.endswith(".log")]
    for path in logs:
        others = {other: size for other, size in crashed.unflushed.items() if other != path}
        for kept in range(crashed.unflushed[path] + 1):
            check(crashed.survivors({**others, path: kept}), crashed.recovery_point)


@pytest.mark.parametrize("flushed", [0, 22])
def test_each_file_may_end_elsewhere(flushed: int) -> None:
    crashed = Crashed(flushed)
    choices = {
        path: sorted({0, 1, size // 2, size - 1, size}) for path, size in crashed.unflushed.items()
    }
    states = list(product(*choices.values()))
    random = Random(flushed)
    for state in states if len(states) <= 700 else random.sample(states, 700):
        check(
            crashed.survivors(dict(zip(choices, state, strict=True))),
            crashed.recovery_point,
        )
