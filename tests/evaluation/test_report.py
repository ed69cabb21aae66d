"""What a person reads: verdict, next steps, report and card."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from emo.evaluation.advice import next_steps, verdict
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
    assert next_steps(good) == ["Try it on a new video with: emo predict VIDEO"]


def test_a_model_worse_than_its_base_says_so() -> None:
    worse = evaluation(right=0.8)
    perfect = np.eye(3)[worse.truth]
    assert "the base alone would be right on 100 %" in verdict(replace(worse, base_probabilities=perfect))


def test_the_interval_widens_when_recordings_disagree() -> None:
    steady = evaluation(right=0.9)
    hits = steady.recording_ids != "sad-0"
    torn = replace(steady, probabilities=np.eye(3)[np.where(hits, steady.truth, 0)])
    assert np.ptp(torn.interval) > np.ptp(steady.interval)


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
        assert f"{100 * numbers.uar:.0f} %" in page
        assert verdict(numbers) in page


def test_the_card_names_what_was_not_measured_and_where_it_is_forbidden() -> None:
    card = model_card(evaluation(), name="personal", facts={"people": "1"})
    assert "not recorded by this person, so not measured: angry" in card
    assert "Article 5(1)(f)" in card
    assert "- people: 1" in card
