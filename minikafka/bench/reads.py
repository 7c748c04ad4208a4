"""Reads at random places, one at a time: what it takes to find an offset in a log.

librdkafka fetches ahead, so it cannot be asked how long one fetch takes. This is one socket and
one question after the other, each for a single batch, and checks that the right one came.
"""

from __future__ import annotations

import time
from random import Random

from minikafka.bench.line import Line
from minikafka.record.batch import read_header
from minikafka.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic

VERSION = 12  # the last that names topics by their names


def reads(address: str, topic: str, count: int, seed: int) -> list[float]:
    """How long each of `count` fetches took, in ms, sorted. To be run by `apart`."""
    random, taken_ms = Random(seed), []
    with Line(address) as line:
        end = line.end_offset(topic)
        for _ in range(count):
            offset = random.randrange(end)
            request = one_batch(topic, offset)
            started = time.perf_counter()
            response, _ = line.ask(request, VERSION)
            taken_ms.append(1000 * (time.perf_counter() - started))
            header = read_header(bytes(response.body.responses[0].partitions[0].records))
            if not header.base_offset <= offset <= header.last_offset:
                raise RuntimeError(f"asked for offset {offset}, and {header} came")
    return sorted(taken_ms)


def one_batch(topic: str, offset: int) -> FetchRequest:
    """For the batch with this offset: the first one is sent even if it is above the limit."""
    partition = FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=1)
    wanted = FetchTopic(topic=topic, partitions=[partition])
    return FetchRequest(max_wait_ms=0, min_bytes=0, topics=[wanted])
