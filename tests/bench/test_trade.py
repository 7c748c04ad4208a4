"""The model of the machines: the fit finds them again, and the programs do what they say."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from minikafka.bench import calibrate, trade
from minikafka.bench.stage import TOPIC, Load, Machines, Simulated, Sockets, perform
from minikafka.runtime.hardware import FREE, Hardware, Link
from minikafka.runtime.serve import local_broker

MACHINES = Machines(
    send_us=3.5,
    late_us=120,
    client=Hardware(request_us=140, cpu_bytes_per_us=250),
    broker=FREE,
    link=Link(latency_us=77, jitter_us=66, bytes_per_us=float("inf")),
)


def probes_on(machines: Machines) -> calibrate.Costs:
    """What would be measured on such machines."""
    played = {name: calibrate.play(machines, probe) for name, probe in calibrate.PROBES.items()}
    return {"sleep": machines.late_us} | played


def test_the_fit_finds_machines_again_that_it_has_only_seen_through_the_probes() -> None:
    machines, fitted = calibrate.fit(measured := probes_on(MACHINES))
    assert machines.send_us == pytest.approx(3.5, rel=0.03)
    assert machines.client.request_us == pytest.approx(140, rel=0.03)
    assert machines.client.cpu_bytes_per_us == pytest.approx(250, rel=0.03)
    assert machines.link.latency_us == pytest.approx(77, abs=3)
    assert fitted == pytest.approx({k: v for k, v in measured.items() if k != "sleep"}, rel=0.02)


def test_machines_are_kept_in_a_file() -> None:
    told = json.loads(json.dumps(MACHINES.to_json(), allow_nan=False))
    assert Machines.of(told) == MACHINES


def test_two_programs_are_played_by_the_simulator_the_same_each_time() -> None:
    first, again = (trade.play(Simulated(MACHINES), 4_096, 5) for _ in range(2))
    assert first == again
    # 5 ms of linger and a round trip; 2,000 records a second in batches of about 5 ms.
    assert 5 < first["p99_ms"] < 6
    assert first["requests"] == pytest.approx(2_000 / (1 + 2 * 5), rel=0.1)


def test_a_program_that_computes_keeps_its_own_answers_waiting() -> None:
    """With linger.ms = 0 batches fill all the same: the thread that hears the answers has to wait
    for the interpreter. Without that, every record would be a request."""
    hurry = {"batch_size": 4_096, "linger_ms": 0}, Load(8_000)
    threads = perform(Simulated(MACHINES), *hurry)
    apart = perform(Simulated(replace(MACHINES, switch_us=0)), *hurry)
    assert threads.requests < 8_000 / 30
    assert apart.requests > 8_000 / 4


def test_a_program_is_played_at_a_real_broker_to_the_last_record() -> None:
    with local_broker() as broker, (stage := Sockets(broker.address)).topic():
        alone = {"batch_size": 0, "linger_ms": 0}
        fast = perform(stage, alone, Load(300))
        paced = perform(stage, alone, Load(100, per_s=1_000))
        with stage.producer({}) as producer:
            end = producer.send(TOPIC, b"", partition=0).result().offset
    assert end == 300 + 100 + 2  # and the first of each
    assert fast.requests == pytest.approx(300) and paced.requests == pytest.approx(100)
    assert fast.p50_ms is None and paced.p50_ms and paced.p99_ms and paced.p50_ms <= paced.p99_ms


def test_what_the_model_plays_itself_it_predicts_without_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trade, "CELLS", [(1_024, 0), (16_384, 5)])
    cells = [trade.play(Simulated(MACHINES), *cell) for cell in trade.CELLS]
    found = trade.judged([{"probes": probes_on(MACHINES), "cells": cells}] * 2)
    assert max(found["median_error"].values()) < 0.04
    twice = [{name: 2 * value for name, value in cell.items()} for cell in cells]
    found = trade.judged([{"probes": probes_on(MACHINES), "cells": twice}])
    assert found["median_error"]["p50_ms"] == pytest.approx(0.5, abs=0.04)


def test_the_report_has_a_row_for_each_batch_size(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = {"records_per_s": 13_000.0, "p50_ms": 0.5, "p99_ms": 2.0, "requests": 100.0}
    errors = {"records_per_s": 0.1, "p50_ms": -0.2, "p99_ms": -0.5, "requests": 0.0}
    cells = [
        {"batch_size": size, "linger_ms": linger_ms}
        | {"measured": measured, "predicted": measured, "errors": errors}
        for size, linger_ms in trade.CELLS
    ]
    probes = {"measured": {"large": 2.0}, "fitted": {"large": 2.0}}
    broker = {"cells": cells, "median_error": errors, "probes": probes}
    text = trade.report({"brokers": {"minikafka": broker}, "machine": {"cpus": 2, "load": 0.5}})
    assert "records a second; off by 10% at the median" in text
    row = [line for line in text.splitlines() if line.strip().startswith("65,536")]
    assert len(row) == len(trade.MEASURES)
    assert row[0].count("13k → 13k (+10%)") == len(trade.LINGER_MS)
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("per_s", [None, 2_000])
def test_a_record_that_is_lost_is_no_speed(per_s: float | None) -> None:
    class Doomed(Simulated):
        """Its broker dies when it was sent a few."""

        def handed_over(self) -> None:
            super().handed_over()
            if self._client.node.accumulator.meter.at(self._sim.now).records >= 3:
                (broker,) = self._sim.broker_hosts()
                if broker.alive:
                    broker.crash()

    impatient = {"batch_size": 0, "linger_ms": 0, "request_timeout_ms": 10}
    impatient |= {"delivery_timeout_ms": 50}
    with pytest.raises(RuntimeError, match="of 50 records failed"):
        perform(Doomed(MACHINES), impatient, Load(50, per_s=per_s))


def test_a_small_run_is_measured_fitted_and_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {
        name: replace(probe, load=replace(probe.load, count=60))
        for name, probe in calibrate.PROBES.items()
    }
    monkeypatch.setattr(calibrate, "PROBES", small)
    monkeypatch.setattr(calibrate, "WARM", Load(10))
    monkeypatch.setattr(trade, "CELLS", [(16_384, 5)])
    monkeypatch.setattr(trade, "FEWEST", 100)
    monkeypatch.setattr(trade, "BATCHES", 1)
    monkeypatch.setattr(trade, "PACED", Load(100, per_s=trade.PER_S))
    monkeypatch.setattr(trade, "apart", lambda call, *more: call(*more))
    plan, steps = trade.Plan(3, beside_apache=False), list[None]()
    found = trade.run(plan, lambda: steps.append(None))
    assert len(steps) == plan.step_count == 4
    (broker,) = found["brokers"].values()
    ((cell,),) = (broker["cells"],)
    for measure in trade.MEASURES:
        played = sorted(each["cells"][0][measure] for each in broker["rounds"])
        assert cell["measured"][measure] == played[1] > 0
        assert cell["errors"][measure] == cell["predicted"][measure] / played[1] - 1
    json.dumps(found, allow_nan=False)
