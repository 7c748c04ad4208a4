"""Five clients behind one small interface, none of them changed in any way.

Each says what it is able to send (`records`): kcat reads keys and values from lines and
has one set of headers per run and no timestamps, kafka-python knows no header without a
value, and so on. Whatever one has sent, all have to read the same.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from typing import NamedTuple

import pytest

TIMEOUT_S = 30


class Sent(NamedTuple):
    """One record as a client sees it. A timestamp of None is the client's clock."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    timestamp_ms: int | None


NOON = 1_700_000_000_000
TEXT = b"the same words again and again, so that every codec finds something to do; " * 40

RECORDS = (
    Sent(b"table-1", b"two teas", (), NOON),
    Sent(None, b"no key", (("trace", b"1"), ("trace", b"2")), NOON + 1_000),
    Sent(b"table-1", None, (), NOON + 2_000),
    Sent(b"", b"", (("empty", b""),), NOON + 500),
    Sent("schlüssel".encode(), "wert – ✓".encode(), (("größe", "ü".encode()),), NOON + 3_000),
    Sent(b"long", TEXT, (), NOON + 4_000),
    *(Sent(b"%d" % n, TEXT[: 13 * n], (), NOON + 5_000 + 10 * n) for n in range(100)),
    Sent(b"h", b"a header without a value", (("null", None),), NOON + 9_000),
)
LINE_HEADERS = (("run", b"7"), ("run", b"8"))
LINES = tuple(
    Sent(b"%d" % n if n % 7 else None, TEXT[: 13 * n] or None, LINE_HEADERS, None)
    for n in range(100)
)


class Client:
    """What every client can do here, against the broker at `address`."""

    name: str
    records = RECORDS

    def __init__(self, address: str) -> None:
        self.address = address

    @staticmethod
    def is_here() -> bool:
        """Whether this machine has the client; Python packages come with the test extra."""
        return True

    def create_topic(self, topic: str) -> None:
        """Make a topic of one partition."""
        raise NotImplementedError

    def produce(self, topic: str, codec: str) -> None:
        """Send `records` to partition 0 and wait until all are acknowledged."""
        raise NotImplementedError

    def consume(self, topic: str, count: int) -> list[Sent]:
        """The first `count` records of partition 0."""
        raise NotImplementedError

    def offset_for_time(self, topic: str, timestamp_ms: int) -> int | None:
        """Offset of the first record of partition 0 with this timestamp or a later one."""
        raise NotImplementedError


