"""Stories to run, watch and break: each a function of a world, by name.

      minikafka sim --list
      minikafka sim crash --seed 7 --trace crash.ndjson

A scenario takes a `Simulator` and uses the public clients, nothing else. Those in
`ANYWHERE` need no simulator: they take any *stage* that hands out clients, so the same
story runs on real sockets, and a test compares the logs that both worlds leave behind.
For that they fix what would differ: records carry timestamps, and `linger_ms` is so long
that a batch closes only when it is full or flushed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from minikafka.admin import Admin, NewTopic
from minikafka.client.arguments import TopicPartition
from minikafka.consumer.consumer import Consumer
from minikafka.producer.producer import Producer
from minikafka.runtime.hardware import Link
from minikafka.runtime.simulator import Simulator

FOREVER_MS = 600_000
"""A linger that never runs out within a story."""


class Stage(Protocol):
    """A world with a broker in it that can hand out clients."""

    def producer(self, **configs: Any) -> Producer: ...

    def consumer(self, **configs: Any) -> Consumer: ...

    def admin(self, **configs: Any) -> Admin: ...


def one_record(stage: Stage) -> None:
    """One record from a producer to a broker and back to a consumer."""
    stage.admin().create_topics([NewTopic("greetings")])
    with stage.producer() as producer:
        producer.send("greetings", b"hello", key=b"en", timestamp_ms=1_000).result()
    with stage.consumer() as consumer:
        consumer.assign([("greetings", 0)])
        consumer.seek_to_beginning()
        while not consumer.poll(timeout_ms=1_000):
            pass


def batches(stage: Stage) -> None:
    """Batches of all kinds: two partitions, keys, headers, nulls, five codecs, full and flushed."""
    stage.admin().create_topics([NewTopic("letters", partitions=2)])
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        with stage.producer(
            linger_ms=FOREVER_MS, batch_size=2_000, compression_type=codec
        ) as producer:
            for n in range(60):
                producer.send(
                    "letters",
                    None if n % 10 == 9 else f"{codec} {n} ".encode() * 10,
                    key=None if n % 7 == 6 else f"key-{n % 5}".encode(),
                    headers=[("codec", codec.encode()), ("empty", None)] if n % 3 == 0 else [],
                    timestamp_ms=1_000 * n,
                    partition=n % 2,
                )
            producer.flush()


def segments(stage: Stage) -> None:
    """A log of many small segments, written in order and read from the middle by time."""
    configs = {"internal.segment.bytes": "16384", "retention.ms": "-1"}
    stage.admin().create_topics([NewTopic("days", configs=configs)])
    with stage.producer(linger_ms=FOREVER_MS, batch_size=4_000) as producer:
        for n in range(1_000):
            producer.send("days", b"x" * 90, timestamp_ms=3_000 * n)
        producer.flush()
    with stage.consumer() as consumer:
        days = TopicPartition("days", 0)
        consumer.assign([days])
        found = consumer.offsets_for_times({days: 1_500_000})[days]
        assert found is not None and found.offset == 500
        consumer.seek(days, found.offset)
        assert consumer.poll(timeout_ms=1_000)[0].offset == 500


def linger(sim: Simulator) -> None:
    """The same arrivals with and without linger.ms: few large batches against many small ones."""
    sim.admin().create_topics([NewTopic("hasty"), NewTopic("patient")])
    for topic, linger_ms in (("hasty", 0), ("patient", 20)):
        with sim.producer(linger_ms=linger_ms) as producer:
            for n in range(100):
                producer.send(topic, f"record {n}".encode())
                sim.run(1)


def crash(sim: Simulator) -> None:
    """The broker loses power while a producer writes, restarts, and the producer carries on.

    Every acknowledged and flushed record is still there, none twice, in order.
    """
    broker = sim.broker_hosts()[0]
    sim.admin().create_topics([NewTopic("orders", configs={"flush.messages": "1"})])
    producer = sim.producer(linger_ms=2)
    futures = []
    for n in range(300):
        futures.append(producer.send("orders", f"order {n}".encode()))
        sim.run(1)
        if n == 100:
            broker.crash(torn=True)
        if n == 150:
            broker.restart()
    producer.flush()
    assert [future.result().offset for future in futures] == list(range(300))
    producer.close()
    assert read_all(sim, "orders") == [f"order {n}".encode() for n in range(300)]


def lossy(sim: Simulator) -> None:
    """One message in twenty breaks its connection; idempotence keeps the log free of repeats."""
    sim.admin().create_topics([NewTopic("orders")])
    sim.network.set_link("unlucky", "broker-1", Link(loss=0.05))
    sim.network.set_link("broker-1", "unlucky", Link(loss=0.05))
    producer = sim.producer(client_id="unlucky", linger_ms=1)
    for n in range(300):
        producer.send("orders", f"order {n}".encode())
        sim.run(2)
    producer.flush()
    assert read_all(sim, "orders") == [f"order {n}".encode() for n in range(300)]


def retention(sim: Simulator) -> None:
    """Old segments are deleted under a slow reader, who finds the log's start moved."""
    configs = {"internal.segment.bytes": "16384", "retention.bytes": "65536"}
    sim.admin().create_topics([NewTopic("clicks", configs=configs)])
    consumer = sim.consumer(auto_offset_reset="earliest", max_poll_records=10)
    consumer.assign([("clicks", 0)])
    with sim.producer(linger_ms=5) as producer:
        for n in range(3_000):
            producer.send("clicks", f"click {n} ".encode() * 10)
            if n % 100 == 0:
                sim.run(30_000)
                consumer.poll(timeout_ms=100)
        producer.flush()


def read_all(stage: Stage, topic: str, partition: int = 0) -> list[bytes | None]:
    """Every value of a partition, from its start to its end as of now."""
    values: list[bytes | None] = []
    with stage.consumer() as consumer:
        source = TopicPartition(topic, partition)
        consumer.assign([source])
        consumer.seek_to_beginning()
        end = consumer.end_offsets([source])[source]
        while consumer.position(source) < end:
            values.extend(record.value for record in consumer.poll(timeout_ms=1_000))
    return values


ANYWHERE: dict[str, Callable[[Stage], None]] = {
    "one-record": one_record,
    "batches": batches,
    "segments": segments,
}
"""Scenarios for any world."""

SCENARIOS: dict[str, Callable[[Simulator], None]] = {
    **ANYWHERE,
    "linger": linger,
    "crash": crash,
    "lossy": lossy,
    "retention": retention,
}


def describe(name: str) -> str:
    """The first sentence of a scenario's text."""
    return (SCENARIOS[name].__doc__ or "").strip().splitlines()[0]


def run(name: str, seed: int, *, bytes_on_wire: bool = False, trace: bool = True) -> Simulator:
    """Play a scenario in a fresh world with one broker. Raises KeyError for an unknown name."""
    scenario = SCENARIOS[name]
    sim = Simulator(seed, bytes_on_wire=bytes_on_wire, trace=trace)
    sim.broker()
    scenario(sim)
    return sim
