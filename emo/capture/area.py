"""Exact area averages of many regions of one picture, from one table of sums.

MTCNN was trained and tuned on pictures resampled by area: each target pixel is the mean of the
source pixels it touches, whole ones. That is what torch's ``interpolate(mode="area")`` computes,
for shrinking and for enlarging, while OpenCV's INTER_AREA weighs border pixels by their share and
interpolates when it enlarges. With a table of sums (Crow 1984), each target pixel costs four reads
however many source pixels it covers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Sums = NDArray[np.int32]


def area_sums(picture: NDArray[np.uint8]) -> Sums:
    """Sum over everything above and left of each pixel corner.

    Args:
        picture: uint8 (H, W, C).

    Returns:
        int32 (H + 1, W + 1, C). In pictures over eight million pixels entries wrap around;
        differences of them are right all the same.
    """
    import cv2

    return np.asarray(cv2.integral(picture, sdepth=cv2.CV_32S), dtype=np.int32)


def shrink_from_sums(sums: Sums, height: int, width: int) -> NDArray[np.float32]:
    """Resample the whole picture to float32 (height, width, C)."""
    top, bottom = _bins(np.zeros(1, np.int64), np.array([sums.shape[0] - 1]), height)
    left, right = _bins(np.zeros(1, np.int64), np.array([sums.shape[1] - 1]), width)
    # Rows first: taking whole rows is a copy, and what is left is small.
    bands = sums[bottom[0]] - sums[top[0]]
    totals = (bands[:, right[0]] - bands[:, left[0]]).astype(np.float32)
    pixels = (bottom - top)[0][:, None] * (right - left)[0]
    return np.asarray(totals / pixels[:, :, None].astype(np.float32), dtype=np.float32)


def area_crops(sums: Sums, cuts: NDArray[np.int64], side: int) -> NDArray[np.float32]:
    """Resample regions to squares.

    Args:
        sums: table of `area_sums`.
        cuts: int (N, 4), x1 y1 x2 y2 inside the picture; x2, y2 lie beyond the last pixel.
        side: side of the results in pixels.

    Returns:
        float32 (N, side, side, C), in the units of the picture.
    """
    left, right = _bins(cuts[:, 0], cuts[:, 2], side)
    top, bottom = _bins(cuts[:, 1], cuts[:, 3], side)
    flat = sums.reshape(-1, sums.shape[2])
    row = sums.shape[1]

    def read(y: NDArray[np.int64], x: NDArray[np.int64]) -> Sums:
        return np.asarray(flat[(y * row)[:, :, None] + x[:, None, :]], dtype=np.int32)

    totals = read(bottom, right)
    totals -= read(top, right)
    totals -= read(bottom, left)
    totals += read(top, left)
    pixels = (bottom - top)[:, :, None] * (right - left)[:, None, :]
    return np.asarray(totals / pixels[:, :, :, None].astype(np.float32), dtype=np.float32)


def _bins(first: NDArray[np.int64], last: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split each range into ``count`` parts, rounded outwards to whole pixels: (N, count) starts and ends."""
    steps = np.arange(count)
    lengths = (last - first)[:, None]
    return first[:, None] + steps * lengths // count, first[:, None] - (-(steps + 1) * lengths // count)
