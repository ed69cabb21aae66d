"""`emo predict`: a model's answers to a video, a picture or a folder of pictures."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emo.bases.base import BATCH
from emo.capture.config import EVERY_S, MIN_FACE_PX
from emo.capture.faces import Sighting, faces_in, pictures_of
from emo.errors import NoFaceFound
from emo.progress import Progress, silent
from emo.transfer.model import UNSURE, Model, base_of, find_model
from emo.workspace import Workspace, write_bytes

_THUMBNAILS = 12
_THUMBNAIL_STEP = 2
_COLUMNS = ("source", "time_s", "x1", "y1", "x2", "y2", "answer")


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Answers in the order of time or of pictures; samples without a face are among them.

    Attributes:
        source: base name of the video, picture or folder.
        names: (N,), the base name of what each sample was taken from.
        times_s: float64 (N,), seconds into the video; the position of the picture in a folder.
        boxes: float32 (N, 4), x1 y1 x2 y2 in pixels of the source; NaN without a face.
        labels: of the model, in its order.
        probabilities: float64 (N, L), calibrated; NaN without a face.
        answers: (N,), a label, ``unsure``, or "" without a face.
        video: whether the source has time stamps.
        thumbnails: some moments' times and faces, uint8 (s, s, 3) RGB.
        model: the model's name.
    """

    source: str
    names: tuple[str, ...]
    times_s: NDArray[np.float64]
    boxes: NDArray[np.float32]
    labels: tuple[str, ...]
    probabilities: NDArray[np.float64]
    answers: tuple[str, ...]
    video: bool
    thumbnails: Sequence[tuple[float, NDArray[np.uint8]]]
    model: str

    @property
    def faces(self) -> int:
        """How many samples show a face."""
        return int(np.isfinite(self.probabilities).all(axis=1).sum())

    def shares(self) -> dict[str, float]:
        """The share of each given answer among the faces, the largest first."""
        given = [answer for answer in self.answers if answer]
        counts = {answer: given.count(answer) / len(given) for answer in dict.fromkeys(given)}
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    def segments(self) -> list[tuple[float, float, str]]:
        """Stretches of one answer: from when to when, seconds, and the answer."""
        found: list[tuple[float, float, str]] = []
        for time_s, answer in zip(self.times_s.tolist(), self.answers, strict=True):
            if found and found[-1][2] == answer:
                found[-1] = (found[-1][0], time_s, answer)
            else:
                found.append((time_s, time_s, answer))
        return [item for item in found if item[2]]

    def to_json(self) -> list[dict[str, Any]]:
        """One object per sample; a sample without a face has no box and no answer."""
        return [self._row(index) for index in range(len(self.names))]

    def _row(self, index: int) -> dict[str, Any]:
        seen = bool(self.answers[index])
        values = self.probabilities[index].tolist()
        return {
            "source": self.names[index],
            "time_s": round(float(self.times_s[index]), 3) if self.video else None,
            "box": [round(value, 1) for value in self.boxes[index].tolist()] if seen else None,
            "label": self.answers[index] or None,
            "probabilities": {name: round(value, 4) for name, value in zip(self.labels, values, strict=True)}
            if seen
            else None,
        }


def predict(
    workspace: Workspace,
    source: Path,
    *,
    model: str = "",
    every_s: float = EVERY_S,
    min_face_px: int = MIN_FACE_PX,
    threads: int = 2,
    progress: Progress = silent,
) -> Prediction:
    """What a model answers to the followed person's face, or the main face of each picture.

    Args:
        source: a video, a picture, or a folder of pictures.
        model: its name; "" takes the newest.
        every_s: seconds of video between samples.
        min_face_px: smallest face to look for, pixels of the source.
        threads: CPU threads of one network.

    Raises:
        ModelError: there is no such model, or its base is another one by now.
        SourceError: the source cannot be read.
        NoFaceFound: it shows no face.
    """
    chosen = find_model(workspace, model)
    sightings = faces_in(source, every_s=every_s, min_face_px=min_face_px, threads=threads, progress=progress)
    base = base_of(chosen, threads=threads)
    pictures = _pictures(source)
    times, boxes, features, thumbnails = [], [], [np.empty((0, base.size), np.float32)], _Thumbnails()
    for batch in _batches(sightings):
        crops = [crop for _, crop, _ in batch if crop is not None]
        if crops:
            features.append(base.features(np.stack(crops)))
        for time_s, crop, face in batch:
            times.append(time_s)
            boxes.append(np.full(4, np.nan, np.float32) if face is None else face.box)
            if crop is not None:
                thumbnails.add(time_s, crop)
    found = np.concatenate(features)
    if len(found) == 0:
        raise NoFaceFound(f"{source.name}: no face in {len(times)} samples; check the lighting or try --min-face 24")
    return _assemble(chosen, source, pictures, times, boxes, found, thumbnails)


