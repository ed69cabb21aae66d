"""What a model answers to a video, a picture or a folder of pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emo.bases.base import BATCH, Base
from emo.capture.config import EVERY_S, MIN_FACE_PX
from emo.capture.faces import Sighting, faces_in, is_still, pictures_of
from emo.errors import NoFaceFound
from emo.progress import Progress, silent
from emo.transfer.model import Model, base_of, find_model
from emo.workspace import Workspace

Thumbnail = tuple[float, NDArray[np.uint8]]
"""Time stamp in seconds and a small crop, uint8 (S, S, 3) RGB."""

_THUMBNAIL_PX = 128
_MOST_THUMBNAILS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One sample of a video, or one picture.

    Attributes:
        source: base name of the video or picture.
        time_s: seconds into the video; None for a picture.
        box: x1 y1 x2 y2 in pixels of the frame; None when no face was found.
        label: the answer; ``unsure`` below the model's threshold, None without a face.
        probabilities: float64 (L,), in the order of the model's labels; None without a face.
    """

    source: str
    time_s: float | None
    box: tuple[float, ...] | None
    label: str | None
    probabilities: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Everything a model answered to one source.

    Attributes:
        model: the model's name.
        labels: its labels.
        threshold: below it, its answer is ``unsure``.
        moments: in the order of time, or of the pictures' names.
        thumbnails: a few faces, spread over time.
    """

    model: str
    labels: tuple[str, ...]
    threshold: float
    moments: tuple[Moment, ...]
    thumbnails: tuple[Thumbnail, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How often each answer was given, the most frequent first."""
        answers = [moment.label for moment in self.moments if moment.label is not None]
        return {
            label: answers.count(label) for label in sorted(set(answers), key=lambda one: (-answers.count(one), one))
        }

    def rows(self) -> list[dict[str, Any]]:
        """One JSON-able row per moment."""
        return [
            {
                "source": moment.source,
                "time_s": moment.time_s,
                "box": None if moment.box is None else [round(value, 1) for value in moment.box],
                "label": moment.label,
                "probabilities": None
                if moment.probabilities is None
                else {
                    label: round(float(value), 4)
                    for label, value in zip(self.labels, moment.probabilities, strict=True)
                },
            }
            for moment in self.moments
        ]


def predict(
    workspace: Workspace,
    source: Path,
    *,
    model: str = "",
    every_s: float = EVERY_S,
    min_face_px: int = MIN_FACE_PX,
    threads: int = 1,
    progress: Progress = silent,
) -> Prediction:
    """Ask a model about a video, a picture or a folder of pictures; memory does not grow with a video's frames.

    Args:
        source: the video, picture or folder.
        model: its name; "" is the newest.
        every_s: seconds of video between samples.
        min_face_px: smallest face to look for, pixels of the source.
        threads: CPU threads of one network.

    Raises:
        ModelError: there is no such model, or its base is another version.
        SourceError: the source cannot be read.
        NoFaceFound: it can, but shows no face.
    """
    asked = find_model(workspace, model)
    sightings = faces_in(source, every_s=every_s, min_face_px=min_face_px, threads=threads, progress=progress)
    base = base_of(asked, threads=threads)
    pictures = [path.name for path in pictures_of(source)] if is_still(source) else []
    thumbnails = _Thumbnails()
    moments = tuple(_moments(asked, base, thumbnails.watch(sightings), source.name, pictures))
    if all(moment.label is None for moment in moments):
        raise NoFaceFound(f"{source.name}: no face in it; check the light or try a smaller --min-face")
    return Prediction(
        model=asked.name,
        labels=asked.labels,
        threshold=asked.threshold,
        moments=moments,
        thumbnails=tuple(thumbnails.kept),
    )


def draw(path: Path, prediction: Prediction) -> None:
    """Draw a video's prediction over time, as PNG.

    Raises:
        StorageError: the picture could not be written.
    """
    from emo.evaluation.timeline import draw_timeline

    nothing = np.full(len(prediction.labels), np.nan)
    rows = [nothing if moment.probabilities is None else moment.probabilities for moment in prediction.moments]
    times = [
        float(index) if moment.time_s is None else moment.time_s for index, moment in enumerate(prediction.moments)
    ]
    probabilities = np.stack(rows)
    draw_timeline(
        path,
        times_s=np.array(times),
        probabilities=probabilities,
        labels=prediction.labels,
        unsure=np.nanmax(probabilities, axis=1, initial=0.0) < prediction.threshold,
        faces=prediction.thumbnails,
        title=f"{prediction.moments[0].source}, as the model {prediction.model} sees it",
    )


def _moments(
    model: Model, base: Base, sightings: Iterable[Sighting], name: str, pictures: list[str]
) -> Iterator[Moment]:
    for batch in _batches(sightings):
        crops = [crop for _, crop, _ in batch if crop is not None]
        probabilities = model.predict_proba(np.stack(crops), base) if crops else np.empty((0, len(model.labels)))
        answered = iter(zip(model.answers(probabilities), probabilities, strict=True))
        for place, crop, face in batch:
            label, row = (None, None) if crop is None else next(answered)
            yield Moment(
                source=pictures[int(place)] if pictures else name,
                time_s=None if pictures else round(place, 6),
                box=None if face is None else tuple(float(value) for value in face.box),
                label=label,
                probabilities=row,
            )


def _batches(sightings: Iterable[Sighting]) -> Iterator[list[Sighting]]:
    batch: list[Sighting] = []
    for sighting in sightings:
        batch.append(sighting)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


class _Thumbnails:
    """Keeps a bounded number of small faces from a stream of any length, evenly spread over it."""

    def __init__(self) -> None:
        self.kept: list[Thumbnail] = []
        self._stride = 1
        self._seen = 0

    def watch(self, sightings: Iterable[Sighting]) -> Iterator[Sighting]:
        """Pass sightings on, and keep some."""
        import cv2

        for time_s, crop, face in sightings:
            if crop is not None:
                if self._seen % self._stride == 0:
                    small = cv2.resize(crop, (_THUMBNAIL_PX, _THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
                    self.kept.append((time_s, np.asarray(small, dtype=np.uint8)))
                self._seen += 1
            if len(self.kept) > _MOST_THUMBNAILS:
                self.kept = self.kept[::2]
                self._stride *= 2
            yield time_s, crop, face
