"""De-duplication: one row for each thing that can arrive, and the snapshot's bytes."""

from __future__ import annotations

import pytest

from minikafka.log.config import LogConfig
from minikafka.log.producers import (
    DamagedSnapshot,
    ProducerState,
    SentBatch,
    decode_snapshot,
    encode_snapshot,
)
from minikafka.record.control import ControlType, encode_end_txn_marker
from minikafka.record.crc import crc32c
from minikafka.wire.errors import ErrorCode, KafkaError

from .helpers import NOW, NOW_MS, SMALL, Place, batch

LAST = (1 << 31) - 1


def as_in_the_text() -> Place:
    """Producer 7, epoch 2: sequences 0..4, 5, 6..10, 11, 12..14 at rising offsets."""
    place = Place()
    for count, sequence in ((5, 0), (1, 5), (5, 6), (1, 11), (3, 12)):
        place.append(count, producer=(7, 2, sequence))
        place.append(1)
    return place


DUPLICATE, APPENDED = "duplicate", "appended"
OUT_OF_ORDER = ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
FENCED = ErrorCode.INVALID_PRODUCER_EPOCH


@pytest.mark.parametrize(
    ("producer", "count", "outcome"),
    [
        ((7, 2, 15), 3, (APPENDED, 20)),
        ((7, 2, 0), 5, (DUPLICATE, 0)),
        ((7, 2, 5), 1, (DUPLICATE, 6)),
        ((7, 2, 6), 5, (DUPLICATE, 8)),
        ((7, 2, 12), 3, (DUPLICATE, 16)),
        ((7, 2, 6), 4, OUT_OF_ORDER),  # part of a batch is not that batch
        ((7, 2, 7), 4, OUT_OF_ORDER),
        ((7, 2, 18), 1, OUT_OF_ORDER),
        ((7, 2, 14), 1, OUT_OF_ORDER),
        ((7, 3, 0), 1, (APPENDED, 20)),
        ((7, 3, 15), 1, OUT_OF_ORDER),
        ((7, 1, 15), 1, FENCED),
        ((7, 1, 6), 5, FENCED),
        ((8, 0, 0), 1, (APPENDED, 20)),
        ((8, 0, 99), 1, (APPENDED, 20)),  # unknown here: its records may have been deleted
    ],
)
def test_what_may_follow(
    producer: tuple[int, int, int], count: int, outcome: tuple[str, int] | ErrorCode
) -> None:
    place = as_in_the_text()
    if isinstance(outcome, ErrorCode):
        with pytest.raises(KafkaError) as error:
            place.append(count, producer=producer)
        assert error.value.code == outcome
        assert place.log.log_end_offset == 20
        return
    kind, offset = outcome
    done = place.append(count, producer=producer)
    assert (done.base_offset, done.last_offset) == (offset, offset + count - 1)
    assert done.duplicate == (kind == DUPLICATE)
    assert place.log.log_end_offset == (20 if done.duplicate else 20 + count)


def test_a_duplicate_is_answered_with_the_time_of_its_first_attempt() -> None:
    place = Place()
    place.append(1, NOW_MS - 5, producer=(7, 0, 0))
    assert place.append(1, NOW_MS, producer=(7, 0, 0)).log_append_time_ms == NOW_MS - 5


def test_the_sixth_last_batch_is_forgotten() -> None:
    place = Place()
    for i in range(6):
        place.append(1, producer=(7, 0, i))
    assert place.append(1, producer=(7, 0, 1)).duplicate
    with pytest.raises(KafkaError):
        place.append(1, producer=(7, 0, 0))


def test_sequences_go_round() -> None:
    place = Place()
    place.append(2, producer=(7, 0, LAST - 1))
    assert place.append(1, producer=(7, 0, 0)).base_offset == 2
    place = Place()
    place.append(4, producer=(7, 0, LAST - 1))  # LAST - 1, LAST, 0, 1
    assert place.append(4, producer=(7, 0, LAST - 1)).duplicate
    assert place.append(1, producer=(7, 0, 2)).base_offset == 4


def test_a_new_epoch_forgets_the_batches_of_the_old_one() -> None:
    place = Place()
    place.append(1, producer=(7, 0, 0))
    place.append(1, producer=(7, 1, 0))
    assert len(place.log.producers.states[7].batches) == 1
    assert place.append(1, producer=(7, 1, 0)).base_offset == 1


def test_silent_producers_are_forgotten() -> None:
    place = Place(LogConfig(producer_id_expiration_ms=100))
    place.append(1, NOW_MS, producer=(7, 0, 0))
    place.log.producers.expire(NOW_MS + 99)
    assert 7 in place.log.producers.states
    place.log.producers.expire(NOW_MS + 100)
    assert place.log.producers.states == {}
    assert place.append(1, producer=(7, 0, 5)).base_offset == 1


