"""The simulator by itself, with toy nodes: time, order, cost, loss, crash, determinism."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from minikafka.admin import NewTopic
from minikafka.node import MS, NEVER, Channel, Closed, Message, Node, Request, Response
from minikafka.runtime.disk import MemoryFiles
from minikafka.runtime.hardware import FREE, Hardware, Link
from minikafka.runtime.simulator import Deadlock, Simulator

PLAIN = Link(latency_us=1000, jitter_us=0, bytes_per_us=float("inf"))


class Echo(Node):
    """Answers each request with its body; remembers what it heard."""

    def __init__(self, name: str = "echo") -> None:
        super().__init__(name)
        self.heard: list[tuple[int, object]] = []

    def receive(self, now: int, message: Message) -> None:
        if isinstance(message, Closed):
            self.heard.append((now, message.reason))
            return
        self.heard.append((now, message.body))
        if isinstance(message, Request):
            self.outbox.append(Response(message.channel, message.body, 0, message.correlation_id))


class Caller(Echo):
    """Sends what it is told to."""

    def __init__(self, name: str = "caller") -> None:
        super().__init__(name)
        self.sent = 0

    def call(self, channel: Channel, body: object) -> None:
        self.sent += 1
        self.outbox.append(Request(channel, body, 0, self.sent, None))


class Ticker(Node):
    """Polled every `every_ms`; notes when."""

    def __init__(self, every_ms: int) -> None:
        super().__init__("ticker")
        self.every = every_ms * MS
        self.times: list[int] = []
        self.next = self.every

    def poll(self, now: int) -> int:
        if now >= self.next:
            self.times.append(now)
            self.next = now + self.every
        return self.next


def test_time_jumps_to_the_next_event() -> None:
    sim = Simulator(hardware=FREE)
    node = Ticker(1000)
    sim.host(node)
    sim.run(3_600_000)
    assert len(node.times) == 3600 and node.times[:2] == [1_000_000, 2_000_000]
    assert sim.now == 3_600_000 * MS


def test_a_message_takes_latency_and_its_size_over_bandwidth() -> None:
    sim = Simulator(hardware=FREE, network=Link(latency_us=500, jitter_us=0, bytes_per_us=1.0))
    server, caller = Echo(), Caller()
    sim.host(server, listen="echo:1")
    host = sim.host(caller)
    channel = Channel("caller", "echo:1")
    with host.entered():
        caller.call(channel, "a")
        caller.call(channel, "b")
    sim.run(10)
    assert server.heard == [(580, "a"), (660, "b")], "80 bytes each, one after the other"
    assert caller.heard == [(580 + 580, "a"), (660 + 580, "b")]


def test_order_on_a_channel_survives_jitter() -> None:
    sim = Simulator(seed=3, hardware=FREE, network=Link(latency_us=10, jitter_us=5000))
    server, caller = Echo(), Caller()
    sim.host(server, listen="echo:1")
    host = sim.host(caller)
    channel = Channel("caller", "echo:1")
    with host.entered():
        for n in range(200):
            caller.call(channel, n)
    sim.run(1000)
    assert [body for _, body in server.heard] == list(range(200))
    assert [body for _, body in caller.heard] == list(range(200))


def test_a_busy_node_handles_what_waited_in_one_turn() -> None:
    sim = Simulator(hardware=Hardware(request_us=1000.0), network=PLAIN)

    class Counting(Echo):
        turns = 0

        def poll(self, now: int) -> int:
            self.turns += 1
            return NEVER

    server = Counting()
    sim.host(server, listen="echo:1")
    hosts = []
    for n in range(5):
        caller = Caller(f"caller-{n}")
        hosts.append(sim.host(caller))
        with hosts[-1].entered():
            caller.call(Channel(caller.name, "echo:1"), n)
    sim.run(100)
    assert server.turns == 3, "one at the start, one for the first request, one for the other four"
    assert [time for time, _ in server.heard] == [1000, 2000, 2000, 2000, 2000]


def test_a_crash_resets_connections_and_forgets_the_disk() -> None:
    sim = Simulator(hardware=FREE, network=PLAIN)
    disk = MemoryFiles(FREE)
    server = sim.host(Echo(), listen="echo:1", files=disk)
    caller = Caller()
    host = sim.host(caller)
    channel = Channel("caller", "echo:1")
    with host.entered():
        caller.call(channel, "a")
    sim.run(10)
    disk.open("f").append(b"x")
    server.crash()
    sim.run(10)
    assert [body for _, body in caller.heard] == ["a", "connection reset"]
    assert disk.read("f") == b""
    with host.entered():
        caller.call(channel, "lost: that channel has ended")
        caller.call(Channel("caller", "echo:1"), "b")
    sim.run(10)
    assert caller.heard[-1][1] == "connection refused"
    server.restart()
    with host.entered():
        caller.call(Channel("caller", "echo:1"), "c")
    sim.run(10)
    assert caller.heard[-1][1] == "c"


def test_timers_run_again_after_a_restart() -> None:
    sim = Simulator(hardware=FREE)
    node = Ticker(10)
    host = sim.host(node)
    sim.run(25)
    host.crash()
    sim.run(100)
    assert node.times == [10_000, 20_000]
    host.restart()
    sim.run(25)
    assert node.times[2:] == [125_000, 135_000, 145_000]


def test_a_dead_machine_does_not_answer() -> None:
    sim = Simulator(hardware=Hardware(request_us=10_000), network=PLAIN)
    server = sim.host(Echo(), listen="echo:1", files=MemoryFiles(FREE))
    caller = Caller()
    host = sim.host(caller)
    with host.entered():
        caller.call(Channel("caller", "echo:1"), "a")
    sim.run(5)  # the request arrived at 1 ms and takes 10 ms
    server.crash()
    sim.run(100)
    assert [what for _, what in caller.heard] == ["connection reset"]


def test_a_second_life_draws_other_numbers() -> None:
    class Draws(Echo):
        def start(self, now: int) -> None:
            drawn.append(self.random.random())

    drawn: list[float] = []
    sim = Simulator()
    host = sim.host(Draws())
    host.crash()
    host.restart()
    assert drawn[0] != drawn[1]


def test_an_address_belongs_to_one_node() -> None:
    sim = Simulator()
    sim.host(Echo(), listen="echo:1")
    with pytest.raises(ValueError, match="echo:1 is taken"):
        sim.host(Echo(), listen="echo:1")


def test_a_lost_message_breaks_the_connection_at_both_ends() -> None:
    sim = Simulator(hardware=FREE, network=Link(jitter_us=0, loss=1.0))
    server, caller = Echo(), Caller()
    sim.host(server, listen="echo:1")
    host = sim.host(caller)
    with host.entered():
        caller.call(Channel("caller", "echo:1"), "a")
    sim.run(10)
    assert [what for _, what in caller.heard] == ["connection reset"]
    assert [what for _, what in server.heard] == ["connection reset"]
    assert sim.trace is not None and len(sim.trace.of("dropped")) == 1


def test_an_answer_that_was_on_its_way_arrives_before_the_end() -> None:
    sim = Simulator(hardware=FREE, network=PLAIN)
    server = sim.host(Echo(), listen="echo:1")
    caller = Caller()
    host = sim.host(caller)
    with host.entered():
        caller.call(Channel("caller", "echo:1"), "a")
    sim.run(1.5)
    server.close()
    sim.run(10)
    assert [what for _, what in caller.heard] == ["a", "peer stopped"]


def test_waiting_for_what_cannot_happen_is_an_error() -> None:
    sim = Simulator()
    host = sim.host(Echo())
    assert host.wait(lambda: False, 5) is False and sim.now == 5000
    with pytest.raises(Deadlock, match="5 ms"):
        host.wait(lambda: False, None)


def test_causes_lead_from_answer_to_first_request() -> None:
    sim = Simulator(hardware=FREE, network=PLAIN)
    sim.host(Echo(), listen="echo:1")
    caller = Caller()
    host = sim.host(caller)
    with host.entered():
        caller.call(Channel("caller", "echo:1"), "a")
    sim.run(10)
    assert sim.trace is not None
    chain = sim.trace.causes(len(sim.trace) - 1)
    assert [sim.trace.events[i].kind for i in chain] == ["sent", "delivered", "sent", "delivered"]


def test_a_timer_that_changes_nothing_leaves_no_trace() -> None:
    sim = Simulator(hardware=FREE)
    sim.host(Ticker(10))
    sim.run(1000)
    assert sim.trace is not None and [event.kind for event in sim.trace] == ["started"]


def test_a_program_keeps_its_appointments() -> None:
    sim = Simulator(hardware=FREE, network=PLAIN)
    server, caller = Echo(), Caller()
    sim.host(server, listen="echo:1")
    host = sim.host(caller)
    channel = Channel("caller", "echo:1")
    kept: list[object] = []

    def call_and_wait() -> None:
        with host.entered():
            caller.call(channel, "a")
        assert host.wait(lambda: bool(caller.heard), 100)  # time passes inside of it
        kept.append((sim.now, "answered"))

    sim.call_later(5, call_and_wait)
    sim.call_later(6, lambda: kept.append((sim.now, "meanwhile")))
    sim.call_later(5, lambda: kept.append((sim.now, "second")))
    sim.run(4)
    assert kept == []
    sim.run(10)
    assert kept == [(5_000, "second"), (6_000, "meanwhile"), (7_000, "answered")]
    assert (sim.delivered, sim.fired) == (2, 3)
    sim.call_later(1, lambda: kept.remove("what is not there"))
    with pytest.raises(ValueError):
        sim.run(10)
    assert sim.now == 15_000
    sim.run(10)  # the failure was told; the world goes on
    assert sim.now == 25_000


def test_arrivals_come_at_random_times_and_end() -> None:
    def times(seed: int, name: str) -> list[int]:
        sim = Simulator(seed=seed)
        found: list[int] = []
        end = sim.arrivals(2, lambda: found.append(sim.now), name)
        sim.run(5_000)
        end()
        count = len(found)
        sim.run(100)
        assert len(found) == count
        return found

    one = times(1, "a")
    assert one == times(1, "a") and one != times(1, "b") and one != times(2, "a")
    gaps = [later - earlier for earlier, later in pairwise(one)]
    assert 9_500 < len(one) < 10_500  # two a ms
    # Memoryless: of the gaps, as many are longer than the mean as e says.
    assert 0.33 < sum(gap > 500 for gap in gaps) / len(gaps) < 0.41


def test_a_call_that_blocks_beyond_the_end_of_a_run_does_not_turn_time_back() -> None:
    sim = Simulator()
    sim.call_later(5, lambda: sim.run(100))
    sim.run(10)
    assert sim.now == 105_000


@pytest.mark.parametrize(
    "wrong",
    [
        lambda sim: sim.run(-3),
        lambda sim: sim.call_later(-5, print),
        lambda sim: sim.call_later(float("nan"), print),
        lambda sim: sim.arrivals(0, print),
        lambda sim: sim.arrivals(-1, print),
        lambda sim: Link(latency_us=-1),
        lambda sim: Link(loss=5),
        lambda sim: Link(bytes_per_us=0),
    ],
)
def test_what_would_turn_time_back_or_stop_it_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError):
        wrong(Simulator())


def test_to_wait_for_ever_is_to_wait_until_nothing_can_happen() -> None:
    sim = Simulator(hardware=FREE)
    sim.call_later(5, lambda: None)
    with pytest.raises(Deadlock):
        sim.run(float("inf"))
    assert sim.now == 5_000


@pytest.mark.parametrize("per_ms", [1, 50, 2_000])
def test_arrivals_keep_their_rate_and_do_not_coincide(per_ms: int) -> None:
    sim = Simulator(seed=1)
    times: tuple[list[int], list[int]] = ([], [])
    for mine in times:
        sim.arrivals(per_ms, lambda mine=mine: mine.append(sim.now))  # type: ignore[misc]
    sim.run(10_000 / per_ms)
    assert times[0] != times[1]
    for mine in times:
        assert 9_600 < len(mine) < 10_400


def test_work_that_a_program_gives_a_busy_client_comes_after_the_other() -> None:
    sim = Simulator(hardware=Hardware(request_us=0, cpu_bytes_per_us=0.08), network=PLAIN)
    sim.host(Echo(), listen="echo:1")
    caller = Caller()
    host = sim.host(caller)
    channel = Channel("caller", "echo:1")
    for n in range(5):
        with host.entered():
            caller.call(channel, n)  # 80 bytes, a millisecond's work
    assert host.busy_until == 5_000


def test_what_a_program_does_is_caused_by_nothing_that_happened_before() -> None:
    sim = Simulator(hardware=FREE, network=PLAIN)
    sim.host(Echo(), listen="echo:1")
    caller = Caller()
    host = sim.host(caller)
    with host.entered():
        caller.call(Channel("caller", "echo:1"), "a")
    sim.run(10)
    host.lock()
    caller.emit("thought")
    host.unlock()
    assert sim.trace is not None and sim.trace.events[-1].cause == -1


def test_a_crash_is_the_cause_of_what_its_peers_hear() -> None:
    sim = Simulator(hardware=FREE, network=PLAIN)
    server = sim.host(Echo(), listen="echo:1", files=MemoryFiles(FREE))
    caller = Caller()
    host = sim.host(caller)
    with host.entered():
        caller.call(Channel("caller", "echo:1"), "a")
    sim.run(10)
    server.crash()
    sim.run(10)
    assert sim.trace is not None
    chain = [sim.trace.events[i].kind for i in sim.trace.causes(len(sim.trace) - 1)]
    assert chain == ["crashed", "closed"]


def test_listeners_hear_only_of_what_is_in_the_trace() -> None:
    class Speaks(Ticker):
        def poll(self, now: int) -> int:
            due = super().poll(now)
            if len(self.times) == 3:
                self.emit("third")
                self.times.clear()
            return due

    sim = Simulator(hardware=FREE)
    assert sim.trace is not None
    heard: list[tuple[int, str]] = []
    sim.trace.listeners.append(lambda ident, event: heard.append((ident, event.kind)))
    sim.host(Speaks(10))
    sim.run(70)
    assert heard == [(i, event.kind) for i, event in enumerate(sim.trace)]
    assert [kind for _, kind in heard] == ["started", "timer", "third", "timer", "third"]
    assert sim.trace.events[2].cause == 1


def test_a_message_lost_in_the_turn_in_which_its_machine_dies_still_breaks_the_connection() -> None:
    lossy = Link(latency_us=1_000, jitter_us=0, loss=1.0)
    sim = Simulator(hardware=Hardware(request_us=5_000), network=PLAIN)
    server = sim.host(Echo(), listen="echo:1", files=MemoryFiles(FREE))
    caller = Caller()
    host = sim.host(caller)
    sim.network.set_link("echo:1", "caller", lossy)  # an address will do as well
    with host.entered():
        caller.call(Channel("caller", "echo:1"), "a")
    sim.run(2)  # it came at 1 ms; the answer would leave, and get lost, at 6
    server.crash()
    sim.run(20)
    assert [what for _, what in caller.heard] == ["connection reset"]


def lossy_story(seed: int, names: list[str]) -> list[str]:
    sim = Simulator(seed=seed, network=Link(latency_us=100, jitter_us=400))
    sim.host(Echo(), listen="echo:1")
    for name in names:
        caller = Caller(name)
        host = sim.host(caller)
        channel = Channel(name, "echo:1")
        with host.entered():
            for n in range(5):
                caller.call(channel, n)
    sim.run(50)
    assert sim.trace is not None
    return list(sim.trace.lines())


def test_same_seed_same_trace() -> None:
    assert lossy_story(7, ["a", "b"]) == lossy_story(7, ["a", "b"])
    assert lossy_story(7, ["a", "b"]) != lossy_story(8, ["a", "b"])


def test_a_node_more_does_not_change_another_links_draws() -> None:
    def heard_by_a(names: list[str]) -> list[str]:
        return [line for line in lossy_story(7, names) if '"node":"a"' in line]

    alone, together = heard_by_a(["a"]), heard_by_a(["a", "b"])
    assert len(alone) == len(together)


def test_compressing_takes_a_producers_machine_its_time() -> None:
    """Once for each batch, however often it is sent; what is not compressed takes none."""

    def took_us(codec: str, rate: float) -> int:
        hardware = replace(FREE, compress_bytes_per_us={"lz4": rate})
        sim = Simulator(seed=1, network=Link(100, 0, float("inf")), hardware=hardware)
        sim.broker()
        sim.admin().create_topics([NewTopic("t")])
        producer = sim.producer(compression_type=codec, linger_ms=0)
        producer.send("t", b"first").result()
        began = sim.now
        producer.send("t", b"x" * 9_000).result()
        return sim.now - began

    assert took_us("none", rate=10.0) == took_us("zstd", rate=10.0) == 200
    assert took_us("lz4", rate=10.0) == pytest.approx(200 + 900, rel=0.02)
    assert took_us("lz4", rate=100.0) == pytest.approx(200 + 90, rel=0.02)
