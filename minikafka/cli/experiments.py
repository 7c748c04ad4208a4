"""`minikafka sim | fuzz | bench`: play, provoke and measure."""

from __future__ import annotations

import json
import sys
from itertools import chain
from typing import IO, Any

import click

from minikafka.cli.common import Address, as_json, in_words, progress, reach


@click.command()
@click.argument("scenario", required=False)
@click.option("--list", "list_", is_flag=True, help="Name the scenarios, one a line.")
@click.option("--seed", type=int, default=7, show_default=True)
@click.option("--trace", type=click.File("w"), help="Write every event as a line of JSON.")
@as_json
def sim(scenario: str | None, list_: bool, seed: int, trace: IO[str] | None, json_: bool) -> None:
    """Play SCENARIO in virtual time; the same seed gives the same run, event for event."""
    from minikafka.lab import scenarios

    if list_:
        for name in scenarios.SCENARIOS:
            # A script gets the bare names; a person is told what they are about.
            about = f"  {scenarios.describe(name)}" if sys.stdout.isatty() else ""
            click.echo(f"{name:12}{about}" if about else name)
        return
    if scenario not in scenarios.SCENARIOS:
        names = ", ".join(scenarios.SCENARIOS)
        wrong = f"no scenario {scenario}" if scenario else "which scenario?"
        raise click.UsageError(f"{wrong}; there are: {names}")
    try:
        world = scenarios.run(scenario, seed)
    except AssertionError as error:
        replay = f"minikafka sim {scenario} --seed {seed}"
        raise click.ClickException(f"{error or 'a check failed'}; replay with: {replay}") from error
    if trace is not None and world.trace is not None:
        trace.writelines(f"{line}\n" for line in world.trace.lines())
    row = {"scenario": scenario, "seed": seed, "virtual_ms": world.now / 1000}
    row["events"] = len(world.trace or ())
    click.echo(
        json.dumps(row) if json_ else in_words(row),
        err=trace is not None and trace.name == "<stdout>",
    )


# --- hostile input -----------------------------------------------------------------
@click.command()
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--frames", type=click.IntRange(min=1), default=100_000, show_default=True)
@click.option("--live", is_flag=True, help="Send them to a broker process, not to one in here.")
@click.option(
    "--corpus",
    type=click.Path(file_okay=False, exists=True),
    help="Where to keep frames that meet an exception nobody expected.",
)
@as_json
def fuzz(seed: int, frames: int, live: bool, corpus: str | None, json_: bool) -> None:
    """Hand a broker frames that no honest client sends; the same ones for the same seed."""
    from pathlib import Path

    from minikafka.lab import fuzz

    row: dict[str, Any] = {"seed": seed, "frames": frames}
    if live:
        from tempfile import TemporaryDirectory

        from minikafka.bench.servers import Minikafka
        from minikafka.bench.siege import besiege

        with TemporaryDirectory() as root, Minikafka(Path(root)) as server:
            before = server.rss_bytes()
            with progress("sending", frames) as advance:
                siege = besiege(server.address, seed, frames, advance)
            megabytes = [round(rss / 1e6) for rss in (before, server.rss_bytes())]
        row |= siege._asdict() | {"rss_mb_before": megabytes[0], "rss_mb_after": megabytes[1]}
        click.echo(json.dumps(row) if json_ else in_words(row))
        return
    with progress("trying", frames) as advance:
        found = fuzz.find(seed, frames, advance)
    for case, error in found:
        name = f"{case.api}-v{case.version}-{case.how}-{case.number}.hex"
        click.echo(f"{name}: {error!r}", err=True)
        if corpus is not None:
            Path(corpus, name).write_text(case.frame.hex() + "\n")
    row["unexpected"] = len(found)
    click.echo(json.dumps(row) if json_ else in_words(row))
    if found:
        raise click.ClickException(f"{len(found)} frames met an exception that nobody expected")


# --- measuring ---------------------------------------------------------------------
@click.group()
def bench() -> None:
    """Measure broker, clients or simulator on this machine."""


