"""Small charts as SVG that stands inside a page, drawn in colours that read on light and dark."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

_INK, _MARK = "#7d8796", "#2f8fce"


def reliability_points(
    confidence: Floats, right: NDArray[np.bool_], *, bins: int = 10
) -> tuple[Floats, Floats, Floats]:
    """How often answers are right, by how sure they were, for each bin of confidence that has any.

    Args:
        confidence: (N,), 0 to 1.
        right: (N,).

    Returns:
        Mean confidence, part that is right, and part of all answers, (B,) each.
    """
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    used = counts > 0
    sure, correct = (np.bincount(place, values, minlength=bins)[used] / counts[used] for values in (confidence, right))
    return sure, correct, counts[used] / len(confidence)


def coverage_curve(confidence: Floats, right: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """How often given answers are right, by how many faces get one, the surest first; equally sure ones together.

    Returns:
        Part of the faces that get an answer, rising to 1, and part of those answers that are right, (K,) each.
    """
    order = np.argsort(-confidence, kind="stable")
    last = np.append(np.diff(confidence[order]) != 0, True)
    answered = np.arange(1, len(order) + 1)
    return answered[last] / len(order), (np.cumsum(right[order]) / answered)[last]


def reliability_chart(confidence: Floats, right: NDArray[np.bool_]) -> str:
    """Confidence against accuracy as SVG; on the diagonal answers are as often right as they say."""
    sure, correct, share = reliability_points(confidence, right)
    figure, axes = _square("how sure it was", "how often right")
    axes.plot([0, 1], [0, 1], color=_INK, linestyle="--", linewidth=1)
    axes.scatter(sure, correct, s=20 + 180 * share, color=_MARK, alpha=0.8, clip_on=False, zorder=3)
    return _svg(figure, "Reliability diagram")


def coverage_chart(confidence: Floats, right: NDArray[np.bool_], threshold: float) -> str:
    """Coverage against accuracy as SVG; the ring is where the threshold stands."""
    answered, correct = coverage_curve(confidence, right)
    figure, axes = _square("faces that get an answer", "of those, right")
    axes.plot(answered, correct, color=_MARK, linewidth=2, clip_on=False)
    given = float((confidence >= threshold).mean())
    if given:
        index = int(np.searchsorted(answered, given - 1e-9))
        axes.scatter(answered[index], correct[index], s=70, facecolors="none", edgecolors=_INK, clip_on=False, zorder=3)
    return _svg(figure, "Right answers by coverage")


def _square(across: str, up: str) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    figure = Figure(figsize=(3, 2.9), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel=across, ylabel=up, xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
        axis.label.set_color(_INK)
    axes.tick_params(colors=_INK, length=0)
    axes.grid(color=_INK, alpha=0.25)
    axes.set_frame_on(False)
    return figure, axes


def _svg(figure: Figure, name: str) -> str:
    """The figure without a background, its texts as texts, and the same for the same numbers."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{name}"', 1)
