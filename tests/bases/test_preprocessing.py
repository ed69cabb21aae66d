"""The one preprocessing: what it computes, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emo.bases.base import load_base
from emo.bases.preprocessing import Preprocessing
from emo.errors import BaseError

COLOUR = Preprocessing(px=32, scale=1.0, grey=False, mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))


def test_pixels_become_what_the_formula_says() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    expected = (picture[0].astype(np.float64) / 255 - COLOUR.mean) / COLOUR.std
    np.testing.assert_allclose(COLOUR.normalise(picture)[0], expected.transpose(2, 0, 1), atol=1e-6)


def test_colour_makes_no_difference_to_a_grey_base(media: Path) -> None:
    import cv2

    from emo.capture.detectors import load_detector
    from emo.capture.filetypes import read_picture
    from emo.datasets.crops import cut_face

    image = read_picture(media / "single_face.jpg")
    assert image is not None
    crop = cut_face(image, load_detector(min_face_px=40).detect(image)[0])
    grey = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    base = load_base(threads=1)
    one, other = base.features(np.stack([crop, np.asarray(grey, np.uint8)]))
    assert np.abs(one - other).max() < 0.05 * np.abs(one).max()


def test_documents_come_back() -> None:
    assert Preprocessing.from_document(COLOUR.to_document()) == COLOUR


@pytest.mark.parametrize(
    "change", [{"px": 4}, {"px": 5000}, {"scale": 0.0}, {"scale": 2.0}, {"mean": (0.5,)}, {"std": (0.5, 0.5, 0.0)}]
)
def test_impossible_values_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(BaseError, match="preprocessing"):
        Preprocessing.from_document({**COLOUR.to_document(), **change})
