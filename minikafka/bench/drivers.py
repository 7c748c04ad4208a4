"""Four client libraries, each driven as its own documentation says: one topic, there and back.

    apart(measure, "minikafka", ADDRESS, TOPIC, 100, 50_000, "none")
        {"produce": 171_000.0, "consume": 420_000.0}            records a second

      produce    first send ────────────► last acknowledgement      (after one record, apart)
      consume    assign ────────────────► last record in the program's hands

All get the same settings by Kafka's names (SENDING, READING); what is not named there is each
library's own choice. A test reads the logs that they leave: four producers that are numbered,
batches of at most batch.size, the codec that was asked for. A program touches every value that
it reads, so a record that is decoded only when it is looked at is decoded too. Everything must
arrive: what is lost is an error, not a speed.

What they cannot be made to do alike:

- aiokafka has one request of a partition under way, whatever the others have, and compresses
  with lz4's thorough compressor; neither is a setting.
- confluent-kafka takes and gives records in lists, which is faster than one by one. The others
  have no such call for records that the library is to gather: aiokafka's `send_batch` takes a
  batch that the program has made, and then the producer's work is not measured.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import chain, cycle, islice
from typing import Any, Protocol

from minikafka.viz.microscope import Arrivals

PARTITION = 0
TIMEOUT_S = 120
TOGETHER = 500
"""Records that a program takes at once: max.poll.records as Kafka has it."""
SENDING = {
    "acks": "all",
    "enable.idempotence": True,
    "batch.size": 16_384,
    "linger.ms": 5,
    "max.in.flight.requests.per.connection": 5,
}
READING = {"auto.offset.reset": "earliest", "check.crcs": True}
FIRST = b"first"
"""The record that goes before the clock starts: it brings leaders, connections and numbers."""
SEED = 7
NEEDS = {
    "kafka-python": "kafka",
    "lz4": "lz4",  # kafka-python's codec
    "aiokafka": "aiokafka",
    "confluent-kafka": "confluent_kafka",
}
"""What to install, and the module that shows that it is there."""

clock = time.perf_counter


def values(length: int, count: int) -> Iterator[bytes]:
    """Lines of JSON of this length, over and over: compression finds something, not all."""
    return islice(cycle(Arrivals(record_bytes=length).values(SEED)), count)


def snake(configs: dict[str, Any]) -> dict[str, Any]:
    return {key.replace(".", "_"): value for key, value in configs.items()}


class Inbox:
    """Counts what comes into the program's hands until `left` is 0."""

    def __init__(self, count: int) -> None:
        self.left, self.size_bytes, self.deadline = count, 0, clock() + TIMEOUT_S

    def take(self, values: list[bytes]) -> None:
        self.left -= len(values)
        self.size_bytes += sum(map(len, values))
        if clock() > self.deadline:
            raise RuntimeError(f"{self.left} records did not come within {TIMEOUT_S} s")


# ---- the libraries -------------------------------------------------------------------------------
class Driver(Protocol):
    """A program that uses one library. Both ways give the seconds that it took."""

    def produce(self, address: str, topic: str, records: Iterator[bytes], codec: str) -> float: ...

    def consume(self, address: str, topic: str, inbox: Inbox) -> float: ...


class Minikafka:
    """Ours: futures, and `poll` gives a list."""

    def produce(self, address: str, topic: str, records: Iterator[bytes], codec: str) -> float:
        from minikafka import Producer

        with Producer(address, compression_type=codec, **snake(SENDING)) as producer:
            producer.send(topic, FIRST, partition=PARTITION).result()
            send, started = producer.send, clock()
            for value in records:
                send(topic, value, partition=PARTITION)
            producer.flush()
            return clock() - started

    def consume(self, address: str, topic: str, inbox: Inbox) -> float:
        from minikafka import Consumer

        configs = snake(READING) | {"max_poll_records": TOGETHER}
        with Consumer(address, **configs) as consumer:
            consumer.end_offsets([(topic, PARTITION)])
            started = clock()
            consumer.assign([(topic, PARTITION)])
            while inbox.left > 0:
                inbox.take([record.value or b"" for record in consumer.poll(1_000)])
            return clock() - started


class KafkaPython:
    """kafka-python: a thread of its own talks to the broker, for reading as for writing."""

    def produce(self, address: str, topic: str, records: Iterator[bytes], codec: str) -> float:
        from kafka import KafkaProducer

        configs = snake(SENDING) | {"compression_type": None if codec == "none" else codec}
        producer = KafkaProducer(bootstrap_servers=address, **configs)
        producer.send(topic, FIRST, partition=PARTITION).get(TIMEOUT_S)
        send, started = producer.send, clock()
        for value in records:
            send(topic, value, partition=PARTITION)
        producer.flush(TIMEOUT_S)
        taken = clock() - started
        producer.close()
        return taken

    def consume(self, address: str, topic: str, inbox: Inbox) -> float:
        from kafka import KafkaConsumer, TopicPartition

        place = TopicPartition(topic, PARTITION)
        configs = snake(READING) | {"max_poll_records": TOGETHER}
        consumer = KafkaConsumer(bootstrap_servers=address, **configs)
        consumer.end_offsets([place])
        started = clock()
        consumer.assign([place])
        while inbox.left > 0:
            inbox.take(values_of(consumer.poll(timeout_ms=1_000)))
        taken = clock() - started
        consumer.close()
        return taken


