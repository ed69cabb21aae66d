"""A picture of how the answers to a video change over time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emo.workspace import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#999933", "#332288", "#882255", "#44AA99")
"""Okabe and Ito's colours, told apart by colour-blind people too, and four of Paul Tol's."""

UNSURE_COLOUR = "#B8B8B8"

_DPI = 110
_WIDTH = 10.0
_MARGIN_LEFT, _MARGIN_RIGHT = 0.07, 0.985
_FACE_INCHES = 0.95
_LEGEND_COLUMNS = 8


def label_colours(labels: Sequence[str]) -> dict[str, str]:
    """One colour per label, the same wherever these labels are drawn in this order."""
    return {label: PALETTE[index % len(PALETTE)] for index, label in enumerate(labels)}


def draw_timeline(
    path: Path,
    *,
    times_s: NDArray[np.float64],
    probabilities: NDArray[np.float64],
    labels: Sequence[str],
    unsure: NDArray[np.bool_],
    faces: Sequence[tuple[float, NDArray[np.uint8]]],
    title: str,
) -> None:
    """Draw faces, the answer and every label's probability over time, and write it as PNG.

    Args:
        times_s: (T,), seconds, increasing.
        probabilities: (T, L), rows sum to 1; NaN where there was no face.
        labels: L names.
        unsure: (T,), where the answer is ``unsure``.
        faces: time stamps and crops, uint8 (S, S, 3) RGB, of which a few are shown; may be empty.
        title: one line above the picture.

    Raises:
        StorageError: the picture could not be written.
    """
    import io

    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    colours = label_colours(labels)
    heights = [_FACE_INCHES] * bool(faces) + [0.35, 2.6]
    rows = -(-(len(labels) + 1) // _LEGEND_COLUMNS)
    figure = Figure(figsize=(_WIDTH, sum(heights) + 1.25 + 0.22 * rows), dpi=_DPI)
    axes: Any = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    # Fixed margins rather than a layout engine: the faces have to know how wide a second is.
    bottom = (0.6 + 0.22 * rows) / figure.get_figheight()
    top = 1 - 0.4 / figure.get_figheight()
    figure.subplots_adjust(left=_MARGIN_LEFT, right=_MARGIN_RIGHT, bottom=bottom, top=top, hspace=0.1)
    edges = _edges(times_s)
    if faces:
        _draw_faces(axes[0], faces, edges)
    _draw_answers(axes[-2], edges, probabilities, labels, unsure, colours)
    _draw_probabilities(axes[-1], times_s, probabilities, labels, colours)
    axes[-1].set_xlim(edges[0], edges[-1])
    axes[0].set_title(title, loc="left", fontsize=11)
    handles, names = axes[-1].get_legend_handles_labels()
    handles, names = [*handles, Patch(color=UNSURE_COLOUR)], [*names, "unsure"]
    figure.legend(handles, names, loc="lower center", ncols=_LEGEND_COLUMNS, frameon=False, fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_bytes(path, buffer.getvalue())


def _edges(times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where each sample's stretch of time begins, and where the last one ends, (T + 1,)."""
    steps = np.diff(times_s)
    usual = float(np.median(steps)) if len(steps) else 1.0
    middles = times_s[:-1] + steps / 2
    return np.concatenate([[times_s[0] - usual / 2], middles, [times_s[-1] + usual / 2]])


def _draw_faces(axes: Axes, faces: Sequence[tuple[float, NDArray[np.uint8]]], edges: NDArray[np.float64]) -> None:
    """As many faces as fit, square, each near its own time."""
    inches = _WIDTH * (_MARGIN_RIGHT - _MARGIN_LEFT)
    slots = int(inches / _FACE_INCHES)
    width, half = (edges[-1] - edges[0]) / slots, (edges[-1] - edges[0]) * _FACE_INCHES / inches / 2
    times = np.array([time for time, _ in faces])
    axes.axis("off")
    for slot in range(slots):
        middle = edges[0] + width * (slot + 0.5)
        nearest = int(np.abs(times - middle).argmin())
        if abs(times[nearest] - middle) <= width / 2:
            span = (middle - half, middle + half, 0, 1)
            axes.imshow(faces[nearest][1], extent=span, aspect="auto", interpolation="bilinear")
    axes.set_ylim(0, 1)


def _draw_answers(
    axes: Axes,
    edges: NDArray[np.float64],
    probabilities: NDArray[np.float64],
    labels: Sequence[str],
    unsure: NDArray[np.bool_],
    colours: dict[str, str],
) -> None:
    """A ribbon in the colour of each moment's answer, grey where it is unsure, empty without a face."""
    from matplotlib.colors import ListedColormap

    seen: NDArray[np.bool_] = np.asarray(np.isfinite(probabilities).all(axis=1))
    answers = np.where(seen[:, None], probabilities, 0).argmax(axis=1)
    answers[unsure] = len(labels)
    palette = ListedColormap([*(colours[label] for label in labels), UNSURE_COLOUR])
    ribbon = np.ma.masked_array(answers, ~seen)[None]
    axes.pcolormesh(edges, [0, 1], ribbon, cmap=palette, vmin=-0.5, vmax=len(labels) + 0.5)
    axes.set_yticks([])
    axes.tick_params(bottom=False)
    axes.spines[:].set_visible(False)
    axes.set_ylabel("answer", rotation=0, ha="right", va="center", fontsize=9)


def _draw_probabilities(
    axes: Axes,
    times_s: NDArray[np.float64],
    probabilities: NDArray[np.float64],
    labels: Sequence[str],
    colours: dict[str, str],
) -> None:
    """One line per label; NaN leaves a gap where there was no face."""
    for index, label in enumerate(labels):
        axes.plot(times_s, probabilities[:, index], color=colours[label], linewidth=1.8, label=label)
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("probability", fontsize=9)
    axes.set_xlabel("seconds", fontsize=9)
    axes.grid(axis="y", alpha=0.3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
