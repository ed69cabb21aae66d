"""``emo base train``: from a recipe and a folder of data to a base, in one call."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from emo.bases.base import Base
from emo.bases.training.export import export_base
from emo.bases.training.faces import FindFace, FoundFaces, find_faces
from emo.bases.training.loop import Trainer
from emo.bases.training.recipe import Recipe
from emo.datasets.duplicates import difference_hashes, near_duplicates
from emo.datasets.fer2013 import Pictures, read_fer2013
from emo.errors import SourceError
from emo.progress import Progress, silent

LICENCE = (
    "Weights: MIT, as emo; begun from EfficientNet-Lite0 on ImageNet (Apache-2.0). "
    "Trained on FER2013 (pictures from a public challenge, for research) with FER+ votes (MIT)."
)

_CSV = ("fer2013.csv.gz", "fer2013.csv")
_VOTES = "fer2013new.csv"


def train_base(
    recipe: Recipe,
    *,
    data: Path,
    output: Path,
    find: FindFace,
    resume: bool = False,
    threads: int = 1,
    progress: Progress = silent,
) -> tuple[Path, Base]:
    """Train a base on FER2013 with FER+ votes, and write it to ``output``.

    Args:
        data: folder with ``fer2013.csv`` (or ``.csv.gz``) and ``fer2013new.csv``.
        output: folder for the checkpoint of every epoch, the found faces and the base.
        find: the detector that capture uses.
        resume: go on from the last whole epoch in ``output``.
        threads: threads of PyTorch and of ONNX Runtime.

    Returns:
        The base's file, and the base.

    Raises:
        SourceError: the data is missing or malformed.
        BaseError: there is nothing to resume, or it belongs to another recipe.
    """
    import torch

    torch.set_num_threads(threads)
    with progress("reading FER2013", total=None):
        everything = read_fer2013(_csv(data), votes=data / _VOTES)
    faces = find_faces(everything.images, find, cache=output, progress=progress)
    kept = without_leaks(everything)
    pictures = everything.take(kept)
    faces = FoundFaces(faces.landmarks[kept], faces.found[kept])
    trained = Trainer(pictures, faces, recipe, output).run(resume=resume, progress=progress)
    path = output / f"{recipe.name}.onnx"
    return path, export_base(
        path, trained, recipe, pictures, faces, licence=LICENCE, threads=threads, progress=progress
    )


def without_leaks(pictures: Pictures) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which pictures may stay, (N,): none of them stands, exactly or nearly, in a later split too.

    The test split stays whole; what it shares with the others leaves those, and what the validation
    split shares with training leaves training.
    """
    hashes = difference_hashes(pictures.images)
    train, val, test = (pictures.splits == split for split in ("train", "val", "test"))
    leaks = np.zeros(len(pictures), dtype=bool)
    leaks[val] = near_duplicates(hashes[val], hashes[test])
    leaks[train] = near_duplicates(hashes[train], hashes[test | val])
    return ~leaks


def _csv(data: Path) -> Path:
    for name in _CSV:
        if (data / name).is_file():
            return data / name
    raise SourceError(f"{data}: holds no {' or '.join(_CSV)}; see docs/base-training.md on how to get it")
