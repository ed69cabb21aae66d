"""The one way a face is cut out of a picture.

Every face that a base ever sees went through `cut_face`: the pictures it was trained on,
the crops that capture writes, and the frames that predict looks at. The geometry comes from
the five landmarks and not from the detector's box, whose size is each detector's own habit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    Image = NDArray[np.uint8]

CROP_SCALE = 1.5
"""Side of a stored crop in face sides: room for any base's framing, and to rotate in."""

CROP_PX = 256
"""Side of a stored crop in pixels."""

# In the widely used five-point template of 112 px (Deng et al. 2019, ArcFace) eyes and mouth lie
# 40.7 px apart and the eyes 35.2 px from each other: a face side is 112 / 40.7 eye-to-mouth lengths.
_FACE_SIDE = 112 / 40.7
_EYES_TO_MOUTH = 40.7 / 35.2


@dataclass(frozen=True, slots=True)
class Face:
    """One detected face in a picture whose rows run top-down.

    Attributes:
        box: float32 (4,), x1 y1 x2 y2 in pixels of the picture.
        landmarks: float32 (5, 2), x y in pixels: the eye on the picture's left, the eye on its
            right, nose tip, the mouth corner on the left, the mouth corner on the right.
        score: the detector's confidence, 0 to 1.
    """

    box: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    score: float

    @property
    def center(self) -> NDArray[np.float32]:
        """Half way between the middle of the eyes and the middle of the mouth, (2,) x y."""
        return np.asarray((self._eyes + self._mouth) / 2, dtype=np.float32)

    @property
    def side(self) -> float:
        """Side of the upright square that just holds the face, in pixels.

        The larger of two lengths, because turning the head shortens the distance between
        the eyes and nodding shortens the one from eyes to mouth, but rarely both.
        """
        eyes_apart = float(np.linalg.norm(self.landmarks[1] - self.landmarks[0]))
        eyes_to_mouth = float(np.linalg.norm(self._mouth - self._eyes))
        return _FACE_SIDE * max(eyes_apart * _EYES_TO_MOUTH, eyes_to_mouth)

    @property
    def roll(self) -> float:
        """Angle of the eye line in degrees, positive when the face leans clockwise in the picture."""
        across = self.landmarks[1] - self.landmarks[0]
        return float(np.degrees(np.arctan2(across[1], across[0])))

    @property
    def _eyes(self) -> NDArray[np.float32]:
        return np.asarray(self.landmarks[:2].mean(axis=0), dtype=np.float32)

    @property
    def _mouth(self) -> NDArray[np.float32]:
        return np.asarray(self.landmarks[3:].mean(axis=0), dtype=np.float32)


def cut_face(image: Image, face: Face, *, scale: float = CROP_SCALE, px: int = CROP_PX) -> Image:
    """Cut one face upright and square.

    Args:
        image: uint8 (H, W, 3), RGB.
        face: where the face is in it.
        scale: side of the square in face sides.
        px: side of the result in pixels.

    Returns:
        uint8 (px, px, 3), RGB. Beyond the picture's border its edge pixels are repeated.
    """
    import cv2

    zoom = px / (scale * face.side)
    x, y = face.center
    matrix = np.asarray(cv2.getRotationMatrix2D((float(x), float(y)), face.roll, zoom), dtype=np.float64)
    matrix[:, 2] += px / 2 - np.array([x, y])
    if zoom < 0.5:
        # warpAffine reads four source pixels per target pixel; shrinking by more needs a blur first.
        image, matrix = _shrink(image, matrix, zoom)
    # OpenCV's affine warp maps pixel centres; ours maps pixel edges, hence the half-pixel shift.
    matrix[:, 2] += matrix[:, :2] @ np.array([0.5, 0.5]) - 0.5
    warped = cv2.warpAffine(image, matrix, (px, px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, dtype=np.uint8)


def center_cut(crops: Image, *, scale: float, px: int, stored_scale: float = CROP_SCALE) -> Image:
    """Cut stored crops to a base's framing and size.

    Args:
        crops: uint8 (N, S, S, 3), cut by `cut_face` with ``stored_scale``.
        scale: side of the result in face sides, at most ``stored_scale``.
        px: side of the result in pixels.

    Returns:
        uint8 (N, px, px, 3).
    """
    import cv2

    side = crops.shape[1] * scale / stored_scale
    start = (crops.shape[1] - side) / 2
    first, last = round(start), round(start + side)
    interpolation = cv2.INTER_AREA if side > px else cv2.INTER_LINEAR
    out = np.empty((len(crops), px, px, 3), dtype=np.uint8)
    for crop, target in zip(crops, out, strict=True):
        cv2.resize(crop[first:last, first:last], (px, px), dst=target, interpolation=interpolation)
    return out


def _shrink(image: Image, matrix: NDArray[np.float64], zoom: float) -> tuple[Image, NDArray[np.float64]]:
    import cv2

    # By a whole number, which OpenCV does up to ten times faster, and to no less than the result needs.
    factor = min(math.ceil(0.5 / zoom), *image.shape[:2])
    height, width = (side // factor for side in image.shape[:2])
    whole = image[: height * factor, : width * factor]
    small = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    matrix = matrix.copy()
    matrix[:, :2] *= factor
    return np.asarray(small, dtype=np.uint8), matrix
