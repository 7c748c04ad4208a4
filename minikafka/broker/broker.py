"""One Kafka broker, as a machine without a clock, a socket or a thread.

                           ┌────────────────────── Broker ──────────────────────┐
      Request ─ receive ──►│ HANDLERS[type of body](broker, now, request)       │
                           │    │ answers at once          │ or parks           │
      Response ◄─ outbox ──│◄───┘                          ▼                    │
                           │            appends ──► grown ──► purgatory ──┐     │
      Response ◄─ outbox ──│◄─── poll: wakes what grew, expires what is late    │
                           │     poll: care of the logs (retention, flush, …)   │
                           └────────────────────────────────────────────────────┘

Kafka spreads this over acceptor, processor and handler threads, with queues and locks
between them. Here one thread brings all requests of a round and then polls once; what
keeps the rules of Kafka are the machines below (a log, an image, a purgatory), and none
of them has a lock.

Start: read whose directory this is, replay the metadata log, open every partition that
the image puts on this broker. Stop: flush and mark the stop as clean. A crash is the
absence of a stop, and the next start finds out what it meant.

A request in a version that this broker does not serve closes its channel, with one
exception (apis/k18_api_versions.py). What no handler expects leaves `receive` as an
exception, and no answer claims anything about it.

Not done: access control, and the JMX metrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from minikafka.broker.apis import HANDLERS, SERVED
from minikafka.broker.config import BrokerConfig, Endpoint
from minikafka.broker.described import Layers, in_force, that_count
from minikafka.broker.identity import identify
from minikafka.broker.purgatory import Purgatory
from minikafka.broker.quotas import Mutes, Quotas
from minikafka.broker.sessions import SessionCache
from minikafka.log.checkpoint import CLEAN_SHUTDOWN
from minikafka.loggers import Loggers
from minikafka.node import MS, Closed, Message, Node, Request, Response
from minikafka.quorum.controller import PRODUCER_ID_BLOCK, Controller, NewTopic
from minikafka.quorum.image import BROKER_RESOURCE, TOPIC_RESOURCE
from minikafka.quorum.metadata_log import MetadataLog
from minikafka.replica.manager import ReplicaManager
from minikafka.replica.partition import Partition, PartitionStatistics
from minikafka.wire.messages.api_versions import ApiVersionsRequest
from minikafka.wire.messages.metadata_records import (
    ClientQuotaRecord,
    ConfigRecord,
    PartitionRecord,
    RemoveTopicRecord,
    TopicRecord,
)
from minikafka.wire.types import uuid_text

if TYPE_CHECKING:
    from minikafka.log.files import Files


class BrokerStatistics(NamedTuple):
    """A broker at one moment. `parked_requests` wait in the purgatory."""

    node_id: int
    cluster_id: str
    partitions: tuple[PartitionStatistics, ...]
    parked_requests: int
    fetch_sessions: int
    metadata_offset: int


class Broker(Node):
    """See the module's text. The world lends `files`, `random` and `trace` before `start`."""

    files: Files

    def __init__(self, config: BrokerConfig) -> None:
        super().__init__(f"broker-{config.node_id}")
        self.loggers = Loggers()
        self.static = config  # as it was started
        self.config = config  # and what is in force: some of it can be changed meanwhile
        self.served = SERVED
        # What the driver looks to, as it is the driver's to enforce:
        self.max_request_bytes = config.socket_request_max_bytes
        self.max_idle_ms = config.connections_max_idle_ms  # of a connection; negative: for ever
        host, port = config.advertised
        self.advertised = Endpoint(host or self.name, port)
        self.purgatory = Purgatory()
        self.grown: dict[Partition, None] = {}
        """Partitions that changed in this turn: what waits for them looks again in `poll`."""
        self.request_counts: dict[int, int] = {}
        """How many requests of each API key were handled."""
        self._producer_ids = range(0)  # what is left of the block that was reserved

    def advertise(self, address: str) -> None:
        """Learn where the driver listens, "host:port"; told to clients unless a config is."""
        if "advertised.listeners" not in self.config.given:
            host, _, port = address.rpartition(":")
            self.advertised = Endpoint(host.strip("[]"), int(port))

    @property
    def max_connections(self) -> int:
        return self.config.max_connections

    def max_connections_from(self, address: str) -> int:
        config = self.config
        if not config.max_connections_per_ip_overrides:
            return config.max_connections_per_ip
        return config.connections_by_address.get(address, config.max_connections_per_ip)

    @property
    def layers(self) -> Layers:
        """The configs by where they were set."""
        configs, me = self.image.configs, str(self.static.node_id)
        own, every = (that_count(configs.get((BROKER_RESOURCE, name), {})) for name in (me, ""))
        return Layers(self.config, own, every, self.static)

    # --- life ---
    def start(self, now: int) -> None:
        """Raises WrongDirectory when the data directory is somebody else's."""
        config, files = self.static, self.files
        self.identity = identify(files, config.node_id, self.random)
        self.metadata_log = MetadataLog(files, now, self.emit, files.exists(CLEAN_SHUTDOWN))
        self.image = self.metadata_log.image
        self.config = config = in_force(config, self.layers.all_brokers, self.layers.own)
        self.controller = Controller(
            self.image, config.node_id, self.identity.directory_uuid, self.random
        )
        traced = self.trace is not None
        self.replicas = ReplicaManager(files, config, self.image, now, self.emit, traced)
        self.quotas = Quotas(self.image, config)
        self.mutes = Mutes()
        slots = config.max_incremental_fetch_session_cache_slots
        self.sessions = SessionCache(slots, self.random)

    def stop(self, now: int) -> None:
        self.metadata_log.close(now)
        self.replicas.close(now)

    # --- messages ---
    def receive(self, now: int, message: Message) -> None:
        if type(message) is Request:
            body, version = message.body, message.version
            versions = SERVED.get(body.API_KEY)
            if versions is None or not (
                versions[0] <= version <= versions[1] or type(body) is ApiVersionsRequest
            ):
                reason = f"{body.NAME} version {version} is not served"
                self.outbox.append(Closed(message.channel, reason))
                return
            if "request" not in self.loggers.unwanted:
                self._say_request(message)
            counts = self.request_counts
            counts[body.API_KEY] = counts.get(body.API_KEY, 0) + 1
            answer = HANDLERS[body.API_KEY](self, now, message)
            if answer is None:
                return
            if self.image.quotas:
                self.respond(now, message, answer)
            else:
                self.outbox.append(
                    Response(message.channel, answer, version, message.correlation_id)
                )
        elif type(message) is Closed:
            self.purgatory.forget(message.channel, now)
            self.mutes.forget(message.channel)

    def _say_request(self, request: Request) -> None:
        body = request.body
        self.emit(
            "request",
            api=body.NAME,
            version=request.version,
            client_id=request.client_id,
            channel=str(request.channel),
            correlation_id=request.correlation_id,
        )

    def poll(self, now: int) -> int:
        if self.grown:
            grown, self.grown = self.grown, {}
            if len(self.purgatory):
                for partition in grown:
                    self.purgatory.wake(partition, now)
        deadline, care = self.purgatory.expire(now), self.replicas.poll(now)
        if len(self.mutes):
            deadline = min(deadline, self.mutes.end(now, self.outbox))
        return deadline if deadline < care else care

    # --- what handlers ask for ---
    def respond(self, now: int, request: Request, answer: Any) -> None:
        """Answer a request. A client that was too fast is not heard for as long as it was told."""
        throttle_ms = answer.throttle_time_ms if self.image.quotas else 0
        channel = request.channel
        self.outbox.append(
            Response(channel, answer, request.version, request.correlation_id, throttle_ms > 0)
        )
        if throttle_ms > 0:
            self.mute(now, request, throttle_ms)

    def mute(self, now: int, request: Request, throttle_ms: int) -> None:
        channel = request.channel
        self.mutes.mute(channel, now + throttle_ms * MS)
        self.emit(
            "throttled",
            channel=str(channel),
            client_id=request.client_id,
            api=request.body.NAME,
            throttle_time_ms=throttle_ms,
        )

    def plan_topic(self, wish: NewTopic) -> list[Any]:
        """The records that create this topic. Raises KafkaError."""
        config = self.config
        return self.controller.plan_topic(
            wish, config.num_partitions, config.default_replication_factor
        )

    def commit(self, records: list[Any], now: int) -> None:
        """Make these metadata records true, and follow what they say: open logs, delete logs."""
        removed = [
            self.image.topics_by_id[record.topic_id]
            for record in records
            if type(record) is RemoveTopicRecord
        ]
        self.metadata_log.commit(records, now)
        for topic in removed:
            for partition in self.replicas.remove(topic, now):
                # At once: in this turn the name may come back, with other partitions.
                self.purgatory.wake(partition, now)
            self.emit("topic_deleted", topic=topic.name, topic_id=uuid_text(topic.topic_id))
        self._reconfigure([record for record in records if type(record) is ConfigRecord])
        for record in records:
            if type(record) is ClientQuotaRecord:
                self._say_quota(record)
        created = [record.topic_id for record in records if type(record) is TopicRecord]
        grown = {record.topic_id: None for record in records if type(record) is PartitionRecord}
        for topic_id in grown:
            topic = self.image.topics_by_id[topic_id]
            self.replicas.add(topic, now)
            self.emit(
                "topic_created" if topic_id in created else "partitions_created",
                topic=topic.name,
                topic_id=uuid_text(topic_id),
                partitions=len(topic.partitions),
                leader_epoch=topic.partitions[len(topic.partitions) - 1].leader_epoch,
            )

    def _reconfigure(self, changes: list[ConfigRecord]) -> None:
        """Let changed configs be in force from now on."""
        topics = {each.resource_name for each in changes if each.resource_type == TOPIC_RESOURCE}
        if any(change.resource_type == BROKER_RESOURCE for change in changes):
            self.config = in_force(self.static, self.layers.all_brokers, self.layers.own)
            topics = set(self.image.topics)  # it is the default of them all
        self.replicas.configure(self.config, topics & self.image.topics.keys())
        for change in changes:
            self.emit(
                "config_changed",
                resource=change.resource_name,
                config=change.name,
                value=change.value,
            )

    def _say_quota(self, record: ClientQuotaRecord) -> None:
        entity = {each.entity_type: each.entity_name for each in record.entity}
        value = None if record.remove else record.value
        self.emit("quota_changed", entity=entity, quota=record.key, value=value)

    def next_producer_id(self, now: int) -> int:
        """An id that no producer has had. Reserves a block of them in the log when it has none."""
        if not self._producer_ids:
            first = self.image.next_producer_id
            self.metadata_log.commit(self.controller.plan_producer_ids(), now)
            self._producer_ids = range(first, first + PRODUCER_ID_BLOCK)
        producer_id, self._producer_ids = self._producer_ids[0], self._producer_ids[1:]
        return producer_id

    def statistics(self) -> BrokerStatistics:
        """What there is to see, for figures, tests and the command line."""
        return BrokerStatistics(
            node_id=self.config.node_id,
            cluster_id=self.identity.cluster_id,
            partitions=tuple(each.statistics() for each in self.replicas),
            parked_requests=len(self.purgatory),
            fetch_sessions=len(self.sessions),
            metadata_offset=self.image.offset,
        )
