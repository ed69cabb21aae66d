"""Charts: their marks stand where the numbers are."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from emo.evaluation.charts import coverage_chart, coverage_curve, reliability_chart, reliability_points

CONFIDENCE = np.array([0.95] * 8 + [0.55] * 4)
RIGHT = np.array([True] * 8 + [True, True, False, False])


def test_reliability_puts_each_bin_at_its_confidence_and_accuracy() -> None:
    sure, correct, share = reliability_points(CONFIDENCE, RIGHT)
    assert sure == pytest.approx([0.55, 0.95])
    assert correct == pytest.approx([0.5, 1.0])
    assert share == pytest.approx([4 / 12, 8 / 12])


def test_coverage_answers_the_surest_first_and_equally_sure_faces_together() -> None:
    answered, correct = coverage_curve(CONFIDENCE[::-1], RIGHT[::-1])
    assert answered == pytest.approx([8 / 12, 1.0])
    assert correct == pytest.approx([1.0, 10 / 12])


def test_charts_are_pictures_with_words_that_need_nothing_else() -> None:
    for chart in (reliability_chart(CONFIDENCE, RIGHT), coverage_chart(CONFIDENCE, RIGHT, 0.9)):
        picture = ElementTree.fromstring(chart)
        assert picture.attrib["role"] == "img"
        words = {element.text for element in picture.iter() if element.tag.endswith("text")}
        assert "100%" in words


def test_the_ring_stands_where_the_threshold_does_and_only_where_something_is_answered() -> None:
    rings = [coverage_chart(CONFIDENCE, RIGHT, threshold).count("PathCollection") for threshold in (0.0, 0.9, 1.0)]
    assert rings == [1, 1, 0]
    assert coverage_chart(CONFIDENCE, RIGHT, 0.0) != coverage_chart(CONFIDENCE, RIGHT, 0.9)
