"""Reader of FER2013 in its official CSV format, with the FER+ votes beside it.

FER2013: Goodfellow et al. 2013, "Challenges in Representation Learning". FER+: Barsoum et al. 2016,
"Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label Distribution".
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from emo.errors import SourceError
from emo.labels import BASIC_LABELS

SIDE = 48
SPLITS = {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}

_CODES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
_VOTE_COLUMNS = {
    "neutral": "neutral",
    "happiness": "happy",
    "surprise": "surprise",
    "sadness": "sad",
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fear",
}
_OTHER_COLUMNS = ("contempt", "unknown", "NF")


@dataclass(frozen=True, slots=True)
class Pictures:
    """Labelled pictures of faces.

    Attributes:
        images: uint8 (N, 48, 48), grey.
        targets: float32 (N, 7), how much each of `BASIC_LABELS` applies; rows sum to 1.
        splits: (N,) ``train``, ``val`` or ``test``, as the owner assigned them.
    """

    images: NDArray[np.uint8]
    targets: NDArray[np.float32]
    splits: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def labels(self) -> NDArray[np.intp]:
        """Index of the label with most weight, (N,)."""
        return np.asarray(self.targets.argmax(axis=1), dtype=np.intp)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Pictures:
        """The pictures at these places."""
        return Pictures(self.images[index], self.targets[index], self.splits[index])


def read_fer2013(path: Path, *, votes: Path | None = None) -> Pictures:
    """Read ``fer2013.csv`` (or ``.csv.gz``), labelled by FER+ votes where a file of them is given.

    With votes, single votes are dropped as slips and only pictures stay whose most frequent answer
    is one of the seven basic labels, alone or tied with another of them; contempt, unknown and
    no-face majorities leave, as in the FER+ paper's majority protocol.

    Raises:
        SourceError: a file is missing, or a row of it is malformed; the row is named.
    """
    rows = [_parse_row(row, path, line) for line, row in _rows(path, ("emotion", "pixels", "Usage"))]
    if not rows:
        raise SourceError(f"{path.name}: holds no picture; is it the official fer2013.csv?")
    images = np.stack([image for image, _, _ in rows])
    splits = np.array([split for _, _, split in rows])
    if votes is None:
        targets = np.zeros((len(rows), len(BASIC_LABELS)), dtype=np.float32)
        targets[np.arange(len(rows)), [BASIC_LABELS.index(_CODES[code]) for _, code, _ in rows]] = 1
        return Pictures(images, targets, splits)
    targets, clear = _read_votes(votes, count=len(rows))
    return Pictures(images, targets, splits).take(clear)


def _read_votes(path: Path, *, count: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Votes as shares (N, 7), and which pictures are clear."""
    columns = [next(name for name, label in _VOTE_COLUMNS.items() if label == basic) for basic in BASIC_LABELS]
    counts = []
    for line, row in _rows(path, (*columns, *_OTHER_COLUMNS)):
        try:
            counts.append([int(row[name]) for name in (*columns, *_OTHER_COLUMNS)])
        except ValueError as error:
            raise SourceError(f"{path.name}, line {line}: a vote is not a whole number; restore the file") from error
    if len(counts) != count:
        raise SourceError(
            f"{path.name}: has votes for {len(counts)} pictures where there are {count}; they must match row by row"
        )
    table = np.array(counts, dtype=np.float32)
    table[table <= 1] = 0
    basic, others = table[:, : len(BASIC_LABELS)], table[:, len(BASIC_LABELS) :]
    clear = (basic.max(axis=1) > 0) & (basic.max(axis=1) >= others.max(axis=1))
    shares = basic / np.maximum(basic.sum(axis=1, keepdims=True), 1)
    return shares.astype(np.float32), clear


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file, each with its line number."""
    if not path.is_file():
        raise SourceError(f"{path}: no such file; see docs/base-training.md on how to get it")
    with _open(path) as file:
        reader = csv.DictReader(file)
        missing = [name for name in needed if name not in (reader.fieldnames or ())]
        if missing:
            raise SourceError(f"{path.name}: has no column {missing[0]!r}; is it the official file?")
        try:
            for row in reader:
                yield reader.line_num, row
        except (csv.Error, UnicodeDecodeError, EOFError, OSError) as error:
            raise SourceError(
                f"{path.name}, line {reader.line_num}: cannot be read ({error}); restore the file"
            ) from error


def _open(path: Path) -> IO[str]:
    return gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="")


def _parse_row(row: dict[str, str], path: Path, line: int) -> tuple[NDArray[np.uint8], int, str]:
    try:
        pixels = np.array(row["pixels"].split(), dtype=np.int64)
        code, split = int(row["emotion"]), SPLITS[row["Usage"]]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise SourceError(f"{path.name}, line {line}: not a row of fer2013 ({error}); restore the file") from error
    if len(pixels) != SIDE * SIDE or pixels.min() < 0 or pixels.max() > 255:
        raise SourceError(f"{path.name}, line {line}: {len(pixels)} pixels where {SIDE * SIDE} of 0 to 255 belong")
    if not 0 <= code < len(_CODES):
        raise SourceError(f"{path.name}, line {line}: label {code} where 0 to {len(_CODES) - 1} belong")
    return pixels.astype(np.uint8).reshape(SIDE, SIDE), code, split
