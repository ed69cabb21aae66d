"""Numbers that hold the next day: balanced metrics, and intervals over recordings.

Rows of a confusion matrix are the truth, columns the answers. Labels that never occur in the truth are
left out of every mean over labels: there is nothing to be right about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class LabelScore:
    """One label's scores, each between 0 and 1.

    Attributes:
        precision: part of the answers with this label that are right; 0 if it was never answered.
        recall: part of this label's crops that were answered right.
        f1: harmonic mean of the two.
        support: how many crops have this label.
    """

    precision: float
    recall: float
    f1: float
    support: int


def confusion_matrix(truth: Indices, predicted: Indices, n_labels: int) -> NDArray[np.int64]:
    """Counts (L, L) of true label by answered label; both arguments hold indices (N,)."""
    counts = np.bincount(truth * n_labels + predicted, minlength=n_labels * n_labels)
    return counts.reshape(n_labels, n_labels).astype(np.int64)


def accuracy(confusion: NDArray[np.int64]) -> float:
    """Part of all answers that are right."""
    return float(np.trace(confusion) / max(confusion.sum(), 1))


def per_label_scores(confusion: NDArray[np.int64]) -> list[LabelScore]:
    """Precision, recall, F1 and support of each label, in the order of the rows."""
    hits = np.diag(confusion).astype(np.float64)
    support, answered = confusion.sum(axis=1), confusion.sum(axis=0)
    precision = hits / np.maximum(answered, 1)
    recall = hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(support + answered, 1)
    return [
        LabelScore(float(p), float(r), float(f), int(n))
        for p, r, f, n in zip(precision, recall, f1, support, strict=True)
    ]


def uar(confusion: NDArray[np.int64]) -> float:
    """Unweighted average recall, also called balanced accuracy: the mean recall of the labels that occur."""
    scores = [score.recall for score in per_label_scores(confusion) if score.support]
    return float(np.mean(scores)) if scores else 0.0


def macro_f1(confusion: NDArray[np.int64]) -> float:
    """Mean F1 of the labels that occur."""
    scores = [score.f1 for score in per_label_scores(confusion) if score.support]
    return float(np.mean(scores)) if scores else 0.0


def majority_baseline(confusion: NDArray[np.int64]) -> float:
    """Accuracy of always answering the most frequent label."""
    support = confusion.sum(axis=1)
    return float(support.max() / max(support.sum(), 1))


def expected_calibration_error(probabilities: NDArray[np.float64], truth: Indices, *, bins: int = 15) -> float:
    """How far confidence is from accuracy, on average over equally wide bins of confidence (Guo et al. 2017).

    Args:
        probabilities: (N, L), rows sum to 1.
        truth: (N,).

    Returns:
        0 (as often right as it says) to 1.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    gaps = np.bincount(place, confidence, minlength=bins) - np.bincount(place, right, minlength=bins)
    return float(np.abs(gaps).sum() / max(counts.sum(), 1))


def bootstrap_interval(
    statistic: Callable[[Indices], float],
    groups: NDArray[np.str_],
    strata: Indices,
    *,
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval of a statistic under redrawing whole groups, for crops of one group are not independent.

    The percentile bootstrap over clusters (Field & Welsh 2007), within each label, so that every draw
    has all labels. With one group per label the draws are all alike: the interval is then a point, and
    says nothing; give time blocks as groups instead.

    Args:
        statistic: of indices (n,) into the crops.
        groups: (N,), what is redrawn as a whole, such as recording ids.
        strata: (N,), the label of each crop.

    Returns:
        Lower and upper end.
    """
    rng = np.random.default_rng(seed)
    by_label = [
        [np.flatnonzero((groups == group) & (strata == label)) for group in np.unique(groups[strata == label])]
        for label in np.unique(strata)
    ]
    values = []
    for _ in range(draws):
        drawn = [members[i] for members in by_label for i in rng.integers(0, len(members), len(members))]
        values.append(statistic(np.concatenate(drawn)))
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)
