"""The label vocabulary: seven basic emotions, and any state a user invents."""

from __future__ import annotations

import re
from collections.abc import Iterable

from emo.errors import LabelError

BASIC_LABELS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The seven labels of every base (Ekman's six and neutral), in their one order."""

ALIASES: dict[str, str] = {
    "anger": "angry",
    "disgusted": "disgust",
    "afraid": "fear",
    "fearful": "fear",
    "scared": "fear",
    "happiness": "happy",
    "joy": "happy",
    "calm": "neutral",
    "sadness": "sad",
    "surprised": "surprise",
}
"""Names that the public datasets give to the basic labels."""

_MAX_LENGTH = 40
_RESERVED = {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
_SAFE = re.compile(r"[^\W_][\w-]*")


def parse_label(text: str) -> str:
    """Check that a text can be a label, and return it in its one spelling.

    Lower case, surrounding blanks removed, inner blanks turned into ``_``, aliases of
    the basic labels resolved (``happiness`` becomes ``happy``).

    Raises:
        LabelError: the text cannot name a folder on every system.
    """
    label = re.sub(r"\s+", "_", text.strip().lower())
    if len(label) > _MAX_LENGTH:
        raise LabelError(f"label {text!r} is longer than {_MAX_LENGTH} characters; choose a shorter one")
    if not _SAFE.fullmatch(label) or label in _RESERVED:
        raise LabelError(
            f"label {text!r} cannot name a folder; use letters, digits, '-' and '_' and begin with a letter or digit"
        )
    return ALIASES.get(label, label)


def parse_labels(texts: Iterable[str]) -> tuple[str, ...]:
    """Parse several labels, keeping their order and dropping repeats.

    Raises:
        LabelError: one of them is not a label, or there is none.
    """
    labels = tuple(dict.fromkeys(parse_label(text) for text in texts))
    if not labels:
        raise LabelError("no label given; name at least one, as in: happy,sad")
    return labels


def parse_name(text: str, what: str) -> str:
    """Check the name of a dataset, model or person by the rules of labels; aliases stay as they are.

    Raises:
        LabelError: the name cannot name a folder; the message calls it ``what``.
    """
    name = text.strip()
    if len(name) > _MAX_LENGTH or not _SAFE.fullmatch(name) or name.lower() in _RESERVED:
        raise LabelError(
            f"{what} {text!r} cannot name a folder; use letters, digits, '-' and '_', at most {_MAX_LENGTH}"
        )
    return name
