"""The public clients, the same lines in every world: simulated, simulated through bytes, real."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Lock, Thread
from time import monotonic, sleep
from typing import Any

import pytest

from minikafka.admin import Admin, NewTopic
from minikafka.admin.answers import ConfigResource, ConfigSource
from minikafka.bench.servers import ApacheKafka, Unavailable
from minikafka.client.arguments import TopicPartition
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

    def __init__(self, address: str, world: Any, broker: Any) -> None:
        self.address = address
        self.world = world
        self.broker = broker  # the machine, to look at
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

    def let_pass(self, ms: float) -> None:
        if self.world is None:
            sleep(ms / 1_000)
        else:
            self.world.run(ms)

    def close(self) -> None:
        for client in self._made:
            client.close()


@pytest.fixture(scope="session")
def apache_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """The judge, where Java is present: what it does not do need not be asked of us."""
    server = ApacheKafka(tmp_path_factory.mktemp("apache"), auto_create_topics_enable="false")
    try:
        server.start()
    except Unavailable as error:
        pytest.skip(str(error))
    yield server
    server.kill()


OURS = ["simulator", "simulator through bytes", "sockets"]

# What an admin changes, Apache Kafka shows a little later: its own tests are in tests/interop.
only_ours = pytest.mark.parametrize("world", OURS, indirect=True)


@pytest.fixture(params=[*OURS, "Apache Kafka"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "Apache Kafka":
        address = request.getfixturevalue("apache_kafka").address
        yield from _used(World(address, None, None))
        with Admin(address) as admin:  # only now: clients that live would make them again
            admin.delete_topics(admin.list_topics())
    elif request.param == "sockets":
        with local_broker() as broker:
            assert broker.address is not None
            yield from _used(World(broker.address, None, broker.node))
    else:
        sim = Simulator(seed=7, bytes_on_wire=request.param != "simulator")
        host = sim.broker()
        yield from _used(World(host.address or "", sim, host.node))


def _used(world: World) -> Iterator[World]:
    world.admin().create_topics([NewTopic("t", partitions=2)])
    world.consumer().end_offsets(TWO)  # it is led by now
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
    assert record == ("t", 1, 0, 5, 0, b"k", b"hello", tuple(headers), 0)
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
    for count in range(1, 5):
        producer.flush(5_000)
        assert len(heard) >= count  # flush waits for the callbacks of what it flushed
    assert [future.result().offset for future in heard] == [0, 1, 2, 3]
    heard[0].add_callback(heard.append)  # it is done: called soon
    producer.flush(5_000)
    assert len(heard) == 5


def test_without_acks_too_a_callback_may_send(world: World) -> None:
    producer = world.producer(linger_ms=5, acks=0)
    heard: list[DeliveryFuture] = []

    def again(future: DeliveryFuture) -> None:
        heard.append(future)
        if len(heard) < 4:
            producer.send("t", b"again", partition=0).add_callback(again)

    producer.send("t", b"first", partition=0).add_callback(again)
    for _ in range(4):
        producer.flush(5_000)
    assert len(heard) == 4


@pytest.mark.parametrize("name", ["flush", "result", "close", "partitions_for"])
def test_a_callback_must_not_wait(world: World, name: str) -> None:
    producer = world.producer(linger_ms=0)
    problems: list[Exception] = []
    waits = {
        "flush": producer.flush,
        "result": lambda: producer.send("t", b"v", partition=0).result(),
        "close": producer.close,
        "partitions_for": lambda: producer.partitions_for("t"),
    }

    def wait(_: DeliveryFuture) -> None:
        try:
            waits[name]()
        except RuntimeError as error:
            problems.append(error)

    producer.send("t", b"v", partition=0).add_callback(wait)
    producer.flush(5_000)
    assert "must not block" in str(problems[0])


@pytest.mark.parametrize("error", [ValueError("the caller's mistake"), SystemExit(1)])
def test_a_callback_that_fails_harms_nobody(world: World, error: BaseException) -> None:
    producer = world.producer(linger_ms=0)
    heard: list[DeliveryFuture] = []

    def fail(_: DeliveryFuture) -> None:
        raise error

    future = producer.send("t", b"v", partition=0)
    future.add_callback(fail)
    future.add_callback(heard.append)
    producer.flush(5_000)
    assert heard == [future]
    assert producer.send("t", b"v", partition=0).result(5_000).offset == 1


def test_a_callback_may_close_without_waiting(world: World) -> None:
    producer = world.producer(linger_ms=0)
    heard: list[DeliveryFuture] = []

    def close(future: DeliveryFuture) -> None:
        heard.append(future)
        producer.close(timeout_ms=0)

    first = producer.send("t", b"v", partition=0)
    first.add_callback(close)
    first.add_callback(heard.append)
    with suppress(WorldStopped):
        producer.flush(5_000)
    for _ in range(100):
        world.let_pass(20)
        if len(heard) == 2:
            break
    assert heard == [first, first]
    assert first.result().offset == 0


def test_send_waits_for_memory_and_goes_on(world: World) -> None:
    producer = world.producer(buffer_memory=20_000, batch_size=1_000, linger_ms=50)
    producer.send("t", b"v", partition=0)
    statistics = producer.statistics()
    assert (statistics.reserved_bytes, statistics.memory_bytes) == (1_000, 20_000)
    assert (statistics.queues[0].partition, statistics.queues[0].open_records) == (0, 1)
    futures = [producer.send("t", b"x" * 500, partition=i % 2) for i in range(200)]
    producer.flush(10_000)
    assert all(future.error() is None for future in futures)


def test_memory_goes_to_the_threads_in_the_order_in_which_they_came() -> None:
    sizes = [2_500, *[100] * 5, 2_500, *[100] * 5]
    with local_broker() as broker, Admin(broker.address or "") as admin:
        admin.create_topics([NewTopic("t")])
        little = {"buffer_memory": 3_000, "batch_size": 1_000, "linger_ms": 0}
        with Producer(broker.address or "", **little) as producer:
            producer.send("t", b"first").result()
            futures: dict[int, Any] = {}

            def send(number: int) -> None:
                futures[number] = producer.send("t", b"x" * sizes[number])

            threads = [Thread(target=send, args=(number,)) for number in range(len(sizes))]
            with broker.entered():  # nothing is answered
                for _ in range(3):
                    producer.send("t", b"x" * 900)
                for waiting, thread in enumerate(threads, 1):
                    thread.start()
                    while producer.statistics().metrics.waiting_threads < waiting:
                        sleep(0.001)
            for thread in threads:
                thread.join(20)
            offsets = [futures[number].result().offset for number in range(len(sizes))]
            assert producer.statistics().metrics.waiting_threads == 0
        assert offsets == list(range(4, 4 + len(sizes)))


def test_who_waits_for_memory_in_vain_leaves_the_line() -> None:
    with local_broker() as broker, Admin(broker.address or "") as admin:
        admin.create_topics([NewTopic("t")])
        little = {"buffer_memory": 3_000, "batch_size": 1_000, "linger_ms": 0}
        with Producer(broker.address or "", max_block_ms=300, **little) as producer:
            producer.send("t", b"first").result()
            with broker.entered():
                for _ in range(3):
                    producer.send("t", b"x" * 900)
                with pytest.raises(KafkaError, match="is used up"):
                    producer.send("t", b"x" * 2_500)
            assert producer.send("t", b"last").result().offset == 4


def test_a_topic_that_is_not_there(world: World) -> None:
    admin = world.admin()
    with pytest.raises(KafkaError, match="UNKNOWN_TOPIC_OR_PARTITION: topic nowhere"):
        admin.describe_topics(["nowhere"])
    producer = world.producer(max_block_ms=300)
    with pytest.raises(KafkaError, match="topic t has 2 partitions, no 9"):
        producer.send("t", b"v", partition=9)
    with pytest.raises(KafkaError, match="INVALID_TOPIC_EXCEPTION"):
        producer.send("no such topic", b"v")


@only_ours
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


@only_ours
def test_topics_grow_and_begin_later(world: World) -> None:
    admin, producer, consumer = world.admin(), world.producer(), world.consumer()
    admin.create_partitions({"t": 4})
    assert len(admin.describe_topics(["t"])["t"].partitions) == 4
    with pytest.raises(KafkaError, match="would not be an increase"):
        admin.create_partitions({"t": 3})
    for number in range(5):
        producer.send("t", b"%d" % number, partition=3)
    producer.flush()
    assert admin.delete_records({("t", 3): 2}) == {("t", 3): 2}
    assert admin.delete_records({("t", 3): -1, ("t", 0): 0}) == {("t", 3): 5, ("t", 0): 0}
    assert consumer.beginning_offsets([("t", 3)]) == {("t", 3): 5}
    for wrong in ({("t", 3): 99}, {("t", 9): 0}, {("nowhere", 0): 0}):
        with pytest.raises(KafkaError):
            admin.delete_records(wrong)


def test_a_producer_that_knows_the_topic_hears_of_new_partitions(world: World) -> None:
    producer = world.producer(max_block_ms=10_000)
    producer.send("t", b"v", partition=0).result()
    world.admin().create_partitions({"t": 3})
    assert producer.send("t", b"v", partition=2).result().partition == 2


def test_a_send_waits_for_a_partition_that_is_still_to_come() -> None:
    sim = Simulator(seed=1)
    sim.broker()
    admin, producer = sim.admin(), sim.producer(max_block_ms=8_000)
    admin.create_topics([NewTopic("t")])
    producer.send("t", b"v").result()
    sim.call_later(1_500, lambda: admin.create_partitions({"t": 8}))
    before = sim.now
    assert producer.send("t", b"v", partition=7).result().partition == 7
    assert sim.now - before < 4_000_000
    with pytest.raises(KafkaError, match="no 9"):
        producer.send("t", b"v", partition=9)
    assert sim.trace is not None
    asked = len(sim.trace)
    sim.run(60_000)  # and nobody asks for it any more
    assert len(sim.trace) - asked < 20


@only_ours
def test_all_that_is_named_is_tried_and_the_first_error_told(world: World) -> None:
    admin, producer = world.admin(), world.producer()
    producer.send("t", b"v", partition=1).result()
    with pytest.raises(KafkaError, match="nowhere"):
        admin.alter_configs(
            {("topic", "nowhere"): {"retention.ms": 5}, ("topic", "t"): {"retention.ms": 6}}
        )
    configs = admin.describe_configs([("topic", "t")])[ConfigResource("topic", "t")]
    assert configs["retention.ms"].value == "6"
    with pytest.raises(KafkaError, match="UNKNOWN_TOPIC_OR_PARTITION"):
        admin.delete_records({("nowhere", 0): 0, ("t", 7): 0, ("t", 1): 1})
    assert world.consumer().beginning_offsets([("t", 1)]) == {("t", 1): 1}


@only_ours
def test_configs_are_changed(world: World) -> None:
    admin = world.admin()

    def value(kind: str, name: str, config: str) -> tuple[str | None, ConfigSource]:
        entry = admin.describe_configs([(kind, name)])[ConfigResource(kind, name)][config]
        return entry.value, entry.source

    admin.alter_configs({("topic", "t"): {"retention.ms": 5, "preallocate": True}})
    assert value("topic", "t", "retention.ms") == ("5", ConfigSource.DYNAMIC_TOPIC_CONFIG)
    assert value("topic", "t", "preallocate")[0] == "true"
    admin.alter_configs(
        {("topic", "t"): {"retention.ms": None}, ("broker", ""): {"log.retention.ms": 7}}
    )
    assert value("topic", "t", "retention.ms") == (
        "7",
        ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG,
    )
    admin.alter_configs({("broker", "1"): {"log.retention.ms": 8}})
    assert value("broker", "1", "log.retention.ms") == ("8", ConfigSource.DYNAMIC_BROKER_CONFIG)
    admin.alter_configs({("topic", "t"): {"retention.ms": 9}}, validate_only=True)
    assert value("topic", "t", "retention.ms")[0] == "8"
    with pytest.raises(KafkaError, match=r"segment\.bytes"):
        admin.alter_configs({("topic", "t"): {"retention.ms": 9, "segment.bytes": 1}})
    assert value("topic", "t", "retention.ms")[0] == "8"


def test_a_config_that_no_message_can_hold_is_refused_at_once() -> None:
    sim = Simulator()
    sim.broker()
    with pytest.raises(ValueError, match="32767 at most"):
        sim.admin().alter_configs({("topic", "t"): {"x": "y" * 40_000}})


@only_ours
def test_the_cluster_and_its_directories_are_described(world: World) -> None:
    admin, producer = world.admin(), world.producer()
    producer.send("t", b"v" * 100, partition=1).result()
    cluster = admin.describe_cluster()
    assert cluster.controller == 1 and list(cluster.brokers) == [1]
    (directory,) = admin.describe_log_dirs()
    assert directory.broker == 1
    assert directory.partition_bytes["t", 0] == 0  # type: ignore[index]
    assert directory.partition_bytes["t", 1] > 100  # type: ignore[index]


def test_closed_is_closed(world: World) -> None:
    producer = world.producer(linger_ms=1_000)
    future = producer.send("t", b"v", partition=0)
    producer.close()
    producer.close()
    assert future.result().offset == 0
    heard: list[DeliveryFuture] = []
    future.add_callback(heard.append)
    assert heard == [future]
    for call in (lambda: producer.send("t", b"v"), producer.flush, producer.statistics):
        with pytest.raises(WorldStopped, match=r"producer.* is closed"):
            call()


def test_a_closed_consumer_says_so(world: World) -> None:
    consumer = world.consumer()
    consumer.assign(TWO)
    consumer.close()
    consumer.close()
    for call in (
        lambda: consumer.assign(TWO),
        lambda: consumer.seek(TWO[0], 0),
        lambda: consumer.seek_to_beginning(),
        lambda: consumer.pause(TWO[0]),
        lambda: consumer.position(TWO[0]),
        lambda: consumer.poll(10),
        lambda: consumer.end_offsets(TWO),
        consumer.statistics,
    ):
        with pytest.raises(WorldStopped, match=r"consumer.* is closed"):
            call()


@only_ours
def test_a_consumer_that_closes_leaves_no_session_behind(world: World) -> None:
    world.producer().send("t", b"v", partition=0).result()
    consumer = world.consumer(fetch_max_wait_ms=60_000)
    consumer.assign(TWO)
    read_all(consumer, 1)
    for _ in range(100):
        if consumer.statistics().open_fetches:
            break
        consumer.poll(20)
    assert world.broker.statistics().fetch_sessions == 1
    consumer.close()
    for _ in range(100):  # the broker hears of the connections' end a little later
        if world.broker.statistics().parked_requests == 0:
            break
        world.let_pass(20)
    told = world.broker.statistics()
    assert (told.fetch_sessions, told.parked_requests) == (0, 0)


def test_close_tells_all_callbacks_before_it_returns(world: World) -> None:
    producer = world.producer(linger_ms=1_000)
    heard: list[DeliveryFuture] = []
    futures = [producer.send("t", b"v", partition=i % 2) for i in range(10)]
    for future in futures:
        future.add_callback(heard.append)
    producer.close()
    assert len(heard) == 10
    assert all(future.error() is None for future in futures)


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
    heard: list[DeliveryFuture] = []
    future.add_callback(heard.append)
    producer.close(timeout_ms=500)
    error = future.error()
    assert error is not None
    assert error.code is ErrorCode.REQUEST_TIMED_OUT
    assert heard == [future]


def test_a_consumer_does_not_wait_for_a_broker_that_is_gone() -> None:
    sim = Simulator(seed=1)
    broker = sim.broker()
    sim.admin().create_topics([NewTopic("t")])
    sim.producer().send("t", b"v").result()
    consumer = sim.consumer(auto_offset_reset="earliest")
    consumer.assign([("t", 0)])
    assert len(consumer.poll(1_000)) == 1
    broker.crash()
    began = sim.now
    consumer.close()
    assert sim.now - began < 2_000_000


def test_an_interrupted_close_gives_the_rest_up() -> None:
    sim = Simulator(seed=1)
    sim.broker()
    sim.admin().create_topics([NewTopic("t")])
    producer = sim.producer(batch_size=0, max_in_flight_requests_per_connection=1)

    def interrupt(_: DeliveryFuture) -> None:
        raise KeyboardInterrupt

    producer.send("t", b"v").add_callback(interrupt)
    second = producer.send("t", b"v")
    with pytest.raises(KeyboardInterrupt):
        producer.close()
    assert second.done()
    assert "was closed before" in str(second.error())
    producer.close()


def test_a_program_may_hold_its_own_lock_around_send_and_in_a_callback() -> None:
    # A callback that ran under the driver's lock would wait for the program's lock, and the
    # program, in `send`, for the driver's.
    with local_broker() as broker:
        assert broker.address is not None
        with Producer(broker.address, linger_ms=0) as producer:
            mine = Lock()
            heard: list[DeliveryFuture] = []

            def hear(future: DeliveryFuture) -> None:
                with mine:
                    heard.append(future)

            for _ in range(300):
                with mine:
                    future = producer.send("t", b"v")
                    future.add_callback(hear)
            future.result()
            with mine:
                future.add_callback(hear)  # it is done: who carries the producer calls, not we
                assert heard.count(future) <= 1
            producer.flush(10_000)
            assert len(heard) == 301


def test_two_producers_may_send_on_for_each_other() -> None:
    with local_broker() as broker:
        assert broker.address is not None
        a, b = (Producer(broker.address, linger_ms=0, client_id=name) for name in "ab")
        heard: list[DeliveryFuture] = []

        def hop(to: Producer, other: Producer) -> None:
            def again(future: DeliveryFuture) -> None:
                heard.append(future)
                if len(heard) < 300:
                    hop(other, to)

            to.send("t", b"v").add_callback(again)

        for _ in range(5):
            hop(a, b)
            hop(b, a)
        while len(heard) < 300:
            a.flush(10_000)
            b.flush(10_000)
        a.close()
        b.close()


def test_result_may_wait_while_another_thread_closes() -> None:
    with local_broker() as broker:
        assert broker.address is not None
        producer = Producer(broker.address, linger_ms=0)
        producer.send("t", b"v").result()
        with broker.entered():  # the broker stands still
            future = producer.send("t", b"v")
            closer = Thread(target=producer.close)
            closer.start()
            while not repr(producer).endswith("closed)"):
                pass
            with pytest.raises(KafkaError, match="REQUEST_TIMED_OUT"):
                future.result(50)
        assert future.result(5_000).offset == 1
        closer.join()


def test_describe_configs_asks_about_all() -> None:
    sim = Simulator(seed=1)
    sim.broker()
    admin = sim.admin()
    with pytest.raises(KafkaError, match="nowhere"):
        admin.describe_configs([("topic", "nowhere"), ("broker", "1")])
    assert sim.trace is not None
    asked = [event for event in sim.trace.of("sent") if "DescribeConfigsRequest" in repr(event)]
    assert len(asked) == 2


def test_a_deleted_topic_keeps_nobody_busy() -> None:
    sim = Simulator(seed=5)
    sim.broker(auto_create_topics_enable=False)
    admin = sim.admin()
    admin.create_topics([NewTopic("t")])
    producer, consumer = sim.producer(), sim.consumer(auto_offset_reset="earliest")
    consumer.assign([("t", 0)])
    producer.send("t", b"old").result()
    assert len(consumer.poll(1_000)) == 1
    admin.delete_topics(["t"])
    sim.run(5_000)
    before = sim.count
    sim.run(10_000)
    assert sim.count - before < 70  # a Metadata request a second, of both
    sim.run(400_000)  # metadata.max.idle.ms is over: the producer has forgotten it
    before = sim.count
    sim.run(10_000)
    assert sim.count - before < 35
    admin.create_topics([NewTopic("t")])
    assert producer.send("t", b"new").result().offset == 0


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


def test_without_acks_too_a_slow_network_makes_send_wait() -> None:
    slow = Link(bytes_per_us=0.1)  # 100 kB/s
    sim = Simulator(seed=1, network=slow)
    sim.broker()
    sim.admin().create_topics([NewTopic("t")])
    producer = sim.producer(acks=0, linger_ms=0, buffer_memory=64_000, batch_size=16_000)
    producer.partitions_for("t")
    began = sim.now
    for _ in range(100):
        producer.send("t", b"x" * 10_000)
        assert producer.statistics().reserved_bytes <= 64_000
    assert sim.now - began > 8_000_000  # a megabyte at 100 kB/s, but for what is still on its way
    producer.flush()
    little = {"buffer_memory": 16_000, "batch_size": 16_000}
    hasty = sim.producer(acks=0, linger_ms=0, max_block_ms=10, **little)
    hasty.partitions_for("t")
    hasty.send("t", b"x" * 10_000)
    with pytest.raises(KafkaError, match=r"buffer\.memory = 16000 is used up after max\.block\.ms"):
        hasty.send("t", b"x" * 10_000)


def test_without_acks_too_a_broker_that_stands_still_makes_send_wait() -> None:
    with local_broker() as broker:
        assert broker.address is not None
        Admin(broker.address).create_topics([NewTopic("t")])
        configs = {"acks": 0, "linger_ms": 0, "buffer_memory": 4_000_000, "max_block_ms": 200}
        producer = Producer(broker.address, **configs)
        producer.send("t", b"first").result()
        futures = []
        with broker.entered():  # nothing is read: the kernel's buffers fill up, then ours
            with pytest.raises(KafkaError, match="is used up"):
                for _ in range(10_000):
                    futures.append(producer.send("t", b"x" * 100_000))
            assert producer.statistics().reserved_bytes <= 4_000_000
        producer.close()
        with Consumer(broker.address) as consumer:
            # What has left is on its way, and the broker may not have read it yet.
            deadline = monotonic() + 10
            while (end := consumer.end_offsets([("t", 0)])["t", 0]) < 1 + len(futures):
                assert monotonic() < deadline
            assert end == 1 + len(futures)


def test_without_acks_a_producer_that_closes_at_once_has_sent_everything() -> None:
    with local_broker() as broker:
        assert broker.address is not None
        with Producer(broker.address, acks=0) as producer:
            for number in range(5_000):
                producer.send("t", b"%d" % number * 20)
        with Consumer(broker.address, auto_offset_reset="earliest") as consumer:
            consumer.assign([("t", 0)])
            values: list[bytes | None] = []
            while len(values) < 5_000:
                values += [record.value for record in consumer.poll(5_000)]
        assert values == [b"%d" % number * 20 for number in range(5_000)]


INTERRUPTED = """
import os, random, signal, threading, time
from minikafka import Producer
from minikafka.runtime.serve import local_broker

