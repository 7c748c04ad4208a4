"""The segment browser: it reads what is there, finds what the broker finds, cuts what it cuts."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("anywidget", reason="needs the lab extra")

from minikafka.admin import NewTopic
from minikafka.log.config import LogConfig
from minikafka.log.files import RealFiles
from minikafka.log.log import Log
from minikafka.record.batch import HEADER_BYTES
from minikafka.record.builder import BatchBuilder
from minikafka.record.compression import Compression
from minikafka.runtime.disk import MemoryFiles
from minikafka.runtime.simulator import Simulator
from minikafka.viz import SegmentBrowser, directory
from minikafka.viz.directory import Directory, read
from minikafka.viz.engine import run
from minikafka.wire.errors import ErrorCode, KafkaError

from .opened import Opened

FIRST_MS = 1_700_000_000_000
SMALL = LogConfig(segment_bytes=5_000, index_interval_bytes=500)
NAME = "orders-0"


def a_log(files: Any, batches: int = 60, config: LogConfig = SMALL, seed: int = 7) -> Log:
    """Batches of 1 to 6 records, some compressed, whose times sometimes go back."""
    random, now = Random(seed), FIRST_MS
    log = Log.open(files, NAME, config, FIRST_MS * 1_000, None, clean=False)
    for number in range(batches):
        batch = BatchBuilder(Compression.NONE if number % 5 else Compression.GZIP)
        for _ in range(random.randint(1, 6)):
            now += random.randint(0, 400)
            value = b"x" * random.randint(5, 60)
            batch.append(now - random.randint(0, 900), random.choice([b"bob", b"carol"]), value)
        log.append(batch.build(), now * 1_000, number // 40)
    files.write_out()
    return log


def path_of(log: Log, segment: int = -1, suffix: str = ".log") -> str:
    return log.segments[segment].path + suffix


def asked(found: Directory, by: str, value: int) -> dict[str, Any]:
    told: dict[str, Any] = run("segment_browser", "told", story=found.to_json(), by=by, value=value)
    return told


def kinds(answer: dict[str, Any]) -> list[str]:
    return [step["kind"] for step in answer["steps"]]


# -- what is there ------------------------------------------------------------------------------


def test_a_directory_is_what_the_log_says_of_itself() -> None:
    log = a_log(files := MemoryFiles())
    found = read(NAME, files)
    assert found.log_end_offset == log.log_end_offset and found.cut is None
    assert [
        (s.base_offset, s.log_bytes, len(s.entries), len(s.time_entries)) for s in found.segments
    ] == [
        (s.base_offset, s.size_bytes, s.index_entries, s.time_index_entries)
        for s in log.statistics().segments
    ]
    assert sum(len(segment.batches) for segment in found.segments) == 60
    epochs = next(file for file in found.files if file.name == "leader-epoch-checkpoint")
    assert epochs.says.startswith("epoch 0 from 0, epoch 1 from ")


def test_reading_a_disk_leaves_it_as_it_is(tmp_path: Path) -> None:
    a_log(files := RealFiles(str(tmp_path)))
    files.write_out()
    before = {path: (path.stat().st_mtime_ns, path.read_bytes())
              for path in sorted(tmp_path.rglob("*")) if path.is_file()}  # fmt: skip
    browser = SegmentBrowser(str(tmp_path / NAME), offset=100)
    assert browser.answer["found"]["base_offset"] <= 100
    after = {path: (path.stat().st_mtime_ns, path.read_bytes())
             for path in sorted(tmp_path.rglob("*")) if path.is_file()}  # fmt: skip
    assert after == before
    with pytest.raises(FileNotFoundError):
        SegmentBrowser(str(tmp_path / "nowhere-0"))
    assert not (tmp_path / "nowhere-0").exists()


def test_a_simulated_broker(tmp_path: Path) -> None:
    sim = Simulator(seed=7)
    broker = sim.broker()
    sim.admin().create_topics([NewTopic("orders", configs={"segment.bytes": "1048576"})])
    producer = sim.producer()
    for number in range(12):
        producer.send("orders", b"%d" % number * 200_000, key=b"bob").result()
    browser = SegmentBrowser(NAME, files=broker.files, offset=9)
    assert browser.answer["found"]["offset"] == 9
    assert len(browser.story["segments"]) > 1
    assert "partition.metadata" in [file["name"] for file in browser.story["files"]]


def test_what_a_running_kafka_keeps_free_is_no_entry() -> None:
    """Kafka gives the active segment's index files 10 MB of zeros in advance."""
    log = a_log(files := MemoryFiles())
    plain = read(NAME, files)
    for suffix in (".index", ".timeindex"):
        files.open(path_of(log, -1, suffix)).append(bytes(12 * 1_000))
    found = read(NAME, files)
    assert found.segments[-1].entries == plain.segments[-1].entries
    assert found.segments[-1].time_entries == plain.segments[-1].time_entries
    assert "the rest is kept free" in SegmentBrowser(NAME, files=files, offset=190).svg()


