"""Codes, names and "may be retried" against kio's table, and the exceptions."""

import pickle

import pytest
from kio.schema.errors import ErrorCode as KioErrorCode

from minikafka.wire.errors import ErrorCode, KafkaError, MalformedFrame, UnsupportedVersion


def test_numbers_names_and_retriable_are_kafkas():
    ours = {int(code): (code.name, code.retriable) for code in ErrorCode}
    theirs = {int(code): (code.name.upper(), code.retriable) for code in KioErrorCode}
    assert ours == theirs


def test_every_code_says_in_a_sentence_what_went_wrong():
    for code in ErrorCode:
        assert code.description[0].isupper() or code.description.startswith(("acks", "delete."))
        assert code.description.endswith(".")
    assert len({code.description for code in ErrorCode}) == len(ErrorCode)


def test_fresh_metadata_helps_only_where_a_retry_does():
    """Kafka's RefreshRetriableException is a RetriableException."""
    refresh = {code for code in ErrorCode if code.refresh}
    assert all(code.retriable for code in refresh)
    assert ErrorCode.NOT_LEADER_OR_FOLLOWER in refresh
    assert ErrorCode.NOT_COORDINATOR in refresh
    assert ErrorCode.REQUEST_TIMED_OUT not in refresh
    assert ErrorCode.UNKNOWN_LEADER_EPOCH not in refresh


def test_a_code_from_the_future_is_an_unknown_server_error():
    assert ErrorCode.of(6) is ErrorCode.NOT_LEADER_OR_FOLLOWER
    assert ErrorCode.of(9999) is ErrorCode.UNKNOWN_SERVER_ERROR


def test_a_kafka_error_names_its_code_and_its_reason():
    error = KafkaError(ErrorCode.CORRUPT_MESSAGE, "crc is 1, header says 2")
    assert str(error) == "CORRUPT_MESSAGE: crc is 1, header says 2"
    assert error.retriable
    assert str(KafkaError(36)) == "TOPIC_ALREADY_EXISTS: A topic of this name exists already."


def test_a_reason_that_quotes_a_lot_is_cut():
    """A string on the wire has at most 32,767 bytes, and a character at most four."""
    message = KafkaError(ErrorCode.INVALID_CONFIG, "\U0001f41a" * 32_767).message
    assert message.endswith("…")
    assert len(message) == 1000
    assert len(message.encode()) < 32_767


@pytest.mark.parametrize(
    "error", [KafkaError(3, "why"), UnsupportedVersion("why"), MalformedFrame("why")]
)
def test_errors_survive_a_process_border(error):
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy)) == (type(error), str(error))
