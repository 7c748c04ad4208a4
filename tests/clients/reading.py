"""A consumer's machine on the bench of scripted.py, and the answers that brokers might give it."""

from __future__ import annotations

from typing import Any

from minikafka.client.arguments import TopicPartition
from minikafka.consumer.config import ConsumerConfig
from minikafka.consumer.fetcher import FetcherNode
from minikafka.node import Request
from minikafka.record.batch import read_header, stamp
from minikafka.record.builder import encode
from minikafka.record.compression import Compression
from minikafka.record.records import Record
from minikafka.wire.messages.fetch import FetchableTopicResponse, FetchResponse, PartitionData
from minikafka.wire.messages.list_offsets import (
    ListOffsetsPartitionResponse,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)

from .scripted import Bench, Cluster

T0, T1, T2 = (TopicPartition("t", index) for index in range(3))


def batch(
    base: int, count: int, compression: Compression = Compression.NONE, epoch: int = -1
) -> bytes:
    """A batch with the values b"v<offset>", of this leader epoch."""
    data = bytearray(
        encode(
            [
                Record(offset, 1_000 + offset, None, b"v%d" % offset)
                for offset in range(base, base + count)
            ],
            compression,
        )
    )
    stamp(data, 0, read_header(data), base, epoch)
    return bytes(data)


class ConsumerBench(Bench):
    node: FetcherNode

    def __init__(
        self, *tps: TopicPartition, cluster: Cluster | None = None, **given: object
    ) -> None:
        configs = {"bootstrap.servers": "broker-1:9092", "auto.offset.reset": "earliest", **given}
        super().__init__(FetcherNode(ConsumerConfig.of(configs)), cluster or Cluster({"t": 2}))
        self.node.assign(tps)
        self.connect()

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.node.seek(tp, offset)
        self.connect()

    def values(self, count: int = 100) -> list[bytes | None]:
        return [record.value for record in self.node.take(count)]


def fetched(
    request: Request,
    records: dict[int, bytes] | None = None,
    errors: dict[int, int] | None = None,
    session_id: int = 0,
    **fields: Any,
) -> FetchResponse:
    """An answer for topic t with something for some partitions; `fields` are for each of them."""
    found = {**dict.fromkeys(errors or {}, b""), **(records or {})}
    topic_id = Cluster().topic_id("t") if request.version >= 13 else bytes(16)
    return FetchResponse(
        session_id=session_id,
        responses=[
            FetchableTopicResponse(
                topic="t",
                topic_id=topic_id,
                partitions=[
                    PartitionData(
                        partition_index=index,
                        error_code=(errors or {}).get(index, 0),
                        records=data,
                        **{"high_watermark": 1_000, "log_start_offset": 0, **fields},
                    )
                    for index, data in found.items()
                ],
            )
        ],
    )


def listed(request: Request, offset: int = 0, error: int = 0) -> ListOffsetsResponse:
    return ListOffsetsResponse(
        topics=[
            ListOffsetsTopicResponse(
                name=topic.name,
                partitions=[
                    ListOffsetsPartitionResponse(
                        partition_index=partition.partition_index,
                        error_code=error,
                        timestamp=-1,
                        offset=offset,
                        leader_epoch=0,
                    )
                    for partition in topic.partitions
                ],
            )
            for topic in request.body.topics
        ]
    )


def ready(*tps: TopicPartition, cluster: Cluster | None = None, **configs: object) -> ConsumerBench:
    """A bench whose partitions stand at 0."""
    b = ConsumerBench(cluster=cluster, **configs)
    b.node.assign(tps)
    for tp in tps:
        b.node.seek(tp, 0)
    b.connect()
    return b
