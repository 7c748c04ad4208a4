"""Fetch sessions, a test per sentence of KIP-227's protocol and of its cache rules."""

from __future__ import annotations

from random import Random

import pytest

from minikafka.broker.sessions import MIN_EVICTION_MS, FetchSession, SessionCache, Wanted
from minikafka.node import MS
from minikafka.wire.errors import ErrorCode
from minikafka.wire.messages.fetch import FetchPartition, FetchRequest, ForgottenTopic

from .talk import Client, Conversation, fetch_request, values_of


def told(answer: object) -> dict[int, list[bytes | None]]:
    """partition → values, for every partition that the answer mentions."""
    return {
        partition.partition_index: values_of(partition)
        for topic in answer.responses  # type: ignore[attr-defined]
        for partition in topic.partitions
    }


def opened(broker: Conversation, *wanted: tuple[int, int], version: int = 12) -> int:
    """Open a session with a full fetch; returns its id."""
    answer = broker.fetch(*wanted, session_epoch=0, version=version)
    assert answer.session_id > 0
    return int(answer.session_id)


@pytest.fixture
def talk(broker: Conversation) -> Conversation:
    """A broker with topic t of three partitions, a record in each."""
    broker.create(partitions=3)
    for partition in range(3):
        broker.produce(b"%d" % partition, partition=partition)
    return broker


def test_a_full_fetch_is_told_everything_and_opens_a_session(talk: Conversation) -> None:
    answer = talk.fetch((0, 0), (1, 1), session_epoch=0)
    assert told(answer) == {0: [b"0"], 1: []}
    assert answer.session_id > 0
    assert talk.broker.statistics().fetch_sessions == 1


def test_epoch_minus_one_asks_for_no_session(talk: Conversation) -> None:
    assert talk.fetch((0, 0), session_epoch=-1).session_id == 0
    assert talk.broker.statistics().fetch_sessions == 0


def test_an_incremental_fetch_names_nothing_and_hears_only_news(talk: Conversation) -> None:
    session = opened(talk, (0, 1), (1, 1), (2, 1))
    assert told(talk.fetch(session_id=session, session_epoch=1)) == {}
    talk.produce(b"new", partition=1)
    answer = talk.fetch(session_id=session, session_epoch=2)
    assert told(answer) == {1: [b"new"]}
    assert answer.session_id == session


def test_an_incremental_fetch_moves_offsets_and_adds_partitions(talk: Conversation) -> None:
    session = opened(talk, (0, 1))
    answer = talk.fetch((0, 0), (2, 0), session_id=session, session_epoch=1)
    assert told(answer) == {0: [b"0"], 2: [b"2"]}


def test_a_forgotten_partition_is_not_told_any_more(talk: Conversation) -> None:
    session = opened(talk, (0, 1), (1, 1))
    forget = [ForgottenTopic(topic="t", partitions=[1])]
    talk.fetch(session_id=session, session_epoch=1, forgotten_topics_data=forget)
    talk.produce(b"new", partition=0)
    talk.produce(b"new", partition=1)
    assert told(talk.fetch(session_id=session, session_epoch=2)) == {0: [b"new"]}


def test_forgetting_everything_closes_the_session(talk: Conversation) -> None:
    session = opened(talk, (0, 1))
    forget = [ForgottenTopic(topic="t", partitions=[0])]
    answer = talk.fetch(session_id=session, session_epoch=1, forgotten_topics_data=forget)
    assert (answer.session_id, answer.error_code) == (0, 0)
    assert talk.broker.statistics().fetch_sessions == 0


def test_the_final_epoch_closes_the_session(talk: Conversation) -> None:
    session = opened(talk, (0, 1))
    assert talk.fetch((0, 0), session_id=session, session_epoch=-1).session_id == 0
    assert talk.broker.statistics().fetch_sessions == 0


def test_a_full_fetch_replaces_the_session_that_it_names(talk: Conversation) -> None:
    session = opened(talk, (0, 1))
    answer = talk.fetch((0, 0), session_id=session, session_epoch=0)
    assert answer.session_id not in (0, session)
    assert talk.broker.statistics().fetch_sessions == 1


def test_an_unknown_session_is_an_error(talk: Conversation) -> None:
    answer = talk.fetch(session_id=99, session_epoch=1)
    assert answer.error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    assert answer.session_id == 0


@pytest.mark.parametrize("epoch", [2, 3])
def test_a_skipped_or_repeated_epoch_is_an_error(talk: Conversation, epoch: int) -> None:
    session = opened(talk, (0, 1))
    if epoch == 3:
        talk.fetch(session_id=session, session_epoch=1)
        epoch = 1
    answer = talk.fetch(session_id=session, session_epoch=epoch)
    assert answer.error_code == ErrorCode.INVALID_FETCH_SESSION_EPOCH


# KIP-516
def test_a_session_cannot_change_between_names_and_ids(talk: Conversation) -> None:
    session = opened(talk, (0, 1))
    answer = talk.fetch((0, 1), version=13, session_id=session, session_epoch=1)
    assert answer.error_code == ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR


def test_sessions_with_topic_ids_work_alike(talk: Conversation) -> None:
    session = opened(talk, (0, 1), (1, 1), version=17)
    talk.produce(b"new", partition=1)
    answer = talk.fetch(version=17, session_id=session, session_epoch=1)
    assert told(answer) == {1: [b"new"]}
    assert answer.responses[0].topic_id == talk.topic_id()
    forget = [ForgottenTopic(topic_id=talk.topic_id(), partitions=[1])]
    talk.fetch(version=17, session_id=session, session_epoch=2, forgotten_topics_data=forget)
    assert told(talk.fetch(version=17, session_id=session, session_epoch=3)) == {}


