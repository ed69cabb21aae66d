"""The faces of any source, in order and not written anywhere: what predict looks at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emo.ahead import ahead
from emo.capture.config import EVERY_S, MIN_FACE_PX, check_detection, check_sampling
from emo.capture.detectors import load_detector
from emo.capture.filetypes import is_picture_name, looks_like_picture, read_picture
from emo.capture.follow import Follower
from emo.capture.pictures import face_of_picture
from emo.capture.video import VideoSource, check_video_file
from emo.datasets.crops import Face, cut_face
from emo.errors import SourceError
from emo.progress import Progress, silent

Sighting = tuple[float, NDArray[np.uint8] | None, Face | None]
"""Seconds into a video, or a picture's position; the crop, uint8 (256, 256, 3) RGB, and the face, or None and None."""


def faces_in(
    source: Path,
    *,
    every_s: float = EVERY_S,
    start_s: float = 0.0,
    end_s: float | None = None,
    min_face_px: int = MIN_FACE_PX,
    threads: int = 1,
    progress: Progress = silent,
) -> Iterator[Sighting]:
    """The followed person's face in each sample of a video, or the main face of each picture.

    Args:
        source: a video, a picture, or a folder of pictures (see `pictures_of` for their order).
        every_s: seconds of video between samples.
        start_s: where in a video to begin, seconds.
        end_s: where to end, seconds; None is the video's end.
        min_face_px: smallest face to look for, pixels of the source.
        threads: CPU threads of one network.
        progress: in seconds of video, or in pictures.

    Returns:
        An iterator; the source is checked before it is returned.

    Raises:
        SourceError: the source is missing or cannot be read.
    """
    check_sampling(every_s, start_s, end_s)
    check_detection(min_face_px, threads)
    if is_still(source):
        return _faces_in_pictures(pictures_of(source), source.name, min_face_px, threads, progress)
    video = VideoSource(source, threads=threads)
    return _faces_in_video(video, every_s, start_s, end_s, min_face_px, threads, progress)


def pictures_of(source: Path) -> list[Path]:
    """A picture itself, or all pictures in a folder and below, by name.

    Raises:
        SourceError: the folder holds none.
    """
    if not source.is_dir():
        return [source]
    found = sorted(path for path in source.rglob("*") if is_picture_name(path) and path.is_file())
    if not found:
        raise SourceError(f"{source}: holds no pictures (jpg, png, bmp, webp, tif); choose another folder")
    return found


def is_still(source: Path) -> bool:
    """Whether a source is a picture or a folder, and not a video.

    Raises:
        SourceError: it is missing, or neither.
    """
    if source.is_dir():
        return True
    if source.is_file():
        with source.open("rb") as file:
            if looks_like_picture(file.read(64)):
                return True
    check_video_file(source)
    return False


def _faces_in_video(
    video: VideoSource,
    every_s: float,
    start_s: float,
    end_s: float | None,
    min_face_px: int,
    threads: int,
    progress: Progress,
) -> Iterator[Sighting]:
    until = [value for value in (end_s, video.duration_s) if value is not None]
    total = max(min(until) - start_s, 0.0) if until else None
    frames = ahead(video.sample(every_s=every_s, start_s=start_s, end_s=end_s), depth=3)
    with video, progress(f"looking at {video.name}", total=total) as advance, closing(frames):
        follower = Follower(load_detector(min_face_px=min_face_px, threads=threads))
        last_s = start_s
        for frame in frames:
            face = follower.find(frame.image, frame.time_s)
            advance(frame.time_s - last_s)
            last_s = frame.time_s
            yield frame.time_s, None if face is None else cut_face(frame.image, face), face


def _faces_in_pictures(
    paths: list[Path], name: str, min_face_px: int, threads: int, progress: Progress
) -> Iterator[Sighting]:
    detector = load_detector(min_face_px=min_face_px, threads=threads)
    with progress(f"looking at {name}", total=float(len(paths))) as advance:
        for position, path in enumerate(paths):
            image = read_picture(path)
            if image is None and len(paths) == 1:
                raise SourceError(f"{path}: cannot be read as a picture; save it as JPEG or PNG")
            face = None if image is None else face_of_picture(detector, image)
            advance(1.0)
            yield float(position), None if face is None or image is None else cut_face(image, face), face
