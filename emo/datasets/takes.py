"""What may not be torn apart when a dataset is split, and how one long take is cut when it must be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emo.datasets.recordings import AUGMENTED, Recording
from emo.errors import DatasetError

GAP_S = 2.0
"""Seconds between a training and a test crop of one take: nearer than that they are the same moment."""

MIN_TRAIN = 2
"""Training crops that a take cut by time keeps in every fold."""

_TOLERANCE_S = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """One or more recordings that show the same moments: what a split keeps on one side.

    Segments of one video under one label that lie less than `GAP_S` apart are one take.

    Attributes:
        crops: (n,) indices of its crops, in the order of time.
        times_s: (n,) their time stamps; None for an imported folder, whose pictures have none.
        every_s: the distance of its crops in time, seconds.
    """

    label: str
    person: str
    crops: NDArray[np.intp]
    times_s: NDArray[np.float64] | None
    every_s: float

    def __len__(self) -> int:
        return len(self.crops)

    def near(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which crops of the take lie less than `GAP_S` from one of the chosen, the chosen included; both (n,)."""
        if self.times_s is None or not chosen.any():
            return chosen
        return distance_to(self.times_s, self.times_s[chosen]) < GAP_S - _TOLERANCE_S


def distance_to(times_s: NDArray[np.float64], others_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds from each time (n,) to the nearest of some others (m,), m at least 1, both sorted."""
    after = np.searchsorted(others_s, times_s)
    right = others_s[np.minimum(after, len(others_s) - 1)]
    left = others_s[np.maximum(after - 1, 0)]
    return np.asarray(np.minimum(np.abs(times_s - left), np.abs(right - times_s)))


def takes_of(recordings: Sequence[Recording]) -> list[Take]:
    """The takes of a dataset, augmented copies left aside; crops count through all recordings in order."""
    starts = np.cumsum([0, *(len(recording.crops) for recording in recordings)])
    originals = [
        (recording, np.arange(start, start + len(recording.crops)))
        for recording, start in zip(recordings, starts[:-1], strict=True)
        if recording.kind != AUGMENTED and recording.crops
    ]
    originals.sort(key=lambda item: (*_source(item[0]), _span(item[0])[0]))
    takes: list[list[tuple[Recording, NDArray[np.intp]]]] = []
    end_s = -math.inf
    for item in originals:
        first_s, last_s = _span(item[0])
        if takes and _source(takes[-1][0][0]) == _source(item[0]) and first_s < end_s + GAP_S:
            takes[-1].append(item)
            end_s = max(end_s, last_s)
        else:
            takes.append([item])
            end_s = last_s
    return sorted((_join(parts) for parts in takes), key=lambda take: int(take.crops.min()))


def _source(recording: Recording) -> tuple[str, ...]:
    """Equal for recordings that may be neighbours in time; a webcam take has no neighbours."""
    known = recording.source_sha256 if recording.kind == "video" else ""
    return recording.label, recording.person, known, "" if known else str(recording.folder)


def _span(recording: Recording) -> tuple[float, float]:
    times_s = [crop.time_s for crop in recording.crops]
    return min(times_s), max(times_s)


def _join(parts: Sequence[tuple[Recording, NDArray[np.intp]]]) -> Take:
    recording = parts[0][0]
    crops = np.concatenate([crops for _, crops in parts])
    times_s = np.array([crop.time_s for part, _ in parts for crop in part.crops])
    order = np.argsort(times_s, kind="stable")
    timed = recording.kind != "folder"
    if not timed:
        order = np.arange(len(crops))
    return Take(recording.label, recording.person, crops[order], times_s[order] if timed else None, recording.every_s)


def cut_by_time(take: Take, folds: int) -> NDArray[np.intp]:
    """Cut one take into contiguous test blocks, so that a gap still leaves something to train on.

    As many blocks, up to ``folds``, as leave the most to train on in the worst fold. A take too
    short for that is tested at its two ends only, and its middle stays in training.

    Returns:
        (n,), the block in whose fold a crop is tested, from 0; -1 where it never is.

    Raises:
        DatasetError: the take is too short to hold anything back.
    """
    count = len(take)
    best, best_left = None, 0
    for blocks in range(2, min(folds, count) + 1):
        block_of = np.repeat(np.arange(blocks), [len(part) for part in np.array_split(np.arange(count), blocks)])
        left = _left_to_train(take, block_of)
        if left >= max(MIN_TRAIN, math.ceil(count / blocks / 2)) and left >= best_left:
            best, best_left = block_of, left
    if best is not None:
        return best
    for size in range(count // 2, 0, -1):
        ends = np.full(count, -1)
        ends[:size], ends[count - size :] = 0, 1
        if _left_to_train(take, ends) >= max(MIN_TRAIN, size):
            return ends
    raise DatasetError(_too_short(take))


def _left_to_train(take: Take, block_of: NDArray[np.intp]) -> int:
    return min(int((~take.near(block_of == block)).sum()) for block in range(int(block_of.max()) + 1))


def _too_short(take: Take) -> str:
    if take.times_s is None:
        more = max(MIN_TRAIN + 1 - len(take), 1)
        what = "picture" if more == 1 else "pictures"
        return (
            f"`{take.label}` has too few pictures ({len(take)}) to hold one back for the test; "
            f"add at least {more} more {what} of `{take.label}`"
        )
    have_s = float(take.times_s[-1] - take.times_s[0])
    more_s = max(1, math.ceil(GAP_S + MIN_TRAIN * max(take.every_s, 0.1) - have_s))
    return (
        f"`{take.label}` has one recording with {have_s:.1f} s of faces, too short to hold some back for the test; "
        f"record at least {more_s} s more of `{take.label}` in one go, or a second video of it"
    )
