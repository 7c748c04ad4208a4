"""Structs that several messages share.

They appear in messages only from the version on that knows them, so they need no
versions of their own.
"""

from __future__ import annotations

from minikafka.wire.schema import Struct
from minikafka.wire.types import int32, string


class LeaderIdAndEpoch(Struct):
    """Who leads a partition now, told together with NOT_LEADER_OR_FOLLOWER (KIP-951)."""

    leader_id: int = int32(default=-1)
    leader_epoch: int = int32(default=-1)


class NodeEndpoint(Struct):
    """Where such a leader can be reached."""

    node_id: int = int32()
    host: str = string()
    port: int = int32()
    rack: str | None = string(nullable="0+", default=None)
