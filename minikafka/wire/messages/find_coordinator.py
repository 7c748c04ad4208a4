"""FindCoordinator (10): which broker looks after a group or a transactional id.

Versions 0-6. 1 knows transactions (KIP-98), 3 is flexible, 4 asks for many keys at
once (KIP-699), 5 may answer TRANSACTION_ABORTABLE (KIP-890), 6 knows share groups
(KIP-932).
"""

from __future__ import annotations

from minikafka.wire.schema import Message, Struct
from minikafka.wire.types import array, int8, int16, int32, string


class FindCoordinatorRequest(Message, api_key=10, versions="0-6", flexible="3+"):
    key: str = string("0-3")
    key_type: int = int8("1+")  # 0 group, 1 transaction, 2 share
    coordinator_keys: list[str] = array(string, "4+")


class Coordinator(Struct):
    key: str = string()
    node_id: int = int32()
    host: str = string()
    port: int = int32()
    error_code: int = int16()
    error_message: str | None = string(nullable="0+", ignorable=True)


class FindCoordinatorResponse(Message, answers=FindCoordinatorRequest):
    throttle_time_ms: int = int32("1+", ignorable=True)
    error_code: int = int16("0-3")
    error_message: str | None = string("1-3", nullable="1-3", ignorable=True)
    node_id: int = int32("0-3")
    host: str = string("0-3")
    port: int = int32("0-3")
    coordinators: list[Coordinator] = array(Coordinator, "4+")
