"""The admin client: topics, their records and configs, and what the brokers hold.

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
    log directories            each broker for itself

A call that names several things tries them all; if some fail, it raises the error of the
first that did. Retrying is safe but not invisible: a topic that was created by a request
whose answer got lost is reported as TOPIC_ALREADY_EXISTS, as by Kafka's own client.

Not done: everything about groups, quotas, ACLs and replicas; appending to and subtracting from
configs that are lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from minikafka.client.arguments import (
    INT32_MAX,
    INT64_MAX,
    TopicPartition,
    topic_name,
    topic_names,
    utf8,
    whole_number,
)
from minikafka.client.config import ClientConfig
from minikafka.client.facade import Facade
from minikafka.client.node import ClientNode, Pending
from minikafka.config import ConfigType, at_least, int_
from minikafka.node import MS
from minikafka.wire.compiler import MAX_STRING_BYTES
from minikafka.wire.errors import ErrorCode, KafkaError
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
from minikafka.wire.types import uuid_text

if TYPE_CHECKING:
    from minikafka.node import World

T = TypeVar("T")

INT16_MAX = (1 << 15) - 1
LAST_DELETE_WITH_NAMES = 5  # DeleteTopics 6 has another shape, for topic ids
RESOURCE_TYPES = {"topic": 2, "broker": 4}
PUT_AGAIN = (
    ErrorCode.NETWORK_EXCEPTION,
    ErrorCode.NOT_CONTROLLER,
    ErrorCode.LEADER_NOT_AVAILABLE,
)
"""Not all that is retriable to others: that a topic does not exist is an answer here."""
ANY_BROKER = -1
CONTROLLER = -2


class AdminConfig(ClientConfig, kind="admin"):
    """The admin client's own configs, beside those of every client."""

    default_api_timeout_ms: int = int_(
        60_000, "How long a call may take in all, retries included.", at_least(0)
    )


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


@dataclass(frozen=True, slots=True)
class CreatedTopic:
    """A topic as it was created; `configs` are all of its configs, defaults included."""

    name: str
    topic_id: str
    partitions: int
    replication_factor: int
    configs: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class TopicListing:
    name: str
    topic_id: str
    is_internal: bool


@dataclass(frozen=True, slots=True)
class PartitionDescription:
    """`leader` is -1 while there is none."""

    partition: int
    leader: int
    leader_epoch: int
    replicas: tuple[int, ...]
    in_sync_replicas: tuple[int, ...]
    offline_replicas: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TopicDescription:
    name: str
    topic_id: str
    is_internal: bool
    partitions: tuple[PartitionDescription, ...]


class ConfigSource(IntEnum):
    """Where a config's value was set (KIP-226)."""

    UNKNOWN = 0
    DYNAMIC_TOPIC_CONFIG = 1
    DYNAMIC_BROKER_CONFIG = 2
    DYNAMIC_DEFAULT_BROKER_CONFIG = 3
    STATIC_BROKER_CONFIG = 4
    DEFAULT_CONFIG = 5
    DYNAMIC_BROKER_LOGGER_CONFIG = 6
    CLIENT_METRICS_CONFIG = 7
    GROUP_CONFIG = 8


class ConfigResource(NamedTuple):
    """What has configs. `kind` is "topic" or "broker", `name` a topic's name or a broker's id."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class ConfigEntry:
    """One config. `value` is None when it is not set, and for sensitive ones always."""

    name: str
    value: str | None
    source: ConfigSource
    is_read_only: bool
    is_sensitive: bool
    type: ConfigType | None
    documentation: str | None


@dataclass(frozen=True, slots=True)
class ClusterDescription:
    """`brokers` are "host:port" by id."""

    cluster_id: str
    controller: int
    brokers: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class LogDirDescription:
    """A broker's directory. The sizes of the volume are -1 when the broker does not tell them."""

    broker: int
    path: str
    partition_bytes: Mapping[TopicPartition, int]
    total_bytes: int
    usable_bytes: int


class _Task:
    """A request that is repeated until it has a result or its time is up."""

    __slots__ = (
        "at_most",
        "attempts",
        "body",
        "broker",
        "deadline",
        "is_asking",
        "read",
        "result",
        "retry_at",
    )

    def __init__(
        self, broker: int, body: Any, read: Callable[[Any], Any], deadline: int, at_most: int | None
    ) -> None:
        self.broker = broker  # an id, ANY_BROKER or CONTROLLER
        self.body = body
        self.read = read  # makes the result of an answer, or raises KafkaError
        self.deadline = deadline
        self.at_most = at_most
        self.result: Pending[Any] = Pending()
        self.is_asking = False
        self.attempts = 0
        self.retry_at = 0


