"""Record from a camera."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from emo.capture.config import CaptureConfig
from emo.capture.recorder import CaptureResult, Origin, advice_for, hashed, new_writer, now, record
from emo.capture.video import Frame, as_frame_rate, import_cv2, to_rgb
from emo.errors import SourceError, UsageError
from emo.progress import Progress, silent


def capture_camera(
    index: int, dataset: Path, config: CaptureConfig, *, seconds: float, progress: Progress = silent
) -> CaptureResult:
    """Record the person in front of a camera; each take is a new recording.

    Args:
        index: which camera, counted from 0.
        dataset: the dataset's folder; made if it is missing.
        config: its segment is not used, a take begins now and lasts ``seconds``.
        seconds: how long, from the first picture on.
        progress: in seconds.

    Raises:
        UsageError: a segment was given, or a time that cannot be.
        SourceError: there is no such camera, or it stops sending.
        NoFaceFound: it saw no usable face.
        StorageError: the recording cannot be written.
    """
    if not (math.isfinite(seconds) and seconds > 0):
        raise UsageError(f"--seconds must be above 0, got {seconds:g}; try 20")
    if config.start_s or config.end_s is not None:
        raise UsageError("--start and --end choose a part of a video; a camera takes --seconds")
    camera = open_camera(index)
    with closing(_Released(camera)):
        created = now()
        origin = Origin(
            kind="camera",
            name=f"camera {index}",
            sha256="",
            frame_rate=as_frame_rate(float(camera.get(import_cv2().CAP_PROP_FPS))),
        )
        recording_id = f"camera-{hashed([created, time.time_ns(), index, config.label, config.person])}"
        writer = new_writer(dataset, config.label, recording_id)
        frames = sample_camera(camera, index, every_s=config.every_s, seconds=seconds)
        recording = record(frames, writer, config, origin, total_s=seconds, progress=progress)
    return CaptureResult(recording=recording, already_there=False, advice=advice_for(recording))


def open_camera(index: int) -> Any:
    """An opened camera.

    Raises:
        SourceError: there is none, or it may not be used.
    """
    cv2 = import_cv2()
    try:
        camera = cv2.VideoCapture(index)
    except cv2.error:
        camera = None
    if camera is None or not camera.isOpened():
        raise SourceError(
            f"camera {index}: cannot be opened; plug it in, close other programs, or try another --camera"
        )
    return camera


def sample_camera(camera: Any, index: int, *, every_s: float, seconds: float) -> Iterator[Frame]:
    """A frame every ``every_s`` seconds of real time, until ``seconds`` are over.

    Raises:
        SourceError: the camera stops sending.
    """
    began: float | None = None
    due = 0
    while True:
        # Every frame is taken, because the driver keeps old ones until they are.
        if not camera.grab():
            raise SourceError(
                f"camera {index}: sends no pictures; unplug it and plug it in again, or choose another one"
            )
        moment = time.monotonic()
        began = moment if began is None else began  # Cameras take a second to start; it does not count.
        elapsed = moment - began
        if elapsed >= seconds:
            return
        if elapsed < due * every_s:
            continue
        ok, image = camera.retrieve()
        if ok:
            due = math.floor(elapsed / every_s) + 1
            yield Frame(elapsed, to_rgb(image))


class _Released:
    """Gives OpenCV's capture the ``close`` that `closing` wants."""

    def __init__(self, camera: Any) -> None:
        self._camera = camera

    def close(self) -> None:
        self._camera.release()
