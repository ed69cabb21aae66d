"""What is kept of a label's features when its pictures are gone: mean and shrunk covariance.

Enough to draw features that stand for the label (rehearsal), and too little to get a face back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RANK = 32
"""Directions of a label's covariance that are kept."""


@dataclass(frozen=True, slots=True)
class LabelStatistics:
    """A Gaussian over features; covariance = factors.T @ factors + diag(diagonal).

    Attributes:
        mean: float32 (D,).
        factors: float32 (r, D), r may be 0.
        diagonal: float32 (D,), not negative.
        count: how many pictures it was fitted on.
    """

    mean: NDArray[np.float32]
    factors: NDArray[np.float32]
    diagonal: NDArray[np.float32]
    count: int

    def __post_init__(self) -> None:
        size = self.mean.shape
        if len(size) != 1 or self.diagonal.shape != size or self.factors.ndim != 2 or self.factors.shape[1:] != size:
            raise ValueError("mean (D,), factors (r, D) and diagonal (D,) do not fit together")
        arrays = (self.mean, self.factors, self.diagonal)
        if not all(np.isfinite(array).all() for array in arrays) or (self.diagonal < 0).any() or self.count < 1:
            raise ValueError("label statistics must be finite, with a diagonal >= 0 and a count >= 1")

    @classmethod
    def fit(cls, features: NDArray[np.float32], *, rank: int = RANK) -> LabelStatistics:
        """Fit to features (N, D), N at least 1.

        The covariance is shrunk towards the diagonal of its own variances, by the Ledoit-Wolf amount
        (Ledoit & Wolf 2004) measured on standardised features; what the kept directions leave of each variance
        goes into the diagonal, so variances are right whatever the rank.
        """
        from sklearn.covariance import ledoit_wolf_shrinkage

        values = np.asarray(features, dtype=np.float64)
        count = len(values)
        mean = values.mean(axis=0)
        centred = values - mean
        variance = np.square(centred).mean(axis=0)
        deviation = np.sqrt(np.maximum(variance, 1e-12))
        standard = centred / deviation
        keep = 1 - float(ledoit_wolf_shrinkage(standard, assume_centered=True)) if count > 1 else 0.0
        _, singular, directions = np.linalg.svd(standard / np.sqrt(count), full_matrices=False)
        kept = min(rank, max(count - 1, 0))
        factors = np.sqrt(keep) * singular[:kept, None] * directions[:kept] * deviation
        diagonal = np.maximum(variance - np.square(factors).sum(axis=0), 0)
        return cls(mean.astype(np.float32), factors.astype(np.float32), diagonal.astype(np.float32), count)

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw n features, float32 (n, D)."""
        along = rng.standard_normal((n, len(self.factors)), dtype=np.float32) @ self.factors
        beside = rng.standard_normal((n, len(self.mean)), dtype=np.float32) * np.sqrt(self.diagonal)
        return np.asarray(self.mean + along + beside, dtype=np.float32)