def test_what_expired_while_the_broker_was_down_is_not_loaded() -> None:
    place = Place(SMALL.replace(producer_id_expiration_ms=100))
    place.append(1, NOW_MS - 100, producer=(7, 0, 0))
    place.append(1, NOW_MS - 99, producer=(8, 0, 0))
    assert set(place.reopen().producers.states) == {8}


def marker(control_type: ControlType, epoch: int = 0, producer_id: int = 7) -> bytes:
    return encode_end_txn_marker(
        control_type,
        timestamp=NOW_MS,
        producer_id=producer_id,
        producer_epoch=epoch,
        coordinator_epoch=9,
    )


def test_a_transaction_is_open_until_its_marker() -> None:
    place = Place()
    place.append(1)
    place.append(2, producer=(7, 0, 0), transactional=True)
    place.append(2, producer=(7, 0, 2), transactional=True)
    assert place.log.producers.states[7].open_since == 1
    with pytest.raises(KafkaError, match="INVALID_TXN_STATE"):
        place.append(1, producer=(7, 0, 4))
    place.log.append(marker(ControlType.COMMIT), NOW, 0, from_client=False)
    state = place.log.producers.states[7]
    assert (state.open_since, state.coordinator_epoch) == (-1, 9)
    assert place.append(1, producer=(7, 0, 4)).base_offset == 6


def test_a_marker_fences_older_epochs_and_its_own_begins_at_0() -> None:
    place = Place()
    place.append(1, producer=(7, 0, 0), transactional=True)
    place.log.append(marker(ControlType.ABORT, epoch=1), NOW, 0, from_client=False)
    with pytest.raises(KafkaError, match="INVALID_PRODUCER_EPOCH"):
        place.append(1, producer=(7, 0, 1))
    with pytest.raises(KafkaError, match="OUT_OF_ORDER"):
        place.append(1, producer=(7, 1, 1))
    assert place.append(1, producer=(7, 1, 0)).base_offset == 2


def test_the_state_is_the_same_from_memory_from_a_snapshot_and_from_the_records() -> None:
    place = as_in_the_text()
    place.append(1, producer=(8, 0, 0), transactional=True)
    place.append(1, producer=(10, 0, 0), transactional=True)
    place.log.append(marker(ControlType.COMMIT, producer_id=10), NOW, 0, from_client=False)
    place.log.append(batch(1, producer=(9, 1, 0)), NOW, 0)
    before = dict(place.log.producers.states)
    place.log.close(NOW)
    loaded = place.open(clean=True).producers.states
    assert {pid: state.batches[-1] for pid, state in loaded.items()} == {
        pid: state.batches[-1] for pid, state in before.items()
    }
    for name in place.files.list("t-0"):
        if name.endswith(".snapshot"):
            place.files.remove(f"t-0/{name}")
    assert place.open(clean=True).producers.states == before


# --- the snapshot file ---------------------------------------------------------------------


def example() -> dict[int, ProducerState]:
    known, marked = ProducerState(2), ProducerState(0)
    known.batches.append(SentBatch(14, 123, 2, 1_000))
    known.last_timestamp = 1_000
    marked.coordinator_epoch, marked.open_since, marked.last_timestamp = 5, 77, 2_000
    return {7: known, 8: marked}


def test_a_snapshot_is_kafkas_bytes() -> None:
    body = bytes.fromhex(
        "00000002"
        "0000000000000007 0002 0000000e 000000000000007b 00000002 00000000000003e8"
        "ffffffff ffffffffffffffff"
        "0000000000000008 0000 ffffffff ffffffffffffffff 00000000 00000000000007d0"
        "00000005 000000000000004d"
    )
    data = encode_snapshot(example())
    assert data == b"\0\1" + crc32c(body).to_bytes(4, "big") + body
    assert decode_snapshot(data) == example()


def test_any_damage_to_a_snapshot_is_noticed() -> None:
    data = encode_snapshot(example())
    for position in range(len(data)):
        broken = bytearray(data)
        broken[position] ^= 0x55
        with pytest.raises(DamagedSnapshot):
            decode_snapshot(bytes(broken))
        with pytest.raises(DamagedSnapshot):
            decode_snapshot(data[:position])
    body = data[6:10] + data[10:] + b"more"
    with pytest.raises(DamagedSnapshot, match="producers"):
        decode_snapshot(b"\0\1" + crc32c(body).to_bytes(4, "big") + body)
