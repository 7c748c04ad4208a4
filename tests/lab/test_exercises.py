"""What a check says to answers that are nearly right."""

from __future__ import annotations

import pytest

from minikafka.admin import Admin
from minikafka.consumer.consumer import Consumer
from minikafka.lab.exercises import check
from minikafka.producer.producer import Producer
from minikafka.runtime.simulator import Simulator


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ((9, 4, 5), "the log end is not 9"),
        ((10, 3, 7), "the position is not 3"),
        ((10, 4, 5), "the lag is not 5"),
        ((10, 4), "it stopped with ValueError"),
    ],
)
def test_three_numbers(answer: object, hint: str) -> None:
    verdict = check("00.1", answer)
    assert not verdict.is_accepted and hint in verdict.why


def test_reading_again() -> None:
    def one_partition(consumer: Consumer) -> None:
        consumer.seek(("notes", 0), 0)

    def to_the_end(consumer: Consumer) -> None:
        consumer.seek_to_end()

    assert "3 were read again. It has two partitions" in check("00.2", one_partition).why
    assert "stayed where it was" in check("00.2", to_the_end).why


def test_three_files() -> None:
    def all_at_once(sim: Simulator, producer: Producer) -> None:
        for _ in range(3):
            producer.send("logbook", b"now").result()
        sim.run(60 * 60_000)

    def one_too_many(sim: Simulator, producer: Producer) -> None:
        for _ in range(4):
            producer.send("logbook", b"then").result()
            sim.run(11 * 60_000)

    assert "1 file and 3 records" in check("00.3", all_at_once).why
    assert "4 files" in check("00.3", one_too_many).why


@pytest.mark.parametrize(
    ("answer", "hint"),
    [(16_000, "ten seconds' worth was free"), (3_000, "By which part"), ("6000", "not '6000'")],
)
def test_how_long(answer: object, hint: str) -> None:
    verdict = check("20.1", answer)
    assert not verdict.is_accepted and hint in verdict.why


def limits(everybody: float | None, vip: float | None, shared: bool = False) -> object:
    def limit(admin: Admin) -> None:
        entity = {"user": None} if shared else {"client-id": None}
        if everybody is not None:
            admin.alter_quotas(entity, {"producer_byte_rate": everybody})
        if vip is not None:
            admin.alter_quotas({"client-id": "vip"}, {"producer_byte_rate": vip})

    return limit


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (limits(1_000, None), "vip takes"),
        (limits(1_000, 2_500), "vip takes"),
        (limits(600, 1_000_000), "a client without a name of note takes"),
        (limits(None, 1_000_000), "a client without a name of note takes"),
        (limits(1_000, 1_000_000, shared=True), "of two clients"),
    ],
    ids=["no quota for vip", "too little for vip", "too little", "one quota only", "shared"],
)
def test_everybody_but_one(answer: object, hint: str) -> None:
    verdict = check("20.2", answer)
    assert not verdict.is_accepted and hint in verdict.why


def test_an_hour_and_for_ever() -> None:
    def only_the_topic(admin: Admin) -> None:
        admin.alter_configs({("topic", "audit"): {"retention.ms": -1}})

    def each_topic_there_is(admin: Admin) -> None:
        only_the_topic(admin)
        admin.alter_configs({("topic", "clicks"): {"retention.ms": 3_600_000}})

    assert "clicks has" in check("20.3", only_the_topic).why
    assert "tomorrow has" in check("20.3", each_topic_there_is).why


@pytest.mark.parametrize(
    ("answer", "hint"),
    [((0, 1, 42), "the API key is not 0"), ((3, 1, 0x2A000000), "the correlation id is not")],
)
def test_reading_a_frame(answer: object, hint: str) -> None:
    assert hint in check("03.1", answer).why


def test_cutting_a_stream() -> None:
    def impatient(data: bytes) -> tuple[list[bytes], bytes]:
        found = []
        while data:
            size = int.from_bytes(data[:4], "big")
            found.append(data[4 : 4 + size])
            data = data[4 + size :]
        return found, data

    def forgetful(data: bytes) -> tuple[list[bytes], bytes]:
        found, rest = [], data
        while len(rest) > 4 and len(rest) >= 4 + int.from_bytes(rest[:4], "big"):
            end = 4 + int.from_bytes(rest[:4], "big")
            found.append(rest[4:end])
            rest = rest[end:]
        return found, rest  # an empty frame at the end of the data is not seen

    for answer in (impatient, forgetful):
        assert not check("03.2", answer).is_accepted


def test_folding() -> None:
    assert "-1 became 2" in check("03.3", lambda number: 2 * abs(number)).why
    assert "-1 became -2" in check("03.3", lambda number: number << 1).why