def _assemble(
    model: Model,
    source: Path,
    pictures: Sequence[Path] | None,
    times: list[float],
    boxes: list[NDArray[np.float32]],
    features: NDArray[np.float32],
    thumbnails: _Thumbnails,
) -> Prediction:
    box_rows = np.stack(boxes).astype(np.float32)
    seen: NDArray[np.bool_] = np.asarray(np.isfinite(box_rows).all(axis=1))
    probabilities = np.full((len(times), len(model.labels)), np.nan)
    probabilities[seen] = model.probabilities(features)
    given = iter(model.answers(probabilities[seen]))
    return Prediction(
        source=source.name,
        names=tuple(path.name for path in pictures) if pictures else (source.name,) * len(times),
        times_s=np.array(times),
        boxes=box_rows,
        labels=model.labels,
        probabilities=probabilities,
        answers=tuple(next(given) if is_seen else "" for is_seen in seen),
        video=pictures is None,
        thumbnails=thumbnails.kept(),
        model=model.name,
    )


def write_timeline(prediction: Prediction, path: Path) -> tuple[Path, Path]:
    """Write a picture of the answers over time, and a CSV of the same name.

    Raises:
        StorageError: a file could not be written.
    """
    from emo.evaluation.timeline import draw_timeline

    table = path.with_suffix(".csv")
    write_table(prediction, table)
    draw_timeline(
        path,
        times_s=prediction.times_s,
        probabilities=prediction.probabilities,
        labels=prediction.labels,
        unsure=np.array([answer == UNSURE for answer in prediction.answers]),
        faces=prediction.thumbnails,
        title=f"{prediction.source}, seen by {prediction.model}",
    )
    return path, table


def write_table(prediction: Prediction, path: Path) -> None:
    """Write the answers as CSV, one row per sample; a sample without a face has empty cells.

    Raises:
        StorageError: it could not be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_COLUMNS, *prediction.labels])
    for row in prediction.to_json():
        box, values = row["box"] or [""] * 4, row["probabilities"] or dict.fromkeys(prediction.labels, "")
        time_s = "" if row["time_s"] is None else row["time_s"]
        writer.writerow([row["source"], time_s, *box, row["label"] or "", *values.values()])
    write_bytes(path, text.getvalue().encode())


def _pictures(source: Path) -> list[Path] | None:
    """The pictures that `faces_in` looks at, or None for a video."""
    from emo.capture.filetypes import looks_like_picture

    if source.is_dir():
        return pictures_of(source)
    with source.open("rb") as file:
        return [source] if looks_like_picture(file.read(64)) else None


def _batches(sightings: Iterator[Sighting]) -> Iterator[list[Sighting]]:
    batch: list[Sighting] = []
    for sighting in sightings:
        batch.append(sighting)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


class _Thumbnails:
    """Keeps a handful of faces spread over a source whose length is not known beforehand."""

    def __init__(self) -> None:
        self._every = 1
        self._count = 0
        self._kept: list[tuple[float, NDArray[np.uint8]]] = []

    def add(self, time_s: float, crop: NDArray[np.uint8]) -> None:
        if self._count % self._every == 0:
            self._kept.append((time_s, crop[::_THUMBNAIL_STEP, ::_THUMBNAIL_STEP].copy()))
            if len(self._kept) > 2 * _THUMBNAILS:
                self._kept = self._kept[::2]
                self._every *= 2
        self._count += 1

    def kept(self) -> list[tuple[float, NDArray[np.uint8]]]:
        return self._kept
