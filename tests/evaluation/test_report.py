"""What a person reads: verdict, next steps, report and card."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from emo.evaluation.advice import next_steps, trust, verdict
from emo.evaluation.numbers import Evaluation
from emo.evaluation.report import model_card, write_report

LABELS = ("angry", "happy", "sad")


def evaluation(*, right: float = 0.9, recordings: int = 3, unit: str = "recording", crops: int = 90) -> Evaluation:
    """Answers about happy and sad, of which this part is right in every recording."""
    truth = np.repeat([1, 2], crops // 2)
    place = np.arange(crops) % (crops // 2)
    correct = (place * 7919 % 100) < 100 * right
    answer = np.where(correct, truth, 3 - truth)
    probabilities = np.full((crops, 3), 0.1)
    probabilities[np.arange(crops), answer] = 0.8
    names = [
        f"{'happy' if label == 1 else 'sad'}-{number * recordings // (crops // 2)}"
        for label, number in zip(truth, place, strict=True)
    ]
    return Evaluation(
        labels=LABELS,
        truth=truth,
        probabilities=probabilities,
        base_probabilities=np.full((crops, 3), 1 / 3),
        recording_ids=np.array(names),
        unit=unit,  # type: ignore[arg-type]
        note="Held back by recording.",
        temperature=1.0,
        threshold=0.5,
    )


def test_one_recording_a_label_is_called_optimistic_and_asks_for_another() -> None:
    single = evaluation(recordings=1, unit="time")
    assert "expect less tomorrow" in verdict(single)
    assert next_steps(single)[0].startswith("Record happy and sad again, on another day")


def test_a_model_that_guesses_is_not_to_be_relied_on() -> None:
    assert "not surely better than guessing" in verdict(evaluation(right=0.5))


def test_a_good_model_is_called_good_and_sent_to_new_videos() -> None:
    good = evaluation(right=1.0, crops=150)
    assert (
        verdict(good)
        == "Right on 100 % of the held-out faces, averaged over 2 labels, in recordings it had never seen."
    )
    assert next_steps(good) == ["Try it on a video of another day: emo predict VIDEO"]


def test_a_model_worse_than_its_base_says_so() -> None:
    worse = evaluation(right=0.8)
    perfect = np.eye(3)[worse.truth]
    assert "the base alone would be right on 100 %" in verdict(replace(worse, base_probabilities=perfect))


def test_the_interval_widens_when_recordings_disagree() -> None:
    steady = evaluation(right=0.9)
    hits = steady.recording_ids != "sad-0"
    torn = replace(steady, probabilities=np.eye(3)[np.where(hits, steady.truth, 0)])
    assert np.ptp(torn.interval) > np.ptp(steady.interval)


def test_trust_needs_more_than_one_recording_and_more_than_the_base() -> None:
    good = evaluation(right=1.0, crops=150)
    assert trust(good) == "good"
    assert trust(evaluation(right=0.7, crops=150)) == "with care"
    assert trust(evaluation(recordings=1, unit="time")) == "not proven"
    assert trust(evaluation(right=1.0, crops=150, unit="time")) == "not proven"
    assert trust(evaluation(right=0.5)) == "not yet"
    worse = evaluation(right=0.8)
    assert trust(replace(worse, base_probabilities=np.eye(3)[worse.truth])) == "not yet"


def test_an_interval_without_a_mistake_still_has_width() -> None:
    low, high = evaluation(right=1.0, recordings=3).interval
    assert high == 1
    assert low == pytest.approx(0.05 ** (1 / 6)), "six recordings without a mistake"
    none = evaluation(right=1.0, recordings=3)
    wrong = replace(none, probabilities=np.eye(3)[3 - none.truth])
    assert wrong.interval == (0.0, pytest.approx(1 - 0.05 ** (1 / 6)))


def test_the_base_may_answer_labels_that_the_model_does_not_have() -> None:
    numbers = evaluation()
    sure = np.eye(3)[numbers.truth] * 0.6
    numbers = replace(numbers, base_probabilities=sure, base_elsewhere=np.repeat([0.3, 0.7], 45))
    assert (numbers.base_uar_open, numbers.base_uar_closed) == (0.5, 1.0)


def test_the_base_is_told_the_labels_only_where_the_model_is() -> None:
    numbers = evaluation()
    asked_about_angry_too = np.tile([0.4, 0.0, 0.0], (90, 1)) + 0.3 * np.eye(3)[numbers.truth]
    numbers = replace(numbers, base_probabilities=asked_about_angry_too)
    assert (numbers.base_uar, numbers.base_uar_closed) == (0.0, 1.0)
    closed = replace(
        numbers,
        labels=LABELS[1:],
        truth=numbers.truth - 1,
        probabilities=numbers.probabilities[:, 1:],
        base_probabilities=asked_about_angry_too[:, 1:],
        base_elsewhere=np.full(90, 0.4),
    )
    assert (closed.base_uar, closed.base_uar_open) == (1.0, 0.0)


def test_labels_that_the_base_does_not_know_are_named(tmp_path: Path) -> None:
    numbers = replace(evaluation(), base_probabilities=np.tile([0.5, 0.5, 0.0], (90, 1)))
    assert numbers.unknown_to_base == ("sad",)
    write_report(tmp_path, numbers, title="Model personal")
    assert "it does not know sad" in (tmp_path / "report.html").read_text()


def test_weak_labels_are_named_with_what_they_are_taken_for() -> None:
    assert next_steps(evaluation(right=0.8))[0].startswith("Look at happy, right in 80 % and most often taken for sad")


def test_few_faces_and_few_answers_ask_for_more() -> None:
    steps = next_steps(replace(evaluation(right=1.0, crops=30), threshold=0.9))
    assert steps[0].startswith("Record longer videos of happy and sad: fewer than 20 faces")
    assert steps[1].startswith("Only 0 % of the faces get an answer")


def test_some_is_never_shown_as_none(tmp_path: Path) -> None:
    numbers = evaluation(right=1.0, crops=800)
    probabilities = numbers.probabilities.copy()
    probabilities[0] = [0.1, 0.1, 0.8]
    write_report(tmp_path, replace(numbers, probabilities=probabilities), title="Model personal")
    page = (tmp_path / "report.html").read_text()
    assert "&lt;1\N{NO-BREAK SPACE}%" in page
    assert "&gt;99\N{NO-BREAK SPACE}%" in page


def test_notes_are_emphasised_and_cannot_carry_markup(tmp_path: Path) -> None:
    numbers = replace(evaluation(recordings=1, unit="time"), note="Optimistic: `sad` <script>alert(1)</script>")
    write_report(tmp_path, numbers, title="Model personal")
    page = (tmp_path / "report.html").read_text()
    assert "Optimistic: <b>sad</b> &lt;script&gt;" in page


def test_a_threshold_of_nothing_reads_as_never_unsure(tmp_path: Path) -> None:
    write_report(tmp_path, replace(evaluation(), threshold=0.0), title="Model personal")
    assert "It never says “unsure”" in (tmp_path / "report.html").read_text()


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    sheet.write_bytes(b"\x89PNG")
    write_report(tmp_path, evaluation(), title="Model <personal>", contact_sheet=sheet, extra={"people": "1"})
    page = (tmp_path / "report.html").read_text()
    addresses: list[str] = []

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag not in ("script", "link", "iframe")
            addresses.extend(value or "" for name, value in attrs if name in ("src", "href"))

    Links().feed(page)
    assert addresses
    assert all(address.startswith("data:image/png;base64,") for address in addresses)
    assert "Model &lt;personal&gt;" in page
    assert str(tmp_path) not in page


def test_the_twins_tell_the_same_numbers(tmp_path: Path) -> None:
    numbers = evaluation()
    write_report(tmp_path, numbers, title="Model personal")
    document = json.loads((tmp_path / "report.json").read_text())
    text = (tmp_path / "report.md").read_text()
    assert document["uar"] == pytest.approx(numbers.uar)
    assert document["verdict"] == verdict(numbers)
    for page in (text, (tmp_path / "report.html").read_text()):
        assert f"{100 * numbers.uar:.0f}\N{NO-BREAK SPACE}%" in page
        assert verdict(numbers) in page


def test_the_card_names_what_was_not_measured_and_where_it_is_forbidden() -> None:
    card = model_card(evaluation(), name="personal", facts={"people": "1"})
    assert "not recorded by this person, so not measured: angry" in card
    assert "Article 5(1)(f)" in card
    assert "- people: 1" in card
