"""The controller's plans, where the requests in tests/broker/test_topics.py cannot reach."""

from __future__ import annotations

from random import Random

import pytest

from minikafka.quorum.controller import Controller, NewTopic
from minikafka.quorum.image import MetadataImage
from minikafka.wire.errors import ErrorCode, KafkaError
from minikafka.wire.types import random_uuid


def controller(image: MetadataImage) -> Controller:
    return Controller(image, node_id=1, directory_id=bytes(16), random=Random(3))


def test_an_id_that_a_topic_has_is_drawn_again() -> None:
    image = MetadataImage()
    first = random_uuid(Random(3))
    topic, partition = controller(image).plan_topic(NewTopic("a"), 1, 1)
    assert topic.topic_id == partition.topic_id == first
    image.apply(topic, 0)
    topic, partition = controller(image).plan_topic(NewTopic("b"), 1, 1)
    assert topic.topic_id == partition.topic_id != first


def test_the_metadata_log_is_nobodys_topic() -> None:
    with pytest.raises(KafkaError, match="belongs to the cluster itself") as caught:
        controller(MetadataImage()).plan_topic(NewTopic("__cluster_metadata"), 1, 1)
    assert caught.value.code == ErrorCode.INVALID_REQUEST
