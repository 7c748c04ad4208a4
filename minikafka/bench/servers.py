"""A broker as a process of its own: ours, or Apache Kafka's.

    with Minikafka(directory) as server:        with ApacheKafka(directory) as server:
        server.address     "127.0.0.1:40123"        (the same)
        server.kill(); server.start()               SIGKILL, then up again at the same address

Both are driven from outside only, over the socket and by signals, so whatever is
tested or measured against one can be tried on the other: Apache Kafka judges the
test before the test judges us.

Apache Kafka comes from Maven's central repository as published (`pom.xml` beside this
file), once, into `~/.cache/minikafka`; MINIKAFKA_KAFKA_LIBS names a directory of jars to
use instead. `python -m minikafka.bench.servers` fetches them ahead of time. Without Java
or Maven the class refuses with `Unavailable` and a plain reason.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import ClassVar

from minikafka.admin import Admin, NewTopic

KAFKA_VERSION = "4.3.1"
READY_WITHIN_S = 60.0


class Unavailable(Exception):
    """This machine lacks what it takes to run a server; the text says what."""


class Server:
    """One broker process that owns `directory`. Subclasses say how it is started."""

    name: ClassVar[str]

    def __init__(self, directory: Path, **configs: str) -> None:
        self.directory = directory
        self.configs = {key.replace("_", "."): value for key, value in configs.items()}
        self.port = free_port()
        self.ready_s = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """What a client is given as `bootstrap.servers`."""
        return f"127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        """Where the partition directories are."""
        return self.directory / "data"

    def command(self) -> list[str]:
        """The command line of the broker process."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the process and wait until it answers; `ready_s` says how long that took."""
        self.directory.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        with (self.directory / "output.txt").open("ab") as output:
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() - started > READY_WITHIN_S:
                self.kill()
                raise RuntimeError(f"{self.name} did not come up:\n{self.output()[-4000:]}")
            time.sleep(0.005)
        self.ready_s = time.monotonic() - started

    def output(self) -> str:
        """Everything the process has printed."""
        return (self.directory / "output.txt").read_text(errors="replace")

    def stop(self) -> None:
        """End it cleanly (SIGTERM)."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would (SIGKILL): nothing gets flushed or closed."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(timeout=READY_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                raise
            self._process = None

    @property
    def pid(self) -> int:
        """The process while it runs."""
        assert self._process is not None
        return self._process.pid

    def rss_bytes(self) -> int:
        """Resident memory of the process, as /proc tells it (Linux)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) * 1024 if found else 0

    def _answers(self) -> bool:
        """Whether a Metadata request (v1, no topics) is answered and names a broker."""
        request = struct.pack(">hhihi", 3, 1, 1, -1, 0)
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(struct.pack(">i", len(request)) + request)
                answer = connection.recv(12)
        except OSError:
            return False
        return len(answer) == 12 and struct.unpack(">iii", answer)[2] > 0

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class Minikafka(Server):
    """Our broker, by the command that a person would type."""

    name = "minikafka"

    def command(self) -> list[str]:
        settings = [f"--set={key}={value}" for key, value in self.configs.items()]
        return [
            *(sys.executable, "-m", "minikafka", "broker", "--node-id", "1"),
            *("--listen", self.address, "--data", str(self.data), *settings),
        ]


class ApacheKafka(Server):
    """Apache Kafka with broker and controller in one process (KRaft, combined mode)."""

    name = "Apache Kafka"

    def __init__(self, directory: Path, *, heap: str = "512m", **configs: str) -> None:
        super().__init__(directory, **configs)
        self.heap = heap
        self.controller_port = free_port()

    def start(self) -> None:
        if not self.data.exists():
            self._format()
        super().start()

    def command(self) -> list[str]:
        # G1 with a short pause goal is what Kafka's own start script asks for.
        memory = [f"-Xms{self.heap}", f"-Xmx{self.heap}", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"]
        return java("kafka.Kafka", str(self._properties), options=memory)

    @property
    def _properties(self) -> Path:
        return self.directory / "server.properties"

    def _format(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        properties = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": str(self.data),
            # One node cannot keep three replicas of the topics that Kafka makes for itself.
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            **self.configs,
        }
        lines = [f"{key}={value}\n" for key, value in properties.items()]
        self._properties.write_text("".join(lines))
        cluster_id = "-"  # the tool would take an id that begins so for an option
        while cluster_id.startswith("-"):
            cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        config = str(self._properties)
        run_tool("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", config)


@contextmanager
def side_by_side(beside_apache: bool = True) -> Iterator[dict[str, Server]]:
    """Our broker and, if asked for, Apache Kafka: both up, on a disk that is forgotten."""
    with tempfile.TemporaryDirectory(prefix="minikafka-bench-") as place, ExitStack() as stack:
        servers: dict[str, Server] = {"minikafka": Minikafka(Path(place, "minikafka"))}
        if beside_apache:
            servers["apache"] = ApacheKafka(Path(place, "apache"), heap="1g")
        for server in servers.values():
            stack.enter_context(server)
        yield servers


@contextmanager
def topic(server: Server, name: str, partition_count: int = 1) -> Iterator[str]:
    """A topic on a server for the length of a `with` block."""
    with Admin(server.address) as admin:
        admin.create_topics([NewTopic(name, partition_count)])
        yield name
        admin.delete_topics([name])


def run_tool(name: str, *arguments: str, stdin: str = "") -> str:
    """Run one of Apache Kafka's command-line tools by its class, with this to read.

    Gives what it printed, on standard error too: that is where the tools complain.
    """
    done = subprocess.run(
        java(name, *arguments, options=["-Xmx256m", "-XX:TieredStopAtLevel=1"]),
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{name} failed ({done.returncode}):\n{done.stdout}")
    return done.stdout


def java(main_class: str, *arguments: str, options: list[str]) -> list[str]:
    """The command line that runs a class out of Apache Kafka's jars, logging warnings only."""
    libraries = kafka_libraries()
    logging = "-Dorg.apache.logging.log4j.level=WARN"
    return ["java", *options, logging, "-cp", f"{libraries}/*", main_class, *arguments]


def kafka_libraries() -> Path:
    """The directory with Apache Kafka's jars; fetched with Maven the first time."""
    if shutil.which("java") is None:
        raise Unavailable("Apache Kafka needs Java 17 or newer, and there is no `java` here")
    if named := os.environ.get("MINIKAFKA_KAFKA_LIBS"):
        return Path(named)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "minikafka"
    libraries = cache / f"kafka-{KAFKA_VERSION}"
    if not libraries.exists():
        _fetch(libraries)
    return libraries


def _fetch(libraries: Path) -> None:
    if shutil.which("mvn") is None:
        raise Unavailable("Apache Kafka's jars are fetched with Maven, and there is no `mvn` here")
    libraries.parent.mkdir(parents=True, exist_ok=True)
    # Into a directory of our own first: two test processes may fetch at the same time.
    with tempfile.TemporaryDirectory(dir=libraries.parent) as own:
        pom = Path(__file__).with_name("pom.xml")
        goal = "dependency:copy-dependencies"
        done = subprocess.run(
            ["mvn", "-q", "-B", "-f", str(pom), goal, f"-DoutputDirectory={own}/libs"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise Unavailable(f"Maven could not fetch Apache Kafka's jars:\n{done.stdout[-2000:]}")
        if not libraries.exists():
            Path(own, "libs").rename(libraries)


def free_port() -> int:
    """A TCP port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


if __name__ == "__main__":
    print(kafka_libraries())
