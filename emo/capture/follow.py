"""Stay with one person, whoever else is in the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emo.capture.detectors import FaceDetector
from emo.datasets.crops import Face

FULL_EVERY = 10
"""Samples between searches of the whole picture; in between, only the face's last place is looked at."""

LEAST_SCORE = 0.9
"""Score from which a search's find is followed: blurred walls reach 0.77, a face half behind a hand 0.97."""

REACH = 1.0
"""How far a face may move between two sightings, in face sides: people lean, they do not jump."""

REACH_PER_S = 0.5
"""What each second without a sighting adds to that and to the factor below: who left comes back elsewhere."""

COMPANY_S = 1.0
"""The most seconds that count for it when somebody else was there too: the next one seen may be the other one."""

SIZE_CHANGE = 2.0
"""By which factor a face may grow or shrink between two sightings."""


class Follower:
    """Says in each frame where the one followed person's face is.

    Begins with the largest, most central face, then stays with the face nearest to where it was.
    Knows places only, not identities: someone else who takes that very place is taken for the same person.
    """

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self._face: Face | None = None
        self._seen_s = 0.0
        self._tracked = False
        self._since_full = 0
        self._in_company = False

    def find(self, image: NDArray[np.uint8], time_s: float) -> Face | None:
        """The person's face in the next frame, RGB uint8 (H, W, 3), or None when it cannot be seen."""
        face = None
        if self._tracked and self._face is not None:
            face = self._detector.refine(image, self._face)
            if face is not None and not self._reachable(face, time_s):
                face = None
        self._since_full += 1
        if face is None or self._since_full >= FULL_EVERY:
            # A search that misses does not undo what was seen at the known place.
            face = self._search(image, time_s) or face
            self._since_full = 0
        self._tracked = face is not None
        if face is not None:
            self._face, self._seen_s = face, time_s
        return face

    def _search(self, image: NDArray[np.uint8], time_s: float) -> Face | None:
        faces = [face for face in self._detector.detect(image) if face.score >= LEAST_SCORE]
        last = self._face
        if last is None:
            found = most_prominent(faces, image.shape)
        else:
            near = [face for face in faces if self._reachable(face, time_s)]
            found = min(near, key=lambda face: float(np.linalg.norm(face.center - last.center)), default=None)
        if found is not None:
            self._in_company = len(faces) > 1
        return found

    def _reachable(self, face: Face, time_s: float) -> bool:
        last = self._face
        if last is None:
            return True
        away_s = time_s - self._seen_s
        slack = REACH_PER_S * (min(away_s, COMPANY_S) if self._in_company else away_s)
        moved = float(np.linalg.norm(face.center - last.center))
        change = max(face.side, last.side) / max(min(face.side, last.side), 1e-6)
        return moved <= last.side * (REACH + slack) and change <= SIZE_CHANGE + slack


def most_prominent(faces: Sequence[Face], shape: tuple[int, ...]) -> Face | None:
    """The largest, most central face: the side counts, halved towards the corners of the picture.

    Args:
        faces: in any order.
        shape: height and width of the picture, pixels.
    """
    middle = np.array([shape[1], shape[0]], dtype=np.float32) / 2

    def prominence(face: Face) -> float:
        away = float(np.linalg.norm(face.center - middle) / np.linalg.norm(middle))
        return face.side * (1 - 0.5 * min(away, 1.0))

    return max(faces, key=prominence, default=None)
