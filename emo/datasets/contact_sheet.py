"""One picture that shows at a glance what was captured."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from emo.workspace import write_bytes

THUMBNAIL_PX = 96
PER_ROW = 12
_GAP_PX = 4
_TITLE_PX = 22


def write_contact_sheet(path: Path, rows: Mapping[str, Sequence[Path]]) -> None:
    """Write a JPEG or PNG with a titled row of pictures per label, spread evenly over each sequence.

    Lies outside the dataset's label folders, because tools that read those take every picture for a face.

    Args:
        path: the file; its suffix says the format.
        rows: crop files per title, in the order of time.

    Raises:
        StorageError: it cannot be written.
    """
    from PIL import Image, ImageDraw, ImageFont

    step = THUMBNAIL_PX + _GAP_PX
    height = max(len(rows), 1) * (step + _TITLE_PX) + _GAP_PX
    sheet = Image.new("RGB", (PER_ROW * step + _GAP_PX, height), (255, 255, 255))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=15)
    for row, (title, files) in enumerate(rows.items()):
        top = _GAP_PX + row * (step + _TITLE_PX)
        draw.text((_GAP_PX, top), f"{title} ({len(files)})", fill=(30, 30, 30), font=font)
        for column, file in enumerate(spread(files, PER_ROW)):
            with Image.open(file) as picture:
                small = picture.convert("RGB").resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.LANCZOS)
            sheet.paste(small, (_GAP_PX + column * step, top + _TITLE_PX))
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG" if path.suffix.lower() == ".png" else "JPEG", quality=90)
    write_bytes(path, buffer.getvalue())


def spread(files: Sequence[Path], count: int) -> list[Path]:
    """At most ``count`` of the files, evenly over their order, the first and the last among them."""
    if len(files) <= count:
        return list(files)
    return [files[round(position)] for position in np.linspace(0, len(files) - 1, count)]
