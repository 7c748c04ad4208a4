"""What administrators ask, put to this broker and to Apache Kafka: the answers must be the same."""

from __future__ import annotations

import time
from typing import Any

import pytest

from minikafka.record.builder import BatchBuilder
from minikafka.wire.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    EntryData,
    OpData,
)
from minikafka.wire.messages.alter_client_quotas import EntityData as QuotaEntity
from minikafka.wire.messages.alter_configs import AlterableConfig as OldAlterableConfig
from minikafka.wire.messages.alter_configs import AlterConfigsRequest
from minikafka.wire.messages.alter_configs import AlterConfigsResource as OldAlterConfigsResource
from minikafka.wire.messages.alter_replica_log_dirs import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)
from minikafka.wire.messages.create_partitions import (
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)
from minikafka.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from minikafka.wire.messages.describe_client_quotas import (
    ComponentData,
    DescribeClientQuotasRequest,
)
from minikafka.wire.messages.describe_cluster import DescribeClusterRequest
from minikafka.wire.messages.describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from minikafka.wire.messages.describe_log_dirs import (
    DescribableLogDirTopic,
    DescribeLogDirsRequest,
)
from minikafka.wire.messages.describe_producers import DescribeProducersRequest, TopicRequest
from minikafka.wire.messages.describe_topic_partitions import (
    Cursor,
    DescribeTopicPartitionsRequest,
)
from minikafka.wire.messages.describe_topic_partitions import TopicRequest as DescribedTopic
from minikafka.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from minikafka.wire.messages.list_config_resources import ListConfigResourcesRequest
from minikafka.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from minikafka.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from minikafka.wire.messages.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from minikafka.wire.messages.update_features import FeatureUpdateKey, UpdateFeaturesRequest

from .judge import TIMEOUT_MS, Judge, both, led, make_topic, soon, wait_until
from .talk import batch_of, produce_request


@pytest.fixture
def topic(judge: Judge, request: pytest.FixtureRequest) -> str:
    """A topic of two partitions for this test alone, with ten records in partition 0."""
    name = request.node.name
    now = int(time.time() * 1_000_000)
    make_topic(judge, name, 2)
    for _ in range(5):
        both(judge, produce_request(batch_of(b"a", b"b", now=now), topic=name), range(9, 10))
    return name


def grown(name: str, count: int, *brokers: list[int], **fields: Any) -> CreatePartitionsRequest:
    assignments = [CreatePartitionsAssignment(each) for each in brokers] or None
    topics = [CreatePartitionsTopic(name, count, assignments)]
    return CreatePartitionsRequest(topics=topics, timeout_ms=TIMEOUT_MS, **fields)


def test_create_partitions(judge: Judge, topic: str) -> None:
    refused = [
        grown("nowhere", 3),
        grown("a b", 3),
        grown(topic, 2),
        grown(topic, 1),
        grown(topic, -1),
        grown(topic, 4, [1]),
        grown(topic, 3, [9]),
        grown(topic, 3, [1, 1]),
        grown(topic, 3, []),
        CreatePartitionsRequest(topics=grown(topic, 3).topics * 2, timeout_ms=TIMEOUT_MS),
    ]
    for request in refused:
        both(judge, request, range(4))
    both(judge, grown(topic, 3, validate_only=True), range(4))
    for version in range(4):
        both(judge, grown(topic, 3 + version, [1]), range(version, version + 1))
    led(judge, topic, [5])
    soon(judge, MetadataRequest(topics=[MetadataRequestTopic(name=topic)]), 12)
    now = int(time.time() * 1_000_000)
    both(judge, produce_request(batch_of(b"a", now=now), topic=topic, partition=5), range(9, 10))


def deletion(name: str, *wanted: tuple[int, int]) -> DeleteRecordsRequest:
    partitions = [DeleteRecordsPartition(index, offset) for index, offset in wanted]
    topics = [DeleteRecordsTopic(name, partitions)]
    return DeleteRecordsRequest(topics=topics, timeout_ms=TIMEOUT_MS)


