"""What a program hands in is checked where it comes in: named if wrong, and harmless to others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from minikafka.admin import Admin, NewTopic
from minikafka.consumer.consumer import Consumer
from minikafka.producer.producer import Producer
from minikafka.runtime.simulator import Simulator

TP = ("t", 0)


@pytest.fixture
def sim() -> Iterator[Simulator]:
    sim = Simulator(seed=5, bytes_on_wire=True)
    sim.broker()
    sim.admin().create_topics([NewTopic("t")])
    yield sim


def headers(*given: object) -> Callable[[Any], object]:
    return lambda producer: producer.send("t", b"v", headers=given)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda p: p.send("t", "text"), TypeError, "value must be bytes, not str: encode it"),
        (lambda p: p.send("t", ""), TypeError, "value must be bytes"),
        (lambda p: p.send("t", b"v", key=5), TypeError, "key must be bytes, not int"),
        (headers(("a", "b")), TypeError, "header a must be bytes, not str"),
        (headers((b"a", b"b")), TypeError, "a header is a pair"),
        (headers("a"), TypeError, "a header is a pair"),
        (headers(("\ud800", b"")), ValueError, "is not valid text"),
        (lambda p: p.send(b"t", b"v"), TypeError, "topic must be a str, not bytes"),
        (lambda p: p.send(None, b"v"), TypeError, "topic must be a str"),
        (lambda p: p.send("", b"v"), ValueError, "topic must not be empty"),
        (lambda p: p.send("\ud800", b"v"), ValueError, "is not valid text"),
        (lambda p: p.send("x" * 250, b"v"), ValueError, "at most 249 characters"),
        (lambda p: p.send("t", b"v", partition="0"), TypeError, "partition must be an int"),
        (lambda p: p.send("t", b"v", partition=True), TypeError, "not bool"),
        (lambda p: p.send("t", b"v", partition=-1), ValueError, "partition must be between 0"),
        (lambda p: p.send("t", b"v", timestamp_ms=1.5), TypeError, "timestamp_ms must be an int"),
        (lambda p: p.send("t", b"v", timestamp_ms=-1), ValueError, "timestamp_ms must be between"),
        (lambda p: p.send("t", b"v", timestamp_ms=1 << 63), ValueError, "timestamp_ms must be"),
        (lambda p: p.partitions_for(b"t"), TypeError, "topic must be a str"),
        (lambda p: p.flush("1"), TypeError, "a timeout must be a number"),
    ],
)
def test_a_producer_refuses(
    sim: Simulator, call: Callable[[Producer], object], error: type[Exception], text: str
) -> None:
    producer = sim.producer()
    before = producer.send("t", b"before")
    with pytest.raises(error, match=text):
        call(producer)
    assert producer.send("t", b"after").result().offset == before.result().offset + 1


def test_bytes_that_can_change_are_copied(sim: Simulator) -> None:
    producer = sim.producer()
    value = bytearray(b"value")
    given = (header for header in [("h", memoryview(b"1")), ("n", None)])
    producer.send("t", value, key=memoryview(b"key"), headers=given)  # type: ignore[arg-type]
    value[:] = b"other"
    producer.flush()
    consumer = sim.consumer(auto_offset_reset="earliest")
    consumer.assign([TP])
    (record,) = consumer.poll(1_000)
    assert (record.key, record.value) == (b"key", b"value")
    assert record.headers == (("h", b"1"), ("n", None))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda c: c.assign("t"), TypeError, "as a pair"),
        (lambda c: c.assign(["t0"]), TypeError, r"a pair \(topic, number\), not as 't0'"),
        (lambda c: c.assign([("t", "0")]), TypeError, "partition must be an int, not str"),
        (lambda c: c.assign([(b"t", 0)]), TypeError, "topic must be a str"),
        (lambda c: c.assign([("t", 1 << 31)]), ValueError, "partition must be between"),
        (lambda c: c.seek(TP, 1.0), TypeError, "offset must be an int"),
        (lambda c: c.seek(TP, -1), ValueError, "offset must be between"),
        (lambda c: c.seek(TP, 1 << 63), ValueError, "offset must be between"),
        (lambda c: c.seek_to_end([TP]), TypeError, "as a pair"),
        (lambda c: c.pause("t"), TypeError, "as a pair"),
        (lambda c: c.poll(None), TypeError, "a timeout must be a number"),
        (lambda c: c.end_offsets(TP), TypeError, "as a pair"),
        (lambda c: c.offsets_for_times({TP: 1.5}), TypeError, "the time for t-0 must be an int"),
        (lambda c: c.offsets_for_times({TP: -1}), ValueError, "the time for t-0 must be between"),
    ],
)
def test_a_consumer_refuses(
    sim: Simulator, call: Callable[[Consumer], object], error: type[Exception], text: str
) -> None:
    sim.producer().send("t", b"v").result()
    consumer = sim.consumer(auto_offset_reset="earliest")
    consumer.assign([TP])
    with pytest.raises(error, match=text):
        call(consumer)
    assert len(consumer.poll(1_000)) == 1


@pytest.mark.parametrize("timeout_ms", [float("inf"), (1 << 63) - 1])
def test_a_poll_may_wait_for_ever(sim: Simulator, timeout_ms: float) -> None:
    consumer = sim.consumer(auto_offset_reset="earliest")
    consumer.assign([TP])
    sim.producer(linger_ms=5_000).send("t", b"v")
    assert len(consumer.poll(timeout_ms)) == 1


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda a: a.create_topics([NewTopic("n", "3")]), TypeError, "partitions must be an int"),
        (lambda a: a.create_topics([NewTopic("n", 1 << 31)]), ValueError, "partitions must be"),
        (lambda a: a.create_topics([NewTopic(b"n")]), TypeError, "topic must be a str"),
        (lambda a: NewTopic("n", configs={"retention.ms": None}), TypeError, "retention.ms must"),
        (lambda a: a.create_topics("n"), TypeError, "is a NewTopic, not 'n'"),
        (lambda a: a.delete_topics("t"), TypeError, "not the str 't'"),
        (lambda a: a.describe_topics("t"), TypeError, "not the str 't'"),
        (lambda a: a.describe_topics([None]), TypeError, "topic must be a str"),
        (lambda a: a.describe_configs(("topic", "t")), TypeError, r"a pair \(kind, name\)"),
        (lambda a: a.describe_configs([("broker", "x")]), ValueError, "goes by its id"),
        (lambda a: a.describe_configs([("user", "x")]), ValueError, "user has no configs"),
        (lambda a: a.describe_configs([("logger", "")]), ValueError, "belong to one broker"),
        (lambda a: a.alter_quotas({"user": 1}, {}), TypeError, "types and names"),
        (lambda a: a.describe_quotas({"client-id": "\ud800"}), ValueError, "not valid text"),
    ],
)
def test_an_admin_refuses(
    sim: Simulator, call: Callable[[Admin], object], error: type[Exception], text: str
) -> None:
    admin = sim.admin()
    with pytest.raises(error, match=text):
        call(admin)
    assert set(admin.list_topics()) == {"t"}


def test_configs_are_given_as_python_has_them(sim: Simulator) -> None:
    configs = {"retention.ms": 1_000, "preallocate": False, "min.cleanable.dirty.ratio": 0.25}
    made = sim.admin().create_topics([NewTopic("n", configs=configs)])["n"].configs
    assert {name: made[name] for name in configs} == {
        "retention.ms": "1000",
        "preallocate": "false",
        "min.cleanable.dirty.ratio": "0.25",
    }
