"""Fitting a person's head on features, and choosing how firmly to hold it on recordings that it has not seen.

For every fold the strength is chosen inside its training side only (nested), and the choice costs little: the crops
that the training sides of two folds share are one fit, judged on the test crops of either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emo.bases.head import Head
from emo.bases.statistics import LabelStatistics
from emo.transfer.head import FeatureSpace, solve
from emo.transfer.rehearsal import Plan, Rehearsal, mean_answer, person_offset, rehearse

if TYPE_CHECKING:
    from emo.datasets.splits import Fold

STRENGTHS = (3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
"""How firmly the head is held to its start, from firm to loose."""

GROWING_STRENGTHS = (0.03, 0.01, 0.003, 0.001, 0.0003)
"""The same for new rows beside frozen ones: they begin as a blend that is meant to be left."""

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
class Known:
    """What is known before the person's crops are looked at.

    Attributes:
        head: the base's, or that of the model to grow.
        statistics: what the features of its labels look like.
        personal: whether those are this very person's.
    """

    head: Head
    statistics: Mapping[str, LabelStatistics]
    personal: bool


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
    """How a head is fitted to any part of a person's crops.

    Args:
        known: where the fit departs from.
        labels: of the head; those that are not known must be among the crops'.
        seed: of the rehearsal.
        grow: leave the known rows bitwise as they are, and learn from the crops of the new labels only.
        plan: of the rehearsal.
    """

    def __init__(
        self,
        known: Known,
        labels: tuple[str, ...],
        faces: Faces,
        *,
        seed: int,
        grow: bool = False,
        plan: Plan | None = None,
    ) -> None:
        self.labels = labels
        self.faces = faces
        self._known = known
        self._seed = seed
        self._grow = grow
        self._plan = plan or Plan()
        self._rehearsed = {label: known.statistics[label] for label in labels if label in known.statistics}
        self._learned = np.isin(faces.labels, [label for label in labels if not (grow and label in known.head.labels)])

    def can_learn(self, train: NDArray[np.intp]) -> bool:
        """Whether some crops are enough: every new label, and two labels in all."""
        found = set(self.faces.labels[train[self._learned[train]]].tolist())
        new = {label for label in self.labels if label not in self._known.head.labels}
        return new <= found and len(found) + self._grow >= 2

    def offset(self, train: NDArray[np.intp]) -> NDArray[np.float32]:
        """How the person of some crops lies beside the known statistics, float32 (D,)."""
        own = self.faces.features[0, train]
        if self._known.personal or not self._known.statistics:
            return np.zeros(own.shape[1], np.float32)
        return person_offset(own, self.faces.labels[train], self._known.statistics, self._known.head, self._plan)

    def rehearsal(self, train: NDArray[np.intp], *, seed: int) -> Rehearsal:
        """What is drawn for the known labels beside some crops."""
        return rehearse(
            self.labels,
            self._rehearsed,
            plan=self._plan,
            recorded=frozenset(self.faces.labels[train[self._learned[train]]].tolist()),
            offset=self.offset(train),
            rng=np.random.default_rng(seed),
        )

    def problem(self, train: NDArray[np.intp], *, copies: bool) -> Problem:
        """The fit to some crops, with or without their augmented copies."""
        rehearsed = self.rehearsal(train, seed=self._seed)
        offset = self.offset(train)
        train = train[self._learned[train]]
        faces = self.faces.features[: None if copies else 1, train]
        labels = self.faces.labels[train]
        known = self._known.head
        if self._plan.translate and not self._grow:
            # The person's features minus their offset are everybody's: that much needs no learning.
            known = Head(known.labels, known.weights, known.bias - known.weights @ offset)
        start = start_head(known, self.labels, faces[0], labels)
        few = faces[0][evenly(len(train), _SPANNING_CROPS)]
        space = FeatureSpace.of_statistics(self._known.statistics, few)
        own = np.array([self.labels.index(label) for label in labels], dtype=np.intp)
        flat = np.concatenate([faces.reshape(-1, faces.shape[2]), rehearsed.features])
        return Problem(
            start=start,
            space=space,
            inputs=space.project(flat),
            offset=start.logits(flat).astype(np.float64),
            targets=np.concatenate([np.tile(own, len(faces)), rehearsed.targets]),
            weight=np.concatenate([np.tile(balanced(own), len(faces)) / len(faces), rehearsed.weight]),
            free=np.flatnonzero([not (self._grow and label in known.labels) for label in self.labels]),
        )

    def fit(self, train: NDArray[np.intp], strength: float) -> Head:
        """The head for some crops and their copies."""
        return self.problem(train, copies=True).heads([strength], tolerance=1e-5)[0]

    def choose(self, folds: Sequence[Fold]) -> tuple[float, list[float]]:
        """The strength for all crops, and for the training side of each fold, which never sees its test crops."""
        strengths = GROWING_STRENGTHS if self._grow else STRENGTHS
        middle = strengths[len(strengths) // 2]  # where there are too few folds to choose
        unchosen = middle, [middle] * len(folds)
        if len(folds) < 3:
            return unchosen
        loss = np.zeros((len(folds), len(folds), len(strengths)))
        for one, other in combinations(range(len(folds)), 2):
            both = np.intersect1d(folds[one].train, folds[other].train)
            both = both[evenly(len(both), _CHOOSING_CROPS)]
            if not self.can_learn(both):
                return unchosen
            heads = self.problem(both, copies=False).heads(strengths, tolerance=1e-4)
            rehearsed = self.rehearsal(both, seed=self._seed + 1)
            for outer, inner in ((one, other), (other, one)):
                unseen = np.intersect1d(folds[inner].test, folds[outer].train)
                loss[outer, inner] = [self._loss(head, unseen, rehearsed) for head in heads]
        others = ~np.eye(len(folds), dtype=bool)
        return strengths[firmest(loss[others])], [strengths[firmest(loss[i, others[i]])] for i in range(len(folds))]

    def _loss(self, head: Head, crops: NDArray[np.intp], rehearsed: Rehearsal) -> float:
        """Cross entropy on crops and rehearsed features, each label weighing the same."""
        targets = np.array([self.labels.index(label) for label in self.faces.labels[crops]], dtype=np.intp)
        other = ~np.isin(rehearsed.targets, targets)
        targets = np.concatenate([targets, rehearsed.targets[other]])
        logits = head.logits(np.concatenate([self.faces.features[0, crops], rehearsed.features[other]])).astype(float)
        logits -= logits.max(axis=1, keepdims=True)
        surprise = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(targets)), targets]
        return float((surprise * balanced(targets)).sum() / max(len(set(targets.tolist())), 1))


@contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Keep linear algebra to a number of threads; left alone it takes every core."""
    import scipy.linalg  # noqa: F401  its own library of threads has to be loaded to be limited
    import threadpoolctl

    with threadpoolctl.threadpool_limits(limits=threads):
        yield


