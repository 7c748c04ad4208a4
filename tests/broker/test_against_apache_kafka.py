"""The same requests to this broker and to Apache Kafka: the answers must be the same.

The two run as processes of their own, and each story below is told to both, in every
version. How answers are compared is told in judge.py.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from minikafka.broker.apis import HANDLERS, SERVED
from minikafka.record.compression import Compression
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages import API_KEYS, REQUESTS
from minikafka.wire.messages.api_versions import ApiVersionsRequest
from minikafka.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from minikafka.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from minikafka.wire.messages.describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from minikafka.wire.messages.fetch import FetchRequest, ForgottenTopic
from minikafka.wire.messages.get_telemetry_subscriptions import GetTelemetrySubscriptionsRequest
from minikafka.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from minikafka.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from minikafka.wire.messages.push_telemetry import PushTelemetryRequest
from minikafka.wire.schema import Message
from minikafka.wire.types import ZERO_UUID

from .judge import TIMEOUT_MS, Judge, Peer, both
from .talk import batch_of, fetch_request, produce_request
from .test_topics import REFUSED, wish


def test_every_api_that_kafka_advertises_is_declared_in_the_same_versions(judge: Judge) -> None:
    answer = judge.peers["kafka"].ask(
        ApiVersionsRequest(client_software_name="judge", client_software_version="1"), 4
    )
    theirs = {api.api_key: (api.min_version, api.max_version) for api in answer.api_keys}
    theirs[0] = (3, theirs[0][1])  # advertised from 0 on, refused below 3 (KAFKA-18659)
    assert theirs == {key: tuple(REQUESTS[key].VERSIONS) for key in theirs}
    assert set(API_KEYS) - set(theirs) == {71, 72}  # telemetry: only with a plug-in that takes it


def test_telemetry_that_nobody_has_subscribed_to(judge: Judge) -> None:
    """Not advertised, and answered all the same. Subscription ids are each broker's own.

    Kafka refuses whoever asks twice in five minutes, until it has seen that connection end.
    """

    def ask_anew(peer: Peer, request: Message) -> Any:
        while True:
            other = peer.again_as("telemetry")
            answer = other.ask(request, 0)
            other.socket.close()
            if answer.error_code != ErrorCode.THROTTLING_QUOTA_EXCEEDED:
                return answer
            time.sleep(0.02)

    def answer(peer: Peer) -> list[object]:
        def push(client: bytes, subscription: int, **fields: object) -> int:
            request = PushTelemetryRequest(client, subscription, **fields)
            return int(ask_anew(peer, request).error_code)

        first = ask_anew(peer, GetTelemetrySubscriptionsRequest())
        me, mine = first.client_instance_id, first.subscription_id
        again = ask_anew(peer, GetTelemetrySubscriptionsRequest(me))
        assert (again.client_instance_id, again.subscription_id) == (me, mine)
        return [
            *(first.error_code, first.accepted_compression_types, first.push_interval_ms),
            *(first.telemetry_max_bytes, first.delta_temporality, first.requested_metrics),
            push(me, mine),
            push(me, mine, metrics=b"what"),
            push(me, mine ^ 1),
            push(ZERO_UUID, mine),
            push(me, mine, compression_type=9),
            push(me, mine, metrics=bytes(1 << 21)),
        ]

    kafka, ours = map(answer, judge.peers.values())
    assert ours == kafka


def test_what_is_handled_is_declared_in_the_same_versions() -> None:
    assert {key: tuple(REQUESTS[key].VERSIONS) for key in SERVED} == SERVED
    assert all(HANDLERS[key] is not None for key in SERVED)


# --- topics and metadata ---


def test_creation_is_refused_alike(judge: Judge) -> None:
    for asked, _ in REFUSED.values():
        name = "new" if asked.name == "t" else asked.name
        request = CreateTopicsRequest(
            topics=[
                CreatableTopic(
                    name=name,
                    num_partitions=asked.num_partitions,
                    replication_factor=asked.replication_factor,
                    assignments=asked.assignments,
                    configs=asked.configs,
                )
            ]
        )
        both(judge, request, range(7, 8))
    both(judge, CreateTopicsRequest(topics=[wish("d"), wish("d")]), range(2, 8))


def test_metadata(judge: Judge) -> None:
    known = [MetadataRequestTopic(name="t")]
    both(judge, MetadataRequest(topics=known), range(14))
    both(judge, MetadataRequest(topics=[]), range(1, 14))
    unknown = [MetadataRequestTopic(name="nowhere"), MetadataRequestTopic(name="a b")]
    both(judge, MetadataRequest(topics=unknown, allow_auto_topic_creation=False), range(4, 14))
    asks_operations = MetadataRequest(
        topics=known,
        include_cluster_authorized_operations=True,
        include_topic_authorized_operations=True,
    )
    both(judge, asks_operations, range(8, 11))
    no_such_id = [MetadataRequestTopic(topic_id=b"x" * 16, name=None)]
    both(judge, MetadataRequest(topics=no_such_id), range(12, 14))
    for version in (12, 13):
        judge.agree(
            lambda peer: MetadataRequest(
                topics=[MetadataRequestTopic(topic_id=peer.ids["t"], name=None)]
            ),
            version,
        )


def test_deletion(judge: Judge) -> None:
    for version in range(1, 6):
        for peer in judge.peers.values():
            peer.ask(CreateTopicsRequest(topics=[wish(f"doomed{version}")]), 7)
        names = [f"doomed{version}", "nowhere"]
        both(
            judge,
            DeleteTopicsRequest(topic_names=names, timeout_ms=TIMEOUT_MS),
            range(version, version + 1),
        )
    asked = [
        DeleteTopicState(name="nowhere"),
        DeleteTopicState(name="t"),
        DeleteTopicState(name="t"),
        DeleteTopicState(),
    ]
    for state in (asked[:1], asked[1:3], asked[3:]):
        both(judge, DeleteTopicsRequest(topics=state, timeout_ms=TIMEOUT_MS), range(6, 7))


def test_configs_of_a_topic(judge: Judge) -> None:
    for name in ("t", "nowhere", "a/b"):
        resource = DescribeConfigsResource(
            resource_type=2,
            resource_name=name,
            # Kafka sets min.insync.replicas for the whole cluster when it formats one.
            configuration_keys=[key for key in topic_keys() if key != "min.insync.replicas"],
        )
        for synonyms in (False, True):
            request = DescribeConfigsRequest(resources=[resource], include_synonyms=synonyms)
            both(judge, request, range(1, 5))


def topic_keys() -> list[str]:
    from minikafka.log.config import LogConfig

    return [key.name for key in LogConfig.TABLE]


# --- records ---

NOW = int(time.time() * 1_000_000)
BATCH = batch_of(b"a", b"b", now=NOW)

BATCHES = {
    "good": BATCH,
    "empty": b"",
    "short": BATCH[:30],
    "two batches": BATCH + BATCH,
    "a torn second batch": BATCH + b"xx",
    "format v1": BATCH[:16] + b"\1" + BATCH[17:],
    "no format": BATCH[:16] + b"\t" + BATCH[17:],
    "a flipped bit": BATCH[:-1] + b"\1",
    "transactional": batch_of(
        b"a", now=NOW, transactional=True, producer_id=5, producer_epoch=0, base_sequence=0
    ),
    "too large": batch_of(b"x" * 1_100_000, now=NOW),
    "zstd": batch_of(b"x" * 100, now=NOW, compression=Compression.ZSTD),
    "of 1970": batch_of(b"a", now=1000),
}


@pytest.mark.parametrize("name", BATCHES)
def test_produce(judge: Judge, name: str) -> None:
    for version in range(3, 14):
        judge.agree(
            lambda peer, version=version: produce_request(  # type: ignore[misc]
                BATCHES[name], topic_id=peer.id_for("t", version)
            ),
            version,
        )


def test_produce_to_nowhere_and_with_odd_acks(judge: Judge) -> None:
    both(judge, produce_request(BATCH, topic="nowhere", topic_id=b"x" * 16), range(3, 14))
    both(judge, produce_request(BATCH, partition=7), range(3, 13))
    for acks in (2, -2):
        both(judge, produce_request(BATCH, acks=acks), range(3, 13))


def errors_and_offsets(answer: Any) -> list[tuple[int, int, int]]:
    return [
        (partition.error_code, partition.base_offset, partition.log_start_offset)
        for topic in answer.responses
        for partition in topic.partition_responses
    ]


def test_sequences(judge: Judge) -> None:
    steps = [(0, 0), (0, 0), (1, 0), (3, 0), (0, 1), (5, 2), (0, 0), (1, 1), (2, 1)]
    for sequence, epoch in steps:
        numbers = {"producer_id": 7, "producer_epoch": epoch, "base_sequence": sequence}
        request = produce_request(batch_of(b"a", now=NOW, **numbers), topic="u")
        kafka, ours = (errors_and_offsets(peer.ask(request, 9)) for peer in judge.peers.values())
        assert ours == kafka, (sequence, epoch)


FETCHES: dict[str, tuple[list[tuple[int, int]], dict[str, Any], int]] = {
    "two partitions": ([(0, 0), (1, 0)], {}, 4),
    "the middle of a batch": ([(0, 3)], {}, 4),
    "beyond the end": ([(0, 9999)], {}, 4),
    "a negative offset": ([(0, -5)], {}, 4),
    "no such partition": ([(9, 0)], {}, 4),
    "read committed": ([(0, 0)], {"isolation_level": 1}, 4),
    "a small limit": ([(0, 0)], {"max_bytes": 10, "partition_max_bytes": 10}, 4),
    "a limit inside of a batch": ([(0, 0)], {"partition_max_bytes": 100}, 4),
    "a newer leader epoch": ([(0, 0)], {"leader_epoch": 1}, 9),
    "no leader epoch, by another number": ([(0, 0)], {"leader_epoch": -5}, 9),
    "no fetched epoch, by another number": ([(0, 2)], {"last_fetched_epoch": -2}, 12),
    "an agreeing epoch": ([(0, 2)], {"last_fetched_epoch": 0}, 12),
    "an unknown epoch": ([(0, 0)], {"last_fetched_epoch": 5}, 12),
}


@pytest.mark.parametrize("name", FETCHES)
def test_fetch(judge: Judge, name: str) -> None:
    wanted, fields, since = FETCHES[name]
    for version in range(since, 19):
        judge.agree(
            lambda peer, version=version: fetch_request(  # type: ignore[misc]
                *wanted, topic_id=peer.id_for("t", version), **fields
            ),
            version,
        )


def test_fetch_sessions(judge: Judge) -> None:
    """Full, unchanged, moved, a bad epoch (which ends the story of a session), forgotten."""

    def say(epoch: int, *wanted: tuple[int, int], **fields: Any) -> None:
        def make(peer: Peer) -> FetchRequest:
            return fetch_request(*wanted, session_id=peer.session, session_epoch=epoch, **fields)

        judge.agree(make, 12)

    say(0, (0, 0), (1, 0))
    say(1)
    say(2, (0, 2))
    say(3, forgotten_topics_data=[ForgottenTopic(topic="t", partitions=[1])])
    say(4, (0, 0))
    say(9)
    say(0, (0, 1))
    say(1, forgotten_topics_data=[ForgottenTopic(topic="t", partitions=[0])])
    say(2)


def test_offsets_by_timestamp(judge: Judge) -> None:
    for timestamp in (-1, -2, -3, -4, -5, -6, -7, 0, NOW // 1000, NOW // 500):
        asked = ListOffsetsPartition(timestamp=timestamp)
        for name in ("t", "empty", "nowhere"):
            topics = [ListOffsetsTopic(name=name, partitions=[asked])]
            both(judge, ListOffsetsRequest(replica_id=-1, topics=topics), range(1, 12))
