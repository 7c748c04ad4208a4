"""The exercises of chapter 02: segments and indexes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any

from minikafka.admin import NewTopic
from minikafka.config import ConfigError
from minikafka.lab.exercises.verdict import MINUTE_MS, Judge, Verdict, accepted, not_yet
from minikafka.runtime.simulator import Simulator
from minikafka.wire.errors import KafkaError


def which_file(answer: Callable[[int, list[int]], str]) -> Verdict:
    """02.1: the file that holds an offset."""
    bases = [0, 526, 1051, 1576]
    for offset in (0, 1, 525, 526, 527, 1050, 1051, 1234, 1575, 1576, 9_999):
        base = bases[bisect_right(bases, offset) - 1]
        wanted = f"{base:020}.log"
        found = answer(offset, list(bases))
        if found in (f"{base}.log", f"{base:020}", f"{base}"):
            return not_yet(f"{found!r} is the right file, but its name is {wanted!r}.")
        if found != wanted:
            return not_yet(
                f"offset {offset} with files from {bases}: {found!r} is not its file. "
                "A file begins with its base offset and ends before the next one's."
            )
    return accepted("eleven offsets, each in its file.")


def where_to_begin(answer: Callable[[int, list[tuple[int, int]]], int]) -> Verdict:
    """02.2: the last entry that is not beyond the offset."""
    entries = [(9, 700), (29, 2_900), (38, 5_100), (60, 7_400)]
    ends = [0, *(position for _, position in entries)]
    for offset in range(70):
        wanted = ends[bisect_right([last for last, _ in entries], offset)]
        found = answer(offset, list(entries))
        if found != wanted:
            late = "jumps over the batch" if found > wanted else "reads more than it must"
            return not_yet(f"offset {offset} with {entries}: {found} {late}.")
    if answer(5, []) != 0:
        return not_yet("an index may be empty; then the file is read from its beginning.")
    return accepted("70 offsets, none jumped over and none read too early.")


def an_hour(answer: Mapping[str, Any]) -> Verdict:
    """02.3: kept for an hour, gone after 80 minutes."""
    sim = Simulator(seed=22)
    broker = sim.broker()
    try:
        sim.admin().create_topics([NewTopic("t", configs=dict(answer))])
    except (ConfigError, KafkaError) as error:
        return not_yet(f"the broker refuses that: {error}.")
    producer = sim.producer(linger_ms=0)
    oldest = 0
    for minute in range(6 * 60):
        producer.send("t", b"still here")
        sim.run(MINUTE_MS)
        (log,) = [each for each in broker.statistics().partitions if each.topic == "t"]
        age = minute + 1 - log.log_start_offset  # a record a minute: offsets are minutes
        if log.log_start_offset and age < 60:
            return not_yet(f"a record was deleted when it was {age} minutes old.")
        oldest = max(oldest, age)
    if oldest >= 80:
        return not_yet(f"a record of {oldest} minutes is still there. Which file is it in?")
    return accepted(f"nothing was deleted within an hour, nothing was older than {oldest} minutes.")


EXERCISES: dict[str, Judge] = {
    "02.1": which_file,
    "02.2": where_to_begin,
    "02.3": an_hour,
}
