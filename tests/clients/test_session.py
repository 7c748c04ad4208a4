"""KIP-227 from the client's side: both ends remember the same, and notice when they do not."""

from __future__ import annotations

from minikafka.client.arguments import TopicPartition
from minikafka.consumer.session import LAST_EPOCH, FetchSession, SessionRequest, Wanted
from minikafka.wire.errors import ErrorCode

ID = b"\1" * 16
A, B = TopicPartition("a", 0), TopicPartition("b", 0)


def wanted(offset: int, topic_id: bytes = ID) -> Wanted:
    return Wanted(topic_id, offset, 0, 1_000)


def test_the_first_request_names_everything_and_asks_for_a_session() -> None:
    session = FetchSession()
    assert session.request({A: wanted(1)}) == SessionRequest(0, 0, {A: wanted(1)}, {})


def test_then_only_what_changed_is_named() -> None:
    session = FetchSession()
    session.request({A: wanted(1), B: wanted(1)})
    assert session.answered(0, 9)
    request = session.request({A: wanted(5), B: wanted(1)})
    assert request == SessionRequest(9, 1, {A: wanted(5)}, {})
    assert session.answered(0, 9)
    assert session.request({A: wanted(5), B: wanted(1)}) == SessionRequest(9, 2, {}, {})


def test_a_partition_that_is_not_wanted_is_forgotten() -> None:
    session = FetchSession()
    session.request({A: wanted(1), B: wanted(1)})
    session.answered(0, 9)
    assert session.request({A: wanted(1)}) == SessionRequest(9, 1, {}, {B: wanted(1)})


def test_a_topic_made_anew_is_another_partition() -> None:
    session = FetchSession()
    session.request({A: wanted(1)})
    session.answered(0, 9)
    new = wanted(1, b"\2" * 16)
    assert session.request({A: new}) == SessionRequest(9, 1, {A: new}, {A: wanted(1)})


def test_a_broker_without_room_for_a_session_gets_full_requests() -> None:
    session = FetchSession()
    session.request({A: wanted(1)})
    assert session.answered(0, 0)
    assert session.request({A: wanted(1)}) == SessionRequest(0, 0, {A: wanted(1)}, {})


def test_an_unknown_session_begins_anew() -> None:
    session = FetchSession()
    session.request({A: wanted(1)})
    session.answered(0, 9)
    session.request({A: wanted(2)})
    assert not session.answered(ErrorCode.FETCH_SESSION_ID_NOT_FOUND, 0)
    assert session.request({A: wanted(2)}) == SessionRequest(0, 0, {A: wanted(2)}, {})


def test_a_wrong_epoch_closes_the_session_and_begins_another() -> None:
    session = FetchSession()
    session.request({A: wanted(1)})
    session.answered(0, 9)
    session.request({A: wanted(2)})
    assert not session.answered(ErrorCode.INVALID_FETCH_SESSION_EPOCH, 0)
    assert session.request({A: wanted(2)}) == SessionRequest(9, 0, {A: wanted(2)}, {})


def test_a_lost_answer_does_the_same() -> None:
    session = FetchSession()
    session.request({A: wanted(1)})
    session.answered(0, 9)
    session.request({A: wanted(2)})
    session.lost()
    assert session.request({A: wanted(2)}) == SessionRequest(9, 0, {A: wanted(2)}, {})


def test_after_the_last_epoch_comes_1() -> None:
    session = FetchSession()
    session.request({A: wanted(1)})
    session.answered(0, 9)
    session.epoch = LAST_EPOCH
    session.answered(0, 9)
    assert session.request({A: wanted(1)}).epoch == 1
