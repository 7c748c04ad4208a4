"""The admin client: topics, their records and configs, quotas, and what the brokers hold.

    with Admin("localhost:9092") as admin:
        admin.create_topics([NewTopic("greetings", partitions=3)])
        admin.create_partitions({"greetings": 6})
        admin.describe_topics(["greetings"])["greetings"].partitions[0].leader
        admin.alter_configs({("topic", "greetings"): {"retention.ms": 1000}})
        admin.describe_configs([("topic", "greetings")])["topic", "greetings"]["segment.bytes"]
        admin.delete_records({("greetings", 0): 100})

Each call is one request, put again while the answer is that somebody is not ready yet, until
`default.api.timeout.ms` is over. Which broker it goes to differs:

    create, grow, delete       the controller that Metadata names; with KRaft that is any
    topics                     broker, which forwards to the controller
    list, describe topics      any broker: they all have the whole picture
    delete records             the leader of each partition
    configs of a topic         any broker, and of all brokers too
    configs of a broker        that broker: only it knows its own file
    log directories, loggers   each broker for itself
    quotas                     any broker

A call that names several things tries them all; if some fail, it raises the error of the
first that did. Retrying is safe but not invisible: a topic that was created by a request
whose answer got lost is reported as TOPIC_ALREADY_EXISTS, as by Kafka's own client.

Not done: everything about groups, ACLs and replicas; appending to and subtracting from
configs that are lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from minikafka.admin import answers
from minikafka.admin.answers import (
    ClusterDescription,
    ConfigEntry,
    ConfigResource,
    CreatedTopic,
    LogDirDescription,
    Quotas,
    TopicDescription,
    TopicListing,
)
from minikafka.admin.machine import ANY_BROKER, CONTROLLER, AdminConfig, AdminNode
from minikafka.client.arguments import (
    INT32_MAX,
    INT64_MAX,
    TopicPartition,
    topic_name,
    topic_names,
    utf8,
    whole_number,
)
from minikafka.client.facade import Facade
from minikafka.client.node import Pending
from minikafka.node import MS
from minikafka.wire.compiler import MAX_STRING_BYTES
from minikafka.wire.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    EntityData,
    EntryData,
    OpData,
)
from minikafka.wire.messages.create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from minikafka.wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from minikafka.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from minikafka.wire.messages.delete_topics import DeleteTopicsRequest
from minikafka.wire.messages.describe_client_quotas import (
    ComponentData,
    DescribeClientQuotasRequest,
)
from minikafka.wire.messages.describe_cluster import DescribeClusterRequest
from minikafka.wire.messages.describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from minikafka.wire.messages.describe_log_dirs import DescribeLogDirsRequest
from minikafka.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
    Operation,
)
from minikafka.wire.messages.metadata import MetadataRequest, MetadataRequestTopic

if TYPE_CHECKING:
    from minikafka.node import World

T = TypeVar("T")

THIS_NAME, DEFAULT_NAME = 0, 1  # match types of DescribeClientQuotas
INT16_MAX = (1 << 15) - 1
LAST_DELETE_WITH_NAMES = 5  # DeleteTopics 6 has another shape, for topic ids
RESOURCE_TYPES = {"topic": 2, "broker": 4, "logger": 8}


@dataclass(frozen=True, slots=True)
class NewTopic:
    """A topic to be created. -1 for partitions or replication_factor: the broker's default."""

    name: str
    partitions: int = 1
    replication_factor: int = 1
    configs: Mapping[str, str | float | bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        topic_name(self.name)
        whole_number("partitions", self.partitions, INT32_MAX, least=-1)
        whole_number("replication_factor", self.replication_factor, INT16_MAX, least=-1)
        for name, value in self.configs.items():
            _config_text(name, value)


class Admin(Facade):
    """Creates, deletes and describes topics. `configs` are Kafka's in snake case.

    Every method raises KafkaError with the broker's reason, or with REQUEST_TIMED_OUT after
    default.api.timeout.ms.
    """

    def __init__(
        self,
        bootstrap_servers: str | Sequence[str],
        *,
        world: World | None = None,
        **configs: object,
    ) -> None:
        self.config = AdminConfig.of({"bootstrap.servers": bootstrap_servers, **configs})
        self._node = AdminNode(self.config)
        super().__init__(self._node, world)

    # --- topics ----------------------------------------------------------------------------
    def create_topics(
        self, topics: Iterable[NewTopic], *, validate_only: bool = False
    ) -> dict[str, CreatedTopic]:
        """Create topics; with `validate_only` only say whether that would work."""
        body = CreateTopicsRequest(
            topics=[_creatable(topic) for topic in topics],
            timeout_ms=self.config.request_timeout_ms,
            validate_only=validate_only,
        )
        return self._call(CONTROLLER, body, answers.created)

    def delete_topics(self, names: Iterable[str]) -> None:
        """Delete topics, and with them their records."""
        body = DeleteTopicsRequest(
            topics=[], topic_names=topic_names(names), timeout_ms=self.config.request_timeout_ms
        )
        self._call(CONTROLLER, body, answers.deleted, LAST_DELETE_WITH_NAMES)

    def list_topics(self, *, internal: bool = False) -> dict[str, TopicListing]:
        """All topics; with `internal` also those that Kafka keeps for itself."""
        found = self._call(ANY_BROKER, MetadataRequest(topics=None), answers.described)
        return {
            name: TopicListing(name, topic.topic_id, topic.is_internal)
            for name, topic in found.items()
            if internal or not topic.is_internal
        }

    def describe_topics(self, names: Iterable[str]) -> dict[str, TopicDescription]:
        """Partitions, leaders and replicas of these topics."""
        body = MetadataRequest(
            topics=[MetadataRequestTopic(name=name) for name in topic_names(names)],
            allow_auto_topic_creation=False,
        )
        return self._call(ANY_BROKER, body, answers.described)

    def create_partitions(self, counts: Mapping[str, int], *, validate_only: bool = False) -> None:
        """Let topics have so many partitions; more than they have, as there is no way back.

        Records with a key go elsewhere from then on: it is hashed over another number.
        """
        body = CreatePartitionsRequest(
            topics=[
                CreatePartitionsTopic(
                    topic_name(name), whole_number("partitions", count, INT32_MAX, least=1), None
                )
                for name, count in counts.items()
            ],
            timeout_ms=self.config.request_timeout_ms,
            validate_only=validate_only,
        )
        self._call(CONTROLLER, body, answers.grown)

    def delete_records(self, offsets: Mapping[tuple[str, int], int]) -> dict[TopicPartition, int]:
        """Let partitions begin at these offsets (-1: at the end); returns where they begin now."""
        wanted = {TopicPartition.of(tp): offset for tp, offset in offsets.items()}
        for tp, offset in wanted.items():
            whole_number(f"the offset of {tp}", offset, INT64_MAX, least=-1)
        names = dict.fromkeys(tp.topic for tp in wanted)
        asked = MetadataRequest(
            topics=[MetadataRequestTopic(name=name) for name in names],
            allow_auto_topic_creation=False,
        )
        leaders = self._call(ANY_BROKER, asked, answers.leaders)
        bodies = []
        for tp, offset in wanted.items():
            partitions = [DeleteRecordsPartition(tp.partition, offset)]
            body = DeleteRecordsRequest(
                [DeleteRecordsTopic(tp.topic, partitions)], self.config.request_timeout_ms
            )
            # Who leads nothing says so: an unknown partition is any broker's to refuse.
            bodies.append((leaders.get(tp, ANY_BROKER), body, answers.trimmed))
        begins: dict[TopicPartition, int] = {}
        for begin in self._call_all(bodies):
            begins |= begin
        return begins

    # --- the cluster -----------------------------------------------------------------------
    def describe_cluster(self) -> ClusterDescription:
        """Which brokers there are."""
        return self._call(ANY_BROKER, DescribeClusterRequest(), answers.cluster)

    def describe_log_dirs(self, brokers: Iterable[int] | None = None) -> list[LogDirDescription]:
        """What lies in the directories of these brokers (default: of all)."""
        chosen = list(self.describe_cluster().brokers if brokers is None else brokers)
        return [
            described
            for broker in chosen
            for described in self._call(
                broker, DescribeLogDirsRequest(topics=None), partial(answers.log_dirs, broker)
            )
        ]

    # --- configs ---------------------------------------------------------------------------
    def alter_configs(
        self,
        changes: Mapping[tuple[str, str], Mapping[str, str | float | bool | None]],
        *,
        validate_only: bool = False,
    ) -> None:
        """Set configs of resources; None lets one be again what it is when nobody sets it.

        A resource is ("topic", name), ("broker", id), or ("broker", "") for all brokers; or
        ("logger", id of a broker), whose configs are loggers and their values levels, "DEBUG" for
        instance. For each resource it is all of its changes or none.
        """
        bodies = []
        for given, configs in changes.items():
            resource = _resource(given)
            alterable = [
                AlterableConfig(name, Operation.DELETE, None)
                if value is None
                else AlterableConfig(name, Operation.SET, _config_text(name, value))
                for name, value in configs.items()
            ]
            kind = RESOURCE_TYPES[resource.kind]
            body = IncrementalAlterConfigsRequest(
                [AlterConfigsResource(kind, resource.name, alterable)], validate_only
            )
            bodies.append((_asked_of(resource), body))
        self._call_all([(broker, body, answers.altered) for broker, body in bodies])

    def describe_configs(
        self, resources: Iterable[tuple[str, str]]
    ) -> dict[ConfigResource, dict[str, ConfigEntry]]:
        """The configs of resources such as ("topic", "t") or ("broker", "1"), by name.

        Those of ("logger", "1") are the levels of what broker 1 logs.
        """
        chosen = [_resource(given) for given in resources]
        with self._entered() as now:
            questions = {resource: self._ask_configs(now, resource) for resource in chosen}
        self._wait(lambda: all(question.done for question in questions.values()), None)
        return {resource: question.result() for resource, question in questions.items()}

    # --- quotas ----------------------------------------------------------------------------
    def alter_quotas(
        self,
        entity: Mapping[str, str | None],
        quotas: Mapping[str, float | None],
        *,
        validate_only: bool = False,
    ) -> None:
        """Limit clients: all of these quotas or none; None takes one away.

        `entity` says whom: {"client-id": "reports"}, {"user": "alice"}, both, {"ip": "10.0.0.1"}.
        With None for a name it is each that has no quota of its own. Quotas are Kafka's:
        producer_byte_rate, consumer_byte_rate (bytes a second, on each broker),
        controller_mutation_rate (partitions created and deleted a second), …
        """
        whom = [EntityData(*_named(kind, name)) for kind, name in entity.items()]
        ops = [
            OpData(key, 0.0 if value is None else float(value), value is None)
            for key, value in quotas.items()
        ]
        body = AlterClientQuotasRequest([EntryData(whom, ops)], validate_only)
        self._call(CONTROLLER, body, answers.quotas_altered)

    def describe_quotas(self, entity: Mapping[str, str | None] = {}) -> list[Quotas]:
        """The quotas of all entities with at least these names; without any, of all."""
        components = [
            ComponentData(kind, DEFAULT_NAME if name is None else THIS_NAME, name)
            for kind, name in (_named(*given) for given in entity.items())
        ]
        return self._call(ANY_BROKER, DescribeClientQuotasRequest(components), answers.quotas)

    def _ask_configs(self, now: int, resource: ConfigResource) -> Pending[dict[str, ConfigEntry]]:
        broker = _asked_of(resource)
        wanted = DescribeConfigsResource(
            resource_type=RESOURCE_TYPES[resource.kind],
            resource_name=resource.name,
            configuration_keys=None,
        )
        body = DescribeConfigsRequest(resources=[wanted], include_documentation=True)
        return self._node.add(broker, body, answers.configs, self._deadline(now))

    def _deadline(self, now: int) -> int:
        return now + self.config.default_api_timeout_ms * MS

    def _call(
        self, broker: int, body: Any, read: Callable[[Any], T], at_most: int | None = None
    ) -> T:
        with self._entered() as now:
            question = self._node.add(broker, body, read, self._deadline(now), at_most)
        return self._ask(question)

    def _call_all(self, asked: Sequence[tuple[int, Any, Callable[[Any], T]]]) -> list[T]:
        """Several calls at once. Raises the first error when all are over."""
        with self._entered() as now:
            deadline = self._deadline(now)
            questions = [
                self._node.add(broker, body, read, deadline) for broker, body, read in asked
            ]
        self._wait(lambda: all(question.done for question in questions), None)
        return [question.result() for question in questions]

    def close(self) -> None:
        """Let go of the connections. Harmless when repeated."""
        self._closed = True
        self._host.close()

    def __enter__(self) -> Admin:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


# --- making requests -------------------------------------------------------------------------
def _creatable(topic: NewTopic) -> CreatableTopic:
    if not isinstance(topic, NewTopic):
        raise TypeError(f"a topic to be created is a NewTopic, not {topic!r}")
    return CreatableTopic(
        name=topic.name,
        num_partitions=topic.partitions,
        replication_factor=topic.replication_factor,
        assignments=[],
        configs=[
            CreatableTopicConfig(name=name, value=_config_text(name, value))
            for name, value in topic.configs.items()
        ],
    )


def _config_text(name: str, value: object) -> str:
    """A config's value as it travels: Kafka's configs are texts, and its booleans lower case."""
    if not isinstance(name, str):
        raise TypeError(f"a config's name must be a str, not {name!r}")
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, (str, int, float)):
        raise TypeError(f"{name} must be a str or a number, not {type(value).__name__}")
    size = len(utf8(name, name + str(value)))
    if size > MAX_STRING_BYTES:
        raise ValueError(f"{name} takes {size} bytes with its value, {MAX_STRING_BYTES} at most")
    return str(value)


def _named(kind: object, name: object) -> tuple[str, str | None]:
    """One part of whom a quota is for. Whether there is such a kind is for the broker to say."""
    if not isinstance(kind, str) or not isinstance(name, str | None):
        raise TypeError(f"quotas are for types and names, such as 'user', not {kind!r}, {name!r}")
    utf8(f"{kind} {name}", kind + (name or ""))
    return kind, name


def _resource(given: object) -> ConfigResource:
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise TypeError(f"what has configs is a pair (kind, name), not {given!r}")
    kind, name = given[0], str(given[1])
    if kind not in RESOURCE_TYPES:
        raise ValueError(f"{kind} has no configs; topic, broker and logger do")
    if kind == "topic":
        topic_name(given[1])
    elif kind == "logger" and not name:
        raise ValueError("loggers belong to one broker: give its id")
    elif name and (not name.isdecimal() or int(name) > INT32_MAX):
        raise ValueError(f"a broker goes by its id, a number, not {name!r}")
    return ConfigResource(kind, name)


def _asked_of(resource: ConfigResource) -> int:
    """The broker that knows: of a broker's own configs only itself."""
    return int(resource.name) if resource.kind != "topic" and resource.name else ANY_BROKER
