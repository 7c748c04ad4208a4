"""librdkafka's load over many partitions, in batches that are all alike.

      a round of hand-overs      p0 ████  p1 ████  p2 ████  …      64 records each, then again

What a batch costs a broker does not depend on its partition, or that is what is to be seen; so
no batch may be larger because there are fewer partitions. librdkafka fills a batch of its own
from each partition's queue. Whole batches go in, `batch.num.messages` says how much a batch is
and `linger.ms` forbids it to be sent sooner: so exactly whole batches come out.

These functions are run by `apart`. `pid` is the broker's, whose CPU time is measured.
"""

from __future__ import annotations

from minikafka.bench.load import CONSUMER, LARGE_FETCHES, PRODUCER, Client, copies
from minikafka.bench.watch import Watch

BATCH_RECORDS = 64
VALUE = b"x" * 1024
BATCH_BYTES = BATCH_RECORDS * len(VALUE)
EQUAL_BATCHES = {
    "acks": "all",
    "batch.num.messages": str(BATCH_RECORDS),
    "batch.size": "1000000",
    "linger.ms": "60000",
    "queue.buffering.max.messages": "200000",
}
EQUAL_FETCHES = {**LARGE_FETCHES, "fetch.message.max.bytes": LARGE_FETCHES["fetch.max.bytes"]}
"""One partition may fill an answer as well as many can: librdkafka has one fetch under way, and
takes the longer to send the next one the more there is in an answer."""
Figures = dict[str, float]


def produce(address: str, topic: str, partition_count: int, batch_count: int, pid: int) -> Figures:
    """MB/s of values and the broker's CPU ms per MB, from the first batch to the last ack.

    One batch for each partition goes before: it brings leaders and connections. Raises
    RuntimeError unless everything is there at the end.
    """
    client, batch = Client(PRODUCER, address, topic, EQUAL_BATCHES), copies(VALUE, BATCH_RECORDS)
    every = range(partition_count)
    before = sum(client.end_offset(partition) for partition in every)
    for partition in every:
        client.hand_over(batch, BATCH_RECORDS, partition)
    client.flush()
    with Watch(pid) as watch:
        for number in range(batch_count):
            client.hand_over(batch, BATCH_RECORDS, number % partition_count)
        client.flush()
    added = sum(client.end_offset(partition) for partition in every) - before
    client.close()
    if added != (batch_count + partition_count) * BATCH_RECORDS:
        raise RuntimeError(f"{batch_count} + {partition_count} batches, and {added} records came")
    return rates(batch_count * BATCH_BYTES, watch)


def consume(
    address: str, topic: str, configs: dict[str, str], starts: list[int], count: int, pid: int
) -> Figures:
    """MB/s and CPU ms per MB when `count` records are read from these offsets on."""
    client = Client(CONSUMER, address, topic, configs)
    client.end_offset()
    with Watch(pid) as watch:
        got = client.consume_all(starts, count)
    client.close()
    return rates(got * len(VALUE), watch)


def rates(size_bytes: int, watch: Watch) -> Figures:
    megabytes = size_bytes / 1e6
    return {"mb_s": megabytes / watch.wall_s, "cpu_ms_mb": 1000 * watch.cpu_s / megabytes}
