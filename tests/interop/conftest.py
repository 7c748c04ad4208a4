"""Servers for the tests of this folder: our broker and Apache Kafka, as real processes.

A test that takes `server` runs against both. Apache Kafka is there as the judge of the
test: what it does not do need not be asked of us.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from minikafka.bench.servers import (
    ApacheKafka,
    Minikafka,
    Server,
    Unavailable,
    kafka_libraries,
    run_tool,
)

# A killed Kafka broker is let in again only when its old session has run out.
QUICK_RETURN = {
    ApacheKafka: {"broker_session_timeout_ms": "1000", "broker_heartbeat_interval_ms": "200"}
}


@pytest.fixture(scope="session", params=[Minikafka, ApacheKafka], ids=["minikafka", "apache"])
def server_class(request: pytest.FixtureRequest) -> type[Server]:
    """Which server this run of the test is for."""
    kind: type[Server] = request.param
    return kind


@pytest.fixture(scope="session")
def server(
    server_class: type[Server], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A running broker that the tests of a session share; each uses topics of its own."""
    yield from _running(server_class(tmp_path_factory.mktemp("shared")))


@pytest.fixture
def own_server(server_class: type[Server], tmp_path: Path) -> Iterator[Server]:
    """A broker of the test's own, to be stopped, killed, and have its files looked at."""
    yield from _running(server_class(tmp_path, **QUICK_RETURN.get(server_class, {})))


@pytest.fixture
def kafka_tool() -> Callable[..., str]:
    """`run_tool`, where Apache Kafka's tools can be run."""
    try:
        kafka_libraries()
    except Unavailable as error:
        pytest.skip(str(error))
    return run_tool


def _running(server: Server) -> Iterator[Server]:
    try:
        server.start()
    except Unavailable as error:
        pytest.skip(str(error))
    yield server
    server.kill()
