"""Who this broker is: `meta.properties`, at the root of its data directory.

      cluster.id=UoW8tq0fT5qg6S5mVQd9xA
      directory.id=5k9iV7kQTf2JH4mA1rZ0dg
      node.id=1
      version=1

A data directory belongs to one node of one cluster for good. Started with another
`node.id` over it, a broker would serve logs that the cluster believes to be elsewhere,
so it refuses to start. See Kafka's MetaProperties (version 1 is KRaft's) and KIP-858.

Not done: formatting as a step of its own (`kafka-storage format`): an empty directory is
formatted at the first start, with a new cluster id.
"""

from __future__ import annotations

import errno
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from minikafka.log.checkpoint import (
    META_PROPERTIES,
    read_meta_properties,
    write_meta_properties,
)
from minikafka.log.directory import METADATA_TOPIC
from minikafka.log.names import holds_log, parse_partition
from minikafka.wire.types import is_uuid, random_uuid, uuid_from_text, uuid_text

if TYPE_CHECKING:
    from minikafka.log.files import Files

VERSION = "1"
METADATA_DIRECTORY = f"{METADATA_TOPIC}-0"


class WrongDirectory(OSError):
    """The data directory is not this broker's, or not in a format that this broker knows."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EINVAL, reason, META_PROPERTIES)

    def __str__(self) -> str:
        return f"{self.filename}: {self.strerror}"


class Identity(NamedTuple):
    """What the data directory says about its owner. The ids are UUIDs, in Kafka's text form."""

    cluster_id: str
    node_id: int
    directory_id: str

    @property
    def directory_uuid(self) -> bytes:
        return uuid_from_text(self.directory_id)


def identify(files: Files, node_id: int, random: Random) -> Identity:
    """Read who owns the directory; claim it for `node_id` if nobody does.

    Raises WrongDirectory, saying what was found and what was expected.
    """
    found = read_meta_properties(files)
    if not files.exists(METADATA_DIRECTORY):
        logs = [name for name in files.list() if parse_partition(name) and holds_log(files, name)]
        if logs:
            raise WrongDirectory(
                f"{METADATA_DIRECTORY} is missing, but logs are there ({logs[0]}, …); without it "
                "they are nobody's. Put it back, or take another directory"
            )
    if found is None:
        if files.exists(METADATA_DIRECTORY):
            raise WrongDirectory(
                f"it is missing, but {METADATA_DIRECTORY} is there; a new one would make these "
                "the logs of another cluster. Put it back, or take another directory"
            )
        identity = Identity(uuid_text(random_uuid(random)), node_id, uuid_text(random_uuid(random)))
        write_meta_properties(files, _properties(identity))
        return identity
    if found.get("version") != VERSION:
        raise WrongDirectory(f"version {found.get('version')}, not {VERSION}")
    for name in ("cluster.id", "node.id", "directory.id"):
        if not found.get(name):
            raise WrongDirectory(f"{name} is missing")
    if not is_uuid(found["directory.id"]):
        raise WrongDirectory(f"directory.id {found['directory.id']} is no UUID")
    if found["node.id"] != str(node_id):
        raise WrongDirectory(
            f"this directory belongs to node.id {found['node.id']}, "
            f"but the broker is configured with node.id {node_id}"
        )
    return Identity(found["cluster.id"], node_id, found["directory.id"])


def _properties(identity: Identity) -> dict[str, str]:
    return {
        "cluster.id": identity.cluster_id,
        "directory.id": identity.directory_id,
        "node.id": str(identity.node_id),
        "version": VERSION,
    }
