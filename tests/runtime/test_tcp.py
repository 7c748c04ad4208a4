"""The sockets' driver with a toy server: frames in any pieces, order, pressure, failures, stops."""

from __future__ import annotations

import logging
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from minikafka.admin import Admin, NewTopic
from minikafka.broker.config import BrokerConfig
from minikafka.log.files import RealFiles
from minikafka.loggers import Level
from minikafka.node import NEVER, Channel, Closed, Message, Node, Request, Response, WorldStopped
from minikafka.record.builder import BatchBuilder
from minikafka.runtime.serve import _broker_driver, local_broker, run_broker
from minikafka.runtime.stream import (
    FIRST_FRAME_BYTES,
    MAX_FRAMES,
    MAX_UNSENT_BYTES,
    READ,
    FrameReader,
)
from minikafka.runtime.tcp import Driver, Sockets
from minikafka.wire.connection import ClientConnection
from minikafka.wire.errors import MalformedFrame
from minikafka.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from minikafka.wire.messages.fetch import (
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    PartitionData,
)
from minikafka.wire.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)


class Server(Node):
    """ApiVersions: answered at once ("fail" fails). Fetch: `big` bytes out of a file."""

    served = MappingProxyType({1: (4, 18), 18: (0, 4)})
    max_request_bytes = 10_000_000

    def __init__(self, big: int = 0) -> None:
        super().__init__("server")
        self.big = big
        self.heard: list[str | None] = []
        self.closed: list[str] = []
        self.stopped = False

    def start(self, now: int) -> None:
        self.file = self.files.open("big")
        if self.big:
            self.file.append(bytes(range(256)) * (self.big // 256))

    def receive(self, now: int, message: Message) -> None:
        if isinstance(message, Closed):
            self.closed.append(message.reason)
            return
        self.heard.append(message.client_id)
        if message.client_id == "fail":
            raise KeyError("a defect")
        body: Any = ApiVersionsResponse()
        if isinstance(message.body, FetchRequest):
            data = PartitionData(partition_index=0, records=self.file.slice(0, self.big))
            body = FetchResponse(responses=[FetchableTopicResponse(topic="t", partitions=[data])])
        self.outbox.append(Response(message.channel, body, message.version, message.correlation_id))

    def stop(self, now: int) -> None:
        self.stopped = True


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Server], Driver]]:
    drivers: list[Driver] = []

    def start(node: Server) -> Driver:
        driver = Sockets().host(node, listen="127.0.0.1:0", files=RealFiles(str(tmp_path)))
        drivers.append(driver)
        return driver

    yield start
    for driver in drivers:
        driver.close()


class Raw:
    """A blocking client of the test's own."""

    def __init__(self, driver: Driver) -> None:
        host, port = (driver.address or "").split(":")
        self.sock = socket.create_connection((host, int(port)), timeout=10)
        self.name = "{}:{}".format(*self.sock.getsockname())
        self.channel = Channel("raw", "server")
        self.wire = ClientConnection(self.channel)
        self.number = 0

    def frame(self, client_id: str = "raw", body: Any = None, version: int = 4) -> bytes:
        self.number += 1
        body = body if body is not None else ApiVersionsRequest()
        request = Request(self.channel, body, version, self.number, client_id)
        return b"".join(bytes(part) for part in self.wire.send(request))  # type: ignore[arg-type]

    def answer(self) -> Response:
        while True:
            response = self.wire.next_response()
            if response is not None:
                return response
            data = self.sock.recv(1 << 16)
            if not data:
                raise ConnectionError("closed")
            self.wire.feed(data)


FETCH = FetchRequest(max_wait_ms=0, min_bytes=0, topics=[])


def test_pipelined_requests_are_answered_in_order(serve: Callable[[Server], Driver]) -> None:
    node = Server()
    raw = Raw(serve(node))
    raw.sock.sendall(b"".join(raw.frame(f"c{n}") for n in range(500)))
    assert [raw.answer().correlation_id for _ in range(500)] == list(range(1, 501))
    assert node.heard == [f"c{n}" for n in range(500)]


