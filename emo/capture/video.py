"""Read a video's frames by their time stamps."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emo.capture.filetypes import looks_like_picture, looks_like_text
from emo.errors import SourceError

if TYPE_CHECKING:
    from typing_extensions import Self

LONGEST_S = 48 * 3600.0
"""A claimed duration beyond this is not believed: containers without one claim absurd values."""

FAR_S = 5.0
"""From this start on, the file is entered near it; decoding all that lies before costs more than one seek."""

BEFORE_S = 2.0
"""How far before the start a seek aims: OpenCV counts frames, and at a variable rate it misses by a second."""

SEEKABLE = frozenset({".mp4", ".m4v", ".mov", ".3gp", ".mkv", ".webm"})
"""Containers whose every frame bears its own time stamp, so that a seek cannot shift them."""

SLACK_S = 0.002
"""How early a frame may come and still be the one that is due: time stamps are rounded to milliseconds."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a video: when it is shown, in seconds, and RGB uint8 (H, W, 3), upright."""

    time_s: float
    image: NDArray[np.uint8]


class VideoSource:
    """A video file, opened; a context manager.

    Attributes:
        name: base name of the file.
        frame_rate: frames per second that the container claims, 0 when it claims none; nothing here relies on it
            (a browser's webm claims 1000, a phone's mov the average of a variable rate).
        duration_s: seconds that the container claims, or None.
        reached_s: time stamp of the last frame that was decoded so far, or None.

    Raises:
        SourceError: the file is missing or no video that can be decoded.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self.path = path
        self.name = path.name
        self._threads = threads
        check_video_file(path)
        self._capture = _open(path, threads)
        cv2 = import_cv2()
        claimed = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.frame_rate = as_frame_rate(claimed)
        self.duration_s = _duration(float(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)), claimed)
        self.reached_s: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._capture.release()

    def sample(self, *, every_s: float, start_s: float = 0.0, end_s: float | None = None) -> Iterator[Frame]:
        """The first frame at or after ``start_s``, ``start_s + every_s`` and so on, before ``end_s``; once per source.

        Frames in between are decoded but not converted, which is all that can be left out without
        seeking, and seeking to every sample costs more. Only to a late start it seeks, once.

        Raises:
            SourceError: no frame can be decoded, or none lies in the segment.
        """
        if self.duration_s is not None and start_s > self.duration_s + 1:
            raise self._ended_before(start_s, self.duration_s)
        self._enter_near(start_s)
        due, any_sampled = 0, False
        while (time_s := self._grab()) is not None:
            if end_s is not None and time_s >= end_s - SLACK_S:
                break
            if time_s < start_s + due * every_s - SLACK_S:
                continue
            ok, image = self._capture.retrieve()
            if not ok:
                continue  # One damaged frame; the next one takes its place.
            # After a pause in a variable rate, go on with the grid and do not catch up.
            due = math.floor((time_s - start_s + SLACK_S) / every_s) + 1
            any_sampled = True
            yield Frame(time_s, to_rgb(image))
        if self.reached_s is None:
            raise SourceError(f"{self.path}: not one frame of it can be decoded; record it anew")
        if not any_sampled:
            raise self._ended_before(start_s, self.reached_s)

    def _enter_near(self, start_s: float) -> None:
        """Go to some frame before a late start; back to the first one where that cannot be trusted."""
        # Beyond 240 the rate is a placeholder, and OpenCV's counting would run to the end of the file.
        trusted = self.path.suffix.lower() in SEEKABLE and self.duration_s is not None and self.frame_rate <= 240
        if start_s < FAR_S or not trusted:
            return
        self._capture.set(import_cv2().CAP_PROP_POS_MSEC, (start_s - BEFORE_S) * 1000)
        time_s = self._grab()
        if time_s is None or not 0 < time_s < start_s - SLACK_S:
            self._capture.release()
            self._capture = _open(self.path, self._threads)
            self.reached_s = None

    def _grab(self) -> float | None:
        """Decode the next frame; its time stamp, or None at the end."""
        if not self._capture.grab():
            return None
        time_s = float(self._capture.get(import_cv2().CAP_PROP_POS_MSEC)) / 1000
        if self.reached_s is not None and not time_s > self.reached_s:
            # Streams without time stamps repeat the same one; count frames instead.
            time_s = self.reached_s + (1 / float(self.frame_rate) if self.frame_rate else 0.04)
        self.reached_s = time_s
        return time_s

    def _ended_before(self, start_s: float, end_s: float) -> SourceError:
        return SourceError(
            f"{self.path}: nothing to sample from {start_s:g} s on, it is {end_s:.1f} s long; choose an earlier --start"
        )


def check_video_file(path: Path) -> None:
    """Tell apart what is not a video before a decoder guesses at it.

    Raises:
        SourceError: missing, a folder, empty, a picture or a text.
    """
    if path.is_dir():
        raise SourceError(f"{path}: is a folder, not a video; for folders of pictures use: emo import {path}")
    if not path.is_file():
        raise SourceError(f"{path}: no such file; check the name")
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        what = (error.strerror or str(error)).lower()
        raise SourceError(f"{path}: cannot be read ({what}); check its permissions") from error
    if not head:
        raise SourceError(f"{path}: is empty; copy or record it again")
    if looks_like_picture(head):
        raise SourceError(
            f"{path}: is a picture, not a video; put pictures into label folders and use: emo import FOLDER"
        )
    if looks_like_text(head):  # Also keeps playlists, which name further files and addresses, from being followed.
        raise SourceError(f"{path}: is a text file, not a video; give the video itself")


def import_cv2() -> Any:
    """OpenCV, with FFmpeg's and its own chatter on stderr switched off."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # Read when a video opens.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # Read when OpenCV is loaded, unless another module was first.
    import cv2

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2


def to_rgb(image: Any) -> NDArray[np.uint8]:
    """OpenCV's BGR or grey picture as RGB uint8 (H, W, 3)."""
    cv2 = import_cv2()
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB), dtype=np.uint8)


def as_frame_rate(claimed: float) -> Fraction:
    """A float of frames per second as the fraction it stands for: 29.97 is 30000/1001; 0 when it is none."""
    if not math.isfinite(claimed) or claimed <= 0:
        return Fraction(0)
    return Fraction(claimed).limit_denominator(1001)


def _open(path: Path, threads: int) -> Any:
    cv2 = import_cv2()
    # By its absolute path, so that no name is taken for an address; FFmpeg alone, because OpenCV's
    # other readers take a '%' in a name for a numbered series of pictures.
    try:
        capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads])
    except cv2.error:
        capture = None
    if capture is None or not capture.isOpened():
        raise SourceError(
            f"{path}: holds no video that can be decoded (only sound, cut off, or a format unknown here); "
            "play it elsewhere to check, or record it anew"
        )
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # Phones record lying and note how they were held.
    return capture


def _duration(frames: float, frame_rate: float) -> float | None:
    if not (math.isfinite(frames) and math.isfinite(frame_rate) and frames > 0 and frame_rate > 0):
        return None
    seconds = frames / frame_rate
    return seconds if seconds < LONGEST_S else None
