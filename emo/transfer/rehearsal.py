"""Keeping labels alive that a person did not record.

All crops of a personal dataset show one person. If the other labels were rehearsed from the features of other people
only, the surest way to tell them apart would be the person: "whenever it is her, it is one of the labels she recorded".
So both the head and what is drawn for it to rehearse are moved by the offset between this person's features and
everybody's, known from the labels that were recorded: feature translation, as FeTrIL (Petit et al. 2023) does for new
classes. Half of the draws stay where they were, because the offset is a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emo.bases.head import Head
from emo.bases.statistics import LabelStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is rehearsed, and where; `benchmarks/rehearsal.py` compares others with the defaults.

    Attributes:
        draws: features drawn per label.
        moved: part of the draws that is moved by the person's offset.
        unrecorded, recorded: weight of a label's draws, where all crops of a recorded label weigh 1.
        doubt: how many labels' worth of doubt is in a person's offset: m labels are trusted to m / (m + doubt).
        translate: whether the head is moved to the person before it is fitted.
    """

    draws: int = 60
    moved: float = 0.5
    unrecorded: float = 1.0
    recorded: float = 0.1
    doubt: float = 3.0
    translate: bool = True


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
    features: NDArray[np.float32],
    labels: NDArray[np.str_],
    statistics: Mapping[str, LabelStatistics],
    known: Head,
    plan: Plan,
) -> NDArray[np.float32]:
    """How this person's features lie beside everybody's, float32 (D,).

    The mean over recorded labels of the difference between the person's mean and the label's. A label without
    statistics is compared with the blend of labels that the known head takes it for. Shrunk, because with few
    labels the difference is also one of expression.

    Args:
        features: float32 (N, D).
        labels: (N,), the label of each.
        known: the unadapted head.
    """
    names = [label for label in known.labels if label in statistics]
    means = np.stack([statistics[label].mean for label in names])
    differences = []
    for label in sorted(set(labels.tolist())):
        own = features[labels == label]
        expected = statistics[label].mean if label in statistics else mean_answer(known.rows(tuple(names)), own) @ means
        differences.append(own.mean(axis=0) - expected)
    trust = len(differences) / (len(differences) + plan.doubt)
    return np.asarray(np.mean(differences, axis=0) * trust, dtype=np.float32)


def mean_answer(head: Head, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """How probable each label is on average, float32 (L,), over features (N, D)."""
    logits = head.logits(features)
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray((exponents / exponents.sum(axis=1, keepdims=True)).mean(axis=0), dtype=np.float32)


def rehearse(
    labels: tuple[str, ...],
    statistics: Mapping[str, LabelStatistics],
    *,
    plan: Plan,
    recorded: frozenset[str],
    offset: NDArray[np.float32],
    rng: np.random.Generator,
) -> Rehearsal:
    """Draw features for each of the labels that has statistics."""
    features, targets, weights = [np.empty((0, len(offset)), np.float32)], [np.empty(0, np.intp)], [np.empty(0)]
    for index, label in enumerate(labels):
        if label not in statistics:
            continue
        drawn = statistics[label].sample(plan.draws, rng)
        drawn[: round(plan.draws * plan.moved)] += offset
        features.append(drawn)
        targets.append(np.full(plan.draws, index, dtype=np.intp))
        weights.append(np.full(plan.draws, (plan.recorded if label in recorded else plan.unrecorded) / plan.draws))
    return Rehearsal(np.concatenate(features), np.concatenate(targets), np.concatenate(weights))


def moved(statistics: LabelStatistics, offset: NDArray[np.float32]) -> LabelStatistics:
    """The same Gaussian elsewhere."""
    return replace(statistics, mean=statistics.mean + offset)
