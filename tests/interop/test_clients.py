"""Unmodified clients against our broker and against Apache Kafka: what one has sent, with
each codec, every one of them reads back the same, in the same order."""

from __future__ import annotations

import pytest

from minikafka.bench.servers import Server

from .clients import CLIENTS, Client, Sent

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}

by_name = pytest.mark.parametrize("kind", CLIENTS, ids=lambda kind: kind.name)


def without_times(records: list[Sent]) -> tuple[Sent, ...]:
    return tuple(record._replace(timestamp_ms=None) for record in records)


def codecs_in_log(server: Server, topic: str) -> set[int]:
    """Codec of each batch of partition 0, read from the file: bits 0..2 of the attributes."""
    data = (server.data / f"{topic}-0" / f"{0:020}.log").read_bytes()
    position, found = 0, set()
    while position < len(data):
        found.add(data[position + 22] & 7)
        position += 12 + int.from_bytes(data[position + 8 : position + 12], "big")
    return found


@by_name
@pytest.mark.parametrize("codec", CODECS)
def test_everybody_reads_what_one_has_sent(server: Server, kind: type[Client], codec: str) -> None:
    topic = f"{kind.name}-{codec}"
    client = kind(server.address)
    client.create_topic(topic)
    client.produce(topic, codec)
    # A batch that compression would not make smaller may stay as it is.
    assert CODECS[codec] in codecs_in_log(server, topic) <= {0, CODECS[codec]}

    read = client.consume(topic, len(client.records))
    if client.records[0].timestamp_ms is None:
        assert without_times(read) == client.records
    else:
        assert tuple(read) == client.records
    for other in CLIENTS:
        if other is not kind and other.is_here():
            assert other(server.address).consume(topic, len(read)) == read, other.name


@by_name
def test_offsets_are_found_by_time(server: Server, kind: type[Client]) -> None:
    topic = f"times-{kind.name}"
    client = kind(server.address)
    client.create_topic(topic)
    client.produce(topic, "none")
    times = [record.timestamp_ms or 0 for record in client.consume(topic, len(client.records))]
    for wanted in (min(times) - 1, times[2], times[3] + 1, max(times), max(times) + 1):
        first = next((offset for offset, time in enumerate(times) if time >= wanted), None)
        assert client.offset_for_time(topic, wanted) == first, f"first at or after {wanted}"
