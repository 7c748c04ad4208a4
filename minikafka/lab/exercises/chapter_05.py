"""The exercises of chapter 05: the fetcher."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from minikafka.admin import NewTopic
from minikafka.config import ConfigError
from minikafka.consumer.consumer import Consumer
from minikafka.lab.exercises.verdict import Judge, Verdict, accepted, not_yet
from minikafka.runtime.simulator import Simulator

PATIENCE_MS, WRITE_EVERY_MS = 1_000, 0.4  # a record is there before one can ask for the end
MOST_FETCHES, MOST_P99_MS = 10, 30


def when(answer: Any) -> Verdict:
    """05.1: the clock is first."""
    if answer is ...:
        return not_yet("no number yet. Which comes first: enough bytes, or the end of the wait?")
    if answer == 1_000:
        return not_yet("then there would be enough bytes; but it does not wait for so long.")
    if answer == 100:
        return not_yet("then there are 1,000 bytes, and 10,000 are wanted.")
    if answer != 500:
        return not_yet(f"not {answer!r}: bytes or time, whatever comes first.")
    return accepted("500 ms, with the bytes that are there by then.")


def read_all(answer: Callable[[Consumer], list[Any]]) -> Verdict:
    """05.2: all that is there, though polls are small and others write."""
    sim = Simulator(seed=25)
    sim.broker()
    sim.admin().create_topics([NewTopic("notes", partitions=2)])
    producer = sim.producer(linger_ms=0, batch_size=0)
    for number in range(60):
        producer.send("notes", b"%d" % number, partition=min(number % 3, 1))
    producer.flush()
    consumer = sim.consumer(
        auto_offset_reset="earliest", max_poll_records=7, max_partition_fetch_bytes=500
    )
    consumer.assign([("notes", 0), ("notes", 1)])

    def write_on() -> None:
        producer.send("notes", b"later", partition=1)
        sim.call_later(WRITE_EVERY_MS, write_on)

    def end() -> None:
        raise TimeoutError

    write_on()
    sim.call_later(PATIENCE_MS, end)
    try:
        found = [record.value for record in answer(consumer)]
    except TimeoutError:
        return not_yet("it went on for more than a second, because somebody goes on writing.")
    missing = sorted({b"%d" % number for number in range(60)} - set(found))
    if missing:
        return not_yet(f"{len(missing)} of 60 records are missing; one poll gives 7 at most here.")
    if len(set(found)) < len(found) - found.count(b"later"):
        return not_yet("some records were read twice.")
    return accepted("60 records of two partitions, and it stopped, though others write on.")


def a_goal(answer: Mapping[str, Any]) -> Verdict:
    """05.3: few fetches, and none late."""
    from minikafka.viz.microscope import Arrivals, look, settings_of

    if still_open := [name for name, value in answer.items() if value is ...]:
        return not_yet(f"{' and '.join(still_open)} still open. Which of them ends the waiting?")
    try:
        settings = settings_of({"linger_ms": 0, **answer})
        run = look(settings, Arrivals(per_ms=0.5, record_bytes=400), 7).measured()
    except (ConfigError, ValueError) as error:
        return not_yet(f"{error}.")
    p99 = run.polled.p99
    found = f"{run.fetches} fetches, p99 {p99:.1f} ms"
    if run.fetches > MOST_FETCHES:
        return not_yet(f"{found}: fewer fetches are wanted. Let each wait for more.")
    if p99 > MOST_P99_MS:
        return not_yet(f"{found}: too late. What ends the wait when little comes?")
    return accepted(f"{found}.")


EXERCISES: dict[str, Judge] = {"05.1": when, "05.2": read_all, "05.3": a_goal}
