"""The timeline: what is drawn, read back from the picture."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emo.evaluation.timeline import PALETTE, UNSURE_COLOUR, draw_timeline, label_colours

LABELS = ("happy", "sad")


def draw(path: Path, *, count: int = 40, faces: bool = True) -> NDArray[np.int64]:
    """A video that turns from happy to sad, then unsure, then shows no face; RGB (H, W, 3)."""
    import cv2

    quarter = np.arange(count) * 4 // count
    probabilities = np.array([[0.9, 0.1], [0.1, 0.9], [0.5, 0.5], [np.nan, np.nan]])[quarter]
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 255
    draw_timeline(
        path,
        times_s=np.arange(count) * 0.2,
        probabilities=probabilities,
        labels=LABELS,
        unsure=quarter == 2,
        faces=[(0.2 * index, red) for index in range(count // 2)] if faces else [],
        title="a.mp4",
    )
    return np.asarray(cv2.imread(str(path))[:, :, ::-1], dtype=np.int64)


def columns(picture: NDArray[np.int64], colour: str) -> NDArray[np.intp]:
    """The columns with more than 25 pixels of a colour: those of the ribbon."""
    wanted = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)])
    return np.flatnonzero((np.abs(picture - wanted).max(axis=2) <= 2).sum(axis=0) > 25)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> NDArray[np.int64]:
    return draw(tmp_path_factory.mktemp("timeline") / "timeline.png")


def test_the_ribbon_follows_the_answers_in_time(picture: NDArray[np.int64]) -> None:
    happy, sad, unsure = (columns(picture, colour) for colour in (*PALETTE[:2], UNSURE_COLOUR))
    assert happy.max() <= sad.min() and sad.max() <= unsure.min()
    assert len(happy) == pytest.approx(len(sad), rel=0.05)
    assert len(unsure) == pytest.approx(len(sad), rel=0.05)


def test_faces_stand_at_their_times_and_keep_their_shape(picture: NDArray[np.int64]) -> None:
    red = (picture[..., 0] > 240) & (picture[..., 1] < 15) & (picture[..., 2] < 15)
    middle = (columns(picture, PALETTE[0]).min() + columns(picture, UNSURE_COLOUR).max()) / 2
    across = np.flatnonzero(red.any(axis=0))
    assert across.min() < middle * 0.4
    assert across.max() < picture.shape[1] * 0.6, "no face was seen in the second half"
    first = across[: np.flatnonzero(np.diff(across) > 1)[0] + 1]
    assert len(first) == pytest.approx(red.any(axis=1).sum(), rel=0.05), "a thumbnail is square"


def test_a_single_moment_and_no_faces_can_be_drawn(tmp_path: Path) -> None:
    assert draw(tmp_path / "one.png", count=1, faces=False).shape[2] == 3


def test_a_label_keeps_its_colour_and_ten_labels_differ() -> None:
    labels = [f"label{index}" for index in range(10)]
    assert len(set(label_colours(labels).values())) == 10
    assert label_colours(labels)["label3"] == label_colours(labels[:4])["label3"]


def test_drawing_opens_no_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    draw(tmp_path / "one.png", count=4)
    assert "matplotlib.pyplot" not in sys.modules
