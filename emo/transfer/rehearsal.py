"""Keeping labels alive that a person did not record.

All crops of a personal dataset show one person. If the other labels were rehearsed from the
features of other people only, the surest way to tell them apart would be the person: "whenever it is her,
it is one of the labels she recorded". So what is drawn for a label is moved by the offset between this
person's features and everybody's, known from the labels that were recorded: feature translation, as FeTrIL
(Petit et al. 2023) does for classes. Half of the draws stay where they were, because the offset is a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emo.bases.statistics import LabelStatistics

DRAWS = 60
"""Features drawn per label."""

_MOVED = 0.5
"""Part of the draws that is moved by the person's offset."""

_UNRECORDED_WEIGHT = 1.0
_RECORDED_WEIGHT = 0.25
"""Weight of a label's draws, where all its crops together weigh 1."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Drawn features that stand for labels.

    Attributes:
        features: float32 (M, D).
        targets: (M,), indices into the labels that were given.
        weight: float64 (M,).
    """

    features: NDArray[np.float32]
    targets: NDArray[np.intp]
    weight: NDArray[np.float64]


def person_offset(
    features: NDArray[np.float32], labels: NDArray[np.str_], statistics: Mapping[str, LabelStatistics]
) -> NDArray[np.float32]:
    """How this person's features lie beside everybody's, float32 (D,).

    The mean over recorded labels of the difference between the person's mean and the label's, shrunk by
    m / (m + 1) for m labels, because with few of them the difference is also one of expression.

    Args:
        features: float32 (N, D).
        labels: (N,), the label of each.
    """
    shared = [label for label in statistics if (labels == label).any()]
    if not shared:
        return np.zeros(features.shape[1], dtype=np.float32)
    differences = [features[labels == label].mean(axis=0) - statistics[label].mean for label in shared]
    return np.asarray(np.mean(differences, axis=0) * (len(shared) / (len(shared) + 1)), dtype=np.float32)


def rehearse(
    labels: tuple[str, ...],
    statistics: Mapping[str, LabelStatistics],
    *,
    recorded: frozenset[str],
    offset: NDArray[np.float32],
    rng: np.random.Generator,
) -> Rehearsal:
    """Draw features for each of the labels that has statistics."""
    features, targets, weights = [], [], []
    for index, label in enumerate(labels):
        if label not in statistics:
            continue
        drawn = statistics[label].sample(DRAWS, rng)
        drawn[: round(DRAWS * _MOVED)] += offset
        features.append(drawn)
        targets.append(np.full(DRAWS, index))
        weights.append(np.full(DRAWS, (_RECORDED_WEIGHT if label in recorded else _UNRECORDED_WEIGHT) / DRAWS))
    if not features:
        return Rehearsal(np.empty((0, len(offset)), np.float32), np.empty(0, np.intp), np.empty(0))
    return Rehearsal(np.concatenate(features), np.concatenate(targets), np.concatenate(weights))


def moved(statistics: LabelStatistics, offset: NDArray[np.float32]) -> LabelStatistics:
    """The same Gaussian elsewhere."""
    return replace(statistics, mean=statistics.mean + offset)
