"""Keys go where every other client puts them; keyless records stick to a partition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random

import pytest

from minikafka.admin import NewTopic
from minikafka.client.metadata import PartitionInfo
from minikafka.producer.partitioner import NONE_DRAWN, StickyPartition, murmur2, partition_of_key
from minikafka.runtime.simulator import Simulator
from minikafka.wire.errors import KafkaError
from minikafka.wire.messages.produce import ProduceRequest

from .scripted import Cluster
from .test_producer import ProducerBench, produced

# From Apache Kafka's own test of Utils.murmur2 (signed there).
HASHES = [
    (b"21", -973932308),
    (b"foobar", -790332482),
    (b"a-little-bit-long-string", -985981536),
    (b"a-little-bit-longer-string", -1486304829),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    (b"abc", 479470107),
]


@pytest.mark.parametrize(("data", "signed"), HASHES)
def test_murmur2_is_kafkas(data: bytes, signed: int) -> None:
    assert murmur2(data) == signed & 0xFFFFFFFF


def test_murmur2_agrees_with_kafka_python() -> None:
    judge = pytest.importorskip("kafka.partitioner.default")
    random = Random(1)
    for length in range(40):
        data = random.randbytes(length)
        assert murmur2(data) == judge.murmur2(data) & 0xFFFFFFFF


def test_a_negative_hash_loses_its_sign_bit_and_not_its_sign() -> None:
    assert partition_of_key(b"foobar", 7) == (-790332482 & 0x7FFFFFFF) % 7


def test_a_partition_has_enough_after_batch_size_and_is_given_up_after_twice_as_much() -> None:
    sticky = StickyPartition(1000, Random(1))
    assert sticky.draw([5]) == 5
    seen = []
    for size_bytes in (999, 1, 999, 1):
        sticky.count(size_bytes)
        seen.append((sticky.has_enough(), sticky.current))
    assert seen == [(False, 5), (True, 5), (True, 5), (True, NONE_DRAWN)]
    sticky.draw([5])
    assert not sticky.has_enough()


def test_all_partitions_get_their_share_over_time() -> None:
    sticky = StickyPartition(1, Random(1))
    drawn = Counter(sticky.draw([0, 1, 2, 3]) for _ in range(4000))
    assert set(drawn) == {0, 1, 2, 3}
    assert all(900 < count < 1100 for count in drawn.values())


def test_adaptive_weights_are_those_of_kip_794() -> None:
    sticky = StickyPartition(1, Random(1))
    # Queues 0 3 1: weights 4 1 3 of 8.
    drawn = Counter(sticky.draw([5, 6, 7], [0, 3, 1]) for _ in range(8000))
    assert 3800 < drawn[5] < 4200
    assert 850 < drawn[6] < 1150
    assert 2800 < drawn[7] < 3200


# --- brokers that lag (KIP-794) -------------------------------------------------------------


def test_a_batch_that_waits_makes_its_partition_less_likely_one_in_flight_does_not() -> None:
    b = ProducerBench(linger_ms=0, max_in_flight_requests_per_connection=1)
    queue = b.node.accumulator.queue(("t", 0))
    b.append()
    assert queue.backlog == 1  # open
    (request,) = b.requests()
    assert queue.backlog == 0
    b.append()
    b.node.accumulator.close_all("flush")
    b.append()
    assert queue.backlog == 2
    b.answer(request, produced(request, 7))  # it has to be sent again
    assert queue.backlog == 3


def two_brokers(**configs: object) -> ProducerBench:
    """Partition 1 is led by a broker that does not answer; a request is on its way to it."""
    b = ProducerBench(
        Cluster({"t": 2}, leaders={("t", 1): 2}, brokers=(1, 2)),
        linger_ms=0,
        max_in_flight_requests_per_connection=1,
        **configs,
    )
    b.append(partition=1)
    b.turn()
    b.connect()
    b.wait(1)
    assert b.take_one(ProduceRequest).channel.server == "broker-2:9092"
    b.append(partition=1)  # and this one has to wait
    b.turn()
    return b


def drawn(b: ProducerBench, count: int = 60) -> Counter[int]:
    """Where keyless records of batch.size each go."""
    return Counter(b.append(b"x" * 1_000, partition=None).key[1] for _ in range(count))


def test_a_broker_that_takes_nothing_for_too_long_gets_no_keyless_records() -> None:
    b = two_brokers(partitioner_availability_timeout_ms=100)
    b.wait(100)
    assert drawn(b)[1] > 0  # not longer than the timeout
    b = two_brokers(partitioner_availability_timeout_ms=100)
    b.wait(101)
    assert drawn(b)[1] == 0
    (stuck,) = [request for request in b.open if request.channel.server == "broker-2:9092"]
    b.answer(stuck, produced(stuck))
    b.wait(1)
    assert drawn(b)[1] > 0


@pytest.mark.parametrize(
    "configs",
    [
        {},
        {
            "partitioner_availability_timeout_ms": 100,
            "partitioner_adaptive_partitioning_enable": False,
        },
    ],
)
def test_availability_does_not_matter_by_default_nor_without_adaptive_partitioning(
    configs: dict[str, object],
) -> None:
    b = two_brokers(**configs)
    b.wait(1_000)
    assert drawn(b)[1] > 0


# --- an application's own partitioner -------------------------------------------------------


def test_a_partitioner_decides_for_records_that_name_no_partition() -> None:
    sim = Simulator(seed=1)
    sim.broker()
    sim.admin().create_topics([NewTopic("t", partitions=3)])
    asked: list[tuple[str, bytes | None, bytes | None, list[int], int]] = []

    def by_length(
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partitions: Mapping[int, PartitionInfo],
    ) -> int:
        asked.append((topic, key, value, list(partitions), partitions[0].leader))
        return len(value or b"") % len(partitions)

    producer = sim.producer(partitioner=by_length)
    futures = [producer.send("t", b"x" * i, key=b"k") for i in range(5)]
    futures.append(producer.send("t", b"x", partition=0))
    producer.flush()
    assert [future.result().partition for future in futures] == [0, 1, 2, 0, 1, 0]
    assert asked == [("t", b"k", b"x" * i, [0, 1, 2], 1) for i in range(5)]


def test_a_partitioner_is_asked_once_though_send_has_to_wait() -> None:
    sim = Simulator(seed=1)
    sim.broker()
    sim.admin().create_topics([NewTopic("t", partitions=2)])
    turns: list[int] = []

    def round_robin(*_: object) -> int:
        turns.append(len(turns) % 2)
        return turns[-1]

    producer = sim.producer(
        partitioner=round_robin, buffer_memory=2_000, batch_size=1_000, linger_ms=50
    )
    futures = [producer.send("t", b"x" * 600) for _ in range(10)]
    producer.flush()
    assert [future.result().partition for future in futures] == [0, 1] * 5
    assert len(turns) == 10


@pytest.mark.parametrize("wrong", [-1, 2, 1.0, None, True])
def test_a_partitioner_that_names_no_partition_is_told_so(wrong: object) -> None:
    sim = Simulator(seed=1)
    sim.broker()
    sim.admin().create_topics([NewTopic("t", partitions=2)])
    producer = sim.producer(partitioner=lambda *_: wrong)
    with pytest.raises(ValueError, match=r"says .*, topic t has the partitions 0 to 1"):
        producer.send("t", b"v")


def test_what_a_partitioner_raises_send_raises_and_the_producer_goes_on() -> None:
    sim = Simulator(seed=1)
    sim.broker()
    sim.admin().create_topics([NewTopic("t")])

    def fail(*_: object) -> int:
        raise LookupError("no such customer")

    producer = sim.producer(partitioner=fail)
    with pytest.raises(LookupError, match="no such customer"):
        producer.send("t", b"v")
    assert producer.send("t", b"v", partition=0).result().offset == 0


def test_a_topic_that_cannot_be_is_refused_before_a_partitioner_is_asked() -> None:
    sim = Simulator(seed=1)
    sim.broker()
    producer = sim.producer(partitioner=lambda *_: 0)
    with pytest.raises(KafkaError, match="INVALID_TOPIC_EXCEPTION"):
        producer.send("no such topic", b"v")
