"""One evaluation, and every number that is derived from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from emo.evaluation import metrics
from emo.evaluation.calibration import coverage
from emo.evaluation.metrics import LabelScore

SCHEMA = 1

_BLOCKS = 4
"""Time blocks per label that stand in for recordings where there is only one."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Answers to crops that were held back, and what they are compared with.

    Attributes:
        labels: L names, in the model's order.
        truth: (N,), indices into labels.
        probabilities: float64 (N, L), calibrated; rows sum to 1.
        base_probabilities: (N, L), the unadapted base's on the same crops, 0 for labels it lacks; or None.
        base_elsewhere: (N,), the base's highest probability for a label that the model does not have; None if
            the model has all of the base's labels.
        recording_ids: (N,) str, which recording each crop is from, in the order of time within it.
        unit: what was held back as a whole.
        note: the same in plain words.
        temperature, threshold: of the calibration.
    """

    labels: tuple[str, ...]
    truth: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    base_probabilities: NDArray[np.float64] | None
    recording_ids: NDArray[np.str_]
    unit: Literal["person", "recording", "time"]
    note: str
    temperature: float
    threshold: float
    base_elsewhere: NDArray[np.float64] | None = None

    @property
    def tested_labels(self) -> tuple[str, ...]:
        """The labels that occur in the truth."""
        return tuple(self.labels[index] for index in np.unique(self.truth))

    @property
    def predicted(self) -> NDArray[np.intp]:
        """The most probable label of each crop, (N,), unsure or not."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.intp)

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """Counts (L, L), truth by answer."""
        return metrics.confusion_matrix(self.truth, self.predicted, len(self.labels))

    @property
    def accuracy(self) -> float:
        """Part of the answers that are right."""
        return metrics.accuracy(self.confusion)

    @property
    def uar(self) -> float:
        """Mean recall of the tested labels: the headline number."""
        return metrics.uar(self.confusion)

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the tested labels."""
        return metrics.macro_f1(self.confusion)

    @property
    def scores(self) -> dict[str, LabelScore]:
        """Scores of the tested labels."""
        every = dict(zip(self.labels, metrics.per_label_scores(self.confusion), strict=True))
        return {label: every[label] for label in self.tested_labels}

    @property
    def chance(self) -> float:
        """UAR of always giving one answer."""
        return 1 / len(self.tested_labels)

    @property
    def majority(self) -> float:
        """Accuracy of always answering the most frequent label."""
        return metrics.majority_baseline(self.confusion)

    @property
    def ece(self) -> float:
        """Expected calibration error of the calibrated probabilities."""
        return metrics.expected_calibration_error(self.probabilities, self.truth)

    @property
    def coverage(self) -> float:
        """Part of the crops that get an answer rather than ``unsure``."""
        return coverage(self.probabilities, self.threshold)

    @property
    def error_when_sure(self) -> float:
        """Part of the given answers that are wrong; 0 when none is given."""
        sure = self.probabilities.max(axis=1) >= self.threshold
        return float((self.predicted[sure] != self.truth[sure]).mean()) if sure.any() else 0.0

    @property
    def recordings(self) -> dict[str, int]:
        """How many recordings each tested label has."""
        return {
            label: len(np.unique(self.recording_ids[self.truth == self.labels.index(label)]))
            for label in self.tested_labels
        }

    @property
    def unsure_share(self) -> dict[str, float]:
        """Part of each tested label's crops whose answer is ``unsure``."""
        unsure: NDArray[np.bool_] = np.asarray(self.probabilities.max(axis=1) < self.threshold)
        return {label: float(unsure[self.truth == self.labels.index(label)].mean()) for label in self.tested_labels}

    @property
    def unknown_to_base(self) -> tuple[str, ...]:
        """The tested labels that the unadapted base cannot answer."""
        if self.base_probabilities is None:
            return ()
        known = self.base_probabilities.max(axis=0) > 0
        return tuple(label for label in self.tested_labels if not known[self.labels.index(label)])

    @property
    def base_uar(self) -> float | None:
        """UAR of the unadapted base under the model's own terms: told the labels only if the model is."""
        return self.base_uar_closed if self.tested_labels == self.labels else self.base_uar_open

    @property
    def base_uar_open(self) -> float | None:
        """UAR of the unadapted base, free to answer any of its labels."""
        return self._base_uar(np.arange(len(self.labels)), elsewhere=self.base_elsewhere)

    @property
    def base_uar_closed(self) -> float | None:
        """UAR of the unadapted base, told which labels occur."""
        return self._base_uar(np.unique(self.truth))

    @cached_property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the UAR, redrawing recordings, or time blocks where a label has only one.

        Where every answer is right, redrawing shows no spread; then it is the interval of a share of
        successes among so many recordings (Clopper & Pearson 1934): few of them prove little.
        """
        groups = self._groups()

        def redrawn(index: NDArray[np.intp]) -> float:
            confusion = metrics.confusion_matrix(self.truth[index], self.predicted[index], len(self.labels))
            return metrics.uar(confusion)

        low, high = metrics.bootstrap_interval(redrawn, groups, self.truth)
        doubt = 1 - 0.05 ** (1 / len(np.unique(groups)))
        if low == 1:
            return 1 - doubt, 1.0
        return (0.0, doubt) if high == 0 else (low, high)

    def to_document(self) -> dict[str, Any]:
        """Everything derived, as JSON has it."""
        low, high = self.interval
        return {
            "schema": SCHEMA,
            "labels": list(self.labels),
            "unit": self.unit,
            "note": self.note,
            "crops": len(self.truth),
            "recordings": len(np.unique(self.recording_ids)),
            "uar": self.uar,
            "uar_interval": [low, high],
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "chance_uar": self.chance,
            "majority_accuracy": self.majority,
            "base_uar": self.base_uar,
            "base_uar_open": self.base_uar_open,
            "base_uar_closed": self.base_uar_closed,
            "ece": self.ece,
            "temperature": self.temperature,
            "threshold": self.threshold,
            "coverage": self.coverage,
            "error_when_sure": self.error_when_sure,
            "per_label": {
                label: {
                    **asdict(item),
                    "recordings": self.recordings[label],
                    "unsure": self.unsure_share[label],
                }
                for label, item in self.scores.items()
            },
            "confusion": self.confusion.tolist(),
        }

    def _base_uar(self, allowed: NDArray[np.intp], *, elsewhere: NDArray[np.float64] | None = None) -> float | None:
        if self.base_probabilities is None:
            return None
        among = self.base_probabilities[:, allowed]
        predicted = allowed[among.argmax(axis=1)]
        if elsewhere is not None:
            predicted = np.where(elsewhere > among.max(axis=1), len(self.labels), predicted)
        return metrics.uar(metrics.confusion_matrix(self.truth, predicted, len(self.labels) + 1))

    def _groups(self) -> NDArray[np.str_]:
        """What the bootstrap redraws as a whole, per crop."""
        groups = self.recording_ids.astype(object)
        for label in np.unique(self.truth):
            own = np.flatnonzero(self.truth == label)
            if len(np.unique(self.recording_ids[own])) > 1:
                continue
            for number, block in enumerate(np.array_split(own, min(_BLOCKS, len(own)))):
                groups[block] = f"{self.recording_ids[own[0]]}#{number}"
        return groups.astype(str)