def test_delete_records(judge: Judge, topic: str) -> None:
    for version, request in enumerate(
        [deletion(topic, (0, 1)), deletion(topic, (0, 2)), deletion(topic, (0, 3))]
    ):
        both(judge, request, range(version, version + 1))
    first = ListOffsetsTopic(topic, [ListOffsetsPartition(partition_index=0, timestamp=-2)])
    for wanted in [(0, 0), (0, 99), (0, -2), (7, 0), (0, -1), (0, 5)]:
        both(judge, deletion(topic, wanted), range(3))
        both(judge, ListOffsetsRequest(replica_id=-1, topics=[first]), range(7, 8))
    both(judge, deletion(topic, (1, 1), (1, 0)), range(3))
    both(judge, deletion("nowhere", (0, 0)), range(3))
    both(judge, deletion(topic), range(3))


def epochs(name: str, *wanted: tuple[int, int], current: int = -1) -> OffsetForLeaderEpochRequest:
    partitions = [OffsetForLeaderPartition(index, current, epoch) for index, epoch in wanted]
    return OffsetForLeaderEpochRequest(-1, [OffsetForLeaderTopic(name, partitions)])


def test_where_an_epoch_ends(judge: Judge, topic: str) -> None:
    wanted = [(0, 0), (0, 1), (0, -1), (0, -5), (1, 0), (1, 3), (9, 0)]
    both(judge, epochs(topic, *wanted), range(2, 5))
    both(judge, epochs(topic, (0, 0), current=0), range(2, 5))
    both(judge, epochs(topic, (0, 0), current=5), range(2, 5))
    both(judge, epochs("nowhere", (0, 0)), range(2, 5))


def test_describe_cluster(judge: Judge) -> None:
    both(judge, DescribeClusterRequest(), range(3))
    both(judge, DescribeClusterRequest(include_cluster_authorized_operations=True), range(3))
    both(judge, DescribeClusterRequest(include_fenced_brokers=True), range(2, 3))
    for endpoint_type in (2, 7):
        both(judge, DescribeClusterRequest(endpoint_type=endpoint_type), range(1, 3))


def test_describe_producers(judge: Judge, topic: str) -> None:
    numbers = {"producer_id": 7, "producer_epoch": 0, "base_sequence": 0}
    now = int(time.time() * 1_000_000)
    both(judge, produce_request(batch_of(b"a", now=now, **numbers), topic=topic), range(9, 10))
    for name, indexes in ((topic, [0, 1, 9]), ("nowhere", [0]), ("a b", [0]), (topic, [])):
        both(judge, DescribeProducersRequest([TopicRequest(name, indexes)]), range(1))


def test_describe_topic_partitions(judge: Judge, topic: str) -> None:
    def page(*names: str, limit: int = 2000, at: tuple[str, int] | None = None) -> Any:
        return DescribeTopicPartitionsRequest(
            [DescribedTopic(name) for name in names], limit, Cursor(*at) if at else None
        )

    zz = "zz"
    requests = [
        page(topic),
        page(topic, topic),
        page(topic, "nowhere", "a b"),
        page(topic, "t", limit=0),
        page(topic, "t", limit=3),
        page(topic, zz, "t", limit=2),
        page(topic, "t", limit=3, at=(topic, 1)),
        page(topic, "t", at=(topic, 7)),
        page(topic, "t", at=("s", 1)),
        page(topic, "t", zz, at=(zz, 1)),
        page(topic, at=(topic, -1)),
    ]
    for request in requests:
        both(judge, request, range(1))


def test_what_lies_in_a_directory(judge: Judge, topic: str) -> None:
    wanted = [DescribableLogDirTopic(topic, [0, 9]), DescribableLogDirTopic("nowhere", [0])]
    both(judge, DescribeLogDirsRequest(wanted), range(1, 6))
    both(judge, DescribeLogDirsRequest([]), range(1, 6))


def test_moving_to_another_directory(judge: Judge, topic: str) -> None:
    directories = {
        name: peer.ask(DescribeLogDirsRequest([]), 5).results[0].log_dir
        for name, peer in judge.peers.items()
    }
    for path in (None, "/nowhere", "relative"):
        for name, indexes in ((topic, [0, 9]), ("nowhere", [0])):
            for version in (1, 2):
                answers = [
                    peer.ask(
                        AlterReplicaLogDirsRequest(
                            [
                                AlterReplicaLogDir(
                                    path or directories[who],
                                    [AlterReplicaLogDirTopic(name, indexes)],
                                )
                            ]
                        ),
                        version,
                    )
                    for who, peer in judge.peers.items()
                ]
                assert answers[0] == answers[1], (path, name, version)


