"""facenet-pytorch's own MTCNN: the reference that `emo.capture.mtcnn` is held to.

Slower, and it needs torch; capture never uses it unless asked to by name.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emo.datasets.crops import Face
from emo.errors import MissingExtra

Image = NDArray[np.uint8]


class FacenetMtcnn:
    """facenet-pytorch 2.5.3, working in the pixels of the picture it is given.

    Args:
        threads: threads that torch may use, in this whole process.

    Raises:
        MissingExtra: facenet-pytorch or torch is not installed.
    """

    def __init__(self, *, threads: int = 1) -> None:
        try:
            import torch
            from facenet_pytorch import MTCNN
        except ImportError as error:
            raise MissingExtra("the facenet detector", "torch") from error
        torch.set_num_threads(threads)
        self._network = MTCNN(keep_all=True, select_largest=False, device=torch.device("cpu"))

    def find(self, picture: Image, *, min_face_px: float) -> list[Face]:
        """All faces of at least ``min_face_px`` in the picture, best score first."""
        if min(picture.shape[:2]) < min_face_px:
            return []  # The library fails on a pyramid without a single picture.
        self._network.min_face_size = min_face_px
        boxes, scores, landmarks = self._network.detect(picture, landmarks=True)
        if boxes is None:
            return []
        order = np.argsort(-scores.astype(np.float32), kind="stable")
        # Of one picture's boxes the library makes an array of objects.
        return [_face(boxes[i], landmarks[i], scores[i]) for i in order]

    def look_at(self, picture: Image, boxes: NDArray[np.float32]) -> list[Face]:
        """Run O-Net alone on the squares around boxes (N, 4): the faces it sees there, best score first."""
        import torch
        from facenet_pytorch.models.utils import detect_face as library

        height, width = picture.shape[:2]
        squares = library.rerec(torch.from_numpy(boxes.astype(np.float32, copy=True)))
        parts, inside = [], []
        for i, (y1, y2, x1, x2) in enumerate(zip(*library.pad(squares, width, height), strict=True)):
            if y2 >= y1 and x2 >= x1:
                part = torch.from_numpy(np.ascontiguousarray(picture[y1 - 1 : y2, x1 - 1 : x2]))
                parts.append(library.imresample(part.permute(2, 0, 1)[None].float(), (48, 48)))
                inside.append(i)
        if not parts:
            return []
        with torch.inference_mode():
            offsets, points, scores = self._network.onet((torch.cat(parts) - 127.5) * 0.0078125)
        passed = scores[:, 1] > self._network.thresholds[2]
        squares, scores = squares[inside][passed], scores[passed, 1]
        corners, sides = squares[:, None, :2], squares[:, None, 2:] - squares[:, None, :2] + 1
        landmarks = points[passed].reshape(-1, 2, 5).transpose(1, 2) * sides + corners - 1
        moved = library.bbreg(squares, offsets[passed])
        kept = library.batched_nms_numpy(moved, scores, torch.zeros(len(moved)), 0.7, "Min")
        return [_face(moved[i].numpy(), landmarks[i].numpy(), float(scores[i])) for i in kept]


def _face(box: object, landmarks: object, score: float) -> Face:
    return Face(box=np.asarray(box, np.float32), landmarks=np.asarray(landmarks, np.float32), score=float(score))
