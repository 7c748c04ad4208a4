"""What a client and a broker say to each other, overheard; nothing of it is changed."""

from __future__ import annotations

import socket
import struct

import pytest

from minikafka.admin import Admin, NewTopic
from minikafka.consumer.consumer import Consumer
from minikafka.producer.producer import Producer
from minikafka.runtime.capture import Capture
from minikafka.runtime.serve import local_broker


def test_a_conversation_is_kept_and_goes_on() -> None:
    with Capture() as capture, local_broker(advertised_listeners=capture.listener) as broker:
        assert broker.address is not None
        capture.forward_to(broker.address)
        with Admin(capture.address) as admin:
            admin.create_topics([NewTopic("t")])
        with Producer(capture.address, client_id="till") as producer:
            producer.send("t", b"tea", key=b"bob").result()
        with Consumer(capture.address, auto_offset_reset="earliest") as consumer:
            consumer.assign([("t", 0)])
            (record,) = consumer.poll(timeout_ms=5_000)
        assert (record.key, record.value) == (b"bob", b"tea")
    names = [each.name for each in capture.frames]
    assert {"ApiVersions", "Metadata", "CreateTopics", "Produce", "Fetch"} <= set(names)
    for each in capture.frames:
        assert sum(leaf.end - leaf.start for leaf in each.tree.leaves()) == len(each.frame)
    produce = next(each for each in capture.frames if each.name == "Produce")
    assert repr(produce).startswith("Produce request v13 #") and "tea" in str(produce.tree)
    answers = [each for each in capture.frames if each.is_answer]
    assert 0 < len(answers) <= len(capture.frames) / 2 + 1


def test_nobody_behind_it_means_no_connection() -> None:
    with Capture() as capture, Admin(capture.address, default_api_timeout_ms=300) as admin:
        with pytest.raises(Exception, match="REQUEST_TIMED_OUT"):
            admin.list_topics()
        assert capture.frames == []


def test_a_broker_that_is_away_is_found_when_it_is_back() -> None:
    with Capture() as capture:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))  # and does not listen
            capture.forward_to(f"127.0.0.1:{nobody.getsockname()[1]}")
            with socket.create_connection(_place(capture), timeout=5) as client:
                assert client.recv(1) == b""
        with local_broker(advertised_listeners=capture.listener) as broker:
            assert broker.address is not None
            capture.forward_to(broker.address)
            with Admin(capture.address) as admin:
                assert admin.list_topics() == {}


def test_bytes_that_are_no_frames_pass_unread() -> None:
    with Capture() as capture, socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(5)
        capture.forward_to(f"127.0.0.1:{door.getsockname()[1]}")
        with socket.create_connection(_place(capture), timeout=5) as client:
            broker, _ = door.accept()
            with broker:
                client.sendall(b"\xff\xff\xff\xffhello")
                assert broker.recv(9, socket.MSG_WAITALL) == b"\xff\xff\xff\xffhello"
                broker.sendall(struct.pack(">ii", 4, 7))  # an answer that nobody asked for
                assert client.recv(8, socket.MSG_WAITALL) == struct.pack(">ii", 4, 7)
        assert capture.frames == []


def test_answers_find_their_request_past_one_without_an_answer() -> None:
    with Capture() as capture, local_broker(advertised_listeners=capture.listener) as broker:
        assert broker.address is not None
        capture.forward_to(broker.address)
        with Admin(capture.address) as admin:
            admin.create_topics([NewTopic("t")])
        with Producer(capture.address, acks=0, enable_idempotence=False) as producer:
            for _ in range(3):
                producer.send("t", b"tea").result()
                producer.partitions_for("t")
        with Admin(capture.address) as admin:
            assert list(admin.list_topics()) == ["t"]
    sent = [each for each in capture.frames if each.name == "Produce"]
    assert sent and not any(each.is_answer for each in sent)
    for each in capture.frames:
        assert sum(leaf.end - leaf.start for leaf in each.tree.leaves()) == len(each.frame)


def test_closing_frees_the_port() -> None:
    capture = Capture()
    place = _place(capture)
    capture.close()
    with pytest.raises(OSError), socket.create_connection(place, timeout=5) as client:
        client.settimeout(5)
        if client.recv(1) == b"":  # accepted by the kernel before the door was shut
            raise ConnectionResetError


def _place(capture: Capture) -> tuple[str, int]:
    host, port = capture.address.rsplit(":", 1)
    return host, int(port)
