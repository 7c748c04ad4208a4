"""CreateAcls (30): add access control lists (KIP-140).

Versions 1-3. 1 has patterns (KIP-290), 2 is flexible, 3 has users as resources (KIP-373).
"""

from __future__ import annotations

from minikafka.wire.schema import Message, Struct
from minikafka.wire.types import array, int8, int16, int32, string


class AclCreation(Struct):
    resource_type: int = int8()
    resource_name: str = string()
    resource_pattern_type: int = int8(default=3)
    principal: str = string()
    host: str = string()
    operation: int = int8()
    permission_type: int = int8()


class CreateAclsRequest(Message, api_key=30, versions="1-3", flexible="2+"):
    creations: list[AclCreation] = array(AclCreation)


class AclCreationResult(Struct):
    error_code: int = int16()
    error_message: str | None = string(nullable="0+")


class CreateAclsResponse(Message, answers=CreateAclsRequest):
    throttle_time_ms: int = int32()
    results: list[AclCreationResult] = array(AclCreationResult)
