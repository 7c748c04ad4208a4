"""The disk seam: everything the log asks of a disk, and the real disk that gives it.

      log/…  ──►  Files  ◄── RealFiles    (here: a directory of the operating system)
                         ◄── MemoryFiles  (runtime/disk.py: forgets on a crash what was not flushed)

A `File` only grows at its end, is cut at its end, and is read anywhere: a log needs
nothing else, and it is what makes "what survives a crash" a question with a short
answer: everything up to the last `flush`, plus any part of what came after it.

Appends are queued. A turn of the broker may append to the same partition for fifty
producers; the driver calls `write_out` once, before any answer leaves, and each file
gets one `pwritev`:

      append(a) append(b) append(c)   ─ turn ends ─   write_out() ─►  pwritev(fd, [a, b, c], at)

The queued pieces are views into the network's receive buffers, so a record goes from
socket to file without being copied here. Textbooks put a user-space write buffer in
this place; the page cache already is one.

What leaves is not read either: `slice` hands out a `FileSlice`, which names bytes in
a file, and the driver passes it to `sendfile`. A slice keeps its descriptor open, so a
segment may be deleted while its last reader is still being sent (Unix keeps the bytes
of an unlinked file until nobody holds it). Kafka needs a grace period for that.

Paths are relative to the data directory and separated by "/".

Not done: several data directories (`log.dirs` with more than one entry).
Not done: Windows, where an open file can neither be renamed nor deleted.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Bytes = bytes | bytearray | memoryview

fdatasync = getattr(os, "fdatasync", os.fsync)
"""Flush a file's bytes but not its times. macOS has no such call."""

MAX_PIECES = 1000
"""Pieces handed to one `pwritev`; the kernel's own limit (IOV_MAX) is 1024."""


class Sendable(Protocol):
    """What may stand in the place of a message's record bytes: it has a length and can be read."""

    def __len__(self) -> int: ...

    def read(self) -> bytes: ...


