"""Where the faces are in the training pictures, and how a training sample is cut from one.

A base is trained on what `cut_face` cuts, because that is what it will see in use. FER2013's
pictures are tight (the face side is about 1.2 times the picture's); where the detector finds
nothing believable, the typical face is assumed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emo.bases.training.recipe import Recipe
from emo.datasets.crops import Face, cut_face
from emo.progress import Progress, silent
from emo.workspace import storage_errors

FindFace = Callable[[NDArray[np.uint8]], Face | None]
"""Finds the one face of a tight picture, uint8 (H, W, 3) RGB."""


@dataclass(frozen=True, slots=True)
class FoundFaces:
    """One face per picture.

    Attributes:
        landmarks: float32 (N, 5, 2), in pixels of the picture.
        found: bool (N,), False where the typical face stands in.
    """

    landmarks: NDArray[np.float32]
    found: NDArray[np.bool_]

    def face(self, index: int) -> Face:
        """The face of one picture; its box is the span of its landmarks."""
        points = self.landmarks[index]
        return Face(box=np.concatenate([points.min(axis=0), points.max(axis=0)]), landmarks=points, score=1.0)


def find_faces(images: NDArray[np.uint8], find: FindFace, *, cache: Path, progress: Progress = silent) -> FoundFaces:
    """Find the face in each of many tight grey pictures, once; the answer is kept in ``cache``.

    Args:
        images: uint8 (N, S, S), grey.
        find: the detector that capture uses.
        cache: folder for the landmarks, named by the pictures' hash.
    """
    path = cache / f"faces-{hashlib.sha256(images.tobytes()).hexdigest()[:16]}.npz"
    if path.is_file():
        with np.load(path) as stored:
            return FoundFaces(stored["landmarks"], stored["found"])
    landmarks = np.full((len(images), 5, 2), np.nan, dtype=np.float32)
    with progress("finding the faces", total=len(images)) as advance:
        for image, target in zip(images, landmarks, strict=True):
            face = find(np.repeat(image[:, :, None], 3, axis=2))
            if face is not None:
                target[:] = face.landmarks
            advance(1)
    found = ~np.isnan(landmarks[:, 0, 0])
    landmarks[~found] = np.median(landmarks[found], axis=0)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, landmarks=landmarks, found=found)
    return FoundFaces(landmarks, found)


def jittered(face: Face, recipe: Recipe, rng: np.random.Generator) -> Face:
    """The face, seen a little larger or smaller, beside its place and tilted, as detectors do."""
    zoom = np.exp(rng.uniform(-1, 1) * np.log(recipe.framing))
    angle = np.radians(rng.normal(0, recipe.roll))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    center = face.center
    moved = center + rng.normal(0, recipe.shift, 2) * face.side
    landmarks = (face.landmarks - center) @ (turn.T * zoom) + moved
    return replace(face, landmarks=landmarks.astype(np.float32))


def cut_sample(
    image: NDArray[np.uint8], face: Face, recipe: Recipe, *, px: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """One training sample: cut with jittered framing, then disturbed as phones and rooms do.

    Args:
        image: uint8 (H, W), grey.

    Returns:
        uint8 (px, px), grey.
    """
    import cv2

    picture = np.repeat(image[:, :, None], 3, axis=2)
    sample = cut_face(picture, jittered(face, recipe, rng), scale=recipe.scale, px=px)[:, :, 0]
    if rng.random() < 0.5:
        sample = sample[:, ::-1]
    if rng.random() < recipe.blur:
        small = int(px * rng.uniform(0.35, 0.9))
        shrunk = cv2.resize(sample, (small, small), interpolation=cv2.INTER_AREA)
        sample = _uint8(cv2.resize(shrunk, (px, px)))
    if rng.random() < recipe.blur / 2:
        soft = cv2.GaussianBlur(sample, (0, 0), rng.uniform(0.8, 2.0))
        # The negative weight sharpens: phones do it, and FER2013's 48 px never are.
        sample = _uint8(cv2.addWeighted(sample, 1 + rng.uniform(0.3, 1.2), soft, -rng.uniform(0.3, 1.2), 0))
    levels = np.clip((np.arange(256) / 255) ** rng.uniform(0.65, 1.5), 0, 1)
    levels = (levels - 0.5) * rng.uniform(0.65, 1.35) + 0.5 + rng.uniform(-0.12, 0.12)
    sample = _uint8(cv2.LUT(np.ascontiguousarray(sample), (np.clip(levels, 0, 1) * 255).astype(np.uint8)))
    if rng.random() < 0.15:
        sample = np.clip(sample + rng.normal(0, rng.uniform(2, 10), sample.shape), 0, 255).astype(np.uint8)
    if rng.random() < recipe.erase:
        height, width = (rng.uniform(0.12, 0.4, 2) * px).astype(int)
        top, left = rng.integers(0, px - height), rng.integers(0, px - width)
        sample[top : top + height, left : left + width] = rng.integers(0, 256)
    return sample


def _uint8(picture: Any) -> NDArray[np.uint8]:
    """OpenCV's functions keep the type of a picture, but do not say so."""
    return np.asarray(picture, dtype=np.uint8)
