"""Exercises that check themselves: `check("00.1", answer)` accepts it or says what is missing.

    >>> check("00.1", (10, 4, ...))
    not yet: the lag is still open. High watermark minus position.

A check never shows the answer, judges what an answer does rather than how it is written,
and runs a learner's function in a simulator of its own, so nothing can be broken by trying.
The untouched cell of an exercise is refused, its folded answer is accepted; a test does
both for every exercise of every notebook.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minikafka.admin import Admin, NewTopic
from minikafka.consumer.consumer import Consumer
from minikafka.producer.producer import Producer
from minikafka.runtime.simulator import Simulator

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found. Prints as one line, so that it can be a cell's last value."""

    is_accepted: bool
    why: str

    def __repr__(self) -> str:
        return f"{'accepted' if self.is_accepted else 'not yet'}: {self.why}"


def check(exercise: str, answer: Any) -> Verdict:
    """Judge an answer to an exercise, named by chapter and number ("00.1").

    Raises KeyError for an exercise that does not exist. An answer that raises is refused
    with its error.
    """
    judge = EXERCISES[exercise]
    try:
        return judge(answer)
    except Exception as error:  # whatever a learner's code may do
        return _not_yet(f"it stopped with {type(error).__name__}: {error}")


def _accepted(why: str) -> Verdict:
    return Verdict(True, why)


def _not_yet(why: str) -> Verdict:
    return Verdict(False, why)


def _three_numbers(answer: tuple[Any, Any, Any]) -> Verdict:
    """00.1: ten records, four of them read."""
    hints = {
        "log end": (10, "The next free offset, and the first offset is 0."),
        "position": (4, "The offset that is read next."),
        "lag": (6, "High watermark minus position."),
    }
    for given, (name, (wanted, hint)) in zip(answer, hints.items(), strict=True):
        if given is ...:
            return _not_yet(f"the {name} is still open. {hint}")
        if given != wanted:
            return _not_yet(f"the {name} is not {given}. {hint}")
    return _accepted("log end 10, position 4, lag 6.")


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
        return _not_yet("the consumer stayed where it was: the next poll returned nothing.")
    if again != first:
        return _not_yet(f"of 6 records, {len(again)} were read again. It has two partitions.")
    return _accepted("all 6 records were read twice, and the broker did nothing special.")


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
        return _not_yet("nothing was written to logbook.")
    if files != 3:
        noun = "file" if files == 1 else "files"
        return _not_yet(f"the log has {files} {noun} and {records} records. What closes a file?")
    if records < 3 or log.log_start_offset:
        return _not_yet(f"three files, but they hold only {records} of at least three records.")
    return _accepted(f"{records} records in three files.")


def _read_a_frame(answer: tuple[Any, Any, Any]) -> Verdict:
    """03.1: the header of a Metadata request."""
    hints = {
        "API key": (3, "The two bytes after the size."),
        "version": (1, "The two bytes after the API key."),
        "correlation id": (42, "Four bytes, the large end first."),
    }
    for given, (name, (wanted, hint)) in zip(answer, hints.items(), strict=True):
        if given is ...:
            return _not_yet(f"the {name} is still open. {hint}")
        if given != wanted:
            return _not_yet(f"the {name} is not {given!r}. {hint}")
    return _accepted("Metadata, version 1, question 42.")


def _cut_a_stream(answer: Callable[[bytes], tuple[list[bytes], bytes]]) -> Verdict:
    """03.2: whole frames and the rest, wherever the stream was cut."""
    whole = [b"one", b"", b"three" * 100, bytes(70_000)]
    stream = b"".join(len(frame).to_bytes(4, "big") + frame for frame in whole)
    ends = [7, 11, 515, len(stream)]
    for end in (*range(600), *range(600, len(stream), 9_999), len(stream)):
        count = sum(done <= end for done in ends)
        expected = whole[:count], stream[([0, *ends])[count] : end]
        found = answer(stream[:end])
        if (list(found[0]), found[1]) != expected:
            return _not_yet(
                f"of the first {end} bytes of a stream with frames of 3, 0, 500 … bytes you cut "
                f"{len(found[0])} frames and left {len(found[1])} bytes; it should be {count} "
                f"and {len(expected[1])}."
            )
    return _accepted("four frames, wherever the stream is cut; a frame may be empty.")


