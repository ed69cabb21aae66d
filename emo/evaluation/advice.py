"""What the numbers mean, and what to do next, in sentences for a teacher."""

from __future__ import annotations

from emo.evaluation.numbers import Evaluation

_FEW_CROPS = 20
_LOW_RECALL = 0.85
_LOW_COVERAGE = 0.7
_GOOD = 0.8


def trust(evaluation: Evaluation) -> str:
    """How far to trust the model, in a word or two: ``not yet``, ``not proven``, ``with care`` or ``good``."""
    base = evaluation.base_uar
    if evaluation.interval[0] <= evaluation.chance or (base is not None and evaluation.uar < base):
        return "not yet"
    if evaluation.unit == "time" or min(evaluation.recordings.values()) < 2:
        return "not proven"
    return "good" if evaluation.uar >= _GOOD else "with care"


def verdict(evaluation: Evaluation) -> str:
    """One sentence on whether to trust the model."""
    low, _ = evaluation.interval
    of_labels = (
        f"{_percent(evaluation.uar)} of the held-out faces, averaged over {len(evaluation.tested_labels)} labels"
    )
    if low <= evaluation.chance:
        return f"Right on {of_labels}: not surely better than guessing. Do not rely on it yet."
    if evaluation.unit == "time":
        return (
            f"Right on {of_labels}, but within the same recordings it learned from: "
            "expect less tomorrow, and record again to know."
        )
    base = evaluation.base_uar
    if base is not None and evaluation.uar < base:
        return f"Right on {of_labels}; the base alone would be right on {_percent(base)}: more recordings are needed."
    return f"Right on {of_labels}, in {_held_back(evaluation)} it had never seen."


def next_steps(evaluation: Evaluation) -> list[str]:
    """Up to three things to do next, the most useful first."""
    steps = []
    single = [label for label, count in evaluation.recordings.items() if count == 1]
    if single:
        names = _join(single)
        steps.append(f"Record {names} again, on another day and in another place; one recording a label proves little.")
    scores = evaluation.scores
    few = [label for label, score in scores.items() if score.support < _FEW_CROPS]
    if few:
        steps.append(f"Record longer videos of {_join(few)}: fewer than {_FEW_CROPS} faces were there to test on.")
    worst = min(scores, key=lambda label: scores[label].recall)
    if scores[worst].recall < _LOW_RECALL:
        taken = _taken_for(evaluation, worst)
        steps.append(
            f"Look at {worst}, right in {_percent(scores[worst].recall)} and most often taken for {taken}: "
            f"are its faces labelled right? If so, record more of it."
        )
    if evaluation.coverage < _LOW_COVERAGE:
        steps.append(
            f"Only {_percent(evaluation.coverage)} of the faces get an answer; more recordings and better light "
            "help it be sure."
        )
    steps.append("Try it on a video of another day: emo predict VIDEO")
    return steps[:3]


def _held_back(evaluation: Evaluation) -> str:
    return "people" if evaluation.unit == "person" else "recordings"


def _taken_for(evaluation: Evaluation, label: str) -> str:
    row = evaluation.confusion[evaluation.labels.index(label)].copy()
    row[evaluation.labels.index(label)] = 0
    return evaluation.labels[int(row.argmax())]


def _join(labels: list[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"
