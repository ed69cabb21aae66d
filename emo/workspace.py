"""Where things live, and how they are written so that nothing is ever half there."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emo.errors import FileFormatError, StorageError, UsageError
from emo.labels import parse_name

MARKER = "emo.yaml"
PARTIAL_SUFFIX = ".partial"
DEFAULT_DATASET = "personal"


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder that holds ``datasets/``, ``models/`` and the caches in ``.emo/``."""

    root: Path

    @classmethod
    def find(cls, start: Path) -> Workspace:
        """The nearest folder from ``start`` upwards that holds ``emo.yaml``, else ``start`` itself."""
        start = start.absolute()
        for folder in (start, *start.parents):
            if (folder / MARKER).is_file():
                return cls(folder)
        return cls(start)

    @classmethod
    def at(cls, root: Path) -> Workspace:
        """The workspace in an existing folder that the user named.

        Raises:
            UsageError: there is no such folder.
        """
        if not root.is_dir():
            raise UsageError(f"workspace {root}: no such folder; create it first, as in: mkdir -p {root}")
        return cls(root.absolute())

    @property
    def datasets(self) -> Path:
        """The folder of all datasets."""
        return self.root / "datasets"

    @property
    def models(self) -> Path:
        """The folder of all models."""
        return self.root / "models"

    @property
    def cache(self) -> Path:
        """The folder of what can be computed again."""
        return self.root / ".emo"

    def dataset(self, name: str) -> Path:
        """The folder of one dataset, there or not.

        Raises:
            LabelError: the name cannot name a folder.
        """
        return self.datasets / parse_name(name, "dataset")

    def model(self, name: str) -> Path:
        """The folder of one model, there or not.

        Raises:
            LabelError: the name cannot name a folder.
        """
        return self.models / parse_name(name, "model")


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the system's errors about a file or folder of ours into one line with the way out.

    Raises:
        StorageError: an `OSError` came out of the block.
    """
    try:
        yield
    except OSError as error:
        what = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            advice = "free some space and run the same command again"
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            advice = "make the folder writable or choose another one with --workspace"
        else:
            advice = "check the disk and run the same command again"
        raise StorageError(f"{path}: {what.lower()}; {advice}") from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: to a neighbour first, flushed to disk, then renamed.

    Raises:
        StorageError: the disk is full, read-only or gone; an older file stays as it was.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, neighbour = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PARTIAL_SUFFIX)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            # mkstemp makes files for their owner only; what we commit follows the user's umask.
            os.chmod(neighbour, 0o666 & ~_umask())
            os.replace(neighbour, path)
        except BaseException:
            Path(neighbour).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def write_json(path: Path, document: Any) -> None:
    """Write a JSON document atomically, in a stable layout that diffs well."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_bytes(path, text.encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of ours.

    Raises:
        FileFormatError: it is not a JSON object.
        StorageError: it cannot be read at all.
    """
    with storage_errors(path):
        data = path.read_bytes()
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{path}: not valid JSON ({error}); restore the file or delete its folder") from error
    if not isinstance(document, dict):
        raise FileFormatError(f"{path}: holds no JSON object; restore the file or delete its folder")
    return document


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a folder under a ``.partial`` name; it takes its real name when the block ends well.

    An existing folder of that name is replaced as a whole; if the block fails it stays untouched.

    Raises:
        StorageError: the disk is full, read-only or gone.
    """
    partial = path.with_name(path.name + PARTIAL_SUFFIX)
    with storage_errors(path):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            yield partial
            commit_folder(partial, path)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


def commit_folder(partial: Path, path: Path) -> None:
    """Give a finished ``.partial`` folder its real name, replacing an older folder of that name."""
    sync_folder(partial)
    if path.exists():
        outgoing = path.with_name(f".{path.name}.outgoing")
        shutil.rmtree(outgoing, ignore_errors=True)
        os.replace(path, outgoing)
        os.replace(partial, path)
        shutil.rmtree(outgoing, ignore_errors=True)
    else:
        os.replace(partial, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names to disk, so that a rename survives a power cut."""
    if os.name == "nt":  # Windows cannot open folders; its renames are journalled
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
