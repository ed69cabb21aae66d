"""Old and new labels on one scale, and what growing did to the old ones."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SHIFTS = np.arange(-40, 41) / 10

_MOST_FORGOTTEN = 0.01
"""Recall that the old labels may lose to a shift in favour of the new ones."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Logits of a head, float64 (N, L), on features that it was not fitted on, and the truth (N,)."""

    logits: NDArray[np.float64]
    truth: NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class OldAndNew:
    """What the old labels lost and the new ones reached; recalls averaged over labels, 0 to 1.

    Attributes:
        old_before, old_after: on the person's own crops of old labels, which growing never saw; None without any.
        drawn_before, drawn_after: on features drawn for the old labels.
        new: on held-out crops of the new labels.
        harmonic: harmonic mean of the old labels' recall after growing (drawn where no crops are) and the new ones'.
    """

    old_before: float | None
    old_after: float | None
    drawn_before: float
    drawn_after: float
    new: float
    harmonic: float

    def to_document(self) -> dict[str, Any]:
        """As the model's summary has it."""
        return {"old_and_new": asdict(self)}


def balance_new_labels(answers: Answers, is_new: NDArray[np.bool_], *, before: float) -> float:
    """What to add to the new labels' logits so that neither old nor new labels drown the others.

    The shift with the best harmonic mean of both recalls, the smallest of equals. It may favour the new labels
    only as far as the old ones keep what they had: with few held-out crops a new label is easily favoured too much.

    Args:
        is_new: (L,), which labels are new; both kinds must be among the truth.
        before: mean recall of the old labels before growing, on the same features.
    """
    of_new = is_new[answers.truth]

    def recalls(shift: float) -> tuple[float, float]:
        logits = answers.logits + shift * is_new
        return mean_recall(logits[~of_new], answers.truth[~of_new]), mean_recall(logits[of_new], answers.truth[of_new])

    best, best_score = 0.0, harmonic_mean(*recalls(0.0))
    for shift in sorted(_SHIFTS.tolist(), key=abs):
        old, new = recalls(shift)
        kept = shift <= 0 or old >= before - _MOST_FORGOTTEN
        if kept and harmonic_mean(old, new) > best_score + 1e-9:
            best, best_score = shift, harmonic_mean(old, new)
    return best


def harmonic_mean(one: float, other: float) -> float:
    """0 where either is 0."""
    return 2 * one * other / (one + other) if one + other else 0.0


def mean_recall(logits: NDArray[np.float64], truth: NDArray[np.intp]) -> float:
    """Recall averaged over the labels that occur, of logits (N, L), N at least 1."""
    right = logits.argmax(axis=1) == truth
    return float(np.mean([right[truth == label].mean() for label in np.unique(truth)]))


def old_and_new(
    crops: Answers, drawn: Answers, is_new: NDArray[np.bool_], *, parent_crops: Answers, parent_drawn: Answers
) -> OldAndNew:
    """Compare a grown and calibrated head with its parent.

    Args:
        crops: of the grown head, calibrated, on held-out crops of old and new labels.
        drawn: the same on features drawn for old labels.
        parent_crops, parent_drawn: of the parent, calibrated, on the rows of those that are of old labels.
    """
    of_old = ~is_new[crops.truth]
    new = mean_recall(crops.logits[~of_old], crops.truth[~of_old])
    before = mean_recall(parent_crops.logits, parent_crops.truth) if of_old.any() else None
    after = mean_recall(crops.logits[of_old], crops.truth[of_old]) if of_old.any() else None
    drawn_after = mean_recall(drawn.logits, drawn.truth)
    old = drawn_after if after is None else after
    return OldAndNew(
        old_before=before,
        old_after=after,
        drawn_before=mean_recall(parent_drawn.logits, parent_drawn.truth),
        drawn_after=drawn_after,
        new=new,
        harmonic=harmonic_mean(old, new),
    )
