"""Metadata (3): which brokers there are, and who leads which partition.

Versions 0-13. In version 0 an empty list of topics asks for all of them; from 1 on
null does, and an empty list asks for none. 4 can forbid automatic creation, 5 tells
offline replicas (KIP-112), 7 leader epochs (KIP-320), 8 authorized operations
(KIP-430), 9 is flexible, 10 tells topic ids and 12 asks by them (KIP-516), 11 leaves
the cluster's operations to DescribeCluster (KIP-700), 13 has an error for the whole
answer (KIP-1102).
"""

from __future__ import annotations

from minikafka.wire.schema import Message, Struct
from minikafka.wire.types import array, boolean, int16, int32, string, uuid

OPERATIONS_NOT_ASKED = -(1 << 31)
"""`…_authorized_operations` when the request did not ask for them."""


class MetadataRequestTopic(Struct):
    topic_id: bytes = uuid("10+", ignorable=True)
    name: str | None = string(nullable="10+")


class MetadataRequest(Message, api_key=3, versions="0-13", flexible="9+"):
    topics: list[MetadataRequestTopic] | None = array(MetadataRequestTopic, nullable="1+")
    allow_auto_topic_creation: bool = boolean("4+", default=True)
    include_cluster_authorized_operations: bool = boolean("8-10")
    include_topic_authorized_operations: bool = boolean("8+")


class MetadataResponseBroker(Struct):
    node_id: int = int32()
    host: str = string()
    port: int = int32()
    rack: str | None = string("1+", nullable="1+", default=None, ignorable=True)


class MetadataResponsePartition(Struct):
    error_code: int = int16()
    partition_index: int = int32()
    leader_id: int = int32()
    leader_epoch: int = int32("7+", default=-1, ignorable=True)
    replica_nodes: list[int] = array(int32)
    isr_nodes: list[int] = array(int32)
    offline_replicas: list[int] = array(int32, "5+", ignorable=True)


class MetadataResponseTopic(Struct):
    error_code: int = int16()
    name: str | None = string(nullable="12+")
    topic_id: bytes = uuid("10+", ignorable=True)
    is_internal: bool = boolean("1+", ignorable=True)
    partitions: list[MetadataResponsePartition] = array(MetadataResponsePartition)
    topic_authorized_operations: int = int32("8+", default=OPERATIONS_NOT_ASKED)


class MetadataResponse(Message, answers=MetadataRequest):
    throttle_time_ms: int = int32("3+", ignorable=True)
    brokers: list[MetadataResponseBroker] = array(MetadataResponseBroker)
    cluster_id: str | None = string("2+", nullable="2+", default=None, ignorable=True)
    controller_id: int = int32("1+", default=-1, ignorable=True)
    topics: list[MetadataResponseTopic] = array(MetadataResponseTopic)
    cluster_authorized_operations: int = int32("8-10", default=OPERATIONS_NOT_ASKED)
    error_code: int = int16("13+", ignorable=True)
