"""The loop: one channel is answered in order, causes are kept, poll sees everything."""

from __future__ import annotations

from minikafka.node import NEVER, Channel, Closed, Message, Node, Request, Response, Unmuted
from minikafka.runtime.loop import Loop
from minikafka.trace import NO_CAUSE, Trace


class Parking(Node):
    """Answers at once, but parks a request whose body is "park" until "go" arrives anywhere."""

    def __init__(self) -> None:
        super().__init__("server")
        self.parked: Request | None = None
        self.served: list[str] = []
        self.polled = 0

    def receive(self, now: int, message: Message) -> None:
        if isinstance(message, Closed):
            return
        self.served.append(message.body)
        if message.body == "park":
            assert isinstance(message, Request)
            self.parked = message
            return
        self.answer(message)
        if message.body == "go" and self.parked is not None:
            parked, self.parked = self.parked, None
            self.answer(parked)

    def poll(self, now: int) -> int:
        self.polled += 1
        return NEVER

    def answer(self, request: Message) -> None:
        assert isinstance(request, Request)
        answer = f"re {request.body}"
        self.outbox.append(Response(request.channel, answer, 0, request.correlation_id))


def requests(channel: Channel, *bodies: str) -> list[tuple[Message, int]]:
    return [(Request(channel, body, 0, n, None), NO_CAUSE) for n, body in enumerate(bodies)]


def bodies(loop: Loop) -> list[str]:
    answers = [message.body for message, _ in loop.leaving if isinstance(message, Response)]
    loop.leaving.clear()
    return answers


def test_a_channel_waits_behind_its_parked_request_and_others_do_not() -> None:
    node = Parking()
    loop = Loop(node, None)
    one, two = Channel("a", "s"), Channel("b", "s")
    loop.turn(0, [*requests(one, "first", "park", "second", "third"), *requests(two, "other")])
    assert bodies(loop) == ["re first", "re other"]
    assert [request.body for request, _ in one.waiting] == ["second", "third"]

    loop.turn(1, requests(two, "go"))
    assert bodies(loop) == ["re go", "re park", "re second", "re third"]
    assert not one.waiting and not one.in_service


def test_a_request_that_arrives_with_the_release_still_comes_last() -> None:
    node = Parking()
    loop = Loop(node, None)
    one, two = Channel("a", "s"), Channel("b", "s")
    loop.turn(0, requests(one, "park", "second"))
    loop.turn(1, [*requests(two, "go"), *requests(one, "third")])
    assert bodies(loop) == ["re go", "re park", "re second", "re third"]


def test_poll_runs_after_whatever_an_answer_let_in() -> None:
    class AnswersInPoll(Parking):
        def poll(self, now: int) -> int:
            if self.parked is not None:
                parked, self.parked = self.parked, None
                self.answer(parked)
            return super().poll(now)

    node = AnswersInPoll()
    loop = Loop(node, None)
    loop.turn(0, requests(Channel("a", "s"), "park", "second"))
    assert bodies(loop) == ["re park", "re second"]
    assert node.polled == 2, "what came in after the first poll was polled for too"


def test_a_closed_channel_forgets_what_waited() -> None:
    node = Parking()
    loop = Loop(node, None)
    channel = Channel("a", "s")
    loop.turn(0, requests(channel, "park", "second"))
    loop.turn(1, [(Closed(channel, "gone"), NO_CAUSE)])
    assert not channel.waiting and node.served == ["park"]


def test_an_answer_has_its_request_as_cause_even_when_it_waited() -> None:
    node = Parking()
    trace = Trace()
    node.trace = trace
    loop = Loop(node, trace)
    one, two = Channel("a", "s"), Channel("b", "s")
    for channel, body in ((one, "park"), (one, "second"), (two, "go")):
        ((request, _),) = requests(channel, body)
        trace.cause = NO_CAUSE
        loop.turn(0, [(request, trace.add("server", "delivered", request))])
    told = {event.what.body: trace.events[event.cause].what.body for event in trace.of("sent")}
    assert told == {"re go": "go", "re park": "go", "re second": "second"}


def test_a_failure_is_reported_and_the_others_are_served() -> None:
    class Fails(Parking):
        def receive(self, now: int, message: Message) -> None:
            if not isinstance(message, Closed) and message.body == "bad":
                raise KeyError("bad")
            super().receive(now, message)

    failures: list[str] = []
    loop = Loop(Fails(), None, lambda message, error: failures.append(repr(error)))
    loop.turn(0, [*requests(Channel("a", "s"), "bad"), *requests(Channel("b", "s"), "good")])
    assert bodies(loop) == ["re good"] and failures == ["KeyError('bad')"]


class Muting(Node):
    """Answers at once and stays deaf for ten µs."""

    def __init__(self) -> None:
        super().__init__("server")
        self.deaf: dict[Channel, int] = {}

    def receive(self, now: int, message: Message) -> None:
        assert isinstance(message, Request) and message.channel not in self.deaf
        answer = f"re {message.body}"
        channel = message.channel
        self.outbox.append(Response(channel, answer, 0, message.correlation_id, muted=True))
        self.deaf[channel] = now + 10

    def poll(self, now: int) -> int:
        for channel, until in list(self.deaf.items()):
            if until <= now:
                del self.deaf[channel]
                self.outbox.append(Unmuted(channel))
        return min(self.deaf.values(), default=NEVER)


def test_a_muted_channel_is_served_again_when_the_node_says_so() -> None:
    node = Muting()
    loop = Loop(node, Trace())
    one, two = Channel("a", "s"), Channel("b", "s")
    assert loop.turn(0, [*requests(one, "first", "second"), *requests(two, "other")]) == 10
    assert bodies(loop) == ["re first", "re other"]
    assert loop.turn(5, requests(one, "third")) == 10
    assert bodies(loop) == []
    assert loop.turn(10, []) == 20  # muted anew by the second answer
    assert bodies(loop) == ["re second"]
    assert not two.in_service
    loop.turn(20, [])
    assert bodies(loop) == ["re third"]
