"""Connections, versions, timeouts and metadata: what every client does the same way."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from minikafka.admin.machine import ANY_BROKER, AdminConfig, AdminNode
from minikafka.client.metadata import Backoff
from minikafka.client.node import Pending
from minikafka.node import MS, NEVER
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.messages.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from minikafka.wire.messages.describe_configs import DescribeConfigsRequest, DescribeConfigsResponse
from minikafka.wire.messages.metadata import MetadataRequest

from .scripted import Bench, Cluster


def bench(cluster: Cluster | None = None, **configs: object) -> Bench:
    given = {"bootstrap.servers": "boot-1:9092,boot-2:9092", **configs}
    return Bench(AdminNode(AdminConfig.of(given)), cluster or Cluster())


def ask(
    bench: Bench, broker: int = ANY_BROKER, read: Callable[[Any], Any] = lambda answer: answer
) -> Pending[Any]:
    node = bench.node
    assert isinstance(node, AdminNode)
    question = node.add(broker, DescribeConfigsRequest(resources=[]), read, bench.now + 60_000 * MS)
    bench.turn()
    return question


def test_an_idle_client_connects_nowhere() -> None:
    b = bench()
    b.turn()
    assert b.sent == []
    assert b.wake == NEVER


def test_the_first_request_of_a_connection_is_api_versions() -> None:
    b = bench()
    ask(b)
    (request,) = b.sent
    assert isinstance(request.body, ApiVersionsRequest)
    assert request.version == 4
    assert request.body.client_software_name == "minikafka"
    assert request.client_id == "admin"


def test_the_newest_version_that_both_speak_is_used() -> None:
    b = bench(Cluster(newest={DescribeConfigsRequest: 2}))
    ask(b)
    b.connect()
    assert b.take_one(DescribeConfigsRequest).version == 2


def test_a_version_nobody_shares_fails_the_call_and_says_so() -> None:
    b = bench(Cluster(newest={DescribeConfigsRequest: 0}))
    question = ask(b)
    b.connect()
    assert question.error is not None
    assert question.error.code is ErrorCode.UNSUPPORTED_VERSION
    assert "DescribeConfigs" in question.error.message


def test_an_old_broker_is_asked_again_in_the_version_it_names() -> None:
    # KIP-511: it answers a version that it does not know in version 0.
    b = bench()
    ask(b)
    request = b.take_one(ApiVersionsRequest)
    b.answer(
        request,
        ApiVersionsResponse(
            error_code=ErrorCode.UNSUPPORTED_VERSION,
            api_keys=[ApiVersion(api_key=18, min_version=0, max_version=2)],
        ),
        version=0,
    )
    again = b.take_one(ApiVersionsRequest)
    assert again.version == 2
    assert again.channel is request.channel
    b.answer(again, b.cluster.versions())
    b.take_one(DescribeConfigsRequest)


def test_a_refused_connection_is_tried_again_after_a_growing_backoff() -> None:
    b = bench(bootstrap_servers="boot-1:9092")
    ask(b)
    waits = []
    for _ in range(6):
        (request,) = b.sent
        b.sent.clear()
        b.cut(request, "connection refused")
        assert b.sent == []
        began = b.now
        b.wait((b.wake - b.now) / MS)
        waits.append((b.now - began) / MS)
    # 50 100 200 400 800 1000, each within 20 %.
    for waited, expected in zip(waits, [50, 100, 200, 400, 800, 1000], strict=True):
        assert 0.8 * expected <= waited <= 1.2 * expected


def test_all_bootstrap_servers_are_tried() -> None:
    b = bench()
    ask(b)
    tried = set()
    for _ in range(4):
        (request,) = b.sent
        b.sent.clear()
        tried.add(request.channel.server)
        b.cut(request, "connection refused")
        if not b.sent:
            b.wait((b.wake - b.now) / MS)
    assert tried == {"boot-1:9092", "boot-2:9092"}


def test_a_connection_that_does_not_come_about_is_given_up() -> None:
    b = bench(socket_connection_setup_timeout_ms=1_000)
    ask(b)
    b.wait(1_201)
    assert "no answer to ApiVersions in time" in b.closed[0].reason


def test_a_request_without_an_answer_ends_its_connection_and_is_put_again() -> None:
    b = bench(request_timeout_ms=1_000)
    question = ask(b)
    b.connect()
    first = b.take_one(DescribeConfigsRequest)
    b.wait(1_000)
    assert [closed.channel for closed in b.closed] == [first.channel]
    b.wait(200)
    b.connect()
    second = b.take_one(DescribeConfigsRequest)
    assert second.channel is not first.channel
    b.answer(first, DescribeConfigsResponse(results=[]))  # too late: of a dead connection
    assert not question.done
    b.answer(second, DescribeConfigsResponse(results=[]))
    assert question.done


def test_an_answer_out_of_turn_ends_the_connection() -> None:
    b = bench()
    ask(b)
    b.connect()
    request = b.take_one(DescribeConfigsRequest)
    request.correlation_id += 1
    b.answer(request, DescribeConfigsResponse(results=[]))
    assert "out of turn" in b.closed[0].reason


def test_a_call_fails_when_its_time_is_up() -> None:
    b = bench()
    question = ask(b)
    b.wait(60_000)
    assert question.error is not None
    assert question.error.code is ErrorCode.REQUEST_TIMED_OUT


def test_what_passes_is_put_again_and_what_does_not_is_raised() -> None:
    b = bench()
    codes = [ErrorCode.NOT_CONTROLLER, ErrorCode.INVALID_REQUEST]

    def read(answer: Any) -> None:
        raise KafkaError(codes.pop(0))

    question = ask(b, read=read)
    b.connect()
    b.answer(b.take_one(DescribeConfigsRequest), DescribeConfigsResponse(results=[]))
    assert not question.done
    b.wait(120)
    b.connect()
    b.answer(b.take_one(DescribeConfigsRequest), DescribeConfigsResponse(results=[]))
    with pytest.raises(KafkaError, match="INVALID_REQUEST"):
        question.result()


def test_a_broker_is_found_by_metadata_and_the_bootstrap_connection_serves_again() -> None:
    b = bench(Cluster(brokers=(1, 2)), bootstrap_servers="broker-1:9092")
    ask(b, broker=2)
    b.connect()
    assert b.take_one(DescribeConfigsRequest).channel.server == "broker-2:9092"
    ask(b, broker=1)
    b.connect()
    # Kafka would connect a second time; here the address is the connection's identity.
    assert b.take(ApiVersionsRequest) == []
    assert b.take_one(DescribeConfigsRequest).channel.server == "broker-1:9092"


def test_when_no_known_broker_answers_it_starts_from_bootstrap_again() -> None:
    # KIP-899
    b = bench(Cluster(brokers=(1,)), bootstrap_servers="boot-1:9092")
    ask(b, broker=1)
    b.connect()
    request = b.take_one(DescribeConfigsRequest)
    b.cluster.brokers = (5,)  # everything moved
    b.cut(request)
    for _ in range(10):
        for request in b.take(ApiVersionsRequest):
            if request.channel.server == "broker-1:9092":
                b.cut(request, "connection refused")
            else:
                b.answer(request, b.cluster.versions())
        b.connect()
        b.wait(1_000)
    assert b.node.metadata.brokers == {5: "broker-5:9092"}


def test_metadata_is_refreshed_when_it_is_old() -> None:
    b = bench(bootstrap_servers="broker-1:9092", metadata_max_age_ms=5_000)
    b.node.metadata.request_update()
    b.connect()
    assert b.node.metadata.updates == 1
    b.wait(4_900)
    assert b.take(MetadataRequest) == []
    b.wait(100)
    b.take_one(MetadataRequest)


def test_a_lost_metadata_request_is_sent_again() -> None:
    b = bench()
    b.node.metadata.request_update()
    b.turn()
    b.answer(b.take_one(ApiVersionsRequest), b.cluster.versions())
    b.cut(b.take_one(MetadataRequest))
    b.wait(1_000)
    b.connect()
    assert b.node.metadata.updates == 1


def test_a_leader_epoch_never_goes_back() -> None:
    # KIP-320: the broker that answers may not have heard of the new leader yet.
    cluster = Cluster({"t": 1}, brokers=(1, 2), leaders={("t", 0): 2}, epochs={("t", 0): 4})
    b = bench(cluster)
    b.node.metadata.want("t")
    b.connect()
    assert b.node.metadata.leader_of("t", 0) == 2
    cluster.leaders[("t", 0)], cluster.epochs[("t", 0)] = 1, 3
    b.node.metadata.request_update()
    b.wait(200)
    b.connect()
    assert b.node.metadata.updates == 2
    assert b.node.metadata.leader_of("t", 0) == 2


def test_backoff_doubles_up_to_its_limit_within_a_fifth() -> None:
    backoff, random = Backoff(100, 1_000), Random(1)
    for attempts, expected in enumerate([100, 200, 400, 800, 1000, 1000]):
        delays = [backoff.delay_us(attempts, random) / MS for _ in range(200)]
        assert 0.8 * expected <= min(delays) < 0.85 * expected
        assert max(delays) <= min(1.2 * expected, 1_000)
    assert Backoff(500, 100).delay_us(0, random) <= 100 * MS


def unknown(b: Bench) -> MetadataRequest:
    """The next Metadata request, answered with UNKNOWN_TOPIC_OR_PARTITION."""
    while not (requests := b.take(MetadataRequest)):
        b.now = max(b.wake, b.now)
        b.turn()
    b.answer(requests[0], b.cluster.metadata(requests[0].body))
    return requests[0].body


def test_a_topic_that_does_not_exist_is_asked_about_less_and_less_often() -> None:
    b = bench(bootstrap_servers="broker-1:9092")
    b.node.metadata.want("nowhere")
    b.turn()
    b.serve_one()
    times = []
    for _ in range(6):
        unknown(b)
        times.append(b.now)
    waits = [(after - before) / MS for before, after in pairwise(times)]
    for waited, expected in zip(waits, [100, 200, 400, 800, 1_000], strict=True):
        assert 0.8 * expected <= waited <= 1.2 * expected
    b.cluster.topics["nowhere"] = 1
    unknown(b)
    b.turn()
    assert b.wake >= b.now + 200_000 * MS  # known: nothing to ask before metadata.max.age.ms


def test_what_was_said_about_a_forgotten_topic_is_forgotten_too() -> None:
    b = bench(Cluster(errors={"secret": ErrorCode.TOPIC_AUTHORIZATION_FAILED}))
    metadata = b.node.metadata
    metadata.want("secret")
    b.connect()
    info = metadata.want("secret")
    assert info is not None
    assert info.error is not None
    metadata.forget("secret")
    assert metadata.want("secret") is None
