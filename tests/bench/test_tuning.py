"""A search in the simulator, and when its choice is said to have held."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from minikafka.bench import calibrate, tuning
from minikafka.bench.stage import Load, Machines, Sockets
from minikafka.bench.tuning import Goal, contenders, judged, search
from minikafka.runtime.serve import local_broker

GOAL = Goal("calm", 2_000, "p99_ms", 10, "requests")


def test_the_search_takes_the_longest_wait_that_keeps_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tuning, "BATCH_SIZES", (512, 16_384))
    monkeypatch.setattr(Goal, "load", lambda goal: Load(400, per_s=goal.per_s))
    chosen, found = search(Machines(), GOAL)
    assert chosen == (16_384, 7)
    assert found[16_384, 7]["p99_ms"] < 8 < found[16_384, 10]["p99_ms"]
    assert found[512, 7]["requests"] > 2 * found[16_384, 7]["requests"]
    with pytest.raises(RuntimeError, match="no setting reaches this: at once"):
        search(Machines(), Goal("at once", 2_000, "p50_ms", 0.001, "requests"))


def test_the_choice_meets_its_neighbours_and_the_defaults() -> None:
    assert contenders((4_096, 13)) == [(4_096, 13), (4_096, 10), (4_096, 16), tuning.DEFAULTS]
    assert contenders((4_096, 0)) == [(4_096, 0), (4_096, 1), tuning.DEFAULTS]
    assert contenders((4_096, 50)) == [(4_096, 50), (4_096, 30), tuning.DEFAULTS]
    assert contenders(tuning.DEFAULTS) == [tuning.DEFAULTS, (16_384, 4), (16_384, 7)]


@pytest.mark.parametrize(
    ("chosen", "neighbour", "held"),
    [
        ((9.0, 100.0), (9.9, 95.0), True),  # better by less than a tenth
        ((9.0, 100.0), (9.9, 80.0), False),
        ((9.0, 100.0), (11.0, 80.0), True),  # the better one breaks the limit
        ((10.5, 100.0), (9.0, 200.0), False),
        ((10.5, 100.0), (11.0, 80.0), False),
    ],
)
def test_it_held_if_it_keeps_the_limit_and_nobody_near_is_better(
    chosen: tuple[float, float], neighbour: tuple[float, float], held: bool
) -> None:
    settings = [(16_384, 7), (16_384, 10)]
    figures = [{"p50_ms": 1.0, "p99_ms": p99, "requests": n} for p99, n in (chosen, neighbour)]
    predicted = dict(zip(settings, figures, strict=True))
    found = judged(GOAL, predicted, settings, [figures])
    assert found["held"] is held
    results = {"brokers": {"minikafka": [found]}, "machine": {"cpus": 2, "load": 0.1}}
    first, _, row, *_ = tuning.report(results).splitlines()
    assert first == f"== minikafka: calm: {'held' if held else 'did not hold'}"
    assert row.split()[:2] == ["16,384", "7"]


def test_contenders_are_played_at_a_real_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Goal, "load", lambda goal: Load(200, per_s=goal.per_s))
    with local_broker() as broker, Sockets(broker.address).topic():
        found = tuning.one_round(broker.address, [[(1_024, 1)], [(16_384, 5)], [(16_384, 50)]])
    assert [len(each) for each in found] == [1, 1, 1]
    assert all(figures["p99_ms"] >= figures["p50_ms"] > 0 for [figures] in found)
    assert found[0][0]["requests"] > found[2][0]["requests"]


def test_a_small_run_plays_the_choice_and_its_rivals(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {
        name: replace(probe, load=replace(probe.load, count=60))
        for name, probe in calibrate.PROBES.items()
    }
    monkeypatch.setattr(calibrate, "PROBES", small)
    monkeypatch.setattr(calibrate, "WARM", Load(10))
    monkeypatch.setattr(tuning, "BATCH_SIZES", (16_384,))
    monkeypatch.setattr(tuning, "LINGER_MS", (1, 5, 20))
    monkeypatch.setattr(tuning, "GOALS", [Goal("any", 2_000, "p99_ms", 1_000, "requests")])
    monkeypatch.setattr(tuning, "apart", lambda call, *more: call(*more))
    monkeypatch.setattr(Goal, "load", lambda goal: Load(200, per_s=goal.per_s))
    plan, steps = tuning.Plan(2, beside_apache=False), list[None]()
    found = tuning.run(plan, lambda: steps.append(None))
    assert len(steps) == plan.step_count == 3
    ((goal,),) = found["brokers"].values()
    assert [row["linger_ms"] for row in goal["rows"]] == [20, 5]
    for row in goal["rows"]:
        played = [figures["requests"] for figures in row["rounds"]]
        assert len(played) == plan.rounds and row["measured"]["requests"] == sum(played) / 2
    json.dumps(found, allow_nan=False)
