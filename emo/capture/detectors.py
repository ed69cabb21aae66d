"""Find faces in pictures of any size, with either of two backends.

``mtcnn`` runs in ONNX Runtime and is what emo uses; ``facenet`` is facenet-pytorch itself, the
reference that the first one is held to (it needs the ``torch`` extra).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emo.datasets.crops import Face
from emo.errors import UsageError

Image = NDArray[np.uint8]

SEARCH_PX = 320
"""Longest side of the shrunk picture that is searched first."""

SEARCH_FACE_PX = 40
"""Smallest face in that picture, in its pixels: an eighth of the longest side."""

DETECTORS = ("mtcnn", "facenet")


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

    def look_at(self, picture: Image, box: NDArray[np.float32]) -> Face | None:
        """The face in the square around a box, or None."""
        ...


class SearchingDetector:
    """Searches a small copy of the picture, and a larger one when that shows no face.

    Args:
        backend: what does the searching.
        min_face_px: smallest face to look for, in pixels of the pictures.
    """

    def __init__(self, backend: Backend, *, min_face_px: int) -> None:
        if min_face_px < 12:
            raise UsageError(f"the smallest face must be at least 12 px, got {min_face_px}; faces below 40 px blur")
        self._backend = backend
        self._min_face_px = min_face_px

    def detect(self, image: Image) -> list[Face]:
        """All faces in the picture, best score first."""
        zoom = SEARCH_PX / max(image.shape[:2])
        return self._search(image, zoom, max(SEARCH_FACE_PX, self._min_face_px * zoom))

    def refine(self, image: Image, face: Face) -> Face | None:
        """Where a face is now that was seen a moment ago at ``face``, or None when it is lost."""
        return self._backend.look_at(image, face.box)

    def _search(self, image: Image, zoom: float, min_face_px: float) -> list[Face]:
        import cv2

        height, width = image.shape[:2]
        size = (max(1, round(width * zoom)), max(1, round(height * zoom)))
        resampling = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
        picture = np.asarray(cv2.resize(image, size, interpolation=resampling), dtype=np.uint8)
        back = np.array([width / size[0], height / size[1]], dtype=np.float32)
        return [
            Face(box=face.box * np.tile(back, 2), landmarks=face.landmarks * back, score=face.score)
            for face in self._backend.find(picture, min_face_px=min_face_px)
        ]


def load_detector(name: str = "mtcnn", *, min_face_px: int = 40, threads: int = 1) -> FaceDetector:
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
