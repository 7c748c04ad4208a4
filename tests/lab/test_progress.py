"""The file that knows what a reader has done: where it is, and that it never stops a cell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from minikafka.lab import progress


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "deep" / "progress.json"
    monkeypatch.setenv("MINIKAFKA_PROGRESS", str(path))
    return path


def test_it_lies_where_the_data_of_a_user_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MINIKAFKA_PROGRESS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    progress.accept("00.1")
    assert (tmp_path / "xdg/minikafka/progress.json").exists()
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    progress.accept("00.2")
    kept = json.loads((tmp_path / ".local/share/minikafka/progress.json").read_text())
    assert kept == {"exercises": ["00.2"], "predictions": {}}


def test_named_nothing_it_is_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIKAFKA_PROGRESS", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    progress.note("00.x", answer="remembered until the kernel ends")
    assert progress.done().predictions["00.x"] == {"answer": "remembered until the kernel ends"}
    assert list(tmp_path.iterdir()) == []


def test_a_home_may_be_short_or_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MINIKAFKA_PROGRESS", "~/mine.json")
    progress.accept("00.1")
    assert (tmp_path / "mine.json").exists()
    monkeypatch.delenv("MINIKAFKA_PROGRESS")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for a user with no entry
    monkeypatch.chdir(tmp_path)
    progress.accept("00.2")
    assert "00.2" in progress.done().exercises
    assert [path.name for path in tmp_path.iterdir()] == ["mine.json"]


def test_what_another_notebook_wrote_is_not_lost(file: Path) -> None:
    progress.accept("00.1")
    other = {"exercises": ["00.1", "03.2"], "predictions": {"03.a": {"answer": "12"}}}
    file.write_text(json.dumps(other))
    progress.note("00.a", answer="4")
    assert progress.done().exercises == ["00.1", "03.2"]
    assert set(progress.done().predictions) == {"00.a", "03.a"}
    assert [path.name for path in file.parent.iterdir()] == ["progress.json"]


def test_notebooks_that_write_at_the_same_time_lose_nothing(file: Path) -> None:
    program = (
        "import sys; from minikafka.lab import progress\n"
        "for i in range(60): progress.note(f'{sys.argv[1]}.{i}', answer='x')"
    )
    kernels = [subprocess.Popen([sys.executable, "-c", program, name]) for name in ("00", "01")]
    assert [kernel.wait() for kernel in kernels] == [0, 0]
    assert len(progress.done().predictions) == 120


def test_nothing_new_writes_nothing(file: Path) -> None:
    progress.accept("00.1")
    before = file.stat().st_mtime_ns, file.stat().st_ino
    progress.accept("00.1")
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == before


@pytest.mark.parametrize(
    "damage",
    [
        "{", "", "[]", "null", '{"exercises": []}', '{"exercises": [1], "predictions": {}}',
        '{"exercises": [], "predictions": {"00.a": "4"}}', "\udcff",
        '{"exercises": [], "predictions": {"00.a": {"answer": 4}}}',
    ],
)  # fmt: skip
def test_a_damaged_file_is_told_and_kept_aside(file: Path, damage: str) -> None:
    file.parent.mkdir()
    for number in (1, 2):
        file.write_bytes(damage.encode(errors="surrogateescape"))
        with pytest.warns(UserWarning, match=f"is damaged .* it is now .*damaged{number}"):
            progress.accept("00.1")
        assert progress.done().exercises == ["00.1"]
    aside = file.with_name("progress.json.damaged1")
    assert aside.read_bytes() == damage.encode(errors="surrogateescape")


def test_where_nothing_can_be_written_it_is_told_once_and_remembered(file: Path) -> None:
    file.parent.write_text("a file where a folder should be")
    with pytest.warns(UserWarning, match="progress is not kept") as told:
        progress.accept("00.1")
        progress.accept("00.2")
    assert len(told) == 1
    assert progress.done().exercises == ["00.1", "00.2"]


def test_a_folder_in_its_place_stops_nothing(file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.warns(UserWarning, match="progress is not kept"):
        assert progress.done().exercises == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        progress.accept("00.1")
    assert progress.done().exercises == ["00.1"]


def test_the_tests_leave_a_users_own_file_alone() -> None:
    assert os.environ["MINIKAFKA_PROGRESS"] == ""