def test_a_file_that_goes_while_the_directory_is_read() -> None:
    """As `leader-epoch-checkpoint.tmp` does in a broker that runs."""
    a_log(files := MemoryFiles())
    plain = read(NAME, files)
    listed = [[*files.list(NAME), "leader-epoch-checkpoint.tmp"], files.list(NAME)]

    class Changing(directory.OnDisk):
        def __init__(self) -> None:
            super().__init__("")
            self.exists, self.read = files.exists, files.read  # type: ignore[method-assign]

        def list(self, path: str = "") -> list[str]:
            return listed.pop(0)

        def open(self, path: str) -> Any:
            if not files.exists(path):
                raise FileNotFoundError(path)
            return files.open(path)

    assert read(NAME, Changing()).files == plain.files


# -- what is found ------------------------------------------------------------------------------


@pytest.mark.parametrize("interval", [0, 500, 1_000_000], ids=["dense", "sparse", "empty"])
def test_each_offset_is_found_where_the_log_finds_it(interval: int) -> None:
    """Every offset, before the start and beyond the end too; also with no index entry at all."""
    config = LogConfig(segment_bytes=5_000, index_interval_bytes=interval)
    log = a_log(files := MemoryFiles(), config=config)
    log.advance_log_start_offset(9)
    files.replace("log-start-offset-checkpoint", b"0\n1\norders 0 9\n")
    found = read(NAME, files)
    for offset in range(-1, log.log_end_offset + 3):
        answer = asked(found, "offset", offset)
        try:
            there = log.read(offset, 1)
        except KafkaError as error:
            assert error.code == ErrorCode.OFFSET_OUT_OF_RANGE
            assert "OFFSET_OUT_OF_RANGE" in answer["steps"][0]["words"]
            continue
        if not there.size_bytes:
            assert kinds(answer) == ["end"]
            continue
        assert answer["found"]["base_offset"] == there.first_offset
        segment = log.segments[answer["found"]["segment"]]
        place = segment.find(offset)
        assert place is not None and answer["found"]["position"] == place.position


@pytest.mark.parametrize("interval", [0, 500, 1_000_000], ids=["dense", "sparse", "empty"])
def test_each_timestamp_is_found_where_the_log_finds_it(interval: int) -> None:
    config = LogConfig(segment_bytes=5_000, index_interval_bytes=interval)
    log = a_log(files := MemoryFiles(), config=config)
    log.advance_log_start_offset(9)
    files.replace("log-start-offset-checkpoint", b"0\n1\norders 0 9\n")
    found = read(NAME, files)
    last = log.segments[-1].largest[0]
    for timestamp in [0, last, last + 1, *range(FIRST_MS - 900, last + 700, 97)]:
        there, answer = log.offset_for_timestamp(timestamp), asked(found, "timestamp", timestamp)
        if there is None:
            assert answer["found"] is None and kinds(answer)[-1] == "end"
        else:
            got = answer["found"]
            assert (got["offset"], got["timestamp"]) == (there.offset, there.timestamp)