@bench.command("broker")
@click.option("--rounds", type=click.IntRange(min=2), default=6, show_default=True)
@click.option("--size-mb", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--alone", is_flag=True, help="Without Apache Kafka beside it.")
@click.option("--json", "file", type=click.File("w"), help="Write every figure to a file.")
def bench_broker(rounds: int, size_mb: int, alone: bool, file: IO[str] | None) -> None:
    """One broker under librdkafka, beside Apache Kafka and the bare disk."""
    from importlib.util import find_spec

    from minikafka.bench import broker

    if find_spec("confluent_kafka") is None:
        raise click.ClickException("the load is librdkafka's: pip install confluent-kafka")
    in_turns(broker, broker.Plan(rounds, size_mb * 1_000_000, not alone), file)


@bench.command("clients")
@click.option("--rounds", type=click.IntRange(min=2), default=4, show_default=True)
@click.option("--alone", is_flag=True, help="On our broker only, without Apache Kafka.")
@click.option("--json", "file", type=click.File("w"), help="Write every figure to a file.")
def bench_clients(rounds: int, alone: bool, file: IO[str] | None) -> None:
    """Our clients beside kafka-python, aiokafka and confluent-kafka; 3 minutes a round."""
    from importlib.util import find_spec

    from minikafka.bench import clients
    from minikafka.bench.drivers import NEEDS

    missing = [name for name, module in NEEDS.items() if find_spec(module) is None]
    if missing:
        raise click.ClickException(f"it needs the others too: pip install {' '.join(missing)}")
    in_turns(clients, clients.Plan(rounds, beside_apache=not alone), file)


@bench.command("flat")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--size-mb", type=click.IntRange(min=1), default=200, show_default=True)
@click.option(
    "--largest-gb",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How far the log grows in each round; the disk needs that and a half.",
)
@click.option("--json", "file", type=click.File("w"), help="Write every figure to a file.")
def bench_flat(rounds: int, size_mb: int, largest_gb: int, file: IO[str] | None) -> None:
    """One broker with more and more data, partitions and connections: is it as fast?"""
    from importlib.util import find_spec

    if find_spec("confluent_kafka") is None:
        raise click.ClickException("the load is librdkafka's: pip install confluent-kafka")
    from minikafka.bench.flat import Plan, log_sizes_mb, report, run

    plan = Plan(rounds, slice_bytes=size_mb * 1_000_000, log_mb=log_sizes_mb(largest_gb))
    with progress("measuring", plan.step_count) as advance:
        results = run(plan, advance)
    click.echo(report(results))
    if file is not None:
        json.dump(results, file, indent=2)


@bench.command("start")
@as_json
def bench_start(json_: bool) -> None:
    """How long `import minikafka` takes, and a broker until it is ready, in ms."""
    from minikafka.bench.start import measure

    for row in measure():
        click.echo(json.dumps(row) if json_ else in_words(row))


@bench.command("sim")
@as_json
def bench_simulator(json_: bool) -> None:
    """Events a second of the simulator."""
    from minikafka.bench.simulator import measure

    for row in measure():
        click.echo(json.dumps(row) if json_ else in_words(row))


@bench.command("calibrate")
@click.option(
    "-b",
    "--bootstrap-server",
    "address",
    type=Address(),
    help="A broker that runs, or one is started. It is sent some 110 MB a round, in a topic that "
    "is deleted at the end.",
)
@click.option("--apache", is_flag=True, help="Start Apache Kafka and not ours.")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--json", "file", type=click.File("w"), help="Write every figure to a file.")
def bench_calibrate(address: str | None, apache: bool, rounds: int, file: IO[str] | None) -> None:
    """Fit the simulator's machines to this machine and a real broker."""
    from contextlib import ExitStack
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from minikafka.bench.apart import apart
    from minikafka.bench.calibrate import fit, measure, medians, report, warm
    from minikafka.bench.servers import ApacheKafka, Minikafka, Unavailable, topic
    from minikafka.bench.stage import TOPIC, Sockets

    if address is not None and apache:
        raise click.UsageError("--apache starts a broker; -b names one that runs")
    try:
        with ExitStack() as stack:
            if address is None:
                place = Path(stack.enter_context(TemporaryDirectory()), "broker")
                server = stack.enter_context((ApacheKafka if apache else Minikafka)(place))
                address = server.address
                stack.enter_context(topic(server, TOPIC))
            else:
                reach(address)
                stack.enter_context(Sockets(address).topic())
            with progress("measuring", rounds + 1) as advance:
                apart(warm, address)
                advance()
                found = []
                for _ in range(rounds):
                    found.append(apart(measure, address))
                    advance()
    except (Unavailable, RuntimeError) as error:
        raise click.ClickException(str(error)) from error
    measured = medians(found)
    machines, fitted = fit(measured)
    click.echo(report(measured, machines, fitted))
    if file is not None:
        figures = {"measured": measured, "fitted": fitted, "machines": machines.to_json()}
        json.dump(figures | {"rounds": found}, file, indent=2)


@bench.command("trade")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--alone", is_flag=True, help="Without Apache Kafka beside it.")
@click.option("--json", "file", type=click.File("w"), help="Write every figure to a file.")
def bench_trade(rounds: int, alone: bool, file: IO[str] | None) -> None:
    """What batch.size and linger.ms buy and cost: measured, and predicted by the simulator."""
    from minikafka.bench import trade

    in_turns(trade, trade.Plan(rounds, not alone), file)


@bench.command("tuning")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--alone", is_flag=True, help="Without Apache Kafka beside it.")
@click.option("--json", "file", type=click.File("w"), help="Write every figure to a file.")
def bench_tuning(rounds: int, alone: bool, file: IO[str] | None) -> None:
    """The best settings that the simulator finds for a goal, played for real."""
    from minikafka.bench import tuning

    in_turns(tuning, tuning.Plan(rounds, not alone), file)


def in_turns(benchmark: Any, plan: Any, file: IO[str] | None) -> None:
    """Run a benchmark that can have Apache Kafka beside it, and print its report."""
    from minikafka.bench.servers import Unavailable

    try:
        with progress("measuring", plan.step_count) as advance:
            results = benchmark.run(plan, advance)
    except Unavailable as error:
        raise click.ClickException(f"{error}; --alone measures without it") from error
    except RuntimeError as error:  # a server or a process of the load says what went wrong
        raise click.ClickException(str(error)) from error
    click.echo(benchmark.report(results))
    if file is not None:
        json.dump(results, file, indent=2)


@bench.command("widgets")
@as_json
def bench_widgets(json_: bool) -> None:
    """Frame times, first drawings and releases of sliders, in ms, in a headless Chromium."""
    from importlib.util import find_spec

    needed = ("anywidget", "quickjs", "playwright", "jupyterlab")
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise click.ClickException(f"it needs {', '.join(missing)}: pip install 'minikafka[test]'")
    from minikafka.bench.widgets import measure, releases

    try:
        for row in chain(measure(), releases()):
            click.echo(json.dumps(row) if json_ else in_words(row))
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from error