# --- configs ---

SET, DELETE, APPEND, SUBTRACT = range(4)
TOPIC, BROKER = 2, 4

TOPIC_CHANGES = [
    [("retention.ms", SET, "1000")],
    [("retention.ms", SET, "x")],
    [("nope", SET, "1")],
    [("nope", DELETE, None)],
    [("retention.ms", DELETE, None)],
    [("retention.ms", SET, None)],
    [("retention.ms", APPEND, "1")],
    [("cleanup.policy", APPEND, "compact")],
    [("cleanup.policy", APPEND, "nope")],
    [("cleanup.policy", SUBTRACT, "delete")],
    [("cleanup.policy", APPEND, None)],
    [("retention.ms", SET, "1"), ("retention.ms", SET, "2")],
    [("segment.bytes", SET, "100")],
    [("retention.ms", SET, "7"), ("segment.bytes", SET, "100")],
    [("remote.storage.enable", SET, "true")],
    [("cleanup.policy", SET, "")],
    [("cleanup.policy", SET, "delete,delete")],
    [("nope", SET, "1"), ("retention.ms", SET, None)],
    [("min.compaction.lag.ms", SET, "1000"), ("max.compaction.lag.ms", SET, "5")],
    [("min.compaction.lag.ms", SET, "1000")],
    [("max.compaction.lag.ms", SET, "5")],
    [("min.compaction.lag.ms", DELETE, None)],
    [("leader.replication.throttled.replicas", SET, ",".join(f"{n}:1" for n in range(3_000)))],
    [("leader.replication.throttled.replicas", APPEND, ",".join(f"{n}:2" for n in range(3_000)))],
    [("leader.replication.throttled.replicas", DELETE, None)],
    [("leader.replication.throttled.replicas", APPEND, "0:1")],
    [],
]


def changed(
    kind: int, name: str, changes: list[tuple[str, int, str | None]], validate_only: bool = False
) -> IncrementalAlterConfigsRequest:
    configs = [AlterableConfig(config, operation, value) for config, operation, value in changes]
    return IncrementalAlterConfigsRequest(
        [AlterConfigsResource(kind, name, configs)], validate_only
    )


def described(kind: int, name: str, *keys: str) -> DescribeConfigsRequest:
    resource = DescribeConfigsResource(kind, name, list(keys) or None)
    return DescribeConfigsRequest([resource], include_synonyms=True)


def test_topic_configs_change_one_by_one(judge: Judge, topic: str) -> None:
    keys = ("retention.ms", "segment.bytes", "cleanup.policy")
    for changes in TOPIC_CHANGES:
        both(judge, changed(TOPIC, topic, changes, validate_only=True), range(2))
        both(judge, changed(TOPIC, topic, changes), range(2))
        soon(judge, described(TOPIC, topic, *keys), 4)
    for name in ("nowhere", "a b", ""):
        both(judge, changed(TOPIC, name, [("retention.ms", SET, "1")]), range(2))
    both(judge, changed(77, "x", [("a", SET, "1")]), range(2))
    twice = changed(TOPIC, topic, [("retention.ms", SET, "1")])
    twice.resources = twice.resources * 2
    both(judge, twice, range(2))


def test_topic_configs_are_set_all_at_once(judge: Judge, topic: str) -> None:
    def to(name: str, *configs: tuple[str, str | None]) -> AlterConfigsRequest:
        wanted = [OldAlterableConfig(config, value) for config, value in configs]
        return AlterConfigsRequest([OldAlterConfigsResource(TOPIC, name, wanted)])

    for request in [
        to(topic, ("retention.ms", "5")),
        to(topic, ("segment.bytes", "5000000")),
        to(topic, ("segment.bytes", None)),
        to(topic, ("nope", "1")),
        to(topic, ("retention.ms", "1"), ("retention.ms", "2")),
        to("nowhere", ("retention.ms", "1")),
        to(topic),
    ]:
        both(judge, request, range(3))
        soon(judge, described(TOPIC, topic, "retention.ms", "segment.bytes"), 4)


