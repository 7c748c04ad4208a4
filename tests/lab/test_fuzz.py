"""The fuzzer: the same cases for the same seed, and it finds what is there to be found."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from minikafka.bench.siege import besiege
from minikafka.broker.apis import HANDLERS
from minikafka.lab import fuzz
from minikafka.runtime.serve import local_broker

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.hex"))
"""What was once found; the names say how it was made."""


def test_the_same_seed_gives_the_same_cases_in_another_process() -> None:
    program = (
        "from itertools import islice; from hashlib import sha256;"
        "from minikafka.lab.fuzz import cases;"
        "print(sha256(b''.join(c.frame for c in islice(cases(3), 2000))).hexdigest())"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(told) == 1


def test_every_way_of_mangling_and_every_api_comes() -> None:
    row = list(islice(fuzz.cases(1), 20_000))
    assert {case.how for case in row} == {"honest", *(each.__name__ for each in fuzz.MANGLERS)}
    assert len({case.api for case in row}) == len(fuzz.API_KEYS)


def test_nothing_unexpected_comes_of_many_cases() -> None:
    assert fuzz.find(seed=5, count=20_000) == []


def test_what_nobody_expects_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(broker: Any, now: int, request: Any) -> None:
        raise IndexError(request.body.topics[0].name)

    monkeypatch.setitem(HANDLERS, 37, careless)
    found = fuzz.find(seed=1, count=2_000)
    assert {case.api for case, _ in found} == {"CreatePartitions"}
    assert {type(error) for _, error in found} == {IndexError}


def test_what_was_found_once_is_refused_for_good() -> None:
    for path in CORPUS:
        error = fuzz.Trial().hand_over(bytes.fromhex(path.read_text()))
        assert error is None, path.name


def test_a_live_broker_stands_a_siege() -> None:
    with local_broker() as broker:
        assert broker.address is not None
        siege = besiege(broker.address, seed=2, count=5_000)
        assert siege.frames == 5_000 and siege.answered_bytes > 0
        assert broker.failure is None
