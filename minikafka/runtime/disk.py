"""A disk in memory that forgets, as disks do: the simulator's side of the `Files` seam.

What a program writes lies in the operating system's cache until it is flushed
(fsync). When the machine dies, the cache is gone:

      append "abc"   flush   append "def"   truncate 2          crash()
      abc            abc|    abc|def        ab|                 abc
                        ^ everything up to here survives

`crash()` takes every file back to its last flush: later appends are gone, and what
had been flushed and was cut away since is there again. Disks are not that clean,
though: with `torn` a random part of what was appended since the last flush survives,
so that the tail may end in the middle of a batch. `rot` flips one byte, as time does.

Not done: names. Creating, renaming and removing take effect at once and for good
(as on a journaled file system whose directory was synced).
"""

from __future__ import annotations

import errno
import os
from random import Random

from minikafka.runtime.hardware import Hardware


class _Content:
    """What a file holds, and how to get back to what it held at the last flush."""

    __slots__ = ("data", "flushed_bytes", "undo")

    def __init__(self) -> None:
        self.data = bytearray()
        self.flushed_bytes = 0  # invariant: flushed_bytes <= len(data)
        self.undo: list[tuple[int, bytes]] = []  # flushed bytes that were cut away since

    def forget(self, keep_bytes: int) -> None:
        """Return to the last flush, plus `keep_bytes` of what was appended after it."""
        if self.undo:
            keep_bytes = 0
        del self.data[self.flushed_bytes + keep_bytes :]
        for position, old in reversed(self.undo):
            self.data[position : position + len(old)] = old
        self.undo.clear()
        self.flushed_bytes = len(self.data)


class MemoryFile:
    """An open file of `MemoryFiles`."""

    __slots__ = ("_content", "_disk", "path")

    def __init__(self, disk: MemoryFiles, path: str, content: _Content) -> None:
        self._disk = disk
        self._content = content
        self.path = path

    @property
    def size_bytes(self) -> int:
        return len(self._content.data)

    def append(self, data: bytes | bytearray | memoryview) -> None:
        self._content.data += data
        self._disk.busy_us += len(data) / self._disk.hardware.write_bytes_per_us

    def read(self, position: int, count: int) -> bytes:
        with memoryview(self._content.data) as data:
            return bytes(data[position : position + count])

    slice = read
    """In memory there is no `sendfile`: what a fetch sends is the bytes as they are now."""

    def truncate(self, size: int) -> None:
        content = self._content
        self._remember(size, len(content.data))
        del content.data[size:]
        content.flushed_bytes = min(content.flushed_bytes, size)

    def flush(self) -> None:
        content, hardware = self._content, self._disk.hardware
        unflushed = len(content.data) - content.flushed_bytes
        self._disk.busy_us += hardware.flush_us + unflushed / hardware.flush_bytes_per_us
        content.flushed_bytes = len(content.data)
        content.undo.clear()

    def close(self) -> None:
        """Nothing to give back: memory has no file descriptors."""

    def _remember(self, start: int, end: int) -> None:
        end = min(end, self._content.flushed_bytes)
        if start < end:
            self._content.undo.append((start, bytes(self._content.data[start:end])))


class MemoryFiles:
    """A directory tree in memory. See the module's text for what a crash does to it.

    `busy_us` adds up what the disk cost by the hardware model; the simulator takes it
    after each turn and keeps the node busy for as long.
    """

    def __init__(self, hardware: Hardware | None = None) -> None:
        self.root = "/memory"
        self.hardware = hardware or Hardware()
        self.busy_us = 0.0
        self._files: dict[str, _Content] = {}
        self._directories: set[str] = {""}

    def copy(self) -> MemoryFiles:
        """Another disk with the same on it, all of it flushed."""
        other = MemoryFiles(self.hardware)
        other._directories = set(self._directories)
        for path, content in self._files.items():
            other.replace(path, bytes(content.data))
        return other

    # --- Files -----------------------------------------------------------------
    def space(self) -> tuple[int, int]:
        return -1, -1

    def open(self, path: str) -> MemoryFile:
        if path not in self._files:
            self._require_directory(path)
            self._files[path] = _Content()
        return MemoryFile(self, path, self._files[path])

    def exists(self, path: str) -> bool:
        return path in self._files or path in self._directories

    def list(self, path: str = "") -> list[str]:
        if path not in self._directories:
            raise FileNotFoundError(path)
        prefix = path + "/" if path else ""
        found = {
            name[len(prefix) :].split("/", 1)[0]
            for name in [*self._files, *self._directories]
            if name.startswith(prefix) and name != path
        }
        return sorted(found - {""})

    def make_directory(self, path: str) -> None:
        parts = path.split("/")
        self._directories.update("/".join(parts[: i + 1]) for i in range(len(parts)))

    def rename(self, old: str, new: str) -> None:
        if old in self._files:
            self._require_directory(new)
            self._files[new] = self._files.pop(old)
            return
        if old not in self._directories:
            raise FileNotFoundError(old)
        if new in self._directories and self.list(new):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), new)
        inside = old + "/"
        self._directories = {
            new + name[len(old) :] if name == old or name.startswith(inside) else name
            for name in self._directories
        }
        self._files = {
            new + name[len(old) :] if name.startswith(inside) else name: content
            for name, content in self._files.items()
        }

    def remove(self, path: str) -> None:
        if not self.exists(path):
            raise FileNotFoundError(path)
        inside = path + "/"
        self._files = {
            name: content
            for name, content in self._files.items()
            if name != path and not name.startswith(inside)
        }
        self._directories = {
            name for name in self._directories if name != path and not name.startswith(inside)
        }

    def read(self, path: str) -> bytes:
        if path not in self._files:
            raise FileNotFoundError(path)
        return bytes(self._files[path].data)

    def replace(self, path: str, data: bytes) -> None:
        self._require_directory(path)
        content = _Content()
        content.data += data
        self._files[path] = content
        MemoryFile(self, path, content).flush()

    def write_out(self) -> None:
        """Appends are visible at once here; real files hand theirs to the system now."""

    # --- faults ----------------------------------------------------------------
    def crash(self, torn: Random | None = None) -> None:
        """Forget what was not flushed; with `torn`, keep a random part of each unflushed tail."""
        for path in sorted(self._files):
            content = self._files[path]
            unflushed = len(content.data) - content.flushed_bytes
            content.forget(torn.randint(0, unflushed) if torn and unflushed > 0 else 0)

    def rot(self, path: str, position: int) -> None:
        """Flip every bit of one byte of a file, flushed or not."""
        self._files[path].data[position] ^= 0xFF

    def _require_directory(self, path: str) -> None:
        directory = path.rpartition("/")[0]
        if directory not in self._directories:
            raise FileNotFoundError(directory)
