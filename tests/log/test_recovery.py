"""Opening a log: what a crash tears, what a bad disk loses, and what opening costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from struct import pack

import pytest

from minikafka.log.config import LogConfig
from minikafka.log.directory import LogDirectory
from minikafka.log.files import RealFiles
from minikafka.record.batch import batches, read_header
from minikafka.runtime.disk import MemoryFile, MemoryFiles
from minikafka.wire.errors import ErrorCode, KafkaError

from .helpers import NOW, NOW_MS, SMALL, Place, batch, data_of, everything, values

FIRST = "t-0/00000000000000000000"


def last_path(place: Place) -> str:
    return place.log.active.path


def cut_file(place: Place, path: str, size: int) -> None:
    place.files.replace(path, place.files.read(path)[:size])


# --- a torn tail -----------------------------------------------------------------------


def test_a_tail_torn_at_any_byte_is_cut_to_the_last_whole_batch() -> None:
    original = Place(LogConfig(index_interval_bytes=100))
    ends = [0]
    for i in range(4):
        original.append([b"%d" % i] * (i + 1))
        ends.append(original.log.size_bytes)
    content = original.files.read(FIRST + ".log")
    for size in range(len(content) + 1):
        place = Place(original.config)
        place.files.replace(FIRST + ".log", content[:size])
        log = place.open(clean=False)
        whole = max(i for i, end in enumerate(ends) if end <= size)
        assert log.size_bytes == ends[whole]
        assert log.log_end_offset == sum(range(whole + 1))
        (told,) = place.of("recovered")
        assert told["truncated_bytes"] == size - ends[whole]
        assert told["offset"] == log.log_end_offset
        if size == ends[whole]:
            assert "nothing is damaged" in told["reason"]
        assert place.append([b"next"]).base_offset == sum(range(whole + 1))


def test_a_flipped_byte_anywhere_in_the_last_batch_cuts_it() -> None:
    original = Place()
    original.fill(3)
    content = original.files.read(FIRST + ".log")
    size = len(content) // 3
    for position in range(2 * size, 3 * size):
        place = Place()
        broken = bytearray(content)
        broken[position] ^= 0xFF
        place.files.replace(FIRST + ".log", bytes(broken))
        log = place.open(clean=False)
        # Base offset and leader epoch are outside of the CRC; nobody can tell that they changed
        # unless the offset goes back.
        at = position - 2 * size
        if not (at < 8 or 12 <= at < 16):
            assert log.log_end_offset == 2, position


def test_damage_in_an_earlier_unflushed_segment_drops_what_follows() -> None:
    place = Place()
    place.fill(60)
    path = place.log.segments[1].path
    base = place.log.base_offsets[1]
    content = bytearray(place.files.read(path + ".log"))
    size = len(content) // (place.log.base_offsets[2] - base)
    content[5 * size + 65] ^= 1
    place.files.replace(path + ".log", bytes(content))
    place.open(clean=False, recovery_point=0)
    assert place.log.log_end_offset == base + 5
    assert len(place.log.segments) == 2
    assert values(place.log) == [b"%d" % i for i in range(base + 5)]
    assert "CRC" in place.of("recovered")[0]["reason"]


@pytest.mark.parametrize("policy", ["delete", "compact"])
def test_gaps_that_compaction_left_are_no_damage(policy: str) -> None:
    # Whatever the topic's policy is by now: it may have been the other one.
    place = Place(SMALL.replace(cleanup_policy=(policy,)))
    place.fill(60)
    bases = place.log.base_offsets
    place.files.replace(place.log.segments[1].path + ".log", b"")
    path = place.log.segments[0].path + ".log"
    content = place.files.read(path)
    size = len(content) // bases[1]
    place.files.replace(path, content[:size] + content[2 * size :])
    log = place.open(clean=False)
    assert log.log_end_offset == 60
    assert values(log) == [b"%d" % i for i in range(60) if i != 1 and not bases[1] <= i < bases[2]]


def test_a_batch_that_reaches_into_the_next_segment_is_damage() -> None:
    place = Place()
    place.fill(60)
    path = place.log.segments[0].path + ".log"
    content = bytearray(place.files.read(path))
    *_, (position, header) = batches(bytes(content))
    content[position + 5] ^= 1  # of the base offset, which no CRC covers
    place.files.replace(path, bytes(content))
    log = place.open(clean=False)
    assert log.log_end_offset == header.base_offset
    (recovered,) = place.of("recovered")
    assert "reaches into the next segment" in recovered["reason"]


def test_checking_begins_at_the_recovery_point() -> None:
    place = Place()
    place.fill(60)
    recovery_point = place.log.base_offsets[2] + 1
    content = bytearray(place.files.read(FIRST + ".log"))
    content[100] ^= 1  # flushed long ago: nobody looks, as nobody looks in Kafka
    place.files.replace(FIRST + ".log", bytes(content))
    assert place.open(clean=False, recovery_point=recovery_point).log_end_offset == 60


def test_a_crash_keeps_what_was_flushed_and_a_part_of_the_rest() -> None:
    for seed in range(30):
        files = MemoryFiles()
        place = Place(files=files)
        place.fill(20)
        place.log.flush(NOW)
        for i in range(20, 40):
            place.append([b"%d" % i])
        recovery_point = place.log.recovery_point
        files.crash(torn=Random(seed))
        log = place.open(clean=False, recovery_point=recovery_point)
        assert recovery_point <= log.log_end_offset <= 40
        assert values(log) == [b"%d" % i for i in range(log.log_end_offset)]


def test_a_clean_mark_that_lies_is_noticed_at_the_end_of_the_log() -> None:
    place = Place()
    place.fill(5)
    place.log.close(NOW)
    size = place.log.size_bytes
    cut_file(place, FIRST + ".log", size - 1)
    log = place.open(clean=True)
    assert log.log_end_offset == 4
    assert place.of("recovered")[0]["offset"] == 4
    assert "unfinished batch" in place.of("recovered")[0]["reason"]


def test_a_hole_that_nobody_can_read_costs_nothing() -> None:
    place = Place()
    place.fill(90)
    bases = place.log.base_offsets
    cut_file(place, FIRST + ".log", len(place.files.read(FIRST + ".log")) // bases[1] * 10)
    log = place.open(clean=False, recovery_point=0, log_start_offset=bases[2] + 1)
    assert (log.log_start_offset, log.log_end_offset) == (bases[2] + 1, 90)


def test_a_hole_that_begins_below_the_recovery_point_is_one_too() -> None:
    place = Place()
    place.fill(90)
    bases = list(place.log.base_offsets)
    path = place.log.segments[1].path
    for suffix in (".log", ".index", ".timeindex"):
        place.files.remove(path + suffix)
    log = place.open(clean=False, recovery_point=bases[1] + 3)
    assert log.log_end_offset == bases[1]


@pytest.mark.parametrize("tail", [bytes(1), bytes(61), bytes(3_000), b"\xff" * 100, b"2" * 700])
@pytest.mark.parametrize("clean", [True, False])
def test_whatever_lies_behind_the_cut_the_log_ends_with_its_last_whole_batch(
    tail: bytes, clean: bool
) -> None:
    # Down to a file that holds nothing else: what a file system may leave after a power failure.
    original = Place()
    original.fill(5)
    content = original.files.read(FIRST + ".log")
    size = len(content) // 5
    for cut in range(len(content) + 1):
        place = Place()
        left = content[:cut] + tail
        place.files.replace(FIRST + ".log", left)
        # A record ends with a zero, so zeros may even complete one.
        whole = sum(content[:end] == left[:end] for end in range(size, len(content) + 1, size))
        log = place.open(clean)
        assert log.log_end_offset == whole, cut
        assert values(log) == [b"%d" % i for i in range(whole)]
        assert place.append(1).base_offset == whole


def test_any_damage_to_any_file_leaves_a_log_that_opens_and_grows() -> None:
    for seed in range(400):
        random = Random(seed)
        place = Place()
        for i in range(random.randint(1, 70)):
            place.append([b"%d" % i], NOW_MS + i, epoch=i // 20, producer=(i % 2, 0, i // 2))
        recovery_point = random.choice([0, *place.log.base_offsets])
        if random.random() < 0.3:
            place.log.close(NOW)
        path = "t-0/" + random.choice(place.files.list("t-0"))
        content = bytearray(place.files.read(path))
        at = random.randint(0, len(content))
        match random.randrange(4):
            case 0:
                content[at:] = bytes(random.randint(0, 500))
            case 1:
                content[at:] = random.randbytes(random.randint(0, 500))
            case 2:
                del content[at:]
            case 3 if content:
                content[at - 1] ^= 1 << random.randrange(8)
        place.files.replace(path, bytes(content))
        clean = random.random() < 0.5
        log = place.open(clean, recovery_point=recovery_point)
        end = log.log_end_offset
        if recovery_point == 0 and not clean:
            assert values(log) == [b"%d" % i for i in range(end)], (seed, path)
        # What was mended stays so.
        assert place.open(clean, recovery_point=recovery_point).log_end_offset == end, (seed, path)
        assert place.append(1).base_offset == end, (seed, path)


# --- indexes ---------------------------------------------------------------------------


def garbage(data: bytes) -> bytes:
    return Random(1).randbytes(len(data))


def too_far(data: bytes) -> bytes:
    return b"\x7f" + data[1:]


DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "missing": lambda data: None,
    "empty": lambda data: b"",
    "short by a byte": lambda data: data[:-1],
    "long by a byte": lambda data: data + b"\0",
    "garbage": garbage,
    "garbage of odd length": lambda data: garbage(data) + b"?",
    "first entry too far": too_far,
    "last entry too far": lambda data: data[:-8] + too_far(data[-8:]),
    "zeros at the end": lambda data: data + bytes(24),
    "half": lambda data: data[: len(data) // 48 * 24],
}


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("suffix", [".index", ".timeindex"])
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("which", [0, 1, -1])
def test_a_damaged_index_is_never_believed(
    clean: bool, suffix: str, damage: str, which: int
) -> None:
    place = Place()
    place.fill(60, first_ms=1_000)
    place.log.close(NOW)
    path = place.log.segments[which].path + suffix
    damaged = DAMAGES[damage](place.files.read(path))
    if damaged is None:
        place.files.remove(path)
    else:
        place.files.replace(path, damaged)
    log = place.open(clean=clean, recovery_point=60)
    assert log.log_end_offset == 60
    for offset in range(60):
        assert log.read(offset, 1).first_offset == offset
    for i in range(60):
        found = log.offset_for_timestamp(1_000 + i)
        assert found and found.offset == i


TIME_GARBAGE = {
    "a far future": pack(">qi", 1 << 60, 7),
    "an hour later": pack(">qi", 3_600_000, 3),
    "an offset beyond the end": pack(">qi", 1_500, 1 << 30),
    "an offset below the base": pack(">qi", 1_500, -9),
    "a time before all": pack(">qi", -(1 << 60), 3),
    "no time": pack(">qi", -1, 3),
    "zeros": bytes(36),
    "anything": Random(3).randbytes(12 * 7),
}
OFFSET_GARBAGE = {
    "a position outside": pack(">ii", 21, 1 << 30),
    "the end of the file": pack(">ii", 21, 0),  # filled in
    "inside of a batch": pack(">ii", 21, 77),
    "a later batch": pack(">ii", 0, 1_000),
    "zeros": bytes(24),
    "anything": Random(3).randbytes(8 * 7),
}


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("which", [0, -1])
@pytest.mark.parametrize(
    ("suffix", "what"),
    [
        *((".timeindex", what) for what in TIME_GARBAGE),
        *((".index", what) for what in OFFSET_GARBAGE),
    ],
)
def test_the_largest_timestamp_is_not_what_somebody_wrote_behind_an_index(
    clean: bool, which: int, suffix: str, what: str
) -> None:
    place = Place()
    # The youngest record is in the middle of its segment, and that is the first or the last one.
    late = 10 if which == 0 else 55
    for i in range(60):
        place.append([b"%d" % i], 2_000 if i == late else 1_000 + i)
    place.log.close(NOW)
    segment = place.log.segments[which]
    garbage = (TIME_GARBAGE if suffix == ".timeindex" else OFFSET_GARBAGE)[what]
    if what == "the end of the file":
        garbage = pack(">ii", 21, segment.size_bytes)
    path = segment.path + suffix
    place.files.replace(path, place.files.read(path) + garbage)
    log = place.open(clean, recovery_point=60)
    found = log.max_timestamp_offset()
    assert found and (found.timestamp, found.offset) == (2_000, late)
    assert log.log_end_offset == 60
    assert values(log) == [b"%d" % i for i in range(60)]
    place.append([b"60"], 3_000)
    found = log.max_timestamp_offset()
    assert found and (found.timestamp, found.offset) == (3_000, 60)


def test_a_log_that_ends_where_its_last_index_entry_points_ends_there() -> None:
    place = Place()
    place.fill(18)
    relative, position = place.log.active.offset_index.last or (0, 0)
    place.log.close(NOW)
    cut_file(place, FIRST + ".log", position)
    log = place.open(clean=True)
    assert log.log_end_offset == relative
    assert values(log) == [b"%d" % i for i in range(relative)]


def test_a_rebuilt_index_is_the_one_that_was_there() -> None:
    place = Place()
    place.fill(60)
    for segment in place.log.segments[:-1]:
        before = [place.files.read(segment.path + s) for s in (".index", ".timeindex")]
        assert all(before)
        segment.rebuild("because")
        assert [place.files.read(segment.path + s) for s in (".index", ".timeindex")] == before
    assert len(place.of("index_rebuilt")) == len(place.log.segments) - 1


def test_a_rotten_index_is_mended_by_the_read_that_meets_it() -> None:
    place = Place()
    place.fill(60)
    place.log.close(NOW)
    content = place.files.read(FIRST + ".index")
    place.files.replace(FIRST + ".index", content[:4] + bytes([0, 0, 0, 7]) + content[8:])
    log = place.open(clean=True)
    assert not place.of("index_rebuilt")
    assert [log.read(offset, 1).first_offset for offset in range(20)] == list(range(20))
    assert len(place.of("index_rebuilt")) == 1
    assert place.files.read(FIRST + ".index") == content


def test_a_rotten_batch_in_the_middle_is_an_error_for_its_readers_only() -> None:
    place = Place()
    place.fill(60)
    place.log.close(NOW)
    content = bytearray(place.files.read(FIRST + ".log"))
    position = place.log.segments[0].find(10)
    assert position is not None
    content[position.position + 8] ^= 0xFF  # its length
    place.files.replace(FIRST + ".log", bytes(content))
    log = place.open(clean=True)
    assert log.read(3, 1).first_offset == 3
    with pytest.raises(KafkaError) as error:
        log.read(11, 1)
    assert error.value.code == ErrorCode.CORRUPT_MESSAGE
    assert log.read(40, 1).first_offset == 40


def test_a_search_by_time_does_not_trust_a_rotten_batch() -> None:
    place = Place()
    place.append([b"x" * 50], 1_000)
    place.append([b"x" * 50], 1_001)
    place.log.close(NOW)
    content = bytearray(place.files.read(FIRST + ".log"))
    content[90] ^= 0xFF
    place.files.replace(FIRST + ".log", bytes(content))
    log = place.open(clean=True)
    with pytest.raises(KafkaError) as error:
        log.offset_for_timestamp(1_000)
    assert error.value.code == ErrorCode.CORRUPT_MESSAGE
    found = log.offset_for_timestamp(1_001)
    assert found and found.offset == 1


# --- what lies beside the log -------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [None, b"", b"1\n0\n", b"0\n9\n0 0\n", b"0\n1\nx y\n", b"0\n2\n1 5\n0 9\n", b"\xff"]
)
def test_leader_epochs_are_read_again_from_the_batches(content: bytes | None) -> None:
    place = Place()
    for i in range(60):
        place.append(1, epoch=i // 25)
    place.log.close(NOW)
    path = "t-0/leader-epoch-checkpoint"
    good = place.files.read(path)
    if content is None:
        place.files.remove(path)
    else:
        place.files.replace(path, content)
    log = place.open(clean=True)
    assert log.epochs.entries == [(0, 0), (1, 25), (2, 50)]
    assert place.files.read(path) == good


def test_epochs_of_lost_records_are_forgotten() -> None:
    place = Place()
    place.append(1, epoch=0)
    place.log.flush(NOW)
    place.append(1, epoch=4)
    place.files.crash()  # type: ignore[attr-defined]
    log = place.open(clean=False, recovery_point=1)
    assert (log.log_end_offset, log.latest_epoch) == (1, 0)


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("damage", ["missing", "empty", "flipped", "all missing"])
def test_producers_survive_a_damaged_snapshot(clean: bool, damage: str) -> None:
    place = Place()
    for i in range(60):
        place.append(1, producer=(i % 3, 0, i // 3))
    place.log.close(NOW)
    snapshots = [n for n in place.files.list("t-0") if n.endswith(".snapshot")]
    assert len(snapshots) == len(place.log.segments)
    last = f"t-0/{snapshots[-1]}"
    match damage:
        case "missing":
            place.files.remove(last)
        case "empty":
            place.files.replace(last, b"")
        case "flipped":
            content = bytearray(place.files.read(last))
            content[-1] ^= 1
            place.files.replace(last, bytes(content))
        case "all missing":
            for name in snapshots:
                place.files.remove(f"t-0/{name}")
    log = place.open(clean=clean)
    assert {pid: s.batches[-1].last_offset for pid, s in log.producers.states.items()} == {
        0: 57,
        1: 58,
        2: 59,
    }
    assert place.append(1, producer=(0, 0, 19)).duplicate
    assert place.append(1, producer=(0, 0, 20)).base_offset == 60


def test_leftovers_and_orphans_are_swept_up() -> None:
    place = Place()
    place.fill(3)
    place.log.close(NOW)
    names = place.files.list("t-0")
    for name in (
        "leader-epoch-checkpoint.tmp",
        "partition.metadata.tmp",
        f"{0:020}.log.deleted",
        f"{7:020}.timeindex.cleaned",
        f"{9:020}.index",
        f"{9:020}.timeindex",
    ):
        place.files.replace(f"t-0/{name}", b"?")
    place.open(clean=True)
    assert place.files.list("t-0") == names


STRANGERS = (
    *("5.log", "5.index", "5.snapshot", "notes.log", "notes.snapshot", "notes.tmp", "x.tmp"),
    *("notes.index", "book.timeindex", "doc.deleted", "doc.log.deleted", "my.swap", "a.cleaned"),
    *(f"{1:019}.log", f"{1:021}.log", f"{1:020}.LOG", f"{1:020}.log.old", "9" * 20 + ".log"),
    *(
        "9" * 20 + ".snapshot",
        f"{1:019}\u0661.log",
        f"{2:020}.log.swap",
        "leader-epoch-checkpoint~",
    ),
)


@pytest.mark.parametrize("on_disk", [True, False])
@pytest.mark.parametrize("clean", [True, False])
def test_what_a_person_left_in_a_partitions_directory_stays(
    clean: bool, on_disk: bool, tmp_path: Path
) -> None:
    place = Place(files=RealFiles(str(tmp_path)) if on_disk else None)
    place.fill(10)
    place.log.close(NOW)
    for name in STRANGERS:
        place.files.replace(f"t-0/{name}", b"mine")
    assert values(place.open(clean)) == [b"%d" % i for i in range(10)]
    assert place.append([b"10"]).base_offset == 10
    place.log.close(NOW)
    assert values(place.open(clean)) == [b"%d" % i for i in range(11)]
    assert {place.files.read(f"t-0/{name}") for name in STRANGERS} == {b"mine"}


def test_a_log_start_beyond_the_end_is_not_believed_after_a_clean_stop() -> None:
    place = Place()
    place.fill(30)
    place.log.close(NOW)
    log = place.open(clean=True, log_start_offset=1_000)
    assert values(log) == [b"%d" % i for i in range(30)]
    (told,) = place.of("file_damaged")
    assert told["file"] == "log-start-offset-checkpoint"
    assert told["reason"] == "the log begins at 1000, beyond its end 30"
    assert place.append([b"30"]).base_offset == 30


@pytest.mark.parametrize("on_disk", [True, False])
def test_a_log_start_beyond_the_end_after_a_crash_starts_anew_and_loses_nothing(
    on_disk: bool, tmp_path: Path
) -> None:
    place = Place(files=RealFiles(str(tmp_path)) if on_disk else None)
    place.fill(50)
    logs = [f"{base:020}.log" for base in place.log.base_offsets]
    content = [place.files.read(f"t-0/{name}") for name in logs]
    log = place.open(clean=False, log_start_offset=1_000)
    assert (log.log_start_offset, log.log_end_offset) == (1_000, 1_000)
    (told,) = place.of("stray")
    assert told["directory"] == "t-0"
    assert told["reason"] == "the log begins at 1000, beyond its end 50"
    stray = told["renamed"]
    assert [name for name in place.files.list(stray) if name.endswith(".log")] == logs
    assert [place.files.read(f"{stray}/{name}") for name in logs] == content
    assert place.append([b"new"]).base_offset == 1_000
    log = place.open(clean=False, log_start_offset=1_000)
    assert values(log) == [b"new"]
    assert not place.of("stray")


@pytest.mark.parametrize("count", range(6))
def test_moving_a_log_aside_goes_on_where_a_crash_has_ended_it(count: int) -> None:
    files = MemoryFiles()
    place = Place(files=files)
    place.fill(50)
    logs = [f"{base:020}.log" for base in place.log.base_offsets]
    assert 3 * len(logs) == 6, "so many files are moved"
    rename, moved = files.rename, iter(range(count))

    def dying(old: str, new: str) -> None:
        if next(moved, None) is None:
            raise InterruptedError
        rename(old, new)

    files.rename = dying  # type: ignore[method-assign]
    with pytest.raises(InterruptedError):
        place.open(clean=False, log_start_offset=1_000)
    files.rename = rename  # type: ignore[method-assign]
    log = place.open(clean=False, log_start_offset=1_000)
    assert (log.log_start_offset, log.log_end_offset) == (1_000, 1_000)
    strays = [name for name in files.list() if name.endswith("-stray")]
    found = [name for stray in strays for name in files.list(stray) if name.endswith(".log")]
    assert sorted(found) == logs


def test_records_that_were_deleted_and_then_lost_do_not_come_back() -> None:
    """The legitimate case: the start was written down, and the disk never got what lies there."""
    files = MemoryFiles()
    logs = LogDirectory.open(files, lambda topic: SMALL, NOW, None)
    log = logs.create("t", 0, "AAAAAAAAAAAAAAAAAAAAAQ", SMALL, NOW)
    for i in range(10):
        log.append(batch([b"%d" % i]), NOW, 0)
        if i == 4:
            log.flush(NOW)
    log.advance_log_start_offset(8)
    logs.checkpoint_log_start_offsets(NOW)
    files.crash()
    log = LogDirectory.open(files, lambda topic: SMALL, NOW, None)["t", 0]
    assert (log.log_start_offset, log.log_end_offset) == (8, 8)
    assert values(log) == []
    assert log.topic_id == "AAAAAAAAAAAAAAAAAAAAAQ"


def test_opening_twice_gives_the_same() -> None:
    place = Place()
    for i in range(60):
        place.append([b"%d" % i], producer=(7, i // 30, i % 30), epoch=i // 25)
    place.reopen()
    first = (place.log.statistics(), everything(place.log), place.log.epochs.entries)
    content = {name: place.files.read(f"t-0/{name}") for name in place.files.list("t-0")}
    place.reopen()
    assert (place.log.statistics(), everything(place.log), place.log.epochs.entries) == first
    assert {n: place.files.read(f"t-0/{n}") for n in place.files.list("t-0")} == content


# --- what opening costs ---------------------------------------------------------------------


class Meter(MemoryFiles):
    """Counts what is read, by suffix."""

    def __init__(self) -> None:
        super().__init__()
        self.read_bytes: dict[str, int] = {}

    def open(self, path: str) -> MemoryFile:
        return MeteredFile(self, path, super().open(path)._content)

    def read(self, path: str) -> bytes:
        data = super().read(path)
        self.count(path, len(data))
        return data

    def count(self, path: str, size: int) -> None:
        suffix = path.rpartition(".")[2]
        self.read_bytes[suffix] = self.read_bytes.get(suffix, 0) + size

    def total(self) -> int:
        return sum(self.read_bytes.values())


class MeteredFile(MemoryFile):
    def read(self, position: int, count: int) -> bytes:
        data = super().read(position, count)
        assert isinstance(self._disk, Meter)
        self._disk.count(self.path, len(data))
        return data


METERED = LogConfig(segment_bytes=200_000, index_interval_bytes=1_000)


def metered(batch_count: int) -> tuple[Place, Meter]:
    files = Meter()
    place = Place(METERED, files)
    for i in range(batch_count):
        place.log.append(batch([b"x" * 400], NOW_MS + i), NOW, 0)
    place.log.close(NOW)
    files.read_bytes.clear()
    return place, files


def test_opening_a_closed_log_reads_no_log_file_but_the_tail_of_the_last() -> None:
    costs = []
    for batch_count in (500, 4_000):
        place, files = metered(batch_count)
        log = place.open(clean=True)
        assert log.log_end_offset == batch_count
        costs.append(files.total())
        assert files.read_bytes["log"] <= 2 * 8_192
        assert files.read_bytes.get("index", 0) + files.read_bytes.get("timeindex", 0) <= 40
    assert costs[1] <= costs[0] + 8_192


def test_a_read_costs_the_same_in_a_large_log() -> None:
    worst = []
    for batch_count in (500, 4_000):
        place, files = metered(batch_count)
        log = place.open(clean=True)
        costs = []
        for offset in range(0, batch_count, 37):
            files.read_bytes.clear()
            assert read_header(data_of(log.read(offset, 1).records)).base_offset == offset
            costs.append(files.total())
        worst.append(max(costs))
    assert worst[0] == worst[1] or max(worst) < 2 * 8_192 + 200


def test_a_big_batch_is_checked_whole() -> None:
    """Larger than what is read at a time."""
    place = Place(LogConfig(max_message_bytes=4 << 20))
    place.append([b"x" * (3 << 20)])
    place.append(1)
    log = place.open(clean=False)
    assert log.log_end_offset == 2
    assert [h.base_offset for _, h in batches(data_of(log.read(0, 4 << 20).records))] == [0, 1]


def test_what_is_cut_from_a_log_that_was_closed_is_kept_for_a_person(tmp_path: Path) -> None:
    place = Place(LogConfig(), RealFiles(str(tmp_path)))
    for _ in range(20):
        place.append(3)
    place.log.close(NOW)
    path = tmp_path / "t-0" / "00000000000000000000.log"
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[16] ^= 1
    path.write_bytes(damaged)
    assert place.open(clean=True).log_end_offset == 0
    kept = path.with_name(path.name + ".cut-from-0")
    assert kept.read_bytes() == bytes(damaged)
    place.log.close(NOW)
    place.open(clean=True)
    assert kept.exists()
