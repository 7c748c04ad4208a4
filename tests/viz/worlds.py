"""Runs of any size: brokers that know nothing of each other, each with clients of its own."""

from __future__ import annotations

from functools import cache

from minikafka.admin import Admin, NewTopic
from minikafka.consumer.consumer import Consumer
from minikafka.producer.producer import Producer
from minikafka.runtime.simulator import Simulator
from minikafka.trace import Trace


@cache
def a_world(events: int, brokers: int = 1, producers: int = 1, consumers: int = 1) -> Trace:
    """A trace of about so many events: producers that linger, consumers that wait for 150 bytes."""
    sim = Simulator(seed=7)
    hosts = [sim.broker(i + 1).address for i in range(brokers)]
    assert sim.trace is not None
    for host in hosts:
        Admin(host, world=sim, client_id="admin").create_topics([NewTopic("orders")])
    tills = [
        Producer(hosts[i % brokers], world=sim, client_id=f"till-{i + 1}", linger_ms=5)
        for i in range(producers)
    ]
    readers = [
        Consumer(
            hosts[i % brokers],
            world=sim,
            client_id=f"billing-{i + 1}",
            auto_offset_reset="earliest",
            fetch_min_bytes=150,
            fetch_max_wait_ms=30,
        )
        for i in range(consumers)
    ]
    for reader in readers:
        reader.assign([("orders", 0)])
    turn = 0
    while len(sim.trace) < events:
        for _ in range(1 + turn % 3):
            tills[turn % producers].send("orders", b"tea", key=b"bob")
        sim.run(3 + turn % 4 * 2)
        readers[turn % consumers].poll(timeout_ms=3)
        turn += 1
    return sim.trace
