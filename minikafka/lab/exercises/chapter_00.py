"""Exercises of chapter 00, the whole game: positions, reading again, files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minikafka.admin import NewTopic
from minikafka.consumer.consumer import Consumer
from minikafka.lab.exercises.verdict import MINUTE_MS, Judge, Verdict, accepted, not_yet
from minikafka.producer.producer import Producer
from minikafka.runtime.simulator import Simulator


def _three_numbers(answer: tuple[Any, Any, Any]) -> Verdict:
    """00.1: ten records, four of them read."""
    hints = {
        "log end": (10, "The next free offset, and the first offset is 0."),
        "position": (4, "The offset that is read next."),
        "lag": (6, "High watermark minus position."),
    }
    for given, (name, (wanted, hint)) in zip(answer, hints.items(), strict=True):
        if given is ...:
            return not_yet(f"the {name} is still open. {hint}")
        if given != wanted:
            return not_yet(f"the {name} is not {given}. {hint}")
    return accepted("log end 10, position 4, lag 6.")


def _reread(answer: Callable[[Consumer], None]) -> Verdict:
    """00.2: send a consumer back to the beginning of all its partitions."""
    sim = Simulator(seed=2)
    sim.broker()
    partitions = [("notes", 0), ("notes", 1)]
    sim.admin().create_topics([NewTopic("notes", partitions=2)])
    with sim.producer() as producer:
        for number in range(6):
            producer.send("notes", b"%d" % number, partition=number % 2)
    consumer = sim.consumer(auto_offset_reset="earliest")
    consumer.assign(partitions)
    first = _read(consumer, 6)
    answer(consumer)
    again = _read(consumer, 6)
    if not again:
        return not_yet("the consumer stayed where it was: the next poll returned nothing.")
    if again != first:
        return not_yet(f"of 6 records, {len(again)} were read again. It has two partitions.")
    return accepted("all 6 records were read twice, and the broker did nothing special.")


def _read(consumer: Consumer, count: int) -> list[tuple[int, int]]:
    """Addresses of up to `count` records, fewer when no more come."""
    found: list[tuple[int, int]] = []
    while len(found) < count and (records := consumer.poll(timeout_ms=1_000)):
        found += [(record.partition, record.offset) for record in records]
    return sorted(found)


def _three_files(answer: Callable[[Simulator, Producer], None]) -> Verdict:
    """00.3: a log of three files."""
    sim = Simulator(seed=3)
    broker = sim.broker()
    configs = {"segment.ms": str(10 * MINUTE_MS)}
    sim.admin().create_topics([NewTopic("logbook", configs=configs)])
    producer = sim.producer()
    answer(sim, producer)
    producer.flush()
    (log,) = [p for p in broker.node.statistics().partitions if p.topic == "logbook"]
    files, records = len(log.segments), log.log_end_offset - log.log_start_offset
    if not log.log_end_offset:
        return not_yet("nothing was written to logbook.")
    if files != 3:
        noun = "file" if files == 1 else "files"
        return not_yet(f"the log has {files} {noun} and {records} records. What closes a file?")
    if records < 3 or log.log_start_offset:
        return not_yet(f"three files, but they hold only {records} of at least three records.")
    return accepted(f"{records} records in three files.")


EXERCISES: dict[str, Judge] = {
    "00.1": _three_numbers,
    "00.2": _reread,
    "00.3": _three_files,
}