def _zigzag(answer: Callable[[int], int]) -> Verdict:
    """03.3: signed numbers folded into unsigned ones."""
    for number in (0, -1, 1, -2, 2, 63, -64, 64, 2**40, -(2**40), 2**62 + 1, -(2**62) - 1):
        wanted = number << 1 ^ number >> 63
        if answer(number) != wanted:
            return _not_yet(f"{number} became {answer(number)}, it should be {wanted}.")
    return _accepted("small numbers stay small, whatever their sign.")


def _throttle_time(answer: Any) -> Verdict:
    """20.1: 8,000 bytes at once with 500 a second."""
    if answer is ...:
        return _not_yet("no number yet. Over how long is a rate measured at the least?")
    if answer == 16_000:
        return _not_yet("that is how long 8,000 bytes take; but ten seconds' worth was free.")
    if answer != 6_000:
        return _not_yet(f"not {answer!r}. By which part is 8,000 bytes in 10 s above 500 a second?")
    return _accepted("300 of 500 bytes a second too many, over ten seconds: 6,000 ms.")


def _everybody_but_one(answer: Callable[[Admin], None]) -> Verdict:
    """20.2: a quota for each client, another for one of them."""

    def wanted(admin: Admin) -> None:
        admin.alter_quotas({"client-id": None}, {"producer_byte_rate": 1_000})
        admin.alter_quotas({"client-id": "vip"}, {"producer_byte_rate": 1_000_000})

    found, expected = _times_ms(answer), _times_ms(wanted)
    hints = {
        "client-41": "a client without a name of note takes {found:,.0f} ms for 24,000 bytes",
        "client-87": "of two clients, each is to have an allowance of its own; the second takes "
        "{found:,.0f} ms for 24,000 bytes",
        "vip": "vip takes {found:,.0f} ms for 12 MB",
    }
    for client, hint in hints.items():
        if abs(found[client] - expected[client]) > 1:
            why = hint.format(found=found[client])
            return _not_yet(f"{why}; it should be {expected[client]:,.0f} ms.")
    return _accepted("all others are slowed down, each by its own use; vip may do much more.")


def _times_ms(limit: Callable[[Admin], None]) -> dict[str, float]:
    """How long three clients take for their records, under these quotas."""
    sim = Simulator(seed=20)
    sim.broker()
    sim.admin().create_topics([NewTopic("t")])
    limit(sim.admin())
    taken = {}
    for client_id, count, size in (
        ("client-41", 3, 8_000),
        ("client-87", 3, 8_000),
        ("vip", 15, 800_000),
    ):
        began = sim.now
        long = 250 * HOUR_MS
        patient = {
            "request_timeout_ms": long,
            "delivery_timeout_ms": 2 * long,
            "max_block_ms": long,
        }
        with sim.producer(client_id=client_id, **patient) as producer:
            for _ in range(count):
                producer.send("t", b"." * size).result()
        taken[client_id] = (sim.now - began) / 1_000
    return taken


def _an_hour_and_for_ever(answer: Callable[[Admin], None]) -> Verdict:
    """20.3: retention of one topic, and of all others."""
    sim = Simulator(seed=21)
    sim.broker()
    admin = sim.admin()
    admin.create_topics([NewTopic("audit"), NewTopic("clicks")])
    answer(admin)
    admin.create_topics([NewTopic("tomorrow")])
    wanted = {"audit": "-1", "clicks": "3600000", "tomorrow": "3600000"}
    for topic, wish in wanted.items():
        (configs,) = admin.describe_configs([("topic", topic)]).values()
        found = configs["retention.ms"].value
        if found != wish:
            return _not_yet(f"{topic} has retention.ms = {found}.")
    return _accepted("audit keeps everything, the others an hour, and those to come as well.")


EXERCISES: dict[str, Callable[[Any], Verdict]] = {
    "00.1": _three_numbers,
    "00.2": _reread,
    "00.3": _three_files,
    "03.1": _read_a_frame,
    "03.2": _cut_a_stream,
    "03.3": _zigzag,
    "20.1": _throttle_time,
    "20.2": _everybody_but_one,
    "20.3": _an_hour_and_for_ever,
}
