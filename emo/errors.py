"""Every error that emo raises on purpose.

The message of each says what is wrong, where, and what to do next, in one line.
The command line prints it on stderr and exits with the error's ``exit_code``;
anything that is not an `EmoError` is a bug and keeps its traceback.

    EmoError
    ├── UsageError            an argument cannot be right (exit code 2)
    │   └── LabelError        a label that cannot name a folder
    ├── StorageError          the disk is full, read-only or gone
    ├── SourceError           a video, picture or folder that cannot be read
    │   └── NoFaceFound       it was read, but shows no usable face
    ├── DatasetError          a dataset is missing, empty or too small for the task
    ├── FileFormatError       a file of ours is damaged, foreign or from a newer emo
    ├── ModelError            a model is missing or does not fit the task
    ├── BaseError             a base is missing or does not fit the task
    └── MissingExtra          an optional dependency is not installed
"""

from __future__ import annotations


class EmoError(Exception):
    """Base of all errors that a user can act on."""

    exit_code = 1


class UsageError(EmoError):
    """An argument that cannot be right, whatever is on disk."""

    exit_code = 2


class LabelError(UsageError):
    """A label that cannot safely name a folder on every system."""


class StorageError(EmoError):
    """Reading or writing the workspace failed: full, read-only or gone."""


class SourceError(EmoError):
    """A video, picture, folder or camera that cannot be read."""


class NoFaceFound(SourceError):
    """A source that was read to its end without one usable face."""


class DatasetError(EmoError):
    """A dataset that is missing, empty or too small for what was asked."""


class FileFormatError(EmoError):
    """A file of ours that is damaged, foreign, or written by a newer emo."""


class ModelError(EmoError):
    """A model that is missing or does not fit what was asked."""


class BaseError(EmoError):
    """A base that is missing or does not fit what was asked."""


class MissingExtra(EmoError):
    """A command needs an optional dependency that is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs the '{extra}' extra; run: pip install 'emo[{extra}]'")
