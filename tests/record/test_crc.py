"""CRC-32C: published vectors, and the fold against the C implementation."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.machinery import PathFinder

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikafka.record import crc

# RFC 3720 (iSCSI), B.4, and the check value of the catalogue of CRC algorithms.
VECTORS = [
    (b"", 0x00000000),
    (b"123456789", 0xE3069283),
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(reversed(range(32))), 0x113FDB5C),
]


@pytest.mark.parametrize(("data", "expected"), VECTORS)
def test_published_vectors(data: bytes, expected: int) -> None:
    assert crc.crc32c(data) == expected
    assert crc.pure_crc32c(data) == expected


@given(st.integers(0, 5000), st.randoms(use_true_random=False), st.integers(0, 0xFFFFFFFF))
def test_fold_agrees_with_c(size: int, random, value: int) -> None:
    data = random.randbytes(size)
    assert crc.pure_crc32c(data, value) == crc.crc32c(data, value)
    assert crc.pure_crc32c(memoryview(bytearray(data)), value) == crc.crc32c(data, value)


def test_fold_agrees_with_c_on_a_large_batch() -> None:
    data = bytes(range(251)) * 4000
    assert crc.pure_crc32c(data) == crc.crc32c(data)


@given(st.binary(), st.binary())
def test_continues_from_the_checksum_of_what_came_before(a: bytes, b: bytes) -> None:
    assert crc.pure_crc32c(b, crc.pure_crc32c(a)) == crc.pure_crc32c(a + b)


def test_the_sparse_polynomial_is_a_multiple_of_the_divisor() -> None:
    remainder = sum(1 << place for place in crc.SPARSE_MULTIPLE)
    divisor = 1 << 32 | crc.POLYNOMIAL
    while remainder.bit_length() > 32:
        remainder ^= divisor << remainder.bit_length() - 33
    assert remainder == 0


def test_without_the_wheel_the_fold_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crc.PathFinder, "find_spec", lambda *name: None)
    assert crc._fastest() is crc.pure_crc32c


def test_a_wheel_that_is_built_otherwise_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = PathFinder.find_spec

    def without_extension(name: str, *rest: object) -> object:
        return None if name == "crc32c._crc32c" else find_spec(name, *rest)

    import_module("crc32c")
    monkeypatch.setattr(crc.PathFinder, "find_spec", without_extension)
    assert crc._fastest()(b"123456789") == 0xE3069283


def test_the_package_around_the_extension_is_not_run() -> None:
    code = "import sys, minikafka.record.crc; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert "minikafka.record.crc" in loaded
    assert "importlib.metadata" not in loaded
