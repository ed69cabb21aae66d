"""Metrics, each against scikit-learn or a case that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support

from emo.evaluation import metrics

LABELS = 5
ANSWERS = st.lists(st.tuples(st.integers(0, LABELS - 1), st.integers(0, LABELS - 1)), min_size=1, max_size=60)


def both(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    truth, predicted = np.array(pairs, dtype=np.intp).T
    return truth, predicted, metrics.confusion_matrix(truth, predicted, LABELS)


@given(ANSWERS)
def test_the_confusion_matrix_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    truth, predicted, confusion = both(pairs)
    assert (confusion == confusion_matrix(truth, predicted, labels=range(LABELS))).all()


@given(ANSWERS)
@pytest.mark.filterwarnings("ignore:.*(classes not in y_true|A single label was found):UserWarning")
def test_uar_is_scikit_learns_balanced_accuracy(pairs: list[tuple[int, int]]) -> None:
    truth, predicted, confusion = both(pairs)
    assert metrics.uar(confusion) == pytest.approx(balanced_accuracy_score(truth, predicted))


@given(ANSWERS)
def test_macro_f1_is_scikit_learns_over_the_labels_that_occur(pairs: list[tuple[int, int]]) -> None:
    truth, predicted, confusion = both(pairs)
    expected = f1_score(truth, predicted, labels=np.unique(truth), average="macro", zero_division=0)
    assert metrics.macro_f1(confusion) == pytest.approx(expected)


@given(ANSWERS)
def test_per_label_scores_are_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    truth, predicted, confusion = both(pairs)
    expected = precision_recall_fscore_support(truth, predicted, labels=range(LABELS), zero_division=0)
    found = [(score.precision, score.recall, score.f1, score.support) for score in metrics.per_label_scores(confusion)]
    np.testing.assert_allclose(np.array(found).T, np.array(expected, dtype=float))


def test_the_majority_baseline_answers_the_most_frequent_label() -> None:
    confusion = metrics.confusion_matrix(np.array([0, 0, 0, 1]), np.array([1, 1, 1, 1]), 2)
    assert metrics.majority_baseline(confusion) == 0.75
    assert metrics.accuracy(confusion) == 0.25


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    probabilities = np.array([[0.9, 0.1]] * 10)
    truth = np.array([0] * 6 + [1] * 4)
    assert metrics.expected_calibration_error(probabilities, truth) == pytest.approx(0.3)
    assert metrics.expected_calibration_error(np.eye(2)[truth], truth) == 0


def test_the_interval_redraws_whole_recordings() -> None:
    # Four recordings of 50 crops, one of them all wrong: crops are many, recordings are few.
    right = np.repeat([1.0, 1.0, 1.0, 0.0], 50)
    recordings = np.repeat(["a", "b", "c", "d"], 50)
    crops = np.array([str(index) for index in range(200)])
    one_label = np.zeros(200, dtype=np.intp)

    def mean(index: np.ndarray) -> float:
        return float(right[index].mean())

    low, high = metrics.bootstrap_interval(mean, recordings, one_label)
    assert (low, high) == (0.25, 1.0)
    tight_low, tight_high = metrics.bootstrap_interval(mean, crops, one_label)
    assert tight_high - tight_low < 0.2


def test_the_interval_keeps_every_label_in_every_draw() -> None:
    strata = np.array([0, 0, 1, 1], dtype=np.intp)
    groups = np.array(["a", "b", "c", "d"])
    seen: list[int] = []

    def labels(index: np.ndarray) -> float:
        seen.append(len(set(strata[index].tolist())))
        return 0.0

    metrics.bootstrap_interval(labels, groups, strata, draws=50)
    assert set(seen) == {2}
