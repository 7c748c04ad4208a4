"""Servers for the tests of this folder: our broker and Apache Kafka, as real processes.

A test that takes `server` runs against both. Apache Kafka is there as the judge of the
test: what it does not do need not be asked of us.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from minikafka.bench.servers import ApacheKafka, Minikafka, Server, Unavailable


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
    yield from _running(server_class, tmp_path_factory)


@pytest.fixture(scope="session")
def apache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Apache Kafka alone, for tests of our side that need the original opposite."""
    yield from _running(ApacheKafka, tmp_path_factory)


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Our broker alone."""
    yield from _running(Minikafka, tmp_path_factory)


def _running(kind: type[Server], factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = kind(factory.mktemp(kind.name.replace(" ", "-")))
    try:
        server.start()
    except Unavailable as error:
        pytest.skip(str(error))
    yield server
    server.stop()
