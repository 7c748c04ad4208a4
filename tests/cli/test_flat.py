"""`bench flat`: each load is what it says it is, and the sums are right."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from threading import Thread

import pytest

import minikafka as mk
from minikafka.bench import crowd, reads, spread
from minikafka.bench.flat import Plan, Point, log_sizes_mb, report, rows, run, summary
from minikafka.bench.watch import Watch
from minikafka.record.batch import batches
from minikafka.runtime.serve import local_broker

PID = os.getpid()
"""Of the broker too, where it is a thread of the test."""


def test_a_small_run_fills_every_cell() -> None:
    plan = Plan(
        rounds=1,
        slice_bytes=1_000_000,
        log_mb=(1, 2),
        partitions=(1, 3),
        connections=(1, 4),
        request_count=600,
        memory_bytes=1_000_000,
    )
    steps: list[None] = []
    results = run(plan, lambda: steps.append(None))
    assert len(steps) == plan.step_count
    found = {(r["series"], r["size"]) for r in results["rows"]}
    assert found == {
        *(("log", 1), ("log", 2), ("partitions", 1), ("partitions", 3)),
        *(("connections", 1), ("connections", 4)),
    }
    assert all(row["best"] > 0 and len(row["rounds"]) == 1 for row in results["rows"])
    assert 0 < results["memory"]["before_mb"] <= results["memory"]["after_mb"] + 1
    assert "-" not in report(results).split()


def test_batches_are_alike_whatever_the_number_of_partitions() -> None:
    with local_broker() as broker:
        mk.Admin(broker.address).create_topics([mk.NewTopic("spread", 3)])
        figures = spread.produce(broker.address, "spread", 3, 6, PID)
        assert figures["mb_s"] > 0 and figures["cpu_ms_mb"] > 0
        logs = sorted(Path(broker.node.files.root).glob("spread-*/*.log"))
        counts = [[h.record_count for _, h in batches(log.read_bytes())] for log in logs]
        assert counts == [[spread.BATCH_RECORDS] * 3] * 3  # one before the clock, two under it
        records = 9 * spread.BATCH_RECORDS
        source = broker.address, "spread", spread.EQUAL_FETCHES
        assert spread.consume(*source, [0, 0, 0], records, PID)["mb_s"] > 0


def test_the_crowd_sends_every_request_once() -> None:
    with local_broker() as broker:
        mk.Admin(broker.address).create_topics([mk.NewTopic("crowd")])
        figures = crowd.requests(broker.address, "crowd", 4, 2, 100, PID)
        assert figures["requests_s"] > 0 and figures["cpu_us"] > 0
        with mk.Consumer(broker.address) as consumer:
            assert consumer.end_offsets([("crowd", 0)])["crowd", 0] == 4 + 100


def test_connections_take_turns() -> None:
    pairs = [socket.socketpair() for _ in range(3)]
    heard = [b"", b"", b""]

    def answer(number: int) -> None:
        while data := pairs[number][1].recv(1):
            heard[number] += data
            pairs[number][1].sendall(b"aa")

    threads = [Thread(target=answer, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    crowd.exchange([sock for sock, _ in pairs], b"f", 2, under_way=2, count=12)
    for (sock, peer), thread in zip(pairs, threads, strict=True):
        sock.close()
        thread.join()
        peer.close()
    assert heard == [b"ffff"] * 3


def test_random_reads_find_the_batch_they_ask_for() -> None:
    with local_broker() as broker:
        mk.Admin(broker.address).create_topics([mk.NewTopic("reads")])
        spread.produce(broker.address, "reads", 1, 4, PID)
        taken_ms = reads.reads(broker.address, "reads", 20, seed=1)
        assert len(taken_ms) == 20 and taken_ms == sorted(taken_ms) and taken_ms[0] > 0


def test_a_watch_has_the_time_of_the_process_it_looks_at() -> None:
    with Watch(PID) as watch:
        sum(range(300_000))
    assert watch.cpu_s > 0
    assert watch.wall_s > 0


def test_every_size_is_compared_with_the_smallest() -> None:
    points = [
        Point("partitions", 10, {"produce": 90.0, "produce_cpu_ms": 2.0}),
        Point("partitions", 1, {"produce": 100.0, "produce_cpu_ms": 1.0}),
        Point("partitions", 1, {"produce": 80.0, "produce_cpu_ms": 3.0}),
        Point("partitions", 10, {"produce": 50.0, "produce_cpu_ms": 4.0}),
    ]
    found = {(row.size, row.measure): row for row in rows(points)}
    rate, cpu = found[10, "produce"], found[10, "produce_cpu_ms"]
    assert (rate.best, rate.median) == (90.0, 70.0)
    assert (rate.of_first, rate.of_first_median) == (0.9, pytest.approx(70 / 90))
    assert (cpu.best, cpu.median) == (2.0, 3.0)
    assert (cpu.of_first, cpu.of_first_median) == (0.5, pytest.approx(2 / 3))
    assert found[1, "produce"].of_first == 1.0


def test_the_report_has_a_row_for_each_size() -> None:
    figures = {"busy": 5_000.0, "busy_cpu_us": 20.0, "calm": 400.0, "calm_cpu_us": 25.0}
    points = [
        Point("connections", 1, {**figures, "rss_mb": 20.0}),
        Point("connections", 500, {**figures, "calm": 300.0, "rss_mb": 25.0}),
    ]
    memory = {"before_mb": 20.0, "after_mb": 21.5}
    lines = report(summary(Plan(), points, memory)).splitlines()
    (row,) = [" ".join(line.split()) for line in lines if line.startswith("500 ")]
    assert row == "500 5,000 × 1 20 × 1 300 × 0.75 25 × 1 25 × 0.8"
    assert "20.0 MB idle, 21.5 MB after 1,000 MB" in lines[-2]


def test_the_log_grows_tenfold_up_to_the_largest() -> None:
    assert log_sizes_mb(10) == (10, 100, 1_000, 10_000)
    assert log_sizes_mb(1) == (10, 100, 1_000)
    assert log_sizes_mb(3) == (10, 100, 1_000, 3_000)