def test_a_frame_byte_by_byte(serve: Callable[[Server], Driver]) -> None:
    raw = Raw(serve(Server()))
    raw.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in raw.frame() + raw.frame():
        raw.sock.send(bytes([byte]))
    assert [raw.answer().correlation_id, raw.answer().correlation_id] == [1, 2]


def test_records_leave_from_the_file_between_the_header_and_the_tail(
    serve: Callable[[Server], Driver],
) -> None:
    raw = Raw(serve(Server(big=8 << 20)))
    raw.sock.sendall(raw.frame(body=FETCH, version=11))
    records = raw.answer().body.responses[0].partitions[0].records
    assert bytes(records) == bytes(range(256)) * (8 << 12)


def test_a_small_slice_is_joined(serve: Callable[[Server], Driver]) -> None:
    raw = Raw(serve(Server(big=512)))
    raw.sock.sendall(raw.frame(body=FETCH, version=11))
    assert len(raw.answer().body.responses[0].partitions[0].records) == 512


@pytest.mark.parametrize("size", [-1, -(1 << 31), 10_000_001, (1 << 31) - 1, 0, 3])
def test_a_lying_frame_closes_its_connection_alone(
    serve: Callable[[Server], Driver], size: int, capfd: pytest.CaptureFixture[str]
) -> None:
    driver = serve(Server())
    bad, good = Raw(driver), Raw(driver)
    good.sock.sendall(good.frame())
    assert good.answer().correlation_id == 1
    bad.sock.sendall(struct.pack(">i", size) + b"abc")
    assert bad.sock.recv(100) == b"", "the server hangs up"
    good.sock.sendall(good.frame())
    assert good.answer().correlation_id == 2


def test_a_defect_closes_its_connection_alone(
    serve: Callable[[Server], Driver], caplog: pytest.LogCaptureFixture
) -> None:
    driver = serve(Server())
    bad, good = Raw(driver), Raw(driver)
    bad.sock.sendall(bad.frame("fail"))
    assert bad.sock.recv(100) == b""
    good.sock.sendall(good.frame())
    assert good.answer().correlation_id == 1
    (told,) = caplog.records
    assert (told.levelname, "a defect" in told.getMessage()) == ("ERROR", True)


def test_a_client_that_does_not_read_stops_being_read(
    serve: Callable[[Server], Driver],
) -> None:
    node = Server(big=1 << 20)
    driver = serve(node)
    lazy, other = Raw(driver), Raw(driver)
    frames = [lazy.frame(body=FETCH, version=11) for _ in range(400)]
    done = threading.Event()

    def write() -> None:
        for frame in frames:
            lazy.sock.sendall(frame)
        done.set()

    threading.Thread(target=write, daemon=True).start()
    other.sock.sendall(other.frame("other"))
    assert other.answer().correlation_id == 1
    (connection,) = (c for c in driver._connections.values() if c.channel.client == lazy.name)
    assert driver.wait(lambda: connection.unsent_bytes > MAX_UNSENT_BYTES, 5_000)
    assert not connection.wants() & READ
    for number in range(1, 401):
        assert lazy.answer().correlation_id == number
    assert done.wait(5)


def test_thousands_of_requests_at_once_are_taken_a_few_at_a_time(
    serve: Callable[[Server], Driver],
) -> None:
    class Counts(Server):
        most = in_turn = 0

        def receive(self, now: int, message: Message) -> None:
            self.in_turn += 1
            super().receive(now, message)

        def poll(self, now: int) -> int:
            self.most, self.in_turn = max(self.most, self.in_turn), 0
            return super().poll(now)

    node = Counts()
    raw = Raw(serve(node))
    raw.sock.sendall(b"".join(raw.frame() for _ in range(3_000)))
    assert [raw.answer().correlation_id for _ in range(3_000)] == list(range(1, 3_001))
    assert 1 < node.most <= MAX_FRAMES