def start_head(known: Head, labels: tuple[str, ...], features: NDArray[np.float32], truth: NDArray[np.str_]) -> Head:
    """The head that a fit departs from: known rows as they are, new rows as a blend of the known ones.

    A new row is the mean of the known rows, weighted by how probable they are on the new label's crops: that puts
    it at the height of the answers it has to beat, on the very crops where it has to beat them.
    """
    weights, bias = np.zeros((len(labels), known.weights.shape[1]), np.float32), np.zeros(len(labels), np.float32)
    for index, label in enumerate(labels):
        if label in known.labels:
            row = known.labels.index(label)
            weights[index], bias[index] = known.weights[row], known.bias[row]
        else:
            share = mean_answer(known, features[truth == label])
            weights[index], bias[index] = share @ known.weights, share @ known.bias
    return Head(labels, weights, bias)


def balanced(targets: NDArray[np.intp]) -> NDArray[np.float64]:
    """Weights of rows so that each label's sum to 1."""
    counts = np.bincount(targets)
    return np.asarray(1 / counts[targets], dtype=np.float64)


def evenly(count: int, most: int) -> NDArray[np.intp]:
    """At most ``most`` of ``count`` indices, evenly spread: neighbours in a video are nearly alike."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.intp)


def firmest(losses: NDArray[np.float64]) -> int:
    """The first, hence firmest, strength whose loss is within one standard error of the least (Breiman et al. 1984).

    Looser is better for the labels that were recorded and worse for those that were not, so it has to be worth it.

    Args:
        losses: (M, S), of M parts of the held-out crops and S strengths from firm to loose.
    """
    beside_best = losses - losses[:, [int(np.argmin(losses.mean(axis=0)))]]
    error = beside_best.std(axis=0, ddof=min(1, len(losses) - 1)) / np.sqrt(len(losses))
    return int(np.argmax(beside_best.mean(axis=0) <= error))
