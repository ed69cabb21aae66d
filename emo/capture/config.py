"""What a user can set about capturing; free of heavy imports, so that the command line can quote the defaults."""

from __future__ import annotations

import math
from dataclasses import dataclass

from emo.errors import UsageError
from emo.labels import parse_label, parse_name

PERSON = "me"
"""Who is recorded where nobody is named."""

EVERY_S = 0.2
"""Seconds of video between two samples."""

MIN_FACE_PX = 40
"""The smallest face that is looked for, pixels of the frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureConfig:
    """How one recording is captured.

    Attributes:
        label: what the person shows; put into its one spelling.
        person: who it is.
        every_s: seconds of video between two samples.
        start_s: where to begin in the video, seconds.
        end_s: where to stop, seconds; None means at the end.
        min_face_px: the smallest face that is looked for, pixels of the frame.
        again: capture once more what has been captured already.
        threads: CPU threads of the networks.

    Raises:
        LabelError: the label or the person cannot name a folder.
        UsageError: a number is out of its range.
    """

    label: str
    person: str = PERSON
    every_s: float = EVERY_S
    start_s: float = 0.0
    end_s: float | None = None
    min_face_px: int = MIN_FACE_PX
    again: bool = False
    threads: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", parse_label(self.label))
        object.__setattr__(self, "person", parse_name(self.person, "person"))
        check_sampling(self.every_s, self.start_s, self.end_s)
        check_detection(self.min_face_px, self.threads)


def check_sampling(every_s: float, start_s: float, end_s: float | None) -> None:
    """Check the interval between samples and the segment they are taken from.

    Raises:
        UsageError: one of them cannot be.
    """
    if not 0.01 <= every_s <= 3600:
        raise UsageError(f"--every {every_s:g}: give seconds of video between 0.01 and 3600, as in: --every 0.2")
    if not (math.isfinite(start_s) and start_s >= 0):
        raise UsageError(f"--start {start_s:g}: give seconds from the beginning of the video, 0 or more")
    if end_s is not None and not math.isfinite(end_s):
        raise UsageError(f"--end {end_s:g}: give seconds from the beginning of the video, or leave it out")
    if end_s is not None and end_s <= start_s:
        raise UsageError(f"--end {end_s:g} is not after --start {start_s:g}; give an end that is later")


def check_detection(min_face_px: int, threads: int) -> None:
    """Check what the face detector is told.

    Raises:
        UsageError: one of them cannot be.
    """
    if not 12 <= min_face_px <= 4096:
        raise UsageError(f"--min-face {min_face_px}: give pixels between 12 and 4096, as in: --min-face 40")
    check_threads(threads)


def check_threads(threads: int) -> None:
    """Check a number of CPU threads.

    Raises:
        UsageError: it is below 1, or beyond any laptop.
    """
    if not 1 <= threads <= 256:
        raise UsageError(f"--threads {threads}: give a number between 1 and 256")
