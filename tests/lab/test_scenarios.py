"""Every scenario, in both forms of the simulator; the same trace again; the same log on sockets."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from minikafka.admin import Admin, NewTopic
from minikafka.consumer.consumer import Consumer
from minikafka.lab import scenarios
from minikafka.log.files import Files
from minikafka.producer.producer import Producer
from minikafka.runtime.serve import local_broker
from minikafka.runtime.simulator import Simulator


@pytest.mark.parametrize("bytes_on_wire", [False, True], ids=["objects", "bytes"])
@pytest.mark.parametrize("name", scenarios.SCENARIOS)
def test_a_scenario_plays(name: str, bytes_on_wire: bool) -> None:
    sim = scenarios.run(name, 7, bytes_on_wire=bytes_on_wire)
    assert sim.trace is not None and len(sim.trace) > 20


def course(sim: Simulator) -> list[tuple[int, str, str, int]]:
    assert sim.trace is not None
    return [(event.time, event.node, event.kind, event.cause) for event in sim.trace]


@pytest.mark.parametrize("name", scenarios.SCENARIOS)
def test_a_scenario_takes_the_same_course_in_objects_and_in_bytes(name: str) -> None:
    objects, in_bytes = (scenarios.run(name, 7, bytes_on_wire=wire) for wire in (False, True))
    assert course(objects) == course(in_bytes)
    assert partition_logs(objects.broker_hosts()[0].node.files) == partition_logs(
        in_bytes.broker_hosts()[0].node.files
    )


@pytest.mark.parametrize("seed", range(5))
def test_producers_that_race_finish_in_the_same_order_in_objects_and_in_bytes(seed: int) -> None:
    worlds = []
    for wire in (False, True):
        sim = Simulator(seed=seed, bytes_on_wire=wire)
        sim.broker()
        sim.admin().create_topics([NewTopic("t", partitions=2)])
        producers = [sim.producer(linger_ms=0) for _ in range(3)]
        consumer = sim.consumer(auto_offset_reset="earliest")
        consumer.assign([("t", 0), ("t", 1)])
        for number in range(100):
            for producer in producers:
                producer.send("t", b"%d" % number, partition=number % 2)
                sim.run(0.3)
            consumer.poll()
        sim.run(100)
        worlds.append(sim)
    assert course(worlds[0]) == course(worlds[1])


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", ["crash", "lossy"])
def test_the_stories_of_failure_hold_for_other_seeds(name: str, seed: int) -> None:
    """The scenarios assert by themselves that nothing acknowledged is lost, nor there twice."""
    sim = scenarios.run(name, seed)
    assert sim.trace is not None and (sim.trace.of("crashed") or sim.trace.of("dropped"))


TRACE_DIGEST = """
import hashlib, sys
from minikafka.lab import scenarios
for name in sys.argv[2:]:
    trace = scenarios.run(name, int(sys.argv[1]), bytes_on_wire=True).trace
    print(name, hashlib.sha256("\\n".join(trace.lines()).encode()).hexdigest())
"""


def digests(hash_seed: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", TRACE_DIGEST, "7", *scenarios.SCENARIOS],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_same_seed_same_trace_in_another_process_with_another_hash_seed() -> None:
    first = digests("1")
    assert first == digests("4242") and len(first.splitlines()) == len(scenarios.SCENARIOS)


class RealStage:
    """A real broker, as a stage for the scenarios of `ANYWHERE`."""

    def __init__(self, address: str) -> None:
        self.address = address

    def producer(self, **configs: Any) -> Producer:
        return Producer(self.address, **configs)

    def consumer(self, **configs: Any) -> Consumer:
        return Consumer(self.address, **configs)

    def admin(self, **configs: Any) -> Admin:
        return Admin(self.address, **configs)


@contextmanager
def left_on_disk(name: str) -> Iterator[Files]:
    """Play a scenario on sockets and give the files that the broker left."""
    with local_broker() as broker:
        scenarios.ANYWHERE[name](RealStage(broker.address or ""))
        yield broker.node.files


def partition_logs(files: Files) -> dict[str, str]:
    """Digest of every segment of every topic that the story made."""
    files.write_out()
    return {
        f"{directory}/{file}": hashlib.sha256(files.read(f"{directory}/{file}")).hexdigest()
        for directory in files.list()
        if directory[-2:-1] == "-" and not directory.startswith("__")
        for file in files.list(directory)
        if file.endswith((".log", ".index", ".timeindex"))
    }


@pytest.mark.parametrize("name", ["batches", "segments"])
def test_both_worlds_leave_the_same_bytes(name: str) -> None:
    sim = scenarios.run(name, 7)
    simulated = partition_logs(sim.broker_hosts()[0].node.files)
    with left_on_disk(name) as files:
        real = partition_logs(files)
    assert simulated == real
    assert any(file.endswith(".log") for file in real)


def test_an_unknown_scenario_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        scenarios.run("no-such-story", 1)


def test_every_scenario_says_what_it_shows() -> None:
    for name in scenarios.SCENARIOS:
        assert scenarios.describe(name).endswith((".", ".\n")) or scenarios.describe(name)
