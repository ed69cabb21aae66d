"""One video in, one recording out: sample, follow, judge, cut, write."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from fractions import Fraction
from pathlib import Path

from emo.ahead import ahead
from emo.capture.config import CaptureConfig
from emo.capture.detectors import load_detector
from emo.capture.follow import Follower
from emo.capture.quality import NO_FACE, measure, why_rejected
from emo.capture.video import Frame, VideoSource, check_video_file
from emo.datasets.crops import cut_face
from emo.datasets.recordings import RECORD, CropRecord, Recording, RecordingWriter, read_recording
from emo.errors import DatasetError, NoFaceFound, SourceError
from emo.progress import Progress, silent
from emo.workspace import PARTIAL_SUFFIX

__all__ = ["CaptureConfig", "CaptureResult", "capture_video"]

FEW_CROPS = 20
"""Below this, a label is learned from so few faces that its numbers say little."""

DECODED_AHEAD = 3
"""Frames that wait decoded; more would not be faster, and a 4K frame weighs 24 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureResult:
    """What a capture made.

    Attributes:
        recording: it is on disk.
        already_there: nothing was done, because an earlier run had made the same recording.
        advice: what the user could do better, or an empty text.
    """

    recording: Recording
    already_there: bool
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where frames come from, as ``recording.json`` tells it."""

    kind: str
    name: str
    sha256: str
    frame_rate: Fraction


def capture_video(source: Path, dataset: Path, config: CaptureConfig, *, progress: Progress = silent) -> CaptureResult:
    """Cut the followed person's face out of a video, or of a segment of it, into a new recording.

    Running it again with the same arguments does nothing; after a kill, it makes the recording that
    the killed run would have made. When it fails or is interrupted, nothing stays on disk.

    Args:
        source: a video file.
        dataset: the dataset's folder; made if it is missing.
        config: which part, and what the face shows.
        progress: in seconds of video.

    Raises:
        SourceError: the file is missing or no video, or ends before the segment.
        NoFaceFound: it shows no usable face.
        DatasetError: the same segment is in the dataset under another label.
        StorageError: the recording cannot be written.
    """
    check_video_file(source)
    sha256 = file_sha256(source)
    recording_id = f"{safe_stem(source.stem)}-{_identity(sha256, config)}"
    folder = dataset / config.label / recording_id
    if not config.again and (folder / RECORD).is_file():
        recording = read_recording(folder)
        return CaptureResult(recording=recording, already_there=True, advice=advice_for(recording))
    with VideoSource(source, threads=config.threads) as video:
        twins = _recorded_before(dataset, sha256, config, video.duration_s)
        _refuse_second_label(twins, dataset, config)
        origin = Origin(kind="video", name=source.name, sha256=sha256, frame_rate=video.frame_rate)
        frames = video.sample(every_s=config.every_s, start_s=config.start_s, end_s=config.end_s)
        end_s = _earliest(config.end_s, video.duration_s)
        total = None if end_s is None else max(end_s - config.start_s, 0.0)
        writer = new_writer(dataset, config.label, recording_id)
        recording = record(frames, writer, config, origin, total_s=total, progress=progress)
        notes = [_cut_off(video, config), _twice([twin for twin in twins if twin.id != recording_id])]
    return CaptureResult(recording=recording, already_there=False, advice=advice_for(recording, notes))


def record(
    frames: Iterator[Frame],
    writer: RecordingWriter,
    config: CaptureConfig,
    origin: Origin,
    *,
    total_s: float | None,
    progress: Progress,
) -> Recording:
    """Write the followed person's face from each frame; frames are made in a thread of their own.

    Raises:
        NoFaceFound: not one frame gave a crop; nothing stays on disk.
    """
    try:
        rejected: Counter[str] = Counter()
        follower = Follower(load_detector(min_face_px=config.min_face_px, threads=config.threads))
        last_s = config.start_s
        decoded = ahead(frames, depth=DECODED_AHEAD)
        with progress(f"capturing {origin.name}", total=total_s) as advance, closing(decoded):
            for frame in decoded:
                reason = _write_face(frame, follower, writer, config)
                if reason is not None:
                    rejected[reason] += 1
                advance(frame.time_s - last_s)
                last_s = frame.time_s
        if writer.count == 0:
            raise NoFaceFound(_nothing_found(origin.name, rejected, config))
        end_s = _earliest(config.end_s, last_s + config.every_s)
        assert end_s is not None, "last_s is a number"
        return writer.commit(
            lambda folder, crops: _describe(folder, crops, config, origin, end_s=round(end_s, 6), rejected=rejected)
        )
    except BaseException:
        # Not even for Ctrl-C is it kept: the next run begins anew, and half a recording helps nobody.
        writer.discard()
        raise


def new_writer(dataset: Path, label: str, recording_id: str) -> RecordingWriter:
    """A writer that finds nothing of a killed run before it."""
    killed = RecordingWriter(dataset, label=label, recording_id=recording_id)
    killed.discard()
    return RecordingWriter(dataset, label=label, recording_id=recording_id)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal.

    Raises:
        SourceError: it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be read ({(error.strerror or str(error)).lower()}); check the disk"
        ) from error
    return digest.hexdigest()


def safe_stem(text: str) -> str:
    """A file's stem as the readable part of a recording's id: at most 40 letters, digits, ``-`` and ``_``."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_-")[:40] or "recording"


