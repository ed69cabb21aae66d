"""Short clips made of real frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from emo.capture.video import VideoSource


def frames_of(path: Path, *, every_s: float = 0.2, end_s: float | None = None) -> list[NDArray[np.uint8]]:
    with VideoSource(path) as video:
        return [frame.image for frame in video.sample(every_s=every_s, end_s=end_s)]


def write_clip(path: Path, frames: Sequence[NDArray[np.uint8]], *, frame_rate: float = 10.0) -> Path:
    height, width = frames[0].shape[:2]
    fourcc = cv2.VideoWriter.fourcc(*("MJPG" if path.suffix == ".avi" else "mp4v"))
    writer = cv2.VideoWriter(str(path), fourcc, frame_rate, (width, height))
    assert writer.isOpened()
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def turn_by_metadata(source: Path, target: Path) -> Path:
    """Copy an mp4 with its track header saying: show me turned by 90 degrees clockwise."""
    data = bytearray(source.read_bytes())
    header = data.index(b"tkhd")
    assert data[header + 4] == 0, "version 0 has its matrix 40 bytes behind the version"
    values = (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    matrix = b"".join(value.to_bytes(4, "big", signed=True) for value in values)
    data[header + 44 : header + 80] = matrix
    target.write_bytes(data)
    return target