def test_the_probes_are_those_of_the_index() -> None:
    """A lookup in a cold index reads the entries that the steps name, in that order."""
    log = a_log(
        files := MemoryFiles(), config=LogConfig(segment_bytes=50_000, index_interval_bytes=200)
    )
    index = log.segments[0].offset_index
    index.cool()
    probed: list[int] = []

    class Noting(type(index)):  # type: ignore[misc]
        __slots__ = ()

        def __getitem__(self, slot: int) -> tuple[int, int]:
            probed.append(slot)
            return super().__getitem__(slot)  # type: ignore[no-any-return]

    index.__class__ = Noting
    found = read(NAME, files)
    for offset in range(0, log.log_end_offset, 7):
        probed.clear()
        index.slot_of(0, offset)
        steps = asked(found, "offset", offset)["steps"]
        middles = [s["middle"] for s in steps if s["part"] == "index" and s["kind"] == "probe"]
        assert middles == probed


def test_what_is_looked_at_is_counted() -> None:
    a_log(files := MemoryFiles())
    answer = asked(read(NAME, files), "offset", 105)
    index = sum(s["kind"] == "probe" and s["part"] == "index" for s in answer["steps"])
    headers = sum(s["kind"] in ("hop", "found") for s in answer["steps"])
    assert answer["read"] == 8 * index + HEADER_BYTES * headers


def without_batch(files: MemoryFiles, log: Log, segment: int, which: int) -> None:
    """Take a batch out of a segment, as compaction does, and its index entries with it."""
    path = path_of(log, segment)
    found = read(NAME, files).segments[segment]
    position = sum(header.size_bytes for header in found.batches[:which])
    data = files.read(path)
    files.replace(path, data[:position] + data[position + found.batches[which].size_bytes :])
    for suffix in (".index", ".timeindex"):
        files.replace(path_of(log, segment, suffix), b"")


def test_a_compacted_log_has_gaps() -> None:
    log = a_log(files := MemoryFiles())
    gone = read(NAME, files).segments[1].batches[5]
    without_batch(files, log, 1, 5)
    without_batch(files, log, 0, len(read(NAME, files).segments[0].batches) - 1)
    files.replace(".kafka_cleanshutdown", b"{}")
    again = Log.open(files, NAME, SMALL, FIRST_MS * 1_000, None, clean=True)
    found = read(NAME, files)
    assert found.cut is None
    for offset in (gone.base_offset, gone.last_offset, log.base_offsets[1] - 1):
        answer = asked(found, "offset", offset)
        assert answer["found"]["base_offset"] == again.read(offset, 1).first_offset > offset
        assert "compacted" in answer["steps"][-1]["words"]
    assert "next" in kinds(answer), "the last batch of a file is gone: the next file has the rest"


def test_a_lying_index_entry_is_noticed_as_the_broker_notices_it() -> None:
    log = a_log(files := MemoryFiles())
    path = path_of(log, 1, ".index")
    good, entries = files.read(path), read(NAME, files).segments[1].entries
    relative, _ = entries[2]
    wanted = log.base_offsets[1] + relative + 1
    for position in (1_000_000, 17):
        lie = relative.to_bytes(4, "big") + position.to_bytes(4, "big")
        files.replace(path, good[:16] + lie + good[24:])
        browser = SegmentBrowser(NAME, files=files, offset=wanted)
        assert "lie" in kinds(browser.answer)
        assert browser.answer["found"]["base_offset"] <= wanted
        assert "wrong" in browser.svg()
        damaged: list[str] = []
        said = lambda kind, damaged=damaged, **_: damaged.append(kind)  # noqa: E731
        opened = Log.open(files, NAME, SMALL, FIRST_MS * 1_000, said, clean=True)
        assert opened.read(wanted, 1).first_offset == browser.answer["found"]["base_offset"]
        assert "index_rebuilt" in damaged


def test_a_lying_time_entry_is_noticed() -> None:
    log = a_log(files := MemoryFiles())
    found = read(NAME, files)
    path, (timestamp, relative) = path_of(log, 1, ".timeindex"), found.segments[1].time_entries[3]
    data = files.read(path)
    lie = (timestamp + 1).to_bytes(8, "big") + relative.to_bytes(4, "big")
    files.replace(path, data[:36] + lie + data[48:])
    wanted = log.offset_for_timestamp(timestamp + 2)
    answer = asked(read(NAME, files), "timestamp", timestamp + 2)
    assert wanted is not None and answer["found"]["offset"] == wanted.offset
    assert "lie" in kinds(answer)


# -- what is torn -------------------------------------------------------------------------------


