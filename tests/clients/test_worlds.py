"""The public clients, the same lines in every world: simulated, simulated through bytes, real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from minikafka.admin import Admin, ConfigSource, NewTopic
from minikafka.client import TopicPartition
from minikafka.consumer.consumer import Consumer
from minikafka.node import WorldStopped
from minikafka.producer.producer import DeliveryFuture, Producer
from minikafka.runtime.hardware import Link
from minikafka.runtime.serve import local_broker
from minikafka.runtime.simulator import Simulator
from minikafka.wire.errors import ErrorCode, KafkaError

TWO = [("t", 0), ("t", 1)]


class World:
    """Makes clients of one broker, and closes them."""

    def __init__(self, address: str, world: Any) -> None:
        self.address = address
        self.world = world
        self._made: list[Any] = []

    def make(self, kind: Callable[..., Any], **configs: object) -> Any:
        client = kind(self.address, world=self.world, **configs)
        self._made.append(client)
        return client

    def producer(self, **configs: object) -> Producer:
        return self.make(Producer, **configs)

    def consumer(self, **configs: object) -> Consumer:
        return self.make(Consumer, **{"auto_offset_reset": "earliest", **configs})

    def admin(self, **configs: object) -> Admin:
        return self.make(Admin, **configs)

    def close(self) -> None:
        for client in self._made:
            client.close()


@pytest.fixture(params=["simulator", "simulator through bytes", "sockets"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "sockets":
        with local_broker() as broker:
            assert broker.address is not None
            yield from _used(World(broker.address, None))
    else:
        sim = Simulator(seed=7, bytes_on_wire=request.param != "simulator")
        yield from _used(World(sim.broker().address or "", sim))


def _used(world: World) -> Iterator[World]:
    world.admin().create_topics([NewTopic("t", partitions=2)])
    yield world
    world.close()


def read_all(consumer: Consumer, count: int) -> list[Any]:
    records: list[Any] = []
    for _ in range(50):
        records += consumer.poll(timeout_ms=200)
        if len(records) >= count:
            break
    return records


def test_what_is_sent_is_read(world: World) -> None:
    producer = world.producer(linger_ms=1)
    headers = [("h", b"1"), ("h", None)]
    sent = producer.send("t", b"hello", key=b"k", headers=headers, timestamp_ms=5, partition=1)
    assert sent.result(5_000) == ("t", 1, 0, 5)
    assert sent.done()
    consumer = world.consumer()
    consumer.assign(TWO)
    (record,) = read_all(consumer, 1)
    assert record == ("t", 1, 0, 5, 0, b"k", b"hello", tuple(headers))
    assert consumer.position(("t", 1)) == 1
    assert consumer.position(("t", 0)) == 0


def test_a_thousand_keep_their_order(world: World) -> None:
    producer = world.producer(batch_size=2_000)
    futures = [producer.send("t", b"%d" % i, partition=0) for i in range(1_000)]
    producer.flush(10_000)
    assert [future.result().offset for future in futures] == list(range(1_000))
    consumer = world.consumer(max_poll_records=77)
    consumer.assign([("t", 0)])
    records = read_all(consumer, 1_000)
    assert [record.value for record in records] == [b"%d" % i for i in range(1_000)]


def test_equal_keys_share_a_partition(world: World) -> None:
    producer = world.producer()
    futures = [producer.send("t", b"v", key=b"key-%d" % (i % 10)) for i in range(100)]
    producer.flush(10_000)
    partitions = [future.result().partition for future in futures]
    assert partitions == partitions[:10] * 10
    assert set(partitions) == {0, 1}


def test_offsets_by_time_and_at_both_ends(world: World) -> None:
    producer = world.producer()
    for ms in (10, 20, 30):
        producer.send("t", b"v", timestamp_ms=ms, partition=0)
    producer.flush(5_000)
    consumer = world.consumer()
    assert consumer.beginning_offsets(TWO) == {("t", 0): 0, ("t", 1): 0}
    assert consumer.end_offsets(TWO) == {("t", 0): 3, ("t", 1): 0}
    found = consumer.offsets_for_times({("t", 0): 15, ("t", 1): 15})
    at = found[TopicPartition("t", 0)]
    assert at is not None
    assert (at.offset, at.timestamp_ms) == (1, 20)
    assert found[TopicPartition("t", 1)] is None


def test_seeking_back_and_forth(world: World) -> None:
    producer = world.producer()
    for i in range(5):
        producer.send("t", b"%d" % i, partition=0)
    producer.flush(5_000)
    consumer = world.consumer()
    consumer.assign([("t", 0)])
    consumer.seek(("t", 0), 3)
    assert [record.offset for record in read_all(consumer, 2)] == [3, 4]
    consumer.seek_to_beginning()
    assert [record.offset for record in read_all(consumer, 5)] == [0, 1, 2, 3, 4]
    consumer.seek_to_end(("t", 0))
    assert consumer.position(("t", 0)) == 5
    consumer.seek(("t", 0), 1_000)  # not there: auto.offset.reset is earliest
    assert [record.offset for record in read_all(consumer, 5)] == [0, 1, 2, 3, 4]


def test_iterating(world: World) -> None:
    producer = world.producer()
    for i in range(3):
        producer.send("t", b"%d" % i, partition=0)
    consumer = world.consumer()
    consumer.assign([("t", 0)])
    seen = []
    for record in consumer:
        seen.append(record.value)
        if len(seen) == 3:
            break
    assert seen == [b"0", b"1", b"2"]


def test_a_callback_hears_of_it_and_may_send(world: World) -> None:
    producer = world.producer(linger_ms=0)
    heard: list[DeliveryFuture] = []

    def again(future: DeliveryFuture) -> None:
        heard.append(future)
        if len(heard) < 4:
            producer.send("t", b"again", partition=0).add_callback(again)

    producer.send("t", b"first", partition=0).add_callback(again)
    while len(heard) < 4:
        producer.flush(5_000)
    assert [future.result().offset for future in heard] == [0, 1, 2, 3]
    heard[0].add_callback(heard.append)  # it is done: called at once
    assert len(heard) == 5


def test_a_callback_that_waits_is_stopped_and_one_that_fails_harms_nobody(world: World) -> None:
    producer = world.producer(linger_ms=0)
    problems: list[Exception] = []

    def wait(future: DeliveryFuture) -> None:
        try:
            producer.flush()
        except RuntimeError as error:
            problems.append(error)
        raise ValueError("the caller's mistake")

    producer.send("t", b"v", partition=0).add_callback(wait)
    producer.flush(5_000)
    assert "must not block" in str(problems[0])
    assert producer.send("t", b"v", partition=0).result(5_000).offset == 1


def test_send_waits_for_memory_and_goes_on(world: World) -> None:
    producer = world.producer(buffer_memory=20_000, batch_size=1_000, linger_ms=50)
    producer.send("t", b"v", partition=0)
    statistics = producer.statistics()
    assert (statistics.reserved_bytes, statistics.memory_bytes) == (1_000, 20_000)
    assert (statistics.queues[0].partition, statistics.queues[0].open_records) == (0, 1)
    futures = [producer.send("t", b"x" * 500, partition=i % 2) for i in range(200)]
    producer.flush(10_000)
    assert all(future.error() is None for future in futures)


def test_a_topic_that_is_not_there(world: World) -> None:
    admin = world.admin()
    with pytest.raises(KafkaError, match="UNKNOWN_TOPIC_OR_PARTITION: topic nowhere"):
        admin.describe_topics(["nowhere"])
    producer = world.producer(max_block_ms=300)
    with pytest.raises(KafkaError, match="topic t has 2 partitions, no 9"):
        producer.send("t", b"v", partition=9)
    with pytest.raises(KafkaError, match="INVALID_TOPIC_EXCEPTION"):
        producer.send("no such topic", b"v")


def test_topics_come_and_go(world: World) -> None:
    admin = world.admin()
    made = admin.create_topics([NewTopic("new", 3, configs={"retention.ms": "1000"})])["new"]
    assert (made.partitions, made.configs["retention.ms"]) == (3, "1000")
    with pytest.raises(KafkaError, match="TOPIC_ALREADY_EXISTS"):
        admin.create_topics([NewTopic("new")])
    assert set(admin.list_topics()) == {"t", "new"}
    described = admin.describe_topics(["new"])["new"]
    assert described.topic_id == made.topic_id
    assert [partition.leader for partition in described.partitions] == [1, 1, 1]
    entry = admin.describe_configs([("topic", "new")])["topic", "new"]["retention.ms"]
    assert (entry.value, entry.source) == ("1000", ConfigSource.DYNAMIC_TOPIC_CONFIG)
    assert "log.dirs" in admin.describe_configs([("broker", "1")])["broker", "1"]
    admin.delete_topics(["new"])
    assert set(admin.list_topics()) == {"t"}
    with pytest.raises(KafkaError, match="UNKNOWN_TOPIC_OR_PARTITION"):
        admin.delete_topics(["new"])


def test_closed_is_closed(world: World) -> None:
    producer = world.producer(linger_ms=1_000)
    future = producer.send("t", b"v", partition=0)
    producer.close()
    producer.close()
    assert future.result().offset == 0
    with pytest.raises(WorldStopped):
        producer.send("t", b"v")
    consumer = world.consumer()
    consumer.close()
    with pytest.raises(WorldStopped):
        consumer.assign(TWO)


def test_a_poll_without_partitions_is_a_mistake(world: World) -> None:
    with pytest.raises(ValueError, match="nothing is assigned"):
        world.consumer().poll()


def test_close_does_not_wait_for_ever() -> None:
    sim = Simulator(seed=1)
    broker = sim.broker()
    sim.admin().create_topics([NewTopic("t")])
    producer = sim.producer()
    producer.send("t", b"v").result()
    broker.crash()
    future = producer.send("t", b"v")
    producer.close(timeout_ms=500)
    error = future.error()
    assert error is not None
    assert error.code is ErrorCode.REQUEST_TIMED_OUT


@pytest.mark.parametrize("seed", range(6))
def test_connections_break_and_every_record_is_there_once_and_in_order(seed: int) -> None:
    # What idempotence is for: the answer is lost as often as the request.
    sim = Simulator(seed=seed, network=Link(loss=0.05))
    sim.broker()
    sim.admin().create_topics([NewTopic("t")])
    producer = sim.producer(batch_size=500, linger_ms=1)
    for i in range(600):
        producer.send("t", b"%d" % i)
        sim.run(0.2)
    producer.flush()
    consumer = sim.consumer(auto_offset_reset="earliest", max_partition_fetch_bytes=1_000)
    consumer.assign([("t", 0)])
    records: list[Any] = []
    while len(records) < 600:
        records += consumer.poll(1_000)
    assert [record.value for record in records] == [b"%d" % i for i in range(600)]
    assert consumer.poll(2_000) == []
    assert sim.trace is not None
    assert sim.trace.of("batch_retried")


def test_a_broker_crashes_and_comes_back() -> None:
    sim = Simulator(seed=3)
    broker = sim.broker()
    sim.admin().create_topics([NewTopic("t", configs={"flush.messages": "1"})])
    producer = sim.producer(linger_ms=1)
    consumer = sim.consumer(auto_offset_reset="earliest")
    consumer.assign([("t", 0)])
    records: list[Any] = []
    for i in range(300):
        producer.send("t", b"%d" % i)
        records += consumer.poll(1)
        if i == 100:
            broker.crash()
        if i == 150:
            broker.restart()
    producer.flush()
    while len(records) < 300:
        records += consumer.poll(1_000)
    assert [record.value for record in records] == [b"%d" % i for i in range(300)]
