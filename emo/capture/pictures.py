"""The one face of a still picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emo.capture.detectors import SearchingDetector
from emo.capture.follow import most_prominent
from emo.datasets.crops import Face

PORTRAIT_PX = 256
"""Pictures up to this side may be face crops of a dataset, too tight for a search."""


def face_of_picture(detector: SearchingDetector, image: NDArray[np.uint8]) -> Face | None:
    """The largest, most central face of a picture, RGB uint8 (H, W, 3), or None."""
    face = most_prominent(detector.detect(image), image.shape)
    if face is None and max(image.shape[:2]) <= PORTRAIT_PX:
        face = detector.detect_portrait(image)
    return face
