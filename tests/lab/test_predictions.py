"""A question before a run: what is kept, what is compared, and that nobody has to answer."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("anywidget", reason="needs the lab extra")

from minikafka.lab import check, predict, progress, reveal

CHOICES = ["(0,1) and (0,2)", "(0,1) and (1,1)"]


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "progress.json"
    monkeypatch.setenv("MINIKAFKA_PROGRESS", str(path))
    return path


def test_what_was_predicted_is_said_beside_what_happened() -> None:
    predict("01.a", "Where?", CHOICES).answer = CHOICES[1]
    assert reveal("01.a", CHOICES[0]).text() == f"You predicted {CHOICES[1]}; it is {CHOICES[0]}."
    assert reveal("01.a", CHOICES[1]).text() == f"You predicted {CHOICES[1]}, and so it is."


def test_nobody_has_to_predict() -> None:
    predict("01.a", "Where?", CHOICES)
    assert reveal("01.a", CHOICES[0]).text() == f"You did not predict; it is {CHOICES[0]}."
    assert reveal("01.z", 3).text() == "You did not predict; it is 3."


def test_an_answer_is_there_again_after_a_restart() -> None:
    predict("01.a", "Where?", CHOICES).answer = CHOICES[1]
    assert predict("01.a", "Where?", CHOICES).answer == CHOICES[1]


def test_an_answer_that_is_no_choice_any_more_is_none() -> None:
    predict("01.a", "Where?", CHOICES).answer = CHOICES[1]
    assert predict("01.a", "Where?", ["here", "there"]).answer == ""


@pytest.mark.parametrize(
    ("answer", "actual", "within", "verdict"),
    [
        ("13", 13, 0, "and so it is"),
        ("13 s", 13.0, 0, "and so it is"),
        ("12", 13, 1, "near enough"),
        ("about 1,050,000 bytes", 1_051_000, 2_000, "near enough"),
        ("11", 13, 1, "; it is 13."),
        ("many", 13, 1, "; it is 13."),
        ("(0, 1)", (0, 1), 0, "and so it is"),
        ("( 0,1 )", (0, 1), 0, "and so it is"),
        ("Tea", "tea", 0, "and so it is"),
        ("3 files", "30 files", 0, "; it is 30 files."),
        ("0.35", 0.3501, 0, "and so it is"),
        ("0.35", 0.358, 0.01, "near enough"),
        ("24 000", 24_000, 0, "and so it is"),
        ("-1", -1, 0, "and so it is"),
    ],
)
def test_text_is_compared_as_text_and_a_number_as_a_number(
    answer: str, actual: object, within: float, verdict: str
) -> None:
    predict("01.b", "How much?").answer = answer
    assert verdict in reveal("01.b", actual, within=within).text()


def test_an_accepted_exercise_is_noted_and_a_refused_one_is_not() -> None:
    check("00.1", (10, 4, ...))
    assert progress.done().exercises == []
    check("00.1", (10, 4, 6))
    check("00.1", (1, 1, 1))
    assert progress.done().exercises == ["00.1"]


def test_the_picture_shows_the_question_its_choices_and_the_answer() -> None:
    asked = predict("01.a", "Is `acks` 1 or all?", CHOICES)
    before = asked.svg()
    assert "Is acks 1 or all?" in before and all(choice in before for choice in CHOICES)
    asked.answer = CHOICES[0]
    assert asked.svg() != before
    assert "(x) (0,1) and (0,2)" in asked.text()
