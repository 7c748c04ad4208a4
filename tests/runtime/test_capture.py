"""What a client and a broker say to each other, overheard; nothing of it is changed."""

from __future__ import annotations

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