class AdminNode(ClientNode):
    """The machine: a few tasks, each waiting for its broker or its answer."""

    def __init__(self, config: AdminConfig) -> None:
        super().__init__(config)
        self._tasks: list[_Task] = []

    def add(
        self,
        broker: int,
        body: Any,
        read: Callable[[Any], T],
        deadline: int,
        at_most: int | None = None,
    ) -> Pending[T]:
        """Put a request to a broker (or ANY_BROKER, CONTROLLER), and `read` the answer."""
        task = _Task(broker, body, read, deadline, at_most)
        self._tasks.append(task)
        return task.result

    def work(self, now: int) -> None:
        for task in list(self._tasks):
            if task.deadline <= now:
                why = f"no answer to {task.body.NAME} in time"
                self._finish(task, KafkaError(ErrorCode.REQUEST_TIMED_OUT, why))
                continue
            self.wake_at(task.deadline)
            if not task.is_asking:
                self._maybe_send(now, task)

    def _maybe_send(self, now: int, task: _Task) -> None:
        if task.retry_at > now:
            self.wake_at(task.retry_at)
            return
        if task.broker != ANY_BROKER and not self.metadata.updates:
            self.metadata.request_update()  # which broker has which address is not known yet
            return
        broker = self.metadata.controller_id if task.broker == CONTROLLER else task.broker
        connection = self.any_ready(now) if broker == ANY_BROKER else self.ready(now, broker)
        if connection is not None:
            task.is_asking = True
            self.send(now, connection, task.body, partial(self._answered_task, task), task.at_most)

    def _answered_task(self, task: _Task, now: int, answer: Any) -> None:
        task.is_asking = False
        if task.result.done:
            return
        try:
            if isinstance(answer, KafkaError):
                raise answer
            value = task.read(answer)
        except KafkaError as error:
            if error.code in PUT_AGAIN:
                self.metadata.request_update()
                task.retry_at = now + self.backoff.delay_us(task.attempts, self.random)
                task.attempts += 1
            else:
                self._finish(task, error)
        else:
            self._tasks.remove(task)
            task.result.succeed(value)

    def _finish(self, task: _Task, error: KafkaError) -> None:
        self._tasks.remove(task)
        task.result.fail(error)


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
        return self._call(CONTROLLER, body, _created)

    def delete_topics(self, names: Iterable[str]) -> None:
        """Delete topics, and with them their records."""
        body = DeleteTopicsRequest(
            topics=[], topic_names=topic_names(names), timeout_ms=self.config.request_timeout_ms
        )
        self._call(CONTROLLER, body, _deleted, LAST_DELETE_WITH_NAMES)

    def list_topics(self, *, internal: bool = False) -> dict[str, TopicListing]:
        """All topics; with `internal` also those that Kafka keeps for itself."""
        found = self._call(ANY_BROKER, MetadataRequest(topics=None), _described)
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
        return self._call(ANY_BROKER, body, _described)

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
        self._call(CONTROLLER, body, _grown)

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
        leaders = self._call(ANY_BROKER, asked, _leaders)
        bodies = []
        for tp, offset in wanted.items():
            partitions = [DeleteRecordsPartition(tp.partition, offset)]
            body = DeleteRecordsRequest(
                [DeleteRecordsTopic(tp.topic, partitions)], self.config.request_timeout_ms
            )
            # Who leads nothing says so: an unknown partition is any broker's to refuse.
            bodies.append((leaders.get(tp, ANY_BROKER), body, _trimmed))
        begins: dict[TopicPartition, int] = {}
        for begin in self._call_all(bodies):
            begins |= begin
        return begins

    # --- the cluster -----------------------------------------------------------------------
    def describe_cluster(self) -> ClusterDescription:
        """Which brokers there are."""
        return self._call(ANY_BROKER, DescribeClusterRequest(), _cluster)

    def describe_log_dirs(self, brokers: Iterable[int] | None = None) -> list[LogDirDescription]:
        """What lies in the directories of these brokers (default: of all)."""
        chosen = list(self.describe_cluster().brokers if brokers is None else brokers)
        return [
            described
            for broker in chosen
            for described in self._call(
                broker, DescribeLogDirsRequest(topics=None), partial(_log_dirs, broker)
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

        A resource is ("topic", name), ("broker", id), or ("broker", "") for all brokers. For each
        it is all of its changes or none.
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
        self._call_all([(broker, body, _altered) for broker, body in bodies])

    def describe_configs(
        self, resources: Iterable[tuple[str, str]]
    ) -> dict[ConfigResource, dict[str, ConfigEntry]]:
        """The configs of resources such as ("topic", "t") or ("broker", "1"), by name."""
        chosen = [_resource(given) for given in resources]
        with self._entered() as now:
            questions = {resource: self._ask_configs(now, resource) for resource in chosen}
        self._wait(lambda: all(question.done for question in questions.values()), None)
        return {resource: question.result() for resource, question in questions.items()}

    def _ask_configs(self, now: int, resource: ConfigResource) -> Pending[dict[str, ConfigEntry]]:
        broker = _asked_of(resource)
        wanted = DescribeConfigsResource(
            resource_type=RESOURCE_TYPES[resource.kind],
            resource_name=resource.name,
            configuration_keys=None,
        )
        body = DescribeConfigsRequest(resources=[wanted], include_documentation=True)
        return self._node.add(broker, body, _configs, self._deadline(now))

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


def _resource(given: object) -> ConfigResource:
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise TypeError(f"what has configs is a pair (kind, name), not {given!r}")
    kind, name = given[0], str(given[1])
    if kind not in RESOURCE_TYPES:
        raise ValueError(f"{kind} has no configs; topic and broker do")
    if kind == "topic":
        topic_name(given[1])
    elif name and (not name.isdecimal() or int(name) > INT32_MAX):
        raise ValueError(f"a broker goes by its id, a number, not {name!r}")
    return ConfigResource(kind, name)


def _asked_of(resource: ConfigResource) -> int:
    """The broker that knows: of a broker's own configs only itself."""
    return int(resource.name) if resource.kind == "broker" and resource.name else ANY_BROKER


# --- reading answers -------------------------------------------------------------------------
def _check(what: str, error_code: int, why: str | None = None) -> None:
    if error_code != ErrorCode.NONE:
        code = ErrorCode.of(error_code)
        raise KafkaError(code, f"{what}: {why or code.description}")


def _created(answer: Any) -> dict[str, CreatedTopic]:
    for topic in answer.topics:
        _check(f"topic {topic.name}", topic.error_code, topic.error_message)
    return {
        topic.name: CreatedTopic(
            topic.name,
            uuid_text(topic.topic_id),
            topic.num_partitions,
            topic.replication_factor,
            {config.name: config.value for config in topic.configs or []},
        )
        for topic in answer.topics
    }


def _deleted(answer: Any) -> None:
    for topic in answer.responses:
        _check(f"topic {topic.name}", topic.error_code, topic.error_message)


def _grown(answer: Any) -> None:
    for topic in answer.results:
        _check(f"topic {topic.name}", topic.error_code, topic.error_message)


def _leaders(answer: Any) -> dict[TopicPartition, int]:
    return {
        TopicPartition(topic.name, partition.partition_index): partition.leader_id
        for topic in answer.topics
        for partition in topic.partitions
    }


def _trimmed(answer: Any) -> dict[TopicPartition, int]:
    begins = {}
    for topic in answer.topics:
        for partition in topic.partitions:
            tp = TopicPartition(topic.name, partition.partition_index)
            _check(str(tp), partition.error_code)
            begins[tp] = partition.low_watermark
    return begins


def _cluster(answer: Any) -> ClusterDescription:
    _check("cluster", answer.error_code, answer.error_message)
    return ClusterDescription(
        answer.cluster_id,
        answer.controller_id,
        {each.broker_id: f"{each.host}:{each.port}" for each in answer.brokers},
    )


def _log_dirs(broker: int, answer: Any) -> list[LogDirDescription]:
    _check(f"broker {broker}", answer.error_code)
    for each in answer.results:
        _check(f"{each.log_dir} of broker {broker}", each.error_code)
    return [
        LogDirDescription(
            broker,
            each.log_dir,
            {
                TopicPartition(topic.name, partition.partition_index): partition.partition_size
                for topic in each.topics
                for partition in topic.partitions
            },
            each.total_bytes,
            each.usable_bytes,
        )
        for each in answer.results
    ]


def _altered(answer: Any) -> None:
    for each in answer.responses:
        _check(each.resource_name or "all brokers", each.error_code, each.error_message)


def _described(answer: Any) -> dict[str, TopicDescription]:
    for topic in answer.topics:
        _check(f"topic {topic.name}", topic.error_code)
    return {topic.name: _description(topic) for topic in answer.topics}


def _description(topic: Any) -> TopicDescription:
    partitions = sorted(topic.partitions, key=lambda partition: int(partition.partition_index))
    return TopicDescription(
        topic.name,
        uuid_text(topic.topic_id),
        topic.is_internal,
        tuple(
            PartitionDescription(
                partition.partition_index,
                partition.leader_id,
                partition.leader_epoch,
                tuple(partition.replica_nodes),
                tuple(partition.isr_nodes),
                tuple(partition.offline_replicas),
            )
            for partition in partitions
        ),
    )


def _configs(answer: Any) -> dict[str, ConfigEntry]:
    (result,) = answer.results
    _check(result.resource_name, result.error_code, result.error_message)
    return {
        config.name: ConfigEntry(
            config.name,
            config.value,
            ConfigSource(config.config_source)
            if config.config_source >= 0
            else ConfigSource.UNKNOWN,
            config.read_only,
            config.is_sensitive,
            ConfigType(config.config_type) if config.config_type else None,
            config.documentation,
        )
        for config in result.configs
    }
