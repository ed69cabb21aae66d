"""Temperature and threshold do what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax as scipy_softmax

from emo.evaluation.calibration import coverage, fit_temperature, softmax, unsure_threshold


def drawn(temperature: float, *, count: int = 20000) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and truths that follow them at this temperature."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (count, 4))
    chances = softmax(logits, temperature)
    return logits, (chances.cumsum(axis=1) > rng.random((count, 1))).argmax(axis=1)


def test_softmax_is_scipys() -> None:
    logits = np.random.default_rng(0).normal(0, 50, (10, 4))
    np.testing.assert_allclose(softmax(logits, 2.0), scipy_softmax(logits / 2.0, axis=1))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_answers_is_found(temperature: float) -> None:
    assert fit_temperature(*drawn(temperature)) == pytest.approx(temperature, rel=0.07)


def test_nothing_to_fit_on_leaves_probabilities_alone() -> None:
    assert fit_temperature(np.empty((0, 3)), np.empty(0, dtype=np.intp)) == 1.0


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.1, 0.3]))
def test_answers_above_the_threshold_keep_the_error_rate(seed: int, max_error: float) -> None:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(3), 50)
    truth = np.where(rng.random(50) < probabilities.max(axis=1), probabilities.argmax(axis=1), rng.integers(0, 3, 50))
    threshold = unsure_threshold(probabilities, truth, max_error=max_error)
    sure = probabilities.max(axis=1) >= threshold
    if sure.any():
        assert (probabilities.argmax(axis=1) != truth)[sure].mean() <= max_error
    assert coverage(probabilities, threshold) == pytest.approx(sure.mean())


def test_a_model_that_is_always_right_is_never_unsure() -> None:
    probabilities = np.array([[0.6, 0.4]] * 10)
    assert unsure_threshold(probabilities, np.zeros(10, dtype=np.intp)) == 0.0


def test_a_model_that_is_always_wrong_never_answers() -> None:
    probabilities = np.array([[0.6, 0.4]] * 10)
    assert unsure_threshold(probabilities, np.ones(10, dtype=np.intp)) == 1.0


def test_a_few_right_answers_do_not_ask_for_certainty() -> None:
    few, many = (np.tile(np.eye(2), (count, 1)) for count in (4, 400))
    truth = [np.tile([0, 1], count) for count in (4, 400)]
    surest = [softmax(logits, fit_temperature(logits, t)).max() for logits, t in zip((few, many), truth, strict=True)]
    assert surest[0] == pytest.approx(1 - 1 / 6, abs=0.01)
    assert surest[1] == pytest.approx(1 - 1 / 402, abs=0.01)
