"""Sparse indexes against a plain list: in memory, on the disk, and half of each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from minikafka.log.index import OffsetIndex, TimeIndex
from minikafka.runtime.disk import MemoryFiles

BASE = 1_000

steps = st.lists(st.integers(1, 5), max_size=30)


@given(steps, st.integers(0, 30), st.integers(0, 30))
def test_an_offset_is_looked_up_as_in_a_list(gaps: list[int], cold: int, cut: int) -> None:
    files = MemoryFiles()
    index = OffsetIndex(files.open("i"), BASE)
    entries: list[tuple[int, int]] = []
    offset = BASE
    for n, gap in enumerate(gaps):
        if n == cold:
            index = OffsetIndex(files.open("i"), BASE)  # all that is there is cold now
        offset += gap
        index.append(offset, n * 100)
        entries.append((offset, n * 100))
    for target in range(BASE - 1, offset + 2):
        below = [entry for entry in entries if entry[0] <= target]
        assert index.lookup(target) == (below[-1] if below else (BASE, 0))
    if cut < len(entries):
        index.truncate_to(entries[cut][0])
        del entries[cut:]
    assert len(index) == len(entries)
    assert [index[i] for i in range(len(index))] == [(o - BASE, p) for o, p in entries]
    assert index.last == ((entries[-1][0] - BASE, entries[-1][1]) if entries else None)
    assert index.is_whole


@given(st.lists(st.integers(0, 50), max_size=30), st.integers(0, 30))
def test_a_time_index_holds_only_rising_times(times: list[int], cold: int) -> None:
    files = MemoryFiles()
    index = TimeIndex(files.open("i"), BASE)
    entries: list[tuple[int, int]] = []
    for n, time in enumerate(times):
        if n == cold:
            index.cool()
        index.maybe_append(time, BASE + n)
        if not entries or time > entries[-1][0]:
            entries.append((time, BASE + n))
    assert index.largest == (entries[-1] if entries else (-1, BASE))
    for target in range(-1, 52):
        below = [entry for entry in entries if entry[0] <= target]
        assert index.lookup(target) == (below[-1] if below else (-1, BASE))
    middle = BASE + len(times) // 2
    index.truncate_to(middle)
    kept = [entry for entry in entries if entry[1] < middle]
    assert index.largest == (kept[-1] if kept else (-1, BASE))


def test_entries_are_kafkas_bytes() -> None:
    files = MemoryFiles()
    offsets, times = OffsetIndex(files.open("o"), BASE), TimeIndex(files.open("t"), BASE)
    offsets.append(BASE + 3, 258)
    times.maybe_append(5, BASE + 3)
    assert files.read("o") == bytes.fromhex("00000003 00000102")
    assert files.read("t") == bytes.fromhex("0000000000000005 00000003")


def test_half_an_entry_is_noticed() -> None:
    files = MemoryFiles()
    files.replace("i", bytes(12))
    assert not OffsetIndex(files.open("i"), BASE).is_whole
    assert TimeIndex(files.open("i"), BASE).is_whole