class AioKafka:
    """aiokafka: one thread, asyncio; `send` is awaited until the record has its place."""

    def produce(self, address: str, topic: str, records: Iterator[bytes], codec: str) -> float:
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
            await producer.send_and_wait(topic, FIRST, partition=PARTITION)
            send, started = producer.send, clock()
            for value in records:
                await send(topic, value, partition=PARTITION)
            await producer.flush()
            taken = clock() - started
            await producer.stop()
            return taken

        return asyncio.run(run())

    def consume(self, address: str, topic: str, inbox: Inbox) -> float:
        import asyncio

        from aiokafka import AIOKafkaConsumer, TopicPartition

        place = TopicPartition(topic, PARTITION)
        configs = snake(READING) | {"max_poll_records": TOGETHER}

        async def run() -> float:
            consumer = AIOKafkaConsumer(bootstrap_servers=address, **configs)
            await consumer.start()
            await consumer.end_offsets([place])
            started = clock()
            consumer.assign([place])
            while inbox.left > 0:
                inbox.take(values_of(await consumer.getmany(timeout_ms=1_000)))
            taken = clock() - started
            await consumer.stop()
            return taken

        return asyncio.run(run())


class Confluent:
    """confluent-kafka: the ceiling, for librdkafka batches, sends and parses in C.

    Its queues are as long as it takes: with their defaults, a program that fills the one waits
    and tries again, and one that is slower than the other is kept waiting for a second.
    """

    def produce(self, address: str, topic: str, records: Iterator[bytes], codec: str) -> float:
        from confluent_kafka import Producer

        configs = SENDING | {"compression.type": codec, "queue.buffering.max.messages": 10_000_000}
        producer = Producer({"bootstrap.servers": address, "log_level": 0, **configs})
        producer.produce(topic, FIRST, partition=PARTITION)
        producer.flush(TIMEOUT_S)
        started = clock()
        while some := [{"value": value} for value in islice(records, TOGETHER)]:
            producer.produce_batch(topic, some, PARTITION)
        producer.flush(TIMEOUT_S)
        return clock() - started

    def consume(self, address: str, topic: str, inbox: Inbox) -> float:
        from confluent_kafka import Consumer, TopicPartition

        no_group = {"group.id": "bench", "enable.auto.commit": False}  # but it wants a name
        configs = READING | no_group | {"fetch.queue.backoff.ms": 1}
        consumer = Consumer({"bootstrap.servers": address, "log_level": 0, **configs})
        consumer.get_watermark_offsets(TopicPartition(topic, PARTITION))
        started = clock()
        consumer.assign([TopicPartition(topic, PARTITION, 0)])
        while inbox.left > 0:  # asked for more than there is, it waits
            found = consumer.consume(min(TOGETHER, inbox.left), 1.0)
            inbox.take([message.value() or b"" for message in found])
        taken = clock() - started
        consumer.close()
        return taken


LIBRARIES: dict[str, Driver] = {
    "minikafka": Minikafka(),
    "kafka-python": KafkaPython(),
    "aiokafka": AioKafka(),
    "confluent-kafka": Confluent(),
}


def values_of(found: dict[Any, Iterable[Any]]) -> list[bytes]:
    """Of records by partition, as two of the libraries give them."""
    return [record.value or b"" for record in chain.from_iterable(found.values())]


# ---- one measurement -----------------------------------------------------------------------------
def measure(
    library: str, address: str, topic: str, length: int, count: int, codec: str
) -> dict[str, float]:
    """Records a second, there and back; the topic exists and is empty.

    Raises RuntimeError unless exactly what was sent is there and comes back.
    """
    driver, inbox = LIBRARIES[library], Inbox(1 + count)
    produced_s = driver.produce(address, topic, values(length, count), codec)
    consumed_s = driver.consume(address, topic, inbox)
    size_bytes, end = len(FIRST) + length * count, end_offset(address, topic)
    if (end, inbox.left, inbox.size_bytes) != (1 + count, 0, size_bytes):
        raise RuntimeError(
            f"{library} sent {1 + count} records with {size_bytes} bytes; there are {end}, "
            f"{-inbox.left} too many came, with {inbox.size_bytes} bytes"
        )
    return {"produce": count / produced_s, "consume": (1 + count) / consumed_s}


def end_offset(address: str, topic: str) -> int:
    """One more than the last record's; without transactions, how many records there are."""
    from minikafka import Consumer

    with Consumer(address) as consumer:
        (end,) = consumer.end_offsets([(topic, PARTITION)]).values()
        return end
