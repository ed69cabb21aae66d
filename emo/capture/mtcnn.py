"""MTCNN in ONNX Runtime: find faces and their five landmarks.

Zhang et al. 2016, "Joint Face Detection and Alignment using Multitask Cascaded Convolutional
Networks". Three small networks in a row: P-Net looks at every place of a pyramid of shrunk
pictures, R-Net judges what P-Net proposes, O-Net judges what is left and places the landmarks.
Weights, thresholds and arithmetic are those of facenet-pytorch 2.5.3, whose boxes this module
reproduces to a fraction of a pixel (`emo.capture.facenet` is that library itself).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emo.capture.area import area_crops, area_sums, shrink_from_sums
from emo.datasets.crops import Face
from emo.runtime import open_session

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

THRESHOLDS = (0.6, 0.7, 0.7)
"""Least score that P-Net, R-Net and O-Net let pass."""

PYRAMID_FACTOR = 0.709
"""Side of each picture of the pyramid, in sides of the one before (an area of one half)."""

_WEIGHTS = Path(__file__).parent / "weights"
_PNET_CELL, _PNET_STRIDE, _RNET_SIDE, _ONET_SIDE = 12, 2, 24, 48
_BATCH = 512


class Mtcnn:
    """The three networks, working in the pixels of the picture they are given.

    Args:
        threads: threads that ONNX Runtime may use for one network.
    """

    def __init__(self, *, threads: int = 1) -> None:
        self._pnet = open_session(_WEIGHTS / "pnet.onnx", threads=threads)
        self._rnet = open_session(_WEIGHTS / "rnet.onnx", threads=threads)
        self._onet = open_session(_WEIGHTS / "onet.onnx", threads=threads)

    def find(self, picture: Image, *, min_face_px: float) -> list[Face]:
        """Search a picture for faces.

        Args:
            picture: uint8 (H, W, 3), RGB.
            min_face_px: smallest face to look for; the time goes with its inverse square.

        Returns:
            Faces in pixels of ``picture``, best score first.
        """
        sums = area_sums(picture)
        boxes = _square(self._propose(sums, min_face_px))
        boxes = _square(self._judge(sums, boxes))
        return self._place(sums, boxes)

    def look_at(self, picture: Image, boxes: Floats) -> list[Face]:
        """Run O-Net alone on the squares around boxes where faces are expected.

        Args:
            picture: uint8 (H, W, 3), RGB.
            boxes: float32 (N, 4), x1 y1 x2 y2.

        Returns:
            The faces that O-Net sees there, in pixels of ``picture``, best score first.
        """
        height, width = picture.shape[:2]
        squares = _square(boxes)
        cuts = _cuts(squares, width, height)
        x1, y1 = cuts[:, :2].min(axis=0)
        x2, y2 = cuts[:, 2:].max(axis=0)
        if x2 <= x1 or y2 <= y1:
            return []
        # Sums over this part alone: those of a whole frame would cost more than O-Net itself.
        sums = area_sums(picture[y1:y2, x1:x2])
        corner = np.array([x1, y1, x1, y1], dtype=np.float32)
        return [
            Face(box=face.box + corner, landmarks=face.landmarks + corner[:2], score=face.score)
            for face in self._place(sums, squares - corner)
        ]

    def _propose(self, sums: NDArray[np.int32], min_face_px: float) -> Floats:
        """P-Net on every size: (N, 4) boxes, moved by what it says about their borders."""
        height, width = sums.shape[0] - 1, sums.shape[1] - 1
        scale = _PNET_CELL / min_face_px
        found = []
        while min(height, width) * scale >= _PNET_CELL:
            small = shrink_from_sums(sums, int(height * scale + 1), int(width * scale + 1))
            offsets, probabilities = self._pnet.run(None, {"pictures": _normalised(small[None])})
            candidates = _cells(offsets[0], probabilities[0, 1], scale)
            found.append(candidates[_keep(candidates, 0.5)])
            scale *= PYRAMID_FACTOR
        if not found:
            return np.empty((0, 4), dtype=np.float32)
        candidates = np.concatenate(found)
        candidates = candidates[_keep(candidates, 0.7)]
        sides = candidates[:, 2:4] - candidates[:, :2]
        return np.asarray(candidates[:, :4] + candidates[:, 5:9] * np.tile(sides, 2), dtype=np.float32)

    def _judge(self, sums: NDArray[np.int32], boxes: Floats) -> Floats:
        """R-Net on square boxes: those that pass, (M, 4), moved by its offsets."""
        boxes, (offsets, probabilities) = self._run(self._rnet, sums, boxes, _RNET_SIDE)
        passed = probabilities[:, 1] > THRESHOLDS[1]
        candidates = np.column_stack([boxes[passed], probabilities[passed, 1], offsets[passed]])
        candidates = candidates[_keep(candidates, 0.7)]
        return _moved(candidates[:, :4], candidates[:, 5:9])

    def _place(self, sums: NDArray[np.int32], boxes: Floats) -> list[Face]:
        """O-Net on square boxes: the faces that pass, best score first."""
        boxes, (offsets, landmarks, probabilities) = self._run(self._onet, sums, boxes, _ONET_SIDE)
        passed = probabilities[:, 1] > THRESHOLDS[2]
        boxes, scores = boxes[passed], probabilities[passed, 1]
        # Five x, then five y, in parts of the square; facenet-pytorch counts pixels from one.
        parts = landmarks[passed].reshape(-1, 2, 5).transpose(0, 2, 1)
        sides = boxes[:, None, 2:] - boxes[:, None, :2] + 1
        points = sides * parts + boxes[:, None, :2] - 1
        moved = _moved(boxes, offsets[passed])
        kept = _keep(np.column_stack([moved, scores]), 0.7, nested=True)
        return [Face(box=moved[i], landmarks=points[i].astype(np.float32), score=float(scores[i])) for i in kept]

    @staticmethod
    def _run(network: Any, sums: NDArray[np.int32], boxes: Floats, side: int) -> tuple[Floats, list[Floats]]:
        """Run a network on what the boxes show: the boxes that lie in the picture, and its outputs."""
        cuts = _cuts(boxes, sums.shape[1] - 1, sums.shape[0] - 1)
        inside = (cuts[:, 2] > cuts[:, 0]) & (cuts[:, 3] > cuts[:, 1])
        boxes, cuts = boxes[inside], cuts[inside]
        parts = []
        # One batch at least, even if empty, so that the outputs have their shapes.
        for start in range(0, max(len(cuts), 1), _BATCH):
            crops = area_crops(sums, cuts[start : start + _BATCH], side)
            parts.append(network.run(None, {"pictures": _normalised(crops)}))
        return boxes, [np.concatenate(output) for output in zip(*parts, strict=True)]


def _normalised(pictures: Floats) -> Floats:
    """(N, H, W, 3) of 0 to 255 to (N, 3, H, W) of about -1 to 1."""
    return np.ascontiguousarray(((pictures - 127.5) * 0.0078125).transpose(0, 3, 1, 2), dtype=np.float32)


def _cells(offsets: Floats, probabilities: Floats, scale: float) -> Floats:
    """P-Net's maps (4, h, w) and (h, w) to rows of x1 y1 x2 y2, score, four offsets."""
    rows, columns = np.nonzero(probabilities >= THRESHOLDS[0])
    corners = np.column_stack([columns, rows]).astype(np.float32) * _PNET_STRIDE
    scale32 = np.float32(scale)
    first = np.floor((corners + 1) / scale32)
    last = np.floor((corners + _PNET_CELL) / scale32)
    return np.column_stack([first, last, probabilities[rows, columns], offsets[:, rows, columns].T]).astype(np.float32)


