"""The linear part on top of a base's features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Head:
    """Labels and one row of weights for each.

    Attributes:
        labels: in the order of the rows.
        weights: float32 (L, D).
        bias: float32 (L,).
    """

    labels: tuple[str, ...]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 or len(self.labels) != len(self.weights) or self.bias.shape != (len(self.labels),):
            raise ValueError(
                f"{len(self.labels)} labels, weights {self.weights.shape} and bias {self.bias.shape} do not fit"
            )
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(f"repeated labels: {', '.join(self.labels)}")
        if not (np.isfinite(self.weights).all() and np.isfinite(self.bias).all()):
            raise ValueError("weights and bias must be finite")

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Raw scores, float32 (N, L), of features (N, D).

        Each label's column is computed on its own, so that it is bitwise the same
        whatever other labels the head has.
        """
        columns = [features @ row + bias for row, bias in zip(self.weights, self.bias, strict=True)]
        return np.stack(columns, axis=1).astype(np.float32, copy=False)

    def rows(self, labels: tuple[str, ...]) -> Head:
        """The head of just these of its labels, in this order."""
        index = [self.labels.index(label) for label in labels]
        return Head(labels, self.weights[index], self.bias[index])
