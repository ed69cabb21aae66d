"""Small charts as SVG that stands inside a page and takes its colours, light or dark."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SIDE = 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 22, 26, 34


def reliability_chart(confidence: NDArray[np.float64], right: NDArray[np.bool_], *, bins: int = 10) -> str:
    """How often answers are right, by how sure they were; on the diagonal they are as often right as they say.

    Args:
        confidence: (N,), 0 to 1.
        right: (N,).
    """
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    marks = []
    for index in np.unique(place):
        mine = place == index
        radius = 3 + 7 * float(np.sqrt(mine.mean()))
        x, y = _point(float(confidence[mine].mean()), float(right[mine].mean()))
        marks.append(f'<circle cx="{x}" cy="{y}" r="{radius:.1f}" class="mark"/>')
    start, end = _point(0, 0), _point(1, 1)
    diagonal = f'<line x1="{start[0]}" y1="{start[1]}" x2="{end[0]}" y2="{end[1]}" class="rule"/>'
    return _frame("how sure it was", "how often right", [diagonal, *marks], "Reliability diagram")


def coverage_chart(confidence: NDArray[np.float64], right: NDArray[np.bool_], threshold: float) -> str:
    """How often given answers are right, by how many faces get one; the ring is where the threshold stands."""
    order = np.argsort(-confidence, kind="stable")
    answered = np.arange(1, len(order) + 1)
    correct = np.cumsum(right[order]) / answered
    # Ties in confidence are answered together, so only the last of each counts.
    last = np.flatnonzero(np.append(np.diff(confidence[order]) != 0, True))
    points = " ".join("{},{}".format(*_point(answered[i] / len(order), float(correct[i]))) for i in last)
    parts = [f'<polyline points="{points}" class="line"/>']
    given = int((confidence >= threshold).sum())
    if given:
        x, y = _point(given / len(order), float(correct[given - 1]))
        parts.append(f'<circle cx="{x}" cy="{y}" r="6" class="ring"/>')
    return _frame("faces that get an answer", "of those, right", parts, "Right answers by coverage")


def _point(x: float, y: float) -> tuple[float, float]:
    return round(_LEFT + _SIDE * x, 1), round(_TOP + _SIDE * (1 - y), 1)


def _frame(across: str, up: str, parts: list[str], name: str) -> str:
    """The square from 0 to 100 % both ways, with its parts drawn in it."""
    width, height = _LEFT + _SIDE + _RIGHT, _TOP + _SIDE + _BOTTOM
    ticks = []
    for value in (0.0, 0.5, 1.0):
        x, y = _point(value, value)
        ticks.append(f'<text x="{x}" y="{_TOP + _SIDE + 14}" text-anchor="middle">{value:.0%}</text>')
        ticks.append(f'<text x="{_LEFT - 5}" y="{y + 4}" text-anchor="end">{value:.0%}</text>')
        ticks.append(f'<line x1="{_LEFT}" y1="{y}" x2="{_LEFT + _SIDE}" y2="{y}" class="grid"/>')
    titles = (
        f'<text x="{_LEFT + _SIDE / 2}" y="{height - 4}" text-anchor="middle">{across}</text>'
        f'<text x="4" y="12">{up}</text>'
    )
    inside = "".join([*ticks, *parts, titles])
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{name}">{inside}</svg>'