def _keep(candidates: Floats, overlap: float, *, nested: bool = False) -> NDArray[np.intp]:
    """Non-maximum suppression over rows of x1 y1 x2 y2 score: indices of those kept, best first.

    Two boxes are of one face when their common area is over ``overlap`` of the area they cover
    together, or, if ``nested``, of the smaller of the two (counting pixels and not their distances).
    """
    extra = 1.0 if nested else 0.0
    x1, y1, x2, y2, scores = candidates[:, :5].T
    areas = (x2 - x1 + extra) * (y2 - y1 + extra)
    # Scores of exactly 1.0 are common, and which of them wins moves the box by some pixels: sort as
    # facenet-pytorch does, by torchvision's rule (first of equals) and for O-Net by numpy's own.
    waiting = np.argsort(scores)[::-1] if nested else np.argsort(-scores, kind="stable")
    kept = []
    while waiting.size:
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        width = np.minimum(x2[best], x2[waiting]) - np.maximum(x1[best], x1[waiting]) + extra
        height = np.minimum(y2[best], y2[waiting]) - np.maximum(y1[best], y1[waiting]) + extra
        common = np.maximum(width, 0) * np.maximum(height, 0)
        smaller_or_both = np.minimum(areas[best], areas[waiting]) if nested else areas[best] + areas[waiting] - common
        waiting = waiting[common <= overlap * smaller_or_both]
    return np.array(kept, dtype=np.intp)


def _moved(boxes: Floats, offsets: Floats) -> Floats:
    """Move each border by its offset, given in sides of the box."""
    sides = boxes[:, 2:4] - boxes[:, :2] + 1
    return np.asarray(boxes + offsets * np.tile(sides, 2), dtype=np.float32)


def _square(boxes: Floats) -> Floats:
    """The squares around the same centres, on the longer sides."""
    sides = boxes[:, 2:4] - boxes[:, :2]
    longest = sides.max(axis=1, keepdims=True)
    corners = boxes[:, :2] + sides * 0.5 - longest * 0.5
    return np.concatenate([corners, corners + longest], axis=1).astype(np.float32)


def _cuts(boxes: Floats, width: int, height: int) -> NDArray[np.int64]:
    """Whole pixels inside the picture, as x1 y1 x2 y2 with x2, y2 beyond the last one."""
    cuts = np.trunc(boxes).astype(np.int64)
    cuts[:, :2] = np.maximum(cuts[:, :2], 1) - 1  # facenet-pytorch counts pixels from one.
    cuts[:, 2] = np.minimum(cuts[:, 2], width)
    cuts[:, 3] = np.minimum(cuts[:, 3], height)
    return cuts
