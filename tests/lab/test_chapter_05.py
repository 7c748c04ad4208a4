"""What the checks of chapter 05 say to answers that are nearly right."""

from __future__ import annotations

from typing import Any

import pytest

from minikafka.consumer.consumer import Consumer
from minikafka.lab.exercises import check


@pytest.mark.parametrize(
    ("answer", "hint"),
    [(1_000, "does not wait for so long"), (100, "10,000 are wanted"), ("500", "whatever comes")],
)
def test_when(answer: Any, hint: str) -> None:
    verdict = check("05.1", answer)
    assert not verdict.is_accepted and hint in verdict.why


def one_poll(consumer: Consumer) -> list[Any]:
    return list(consumer.poll(timeout_ms=1_000))


def until_empty(consumer: Consumer) -> list[Any]:
    found: list[Any] = []
    while records := consumer.poll(timeout_ms=1_000):
        found += records
    return found


def twice(consumer: Consumer) -> list[Any]:
    found: list[Any] = []
    for _ in range(2):
        consumer.seek_to_beginning()
        for _ in range(30):
            found += consumer.poll(timeout_ms=100)
    return found


def the_end_again_and_again(consumer: Consumer) -> list[Any]:
    found: list[Any] = []
    while any(
        consumer.position(tp) < end
        for tp, end in consumer.end_offsets(consumer.assignment()).items()
    ):
        found += consumer.poll(timeout_ms=1_000)
    return found


def one_partition(consumer: Consumer) -> list[Any]:
    first = consumer.assignment()[0]
    (end,) = consumer.end_offsets([first]).values()
    found: list[Any] = []
    while consumer.position(first) < end:
        found += consumer.poll(timeout_ms=1_000)
    return found


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (one_poll, "one poll gives 7"),
        (until_empty, "more than a second"),
        (the_end_again_and_again, "more than a second"),
        (one_partition, "are missing"),
        (twice, "read twice"),
    ],
)
def test_all_of_it(answer: Any, hint: str) -> None:
    verdict = check("05.2", answer)
    assert not verdict.is_accepted and hint in verdict.why


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ({"fetch_min_bytes": 1, "fetch_max_wait_ms": 20}, "fewer fetches"),
        ({"fetch_min_bytes": 5_000, "fetch_max_wait_ms": 500}, "too late"),
        ({"fetch_min_bytes": -1, "fetch_max_wait_ms": 20}, "fetch.min.bytes"),
    ],
)
def test_a_goal(answer: Any, hint: str) -> None:
    verdict = check("05.3", answer)
    assert not verdict.is_accepted and hint in verdict.why
