"""The command line as a person and a script meet it: a process, its output, its exit code."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from minikafka.bench.servers import free_port

COMMAND = [sys.executable, "-m", "minikafka"]
TIMEOUT_S = 60


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], input=stdin, capture_output=True, text=True, timeout=TIMEOUT_S
    )


class Broker:
    """`minikafka broker` on a free port, as its first line reports it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.process = subprocess.Popen(
            [*COMMAND, "broker", "--listen", "127.0.0.1:0", "--data", str(data)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()
        self.address = self.first_line.split()[5].rstrip(",")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(TIMEOUT_S)

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        """Run another command against this broker, which has to succeed; gives its output."""
        done = run(*arguments, "-b", self.address, stdin=stdin)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    broker = Broker(tmp_path_factory.mktemp("cli") / "data")
    yield broker
    assert broker.stop() == 0


def test_a_broker_says_when_it_is_ready_and_where(broker: Broker) -> None:
    expected = f"minikafka broker 1 ready at {broker.address}, data in {broker.data}\n"
    assert broker.first_line == expected


def test_a_broker_reads_kafkas_own_kind_of_file(tmp_path: Path) -> None:
    file = tmp_path / "server.properties"
    file.write_text(
        "# ours\n! too\nnode.id = 4\nlisteners: PLAINTEXT://127.0.0.1:0\n"
        f"log.dirs={tmp_path / 'data'}\nlog.retention.\\\n   ms=5000\nnum.partitions=7\n"
    )
    with subprocess.Popen(
        [*COMMAND, "broker", "--config", str(file), "--set", "num.partitions=3"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("minikafka broker 4 ready at 127.0.0.1:")
        described = run(
            "configs", "describe", "broker", "4", "-b", line.split()[5].rstrip(",")
        ).stdout
        process.send_signal(signal.SIGTERM)
    assert "log.retention.ms=5000  STATIC_BROKER_CONFIG" in described
    assert "num.partitions=3  STATIC_BROKER_CONFIG" in described
    for wrong, hint in (("node.ix=4", "did you mean node.id?"), ("what", "line 1 is not")):
        file.write_text(wrong)
        done = run("broker", "--config", str(file))
        assert done.returncode == 2 and hint in done.stderr


def test_a_broker_tells_prometheus_what_it_does(tmp_path: Path) -> None:
    port = free_port()
    metrics = ("--metrics", f"127.0.0.1:{port}", "--listen", "127.0.0.1:0")
    with subprocess.Popen(
        [*COMMAND, "broker", *metrics, "--data", str(tmp_path / "data")],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[5].rstrip(",")
        run("topics", "create", "t", "--partitions", "2", "-b", address)
        run("produce", "t", "--partition", "1", "-b", address, stdin="a\nb\n")
        run("topics", "create", "t", "-b", address)
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=TIMEOUT_S) as answer:
            page = answer.read().decode()
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
    told = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    assert float(told['kafka_log_end_offset{partition="1",topic="t"}']) == 2
    assert float(told['kafka_log_end_offset{partition="0",topic="t"}']) == 0
    assert float(told['kafka_server_requests_total{api="CreateTopics"}']) == 2
    assert float(told['kafka_server_request_seconds_count{api="CreateTopics"}']) == 2
    assert 0 < float(told['kafka_server_request_seconds_sum{api="Produce"}']) < TIMEOUT_S
    assert float(told['kafka_server_request_bytes_total{api="Produce"}']) > 60
    assert float(told['kafka_server_response_bytes_total{api="Produce"}']) > 20
    exists = 'kafka_server_errors_total{api="CreateTopics",error="TOPIC_ALREADY_EXISTS"}'
    assert float(told[exists]) == 1
    assert float(told["process_resident_memory_bytes"]) > 1e6
    assert float(told["kafka_server_connections"]) >= 0


def test_a_port_for_metrics_that_is_taken_costs_no_clean_stop(tmp_path: Path) -> None:
    first = Broker(tmp_path / "data")
    assert first.stop() == 0
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        start = ("broker", "--listen", "127.0.0.1:0", "--data", str(tmp_path / "data"))
        done = run(*start, "--metrics", at)
    assert done.returncode == 1 and at in done.stderr and "in use" in done.stderr
    assert (tmp_path / "data" / ".kafka_cleanshutdown").exists()


def test_topics_come_and_go(broker: Broker) -> None:
    broker("topics", "create", "come", "--partitions", "2", "--set", "retention.ms=1000")
    assert "come" in broker("topics", "list").splitlines()
    rows = [json.loads(x) for x in broker("topics", "describe", "come", "--json").splitlines()]
    assert [(row["topic"], row["partition"], row["leader"]) for row in rows] == [
        ("come", 0, 1),
        ("come", 1, 1),
    ]
    assert broker("topics", "describe", "come").startswith("topic come  partition 0  leader 1")
    broker("topics", "delete", "come")
    assert "come" not in broker("topics", "list").splitlines()


def test_topics_grow_and_are_trimmed(broker: Broker) -> None:
    broker("topics", "create", "grows")
    broker("topics", "grow", "grows", "--partitions", "3")
    assert len(broker("topics", "describe", "grows").splitlines()) == 3
    broker("produce", "grows", "--partition", "2", stdin="a\nb\nc\n")
    assert broker("topics", "trim", "grows", "--partition", "2", "--before", "1") == "1\n"
    assert broker("offsets", "grows").splitlines()[2] == "topic grows  partition 2  begin 1  end 3"
    rows = [json.loads(line) for line in broker("log-dirs", "--json").splitlines()]
    (size,) = [r["size_bytes"] for r in rows if (r["topic"], r["partition"]) == ("grows", 2)]
    assert size > 0 and rows[0]["directory"] == str(broker.data)


def test_configs_are_shown_and_changed(broker: Broker) -> None:
    broker("topics", "create", "configured", "--set", "retention.ms=1000")
    alter = ("configs", "alter", "topic", "configured")
    broker(*alter, "--set", "segment.bytes=2000000", "--unset", "retention.ms")
    describe = ("configs", "describe", "topic", "configured")
    assert broker(*describe) == "segment.bytes=2000000  DYNAMIC_TOPIC_CONFIG\n"
    assert "retention.ms=604800000  DEFAULT_CONFIG\n" in broker(*describe, "--all")
    broker("configs", "alter", "broker", "", "--set", "log.retention.ms=77")
    assert "log.retention.ms=77  DYNAMIC_DEFAULT_BROKER_CONFIG" in broker(
        "configs", "describe", "broker", "1"
    )
    broker("configs", "alter", "broker", "", "--unset", "log.retention.ms")


def test_lines_become_records_and_lines_again(broker: Broker) -> None:
    broker("topics", "create", "lines")
    broker("produce", "lines", stdin="plain\n\nwith: colon\n")
    assert broker("consume", "lines", "--until-end") == "plain\n\nwith: colon\n"
    assert broker("consume", "lines", "--from", "2", "--count", "1") == "with: colon\n"


def test_records_have_keys_headers_and_times(broker: Broker) -> None:
    broker("topics", "create", "pairs")
    pairs = ("--key-separator", ":", "--header", "who=me", "--set", "compression.type=gzip")
    broker("produce", "pairs", *pairs, stdin="k1:v1\nk2:v2\nno key\n")
    shown = broker("consume", "pairs", "--until-end", "--key-separator", "=")
    assert shown == "k1=v1\nk2=v2\n=no key\n"
    rows = [json.loads(x) for x in broker("consume", "pairs", "--until-end", "--json").splitlines()]
    assert [(row["offset"], row["key"], row["value"]) for row in rows] == [
        (0, "k1", "v1"),
        (1, "k2", "v2"),
        (2, None, "no key"),
    ]
    assert rows[0]["headers"] == [["who", "me"]]
    since = f"@{rows[0]['timestamp_ms']}"
    assert broker("consume", "pairs", "--until-end", "--from", since).startswith("v1\n")
    later = f"@{rows[2]['timestamp_ms'] + 1}"
    assert broker("consume", "pairs", "--until-end", "--from", later) == ""


def test_a_log_is_dumped(broker: Broker) -> None:
    broker("topics", "create", "dumped")
    broker("produce", "dumped", stdin="two teas\n")
    log = broker.data / "dumped-0" / f"{0:020}.log"
    assert "payload: two teas" in run("dump-log", str(log)).stdout
    assert "payload" not in run("dump-log", "--no-records", str(log)).stdout
    kinds = [
        json.loads(line)["kind"] for line in run("dump-log", "--json", str(log)).stdout.splitlines()
    ]
    assert kinds == ["LogStart", "Batch", "Record"]


def test_a_damaged_log_is_dumped_and_fails(broker: Broker, tmp_path: Path) -> None:
    broker("topics", "create", "damaged")
    broker("produce", "damaged", stdin="two teas\n")
    data = bytearray((broker.data / "damaged-0" / f"{0:020}.log").read_bytes())
    data[-1] ^= 1
    log = tmp_path / f"{0:020}.log"
    log.write_bytes(data)
    done = run("dump-log", str(log))
    assert done.returncode == 1
    assert "isvalid: false" in done.stdout


def test_a_scenario_is_the_same_again(tmp_path: Path) -> None:
    names = run("sim", "--list").stdout.splitlines()
    assert "one-record" in names
    traces = []
    for name in ("first", "second"):
        trace = tmp_path / name
        done = run("sim", "one-record", "--seed", "3", "--trace", str(trace), "--json")
        assert json.loads(done.stdout)["events"] == len(trace.read_text().splitlines())
        traces.append(trace.read_bytes())
    assert traces[0] == traces[1]


MISTAKES = [
    (["broker", "--data", "d", "--listen", "nowhere"], "host:port"),
    (["broker", "--data", "d", "--set", "log.segment.byte=1"], "did you mean log.segment.bytes?"),
    (["broker", "--data", "d", "--set", "log.segment.bytes=many"], "a whole number"),
    (["broker"], "--data"),
    (["broker", "--data", "d", "--set", "log.dirs=elsewhere"], "say it with --data"),
    (["broker", "--data", "d", "--set", "listeners=PLAINTEXT://:1"], "say it with --listen"),
    (["dump-log", __file__], "is none of"),
    (["sim", "no-such-story"], "there are: one-record"),
    (["no-such-command"], "no-such-command"),
]


@pytest.mark.parametrize(("arguments", "hint"), MISTAKES, ids=lambda part: " ".join(part))
def test_a_mistake_is_told_in_one_line_and_exits_with_2(arguments: list[str], hint: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("minikafka: ") and done.stderr.count("\n") == 1
    assert hint in done.stderr


def test_a_failure_is_told_in_one_line_and_exits_with_1(broker: Broker, tmp_path: Path) -> None:
    failures = [
        (["topics", "list", "-b", "127.0.0.1:1"], "start one with"),
        (["consume", "missing", "-b", broker.address], "UNKNOWN_TOPIC_OR_PARTITION"),
        (["broker", "--data", str(tmp_path), "--listen", broker.address], "cannot listen"),
        (["broker", "--data", str(broker.data), "--listen", "127.0.0.1:0"], "another broker"),
        (["broker", "--data", "/proc/here", "--listen", "127.0.0.1:0"], "/proc/here"),
    ]
    for arguments, hint in failures:
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (1, ""), done
        assert done.stderr.startswith("minikafka: ") and done.stderr.count("\n") == 1
        assert hint in done.stderr


def test_quotas_are_set_shown_and_enforced(broker: Broker) -> None:
    alter, describe = ("quotas", "alter"), ("quotas", "describe")
    broker(*alter, "--client-id", "slow", "--set", "producer_byte_rate=1000")
    broker(*alter, "--client-id", "", "--user", "u", "--set", "request_percentage=12.5")
    assert broker(*describe).splitlines() == [
        "client-id slow: producer_byte_rate=1000",
        "client-id <default>, user u: request_percentage=12.5",
    ]
    (row,) = map(json.loads, broker(*describe, "--user", "u", "--json").splitlines())
    assert row == {
        "entity": {"client-id": None, "user": "u"},
        "quotas": {"request_percentage": 12.5},
    }
    started = time.monotonic()
    lines = "".join("x" * 600 + "\n" for _ in range(20))  # 12,000 B in 10 s: 0.2 s too fast
    broker("produce", "slow", "--set", "client.id=slow", "--set", "batch.size=0", stdin=lines)
    assert time.monotonic() - started > 1
    broker(*alter, "--client-id", "slow", "--unset", "producer_byte_rate")
    broker(*alter, "--client-id", "", "--user", "u", "--unset", "request_percentage")
    assert broker(*describe) == ""


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["alter", "--set", "producer_byte_rate=1"], "whom for?"),
        (["alter", "--user", "u"], "nothing to change"),
        (["alter", "--user", "u", "--set", "a=b"], "a=b: a quota is a number"),
        (["alter", "--user", "u", "--set", "a=1", "--unset", "a"], "--set or --unset?"),
    ],
)
def test_a_quota_wrongly_put(arguments: list[str], why: str) -> None:
    done = run("quotas", *arguments)
    assert (done.returncode, why in done.stderr) == (2, True)


def test_events_are_told_as_text_or_json_and_how_many_can_be_changed(tmp_path: Path) -> None:
    def start(form: str) -> subprocess.Popen[str]:
        command = ["broker", "--listen", "127.0.0.1:0", "--data", str(tmp_path / "data")]
        pipe = subprocess.PIPE
        options = [*command, "--log", form, "--log-level", "WARN"]
        return subprocess.Popen([*COMMAND, *options], stdout=pipe, stderr=pipe, text=True)

    def end(process: subprocess.Popen[str]) -> list[str]:
        process.send_signal(signal.SIGTERM)
        return process.communicate(timeout=TIMEOUT_S)[1].splitlines()

    process = start("json")
    assert process.stdout is not None
    address = process.stdout.readline().split()[5].rstrip(",")
    at = ("-b", address)
    assert run("topics", "create", "quiet", *at).returncode == 0
    for logger in ("broker=INFO", "request=DEBUG"):
        assert run("configs", "alter", "logger", "1", "--set", logger, *at).returncode == 0
    assert "request=DEBUG" in run("configs", "describe", "logger", "1", *at).stdout
    assert run("topics", "create", "loud", *at).returncode == 0
    rows = [json.loads(line) for line in end(process)]
    created = [row for row in rows if row["event"] == "topic_created"]
    assert [(row["topic"], row["level"], row["logger"]) for row in created] == [
        ("loud", "INFO", "broker")
    ]
    assert "CreateTopics" in [row["api"] for row in rows if row["event"] == "request"]
    assert rows[-1]["event"] == "stopped"

    process = start("text")
    assert process.stdout is not None
    host, _, port = process.stdout.readline().split()[5].rstrip(",").rpartition(":")
    with socket.create_connection((host, int(port))) as stranger:
        stranger.sendall(b"\0\0\0\1x")
        assert stranger.recv(1) == b""
    (line,) = end(process)
    assert re.match(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} WARN  network malformed_frame node=", line
    )
    assert 'reason="a request of 1 bytes' in line
