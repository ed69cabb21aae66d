"""Fitting a personal head on cached features, and judging it on recordings that it has not seen.

For every fold the strength of the fit is chosen inside its training side only (nested), and the choice costs little:
for a pair of folds the training crops of both are one fit, judged on the test crops of either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emo.bases.base import Base
from emo.bases.head import Head
from emo.transfer.head import FeatureSpace, solve
from emo.transfer.rehearsal import person_offset, rehearse

if TYPE_CHECKING:
    from emo.datasets.splits import Fold

STRENGTHS = (1e-1, 1e-2, 1e-3, 1e-4)
"""How firmly the head is held to its start, from firm to loose."""

DEFAULT_STRENGTH = 1e-2
"""Where there are too few folds to choose."""

_SPANNING_CROPS = 96
_CHOOSING_CROPS = 400


@dataclass(frozen=True, slots=True)
class Faces:
    """Features of one person's crops and of their augmented copies.

    Attributes:
        features: float32 (1 + copies, N, D); the first plane is of the crops themselves.
        labels: (N,) str.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Problem:
    """A fit that waits for its strength; rows are crops, copies and rehearsed features."""

    start: Head
    space: FeatureSpace
    inputs: NDArray[np.float64]
    offset: NDArray[np.float64]
    targets: NDArray[np.intp]
    weight: NDArray[np.float64]
    free: NDArray[np.intp]

    def heads(self, strengths: Sequence[float], *, tolerance: float) -> list[Head]:
        """The head for each strength; each fit begins where the one before ended."""
        heads: list[Head] = []
        found = None
        for strength in strengths:
            found = solve(
                self.inputs,
                self.offset,
                self.targets,
                strength=strength,
                sample_weight=self.weight,
                rows=self.free,
                first=found,
                tolerance=tolerance,
            )
            heads.append(self.space.move(self.start, self.free, *found))
        return heads


class PersonalFit:
    """How a personal head is fitted to any part of a person's crops.

    Args:
        base: the frozen base.
        labels: of the head; those that the base does not know must be among the crops'.
        seed: of the rehearsal.
    """

    def __init__(self, base: Base, labels: tuple[str, ...], faces: Faces, *, seed: int) -> None:
        self._base = base
        self._labels = labels
        self._faces = faces
        self._seed = seed
        self._known = {label: base.statistics[label] for label in labels if label in base.labels}

    def problem(self, train: NDArray[np.intp], *, copies: bool) -> Problem:
        """The fit to some crops, with or without their augmented copies."""
        faces = self._faces.features[: None if copies else 1, train]
        labels = self._faces.labels[train]
        start = start_head(self._base.head, self._labels, faces[0], labels)
        few = faces[0][evenly(len(train), _SPANNING_CROPS)]
        space = FeatureSpace.of_statistics(self._base.statistics, few)
        rehearsed = rehearse(
            self._labels,
            self._known,
            recorded=frozenset(labels.tolist()),
            offset=person_offset(faces[0], labels, self._known),
            rng=np.random.default_rng(self._seed),
        )
        own = np.array([self._labels.index(label) for label in labels])
        flat = np.concatenate([faces.reshape(-1, faces.shape[2]), rehearsed.features])
        return Problem(
            start=start,
            space=space,
            inputs=space.project(flat),
            offset=start.logits(flat).astype(np.float64),
            targets=np.concatenate([np.tile(own, len(faces)), rehearsed.targets]),
            weight=np.concatenate([np.tile(balanced(own), len(faces)) / len(faces), rehearsed.weight]),
            free=np.arange(len(self._labels)),
        )

    def fit(self, train: NDArray[np.intp], strength: float) -> Head:
        """The head for some crops and their copies."""
        return self.problem(train, copies=True).heads([strength], tolerance=1e-5)[0]

    def choose(self, folds: Sequence[Fold]) -> tuple[float, list[float]]:
        """The strength for all crops, and for the training side of each fold, which never sees its test crops."""
        unchosen = DEFAULT_STRENGTH, [DEFAULT_STRENGTH] * len(folds)
        if len(folds) < 3:
            return unchosen
        loss = np.zeros((len(folds), len(folds), len(STRENGTHS)))
        for one, other in combinations(range(len(folds)), 2):
            both = np.intersect1d(folds[one].train, folds[other].train)
            if len(set(self._faces.labels[both])) < 2:
                return unchosen
            both = both[evenly(len(both), _CHOOSING_CROPS)]
            heads = self.problem(both, copies=False).heads(STRENGTHS, tolerance=1e-4)
            for outer, inner in ((one, other), (other, one)):
                unseen = np.intersect1d(folds[inner].test, folds[outer].train)
                loss[outer, inner] = [self._loss(head, unseen) for head in heads]
        return _firmest(loss.sum(axis=(0, 1))), [_firmest(item) for item in loss.sum(axis=1)]

    def _loss(self, head: Head, crops: NDArray[np.intp]) -> float:
        """Cross entropy on crops, each label weighing the same."""
        if len(crops) == 0:
            return 0.0
        targets = np.array([head.labels.index(label) for label in self._faces.labels[crops]])
        logits = head.logits(self._faces.features[0, crops]).astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        surprise = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(targets)), targets]
        return float((surprise * balanced(targets)).sum() / len(set(targets.tolist())))


def start_head(
    known: Head, labels: tuple[str, ...], features: NDArray[np.float32], truth: NDArray[np.str_]
) -> Head:
    """The head that a fit departs from: known rows as they are, new rows as a blend of the known ones.

    A new row is the mean of the known rows, weighted by how probable they are on the new label's crops: that puts
    it at the height of the answers it has to beat, on the very crops where it has to beat them.
    """
    weights, bias = np.zeros((len(labels), known.weights.shape[1]), np.float32), np.zeros(len(labels), np.float32)
    for index, label in enumerate(labels):
        if label in known.labels:
            row = known.labels.index(label)
            weights[index], bias[index] = known.weights[row], known.bias[row]
            continue
        logits = known.logits(features[truth == label])
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        share = (exponents / exponents.sum(axis=1, keepdims=True)).mean(axis=0)
        weights[index], bias[index] = share @ known.weights, share @ known.bias
    return Head(labels, weights, bias)


def balanced(targets: NDArray[np.intp]) -> NDArray[np.float64]:
    """Weights of rows so that each label's sum to 1."""
    counts = np.bincount(targets)
    return np.asarray(1 / counts[targets], dtype=np.float64)


def evenly(count: int, most: int) -> NDArray[np.intp]:
    """At most ``most`` of ``count`` indices, evenly spread: neighbours in a video are nearly alike."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.intp)


def _firmest(losses: NDArray[np.float64]) -> float:
    """The strength of least loss, the firmer of equals."""
    return STRENGTHS[int(np.argmin(losses))]
