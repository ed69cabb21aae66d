"""Read segments.csv: which part of one video shows what."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

from emo.capture.config import EVERY_S, MIN_FACE_PX, PERSON, CaptureConfig
from emo.errors import EmoError, SourceError, UsageError

COLUMNS = ("start", "end", "label", "person")
_SHOWN = 5


def read_segments(
    path: Path,
    *,
    person: str = PERSON,
    every_s: float = EVERY_S,
    min_face_px: int = MIN_FACE_PX,
    again: bool = False,
    threads: int = 1,
) -> list[CaptureConfig]:
    """Read a table with the columns start, end, label and, if wanted, person, named in its first line.

    Times are seconds or ``m:ss``; an empty end is the video's end.

    Args:
        path: the table, CSV in UTF-8.
        person: who it is in rows that name nobody.
        every_s: as in `CaptureConfig`, for all rows; the others too.
        min_face_px: smallest face.
        again: capture what is there already.
        threads: CPU threads of one network.

    Raises:
        SourceError: the file cannot be read.
        UsageError: it holds no segment, or bad rows; the message names their lines.
    """
    reader = _read_table(path)
    segments: list[tuple[int, CaptureConfig]] = []
    problems: list[str] = []
    template = CaptureConfig(
        label="neutral", person=person, every_s=every_s, min_face_px=min_face_px, again=again, threads=threads
    )
    try:
        for row in reader:
            try:
                config = _segment(row, template)
                _refuse_overlap(config, segments)
                segments.append((reader.line_num, config))
            except EmoError as error:
                problems.append(f"line {reader.line_num}: {error}")
    except csv.Error as error:
        problems.append(f"line {reader.line_num}: {error}")
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise UsageError(f"{path}: " + "; ".join(problems[:_SHOWN]) + more)
    if not segments:
        raise UsageError(f"{path}: holds no segment; add lines such as: 0,5.8,sad")
    return [config for _, config in segments]


def _read_table(path: Path) -> csv.DictReader[str]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        what = (error.strerror or str(error)).lower()
        raise SourceError(f"{path}: cannot be read ({what}); check the name") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: is no UTF-8 text; save it as CSV in UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    names = [name.strip().lower() for name in reader.fieldnames or []]
    if not set(COLUMNS[:3]) <= set(names) or not set(names) <= set(COLUMNS):
        raise UsageError(f"{path}: its first line must be start,end,label or start,end,label,person")
    reader.fieldnames = names
    return reader


def _segment(row: dict[str, str], template: CaptureConfig) -> CaptureConfig:
    start, end, label, person = _cells(row)
    return replace(
        template,
        label=label,
        person=person or template.person,
        start_s=_seconds(start) if start else 0.0,
        end_s=_seconds(end) if end else None,
    )


def _cells(row: dict[str, str]) -> tuple[str, str, str, str]:
    if None in row:
        raise UsageError("has more cells than the first line has names")
    start, end, label, person = ((row.get(name) or "").strip() for name in COLUMNS)
    if not label:
        raise UsageError("has no label")
    return start, end, label, person


def _seconds(text: str) -> float:
    """Seconds from ``75.5`` or ``1:15.5`` or ``0:01:15.5``."""
    seconds = 0.0
    try:
        for part in text.split(":"):
            seconds = seconds * 60 + float(part)
    except ValueError:
        raise UsageError(f"{text!r} is no time; write seconds, as in 75.5, or 1:15.5") from None
    return seconds


def _refuse_overlap(config: CaptureConfig, segments: list[tuple[int, CaptureConfig]]) -> None:
    """The same seconds of a person's face cannot be learned as two labels."""
    for line, other in segments:
        starts_before = other.end_s is None or config.start_s < other.end_s
        ends_after = config.end_s is None or config.end_s > other.start_s
        if starts_before and ends_after and config.person == other.person:
            raise UsageError(f"overlaps with line {line}; end one segment where the next begins")
