"""Why each batch closes, told as stories: tests/scenarios/producer/*.txt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from minikafka.node import MS, Request
from minikafka.record.batch import read_header
from minikafka.trace import Event
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.produce import ProduceRequest

from .scripted import Cluster
from .test_producer import ProducerBench, produced
from .transcript import SCENARIOS, check

STORIES = sorted((SCENARIOS / "producer").glob("*.txt"))
REASONS = {"full", "linger", "request", "memory", "flush", "close", "split"}


class Story:
    """Understands the commands of a story, and says what the producer did."""

    def __init__(self) -> None:
        self.bench: ProducerBench
        self.began = 0
        self.told = 0  # how many events of the trace were told
        self.open: list[Request] = []

    def run(self, command: str, given: dict[str, str]) -> list[str]:
        if command == "producer":
            self.bench = ProducerBench(Cluster({"t": 3}), **given)
            self.began = self.bench.now
            self.told = len(self.bench.trace)
            return ["connected to the leader of t-0, t-1 and t-2"]
        getattr(self, command)(**given)
        self.bench.connect()
        return self.lines() or ["nothing"]

    # --- commands ------------------------------------------------------------------------
    def send(self, records: str = "1", bytes: str = "100", partition: str = "0") -> None:
        for _ in range(int(records)):
            record = (0, None, b"x" * int(bytes), ())
            if self.bench.node.append(self.bench.now, "t", int(partition), record) is None:
                self.bench.trace.add("", "no_room", {"partition": partition})

    def wait(self, ms: str) -> None:
        self.bench.wait(float(ms))

    def flush(self) -> None:
        self.bench.node.accumulator.close_all("flush")

    def close(self) -> None:
        self.bench.node.accumulator.close_all("close")

    def answer(self, error: str = "NONE", offset: str = "0") -> None:
        """Answer the oldest request."""
        request = self.open.pop(0)
        self.bench.answer(request, produced(request, ErrorCode[error], int(offset)))

    # --- what came of them -----------------------------------------------------------------
    def lines(self) -> list[str]:
        events = self.bench.trace.events[self.told :]
        self.told += len(events)
        lines = [self.line(event) for event in events if event.kind in LINES]
        for request in self.bench.take(ProduceRequest):
            self.open.append(request)
            lines.append(f"{'':10}  sends {', '.join(_contents(request))}")
        return lines

    def line(self, event: Event) -> str:
        ms = (event.time - self.began) / MS
        fields = {**event.what, "records": _records(event.what.get("records", 0))}
        return f"{ms:7.1f} ms  t-{fields['partition']} {LINES[event.kind].format(**fields)}"


LINES = {
    "batch_opened": "opens",
    "batch_closed": "closes: {reason}, {records}, {size_bytes} bytes",
    "batch_split": "is split, {records}",
    "batch_retried": "is to be sent again: {error}, {records}",
    "batch_acknowledged": "is acknowledged: {records} from offset {base_offset}",
    "batch_failed": "has failed: {error}, {records}",
    "no_room": "has no room: buffer.memory is used up",
}


def _records(count: int) -> str:
    return f"{count} record{'s' * (count != 1)}"


def _contents(request: Any) -> list[str]:
    (topic,) = request.body.topic_data
    headers = [(data.index, read_header(data.records)) for data in topic.partition_data]
    return [
        f"t-{index} ({_records(header.record_count)}, epoch {header.producer_epoch}, "
        f"sequence {header.base_sequence})"
        for index, header in headers
    ]


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_goes_as_it_is_told(path: Path) -> None:
    check(path, Story().run)


def test_every_reason_has_its_story() -> None:
    told = "".join(path.read_text(encoding="utf-8") for path in STORIES)
    assert {reason for reason in REASONS if f"closes: {reason}," in told} == REASONS
