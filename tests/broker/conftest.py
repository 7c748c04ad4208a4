"""Brokers for tests; see talk.py and judge.py."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from minikafka.bench.servers import ApacheKafka, Minikafka, Unavailable
from minikafka.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest

from .judge import Judge, Peer
from .talk import Conversation


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Conversation]:
    """Start a broker with some configs; a second one takes over the directory of the first."""
    return lambda **configs: Conversation(tmp_path, **configs)


@pytest.fixture
def broker(tmp_path: Path) -> Conversation:
    """A broker with Kafka's defaults."""
    return Conversation(tmp_path)


@pytest.fixture(scope="session")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    kafka = ApacheKafka(tmp_path_factory.mktemp("kafka"))
    ours = Minikafka(tmp_path_factory.mktemp("ours"))
    try:
        kafka.start()
    except Unavailable as error:
        pytest.skip(str(error))
    with ours:
        judge = Judge(Peer(kafka.address), Peer(ours.address))
        for peer in judge.peers.values():
            topics = [CreatableTopic(name=name, num_partitions=2, replication_factor=1)
                      for name in ("t", "u", "empty", "old.name")]  # fmt: skip
            for result in peer.ask(CreateTopicsRequest(topics=topics), 7).topics:
                peer.ids[result.name] = result.topic_id
        time.sleep(1)  # Kafka's broker learns of its controller's decision a little later
        yield judge
    kafka.kill()