def test_broker_configs_change_while_it_runs(judge: Judge) -> None:
    keys = ("log.retention.ms", "log.segment.bytes", "max.connections", "num.partitions")
    for name in ("1", ""):
        for changes in [
            [("log.retention.ms", SET, "777000")],
            [("log.segment.bytes", SET, "2000000"), ("max.connections", SET, "99")],
            [("log.segment.bytes", SET, "1")],
            [("log.retention.ms", SET, "x")],
            [("num.partitions", SET, "3")],
            [("node.id", SET, "3")],
            [("node.id", DELETE, None)],
            [("log.cleanup.policy", APPEND, "compact")],
            [("log.retention.ms", SET, "-2")],
        ]:
            both(judge, changed(BROKER, name, changes), range(1, 2))
            soon(judge, described(BROKER, "1", *keys), 4)
            soon(judge, described(TOPIC, "t", "retention.ms", "cleanup.policy"), 4)
    for name in ("1", ""):
        resets = [(key, DELETE, None) for key in (*keys[:3], "log.cleanup.policy")]
        both(judge, changed(BROKER, name, resets), range(1, 2))
    soon(judge, described(BROKER, "1", *keys), 4)
    for name in ("9", "x"):
        both(judge, changed(BROKER, name, [("max.connections", SET, "5")]), range(1, 2))


def test_features_stay_as_they_are(judge: Judge) -> None:
    for feature, level, upgrade_type in [
        ("metadata.version", 30, 1),
        ("metadata.version", 29, 1),
        ("metadata.version", 29, 2),
        ("metadata.version", 99, 1),
        ("metadata.version", 0, 1),
        ("metadata.version", 30, 7),
        ("nowhere", 1, 1),
    ]:
        update = FeatureUpdateKey(feature, level, upgrade_type=upgrade_type)
        request = UpdateFeaturesRequest(TIMEOUT_MS, [update], validate_only=True)
        both(judge, request, range(1, 3))
    both(judge, UpdateFeaturesRequest(TIMEOUT_MS, []), range(3))


def test_records_at_fault_are_named(judge: Judge, topic: str) -> None:
    now = int(time.time() * 1000)

    def batch(*rows: tuple[int, bytes | None]) -> bytes:
        builder = BatchBuilder()
        for timestamp, key in rows:
            builder.append(timestamp, key, b"v")
        return builder.build()

    records = batch((now, None), (now, b"k"), (now - 90_000, None), (now + 7_200_000, b"k"))
    for configs in (
        [("message.timestamp.before.max.ms", SET, "30000")],
        [("message.timestamp.before.max.ms", DELETE, None)],
        [("cleanup.policy", SET, "compact")],
        [("cleanup.policy", DELETE, None), ("message.timestamp.type", SET, "LogAppendTime")],
    ):
        both(judge, changed(TOPIC, topic, configs), range(1, 2))
        soon(judge, described(TOPIC, topic, "cleanup.policy", "message.timestamp.type"), 4)
        time.sleep(0.3)  # Kafka's logs hear of it a little after those who describe it
        both(judge, produce_request(records, topic=topic), range(7, 13))


def test_more_in_sync_replicas_than_there_are_cannot_be_asked_for(judge: Judge, topic: str) -> None:
    both(judge, changed(TOPIC, topic, [("min.insync.replicas", SET, "3")]), range(1, 2))
    soon(judge, described(TOPIC, topic, "retention.ms"), 4)
    time.sleep(0.3)  # as above
    now = int(time.time() * 1_000_000)
    both(judge, produce_request(batch_of(b"a", now=now), topic=topic), range(9, 10))


def test_which_resources_have_configs(judge: Judge, topic: str) -> None:
    both(judge, ListConfigResourcesRequest([77]), range(1, 2))
    both(judge, ListConfigResourcesRequest(), range(1))
    for kind in (TOPIC, BROKER):
        names = [
            {each.resource_name for each in peer.ask(request, 1).config_resources}
            for request in [ListConfigResourcesRequest([kind])]
            for peer in judge.peers.values()
        ]
        assert names[0] & names[1] >= ({topic} if kind == TOPIC else {"1"})


