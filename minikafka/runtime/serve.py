"""A broker on real sockets: for the command line (until a signal) and for tests and notebooks."""

from __future__ import annotations

import gc
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from minikafka.broker.broker import Broker
from minikafka.broker.config import BrokerConfig
from minikafka.log.files import RealFiles
from minikafka.loggers import Level, Loggers
from minikafka.runtime.tcp import Driver
from minikafka.trace import Trace

EVERY_ADDRESS = ("", "0.0.0.0", "[::]", "::")
OTHER_DESCRIPTORS = 24
"""What is open beside log files and connections: the standard streams, the door, the poller, …"""


def run_broker(
    config: BrokerConfig,
    listen: str,
    data: str,
    on_ready: Callable[[str], None],
    log_level: Level = Level.INFO,
    metrics: str | None = None,
) -> None:
    """Be a broker until SIGTERM, SIGINT or SIGHUP, in this thread.

    `on_ready` gets the address once requests are answered; at `metrics` ("host:port") there is
    what Prometheus wants to know (metrics.py). Raises OSError when the address
    or the directory cannot be had (BlockingIOError: another broker has it), and when the
    disk fails later.
    """
    driver = _broker_driver(config, listen, data, None)
    broker = driver.node
    assert isinstance(broker, Broker)
    broker.loggers = Loggers(log_level)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` leaves SIGHUP
            signal.signal(number, lambda *_: driver.stop())
    # The handler above runs between two steps of Python. A signal that comes just before the loop
    # begins to wait would be heard of after the wait, so the signal itself has to end that.
    signal.set_wakeup_fd(driver.poker_number, warn_on_full_buffer=False)
    with ExitStack() as at_the_end:
        if metrics is not None:
            from minikafka.runtime.metrics import serve_metrics  # 60 ms that few need to pay

            host, _, port = metrics.rpartition(":")
            at_the_end.callback(serve_metrics(driver, broker, host.strip("[]"), int(port)))
        at_the_end.callback(signal.set_wakeup_fd, -1)
        driver.start()
        gc.collect()
        gc.freeze()  # what a broker is made of never becomes garbage: spare the collector the walk
        host, _, port = (driver.address or listen).rpartition(":")
        on_ready(f"{socket.gethostname() if host in EVERY_ADDRESS else host}:{port}")
        driver.run()


@contextmanager
def local_broker(*, trace: bool = False, **configs: Any) -> Iterator[Driver]:
    """A real broker for a test or a notebook: a thread, a free port, a temporary directory.

    `broker.address` is its "host:port"; `broker.node` the broker. With `trace`, what happens
    lies in `broker.trace`.
    """
    from tempfile import TemporaryDirectory  # 5 ms that a broker need not pay

    with TemporaryDirectory(prefix="minikafka-") as data:
        config = BrokerConfig.of({"node.id": 1, **configs})
        driver = _broker_driver(config, "127.0.0.1:0", data, Trace() if trace else None)
        driver.start()
        driver.run_in_thread()
        try:
            yield driver
        finally:
            driver.close()


def _broker_driver(config: BrokerConfig, listen: str, data: str, trace: Trace | None) -> Driver:
    descriptors = _descriptors() - OTHER_DESCRIPTORS
    open_limit = min(8192, descriptors // 2)
    files = RealFiles(data, open_limit)
    files.lock()
    broker = Broker(config)
    driver = Driver(broker, files, trace)
    driver.connection_limit = descriptors - open_limit
    host, _, port = listen.rpartition(":")
    address = driver.listen(host.strip("[]"), int(port))
    if host in EVERY_ADDRESS:  # which is nowhere to connect to: the machine's name, as in Kafka
        address = f"{socket.gethostname()}:{address.rpartition(':')[2]}"
    broker.advertise(address)
    return driver


def _descriptors() -> int:
    """How many files and sockets the system lets us have, after asking for all it would give."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with suppress(ValueError, OSError):  # a system that says yes to less than it promises
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return soft
