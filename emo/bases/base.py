"""A frozen network in ONNX Runtime, with everything that travels with it."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emo.ahead import ahead
from emo.bases.basefile import FEATURES, parse_metadata
from emo.bases.head import Head
from emo.bases.preprocessing import Preprocessing
from emo.bases.registry import DEFAULT_BASE, base_path
from emo.bases.statistics import LabelStatistics
from emo.datasets.crops import CROP_SCALE
from emo.errors import BaseError, FileFormatError
from emo.runtime import open_session
from emo.workspace import storage_errors

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["BATCH", "Base", "Head", "LabelStatistics", "Preprocessing", "load_base"]

BATCH = 32
"""Faces in one forward pass: enough to fill two cores, little enough to stay in their caches."""


@dataclass(frozen=True, kw_only=True)
class Base:
    """A network that is never changed.

    Attributes:
        name: as in the file.
        preprocessing: how it wants to see a face.
        head: the labels it was trained for, and their rows.
        statistics: per label, what its features looked like.
        card: data, licence, recipe, accuracy.
        fingerprint: SHA-256 of the file, hexadecimal.
        session: the running network.
    """

    name: str
    preprocessing: Preprocessing
    head: Head
    statistics: Mapping[str, LabelStatistics]
    card: Mapping[str, Any]
    fingerprint: str
    session: onnxruntime.InferenceSession

    @property
    def labels(self) -> tuple[str, ...]:
        return self.head.labels

    @property
    def size(self) -> int:
        """D, the number of features."""
        return int(self.head.weights.shape[1])

    def features(self, crops: NDArray[np.uint8], *, stored_scale: float = CROP_SCALE) -> NDArray[np.float32]:
        """Features of stored crops.

        Args:
            crops: uint8 (N, S, S, 3), RGB, cut by `cut_face`.
            stored_scale: side of those crops in face sides.

        Returns:
            float32 (N, D).
        """
        batches = (crops[start : start + BATCH] for start in range(0, len(crops), BATCH))
        inputs = (self.preprocessing(batch, stored_scale=stored_scale) for batch in batches)
        return np.concatenate([np.empty((0, self.size), np.float32), *(self.run(batch) for batch in inputs)])

    def run(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """One forward pass of preprocessed inputs, float32 (N, 3, px, px) to (N, D)."""
        output = self.session.run([FEATURES], {self.session.get_inputs()[0].name: inputs})[0]
        return np.asarray(output, dtype=np.float32)

    def run_ahead(self, batches: Iterable[NDArray[np.uint8]]) -> Generator[NDArray[np.float32], None, None]:
        """Features of batches of pictures cut already, while a thread prepares the next ones.

        Args:
            batches: uint8 (n, px, px, 3) each; consumed in the thread.

        Yields:
            float32 (n, D) for each batch, in order.
        """
        with closing(ahead(self.preprocessing.normalise(batch) for batch in batches)) as ready:
            for inputs in ready:
                yield self.run(inputs)


def load_base(name: str | Path = DEFAULT_BASE, *, threads: int = 2) -> Base:
    """Load a base by its registered name, or from a file.

    Args:
        threads: CPU threads of one forward pass.

    Raises:
        BaseError: there is no such base.
        FileFormatError: its file is damaged, foreign or from a newer emo.
        StorageError: its file cannot be read.
    """
    path = name if isinstance(name, Path) else base_path(name)
    if not path.is_file():
        raise BaseError(f"base {path}: no such file; reinstall emo, or make it with: emo base train")
    with storage_errors(path):
        data = path.read_bytes()
    try:
        session = open_session(data, threads=threads)
    except Exception as error:  # ONNX Runtime's exceptions have no public base class
        raise FileFormatError(f"{path}: no ONNX model that can run here; reinstall emo or restore the file") from error
    content = parse_metadata(session.get_modelmeta().custom_metadata_map, path=path)
    _check_shapes(session, content.preprocessing, content.head, path)
    return Base(
        name=content.name,
        preprocessing=content.preprocessing,
        head=content.head,
        statistics=content.statistics,
        card=content.card,
        fingerprint=hashlib.sha256(data).hexdigest(),
        session=session,
    )


def _check_shapes(session: onnxruntime.InferenceSession, preprocessing: Preprocessing, head: Head, path: Path) -> None:
    """A wrong input size or output width should fail when loading, not in the middle of a long run."""
    outputs = {item.name: item.shape for item in session.get_outputs()}
    given = session.get_inputs()[0].shape
    wanted = [3, preprocessing.px, preprocessing.px]
    if FEATURES not in outputs or outputs[FEATURES][-1] != head.weights.shape[1] or given[1:] != wanted:
        raise FileFormatError(f"{path}: graph, preprocessing and head do not fit together; make the base again")
