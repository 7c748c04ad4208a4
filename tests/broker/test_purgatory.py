"""The purgatory on its own, with requests that only note what happens to them."""

from __future__ import annotations

from minikafka.broker.purgatory import Purgatory
from minikafka.node import NEVER, Channel


class Waiting:
    """A delayed request that needs `needed` wake-ups."""

    def __init__(self, name: str, deadline: int, needed: int = 1) -> None:
        self.channel = Channel(name, "broker")
        self.deadline = deadline
        self.needed = needed
        self.answered: list[str] = []
        self.left: int | None = None

    def try_complete(self, now: int) -> bool:
        self.needed -= 1
        if self.needed == 0:
            self.answered.append(f"complete at {now}")
        return self.needed == 0

    def expire(self, now: int) -> None:
        self.answered.append(f"expired at {now}")

    def leave(self, now: int) -> None:
        self.left = now


def test_what_is_woken_often_enough_completes_once() -> None:
    purgatory, waiting = Purgatory(), Waiting("a", 100, needed=2)
    purgatory.park(waiting, ["t-0", "t-1"])
    purgatory.wake("t-0", 1)
    assert waiting.answered == []
    purgatory.wake("t-1", 2)
    purgatory.wake("t-1", 3)
    assert purgatory.expire(100) == NEVER
    assert waiting.answered == ["complete at 2"]
    assert len(purgatory) == 0


def test_a_key_wakes_those_who_watch_it_in_the_order_they_came() -> None:
    purgatory, order = Purgatory(), []
    for name in "abc":
        waiting = Waiting(name, 100)
        waiting.answered = order
        purgatory.park(waiting, ["t-0"] if name != "b" else ["t-1"])
    purgatory.wake("t-0", 5)
    assert len(order) == 2 and len(purgatory) == 1


def test_deadlines_come_in_order_and_tell_the_next_one() -> None:
    purgatory = Purgatory()
    late, early = Waiting("late", 200), Waiting("early", 100)
    purgatory.park(late, ["t-0"])
    purgatory.park(early, ["t-0"])
    assert purgatory.expire(50) == 100
    assert purgatory.expire(150) == 200
    assert (early.answered, late.answered) == (["expired at 150"], [])
    assert purgatory.expire(200) == NEVER


def test_a_forgotten_channel_gets_no_answer() -> None:
    purgatory, waiting = Purgatory(), Waiting("a", 100)
    purgatory.park(waiting, ["t-0"])
    purgatory.forget(waiting.channel, 1)
    purgatory.forget(Channel("never seen", "broker"), 1)
    purgatory.wake("t-0", 1)
    assert purgatory.expire(100) == NEVER
    assert (waiting.answered, waiting.left) == ([], 1)


def test_watching_a_key_twice_is_watching_it_once() -> None:
    purgatory, waiting = Purgatory(), Waiting("a", 100, needed=2)
    purgatory.park(waiting, ["t-0", "t-0"])
    purgatory.wake("t-0", 1)
    assert waiting.answered == []
    purgatory.wake("t-0", 2)
    assert waiting.answered == ["complete at 2"]


def test_answered_requests_do_not_pile_up_until_their_deadlines() -> None:
    purgatory = Purgatory()
    for number in range(10_000):
        purgatory.park(Waiting(str(number), 1_000_000), ["t-0"])
        purgatory.wake("t-0", number)
    assert len(purgatory._deadlines) < 200
    assert purgatory._watched == {}