def test_an_answer_that_cannot_be_encoded_closes_its_connection_alone(
    serve: Callable[[Server], Driver], caplog: pytest.LogCaptureFixture
) -> None:
    class Overlong(Server):
        def receive(self, now: int, message: Message) -> None:
            if isinstance(message, Request) and message.client_id == "long":
                topic = FetchableTopicResponse(topic="x" * 40_000, partitions=[])
                self.outbox.append(
                    Response(message.channel, FetchResponse(responses=[topic]), 4, 1)
                )
            else:
                super().receive(now, message)

    driver = serve(Overlong())
    bad, good = Raw(driver), Raw(driver)
    bad.sock.sendall(bad.frame("long"))
    assert bad.sock.recv(100) == b""
    good.sock.sendall(good.frame())
    assert good.answer().correlation_id == 1
    assert "unsendable" in caplog.text


def test_over_the_limit_of_connections_the_next_one_waits_at_the_door(
    serve: Callable[[Server], Driver], capfd: pytest.CaptureFixture[str]
) -> None:
    node = Server()
    node.max_connections = 2  # type: ignore[attr-defined]
    driver = serve(node)
    first, second, third = Raw(driver), Raw(driver), Raw(driver)
    for raw in (first, second):
        raw.sock.sendall(raw.frame())
        assert raw.answer().correlation_id == 1
    third.sock.sendall(third.frame())
    third.sock.settimeout(0.2)
    with pytest.raises(TimeoutError):
        third.sock.recv(1)
    first.sock.close()
    third.sock.settimeout(10)
    assert third.answer().correlation_id == 1


def test_one_address_cannot_have_all_the_connections() -> None:
    with local_broker(**{"max.connections.per.ip": 2}) as broker:
        first, second = Raw(broker), Raw(broker)
        for raw in (first, second):
            raw.sock.sendall(raw.frame())
            assert raw.answer().correlation_id == 1
        third = socket.create_connection(address_of(broker), timeout=10)
        assert third.recv(1) == b""
        third.close()
        first.sock.close()
        until(lambda: broker.connection_count == 1)
        fourth = Raw(broker)
        fourth.sock.sendall(fourth.frame())
        assert fourth.answer().correlation_id == 1
    overrides = {"max.connections.per.ip": 0, "max.connections.per.ip.overrides": "127.0.0.1:1"}
    with local_broker(**overrides) as broker:
        raw = Raw(broker)
        raw.sock.sendall(raw.frame())
        assert raw.answer().correlation_id == 1


@pytest.mark.parametrize("half", [True, False])
def test_who_is_slowed_down_loses_nothing_by_hanging_up(half: bool) -> None:
    with local_broker() as broker:
        assert broker.address is not None
        with Admin(broker.address) as admin:
            admin.create_topics([NewTopic("t")])
            admin.alter_quotas({"client-id": "a"}, {"producer_byte_rate": 40_000})
        raw = Raw(broker)
        for _ in range(8):  # 480,000 bytes: 2 s too fast
            batch = BatchBuilder()
            batch.append(int(time.time() * 1000), None, b"x" * 60_000, ())
            data = PartitionProduceData(index=0, records=batch.build())
            topics = [TopicProduceData(name="t", partition_data=[data])]
            raw.sock.sendall(raw.frame("a", ProduceRequest(acks=0, topic_data=topics), 9))
        if half:
            raw.sock.shutdown(socket.SHUT_WR)
        else:
            raw.sock.close()
        node = broker.node
        until(lambda: node.statistics().partitions[0].log_end_offset == 8)  # type: ignore[attr-defined]
        until(lambda: not broker.connection_count)
        raw.sock.close()


@pytest.mark.parametrize("how", ["closed", "reset"])
def test_a_mute_holds_no_connection_that_has_ended(how: str) -> None:
    with local_broker() as broker:
        assert broker.address is not None
        with Admin(broker.address) as admin:
            admin.create_topics([NewTopic("t")])
            admin.alter_quotas({"client-id": "a"}, {"producer_byte_rate": 100})
        for behind in (0, 1):
            raw = Raw(broker)
            for _ in range(1 + behind):
                batch = BatchBuilder()
                batch.append(int(time.time() * 1000), None, b"x" * 10_000, ())
                data = PartitionProduceData(index=0, records=batch.build())
                topics = [TopicProduceData(name="t", partition_data=[data])]
                raw.sock.sendall(raw.frame("a", ProduceRequest(acks=1, topic_data=topics), 9))
            assert raw.answer().correlation_id == 1
            if how == "reset":
                raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif behind:
                continue  # what was sent before the end is still to be served
            raw.sock.close()
            until(lambda: not broker.connection_count)
            assert len(broker.node.mutes) == 0  # type: ignore[attr-defined]


