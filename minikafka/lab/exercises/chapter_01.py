"""The exercises of chapter 01: the log."""

from __future__ import annotations

from collections.abc import Callable

from minikafka.admin import NewTopic
from minikafka.lab.exercises.verdict import Judge, Verdict, accepted, not_yet
from minikafka.producer.partitioner import partition_of_key
from minikafka.producer.producer import Producer
from minikafka.runtime.simulator import Simulator


def by_hand(answer: Callable[[bytes, int], int]) -> Verdict:
    """01.1: a key's partition."""
    for number in range(400):
        key, partitions = b"key-%d" % number, 1 + number % 12
        found, wanted = answer(key, partitions), partition_of_key(key, partitions)
        if found != wanted:
            return not_yet(
                f"{key.decode()} with {partitions} partitions: {found}, it should be {wanted}. "
                "The hash without its sign bit, and a remainder."
            )
    return accepted("400 keys went where Kafka's own producer sends them.")


def in_order(answer: Callable[[Producer, dict[str, str]], None]) -> Verdict:
    """01.2: events of one taxi in order, over more than one partition."""
    sim = Simulator(seed=12)
    sim.broker()
    sim.admin().create_topics([NewTopic("trips", partitions=4)])
    producer = sim.producer(linger_ms=0, batch_size=100)  # so that keyless records move on
    taxis = [f"taxi-{n}" for n in range(12)]
    for trip in range(3):
        for what in ("starts", "ends"):
            for taxi in taxis:
                answer(producer, {"taxi": taxi, "trip": f"{taxi}-{trip}", "what": what})
                producer.flush()
    where = _partitions_of(sim)
    if len(where) != 12 * 6:
        return not_yet(f"{len(where)} of {12 * 6} events were written to trips.")
    used = set(where)
    for n, taxi in enumerate(taxis):
        own = sorted(set(where[n::12]))
        if len(own) > 1:
            return not_yet(
                f"events of {taxi} lie in partitions {', '.join(map(str, own))}: "
                "what is in order there, together?"
            )
    if len(used) == 1:
        return not_yet("everything is in order, and in one partition: three stand idle.")
    return accepted(f"12 taxis in order, over {len(used)} partitions.")


def _partitions_of(sim: Simulator) -> list[int]:
    """The partition of each record, in the order in which they were written."""
    assert sim.trace is not None
    return [
        event.what["partition"]
        for event in sim.trace.of("append")
        if event.what["topic"] == "trips"
        for _ in range(event.what["base_offset"], event.what["last_offset"] + 1)
    ]


def grow(answer: Callable[[int], int]) -> Verdict:
    """01.3: old keys stay in 4 partitions, new ones use 8."""
    for number in (*range(0, 1_000, 7), 999):
        found, wanted = answer(number), partition_of_key(b"customer-%d" % number, 4)
        if found != wanted:
            return not_yet(
                f"the records of customer {number} lie in partition {wanted}, "
                f"and the next would go to {found}."
            )
    new = [answer(number) for number in range(1_000, 2_000)]
    if not set(new) <= set(range(8)):
        return not_yet("there are 8 partitions, 0 to 7.")
    if any(new.count(partition) < 60 for partition in range(8)):
        return not_yet(f"of 1,000 new customers partition 7 gets {new.count(7)}.")
    if new != [answer(number) for number in range(1_000, 2_000)]:
        return not_yet("asked twice, a customer is sent to two places.")
    return accepted("nobody moved, and new customers use all eight.")


EXERCISES: dict[str, Judge] = {"01.1": by_hand, "01.2": in_order, "01.3": grow}
