"""Find pictures that are the same, or nearly the same, by their difference hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emo.datasets.recordings import Recording
from emo.errors import FileFormatError

BITS = 256
NEAR = 36
"""Bits of 256 in which two hashes of one picture may differ (recompressed, resized, relit, watermarked).

Looked at on FER2013: up to 36 nearly every pair is one photograph, beyond 40 few are."""

_SIDE = 16


def difference_hashes(pictures: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hash each picture by where it gets brighter from left to right.

    The difference hash (Krawetz 2013) on a 16 x 17 copy: unchanged by brightness, contrast,
    resizing and light compression, changed by anything that moves.

    Args:
        pictures: uint8 (N, H, W) grey or (N, H, W, 3) RGB.

    Returns:
        uint64 (N, 4), 256 bits each.
    """
    import cv2

    bits = np.empty((len(pictures), BITS), dtype=bool)
    for picture, row in zip(pictures, bits, strict=True):
        grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(grey, (_SIDE + 1, _SIDE), interpolation=cv2.INTER_AREA).astype(np.int16)
        row[:] = (small[:, 1:] > small[:, :-1]).ravel()
    return np.packbits(bits, axis=1).view(np.uint64)


def near_duplicates(hashes: NDArray[np.uint64], among: NDArray[np.uint64], *, near: int = NEAR) -> NDArray[np.bool_]:
    """Which pictures have an exact or near duplicate among others.

    Args:
        hashes: uint64 (N, 4).
        among: uint64 (M, 4).
        near: largest number of differing bits that still counts as the same picture.

    Returns:
        bool (N,).
    """
    found = np.zeros(len(hashes), dtype=bool)
    for index, value in enumerate(hashes):
        distances = _count_bits(among ^ value).sum(axis=1)
        found[index] = bool((distances <= near).any())
    return found


def _count_bits(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    if hasattr(np, "bitwise_count"):
        return np.asarray(np.bitwise_count(values), dtype=np.int64)
    # NumPy 1 has no population count.
    return np.asarray(
        np.unpackbits(values.view(np.uint8).reshape(*values.shape, 8), axis=-1).sum(axis=-1), dtype=np.int64
    )


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprints:
    """What tells whether two crops are the same picture.

    Attributes:
        hashes: uint64 (N, 4), difference hashes.
        digests: uint64 (N,), equal only where the files are equal byte by byte.
    """

    hashes: NDArray[np.uint64]
    digests: NDArray[np.uint64]


def fingerprint_crops(recordings: Sequence[Recording]) -> Fingerprints:
    """Fingerprint all crops of some recordings, in their order; the pictures are decoded at a quarter of their size.

    Raises:
        FileFormatError: a crop is missing or no picture.
    """
    import cv2

    hashes, digests = [], []
    for recording in recordings:
        for path in recording.crop_paths:
            data = path.read_bytes() if path.is_file() else b""
            picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_4) if data else None
            if picture is None:
                raise FileFormatError(
                    f"{path}: missing, or no picture; delete the folder {recording.id} and capture it again"
                )
            hashes.append(difference_hashes(np.asarray(picture, dtype=np.uint8)[None])[0])
            digests.append(int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little"))
    return Fingerprints(np.array(hashes, dtype=np.uint64).reshape(-1, 4), np.array(digests, dtype=np.uint64))
