"""Statistics of features: what is drawn from them looks like what they were fitted on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emo.bases.statistics import LabelStatistics


def correlated(count: int, size: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.normal(size=(count, 4)) @ rng.normal(size=(4, size)) + 0.3 * rng.normal(size=(count, size)) + 2).astype(
        np.float32
    )


def test_draws_have_the_mean_and_the_covariance_of_the_features() -> None:
    features = correlated(2000, 30)
    drawn = LabelStatistics.fit(features, rank=8).sample(40_000, np.random.default_rng(1))
    np.testing.assert_allclose(drawn.mean(axis=0), features.mean(axis=0), atol=0.06)
    expected = np.cov(features.T)
    assert np.linalg.norm(np.cov(drawn.T) - expected) < 0.05 * np.linalg.norm(expected)


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 40), size=st.integers(1, 60), rank=st.integers(0, 40))
def test_variances_are_right_whatever_the_rank(count: int, size: int, rank: int) -> None:
    features = correlated(count, size)
    fitted = LabelStatistics.fit(features, rank=rank)
    variance = np.square(fitted.factors).sum(axis=0) + fitted.diagonal
    np.testing.assert_allclose(variance, features.astype(np.float64).var(axis=0), rtol=1e-3, atol=1e-4)
    assert len(fitted.factors) <= min(rank, count)
    assert np.isfinite(fitted.sample(3, np.random.default_rng(0))).all()


def test_few_features_are_shrunk_more_than_many() -> None:
    def kept(count: int) -> float:
        fitted = LabelStatistics.fit(correlated(2000, 30)[:count], rank=8)
        return float(np.square(fitted.factors).sum() / (np.square(fitted.factors).sum() + fitted.diagonal.sum()))

    assert kept(4) < kept(2000)


@pytest.mark.parametrize("diagonal", [np.array([1, -1], np.float32), np.array([1, np.nan], np.float32)])
def test_impossible_statistics_are_refused(diagonal: np.ndarray) -> None:
    with pytest.raises(ValueError, match="finite"):
        LabelStatistics(np.zeros(2, np.float32), np.zeros((0, 2), np.float32), diagonal, 3)
