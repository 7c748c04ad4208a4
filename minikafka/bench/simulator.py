"""How fast virtual time runs: events a second in a world of one broker, producers and consumers.

An event is a message delivered or a timer fired. The load feeds itself from within the
world: every acknowledgement causes the next send; the consumers take what they have
fetched every few milliseconds of virtual time. The best of several rounds is reported,
once with messages handed over as objects and once with every message through its bytes.
"""

from __future__ import annotations

import time
from typing import Any

from minikafka.admin import NewTopic
from minikafka.consumer.consumer import Consumer
from minikafka.runtime.hardware import FREE
from minikafka.runtime.simulator import Simulator

PRODUCERS = 2
CONSUMERS = 2
IN_FLIGHT = 5
VALUE = b"x" * 100


def world(bytes_on_wire: bool) -> tuple[Simulator, list[Consumer]]:
    """A world under load: `PRODUCERS` that keep records in flight, and the consumers that read."""
    sim = Simulator(seed=1, trace=False, bytes_on_wire=bytes_on_wire, hardware=FREE)
    sim.broker()
    sim.admin().create_topics([NewTopic("load", partitions=PRODUCERS)])
    consumers = []
    for index in range(CONSUMERS):
        consumer = sim.consumer()
        consumer.assign([("load", index % PRODUCERS)])
        consumer.seek_to_beginning()
        consumers.append(consumer)
    for partition in range(PRODUCERS):
        producer = sim.producer(linger_ms=0)
        for _ in range(IN_FLIGHT):
            _send_on(producer, partition)
    return sim, consumers


def _send_on(producer: Any, partition: int) -> None:
    """Send; when the acknowledgement comes, send again."""
    future = producer.send("load", VALUE, partition=partition)
    future.add_callback(lambda _: _send_on(producer, partition))


def measure(seconds: float = 2.0, rounds: int = 3) -> list[dict[str, Any]]:
    """Events a second, best of `rounds`, a row for each way in which messages travel."""
    return [
        {
            "world": name,
            "events_per_second": round(max(_rate(wire, seconds) for _ in range(rounds))),
        }
        for name, wire in (("messages as objects", False), ("messages as bytes", True))
    ]


def _rate(bytes_on_wire: bool, seconds: float) -> float:
    sim, consumers = world(bytes_on_wire)
    before, start = sim.count, time.perf_counter()
    while time.perf_counter() - start < seconds:
        sim.run(10)
        for consumer in consumers:
            consumer.poll(timeout_ms=0)
    return (sim.count - before) / (time.perf_counter() - start)
