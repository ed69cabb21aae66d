"""Measure face crops, and reject those that show no expression.

The bounds are far outside of what the real clips show, so that hardly any usable face is lost:
what is doubtful is better left to the eye, on the contact sheet.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emo.datasets.crops import CROP_SCALE, Face

MEASURED_PX = 112
"""Side of the face that sharpness is measured on, so that its value does not depend on the source's size."""

LEAST_SHARPNESS = 8.0
"""Variance of the Laplacian below which eyes and mouth are smeared into the skin.

Faces of the real clips have 270 to 850; blurred by a sigma of a fortieth of their side, 8: about what
20 pixels across the face would show.
"""

LEAST_BRIGHTNESS = 20.0
"""Mean grey value, 0 to 255, below which only noise is left; an eighth of the real clips' light."""

MOST_BRIGHTNESS = 245.0
"""Mean grey value above which the skin is burnt out."""

NO_FACE = "no_face"


def measure(crop: NDArray[np.uint8], face: Face) -> dict[str, float]:
    """What is recorded of a crop, uint8 (S, S, 3) RGB.

    Returns:
        ``sharpness``, the variance of the Laplacian of the grey face at 112 px; ``brightness``, its mean grey
        value, 0 to 255; ``face_px``, the face's side in the source; ``score``, the detector's; ``roll``, degrees.
    """
    import cv2

    # The face alone: background has edges and light of its own.
    margin = round(crop.shape[0] * (1 - 1 / CROP_SCALE) / 2)
    inner = crop[margin : crop.shape[0] - margin, margin : crop.shape[1] - margin]
    grey = cv2.cvtColor(inner, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (MEASURED_PX, MEASURED_PX), interpolation=cv2.INTER_AREA)
    return {
        "sharpness": float(cv2.Laplacian(small, cv2.CV_32F).var()),
        "brightness": float(grey.mean()),
        "face_px": face.side,
        "score": face.score,
        "roll": face.roll,
    }


def why_rejected(quality: dict[str, float], *, min_face_px: int) -> str | None:
    """The first reason against a crop with this quality, or None when it is good."""
    if quality["face_px"] < min_face_px:
        return "too_small"
    if quality["brightness"] < LEAST_BRIGHTNESS:
        return "too_dark"
    if quality["brightness"] > MOST_BRIGHTNESS:
        return "too_bright"
    if quality["sharpness"] < LEAST_SHARPNESS:
        return "blurred"
    return None
