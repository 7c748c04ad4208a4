"""The forgetful disk: what survives a crash is what was flushed."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikafka.runtime.disk import MemoryFiles


def test_a_crash_forgets_what_was_not_flushed() -> None:
    disk = MemoryFiles()
    file = disk.open("a.log")
    file.append(b"abc")
    file.flush()
    file.append(b"def")
    assert disk.read("a.log") == b"abcdef"
    disk.crash()
    assert disk.read("a.log") == b"abc"


def test_a_cut_that_was_not_flushed_is_undone() -> None:
    disk = MemoryFiles()
    file = disk.open("a.log")
    file.append(b"abcdef")
    file.flush()
    file.truncate(2)
    file.append(b"XY")
    disk.crash()
    assert disk.read("a.log") == b"abcdef"


def test_a_flushed_cut_stays() -> None:
    disk = MemoryFiles()
    file = disk.open("a.log")
    file.append(b"abcdef")
    file.flush()
    file.truncate(2)
    file.flush()
    disk.crash()
    assert disk.read("a.log") == b"ab"


def test_a_torn_tail_is_a_prefix_of_what_was_written() -> None:
    lengths = set()
    for seed in range(30):
        disk = MemoryFiles()
        file = disk.open("a.log")
        file.append(b"abc")
        file.flush()
        file.append(b"defghi")
        disk.crash(Random(seed))
        left = disk.read("a.log")
        assert b"abcdefghi".startswith(left) and left.startswith(b"abc")
        lengths.add(len(left))
    assert {3, 9} < lengths, "nothing, everything and something between must all occur"


operations = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.binary(min_size=1, max_size=5)),
        st.tuples(st.just("truncate"), st.integers(0, 20)),
        st.tuples(st.just("flush"), st.just(0)),
        st.tuples(st.just("crash"), st.just(0)),
    ),
    max_size=25,
)


@given(operations)
def test_against_a_model_that_keeps_two_whole_contents(steps: list[tuple[str, object]]) -> None:
    disk = MemoryFiles()
    disk.open("f")
    content = flushed = b""
    for what, argument in steps:
        file = disk.open("f")
        match what, argument:
            case "append", bytes(data):
                file.append(data)
                content += data
            case "truncate", int(size):
                file.truncate(size)
                content = content[:size]
            case "flush", _:
                file.flush()
                flushed = content
            case "crash", _:
                disk.crash()
                content = flushed
        assert disk.read("f") == content


def test_names() -> None:
    disk = MemoryFiles()
    disk.make_directory("t-0/deep")
    disk.open("t-0/1.log").append(b"one")
    disk.replace("t-0/deep/mark", b"x")
    assert disk.list() == ["t-0"] and disk.list("t-0") == ["1.log", "deep"]
    disk.rename("t-0", "t-0-delete")
    assert disk.read("t-0-delete/1.log") == b"one" and not disk.exists("t-0")
    assert disk.read("t-0-delete/deep/mark") == b"x"
    disk.remove("t-0-delete")
    assert disk.list() == []
    with pytest.raises(FileNotFoundError):
        disk.open("nowhere/file")
    with pytest.raises(FileNotFoundError):
        disk.list("nowhere")


def test_an_open_file_outlives_its_name() -> None:
    disk = MemoryFiles()
    file = disk.open("a")
    file.append(b"abc")
    disk.remove("a")
    assert file.read(0, 10) == b"abc"


def test_rot_changes_a_flushed_byte() -> None:
    disk = MemoryFiles()
    file = disk.open("a")
    file.append(b"abc")
    file.flush()
    disk.rot("a", 1)
    assert disk.read("a") == bytes([ord("a"), ord("b") ^ 0xFF, ord("c")])