def test_the_cut_is_where_recovery_cuts() -> None:
    """Whatever is left of the tail, and wherever a byte has changed."""
    random = Random(3)
    for _ in range(40):
        log = a_log(files := MemoryFiles(), batches=40)
        segment = random.randrange(len(log.segments))
        path, size = path_of(log, segment), log.segments[segment].size_bytes
        if random.random() < 0.5:
            files.open(path).truncate(random.randrange(size))
        else:
            files.rot(path, random.randrange(size))
        found = read(NAME, files)
        before = {name: len(files.read(f"{NAME}/{name}")) for name in files.list(NAME)
                  if name.endswith(".log")}  # fmt: skip
        told = SegmentBrowser(NAME, files=files, recovery=True)
        recovered = Log.open(files, NAME, SMALL, FIRST_MS * 1_000, None, clean=False)
        lost = sum(before.values()) - recovered.size_bytes
        assert (found.cut.lost_bytes if found.cut else 0) == lost
        assert found.log_end_offset == recovered.log_end_offset
        assert f"The log ends at {recovered.log_end_offset}" in told.steps[-1]
        after = SegmentBrowser(NAME, files=files, recovery=True)
        assert "nothing is cut" in after.steps[-1]


def lose(files: MemoryFiles, log: Log, random: Random) -> None:
    """A torn file, a changed byte, a batch less at the end or in the middle, or nothing."""
    segment = random.randrange(len(log.segments))
    path, size = path_of(log, segment), log.segments[segment].size_bytes
    sizes = [header.size_bytes for header in read(NAME, files).segments[segment].batches]
    which = random.randrange(len(sizes))
    begin = sum(sizes[:which])
    data = files.read(path)
    match random.randrange(5):
        case 0:
            files.open(path).truncate(random.randrange(size))
        case 1:
            files.rot(path, random.randrange(size))
        case 2:
            files.open(path).truncate(begin)
        case 3:
            files.replace(path, data[:begin] + data[begin + sizes[which] :])


@pytest.mark.parametrize("point", [None, 0, 60])
def test_above_a_recovery_point_a_gap_is_a_hole(point: int | None) -> None:
    """And what is found in what is left, by offset and by time, is what the mended log finds."""
    random, gaps = Random(5), 0
    for _ in range(40):
        log = a_log(files := MemoryFiles(), batches=30)
        lose(files, log, random)
        if point is not None:
            files.replace("recovery-point-offset-checkpoint", b"0\n1\norders 0 %d\n" % point)
        found = read(NAME, files)
        gaps += found.cut is not None and "is missing" in found.cut.reason
        again = Log.open(
            files, NAME, SMALL, FIRST_MS * 1_000, None, clean=False, recovery_point=point
        )
        lost = found.cut.lost_bytes if found.cut else 0
        assert (lost, found.log_end_offset) == (
            found.size_bytes - again.size_bytes,
            again.log_end_offset,
        )
        for _ in range(6):
            time = FIRST_MS + random.randint(-1_000, 12_000)
            there, answer = again.offset_for_timestamp(time), asked(found, "timestamp", time)
            assert (answer["found"] or {}).get("offset") == (there.offset if there else None)
    assert (gaps > 0) == (point is not None)


def test_a_gap_of_a_compacted_topic_is_none() -> None:
    log = a_log(files := MemoryFiles())
    without_batch(files, log, 1, 5)
    files.replace("recovery-point-offset-checkpoint", b"0\n1\norders 0 0\n")
    assert read(NAME, files).cut is not None
    files.replace("cleaner-offset-checkpoint", b"0\n1\norders 0 150\n")
    assert read(NAME, files).cut is None


@pytest.mark.parametrize("clean", [True, False])
def test_a_log_start_beyond_the_end(clean: bool) -> None:
    a_log(files := MemoryFiles())
    files.replace("log-start-offset-checkpoint", b"0\n1\norders 0 500\n")
    if clean:
        files.replace(".kafka_cleanshutdown", b"{}")
    found = read(NAME, files)
    told = SegmentBrowser(NAME, files=files, recovery=True).steps[-1]
    again = Log.open(files, NAME, SMALL, FIRST_MS * 1_000, None, clean=clean, log_start_offset=500)
    ends = (again.log_start_offset, again.log_end_offset)
    assert (found.log_start_offset, found.log_end_offset) == ends
    assert ("moved aside" in told) == (not clean)
    assert asked(found, "timestamp", FIRST_MS)["found"] is None or clean