def interrupt(*_): raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
threading.Timer(60, lambda: (print("hangs", flush=True), os._exit(1))).start()
with local_broker() as broker:
    for round in range(150):
        try:
            with Producer(broker.address, linger_ms=0, max_block_ms=2_000) as producer:
                producer.send("t", b"v").result()
                signal.setitimer(signal.ITIMER_REAL, 0.001 + random.random() / 200)
                end = time.monotonic() + 0.5  # an interrupt in a finalizer is lost, in Python
                while time.monotonic() < end:
                    producer.send("t", b"v")
        except KeyboardInterrupt:
            pass
print("over", flush=True)
os._exit(0)
"""


def test_a_producer_that_is_interrupted_in_the_middle_of_send_can_be_closed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=100
    )
    assert done.stdout == "over\n", done.stderr


def test_a_late_callback_that_meets_the_end_is_made_once() -> None:
    with local_broker() as broker:
        assert broker.address is not None
        for _ in range(30):
            producer = Producer(broker.address, linger_ms=0)
            future = producer.send("t", b"v")
            future.result()
            made: list[int] = []
            asked = 0

            def ask(
                producer: Producer = producer,
                future: DeliveryFuture = future,
                made: list[int] = made,
            ) -> None:
                nonlocal asked
                while not producer._closed and asked < 2_000:
                    future.add_callback(lambda _, number=asked: made.append(number))
                    asked += 1

            thread = Thread(target=ask)
            thread.start()
            producer.close()
            thread.join()
            assert sorted(made) == list(range(asked))


def test_a_throttled_client_asks_nothing_on_that_connection_meanwhile() -> None:
    sim = Simulator(seed=5)
    sim.broker()
    admin = sim.admin()
    admin.create_topics([NewTopic("t"), NewTopic("u")])
    admin.alter_quotas({"client-id": "fast"}, {"producer_byte_rate": 10_000})
    with sim.producer(client_id="fast") as producer:
        producer.send("t", b"x" * 500_000).result()  # 40 seconds too much
        began = sim.now
        producer.send("u", b"y").result()
        assert sim.now - began > 35_000_000
        assert not [event for event in sim.trace or () if event.kind == "closed"]


def test_who_is_muted_hears_of_a_crash_and_comes_back() -> None:
    sim = Simulator(seed=5)
    broker = sim.broker()
    sim.admin().create_topics([NewTopic("t")])
    sim.admin().alter_quotas({"client-id": "z"}, {"producer_byte_rate": 1_000})
    with sim.producer(client_id="z", batch_size=0) as producer:
        futures = [producer.send("t", b"x" * 8_000) for _ in range(5)]
        sim.run(100)
        broker.crash()
        sim.run(10)
        broker.restart()
        began = sim.now
        sim.run(5_000)
        reconnects = [
            event.time - began
            for event in sim.trace or ()
            if event.kind == "delivered" and event.node == broker.node.name and event.time > began
        ]
        assert reconnects and reconnects[0] < 2_000_000
        producer.flush()
        assert all(future.error() is None for future in futures)
