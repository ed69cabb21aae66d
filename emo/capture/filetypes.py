"""What a file is, by its first bytes, and pictures read from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".heic", ".heif", ".avif"})
"""What cameras write; the last three, often unreadable here, so that they are named and not passed over."""

_PICTURE_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\x00", b"MM\x00*")
_HEIF_BRANDS = (b"heic", b"heix", b"mif1", b"avif")
_TEXT_CONTROLS = b"\t\n\r\f\x1b"


def looks_like_picture(head: bytes) -> bool:
    """Whether a file that begins with these bytes is a still picture."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return True
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        return True
    return head.startswith(_PICTURE_STARTS)


def looks_like_text(head: bytes) -> bool:
    """Whether these bytes hold no control character that a text would not hold."""
    return bool(head) and not any(byte < 32 and byte not in _TEXT_CONTROLS for byte in head)


def is_picture_name(path: Path) -> bool:
    """Whether a file's name ends as that of a picture; hidden files are none."""
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")


def read_picture(path: Path) -> NDArray[np.uint8] | None:
    """A picture as RGB uint8 (H, W, 3), turned upright by its metadata; None when it cannot be read."""
    from emo.capture.video import import_cv2

    cv2 = import_cv2()
    try:
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
        # Not imread: on Windows it cannot open names beyond the system's code page.
        image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if data.size else None
    except (OSError, cv2.error):
        return None
    return None if image is None else np.asarray(image, dtype=np.uint8)
