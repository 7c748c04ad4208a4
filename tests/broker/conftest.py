"""Brokers for tests; see talk.py and judge.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from minikafka.bench.servers import ApacheKafka, Minikafka, Unavailable

from .judge import Judge, Peer, make_topic
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
        for name in ("t", "u", "empty", "old.name"):
            make_topic(judge, name, 2)
        yield judge
    kafka.kill()
