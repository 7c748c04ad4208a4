"""Exercises of chapter 20, looking after a broker: quotas and configs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minikafka.admin import Admin, NewTopic
from minikafka.lab.exercises.verdict import HOUR_MS, Judge, Verdict, accepted, not_yet
from minikafka.runtime.simulator import Simulator


def _throttle_time(answer: Any) -> Verdict:
    """20.1: 8,000 bytes at once with 500 a second."""
    if answer is ...:
        return not_yet("no number yet. Over how long is a rate measured at the least?")
    if answer == 16_000:
        return not_yet("that is how long 8,000 bytes take; but ten seconds' worth was free.")
    if answer != 6_000:
        return not_yet(f"not {answer!r}. By which part is 8,000 bytes in 10 s above 500 a second?")
    return accepted("300 of 500 bytes a second too many, over ten seconds: 6,000 ms.")


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
            return not_yet(f"{why}; it should be {expected[client]:,.0f} ms.")
    return accepted("all others are slowed down, each by its own use; vip may do much more.")


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
            return not_yet(f"{topic} has retention.ms = {found}.")
    return accepted("audit keeps everything, the others an hour, and those to come as well.")


EXERCISES: dict[str, Judge] = {
    "20.1": _throttle_time,
    "20.2": _everybody_but_one,
    "20.3": _an_hour_and_for_ever,
}