def test_a_last_index_entry_that_lies_does_not_move_the_log_end() -> None:
    log = a_log(files := MemoryFiles())
    path = path_of(log, -1, ".index")
    for junk in (b"\xff" * 8, (5).to_bytes(4, "big") + (17).to_bytes(4, "big")):
        files.replace(path, junk)
        assert read(NAME, files).log_end_offset == log.log_end_offset


def test_a_path_may_be_written_in_many_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_log(files := RealFiles(str(tmp_path)))
    files.write_out()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    plain = read(str(tmp_path / NAME)).to_json()
    for path in (NAME, f"{NAME}/", f"./{NAME}", f"~/{NAME}", tmp_path / NAME):
        assert read(path).to_json() == plain
    assert read(f"{NAME}/", files).to_json() == plain


def test_a_torn_tail_is_what_is_asked_about_first() -> None:
    log = a_log(files := MemoryFiles())
    files.open(path_of(log)).truncate(log.active.size_bytes - 20)
    browser = SegmentBrowser(NAME, files=files)
    assert browser.by == "recovery"
    assert any("the header says" in step for step in browser.steps)
    assert "damaged at byte " in browser.text() and "cut: " in browser.svg()
    browser.moment -= 2
    assert "torn: " in browser.svg(), "the step before the cut"
    assert "torn" in [anchor for anchor, _, _ in browser.look_for]
    assert (
        "OFFSET_OUT_OF_RANGE"
        in asked(read(NAME, files), "offset", log.log_end_offset)["steps"][0]["words"]
    )


def test_a_changed_byte_in_the_middle_is_a_cross_and_words() -> None:
    log = a_log(files := MemoryFiles())
    found = read(NAME, files)
    at = sum(header.size_bytes for header in found.segments[1].batches[:4])
    files.rot(path_of(log, 1), at + HEADER_BYTES + 3)
    files.replace("recovery-point-offset-checkpoint", b"0\n1\norders 0 %d\n" % log.log_end_offset)
    damaged = read(NAME, files)
    assert damaged.cut is None, "it lies below the recovery point: recovery does not look there"
    assert damaged.segments[1].damage is not None and damaged.segments[1].damage.readable
    browser = SegmentBrowser(NAME, files=files, offset=found.segments[1].batches[4].base_offset)
    assert browser.steps[-1].endswith("a consumer refuses it: its CRC does not fit its bytes")
    assert "CRC does not fit" in browser.svg()


def test_nothing_and_next_to_nothing() -> None:
    files = MemoryFiles()
    files.make_directory(NAME)
    empty = SegmentBrowser(NAME, files=files)
    assert "no .log file here" in empty.svg() and empty.steps
    Log.open(files, NAME, SMALL, FIRST_MS * 1_000, None, clean=False)
    one = SegmentBrowser(NAME, files=files)
    assert one.answer["found"] is None and one.svg()
    for by in ("offset", "timestamp", "recovery"):
        one.by = by
        assert one.svg() and one.text()


def test_many_segments() -> None:
    tiny = LogConfig(segment_bytes=500, index_interval_bytes=0)
    log = a_log(files := MemoryFiles(), batches=400, config=tiny)
    assert len(log.segments) > 150
    browser = SegmentBrowser(NAME, files=files, offset=500)
    assert browser.answer["found"]["base_offset"] == log.read(500, 1).first_offset
    ElementTree.fromstring(browser.svg())
    assert len(browser.text().splitlines()) < 40


def test_a_large_log_is_read_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = LogConfig(segment_bytes=1_000_000, index_interval_bytes=500)
    log = a_log(files := MemoryFiles(), batches=200, config=whole)
    monkeypatch.setattr(directory, "MOST_BATCHES", 30)
    browser = SegmentBrowser(NAME, files=files, offset=600)
    assert 0 < len(browser.story["segments"][0]["batches"]["crc"]) <= 30
    assert browser.answer["found"]["base_offset"] == log.read(600, 1).first_offset
    assert browser.story["log_end"] == log.log_end_offset
    browser.value = 5
    assert "were not read for this picture" in browser.steps[-1]
    assert "batches read" in browser.svg()