class Kcat(Client):
    """kcat, a command around librdkafka. It makes topics by asking for their metadata."""

    name = "kcat"
    records = LINES

    @staticmethod
    def is_here() -> bool:
        return shutil.which("kcat") is not None

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run kcat against the broker; gives what it wrote."""
        if not self.is_here():
            pytest.skip("kcat is not installed (Debian and Ubuntu: apt-get install kcat)")
        command = ["kcat", "-q", "-b", self.address, *arguments]
        return subprocess.run(
            command, input=stdin, stdout=subprocess.PIPE, check=True, timeout=4 * TIMEOUT_S
        ).stdout

    def create_topic(self, topic: str) -> None:
        self.run("-L", "-t", topic, "-X", "allow.auto.create.topics=true")

    def produce(self, topic: str, codec: str) -> None:
        lines = b"".join(b"%s\t%s\n" % (r.key or b"", r.value or b"") for r in self.records)
        compression = [] if codec == "none" else ["-z", codec]
        headers = [f"-H{name}={value.decode()}" for name, value in LINE_HEADERS]
        self.run("-P", "-t", topic, "-p0", "-Z", "-K\t", *headers, *compression, stdin=lines)

    def consume(self, topic: str, count: int) -> list[Sent]:
        output = self.run("-C", "-t", topic, "-p0", "-o0", "-J", f"-c{count}")
        return [self._record(json.loads(line)) for line in output.splitlines()]

    @staticmethod
    def _record(row: dict) -> Sent:
        def data(text: str | None) -> bytes | None:
            return None if text is None else text.encode()

        flat = iter(row.get("headers", []))
        headers = tuple((name, data(value)) for name, value in zip(flat, flat, strict=True))
        return Sent(data(row["key"]), data(row["payload"]), headers, row["ts"])

    def offset_for_time(self, topic: str, timestamp_ms: int) -> int | None:
        # One line: "TOPIC [0] offset 17"
        offset = int(self.run("-Q", "-t", f"{topic}:0:{timestamp_ms}").split()[-1])
        return offset if offset >= 0 else None


class Confluent(Client):
    """confluent-kafka: librdkafka as a library, here with the idempotent producer."""

    name = "confluent-kafka"

    def create_topic(self, topic: str) -> None:
        from confluent_kafka.admin import AdminClient, NewTopic

        admin = AdminClient({"bootstrap.servers": self.address})
        admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(TIMEOUT_S)

    def produce(self, topic: str, codec: str) -> None:
        from confluent_kafka import Producer

        errors = []
        producer = Producer(
            {
                "bootstrap.servers": self.address,
                "compression.type": codec,
                "enable.idempotence": True,
                "linger.ms": 50,
                "batch.num.messages": 50,
            }
        )
        for record in self.records:
            producer.produce(
                topic,
                record.value,
                record.key,
                partition=0,
                headers=list(record.headers),
                timestamp=record.timestamp_ms,
                on_delivery=lambda error, _: errors.append(error) if error else None,
            )
        assert producer.flush(TIMEOUT_S) == 0
        assert not errors

    def _consumer(self):  # type: ignore[no-untyped-def]
        from confluent_kafka import Consumer

        # A group name is demanded even from those who assign partitions themselves.
        return Consumer(
            {
                "bootstrap.servers": self.address,
                "group.id": "nobody",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 20,
            }
        )

    def consume(self, topic: str, count: int) -> list[Sent]:
        from confluent_kafka import TopicPartition

        consumer = self._consumer()
        consumer.assign([TopicPartition(topic, 0, 0)])
        records = []
        for message in consumer.consume(count, TIMEOUT_S):
            assert message.error() is None
            headers = tuple(message.headers() or ())
            records.append(Sent(message.key(), message.value(), headers, message.timestamp()[1]))
        consumer.close()
        return records

    def offset_for_time(self, topic: str, timestamp_ms: int) -> int | None:
        from confluent_kafka import TopicPartition

        consumer = self._consumer()
        (found,) = consumer.offsets_for_times(
            [TopicPartition(topic, 0, timestamp_ms)], timeout=TIMEOUT_S
        )
        consumer.close()
        return found.offset if found.offset >= 0 else None


class KafkaPython(Client):
    """kafka-python, a client in pure Python."""

    name = "kafka-python"
    records = RECORDS[:-1]  # it refuses a header without a value

    def create_topic(self, topic: str) -> None:
        from kafka.admin import KafkaAdminClient, NewTopic

        admin = KafkaAdminClient(bootstrap_servers=self.address)
        admin.create_topics([NewTopic(topic, 1, 1)])
        admin.close()

    def produce(self, topic: str, codec: str) -> None:
        from kafka import KafkaProducer

        producer = KafkaProducer(
            bootstrap_servers=self.address,
            compression_type=None if codec == "none" else codec,
            linger_ms=50,
        )
        futures = [
            producer.send(
                topic,
                record.value,
                record.key,
                headers=list(record.headers),
                partition=0,
                timestamp_ms=record.timestamp_ms,
            )
            for record in self.records
        ]
        for future in futures:
            future.get(TIMEOUT_S)
        producer.close()

    def _consumer(self):  # type: ignore[no-untyped-def]
        from kafka import KafkaConsumer

        return KafkaConsumer(bootstrap_servers=self.address, fetch_max_wait_ms=20)

    def consume(self, topic: str, count: int) -> list[Sent]:
        from kafka import TopicPartition

        consumer = self._consumer()
        consumer.assign([TopicPartition(topic, 0)])
        consumer.seek(TopicPartition(topic, 0), 0)
        records: list[Sent] = []
        while len(records) < count:
            polled = consumer.poll(timeout_ms=1000 * TIMEOUT_S)
            assert polled, f"nothing came after {len(records)} records"
            for message in polled[TopicPartition(topic, 0)]:
                headers = tuple((name, value) for name, value in message.headers)
                records.append(Sent(message.key, message.value, headers, message.timestamp))
        consumer.close()
        return records

    def offset_for_time(self, topic: str, timestamp_ms: int) -> int | None:
        from kafka import TopicPartition

        consumer = self._consumer()
        partition = TopicPartition(topic, 0)
        found = consumer.offsets_for_times({partition: timestamp_ms})[partition]
        consumer.close()
        return found.offset if found else None


class Aiokafka(Client):
    """aiokafka, a client on asyncio."""

    name = "aiokafka"

    def create_topic(self, topic: str) -> None:
        from aiokafka.admin import AIOKafkaAdminClient, NewTopic

        async def create() -> None:
            admin = AIOKafkaAdminClient(bootstrap_servers=self.address)
            await admin.start()
            await admin.create_topics([NewTopic(topic, 1, 1)])
            await admin.close()

        asyncio.run(create())

    def produce(self, topic: str, codec: str) -> None:
        from aiokafka import AIOKafkaProducer

        async def produce() -> None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self.address,
                compression_type=None if codec == "none" else codec,
                linger_ms=50,
            )
            await producer.start()
            sent = [
                await producer.send(
                    topic,
                    record.value,
                    record.key,
                    partition=0,
                    timestamp_ms=record.timestamp_ms,
                    headers=list(record.headers),
                )
                for record in self.records
            ]
            await asyncio.wait_for(asyncio.gather(*sent), TIMEOUT_S)
            await producer.stop()

        asyncio.run(produce())

    def consume(self, topic: str, count: int) -> list[Sent]:
        from aiokafka import AIOKafkaConsumer, TopicPartition

        async def consume() -> list[Sent]:
            consumer = AIOKafkaConsumer(bootstrap_servers=self.address, fetch_max_wait_ms=20)
            await consumer.start()
            consumer.assign([TopicPartition(topic, 0)])
            consumer.seek(TopicPartition(topic, 0), 0)
            records = []
            for _ in range(count):
                message = await asyncio.wait_for(consumer.getone(), TIMEOUT_S)
                headers = tuple(message.headers)
                records.append(Sent(message.key, message.value, headers, message.timestamp))
            await consumer.stop()
            return records

        return asyncio.run(consume())

    def offset_for_time(self, topic: str, timestamp_ms: int) -> int | None:
        from aiokafka import AIOKafkaConsumer, TopicPartition

        async def look_up() -> int | None:
            consumer = AIOKafkaConsumer(bootstrap_servers=self.address)
            await consumer.start()
            partition = TopicPartition(topic, 0)
            found = (await consumer.offsets_for_times({partition: timestamp_ms}))[partition]
            await consumer.stop()
            return found.offset if found else None

        return asyncio.run(look_up())


class Ours(Client):
    """minikafka's own clients."""

    name = "minikafka"

    def create_topic(self, topic: str) -> None:
        import minikafka as mk

        with mk.Admin(self.address) as admin:
            admin.create_topics([mk.NewTopic(topic)])

    def produce(self, topic: str, codec: str) -> None:
        import minikafka as mk

        with mk.Producer(self.address, compression_type=codec, linger_ms=50) as producer:
            futures = [
                producer.send(
                    topic,
                    record.value,
                    key=record.key,
                    headers=record.headers,
                    timestamp_ms=record.timestamp_ms,
                    partition=0,
                )
                for record in self.records
            ]
            for future in futures:
                future.result(1000 * TIMEOUT_S)

    def consume(self, topic: str, count: int) -> list[Sent]:
        import minikafka as mk

        with mk.Consumer(self.address, fetch_max_wait_ms=20) as consumer:
            consumer.assign([(topic, 0)])
            consumer.seek((topic, 0), 0)
            records: list[Sent] = []
            while len(records) < count:
                polled = consumer.poll(timeout_ms=1000 * TIMEOUT_S)
                assert polled, f"nothing came after {len(records)} records"
                records += [Sent(r.key, r.value, tuple(r.headers), r.timestamp_ms) for r in polled]
        return records

    def offset_for_time(self, topic: str, timestamp_ms: int) -> int | None:
        import minikafka as mk

        with mk.Consumer(self.address) as consumer:
            found = consumer.offsets_for_times({(topic, 0): timestamp_ms})[(topic, 0)]
        return found.offset if found else None


CLIENTS: list[type[Client]] = [Kcat, Confluent, KafkaPython, Aiokafka, Ours]
