"""Probabilities that mean what they say, and an answer of ``unsure`` where they do not suffice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]

MAX_ERROR = 0.1
"""Error rate among the answers that are given, which the default threshold aims for."""

_TEMPERATURES = (0.1, 20.0)
_FEWEST_ANSWERS = 5


def softmax(logits: NDArray[np.float64], temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities (N, L) of logits (N, L) divided by a temperature above 0."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    exponents = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True), dtype=np.float64)


def fit_temperature(logits: NDArray[np.float64], truth: Indices) -> float:
    """The temperature under which held-out answers are most likely (Guo et al. 2017).

    Each label weighs the same, and of n crops of a label one in n + 2 counts as any other label (Platt 1999):
    a few crops that are all answered right do not ask for certainty. One number cannot change which label is answered.

    Args:
        logits: (N, L), of crops the head was not fitted on.
        truth: (N,).

    Returns:
        Between 0.1 and 20; 1 when there is nothing to fit on.
    """
    from scipy.optimize import minimize_scalar

    if len(truth) == 0:
        return 1.0
    count = np.bincount(truth)[truth]
    doubt = 1 / (count + 2)
    targets = np.tile((doubt / max(logits.shape[1] - 1, 1))[:, None], logits.shape[1])
    targets[np.arange(len(truth)), truth] = 1 - doubt
    weighted = targets / count[:, None]

    def surprise(log_temperature: float) -> float:
        likelihood = softmax(logits, float(np.exp(log_temperature)))
        return float(-(weighted * np.log(np.maximum(likelihood, 1e-12))).sum())

    bounds = (float(np.log(_TEMPERATURES[0])), float(np.log(_TEMPERATURES[1])))
    return float(np.exp(minimize_scalar(surprise, bounds=bounds, method="bounded").x))


def unsure_threshold(probabilities: NDArray[np.float64], truth: Indices, *, max_error: float = MAX_ERROR) -> float:
    """The least confidence at which the answers that are given are wrong at most this often.

    Answers below it become ``unsure`` (selective classification, Geifman & El-Yaniv 2017).

    Args:
        probabilities: (N, L), calibrated, of crops the head was not fitted on.
        truth: (N,).
        max_error: largest part of wrong answers among those given.

    Returns:
        0 (always answers) to 1 (never does).
    """
    confidence = probabilities.max(axis=1)
    wrong = probabilities.argmax(axis=1) != truth
    order = np.argsort(-confidence, kind="stable")
    answered = np.arange(1, len(order) + 1)
    good = np.cumsum(wrong[order]) <= max_error * answered
    # The first few answers alone are too small a sample to trust.
    good[: min(_FEWEST_ANSWERS, len(good)) - 1] = False
    if not good.any():
        return 1.0
    last = int(np.flatnonzero(good)[-1])
    if last == len(order) - 1:
        return 0.0
    return float((confidence[order[last]] + confidence[order[last + 1]]) / 2)


def coverage(probabilities: NDArray[np.float64], threshold: float) -> float:
    """Part of the crops that get an answer rather than ``unsure``."""
    return float((probabilities.max(axis=1) >= threshold).mean()) if len(probabilities) else 0.0