# -- the picture --------------------------------------------------------------------------------


def test_the_still_picture_is_made_of_attributes_and_grows_step_by_step() -> None:
    a_log(files := MemoryFiles())
    browser = SegmentBrowser(NAME, files=files, offset=105)
    sizes = []
    for moment in range(len(browser.steps) + 1):
        browser.moment = moment
        root = ElementTree.fromstring(browser.svg())
        sizes.append((root.attrib["height"], len(list(root))))
        for each in root.iter():
            assert not {"style", "class", "id"} & set(each.attrib)
    assert len({height for height, _ in sizes}) == 1, "it keeps its height"
    assert sizes[0][1] < sizes[4][1] < sizes[-1][1]
    assert repr(browser) == "SegmentBrowser(orders-0, 3 segments, …0084.log, byte 1,273)"


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opened]:
    a_log(files := MemoryFiles())
    widget = SegmentBrowser(NAME, files=files, offset=105)
    opened = Opened.of(browser, widget, tmp_path)
    yield opened
    opened.close()


def said(opened: Opened) -> str:
    """The step at hand in words, once it is on the screen."""
    opened.drawn()
    return str(opened.page.locator(".mk-now").inner_text())


def test_the_reader_asks_for_another_offset_without_a_kernel(opened: Opened) -> None:
    last = opened.moment
    assert last == 10 and "105..106 holds 105" in said(opened)
    opened.page.get_by_label("Offset", exact=True).fill("7")
    assert "holds 7" in said(opened) and opened.moment > 0
    opened.page.get_by_label("Offset", exact=True).fill("100000")
    opened.drawn()
    assert "OFFSET_OUT_OF_RANGE" in opened.text()
    opened.page.get_by_role("button", name="Find a timestamp").click()
    opened.drawn()
    assert ".timeindex" in opened.text() and "of that time or later" in said(opened)
    opened.page.get_by_role("button", name="Recover").click()
    opened.drawn()
    assert "nothing is cut" in said(opened)
    assert not opened.page.get_by_label("Offset", exact=True).is_visible()


def test_steps_play_and_step(opened: Opened) -> None:
    assert opened.press("Home") == 0
    assert said(opened).startswith("Where is offset 105?")
    assert opened.press("ArrowRight") == 1
    assert "look right" in said(opened)
    assert opened.press("End") == 10
    opened.page.locator(".mk-play").click()
    opened.page.wait_for_function("document.querySelector('.mk-widget').dataset.moment > 2")
    opened.page.locator(".mk-play").click()


def test_a_batch_shows_its_header_as_it_stands_in_the_file(opened: Opened) -> None:
    a_log(files := MemoryFiles())
    found = read(NAME, files).segments[1]
    opened.press("ArrowDown")
    chosen = opened.widget.get_attribute("data-chosen")
    assert chosen is not None
    at = int(chosen.split()[1])
    assert found.batches[at].base_offset == 107
    position = sum(header.size_bytes for header in found.batches[:at])
    raw = files.read("orders-0/00000000000000000084.log")[position : position + HEADER_BYTES]
    shown = " ".join(opened.page.locator(".mk-fields code").all_text_contents())
    assert bytes.fromhex(shown) == raw
    opened.press("Escape")
    assert opened.widget.get_attribute("data-chosen") == ""
    assert not opened.page.locator(".mk-detail").is_visible()


def test_a_click_opens_a_file(opened: Opened) -> None:
    opened.page.locator(".mk-picture svg").click(position={"x": 40, "y": 160})
    opened.drawn()
    assert (opened.widget.get_attribute("data-chosen") or "").startswith("0 ")
    assert "…0000.log" in said(opened)


def test_copied_away_directories_are_read_too(tmp_path: Path) -> None:
    """A copy has no checkpoints beside it and a name that is no partition's."""
    a_log(files := RealFiles(str(tmp_path)))
    files.write_out()
    shutil.copytree(tmp_path / NAME, tmp_path / "before the crash")
    browser = SegmentBrowser(str(tmp_path / "before the crash"), offset=50)
    assert browser.answer["found"]["offset"] == 50
