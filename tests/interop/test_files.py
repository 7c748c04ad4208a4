"""The files on disk are Kafka's: its tool reads ours, and our reader reads its."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from minikafka.bench.servers import Server
from minikafka.log.config import LogConfig
from minikafka.log.files import RealFiles
from minikafka.log.log import Log
from minikafka.record.batch import batches, verify
from minikafka.record.records import Record, decode

from .clients import RECORDS, Confluent, Sent

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
REPEATS = 20
NOW = 1_800_000_000_000_000  # µs; after every record
# What DumpLogSegments says when something does not fit (Kafka 4.3).
COMPLAINTS = (
    "Mismatches in",
    " is followed by ",
    "Found timestamp mismatch",
    "Found out of order timestamp",
    "not found in the log",
    "invalid bytes at the end",
    "isvalid: false",
    "Exception",
    "WARN",
)


def complaints(printed: str) -> list[str]:
    """The lines in which the tool says that something does not fit.

    4.3.1 also finds a gap before the first record of every file that does not begin at
    offset 0 ("-1 is followed by 1650"), in its own files as well.
    """
    lines = [line.strip() for line in printed.splitlines()]
    return [
        line
        for line in lines
        if any(text in f" {line}" for text in COMPLAINTS) and not line.startswith("-1 is followed")
    ]


def fill(server: Server) -> Path:
    """A partition of several segments with every codec in it, cleanly closed."""
    configs = {"segment.bytes": "1048576", "index.interval.bytes": "1000"}
    admin = AdminClient({"bootstrap.servers": server.address})
    admin.create_topics([NewTopic("t", 1, 1, config=configs)])["t"].result(30)
    client = Confluent(server.address)
    client.records = RECORDS * REPEATS
    for codec in CODECS:
        client.produce("t", codec)
    server.stop()
    return server.data / "t-0"


def expected() -> list[Sent]:
    return list(RECORDS) * REPEATS * len(CODECS)


def as_sent(records: list[Record]) -> list[Sent]:
    return [Sent(r.key, r.value, tuple(r.headers), r.timestamp) for r in records]


def test_kafkas_dump_tool_has_nothing_to_complain_about(
    own_server: Server, kafka_tool: Callable[..., str]
) -> None:
    directory = fill(own_server)
    logs = sorted(directory.glob("*.log"))
    assert len(logs) > 1
    files = [path for kind in ("log", "index", "timeindex") for path in directory.glob(f"*.{kind}")]
    # The snapshot that a clean stop leaves, which says what each producer sent last.
    files += directory.glob("*.snapshot")
    printed = kafka_tool(
        "org.apache.kafka.tools.DumpLogSegments",
        *("--deep-iteration", "--files", ",".join(map(str, files))),
    )
    assert not complaints(printed)
    assert printed.count("| offset: ") == len(expected())
    for codec in CODECS:
        assert f"compresscodec: {codec}" in printed
    assert printed.count("producerId: ") > 0


def test_segments_are_read_batch_by_batch(own_server: Server) -> None:
    records: list[Record] = []
    for path in sorted(fill(own_server).glob("*.log")):
        segment = path.read_bytes()
        for position, header in batches(segment):
            verify(memoryview(segment), position, header)
            records += decode(segment, position, header)
    assert [record.offset for record in records] == list(range(len(expected())))
    assert as_sent(records) == expected()


def test_our_log_opens_the_directory(own_server: Server, tmp_path: Path) -> None:
    """Twice: trusting the clean close, and checking every batch as after a crash."""
    directory = fill(own_server)
    for clean in (True, False):
        copy = tmp_path / f"copy-{clean}"
        shutil.copytree(directory, copy / "t-0")
        happened: list[str] = []
        log = Log.open(
            RealFiles(str(copy)),
            "t-0",
            LogConfig.of({"segment.bytes": "1048576"}),
            now=NOW,
            emit=lambda kind, happened=happened, **_: happened.append(kind),
            clean=clean,
        )
        assert not {"truncate", "index_rebuilt"} & set(happened), happened
        assert log.log_end_offset == len(expected())
        records: list[Record] = []
        while len(records) < log.log_end_offset:
            fetched = log.read(len(records), 100_000)
            data = fetched.records if isinstance(fetched.records, bytes) else fetched.records.read()
            for position, header in batches(data):
                decoded = decode(data, position, header)
                records += [r for r in decoded if r.offset >= len(records)]
        assert as_sent(records) == expected()
        log.close(NOW)


def test_the_segment_browser_finds_in_it_what_our_log_finds(
    own_server: Server, tmp_path: Path
) -> None:
    """Stopped, and while it runs: then Kafka's index files have zeros behind their entries."""
    pytest.importorskip("quickjs", reason="needs the lab extra")
    from minikafka.viz import directory
    from minikafka.viz.engine import run

    path = fill(own_server)
    stopped = directory.read(str(path))
    assert stopped.log_end_offset == len(expected()) and stopped.cut is None
    shutil.copytree(path, tmp_path / "copy" / "t-0")
    config = LogConfig.of({"segment.bytes": "1048576"})
    log = Log.open(RealFiles(str(tmp_path / "copy")), "t-0", config, NOW, None, clean=True)
    for offset in range(0, log.log_end_offset, log.log_end_offset // 12):
        answer = run("segment_browser", "told", story=stopped.to_json(), by="offset", value=offset)
        assert answer["found"]["base_offset"] == log.read(offset, 1).first_offset
    own_server.start()
    running = directory.read(str(path))
    for before, now in zip(stopped.segments, running.segments, strict=False):
        assert now.entries == before.entries
        assert len(now.batches) == len(before.batches)
