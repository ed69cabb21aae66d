"""Features of recordings: computed once by the frozen base, kept in a cache that may be deleted at any time.

A crop and its augmented copies cost one forward pass each, ever. While the network works on one batch, a thread
reads, augments and normalises the next.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import emo
from emo.bases.base import BATCH, Base
from emo.datasets.crops import center_cut
from emo.datasets.recordings import Recording
from emo.errors import FileFormatError, StorageError
from emo.progress import Advance, Progress, silent
from emo.workspace import storage_errors, write_bytes

_DIGEST_BYTES = 32


def cached_features(
    base: Base, recording: Recording, cache_dir: Path, *, copies: int, seed: int, progress: Progress = silent
) -> NDArray[np.float32]:
    """Features of one recording's crops and their augmented copies.

    Args:
        cache_dir: where features are kept, in one folder per base.
        copies: augmented copies of every crop.
        seed: of the augmentation.

    Returns:
        float32 (1 + copies, N, D); the first plane is of the crops themselves.

    Raises:
        FileFormatError: a crop is missing or damaged.
        StorageError: a crop cannot be read.
    """
    return dataset_features(base, [recording], cache_dir, copies=copies, seed=seed, progress=progress)


def dataset_features(
    base: Base, recordings: Sequence[Recording], cache_dir: Path, *, copies: int, seed: int, progress: Progress = silent
) -> NDArray[np.float32]:
    """Features of several recordings, float32 (1 + copies, N, D), crops counted through the recordings in order.

    Raises:
        FileFormatError: a crop is missing or damaged.
        StorageError: a crop cannot be read.
    """
    faces = sum(len(recording.crops) for recording in recordings) * (1 + copies)
    parts = [np.empty((1 + copies, 0, base.size), np.float32)]
    with progress("computing features", total=faces) as advance:
        parts += [_one(base, recording, cache_dir, copies, seed, advance) for recording in recordings]
    return np.concatenate(parts, axis=1)


def _one(
    base: Base, recording: Recording, cache_dir: Path, copies: int, seed: int, advance: Advance
) -> NDArray[np.float32]:
    content = _content_hash(recording)
    shape = (1 + copies, len(recording.crops), base.size)
    path = cache_dir / base.fingerprint[:16] / f"{recording.id}-{content[:16]}-c{copies}-s{seed}.npy"
    features = _load(path, shape)
    if features is not None:
        advance(shape[0] * shape[1])
        return features
    features = _compute(
        base, recording, copies, int(hashlib.sha256(f"{seed}:{content}".encode()).hexdigest()[:8], 16), advance
    )
    # A cache that cannot be written costs time at the next run, never this run's result.
    with contextlib.suppress(StorageError):
        _save(path, features)
    return features


def _content_hash(recording: Recording) -> str:
    """Of everything the features depend on but the base: the crops' bytes, and how this version augments them."""
    digest = hashlib.sha256(f"{emo.__version__}:{recording.crop_px}:{recording.crop_scale}".encode())
    for path in recording.crop_paths:
        if not path.is_file():
            raise FileFormatError(f"{path}: missing; delete the folder {recording.id} and capture it again")
        with storage_errors(path):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _compute(base: Base, recording: Recording, copies: int, seed: int, advance: Advance) -> NDArray[np.float32]:
    out = np.empty((1 + copies, len(recording.crops), base.size), np.float32)
    with contextlib.closing(base.run_ahead(_pictures(base, recording, copies, seed))) as batches:
        for start in range(0, len(recording.crops), BATCH):
            stop = min(start + BATCH, len(recording.crops))
            for plane in out:
                plane[start:stop] = next(batches)
                advance(stop - start)
    return out


def _pictures(base: Base, recording: Recording, copies: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Batches cut for the base: each batch of crops is followed by its augmented copies."""
    from emo.datasets.augmentation import Augmenter

    wanted = base.preprocessing
    stored = recording.crop_scale
    # Copies are made of crops at the base's own resolution: four times fewer pixels to turn and blur.
    small_px = round(wanted.px * stored / wanted.scale)
    augment = Augmenter(seed=seed)
    for start in range(0, len(recording.crops), BATCH):
        crops = replace(recording, crops=recording.crops[start : start + BATCH]).read_crops()
        yield center_cut(crops, scale=wanted.scale, px=wanted.px, stored_scale=stored)
        if copies == 0:
            continue
        small = center_cut(crops, scale=stored, px=small_px, stored_scale=stored)
        for _ in range(copies):
            changed = np.stack([augment(crop) for crop in small])
            yield center_cut(changed, scale=wanted.scale, px=wanted.px, stored_scale=stored)


def _save(path: Path, features: NDArray[np.float32]) -> None:
    buffer = io.BytesIO()
    np.save(buffer, features, allow_pickle=False)
    data = buffer.getvalue()
    write_bytes(path, data + hashlib.sha256(data).digest())


def _load(path: Path, shape: tuple[int, ...]) -> NDArray[np.float32] | None:
    """What `_save` wrote, or None if it is not there, damaged or of another shape."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    body, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        return None
    features = np.load(io.BytesIO(body), allow_pickle=False)
    return features if features.shape == shape and features.dtype == np.float32 else None
