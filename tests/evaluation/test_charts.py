"""Charts: their marks stand where the numbers are."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from emo.evaluation.charts import coverage_chart, reliability_chart

CONFIDENCE = np.array([0.95] * 8 + [0.55] * 4)
RIGHT = np.array([True] * 8 + [True, True, False, False])


def circles(chart: str) -> list[tuple[float, float]]:
    """Centres of the chart's circles as parts from 0 to 1, x to the right and y upwards."""
    found = ElementTree.fromstring(chart).iter("circle")
    return [((float(c.attrib["cx"]) - 40) / 200, 1 - (float(c.attrib["cy"]) - 26) / 200) for c in found]


def test_reliability_puts_each_bin_at_its_confidence_and_accuracy() -> None:
    assert circles(reliability_chart(CONFIDENCE, RIGHT)) == [
        (pytest.approx(0.55), pytest.approx(0.5)),
        (pytest.approx(0.95), pytest.approx(1.0)),
    ]


def test_coverage_puts_the_ring_at_the_threshold() -> None:
    assert circles(coverage_chart(CONFIDENCE, RIGHT, 0.9)) == [(pytest.approx(8 / 12, abs=1e-3), 1.0)]
    assert circles(coverage_chart(CONFIDENCE, RIGHT, 0.0)) == [(1.0, pytest.approx(10 / 12, abs=1e-3))]
    assert circles(coverage_chart(CONFIDENCE, RIGHT, 1.0)) == []


def test_coverage_answers_equally_sure_faces_together() -> None:
    points = re.findall(r'points="([^"]*)"', coverage_chart(CONFIDENCE, RIGHT, 0.9))[0].split()
    assert len(points) == 2