def test_a_listener_of_the_log_that_fails_does_no_harm(
    serve: Callable[[Server], Driver],
) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("a mistake")

    handler = Broken()
    logging.getLogger("minikafka").addHandler(handler)
    try:
        driver = serve(Server())
        bad, good = Raw(driver), Raw(driver)
        bad.sock.sendall(struct.pack(">i", -1))
        assert bad.sock.recv(100) == b""
        good.sock.sendall(good.frame())
        assert good.answer().correlation_id == 1
    finally:
        logging.getLogger("minikafka").removeHandler(handler)


def test_what_a_client_calls_itself_begins_no_line_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "minikafka")
    with local_broker() as broker:
        broker.node.loggers.set("request", Level.DEBUG)
        raw = Raw(broker)
        raw.sock.sendall(raw.frame("x\nERROR all is lost"))
        assert raw.answer().correlation_id == 1
    assert not [line for line in caplog.text.splitlines() if line.startswith("ERROR")]
    assert 'client_id="x\\nERROR all is lost"' in caplog.text


def address_of(driver: Driver) -> tuple[str, int]:
    host, _, port = (driver.address or "").rpartition(":")
    return host, int(port)


def test_a_silent_connection_is_closed_after_its_time(serve: Callable[[Server], Driver]) -> None:
    node = Server()
    node.max_idle_ms = 100  # type: ignore[attr-defined]
    raw = Raw(serve(node))
    raw.sock.sendall(raw.frame())
    assert raw.answer().correlation_id == 1
    assert raw.sock.recv(1) == b"", "closed by the server"


def test_a_connection_is_not_silent_that_has_just_been_answered(
    serve: Callable[[Server], Driver],
) -> None:
    class Late(Server):
        """Answers 250 ms after the request; closes what was silent for 200 ms."""

        max_idle_ms = 200
        request: Request | None = None
        due = 0

        def receive(self, now: int, message: Message) -> None:
            if isinstance(message, Request):
                self.request, self.due = message, now + 250_000

        def poll(self, now: int) -> int:
            if self.request is None:
                return NEVER
            if now >= self.due:
                super().receive(now, self.request)
                self.request = None
                return NEVER
            return self.due

    raw = Raw(serve(Late()))
    raw.sock.sendall(raw.frame())
    assert raw.answer().correlation_id == 1
    answered = time.monotonic()
    assert raw.sock.recv(1) == b""
    assert time.monotonic() - answered > 0.19, "its time begins with the answer"


def test_calls_are_made_after_the_turn_without_the_lock(
    serve: Callable[[Server], Driver],
) -> None:
    driver = serve(Server())
    client = Client()
    host = Sockets().host(client)
    made: list[bool] = []

    def call() -> None:
        other = threading.Thread(target=lambda: host.wait(lambda: made.append(True) or True, 5_000))
        other.start()
        other.join(5)  # another thread gets the lock while this one is inside a call
        made.append(host.calling())

    with host.entered():
        client.calls.append(call)
        client.call(driver.address or "")
    assert host.wait(lambda: len(made) == 2, 5_000)
    assert made == [True, True] and not host.calling()
    host.close()
    host.close()


def test_stop_is_clean_and_what_waits_is_told(serve: Callable[[Server], Driver]) -> None:
    node = Server()
    driver = serve(node)
    told: list[BaseException] = []

    def wait() -> None:
        try:
            driver.wait(lambda: False, None)
        except WorldStopped as error:
            told.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    driver.close()
    thread.join(5)
    assert node.stopped and len(told) == 1
    with pytest.raises(WorldStopped), driver.entered():
        pass
    driver.close()


class Client(Node):
    """Sends one ApiVersions on each new channel; remembers what came."""

    def __init__(self) -> None:
        super().__init__("client")
        self.heard: list[Message] = []

    def receive(self, now: int, message: Message) -> None:
        self.heard.append(message)

    def call(self, address: str) -> None:
        channel = Channel("client", address)
        self.outbox.append(Request(channel, ApiVersionsRequest(), 4, 1, "client"))


