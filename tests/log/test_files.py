"""The real disk behind the seam; and that memory behaves the same."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minikafka.log.files import Bytes, Files, FileSlice, RealFiles, flush_later
from minikafka.runtime.disk import MemoryFiles

from .helpers import data_of


@pytest.fixture(params=["real", "memory"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    return RealFiles(str(tmp_path / "data")) if request.param == "real" else MemoryFiles()


@pytest.fixture
def real(tmp_path: Path) -> RealFiles:
    return RealFiles(str(tmp_path / "data"))


def test_a_file_grows_is_read_and_is_cut(files: Files) -> None:
    file = files.open("f")
    file.append(b"abc")
    file.append(bytearray(b"def"))
    file.append(memoryview(b"-ghi-")[1:4])
    assert file.size_bytes == 9
    assert file.read(2, 5) == b"cdefg"
    assert file.read(7, 100) == b"hi"
    assert file.read(9, 1) == b""
    file.truncate(4)
    assert (file.size_bytes, file.read(0, 10)) == (4, b"abcd")
    file.truncate(10)
    assert file.size_bytes == 4
    file.append(b"x")
    file.flush()
    file.close()
    assert files.open("f").read(0, 10) == b"abcdx"


def test_a_slice_is_what_a_read_is(files: Files) -> None:
    file = files.open("f")
    file.append(b"abcdef")
    assert data_of(file.slice(1, 3)) == b"bcd"
    assert len(file.slice(4, 100)) == 2
    assert len(file.slice(9, 1)) == 0


def test_directories_are_listed_in_order_renamed_and_removed(files: Files) -> None:
    files.make_directory("b-0")
    files.make_directory("b-0")
    files.make_directory("a-0")
    files.open("b-0/2").append(b"two")
    files.open("b-0/1").append(b"one")
    files.write_out()
    assert files.list() == ["a-0", "b-0"]
    assert files.list("b-0") == ["1", "2"]
    files.rename("b-0", "c-0")
    assert not files.exists("b-0")
    assert files.read("c-0/2") == b"two"
    files.remove("c-0")
    assert files.list() == ["a-0"]


def test_replace_makes_the_whole_content(files: Files) -> None:
    files.replace("f", b"a long first content")
    files.replace("f", b"short")
    assert files.read("f") == b"short"
    assert files.list() == ["f"]


@pytest.mark.parametrize("ask", ["list", "read", "remove"])
def test_what_is_missing_is_not_found(files: Files, ask: str) -> None:
    with pytest.raises(FileNotFoundError):
        getattr(files, ask)("nowhere")


def test_appends_wait_for_write_out_and_leave_in_one_call(
    real: RealFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    pwritev = os.pwritev

    def counting(number: int, pieces: list[Bytes], position: int) -> int:
        calls.append(len(pieces))
        return pwritev(number, pieces, position)

    monkeypatch.setattr(os, "pwritev", counting)
    file = real.open("f")
    for _ in range(3):
        file.append(b"abc")
    assert Path(real.full("f")).read_bytes() == b""
    real.write_out()
    real.write_out()
    assert Path(real.full("f")).read_bytes() == b"abcabcabc"
    assert calls == [3]


def test_more_pieces_than_the_system_takes_at_once(real: RealFiles) -> None:
    file = real.open("f")
    for i in range(3_000):
        file.append(b"%04d" % i)
    real.write_out()
    assert real.read("f") == b"".join(b"%04d" % i for i in range(3_000))


def writes_at_most(limit: int) -> Callable[..., int]:
    def pwritev(number: int, pieces: list[Any], position: int) -> int:
        return os.pwrite(number, b"".join(pieces)[:limit], position)

    return pwritev


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7])
def test_short_writes_are_continued(
    real: RealFiles, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(os, "pwritev", writes_at_most(limit))
    file = real.open("f")
    for piece in (b"abc", b"", b"defg", b"h"):
        file.append(piece)
    real.write_out()
    assert real.read("f") == b"abcdefgh"


def test_a_disk_that_takes_nothing_is_an_error(
    real: RealFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "pwritev", writes_at_most(0))
    real.open("f").append(b"abc")
    with pytest.raises(OSError, match="took none"):
        real.write_out()


def test_a_slice_outlives_its_file(real: RealFiles) -> None:
    file = real.open("f")
    file.append(b"abcdef")
    piece = file.slice(2, 3)
    assert isinstance(piece, FileSlice)
    file.close()
    real.remove("f")
    assert piece.read() == b"cde"
    assert os.pread(piece.fileno(), len(piece), piece.position) == b"cde"
    number = piece.fileno()
    del piece
    with pytest.raises(OSError):
        os.fstat(number)


def test_a_flush_in_the_background_says_when_it_is_done(
    real: RealFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, flushed = threading.Event(), []

    def fdatasync(number: int) -> None:
        assert gate.wait(10)
        flushed.append(os.fstat(number).st_size)

    monkeypatch.setattr("minikafka.log.files.fdatasync", fdatasync)
    file = real.open("f")
    file.append(b"abc")
    is_done = flush_later([file, MemoryFiles().open("g")])
    file.append(b"def")
    file.close()
    assert not is_done()
    gate.set()
    while not is_done():
        pass
    assert flushed == [6]


def test_a_flush_that_fails_in_the_background_is_not_forgotten(
    real: RealFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fdatasync(number: int) -> None:
        raise OSError("bad disk")

    monkeypatch.setattr("minikafka.log.files.fdatasync", fdatasync)
    is_done = flush_later([real.open("f")])
    with pytest.raises(OSError, match="bad disk"):
        while not is_done():
            pass


def test_only_so_many_files_are_open_at_a_time(tmp_path: Path) -> None:
    files = RealFiles(str(tmp_path), open_limit=3)
    many = [files.open(f"f{i}") for i in range(10)]
    for turn in range(3):
        for i, file in enumerate(many):
            file.append(b"%d%d" % (i, turn))
        files.write_out()
        assert sum(file.descriptor is not None for file in many) <= 3
    for i, file in enumerate(many):
        assert file.read(0, 10) == b"%d0%d1%d2" % (i, i, i)


def test_the_lock_keeps_other_processes_out(real: RealFiles) -> None:
    claim = f"from minikafka.log.files import RealFiles; RealFiles({real.root!r}).lock()"
    real.lock()
    run = subprocess.run([sys.executable, "-c", claim], capture_output=True, text=True, check=False)
    assert "BlockingIOError" in run.stderr
    real.lock_descriptor = None
    subprocess.run([sys.executable, "-c", claim], check=True)


def test_a_full_disk_is_reported_with_the_name_of_the_file(
    real: RealFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    file = real.open("f")
    file.append(b"a")
    monkeypatch.setattr(os, "pwritev", full)
    monkeypatch.setattr(os, "fsync", full)
    for write, name in ((real.write_out, "f"), (lambda: real.replace("g", b"a"), "g.tmp")):
        with pytest.raises(OSError, match="No space left on device") as caught:
            write()
        assert caught.value.filename == real.full(name)


def test_slices_that_nobody_takes_leave_descriptors_for_others(tmp_path: Path) -> None:
    files = RealFiles(str(tmp_path), open_limit=3)
    contents = [b"%d" % number * 10 for number in range(20)]
    slices = []
    for number, content in enumerate(contents):
        file = files.open(f"f{number}")
        file.append(content)
        slices.append(file.slice(0, len(content)))
        assert files.open_count <= 4
    assert [data_of(piece) for piece in slices] == contents
    slices.clear()
    assert isinstance(files.open("f0").slice(0, 10), FileSlice)
    assert files.open_count <= 3
