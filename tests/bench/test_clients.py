"""`bench clients`: every library is driven alike, and the sums are right. How fast is no matter."""

from __future__ import annotations

import json
from importlib import util
from itertools import chain
from pathlib import Path

import pytest

from minikafka.bench.clients import Cell, Plan, in_turn, report, run, summary
from minikafka.bench.drivers import FIRST, LIBRARIES, SENDING, Inbox, Minikafka, measure, values
from minikafka.bench.servers import topic
from minikafka.cli.main import main
from minikafka.record.batch import batches
from minikafka.record.compression import Compression
from minikafka.runtime.serve import local_broker

COUNT = 3_000


@pytest.mark.parametrize("codec", ["none", "lz4"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_every_library_does_what_it_is_told(library: str, codec: str) -> None:
    with local_broker() as broker, topic(broker, "there"):
        figures = measure(library, broker.address, "there", 100, COUNT, codec)
        assert figures.keys() == {"produce", "consume"} and min(figures.values()) > 0
        (log,) = Path(broker.node.files.root).glob("there-0/*.log")
        first, *others = [header for _, header in batches(log.read_bytes())]
    assert first.record_count == 1
    assert sum(header.record_count for header in others) == COUNT
    for header in others:
        assert header.producer_id >= 0, "not idempotent"
        assert header.compression is Compression.by_name(codec)
        assert header.size_bytes <= SENDING["batch.size"]
    assert len(others) < COUNT / 20, "it does not gather records"


def test_what_does_not_come_back_is_no_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(Minikafka):
        def produce(self, address, topic, records, codec):
            next(records)
            return super().produce(address, topic, chain(records, [b"another"]), codec)

    monkeypatch.setitem(LIBRARIES, "minikafka", Forgetful())
    with (
        local_broker() as broker,
        topic(broker, "there"),
        pytest.raises(RuntimeError, match="sent 11 records with 1005 bytes; there are 11"),
    ):
        measure("minikafka", broker.address, "there", 100, 10, "none")


def test_an_inbox_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = Inbox(3)
    inbox.take([FIRST, b"1234567"])
    assert (inbox.left, inbox.size_bytes) == (1, 12)
    inbox.deadline = 0
    with pytest.raises(RuntimeError, match="1 records did not come"):
        inbox.take([])


def test_all_send_the_same_records() -> None:
    some = list(values(100, 500))
    assert some == list(values(100, 500))
    assert {len(value) for value in some} == {100} and len(set(some)) > 50


def test_the_order_changes_from_round_to_round() -> None:
    plan = Plan(lengths=(10,), codecs=("none",))
    orders = [[(cell.broker, library) for cell, library in in_turn(plan, n)] for n in range(4)]
    assert len({order[0] for order in orders}) == 4
    assert {frozenset(order) for order in orders} == {frozenset(orders[0])}
    assert [broker for broker, _ in orders[1]] == ["minikafka"] * 4 + ["apache"] * 4
    assert [broker for broker, _ in orders[2]] == ["apache"] * 4 + ["minikafka"] * 4


def test_a_longer_record_is_sent_less_often() -> None:
    plan = Plan(most_records=1_000, most_bytes=100_000)
    assert [plan.count(length) for length in (10, 100, 1_000)] == [1_000, 1_000, 100]


# --- hand-made figures ---------------------------------------------------------------
PLAN = Plan(rounds=2, lengths=(100,), codecs=("none",), beside_apache=False)
RATES = {
    "minikafka": [400_000.0, 200_000.0],
    "kafka-python": [100_000.0, 40_000.0],
    "aiokafka": [160_000.0, 160_000.0],
    "confluent-kafka": [800_000.0, 700_000.0],
}


def results() -> dict:
    rounds = {
        library: [{"produce": rate, "consume": 2 * rate} for rate in rates]
        for library, rates in RATES.items()
    }
    return summary(PLAN, {Cell("minikafka", "none", 100): rounds})


def test_ratios_say_how_many_times_as_fast_we_are() -> None:
    produce, consume = results()["rows"]
    assert (produce["way"], consume["way"]) == ("produce", "consume")
    assert produce["records_a_second"]["minikafka"] == {
        "best": 400_000.0,
        "median": 300_000.0,
        "rounds": [400_000.0, 200_000.0],
    }
    assert produce["times_better"] == {
        "kafka-python": {"best": 4.0, "median": pytest.approx(30 / 7)},
        "aiokafka": {"best": 2.5, "median": 1.875},
        "confluent-kafka": {"best": 0.5, "median": 0.4},
    }
    assert consume["times_better"] == produce["times_better"]


def test_the_report_is_a_table() -> None:
    lines = report(results()).splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[3] == "our broker, not compressed"
    assert lines[4].split() == [*RATES]
    assert " ".join(lines[5].split()) == (
        "produce, 100 B 400 (300) 100 × 4 (4.29) 160 × 2.5 (1.88) 800 × 0.5 (0.4)"
    )


# --- the whole -----------------------------------------------------------------------
def test_a_small_run_fills_every_row() -> None:
    plan = Plan(1, (100,), ("lz4",), beside_apache=False, most_records=300)
    steps: list[None] = []
    found = run(plan, lambda: steps.append(None))
    assert len(steps) == plan.step_count == 2 * 4
    assert [(row["codec"], row["way"]) for row in found["rows"]] == [
        ("lz4", "produce"),
        ("lz4", "consume"),
    ]
    for row in found["rows"]:
        assert all(len(rate["rounds"]) == 1 for rate in row["records_a_second"].values())
    json.dumps(found)


def test_it_says_which_library_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = util.find_spec
    missing = ("kafka", "lz4")
    monkeypatch.setattr(util, "find_spec", lambda name: None if name in missing else find(name))
    with pytest.raises(SystemExit, match="1"):
        main(["bench", "clients"])
    assert capsys.readouterr().err.endswith("pip install kafka-python lz4\n")


def test_it_says_that_java_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="1"):
        main(["bench", "clients", "--rounds", "2"])
    complaint = capsys.readouterr().err
    assert "there is no `java` here; --alone measures without it" in complaint
