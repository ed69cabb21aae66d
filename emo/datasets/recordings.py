"""Recordings on disk: what ``recording.json`` says, and how a recording is written and read.

A dataset is a folder ``datasets/<name>/<label>/<recording id>/`` of face crops; there is no
index, so datasets can be copied, merged and deleted with a file manager. The presence of
``recording.json`` is the commit mark.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emo.datasets.crops import CROP_PX, CROP_SCALE
from emo.errors import DatasetError, EmoError, FileFormatError
from emo.labels import parse_label, parse_name
from emo.workspace import PARTIAL_SUFFIX, commit_folder, read_json, storage_errors, write_bytes, write_json

SCHEMA = 1
RECORD = "recording.json"
JPEG_QUALITY = 92

AUGMENTED = "augmented"
"""Kind of a recording that holds augmented copies of another one, which its ``source_name`` names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CropRecord:
    """What is known of one face crop.

    Attributes:
        file: its file name in the recording's folder.
        time_s: time stamp in the source, seconds.
        box: x1 y1 x2 y2 in pixels of the upright source frame.
        landmarks: five points x y in pixels of the upright source frame, in `Face` order.
        quality: measured values by name, such as ``sharpness`` or ``brightness``.
    """

    file: str
    time_s: float
    box: tuple[float, ...]
    landmarks: tuple[tuple[float, ...], ...]
    quality: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One continuous take of one person under one label: the unit of every split.

    Attributes:
        folder: where its crops lie.
        kind: ``video``, ``camera``, ``folder`` or ``augmented``.
        source_name: base name of the source, never a path.
        source_sha256: hash of the source's bytes; empty for a camera.
        start_s, end_s: the segment of the source, seconds.
        frame_rate: frames per second of the source; 0 when it has none.
        rejected: how many sampled frames gave no crop, by reason.
    """

    folder: Path
    label: str
    person: str
    kind: str
    source_name: str
    source_sha256: str
    start_s: float
    end_s: float
    every_s: float
    frame_rate: Fraction
    created: str
    crops: tuple[CropRecord, ...]
    rejected: Mapping[str, int] = field(default_factory=dict)
    crop_px: int = CROP_PX
    crop_scale: float = CROP_SCALE

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def crop_paths(self) -> list[Path]:
        return [self.folder / crop.file for crop in self.crops]

    def read_crops(self) -> NDArray[np.uint8]:
        """All crops as uint8 (N, S, S, 3), RGB, in the order of time.

        Raises:
            FileFormatError: a crop is missing or no picture of the recorded size.
        """
        import cv2

        images = np.empty((len(self.crops), self.crop_px, self.crop_px, 3), dtype=np.uint8)
        for path, target in zip(self.crop_paths, images, strict=True):
            image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB) if path.is_file() else None
            if image is None or image.shape != target.shape:
                raise FileFormatError(
                    f"{path}: missing, or no picture of {self.crop_px} x {self.crop_px}; "
                    f"delete the folder {self.id} and capture it again"
                )
            target[:] = image
        return images


def read_recording(folder: Path) -> Recording:
    """Read and check one recording's ``recording.json``.

    Raises:
        FileFormatError: the file is damaged, foreign or from a newer emo.
    """
    path = folder / RECORD
    document = read_json(path)
    if document.get("schema") != SCHEMA:
        raise FileFormatError(f"{path}: schema {document.get('schema')!r} is not {SCHEMA}; update emo to read it")
    try:
        crops = tuple(_parse_crop(crop) for crop in document["crops"])
        return Recording(
            folder=folder,
            label=parse_label(document["label"]),
            person=parse_name(document["person"], "person"),
            kind=str(document["kind"]),
            source_name=str(document["source_name"]),
            source_sha256=str(document["source_sha256"]),
            start_s=float(document["start_s"]),
            end_s=float(document["end_s"]),
            every_s=float(document["every_s"]),
            frame_rate=Fraction(document["frame_rate"]),
            created=str(document["created"]),
            crops=crops,
            rejected={str(reason): int(count) for reason, count in document["rejected"].items()},
            crop_px=int(document["crop_px"]),
            crop_scale=float(document["crop_scale"]),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, EmoError) as error:
        what = f"{type(error).__name__}: {error}"
        raise FileFormatError(
            f"{path}: not a valid recording ({what}); delete its folder and capture it again"
        ) from error


def _parse_crop(document: Mapping[str, Any]) -> CropRecord:
    file = str(document["file"])
    if Path(file).name != file or file in ("", ".", ".."):
        raise ValueError(f"crop file {file!r} leaves its folder")
    crop = CropRecord(
        file=file,
        time_s=float(document["time_s"]),
        box=tuple(float(value) for value in document["box"]),
        landmarks=tuple(tuple(float(value) for value in point) for point in document["landmarks"]),
        quality={str(name): float(value) for name, value in document["quality"].items()},
    )
    if len(crop.box) != 4 or any(len(point) != 2 for point in crop.landmarks):
        raise ValueError(f"crop {file} has a malformed box or landmarks")
    return crop


def recordings_of(dataset: Path) -> list[Recording]:
    """All committed recordings of a dataset, ordered by label and id.

    Raises:
        DatasetError: the dataset does not exist or holds no recording.
        FileFormatError: one of them is damaged.
    """
    if not dataset.is_dir():
        raise DatasetError(
            f"dataset {dataset.name}: not found in {dataset.parent}; record it with: emo capture VIDEO --label LABEL"
        )
    with storage_errors(dataset):
        folders = sorted(path.parent for path in dataset.glob(f"*/*/{RECORD}") if _is_committed(path.parent))
    recordings = [read_recording(folder) for folder in folders]
    if not any(recording.crops for recording in recordings):
        raise DatasetError(
            f"dataset {dataset.name}: holds no face crops; record some with: emo capture VIDEO --label LABEL"
        )
    return recordings


def _is_committed(folder: Path) -> bool:
    """Neither unfinished, nor the remains of one that was replaced."""
    return folder.suffix != PARTIAL_SUFFIX and not folder.name.startswith(".")


def labels_of(recordings: Sequence[Recording]) -> tuple[str, ...]:
    """The labels that have crops, in alphabetical order."""
    return tuple(sorted({recording.label for recording in recordings if recording.crops}))


class RecordingWriter:
    """Writes one recording crop by crop into a ``.partial`` folder and commits it at the end.

    Crops of an interrupted run stay in the ``.partial`` folder and are written over by the next.
    """

    def __init__(self, dataset: Path, *, label: str, recording_id: str) -> None:
        self.folder = dataset / label / recording_id
        self._partial = self.folder.with_name(recording_id + PARTIAL_SUFFIX)
        self._crops: list[CropRecord] = []
        with storage_errors(self.folder):
            self._partial.mkdir(parents=True, exist_ok=True)

    @property
    def count(self) -> int:
        return len(self._crops)

    def add(
        self,
        image: NDArray[np.uint8],
        *,
        time_s: float,
        box: Sequence[float],
        landmarks: Sequence[Sequence[float]],
        quality: Mapping[str, float],
    ) -> None:
        """Write one face crop, uint8 (CROP_PX, CROP_PX, 3) RGB, as JPEG.

        Raises:
            StorageError: it could not be written.
        """
        import cv2

        file = f"{len(self._crops):06d}.jpg"
        ok, data = cv2.imencode(
            ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        )
        assert ok, "a uint8 RGB picture always encodes"
        with storage_errors(self.folder):
            (self._partial / file).write_bytes(data.tobytes())
        self._crops.append(
            CropRecord(
                file=file,
                time_s=round(float(time_s), 6),
                box=tuple(round(float(value), 2) for value in box),
                landmarks=tuple(tuple(round(float(value), 2) for value in point) for point in landmarks),
                quality={name: round(float(value), 4) for name, value in quality.items()},
            )
        )

    def add_file(self, name: str, data: bytes) -> None:
        """Put a further file, such as a contact sheet, beside the crops."""
        write_bytes(self._partial / name, data)

    def commit(self, describe: Callable[[Path, tuple[CropRecord, ...]], Recording]) -> Recording:
        """Write ``recording.json`` and give the folder its real name.

        Args:
            describe: makes the recording from its final folder and its crops.
        """
        recording = describe(self.folder, tuple(self._crops))
        write_json(self._partial / RECORD, to_document(recording))
        with storage_errors(self.folder):
            self._drop_leftovers()
            commit_folder(self._partial, self.folder)
        return recording

    def discard(self) -> None:
        """Remove everything written so far, and the label's folder if nothing else is in it."""
        shutil.rmtree(self._partial, ignore_errors=True)
        for folder in (self.folder.parent, self.folder.parent.parent):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def _drop_leftovers(self) -> None:
        kept = {crop.file for crop in self._crops}
        for path in self._partial.glob("*.jpg"):
            if path.name not in kept and path.stem.isdigit():
                path.unlink()


def to_document(recording: Recording) -> dict[str, Any]:
    """The content of ``recording.json``."""
    document = asdict(recording)
    del document["folder"]
    document["frame_rate"] = str(recording.frame_rate)
    return {"schema": SCHEMA, **document}