def test_a_client_node_connects_on_its_first_request(serve: Callable[[Server], Driver]) -> None:
    driver = serve(Server())
    client = Client()
    host = Sockets().host(client)
    with host.entered():
        client.call(driver.address or "")
    assert host.wait(lambda: len(client.heard) == 1, 5_000)
    assert isinstance(client.heard[0], Response)
    driver.close()
    assert host.wait(lambda: len(client.heard) == 2, 5_000)
    assert isinstance(client.heard[1], Closed)
    host.close()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "no-such-host.invalid:9092", "nonsense"])
def test_a_connection_that_cannot_be_had_is_reported(address: str) -> None:
    client = Client()
    host = Sockets().host(client)
    with host.entered():
        client.call(address)
    assert host.wait(lambda: len(client.heard) == 1, 10_000)
    assert isinstance(client.heard[0], Closed)
    host.close()


def frames_of(pieces: list[bytes], limit: int = 1 << 30) -> list[bytes]:
    """What a FrameReader makes of a stream that arrives in these pieces, as the driver feeds it."""
    reader = FrameReader(limit)
    found: list[bytes] = []
    for piece in pieces:
        while piece:
            room = reader.room()
            if room is None:
                found += [bytes(frame) for frame in reader.feed(memoryview(piece))]
                break
            count = min(len(room), len(piece))
            room[:count] = piece[:count]
            room.release()
            whole = reader.received(count)
            if whole is not None:
                found.append(bytes(whole))
            piece = piece[count:]
    return found


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 7, 100])
def test_frames_do_not_depend_on_the_pieces(step: int) -> None:
    frames = [b"", b"a", b"bcd", b"x" * 50, b"", b"yz"]
    stream = b"".join(struct.pack(">i", len(frame)) + frame for frame in frames)
    pieces = [stream[i : i + step] for i in range(0, len(stream), step)]
    assert frames_of(pieces) == frames


