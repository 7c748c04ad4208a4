"""How fast virtual time runs: events a second in worlds of one broker, producers and consumers.

An event is a message delivered or a timer fired, a program's own timer included. What one costs
depends on what it causes, so there are two worlds, and they are ends of a scale:

    arrivals   records come at random times, 40 a ms for each producer, and everything is as
               Kafka's defaults have it. That fills a batch of batch.size before linger.ms is
               over; consumers fetch batches, and poll every 10 ms. Most events are records that
               arrive, each a timer of the program's own.
    requests   every record is a request of its own, and its acknowledgement causes the next
               one. Every event is a message, with all that Kafka does about it.

Each once with messages handed over as objects and once with every message through its bytes.
The best of several rounds is reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from minikafka.admin import NewTopic
from minikafka.consumer.consumer import Consumer
from minikafka.producer.producer import Producer
from minikafka.runtime.hardware import FREE
from minikafka.runtime.simulator import Simulator

PAIRS = 2
"""Partitions, each with a producer and a consumer."""
ARRIVALS_PER_MS = 40
POLL_MS = 10
IN_FLIGHT = 5
VALUE = b"x" * 100
TOPIC = "load"


def arrivals(sim: Simulator, producer: Producer, partition: int) -> None:
    """Send whenever a record arrives: a Poisson process of this producer's own."""

    def send() -> None:
        producer.send(TOPIC, VALUE, partition=partition)

    sim.arrivals(ARRIVALS_PER_MS, send, f"arrivals/{partition}")


def requests(sim: Simulator, producer: Producer, partition: int) -> None:
    """Keep `IN_FLIGHT` records on their way, each a batch and a request of its own."""

    def send(_: object = None) -> None:
        producer.send(TOPIC, VALUE, partition=partition).add_callback(send)

    for _ in range(IN_FLIGHT):
        send()


Load = Callable[[Simulator, Producer, int], None]
LOADS: dict[str, tuple[Load, dict[str, Any]]] = {
    "arrivals": (arrivals, {}),
    "requests": (requests, {"linger_ms": 0}),
}
"""By name: what is sent, and by which configs."""


def world(load: str, bytes_on_wire: bool) -> Simulator:
    """A world under load; it goes on by itself as long as somebody lets time pass."""
    send, configs = LOADS[load]
    sim = Simulator(seed=1, trace=False, bytes_on_wire=bytes_on_wire, hardware=FREE)
    sim.broker()
    sim.admin().create_topics([NewTopic(TOPIC, partitions=PAIRS)])
    for partition in range(PAIRS):
        consumer = sim.consumer(auto_offset_reset="earliest")
        consumer.assign([(TOPIC, partition)])
        _read(sim, consumer)
        producer = sim.producer(**configs)
        producer.partitions_for(TOPIC)
        send(sim, producer, partition)
    return sim


def _read(sim: Simulator, consumer: Consumer) -> None:
    consumer.poll()
    sim.call_later(POLL_MS, partial(_read, sim, consumer))


def measure(seconds: float = 2.0, rounds: int = 3) -> list[dict[str, Any]]:
    """Events and messages a second, best of `rounds`, a row for each world and each way."""
    rows: list[dict[str, Any]] = []
    for load in LOADS:
        for name, bytes_on_wire in (("objects", False), ("bytes", True)):
            events, messages = max(_rates(load, bytes_on_wire, seconds, rounds))
            rates = {"events_per_second": events, "messages_per_second": messages}
            rows.append({"world": load, "messages_as": name, **rates})
    return rows


def _rates(load: str, bytes_on_wire: bool, seconds: float, rounds: int) -> list[tuple[int, int]]:
    sim = world(load, bytes_on_wire)
    sim.run(50)
    rates = []
    for _ in range(rounds):
        events, messages, start = sim.count, sim.delivered, time.perf_counter()
        while (took := time.perf_counter() - start) < seconds:
            sim.run(50)
        counts = sim.count - events, sim.delivered - messages
        rates.append((round(counts[0] / took), round(counts[1] / took)))
    return rates
