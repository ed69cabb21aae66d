"""Augmented copies of face crops: small changes that leave the expression alone."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emo.datasets.recordings import AUGMENTED, CropRecord, Recording, RecordingWriter, recordings_of
from emo.errors import DatasetError, UsageError
from emo.progress import Advance, Progress, silent
from emo.workspace import new_folder, write_json

MARK = "augmented.json"
"""The file that tells a dataset made by `augment_dataset` from one that a user recorded."""

_ROTATION_DEG = 12


class Augmenter:
    """Turns a face crop into a slightly different one.

    By chance it is rotated by up to 12 degrees, mirrored, made brighter or darker, given more or less
    contrast, blurred and compressed. The same seed and the same order of calls give the same pictures.
    Any size will do; at 168 px a call takes under half a millisecond of one core.
    """

    def __init__(self, *, seed: int) -> None:
        import cv2

        albumentations = _import_albumentations()
        self._transform: Any = albumentations.Compose(
            [
                albumentations.HorizontalFlip(p=0.5),
                albumentations.Rotate(limit=_ROTATION_DEG, border_mode=cv2.BORDER_REPLICATE, p=0.8),
                albumentations.RandomBrightnessContrast(brightness_limit=0.2, contrast_limit=0.2, p=0.8),
                albumentations.GaussianBlur(blur_limit=0, sigma_limit=(0.3, 1.2), p=0.2),
                albumentations.ImageCompression(quality_range=(40, 95), p=0.3),
            ],
            seed=seed,
        )

    def __call__(self, crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """One changed copy of a crop, both uint8 (S, S, 3) RGB."""
        return np.asarray(self._transform(image=crop)["image"], dtype=np.uint8)


def augment_dataset(dataset: Path, target: Path, *, copies: int, seed: int, progress: Progress = silent) -> int:
    """Write a dataset together with augmented copies of its crops, for those who want files.

    The result stands alone: it holds every recording of ``dataset`` and beside each ``<id>`` a
    recording ``<id>-augmented`` of kind ``augmented`` whose ``source_name`` is that id, so that a
    split keeps the copies of a test crop out of the training side. It is written whole or not at all.

    Args:
        dataset: the folder of the dataset to copy.
        target: the folder to write; one written by an earlier call is replaced.
        copies: augmented copies of each crop, at least 1.
        seed: the same seed gives the same pictures.

    Returns:
        The number of augmented crops.

    Raises:
        UsageError: fewer than one copy, or the target is the dataset itself.
        DatasetError: there is no such dataset, or the target holds anything that was not made here.
        StorageError: it could not be written.
    """
    if copies < 1:
        raise UsageError(f"copies must be at least 1, got {copies}")
    recordings = [item for item in recordings_of(dataset) if item.kind != AUGMENTED and item.crops]
    _check_target(dataset, target)
    augment = Augmenter(seed=seed)
    total = sum(len(recording.crops) for recording in recordings) * copies
    with new_folder(target) as partial, progress(f"augmenting {dataset.name}", total=total) as advance:
        for recording in recordings:
            shutil.copytree(recording.folder, partial / recording.label / recording.id)
            _write_copies(recording, partial, target, augment, copies, advance)
        write_json(partial / MARK, {"source": dataset.name, "copies": copies, "seed": seed})
    return total


def _check_target(dataset: Path, target: Path) -> None:
    if target.absolute() == dataset.absolute():
        raise UsageError(f"dataset {target.name} cannot hold its own augmented copies; choose another target")
    if target.exists() and not (target / MARK).is_file() and any(target.iterdir()):
        raise DatasetError(
            f"dataset {target.name}: was not made by augmentation and would be lost; "
            "choose another name or move it away"
        )


def _write_copies(
    recording: Recording, partial: Path, target: Path, augment: Augmenter, copies: int, advance: Advance
) -> None:
    recording_id = f"{recording.id}-augmented"
    writer = RecordingWriter(partial, label=recording.label, recording_id=recording_id)
    for crop, image in zip(recording.crops, recording.read_crops(), strict=True):
        for _ in range(copies):
            # Quality was measured on the original and is not true of a copy.
            writer.add(augment(image), time_s=crop.time_s, box=crop.box, landmarks=crop.landmarks, quality={})
        advance(copies)

    def describe(folder: Path, crops: tuple[CropRecord, ...]) -> Recording:
        return replace(
            recording,
            folder=target / recording.label / folder.name,
            kind=AUGMENTED,
            source_name=recording.id,
            crops=crops,
            rejected={},
        )

    writer.commit(describe)


def _import_albumentations() -> ModuleType:
    # Without this it asks PyPI for a newer version at every import.
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    # Where they happen to be installed it also pulls in torch and the hub client, for helpers that
    # are not used here: seconds, and a promise of emo broken.
    with _hidden("albumentations.pytorch", "huggingface_hub"):
        return import_module("albumentations")


@contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Make importing some optional modules fail for a while, unless they are loaded already."""
    names = tuple(name for name in names if name not in sys.modules)
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in names:
            sys.modules.pop(name, None)