# --- quotas ----------------------------------------------------------------------------------


def quota(
    entity: dict[str, str | None], validate: bool = False, **quotas: float | None
) -> AlterClientQuotasRequest:
    """Set (None: remove) quotas of one entity; its types have _ for -."""
    whom = [QuotaEntity(kind.replace("_", "-"), name) for kind, name in entity.items()]
    ops = [OpData(key, value or 0.0, value is None) for key, value in quotas.items()]
    return AlterClientQuotasRequest([EntryData(whom, ops)], validate)


def test_quotas_that_cannot_be(judge: Judge) -> None:
    rate = {"producer_byte_rate": 1000.0}
    for entity in (
        *({}, {"foo": "a"}, {"client_id": ""}, {"ip": "banana"}),
        *({"ip": "1.2.3.4", "user": "c"}, {"ip": "1.2.3.4"}),
    ):
        both(judge, quota(entity, **rate), range(2))
    for quotas in (
        *({"nope": 1.0}, {"producer_byte_rate": -1.0}, {"producer_byte_rate": 0.0}),
        *({"producer_byte_rate": float("inf")}, {"producer_byte_rate": 1e30}),
        *({"producer_byte_rate": 1.5}, {"connection_creation_rate": 1.0}),
    ):
        both(judge, quota({"client_id": "a"}, **quotas), range(2))
    both(judge, quota({"ip": "1.2.3.4"}, connection_creation_rate=3.5), range(2))


def test_quotas_named_twice(judge: Judge) -> None:
    entity = [QuotaEntity("client-id", "a")]
    once = OpData("producer_byte_rate", 5.0, False)
    both(judge, AlterClientQuotasRequest([EntryData(entity, [once, once])]), range(2))
    twice = [EntryData(entity, [once]), EntryData(entity, [once])]
    both(judge, AlterClientQuotasRequest(twice), range(2))
    both(judge, quota({"client_id": "a"}, producer_byte_rate=None), range(2))  # Kafka had set one
    last = [QuotaEntity("user", "u"), QuotaEntity("user", "c")]
    both(judge, AlterClientQuotasRequest([EntryData(last, [once])], True), range(2))
    both(judge, AlterClientQuotasRequest([]), range(2))


def component(kind: str, how: int, name: str | None = None) -> ComponentData:
    return ComponentData(kind, how, name)


EXACT, DEFAULT, ANY = 0, 1, 2


def test_quotas_are_set_found_and_removed(judge: Judge) -> None:
    entities: list[dict[str, str | None]] = [
        *({"client_id": "q"}, {"client_id": None, "user": "q"}, {"user": "q"}),
        *({"user": "q", "client_id": "q"}, {"ip": "1.2.3.4"}, {"ip": None}),
    ]
    for entity in entities:
        if "ip" in entity:
            both(judge, quota(entity, connection_creation_rate=3000.0), range(1, 2))
        else:
            both(judge, quota(entity, producer_byte_rate=1e9, request_percentage=200.5), range(2))
    both(judge, quota({"client_id": "never"}, validate=True, producer_byte_rate=5.0), range(2))
    both(judge, quota({"client_id": "never"}, producer_byte_rate=None), range(2))
    for strict in (False, True):
        for components in (
            [component("client-id", ANY)],
            [component("client-id", DEFAULT)],
            [component("client-id", EXACT, "q")],
            [component("client-id", EXACT, "")],
            [component("user", ANY), component("client-id", ANY)],
            [component("user", EXACT, "q"), component("client-id", EXACT, "q")],
            [component("ip", ANY)],
        ):
            asked = DescribeClientQuotasRequest(components, strict)
            agree_on_quotas(judge, asked)
    for entity in entities:
        keys = (
            ["connection_creation_rate"]
            if "ip" in entity
            else ["producer_byte_rate", "request_percentage"]
        )
        both(judge, quota(entity, **dict.fromkeys(keys)), range(1, 2))
    agree_on_quotas(judge, DescribeClientQuotasRequest())