def now() -> str:
    """The time in UTC, as ISO 8601 to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def existing_recordings(dataset: Path) -> list[Recording]:
    """All committed recordings of a dataset that may be empty or missing."""
    folders = (path.parent for path in sorted(dataset.glob(f"*/*/{RECORD}")))
    return [read_recording(folder) for folder in folders if folder.suffix != PARTIAL_SUFFIX and folder.name[0] != "."]


def hashed(parts: list[object]) -> str:
    """Eight hexadecimal digits that stand for these values."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]


def _identity(sha256: str, config: CaptureConfig) -> str:
    end = None if config.end_s is None else float(config.end_s)
    return hashed([sha256, float(config.start_s), end, config.label, config.person, float(config.every_s)])


def _write_face(frame: Frame, follower: Follower, writer: RecordingWriter, config: CaptureConfig) -> str | None:
    """Write the person's face, or say why there is none."""
    face = follower.find(frame.image, frame.time_s)
    if face is None:
        return NO_FACE
    crop = cut_face(frame.image, face)
    quality = measure(crop, face)
    reason = why_rejected(quality, min_face_px=config.min_face_px)
    if reason is None:
        writer.add(crop, time_s=frame.time_s, box=face.box.tolist(), landmarks=face.landmarks.tolist(), quality=quality)
    return reason


def _describe(
    folder: Path,
    crops: tuple[CropRecord, ...],
    config: CaptureConfig,
    origin: Origin,
    *,
    end_s: float,
    rejected: Counter[str],
) -> Recording:
    return Recording(
        folder=folder,
        label=config.label,
        person=config.person,
        kind=origin.kind,
        source_name=origin.name,
        source_sha256=origin.sha256,
        start_s=float(config.start_s),
        end_s=end_s,
        every_s=float(config.every_s),
        frame_rate=origin.frame_rate,
        created=now(),
        crops=crops,
        rejected=dict(sorted(rejected.items())),
    )


def _recorded_before(dataset: Path, sha256: str, config: CaptureConfig, duration_s: float | None) -> list[Recording]:
    """Recordings of about the same seconds of the same video and person, under any label."""
    wanted_end = _earliest(config.end_s, duration_s)
    twins = []
    for known in existing_recordings(dataset):
        if known.source_sha256 != sha256 or known.person != config.person:
            continue
        end_s = known.end_s if wanted_end is None else wanted_end
        common = min(end_s, known.end_s) - max(config.start_s, known.start_s)
        # Neighbouring segments may touch; more than half of one in common is the same segment.
        if common > 0.5 * min(end_s - config.start_s, known.end_s - known.start_s):
            twins.append(known)
    return twins


def _refuse_second_label(twins: list[Recording], dataset: Path, config: CaptureConfig) -> None:
    """One face cannot be two things: a model that is told so learns nothing from it."""
    for known in twins:
        if known.label != config.label:
            raise DatasetError(
                f"{known.source_name} from {known.start_s:g} to {known.end_s:g} s is already recorded as "
                f"'{known.label}' in {dataset.name}; delete {known.folder}, or choose another segment or --dataset"
            )


def _twice(twins: list[Recording]) -> str | None:
    """A note when the same seconds were recorded before under the same label, say with another ``--every``."""
    if not twins:
        return None
    return f"these seconds are recorded in {twins[0].folder} too; delete that folder if this one is to replace it"


def _earliest(first: float | None, second: float | None) -> float | None:
    return min((value for value in (first, second) if value is not None), default=None)


def _cut_off(video: VideoSource, config: CaptureConfig) -> str | None:
    """A note when the file ended long before it said it would."""
    expected, reached = _earliest(config.end_s, video.duration_s), video.reached_s
    if expected is None or video.duration_s is None or reached is None or reached > expected - 1.5:
        return None
    return f"{video.name} ends at {reached:.1f} of {video.duration_s:.1f} s and may be cut off; copy it again"


def advice_for(recording: Recording, found: Sequence[str | None] = ()) -> str:
    """What could be better about a recording, after what was found on the way, in one line; empty when nothing."""
    notes = [note for note in found if note is not None]
    crops, rejected = len(recording.crops), sum(recording.rejected.values())
    if crops < FEW_CROPS:
        notes.append(f"only {crops} faces of '{recording.label}'; record some more seconds, or sample with --every 0.1")
    if rejected > crops:
        reasons = ", ".join(f"{reason} {count}" for reason, count in recording.rejected.items())
        notes.append(f"most samples gave no face ({reasons}); face the camera in even light")
    return "; ".join(notes)


def _nothing_found(name: str, rejected: Counter[str], config: CaptureConfig) -> str:
    samples = sum(rejected.values())
    if config.start_s or config.end_s is not None:  # One of many segments: say which.
        name += f" from {config.start_s:g} s" + ("" if config.end_s is None else f" to {config.end_s:g} s")
    if set(rejected) <= {NO_FACE}:
        smaller = min(24, config.min_face_px)
        return f"{name}: no face in {samples} sampled frames; check the light, or try --min-face {smaller}"
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(rejected.items()))
    return f"{name}: no usable face in {samples} sampled frames ({reasons}); come closer, in more even light"