def test_an_error_is_told_each_time_and_its_end_is_news(talk: Conversation) -> None:
    session = opened(talk, (0, 9), (1, 1))
    again = talk.fetch(session_id=session, session_epoch=1)
    assert list(told(again)) == [0]
    assert told(talk.fetch((0, 1), session_id=session, session_epoch=2)) == {0: []}
    assert told(talk.fetch(session_id=session, session_epoch=3)) == {}


def test_a_new_log_start_is_news(talk: Conversation) -> None:
    session = opened(talk, (0, 1), (1, 1))
    talk.broker.replicas.partition("t", 1).log.advance_log_start_offset(1)
    assert told(talk.fetch(session_id=session, session_epoch=1)) == {1: []}


# "…the partitions that returned data are moved to the end of the list"
def test_a_partition_that_had_its_turn_goes_to_the_end(talk: Conversation) -> None:
    session = opened(talk, (0, 0), (1, 0), (2, 0))
    order = []
    for epoch in range(1, 4):
        answer = talk.fetch(session_id=session, session_epoch=epoch, max_bytes=70)
        order += list(told(answer))
    assert order == [0, 1, 2]


def test_an_incremental_fetch_waits_like_any_other(talk: Conversation) -> None:
    session = opened(talk, (0, 1), (1, 1))
    client = Client("waiting")
    request = fetch_request(session_id=session, session_epoch=1, max_wait_ms=500)
    talk.send(request, 12, client)
    assert client.answers == []
    talk.produce(b"new", partition=1)
    assert told(client.answers[0]) == {1: [b"new"]}


def test_an_answer_that_a_newer_request_has_overtaken_is_an_error(talk: Conversation) -> None:
    session = opened(talk, (0, 1))
    slow = Client("gave up")
    talk.send(fetch_request(session_id=session, session_epoch=1, max_wait_ms=500), 12, slow)
    talk.fetch(session_id=session, session_epoch=2)
    talk.pass_time(500)
    assert slow.answers[0].error_code == ErrorCode.INVALID_FETCH_SESSION_EPOCH


def test_a_session_that_ends_while_its_fetch_waits_is_an_error_too(talk: Conversation) -> None:
    session = opened(talk, (0, 1))
    slow = Client("waits")
    talk.send(fetch_request(session_id=session, session_epoch=1, max_wait_ms=500), 12, slow)
    forget = [ForgottenTopic(topic="t", partitions=[0])]
    talk.fetch(session_id=session, session_epoch=2, forgotten_topics_data=forget)
    talk.produce(b"new")
    assert slow.answers[0].error_code == ErrorCode.INVALID_FETCH_SESSION_EPOCH


# --- the cache -----------------------------------------------------------------------------


def wanted(count: int) -> list[Wanted]:
    return [Wanted("t", FetchPartition(partition=index)) for index in range(count)]


class Cache(SessionCache):
    """A cache of two sessions, and a short way to fill it."""

    def __init__(self) -> None:
        super().__init__(2, Random(1))

    def add(self, size: int, now_ms: int, privileged: bool = False) -> FetchSession | None:
        return self.maybe_create(wanted(size), now_ms * MS, privileged, by_id=False)


LATER = MIN_EVICTION_MS + 1


def test_a_full_cache_gives_no_session() -> None:
    cache = Cache()
    assert cache.add(1, 0) and cache.add(1, 0)
    assert cache.add(100, 0) is None
    assert len(cache) == 2


def test_no_slots_mean_no_sessions(start: object) -> None:
    broker = start(max_incremental_fetch_session_cache_slots=0)  # type: ignore[operator]
    broker.create()
    assert broker.fetch((0, 0), session_epoch=0).session_id == 0


def test_a_session_that_nobody_used_for_two_minutes_goes_first() -> None:
    cache = Cache()
    unused, used = cache.add(50, 0), cache.add(50, 0)
    assert unused and used
    cache.begin(FetchRequest(session_id=used.ident, session_epoch=1), 12, LATER * MS)
    new = cache.add(1, LATER)
    assert new is not None
    assert set(cache._sessions) == {used.ident, new.ident}


def touched(cache: Cache, *sessions: FetchSession | None) -> None:
    for session in sessions:
        assert session is not None
        request = FetchRequest(session_id=session.ident, session_epoch=session.epoch)
        cache.begin(request, 12, LATER * MS)


def test_a_larger_session_takes_the_place_of_a_smaller_old_one() -> None:
    cache = Cache()
    small, large = cache.add(2, 0), cache.add(9, 0)
    touched(cache, small, large)
    assert cache.add(2, LATER) is None, "no larger than the smallest"
    assert cache.add(3, LATER) is not None
    assert small is not None and small.ident not in cache._sessions


def test_a_follower_takes_the_place_of_any_consumer() -> None:
    cache = Cache()
    assert cache.add(9, 0) and cache.add(8, 0)
    assert cache.add(1, 0, privileged=True) is not None
    assert sorted(session.worth[:2] for session in cache._sessions.values()) == [
        (False, 9),
        (True, 1),
    ]


def test_a_consumer_does_not_take_the_place_of_a_follower() -> None:
    cache = Cache()
    followers = cache.add(1, 0, privileged=True), cache.add(1, 0, privileged=True)
    touched(cache, *followers)
    assert cache.add(100, LATER) is None


def test_the_epoch_wraps_to_one() -> None:
    cache = Cache()
    session = cache.add(1, 0)
    assert session is not None
    session.epoch = (1 << 31) - 1
    touched(cache, session)
    assert session.epoch == 1
