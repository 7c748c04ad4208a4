"""Four client libraries, each driven as its own documentation says: one topic, there and back.

    apart(measure, "minikafka", ADDRESS, TOPIC, 100, 50_000, "none")
        {"produce": 171_000.0, "consume": 420_000.0}            records a second

      produce    first send ────────────► last acknowledgement      (after one record, apart)
      consume    assign ────────────────► last record in the program's hands

All get the same settings by Kafka's names (SENDING); what is not named there is each library's
own choice. A program touches every value that it reads, so a record that is decoded only when
it is looked at is decoded too. Everything must arrive: what is lost is an error, not a speed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import chain, cycle, islice
from typing import Any

from minikafka.viz.microscope import Arrivals

PARTITION = 0
TIMEOUT_S = 120
POLL_RECORDS = 500
SENDING = {
    "acks": "all",
    "enable.idempotence": True,
    "batch.size": 16_384,
    "linger.ms": 5,
    "max.in.flight.requests.per.connection": 5,
}
SEED = 7

clock = time.perf_counter


def values(length: int, count: int) -> Iterable[bytes]:
    """Lines of JSON of this length, over and over: compression finds something, not all."""
    return islice(cycle(Arrivals(record_bytes=length).values(SEED)), count)


def snake(configs: dict[str, Any]) -> dict[str, Any]:
    return {key.replace(".", "_"): value for key, value in configs.items()}


# ---- the libraries -------------------------------------------------------------------------------
class Minikafka:
    """Ours: futures, and `poll` gives a list."""

    def produce(self, address: str, topic: str, records: Iterable[bytes], codec: str) -> float:
        from minikafka import Producer

        with Producer(address, compression_type=codec, **snake(SENDING)) as producer:
            producer.send(topic, b"first", partition=PARTITION).result()
            send, started = producer.send, clock()
            for value in records:
                send(topic, value, partition=PARTITION)
            producer.flush()
            return clock() - started

    def consume(self, address: str, topic: str, count: int) -> float:
        from minikafka import Consumer

        with Consumer(address, auto_offset_reset="earliest") as consumer:
            consumer.end_offsets([(topic, PARTITION)])
            started = clock()
            consumer.assign([(topic, PARTITION)])
            receive(count, lambda: [record.value for record in consumer.poll(1_000)])
            return clock() - started


class KafkaPython:
    """kafka-python: a thread of its own sends, the program's thread reads."""

    def produce(self, address: str, topic: str, records: Iterable[bytes], codec: str) -> float:
        from kafka import KafkaProducer

        configs = snake(SENDING) | {"compression_type": None if codec == "none" else codec}
        producer = KafkaProducer(bootstrap_servers=address, **configs)
        producer.send(topic, b"first", partition=PARTITION).get(TIMEOUT_S)
        send, started = producer.send, clock()
        for value in records:
            send(topic, value, partition=PARTITION)
        producer.flush(TIMEOUT_S)
        taken = clock() - started
        producer.close()
        return taken

    def consume(self, address: str, topic: str, count: int) -> float:
        from kafka import KafkaConsumer, TopicPartition

        place = TopicPartition(topic, PARTITION)
        consumer = KafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest")
        consumer.end_offsets([place])
        started = clock()
        consumer.assign([place])

        def some() -> list[bytes]:
            found = consumer.poll(timeout_ms=1_000, max_records=POLL_RECORDS)
            return [record.value for record in chain.from_iterable(found.values())]

        receive(count, some)
        taken = clock() - started
        consumer.close()
        return taken


class AioKafka:
    """aiokafka: one thread, asyncio; `send` is awaited until the record has its place."""

    def produce(self, address: str, topic: str, records: Iterable[bytes], codec: str) -> float:
        import asyncio

        from aiokafka import AIOKafkaProducer

        configs = {
            "acks": SENDING["acks"],
            "enable_idempotence": SENDING["enable.idempotence"],
            "max_batch_size": SENDING["batch.size"],
            "linger_ms": SENDING["linger.ms"],
            "compression_type": None if codec == "none" else codec,
        }

        async def run() -> float:
            producer = AIOKafkaProducer(bootstrap_servers=address, **configs)
            await producer.start()
            await producer.send_and_wait(topic, b"first", partition=PARTITION)
            send, started = producer.send, clock()
            for value in records:
                await send(topic, value, partition=PARTITION)
            await producer.flush()
            taken = clock() - started
            await producer.stop()
            return taken

        return asyncio.run(run())

    def consume(self, address: str, topic: str, count: int) -> float:
        import asyncio

        from aiokafka import AIOKafkaConsumer, TopicPartition

        place = TopicPartition(topic, PARTITION)

        async def run() -> float:
            consumer = AIOKafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest")
            await consumer.start()
            await consumer.end_offsets([place])
            left, started = count, clock()
            consumer.assign([place])
            while left > 0:
                found = await consumer.getmany(timeout_ms=1_000, max_records=POLL_RECORDS)
                left -= len([record.value for record in chain.from_iterable(found.values())])
                if clock() - started > TIMEOUT_S:
                    raise RuntimeError(f"{left} of {count} records did not come")
            taken = clock() - started
            await consumer.stop()
            return taken

        return asyncio.run(run())


class Confluent:
    """confluent-kafka: the ceiling, for librdkafka batches, sends and parses in C."""

    def produce(self, address: str, topic: str, records: Iterable[bytes], codec: str) -> float:
        from confluent_kafka import Producer

        producer = Producer(
            {"bootstrap.servers": address, "log_level": 0, "compression.type": codec, **SENDING}
        )
        producer.produce(topic, b"first", partition=PARTITION)
        producer.flush(TIMEOUT_S)
        produce, started = producer.produce, clock()
        for value in records:
            while True:
                try:
                    produce(topic, value, partition=PARTITION)
                    break
                except BufferError:  # its queue is full
                    producer.poll(0.01)
        producer.flush(TIMEOUT_S)
        return clock() - started

    def consume(self, address: str, topic: str, count: int) -> float:
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer({"bootstrap.servers": address, "group.id": "bench", "log_level": 0})
        consumer.get_watermark_offsets(TopicPartition(topic, PARTITION))
        started = clock()
        consumer.assign([TopicPartition(topic, PARTITION, 0)])
        receive(count, lambda: [m.value() for m in consumer.consume(POLL_RECORDS, 1.0)])
        taken = clock() - started
        consumer.close()
        return taken


LIBRARIES = {
    "minikafka": Minikafka,
    "kafka-python": KafkaPython,
    "aiokafka": AioKafka,
    "confluent-kafka": Confluent,
}


def receive(count: int, poll: Callable[[], list[Any]]) -> None:
    """Poll until `count` records have come."""
    left, deadline = count, clock() + TIMEOUT_S
    while left > 0:
        left -= len(poll())
        if clock() > deadline:
            raise RuntimeError(f"{left} of {count} records did not come within {TIMEOUT_S} s")


def measure(
    library: str, address: str, topic: str, length: int, count: int, codec: str
) -> dict[str, float]:
    """Records a second, there and back; the topic exists and is empty."""
    driver = LIBRARIES[library]()
    produced = count / driver.produce(address, topic, values(length, count), codec)
    return {"produce": produced, "consume": count / driver.consume(address, topic, count)}
