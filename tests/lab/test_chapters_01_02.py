"""What the checks of chapters 01 and 02 say to answers that are nearly right."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Any

import pytest

from minikafka.lab.exercises import check
from minikafka.producer.partitioner import murmur2, partition_of_key
from minikafka.producer.producer import Producer


@pytest.mark.parametrize(
    "answer",
    [
        lambda key, count: murmur2(key) % count,
        lambda key, count: (murmur2(key) & 0x7FFFFFFF) & (count - 1),
        lambda key, count: len(key) % count,
    ],
    ids=["with its sign", "by bits", "another hash"],
)
def test_a_partition_by_hand(answer: Any) -> None:
    verdict = check("01.1", answer)
    assert not verdict.is_accepted and "without its sign bit" in verdict.why


def sender(**how: str) -> Any:
    def send(producer: Producer, event: dict[str, str]) -> None:
        key = event[how["key"]].encode() if "key" in how else None
        place = int(how["partition"]) if "partition" in how else None
        producer.send("trips", event["what"].encode(), key=key, partition=place)

    return send


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (sender(key="trip"), "what is in order there, together?"),
        (sender(), "what is in order there, together?"),
        (sender(partition="0"), "three stand idle"),
        (lambda producer, event: None, "0 of 72 events"),
    ],
    ids=["trip", "no key", "one partition", "nothing"],
)
def test_in_order_and_not_in_one_place(answer: Any, hint: str) -> None:
    verdict = check("01.2", answer)
    assert not verdict.is_accepted and hint in verdict.why


def key(number: int) -> bytes:
    return b"customer-%d" % number


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda n: partition_of_key(key(n), 8), "lie in partition"),
        (lambda n: partition_of_key(key(n), 4), "partition 7 gets 0"),
        (lambda n: partition_of_key(key(n), 4 if n <= 1_000 else 9), "there are 8"),
        (lambda n: partition_of_key(key(n), 4) if n < 999 else 5, "customer 999"),
    ],
    ids=["all move", "nobody uses the new", "one too many", "one too early"],
)
def test_grow_without_moving(answer: Any, hint: str) -> None:
    verdict = check("01.3", answer)
    assert not verdict.is_accepted and hint in verdict.why


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (
            lambda offset, bases: f"{bases[max(0, bisect_left(bases, offset) - 1)]:020}.log",
            "'00000000000000000000.log' is not its file. A file begins with its base offset",
        ),
        (
            lambda offset, bases: f"{min(bases, key=lambda base: abs(base - offset)):020}.log",
            "is not its file",
        ),
        (
            lambda offset, bases: f"{bases[bisect_right(bases, offset) - 1]}.log",
            "its name is '00000000000000000000.log'",
        ),
        (lambda offset, bases: f"{bases[bisect_right(bases, offset) - 1]:020}", "its name is"),
    ],
    ids=["the one before", "the nearest", "no zeros", "no suffix"],
)
def test_which_file(answer: Any, hint: str) -> None:
    verdict = check("02.1", answer)
    assert not verdict.is_accepted and hint in verdict.why


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda offset, entries: 0, "reads more than it must"),
        (
            lambda offset, entries: next((p for last, p in entries if last >= offset), 7_400),
            "jumps over the batch",
        ),
        (
            lambda offset, entries: max((p for last, p in entries if last < offset), default=0),
            "reads more than it must",
        ),
        (
            lambda offset, entries: (
                entries[bisect_right([e[0] for e in entries], offset) - 1][1]
                if offset >= entries[0][0]
                else 0
            ),
            "IndexError",
        ),
    ],
    ids=["from the beginning", "the next entry", "one too early", "an empty index"],
)
def test_where_to_begin(answer: Any, hint: str) -> None:
    verdict = check("02.2", answer)
    assert not verdict.is_accepted and hint in verdict.why


@pytest.mark.parametrize(
    ("configs", "hint"),
    [
        ({"retention.ms": "3600000"}, "Which file is it in?"),
        ({"retention.ms": "2400000", "segment.ms": "600000"}, "was deleted when it was"),
        ({"retention.ms": "3600000", "segment.ms": "1800000"}, "is still there"),
        ({"retention.ms": "soon"}, "the broker refuses that"),
    ],
    ids=["no segment.ms", "too short", "half an hour", "no number"],
)
def test_an_hour_and_not_much_more(configs: dict[str, str], hint: str) -> None:
    verdict = check("02.3", configs)
    assert not verdict.is_accepted and hint in verdict.why
