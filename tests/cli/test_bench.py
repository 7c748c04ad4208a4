"""The benchmark measures what it says: the load reaches the broker, the sums are right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from minikafka.bench import calibrate, load, microseconds
from minikafka.bench.broker import Plan, report, summary
from minikafka.bench.stage import Load
from minikafka.cli.main import main
from minikafka.runtime.serve import local_broker


def test_the_load_sends_and_reads_every_record(monkeypatch: pytest.MonkeyPatch) -> None:
    import minikafka as mk

    monkeypatch.setattr(load, "TIMED_COUNT", 100)
    with local_broker() as broker:
        mk.Admin(broker.address).create_topics([mk.NewTopic("load")])
        value = b"x" * 100
        assert load.produce(broker.address, "load", value, 25_000, load.LARGE_BATCHES) > 0
        assert load.produce(broker.address, "load", value, 500, load.SINGLE_RECORDS) > 0
        assert load.consume(broker.address, "load", 25_500) > 0
        times = load.latencies(broker.address, "load")
        assert len(times) == 100
        assert times == sorted(times) and times[0] > 0
        with mk.Consumer(broker.address) as consumer:
            assert consumer.end_offsets([("load", 0)])["load", 0] == 25_500 + 100 + 1


def test_ratios_say_how_many_times_better_we_are() -> None:
    rounds = {
        "minikafka": [
            {"single_1": 200.0, "ack_p50_ms": 0.1},
            {"single_1": 100.0, "ack_p50_ms": 0.3},
        ],
        "apache": [{"single_1": 50.0, "ack_p50_ms": 0.4}, {"single_1": 100.0, "ack_p50_ms": 0.2}],
        "disk": [{"write": 1000.0}, {"write": 3000.0}],
    }
    once = {"minikafka": {"rss_idle_mb": 20.0}, "apache": {"rss_idle_mb": 400.0}}
    results = summary(Plan(rounds=2), rounds, once)
    assert results["times_better"] == {
        "single_1": {"best": 2.0, "median": 2.0},
        "ack_p50_ms": {"best": 2.0, "median": pytest.approx(1.5)},
        "rss_idle_mb": {"best": 20.0, "median": 20.0},
    }
    lines = report(results).splitlines()
    assert lines[1].split() == [
        *["single-record", "requests/s,", "1", "in", "flight"],
        *("200", "(150)", "100", "(75)", "2"),
    ]
    assert lines[-2].split()[-2:] == ["3,000", "(2,000)"]


def test_the_stages_of_a_request_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microseconds, "ROUNDS", 2 * microseconds.WARM_UP)
    *stages, whole, beside = microseconds.measure().values()
    assert len(stages) == 12 and beside > 0
    assert sum(stages) == pytest.approx(whole, rel=0.3)  # medians of parts, on a busy machine


def test_the_fit_leaves_nothing_behind_at_a_broker_that_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import minikafka as mk

    small = {
        name: replace(probe, load=replace(probe.load, count=60))
        for name, probe in calibrate.PROBES.items()
    }
    monkeypatch.setattr(calibrate, "PROBES", small)
    monkeypatch.setattr(calibrate, "WARM", Load(10))
    monkeypatch.setattr("minikafka.bench.apart.apart", lambda call, *more: call(*more))
    with local_broker() as broker, mk.Admin(broker.address) as admin:
        with pytest.raises(SystemExit) as ended:
            main(["bench", "calibrate", "-b", broker.address, "--rounds", "1"])
        assert ended.value.code == 0
        assert not admin.list_topics()
    assert "link.latency_us" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["calibrate", "-b", "127.0.0.1:1", "--apache"], 2, "--apache starts a broker"),
        (["calibrate", "-b", "9092"], 2, "not of the form host:port"),
        (["calibrate", "-b", "127.0.0.1:1"], 1, "no broker at 127.0.0.1:1"),
        (["trade", "--rounds", "0"], 2, "--rounds"),
    ],
)
def test_a_wrong_call_of_a_benchmark_is_told_in_a_line(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", *arguments])
    assert ended.value.code == code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("name", ["broker", "trade", "tuning"])
def test_without_java_a_benchmark_says_how_it_can_be_had(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(SystemExit) as ended:
        main(["bench", name])
    assert ended.value.code == 1
    assert "--alone measures without it" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["clients", "trade", "tuning"])
def test_a_measurement_that_fails_is_told_in_a_line(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("12 of 50 records failed")

    monkeypatch.setattr(f"minikafka.bench.{name}.run", fail)
    with pytest.raises(SystemExit) as ended:
        main(["bench", name, "--alone"])
    assert ended.value.code == 1
    assert "minikafka: 12 of 50 records failed\n" in capsys.readouterr().err
