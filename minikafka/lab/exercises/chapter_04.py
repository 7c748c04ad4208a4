"""The exercises of chapter 04: the producer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from minikafka.admin import NewTopic
from minikafka.config import ConfigError
from minikafka.lab.exercises.verdict import Judge, Verdict, accepted, not_yet
from minikafka.producer.producer import Producer
from minikafka.runtime.simulator import Simulator
from minikafka.wire.errors import KafkaError

MOST_REQUESTS, MOST_P99_MS = 10, 20


def how_much_memory(answer: Any) -> Verdict:
    """04.1: ten seconds of a megabyte a second."""
    if answer is ...:
        return not_yet("no number yet. How many bytes come in a second?")
    if answer == 1_000_000:
        return not_yet("that lasts for one second.")
    if answer != 10_000_000:
        return not_yet(f"not {answer!r}: records a second, times their size, times seconds.")
    return accepted("10,000,000 bytes hold what comes in ten seconds.")


def a_goal(answer: Mapping[str, Any]) -> Verdict:
    """04.2: few requests, and none late."""
    from minikafka.viz.microscope import MACHINES, Arrivals, look, settings_of

    if still_open := [name for name, value in answer.items() if value is ...]:
        return not_yet(f"{' and '.join(still_open)} still open. Which of them closes the batches?")
    if moved := [name for name in answer if name in MACHINES]:
        return not_yet(f"{' and '.join(moved)}: the machines stay as they are.")
    if str(answer.get("acks")) == "0":
        return not_yet("with acks = 0 nothing is acknowledged.")
    try:
        settings = settings_of({"latency_ms": 2, **answer})
        run = look(settings, Arrivals(per_ms=10, record_bytes=100), 7).measured()
    except (ConfigError, ValueError) as error:
        return not_yet(f"{error}.")
    p99 = run.acknowledged.p99
    found = f"{run.requests} requests, p99 {p99:.1f} ms"
    if run.records < 1_000:
        return not_yet(f"only {run.records} of some 1,000 records were acknowledged.")
    if run.requests > MOST_REQUESTS:
        return not_yet(f"{found}: fewer requests are wanted. What closes the batches now?")
    if p99 >= MOST_P99_MS:
        return not_yet(f"{found}: too late. The first record of a batch waits for the last.")
    return accepted(f"{found}.")


def back_pressure(answer: Callable[[Producer, list[bytes]], None]) -> Verdict:
    """04.3: all of it, once, in order, though send gives up."""
    sim = Simulator(seed=24)
    broker = sim.broker()
    sim.admin().create_topics([NewTopic("log", configs={"flush.messages": "1"})])
    producer = sim.producer(
        buffer_memory=8_000, batch_size=2_000, max_block_ms=300, linger_ms=0, max_request_size=2_000
    )
    producer.send("log", b"ready").result()
    broker.crash()
    sim.call_later(4_000, broker.restart)
    wanted = [b"line %d " % number * 20 for number in range(100)]
    try:
        answer(producer, list(wanted))
    except KafkaError as error:
        return not_yet(f"send gave up, and so did send_all: {error.code.name}.")
    producer.flush()
    found = _read(sim)[1:]
    if found == wanted:
        return accepted("100 lines, once and in order, though the broker was gone for 4 seconds.")
    if len(set(found)) < len(found):
        return not_yet(f"{len(found) - len(set(found))} lines stand in the log more than once.")
    if len(found) < len(wanted):
        return not_yet(f"{len(wanted) - len(found)} of 100 lines are missing.")
    return not_yet("all lines are there, in another order.")


def _read(sim: Simulator) -> list[bytes | None]:
    consumer = sim.consumer(auto_offset_reset="earliest")
    consumer.assign([("log", 0)])
    found: list[bytes | None] = []
    while records := consumer.poll(timeout_ms=1_000):
        found += [record.value for record in records]
    return found


EXERCISES: dict[str, Judge] = {"04.1": how_much_memory, "04.2": a_goal, "04.3": back_pressure}
