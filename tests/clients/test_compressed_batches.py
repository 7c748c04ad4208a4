"""How much goes into a compressed batch (`CompressionRatioEstimator`).

A batch is full when it would have batch.size bytes after compression. What that will be is a
guess from the topic's earlier batches: better than expected, and the next batch is taken to
compress a little better (by 0.005); worse, and it is believed at once (by 0.05 at the least).
"""

from __future__ import annotations

from random import Random

import pytest

from minikafka.wire.errors import ErrorCode, KafkaError

from .scripted import Cluster
from .test_producer import RECORD, ProducerBench, produced

RECORD_BYTES = 109  # with a value of 100 bytes
HALF_RANDOM = [Random(i).randbytes(30) + bytes(70) for i in range(500)]


def closed(b: ProducerBench) -> list[int]:
    """The records of each batch that is full."""
    return [e.what["records"] for e in b.events("batch_closed") if e.what["reason"] == "full"]


def fits(ratio: float, batch_size: int) -> int:
    """Kafka's sum: each record but the last counts as compressed, with 5 % to spare."""
    return int((batch_size - 61 - RECORD_BYTES) / (RECORD_BYTES * ratio * 1.05)) + 1


def test_the_first_batch_is_not_expected_to_become_smaller() -> None:
    b = ProducerBench(batch_size=4_000, compression_type="gzip", linger_ms=1_000)
    for value in HALF_RANDOM[:36]:
        b.append(value)
    # What Apache Kafka 4.3's producer puts into it; without compression it is 36.
    assert closed(b) == [34] == [fits(1.0, 4_000)]


def test_better_than_expected_comes_slowly_until_batches_are_as_large_as_they_may() -> None:
    b = ProducerBench(batch_size=4_000, compression_type="gzip", linger_ms=100_000)
    while len(closed(b)) < 200:
        b.append(HALF_RANDOM[len(b.trace) % 500])
        for request in b.requests():
            b.answer(request, produced(request))
    assert closed(b)[:100] == [fits(1 - 0.005 * i, 4_000) for i in range(100)]
    metrics = b.node.statistics(b.now).metrics
    assert metrics.batch_size_max is not None
    assert 3_500 < metrics.batch_size_max <= 4_000


def test_worse_than_expected_is_believed_at_once() -> None:
    b = ProducerBench(batch_size=1_000, compression_type="gzip", linger_ms=100_000)
    while len(closed(b)) < 100:
        b.append()
        for request in b.requests():
            b.answer(request, produced(request))
    before = closed(b)[-1]
    assert before > 12
    for i in range(400):
        b.append(Random(i).randbytes(100))
        for request in b.requests():
            b.answer(request, produced(request))
    assert closed(b)[-1] == 8


def test_each_topic_has_its_own_expectation() -> None:
    b = ProducerBench(Cluster({"t": 1, "u": 1}), compression_type="gzip", linger_ms=100_000)
    while len(closed(b)) < 100:
        b.append()
        for request in b.requests():
            b.answer(request, produced(request))
    batch = b.node.append(b.now, "u", 0, (0, None, b"x" * 100, ()))
    while b.node.append(b.now, "u", 0, (0, None, b"x" * 100, ())) is batch:
        pass
    assert closed(b)[-1] == fits(1.0, 1_000) < closed(b)[-2]


def test_a_batch_that_was_too_large_ends_all_expectations() -> None:
    b = ProducerBench(compression_type="gzip", linger_ms=100_000)
    while len(closed(b)) < 100:
        b.append()
        for request in b.requests():
            b.answer(request, produced(request))
    many = closed(b)[-1]
    while len(closed(b)) < 101:
        b.append()
    (request,) = b.requests()
    b.answer(request, produced(request, ErrorCode.MESSAGE_TOO_LARGE))
    b.node.accumulator.close_all("flush")
    batch = b.append()
    while b.append() is batch:
        pass
    assert closed(b)[-1] == fits(1.0, 1_000) < many


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd"])
def test_memory_is_reserved_for_what_an_open_batch_holds_and_given_back(codec: str) -> None:
    b = ProducerBench(
        compression_type=codec, linger_ms=100_000, buffer_memory=6_000,
        max_in_flight_requests_per_connection=1,
    )  # fmt: skip
    accumulator = b.node.accumulator
    most = 0
    while len(closed(b)) < 150:
        batch = b.append()
        most = max(most, batch.reserved_bytes)
        assert len(batch.body) <= batch.reserved_bytes
        assert accumulator.reserved_bytes == sum(each.reserved_bytes for each in accumulator)
        for request in b.requests():
            assert accumulator.reserved_bytes <= 2_000 + most
            b.answer(request, produced(request))
    assert most > 2_000
    # Four other batches leave too little for that: the open one is full at batch.size again.
    accumulator.close_all("flush")
    b.turn()  # one is in flight, and no answer comes
    for _ in range(3):
        b.append(partition=1)
        accumulator.close_all("flush")
    while len(closed(b)) < 151:
        b.node.append(b.now, "t", 0, (0, None, RECORD, ()))
        assert accumulator.reserved_bytes <= 6_000
    assert closed(b)[-1] == 8


def test_a_closed_batch_reserves_what_it_holds_and_batch_size_at_the_least() -> None:
    b = ProducerBench(compression_type="gzip", linger_ms=100_000)
    accumulator = b.node.accumulator
    while len(closed(b)) < 150:
        b.append()
        for request in b.requests():
            b.answer(request, produced(request))
    large = [random.randbytes(2_500) + bytes(2_500) for random in map(Random, range(3))]
    for value in [*large, *(Random(i).randbytes(50) + bytes(50) for i in range(200))]:
        b.append(value)
        for each in accumulator:
            assert len(each.body) <= each.reserved_bytes
            if each.data:
                assert each.reserved_bytes == max(1_000, len(each.data))
    assert accumulator.reserved_bytes == sum(each.reserved_bytes for each in accumulator)
    assert max(len(each.data) for each in accumulator) > 2_000


def test_halves_are_compressed_while_they_wait() -> None:
    b = ProducerBench(compression_type="gzip", linger_ms=100_000)
    while len(closed(b)) < 150:
        b.append()
        for request in b.requests():
            b.answer(request, produced(request))
    while len(closed(b)) < 151:
        b.append()
    (request,) = b.requests()
    b.answer(request, produced(request, ErrorCode.MESSAGE_TOO_LARGE))
    halves = b.node.accumulator.queue(("t", 0)).pending
    assert len(halves) == 2
    assert all(len(half.body) + len(half.data) <= half.reserved_bytes for half in halves)


def test_a_record_that_max_request_size_refuses_does_not_slip_into_an_open_batch() -> None:
    b = ProducerBench(batch_size=4_000, max_request_size=1_000, linger_ms=1_000)
    for _ in range(25):
        b.append()
    with pytest.raises(KafkaError, match=r"max\.request\.size is 1000"):
        b.append(b"x" * 950)


def test_what_bytes_that_compression_makes_larger_take_is_never_more_than_batch_size() -> None:
    b = ProducerBench(batch_size=4_000, compression_type="gzip", linger_ms=100_000)
    random = Random(1)
    while len(closed(b)) < 40:
        b.append(random.randbytes(random.randrange(1, 700)))
        for request in b.requests():
            b.answer(request, produced(request))
    assert (b.node.statistics(b.now).metrics.batch_size_max or 0) <= 4_000
