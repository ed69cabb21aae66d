"""What the numbers mean, and what to do next, in sentences for a teacher."""

from __future__ import annotations

import numpy as np

from emo.evaluation.numbers import Evaluation

_FEW_CROPS = 20
_LOW_RECALL = 0.7


def verdict(evaluation: Evaluation) -> str:
    """One sentence on whether to trust the model."""
    low, _ = evaluation.interval
    of_labels = (
        f"{_percent(evaluation.uar)} of the held-out faces, averaged over {len(evaluation.tested_labels)} labels"
    )
    if evaluation.unit == "time":
        return (
            f"Right on {of_labels}, but within the same recordings it learned from: "
            "expect less tomorrow, and record again to know."
        )
    if low <= evaluation.chance:
        return f"Right on {of_labels}: not surely better than guessing. Do not rely on it yet."
    base = evaluation.base_uar_closed
    if base is not None and evaluation.uar < base:
        return f"Right on {of_labels}; the base alone would be right on {_percent(base)}: more recordings are needed."
    return f"Right on {of_labels}, in {_held_back(evaluation)} it had never seen."


def next_steps(evaluation: Evaluation) -> list[str]:
    """Up to three things to do next, the most useful first."""
    steps = []
    single = _labels_with_one_recording(evaluation)
    if single:
        names = _join(single)
        steps.append(f"Record {names} again, on another day and in another place; one recording a label proves little.")
    scores = evaluation.scores
    few = [label for label, score in scores.items() if score.support < _FEW_CROPS]
    if few:
        steps.append(f"Record longer videos of {_join(few)}: fewer than {_FEW_CROPS} faces were there to test on.")
    worst = min(scores, key=lambda label: scores[label].recall)
    if scores[worst].recall < _LOW_RECALL:
        steps.append(f"Look at {worst}: it is often taken for {_taken_for(evaluation, worst)}. Show it more clearly.")
    if evaluation.coverage < _LOW_RECALL:
        steps.append(f"Only {_percent(evaluation.coverage)} of the faces get an answer; better light helps it be sure.")
    if not steps:
        steps.append("Try it on a new video with: emo predict VIDEO")
    return steps[:3]


def _held_back(evaluation: Evaluation) -> str:
    return "people" if evaluation.unit == "person" else "recordings"


def _labels_with_one_recording(evaluation: Evaluation) -> list[str]:
    return [
        label
        for label in evaluation.tested_labels
        if len(np.unique(evaluation.recording_ids[evaluation.truth == evaluation.labels.index(label)])) == 1
    ]


def _taken_for(evaluation: Evaluation, label: str) -> str:
    row = evaluation.confusion[evaluation.labels.index(label)].copy()
    row[evaluation.labels.index(label)] = 0
    return evaluation.labels[int(row.argmax())]


def _join(labels: list[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"