class File(Protocol):
    """One file that is appended to, cut and read. Positions and sizes are in bytes.

    Invariant: `size_bytes` counts what was appended, whether or not it is written out.
    """

    path: str

    @property
    def size_bytes(self) -> int: ...

    def append(self, data: Bytes) -> None:
        """Put `data` at the end. Its memory must stay unchanged until the next `write_out`."""
        ...

    def read(self, position: int, count: int) -> bytes:
        """Up to `count` bytes from `position`; fewer at the end. Sees queued appends."""
        ...

    def slice(self, position: int, count: int) -> bytes | FileSlice:
        """The same bytes for sending: on a real disk only their place, not yet their content."""
        ...

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes; does nothing when it is not longer."""
        ...

    def flush(self) -> None:
        """Return when everything appended so far would survive a crash of the machine (fsync)."""
        ...

    def close(self) -> None:
        """Write out and let go. Does not flush: closing promises nothing about crashes."""
        ...


class Files(Protocol):
    """A data directory. Missing files raise FileNotFoundError, as `os` does."""

    root: str
    """Where it is, for people."""

    def space(self) -> tuple[int, int]:
        """The size of the volume and what is left of it for us, in bytes; -1 when unknown."""
        ...

    def open(self, path: str) -> File:
        """The file at `path`, created empty when there is none."""
        ...

    def exists(self, path: str) -> bool: ...

    def list(self, path: str = "") -> list[str]:
        """Names in a directory, sorted (so that nothing depends on the disk's order)."""
        ...

    def make_directory(self, path: str) -> None:
        """Create a directory, and its parents; fine when it is there already."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Move a file or a directory, replacing a file at `new`; a crash leaves old or new.

        Raises OSError when there is a directory at `new` that holds anything.
        """
        ...

    def remove(self, path: str) -> None:
        """Remove a file, or a directory with all it holds."""
        ...

    def read(self, path: str) -> bytes:
        """The whole content of a (small) file."""
        ...

    def replace(self, path: str, data: bytes) -> None:
        """Make `data` the content of `path`, durably: a crash leaves the old or the new content."""
        ...

    def write_out(self) -> None:
        """Hand everything appended so far, in all files, to the operating system."""
        ...


def flush_later(files: Iterable[File]) -> Callable[[], bool]:
    """Begin to flush; what is returned says whether it is done, and raises if it has failed.

    A full segment may have a gigabyte that the disk has not got yet. Waiting for it would
    stop the broker for seconds, so real files are flushed by a thread; others flush here.
    """
    running = []
    for file in files:
        if isinstance(file, RealFile):
            running.append(file.begin_flush())
        else:
            file.flush()
    return lambda: all(flush.done() and flush.result() is None for flush in running)


def remove_later(files: Files, path: str) -> None:
    """Remove a file or directory that nobody has open and a restart would remove too.

    Taking a gigabyte back costs the system some 80 ms, in which no request would be
    answered: on a real disk a thread does it.
    """
    if isinstance(files, RealFiles):
        files.in_background(lambda: files.remove(path))
    else:
        files.remove(path)


class Descriptor:
    """An open file descriptor that closes when its last holder, file or slice, is gone.

    `owner` counts it among its own as long as it is open.
    """

    __slots__ = ("number", "owner")

    def __init__(
        self, path: str, flags: int = os.O_RDWR | os.O_CREAT, owner: RealFiles | None = None
    ) -> None:
        self.number = os.open(path, flags | os.O_CLOEXEC, 0o644)
        self.owner = owner
        if owner is not None:
            owner.open_count += 1

    def __del__(self) -> None:
        # Reference counting is the point: a slice on its way to a socket keeps the file alive.
        if hasattr(self, "number"):
            os.close(self.number)
            if self.owner is not None:
                self.owner.open_count -= 1


class FileSlice:
    """`count` bytes of a file from `position`, to be sent without passing through Python.

    The driver uses `fileno()` and `position` with `os.sendfile`; everybody else `read()`.
    """

    __slots__ = ("count", "descriptor", "position")

    def __init__(self, descriptor: Descriptor, position: int, count: int) -> None:
        self.descriptor = descriptor
        self.position = position
        self.count = count

    def fileno(self) -> int:
        return self.descriptor.number

    def __len__(self) -> int:
        return self.count

    def read(self) -> bytes:
        """The bytes themselves. Short if the file was cut since."""
        return os.pread(self.descriptor.number, self.count, self.position)

    def __repr__(self) -> str:
        return f"FileSlice({self.position}..{self.position + self.count - 1})"


class RealFile:
    """A file of the operating system. The descriptor is opened on first use.

    So a data directory with thousands of cold segments opens with one `stat` each, and
    `RealFiles` can put the least recently opened ones away when there are too many.

    Invariant: written_bytes + total length of `queue` == size_bytes.
    """

    __slots__ = ("descriptor", "files", "is_new", "path", "queue", "size_bytes", "written_bytes")

    def __init__(self, files: RealFiles, path: str) -> None:
        self.files = files
        self.path = path
        self.descriptor: Descriptor | None = None
        self.queue: list[Bytes] = []
        self.is_new = False  # a new file's directory entry needs an fsync too
        try:
            self.written_bytes = os.stat(files.full(path)).st_size
        except FileNotFoundError:
            self.is_new = True
            self.written_bytes = 0
            self._opened()
        self.size_bytes = self.written_bytes

    def append(self, data: Bytes) -> None:
        if not self.queue:
            self.files.dirty.append(self)
        self.queue.append(data)
        self.size_bytes += len(data)

    def read(self, position: int, count: int) -> bytes:
        if position + count > self.written_bytes and self.queue:
            self.write_out()
        return os.pread(self._opened().number, count, position)

    def slice(self, position: int, count: int) -> bytes | FileSlice:
        if position + count > self.written_bytes and self.queue:
            self.write_out()
        count = max(0, min(count, self.written_bytes - position))
        opened = self._opened()
        if self.files.open_count > self.files.open_limit:
            # Slices that nobody takes hold so many descriptors that there may be none for others.
            return os.pread(opened.number, count, position)
        return FileSlice(opened, position, count)

    def truncate(self, size: int) -> None:
        self.write_out()
        if size < self.size_bytes:
            os.ftruncate(self._opened().number, size)
            self.size_bytes = self.written_bytes = size

    def flush(self) -> None:
        self.write_out()
        fdatasync(self._opened().number)
        if self.is_new:
            self.files.flush_directory(os.path.dirname(self.path))
            self.is_new = False

    def begin_flush(self) -> Future[None]:
        """`flush` in another thread: what was appended so far is durable when it is done."""
        self.write_out()
        is_new, self.is_new = self.is_new, False
        return self.files.in_background(lambda: self.files.flush_named(self.path, is_new))

    def close(self) -> None:
        self.write_out()
        self.descriptor = None

    def write_out(self) -> None:
        """Hand the queue to the operating system, however many calls it takes."""
        queue, self.queue = self.queue, []
        while queue:
            number = self._opened().number
            pieces = queue if len(queue) <= MAX_PIECES else queue[:MAX_PIECES]
            try:
                written = os.pwritev(number, pieces, self.written_bytes)
            except OSError as error:
                raise naming(self.files.full(self.path), error) from error
            self.written_bytes += written
            if self.written_bytes == self.size_bytes:
                return
            if written == 0:
                raise OSError(f"{self.path}: the disk took none of {len(queue)} pieces")
            queue = after(queue, written)

    def _opened(self) -> Descriptor:
        descriptor = self.descriptor
        if descriptor is None:
            descriptor = self.descriptor = Descriptor(self.files.full(self.path), owner=self.files)
            self.files.on_opened(self)
        return descriptor


def naming(path: str, error: OSError) -> OSError:
    """The same error, saying of which file: a failed write does not, however full the disk is."""
    return OSError(error.errno, error.strerror, path)


def after(queue: list[Bytes], count: int) -> list[Bytes]:
    """What is left of `queue` when its first `count` bytes are gone (a short write)."""
    for index, piece in enumerate(queue):
        if count < len(piece):
            return [memoryview(piece)[count:], *queue[index + 1 :]]
        count -= len(piece)
    return []


class RealFiles:
    """A directory of the operating system as `Files`. Created when missing.

    `open_limit` bounds the descriptors kept open at a time (many systems allow a process
    256 or 1024): beyond it the one opened longest ago is put away until it is used again.
    A `FileSlice` keeps its file's open all the same, as long as its reader takes no bytes;
    so there are none when that would exceed the limit (`RealFile.slice`).
    """

    def __init__(self, root: str, open_limit: int = 512) -> None:
        self.root = os.path.abspath(root)
        self.dirty: list[RealFile] = []  # files with queued appends
        self.opened: deque[RealFile] = deque()  # files with a descriptor, longest open first
        self.open_limit = open_limit
        self.open_count = 0  # descriptors of files, put away or not, that are still held
        self.lock_descriptor: Descriptor | None = None
        self._background: ThreadPoolExecutor | None = None
        os.makedirs(self.root, exist_ok=True)

    def space(self) -> tuple[int, int]:
        volume = os.statvfs(self.root)
        return volume.f_blocks * volume.f_frsize, volume.f_bavail * volume.f_frsize

    def full(self, path: str) -> str:
        """The operating system's name for `path`."""
        return os.path.join(self.root, path) if path else self.root

    def open(self, path: str) -> RealFile:
        return RealFile(self, path)

    def exists(self, path: str) -> bool:
        return os.path.exists(self.full(path))

    def list(self, path: str = "") -> list[str]:
        return sorted(os.listdir(self.full(path)))

    def make_directory(self, path: str) -> None:
        if not self.exists(path):
            os.makedirs(self.full(path))
            self.flush_directory(os.path.dirname(path))

    def rename(self, old: str, new: str) -> None:
        os.replace(self.full(old), self.full(new))
        self.flush_directory(os.path.dirname(new))

    def remove(self, path: str) -> None:
        full = self.full(path)
        if os.path.isdir(full) and not os.path.islink(full):
            for name in os.listdir(full):
                self.remove(f"{path}/{name}")
            os.rmdir(full)
        else:
            os.unlink(full)

    def read(self, path: str) -> bytes:
        with open(self.full(path), "rb") as file:
            return file.read()

    def replace(self, path: str, data: bytes) -> None:
        beside = path + ".tmp"
        try:
            with open(self.full(beside), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise naming(self.full(beside), error) from error
        self.rename(beside, path)

    def write_out(self) -> None:
        dirty, self.dirty = self.dirty, []
        for file in dirty:
            file.write_out()

    def lock(self) -> None:
        """Claim the directory for this process, as Kafka does, by a lock on the file `.lock`.

        Raises BlockingIOError when another process has it: two brokers must not share a log.
        """
        import fcntl  # here: there is none in a browser kernel

        self.lock_descriptor = Descriptor(self.full(".lock"))
        fcntl.flock(self.lock_descriptor.number, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def in_background(self, work: Callable[[], None]) -> Future[None]:
        """Let the one thread for slow work do `work`; it exists when it is first needed."""
        if self._background is None:
            from concurrent.futures import ThreadPoolExecutor  # 5 ms that a start need not pay

            self._background = ThreadPoolExecutor(1, "disk")
        return self._background.submit(work)

    def flush_named(self, path: str, is_new: bool) -> None:
        """Flush a file that may be closed by now. By its name: waiting work holds no descriptor."""
        try:
            descriptor = Descriptor(self.full(path), os.O_RDWR)
        except FileNotFoundError:
            return  # deleted meanwhile, so nobody wants it
        fdatasync(descriptor.number)
        if is_new:
            self.flush_directory(os.path.dirname(path))

    def on_opened(self, file: RealFile) -> None:
        """A file has got a descriptor: if there are too many now, put the oldest away."""
        self.opened.append(file)
        limit = self.open_limit
        while len(self.opened) > limit or (self.open_count > limit and len(self.opened) > 1):
            oldest = self.opened.popleft()
            oldest.write_out()
            oldest.descriptor = None

    def flush_directory(self, path: str) -> None:
        """fsync a directory: that a name exists is stored there, not in the file."""
        number = os.open(self.full(path), os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
