"""What the checks of chapter 04 say to answers that are nearly right."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from minikafka.lab.exercises import check
from minikafka.producer.producer import Producer
from minikafka.wire.errors import KafkaError


@pytest.mark.parametrize(
    ("answer", "hint"), [(1_000_000, "one second"), (20_000, "times seconds"), ("10 MB", "not '10")]
)
def test_how_much_memory(answer: Any, hint: str) -> None:
    verdict = check("04.1", answer)
    assert not verdict.is_accepted and hint in verdict.why


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ({"linger_ms": 5, "batch_size": 16_384}, "fewer requests"),
        ({"linger_ms": 20, "batch_size": 1_024}, "fewer requests"),
        ({"linger_ms": 50, "batch_size": 65_536}, "too late"),
        ({"linger_ms": -1, "batch_size": 16_384}, "linger.ms"),
        ({"linger": 5}, "no setting of the microscope"),
        ({"linger_ms": 20, "batch_size": 65_536, "latency_ms": 0}, "machines stay"),
        ({"linger_ms": 19, "batch_size": 65_536, "acks": "0"}, "nothing is acknowledged"),
    ],
)
def test_a_goal(answer: Any, hint: str) -> None:
    verdict = check("04.2", answer)
    assert not verdict.is_accepted and hint in verdict.why


def gives_up(producer: Producer, values: list[bytes]) -> None:
    for value in values:
        with suppress(KafkaError):
            producer.send("log", value)


def repeats(producer: Producer, values: list[bytes]) -> None:
    for value in values:
        while True:
            try:
                producer.send("log", value).result(timeout_ms=100)
                break
            except KafkaError:
                pass


def backwards(producer: Producer, values: list[bytes]) -> None:
    waiting = list(values)
    while waiting:
        try:
            producer.send("log", waiting[-1])
            waiting.pop()
        except KafkaError:
            pass


@pytest.mark.parametrize(
    ("answer", "hint"),
    [(gives_up, "are missing"), (repeats, "more than once"), (backwards, "another order")],
)
def test_back_pressure(answer: Any, hint: str) -> None:
    verdict = check("04.3", answer)
    assert not verdict.is_accepted and hint in verdict.why
