"""Fitting the linear part on top of frozen features: convex, deterministic, in a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emo.bases.head import Head
from emo.bases.statistics import LabelStatistics

__all__ = ["FeatureSpace", "Head", "fit_head", "solve"]

_MAX_ITERATIONS = 500


@dataclass(frozen=True, slots=True)
class FeatureSpace:
    """The coordinates in which a head is fitted: centred, scaled, and few.

    A video's crops differ in far fewer directions than a base has features. Fitting the change of
    the head in the span of those directions is what makes a dozen fits cost less than a second.

    Attributes:
        center: float64 (D,); the amid of the base's labels, where the change of the bias is measured.
        basis: float64 (D, k), orthogonal columns of length 1 / scale; None means all D directions.
        scale: root mean square distance of features from their label's mean, per base.
    """

    center: NDArray[np.float64]
    basis: NDArray[np.float64] | None
    scale: float

    @classmethod
    def of_statistics(
        cls, statistics: Mapping[str, LabelStatistics], examples: NDArray[np.float32] | None
    ) -> FeatureSpace:
        """The space spanned by what the statistics vary in, and by examples (n, D); all of it for None."""
        means = np.stack([item.mean for item in statistics.values()]).astype(np.float64)
        variances = [np.square(item.factors).sum() + item.diagonal.sum() for item in statistics.values()]
        scale = float(np.sqrt(np.mean(variances))) or 1.0
        center = means.mean(axis=0)
        if examples is None:
            return cls(center, None, scale)
        factors = [item.factors for item in statistics.values()]
        spanning = np.concatenate([means - center, examples - center, *factors]).astype(np.float64)
        if len(spanning) >= len(center):
            return cls(center, None, scale)
        return cls(center, np.linalg.qr(spanning.T)[0] / scale, scale)

    def project(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Features (N, D) in the coordinates of this space, float64 (N, k)."""
        if self.basis is None:
            return np.asarray((features - self.center) / self.scale, dtype=np.float64)
        # Half the work in single precision; the fit itself is in double.
        return np.asarray((features - self.center.astype(np.float32)) @ self.basis.astype(np.float32), dtype=np.float64)

    def move(self, head: Head, rows: NDArray[np.intp], change: NDArray[np.float64], bias: NDArray[np.float64]) -> Head:
        """Add a change (F, k) and bias (F,), found in this space, to some rows of a head."""
        lifted = change / self.scale if self.basis is None else change @ self.basis.T
        weights, offsets = head.weights.copy(), head.bias.copy()
        weights[rows] = (weights[rows] + lifted).astype(np.float32)
        offsets[rows] = (offsets[rows] + bias - lifted @ self.center).astype(np.float32)
        return Head(head.labels, weights, offsets)


def fit_head(
    features: NDArray[np.float32],
    targets: NDArray[np.intp],
    *,
    start: Head,
    strength: float,
    sample_weight: NDArray[np.float64],
    space: FeatureSpace,
    free: tuple[str, ...] | None = None,
) -> Head:
    """Multinomial logistic regression that departs from a given head only as far as the data asks.

    Minimises the weighted mean of the cross entropy plus strength / 2 times the squared distance from
    ``start``, measured in ``space``; the bias there, the logit at the centre, counts as one more weight.

    Args:
        features: float32 (N, D).
        targets: (N,), indices into ``start.labels``.
        strength: above 0; the larger, the closer to ``start``.
        sample_weight: (N,), not negative.
        free: labels whose rows may change; None means all. The others stay bitwise as they are.

    Returns:
        A head with the labels of ``start``.
    """
    rows = np.array([start.labels.index(label) for label in free or start.labels])
    offset = start.logits(features).astype(np.float64)
    change, bias = solve(
        space.project(features), offset, targets, strength=strength, sample_weight=sample_weight, rows=rows
    )
    return space.move(start, rows, change, bias)


def solve(
    inputs: NDArray[np.float64],
    offset: NDArray[np.float64],
    targets: NDArray[np.intp],
    *,
    strength: float,
    sample_weight: NDArray[np.float64],
    rows: NDArray[np.intp],
    first: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    tolerance: float = 1e-6,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The core of `fit_head`: find the change of some rows, given everybody's logits without it.

    Args:
        inputs: (N, k).
        offset: (N, L), the logits of the start.
        rows: (F,), which of the L labels may change.
        first: where the search begins; the answer does not depend on it.
        tolerance: the largest entry of the gradient at the answer.

    Returns:
        The change of the weights (F, k) and of the bias (F,).
    """
    from scipy.optimize import minimize

    weight = (sample_weight / sample_weight.sum())[:, None]
    truth = np.zeros_like(offset)
    truth[np.arange(len(targets)), targets] = 1
    shape = (len(rows), inputs.shape[1])

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        change, bias = parameters[: -len(rows)].reshape(shape), parameters[-len(rows) :]
        logits = offset.copy()
        logits[:, rows] += inputs @ change.T + bias
        logits -= logits.max(axis=1, keepdims=True)
        exponents = np.exp(logits)
        total = exponents.sum(axis=1, keepdims=True)
        value = (weight * (np.log(total) - (logits * truth).sum(axis=1, keepdims=True))).sum()
        residual = (weight * (exponents / total - truth))[:, rows]
        gradient = residual.T @ inputs + strength * change
        value += strength / 2 * (np.square(change).sum() + np.square(bias).sum())
        return float(value), np.concatenate([gradient.ravel(), residual.sum(axis=0) + strength * bias])

    zero = np.zeros(shape), np.zeros(len(rows))
    change, bias = first or zero
    found = minimize(
        loss,
        np.concatenate([change.ravel(), bias]),
        jac=True,
        method="L-BFGS-B",
        options={
            "maxiter": _MAX_ITERATIONS,
            "maxfun": 2 * _MAX_ITERATIONS,
            "gtol": tolerance,
            "ftol": 0.0,
            "maxcor": 20,
        },
    )
    return found.x[: -len(rows)].reshape(shape), found.x[-len(rows) :]
