"""Keys go where every other client puts them; keyless records stick to a partition."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from minikafka.producer.partitioner import StickyPartition, murmur2, partition_of_key

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


def test_keyless_records_stay_until_batch_size_and_go_on_to_another_batch_only_if_it_is_full() -> (
    None
):
    sticky = StickyPartition(1000, Random(1))
    sticky.draw([0, 1, 2])
    assert not sticky.count(999)
    assert sticky.count(1)
    assert not sticky.is_overdue()
    sticky.count(1000)
    assert sticky.is_overdue()
    sticky.draw([0, 1, 2])
    assert not sticky.count(999)


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