def test_a_large_frame_grows_with_its_bytes() -> None:
    size = 3 * FIRST_FRAME_BYTES + 17
    body = bytes(range(251)) * (size // 251 + 1)
    stream = struct.pack(">i", size) + body[:size]
    pieces = [stream[i : i + 100_000] for i in range(0, len(stream), 100_000)]
    assert frames_of(pieces) == [body[:size]]
    reader = FrameReader(1 << 30)
    list(reader.feed(memoryview(struct.pack(">i", 1 << 30) + b"abc")))
    room = reader.room()
    assert room is not None and len(room) <= FIRST_FRAME_BYTES


def test_a_frame_over_the_limit_is_refused_before_its_bytes() -> None:
    with pytest.raises(MalformedFrame):
        frames_of([struct.pack(">i", 101)], limit=100)


def test_a_signal_ends_the_wait_by_itself(tmp_path: Path) -> None:
    # Its handler is Python and runs between two steps. A signal that comes after the last step
    # and before the wait must not have to wait for the next request: it writes to the loop's
    # descriptor. (The moment itself cannot be hit at will: one start in fifty did.)
    before = {
        number: signal.getsignal(number)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    }
    descriptors: list[int] = []

    def on_ready(address: str) -> None:
        descriptors.append(signal.set_wakeup_fd(-1))
        signal.set_wakeup_fd(descriptors[0], warn_on_full_buffer=False)
        signal.raise_signal(signal.SIGTERM)

    try:
        run_broker(BrokerConfig.of(), "127.0.0.1:0", str(tmp_path), on_ready)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert descriptors[0] >= 0
    assert signal.set_wakeup_fd(-1) == -1  # and nothing is left of it


@pytest.mark.parametrize("count", [1, 100, 500])
def test_a_client_that_only_reads_any_more_gets_all_its_answers(
    serve: Callable[[Server], Driver], count: int
) -> None:
    node = Server()
    driver = serve(node)
    raw = Raw(driver)
    raw.sock.sendall(b"".join(raw.frame() for _ in range(count)))
    raw.sock.shutdown(socket.SHUT_WR)
    assert [raw.answer().correlation_id for _ in range(count)] == list(range(1, count + 1))
    assert raw.sock.recv(100) == b"", "and then the server hangs up too"
    assert driver.wait(lambda: bool(node.closed), 5_000)
    assert node.closed == ["closed by the peer"]
    assert not driver._connections


def test_what_has_to_wait_is_not_waited_for_when_the_client_has_ended(
    serve: Callable[[Server], Driver],
) -> None:
    class Parks(Server):
        def receive(self, now: int, message: Message) -> None:
            if isinstance(message, Closed) or message.client_id != "park":
                super().receive(now, message)

    node = Parks()
    driver = serve(node)
    raw = Raw(driver)
    raw.sock.sendall(b"".join(raw.frame(name) for name in ["a", "b", "park"]))
    raw.sock.shutdown(socket.SHUT_WR)
    assert [raw.answer().correlation_id, raw.answer().correlation_id] == [1, 2]
    assert raw.sock.recv(100) == b""
    assert driver.wait(lambda: bool(node.closed), 5_000)
    assert node.heard == ["a", "b"]


def test_a_broker_that_listens_everywhere_does_not_send_clients_there(tmp_path: Path) -> None:
    cases = [("0.0.0.0:0", socket.gethostname()), ("127.0.0.1:0", "127.0.0.1")]
    with suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        cases.append(("[::1]:0", "::1"))  # where there is IPv6
    for number, (listen, host) in enumerate(cases):
        driver = _broker_driver(BrokerConfig.of(), listen, str(tmp_path / str(number)), None)
        assert driver.node.advertised.host == host  # type: ignore[attr-defined]
        assert (driver.address or "").rpartition(":")[0] == listen.rpartition(":")[0]
        driver.start()
        driver.run_in_thread()
        driver.close()


@pytest.mark.parametrize("how", ["closed", "reset"])
def test_who_is_gone_while_its_requests_wait_is_let_go_of(how: str) -> None:
    with local_broker() as broker:
        assert broker.address is not None
        with Admin(broker.address) as admin:
            admin.create_topics([NewTopic("t")])
        raw = Raw(broker)
        wanted = [FetchTopic(topic="t", partitions=[FetchPartition(partition_max_bytes=100)])]
        fetch = FetchRequest(max_wait_ms=60_000, min_bytes=1, topics=wanted)
        raw.sock.sendall(raw.frame(body=fetch, version=12))
        raw.sock.sendall(raw.frame() * 3)
        until(lambda: any(channel.waiting for channel in broker._connections))
        if how == "reset":
            raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.sock.close()
        until(lambda: not broker._connections)
        assert broker.node.statistics().parked_requests == 0  # type: ignore[attr-defined]


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_happens_a_thousand_times_is_told_once_a_minute(
    serve: Callable[[Server], Driver],
    caplog: pytest.LogCaptureFixture,
) -> None:
    driver = serve(Server())
    for _ in range(50):
        bad = Raw(driver)
        bad.sock.sendall(struct.pack(">i", -1))
        assert bad.sock.recv(100) == b""
    assert [record.event for record in caplog.records] == ["malformed_frame"]  # type: ignore[attr-defined]
    key = ("malformed_frame", "")
    driver._said[key] = -(10**9), driver._said[key][1]
    driver._say("malformed_frame", reason="again")
    assert caplog.records[1].fields["more_like_this"] == 49  # type: ignore[attr-defined]


def test_a_bad_frame_is_no_reason_to_end_where_nobody_can_be_told(
    serve: Callable[[Server], Driver], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def write(self, text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

    driver = serve(Server())
    bad, good = Raw(driver), Raw(driver)
    monkeypatch.setattr("sys.stderr", Broken())
    bad.sock.sendall(struct.pack(">i", -1))
    assert bad.sock.recv(100) == b""
    good.sock.sendall(good.frame())
    assert good.answer().correlation_id == 1


def test_a_signal_that_is_ignored_stays_so(tmp_path: Path) -> None:
    before = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    handlers: list[object] = []

    def on_ready(address: str) -> None:
        handlers.append(signal.getsignal(signal.SIGHUP))
        signal.raise_signal(signal.SIGTERM)

    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what nohup does
        run_broker(BrokerConfig.of(), "127.0.0.1:0", str(tmp_path), on_ready)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert handlers == [signal.SIG_IGN]
