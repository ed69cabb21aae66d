"""Find faces in pictures of any size, with either of two backends.

``mtcnn`` runs in ONNX Runtime and is what emo uses; ``facenet`` is facenet-pytorch itself, the
reference that the first one is held to (it needs the ``torch`` extra).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emo.capture.portraits import find_portrait
from emo.datasets.crops import Face
from emo.errors import UsageError

Image = NDArray[np.uint8]

FIRST_SEARCH = (320, 40)
"""Longest side of the small picture that is searched first, and the smallest face in it, in its pixels.

Finds 95 of 100 faces as high as an eighth of the longest side, in 2 to 15 ms on one thread.
"""

SECOND_SEARCH = (960, 28)
"""The same for the search that follows when the first shows no face, at most: 10 to 20 ms.

Of faces 28 px high, MTCNN finds 9 in 10, of 20 px (at twice the time) as many, of 16 px two thirds.
"""

DETECTORS = ("mtcnn", "facenet")

SMALLEST_FACE_PX = 12
"""What P-Net looks at; nothing smaller can be found without enlarging the picture."""

REFINE_SIDE = 0.9
"""Side of the square that O-Net is shown when it follows a face, in longer sides of the last box.

Measured on a real video of 20 s without a fresh detection: from 0.75 to 0.95 O-Net kept to the face
to the end; from 1.0 on it lost it, because the square grew from look to look.
"""

STILL = 0.1
"""Move of a face, in its sides, up to which one look of O-Net is enough."""


class FaceDetector(Protocol):
    """Finds faces in RGB pictures, uint8 (H, W, 3); boxes and landmarks are in their pixels."""

    def detect(self, image: Image) -> list[Face]:
        """All faces in the picture, best score first."""
        ...

    def refine(self, image: Image, face: Face) -> Face | None:
        """Where a face is now that was seen a moment ago at ``face``, or None when it is lost."""
        ...


class Backend(Protocol):
    """A detector that works in the pixels of the picture that it is given."""

    def find(self, picture: Image, *, min_face_px: float) -> list[Face]:
        """All faces of at least ``min_face_px``, best score first."""
        ...

    def look_at(self, picture: Image, boxes: NDArray[np.float32]) -> list[Face]:
        """The faces in the squares around boxes (N, 4), best score first."""
        ...


class SearchingDetector:
    """Searches a small copy of the picture, and a larger one when that shows no face.

    Small pictures are enlarged to the size of the first search.

    Args:
        backend: what does the searching.
        min_face_px: smallest face to look for, in pixels of the pictures. In pictures wider than
            34 times this, faces below a 34th of the longest side are not looked for.
    """

    def __init__(self, backend: Backend, *, min_face_px: int) -> None:
        if min_face_px < SMALLEST_FACE_PX:
            raise UsageError(f"the smallest face must be at least {SMALLEST_FACE_PX} px, got {min_face_px}; try 24")
        self._backend = backend
        self._min_face_px = min_face_px

    def detect(self, image: Image) -> list[Face]:
        """All faces in the picture, best score first."""
        longest = max(image.shape[:2])
        side, least = FIRST_SEARCH
        first_zoom = side / longest
        faces = self._search(image, first_zoom, max(least, self._min_face_px * first_zoom))
        if faces:
            return faces
        side, least = SECOND_SEARCH
        zoom = min(side / longest, least / self._min_face_px)
        if zoom <= first_zoom:
            return []  # Every face that counts was large enough for the first search.
        return self._search(image, zoom, max(least, self._min_face_px * zoom))

    def detect_portrait(self, image: Image) -> Face | None:
        """The face of a picture that shows hardly more than one face, such as FER2013's of 48 px.

        Such faces touch or cross the border, where `detect` misses one in four.
        """
        return find_portrait(self._backend, image)

    def refine(self, image: Image, face: Face) -> Face | None:
        """Where a face is now that was seen a moment ago at ``face``, or None when it is lost.

        Runs O-Net alone, in half a millisecond, and once more when the face has moved. Finds a face
        that moved by up to a quarter of its side; those that moved by more are for `detect`.
        """
        found = self._look_near(image, face)
        if found is not None and np.abs(found.center - face.center).max() > STILL * face.side:
            # O-Net places landmarks best in the middle of what it is shown.
            return self._look_near(image, found) or found
        return found

    def _look_near(self, image: Image, face: Face) -> Face | None:
        centre, side = (face.box[:2] + face.box[2:]) / 2, REFINE_SIDE * (face.box[2:] - face.box[:2]).max()
        square = np.concatenate([centre - side / 2, centre + side / 2]).astype(np.float32)
        found = next(iter(self._backend.look_at(image, square[None])), None)
        return found if found is not None and _follows(found, face) else None

    def _search(self, image: Image, zoom: float, min_face_px: float) -> list[Face]:
        import cv2

        height, width = image.shape[:2]
        size = (max(1, round(width * zoom)), max(1, round(height * zoom)))
        resampling = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
        picture = np.asarray(cv2.resize(image, size, interpolation=resampling), dtype=np.uint8)
        back = np.array([width / size[0], height / size[1]], dtype=np.float32)
        faces = self._backend.find(picture, min_face_px=min_face_px)
        return [
            Face(box=face.box * np.tile(back, 2), landmarks=face.landmarks * back, score=face.score) for face in faces
        ]


def _follows(found: Face, last: Face) -> bool:
    """Whether one face can have become the other between two samples of a video."""
    moved = float(np.abs(found.center - last.center).max())
    return moved < 0.6 * last.side and 0.6 < found.side / max(last.side, 1e-6) < 1.6


def load_detector(name: str = "mtcnn", *, min_face_px: int = 40, threads: int = 1) -> SearchingDetector:
    """Load a face detector.

    Args:
        name: ``mtcnn`` (ONNX Runtime) or ``facenet`` (facenet-pytorch, the reference).
        min_face_px: smallest face to look for, in pixels of the pictures.
        threads: threads that one network may use.

    Raises:
        UsageError: no such detector, or a face size that cannot be.
        MissingExtra: ``facenet`` without the ``torch`` extra.
    """
    if name not in DETECTORS:
        raise UsageError(f"there is no face detector '{name}'; choose from {', '.join(DETECTORS)}")
    if name == "facenet":
        from emo.capture.facenet import FacenetMtcnn

        return SearchingDetector(FacenetMtcnn(threads=threads), min_face_px=min_face_px)
    from emo.capture.mtcnn import Mtcnn

    return SearchingDetector(Mtcnn(threads=threads), min_face_px=min_face_px)
