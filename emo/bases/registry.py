"""Which bases there are, and where their files lie."""

from __future__ import annotations

from pathlib import Path

from emo.errors import BaseError

DEFAULT_BASE = "emo-lite0"

_WEIGHTS = Path(__file__).parent / "weights"
_FILES = {"emo-lite0": "emo-lite0.onnx"}


def base_names() -> tuple[str, ...]:
    """The names that `base_path` knows."""
    return tuple(_FILES)


def base_path(name: str) -> Path:
    """Where the file of a named base lies.

    Raises:
        BaseError: no base has this name.
    """
    if name not in _FILES:
        raise BaseError(f"base {name!r}: not known; choose one of: {', '.join(_FILES)}")
    return _WEIGHTS / _FILES[name]
