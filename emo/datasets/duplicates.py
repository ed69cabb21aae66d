"""Find pictures that are the same, or nearly the same, by their difference hash."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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


def near_duplicates(
    hashes: NDArray[np.uint64], among: NDArray[np.uint64], *, near: int = NEAR
) -> NDArray[np.bool_]:
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
        return np.bitwise_count(values).astype(np.int64)
    # NumPy 1 has no population count.
    return np.unpackbits(values.view(np.uint8).reshape(*values.shape, 8), axis=-1).sum(axis=-1, dtype=np.int64)