def agree_on_quotas(judge: Judge, asked: DescribeClientQuotasRequest) -> None:
    """The order of entities is nobody's promise."""

    def found(peer: Any) -> list[Any]:
        answer = peer.ask(asked, 1)
        return sorted(
            (
                sorted((each.entity_type, each.entity_name or "") for each in entry.entity),
                sorted((value.key, value.value) for value in entry.values),
            )
            for entry in answer.entries
        )

    wait_until(lambda: found(judge.peers["kafka"]) == found(judge.peers["ours"]))


def test_questions_about_quotas_that_make_no_sense(judge: Judge) -> None:
    for components in (
        [component("client-id", EXACT)],
        [component("client-id", DEFAULT, "a")],
        [component("client-id", ANY, "a")],
        [component("client-id", 7)],
        [component("foo", EXACT, "a")],
        [component("", EXACT, "a")],
        [component("user", ANY), component("ip", ANY)],
        [component("user", ANY), component("user", ANY)],
    ):
        both(judge, DescribeClientQuotasRequest(components), range(2))


def test_who_is_too_fast_is_told_to_wait_as_long(judge: Judge, topic: str) -> None:
    times = {}
    for name, peer in judge.peers.items():
        peer.ask(quota({"client_id": "fast"}, producer_byte_rate=100_000.0), 1)
        fast = peer.again_as("fast")
        now = int(time.time() * 1_000_000)

        def produce(fast: Any = fast, now: int = now) -> int:
            request = produce_request(batch_of(b"x" * 500_000, now=now), topic=topic)
            return int(fast.ask(request, 9).throttle_time_ms)

        wait_until(lambda produce=produce: produce() > 0)
        fast.socket.close()
        # Half a megabyte each: until one is too much, and then by how much.
        times[name] = produce(peer.again_as("fast"))
    assert times["ours"] == pytest.approx(times["kafka"], rel=0.3)


# --- loggers -----------------------------------------------------------------------------------
LOGGER = 8


def level(name: str, *changes: tuple[str, int, str | None], validate: bool = False) -> Any:
    configs = [AlterableConfig(*change) for change in changes]
    return IncrementalAlterConfigsRequest([AlterConfigsResource(LOGGER, name, configs)], validate)


def test_levels_of_loggers(judge: Judge) -> None:
    """`root` is the one that both have."""
    wanted = [DescribeConfigsResource(LOGGER, "1", ["root"])]
    shown = DescribeConfigsRequest(wanted, include_synonyms=True)
    both(judge, level("1", ("root", 0, "ERROR")), range(2))
    for version in range(1, 5):
        judge.agree(lambda peer: shown, version)
    both(judge, level("1", ("root", 0, "WARN"), validate=True), range(2))
    judge.agree(lambda peer: shown, 4)
    for name, *changes in (
        ("1", ("root", 0, "error")),
        ("1", ("root", 0, "OFF")),
        ("1", ("root", 0, "")),
        ("1", ("root", 0, None)),
        ("1", ("root", 1, None)),
        ("1", ("root", 2, "INFO")),
        ("1", ("root", 3, "INFO")),
        ("1", ("nobody", 0, "INFO")),
        ("1", ("nobody", 1, None)),
        ("1", ("root", 0, "WARN"), ("root", 0, "INFO")),
        ("1", ("root", 0, "WARN"), ("nobody", 0, "INFO")),
        ("2", ("root", 0, "INFO")),
        ("", ("root", 0, "INFO")),
        ("x", ("root", 0, "INFO")),
    ):
        both(judge, level(name, *changes), range(2))
    both(judge, level("1"), range(2))
    judge.agree(lambda peer: shown, 4)
    both(judge, level("1", ("root", 0, "WARN")), range(2))
    for name in ("", "2", "x"):
        asked = DescribeConfigsRequest([DescribeConfigsResource(LOGGER, name, None)])
        both(judge, asked, range(1, 5))
    none = DescribeConfigsRequest([DescribeConfigsResource(LOGGER, "1", ["nobody"])])
    both(judge, none, range(1, 5))
    old = OldAlterConfigsResource(LOGGER, "1", [OldAlterableConfig("root", "INFO")])
    both(judge, AlterConfigsRequest([old]), range(3))
    both(judge, ListConfigResourcesRequest(resource_types=[LOGGER]), range(1, 2))
