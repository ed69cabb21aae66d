"""What several test files need."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


ROOT = Path(__file__).resolve().parent.parent

PYTHONPATH = os.pathsep.join([str(ROOT / "tests" / "offline"), str(ROOT)])
"""For processes that a test starts: it closes the network for them, and finds this checkout's emo."""


@dataclass(frozen=True)
class Ran(Outcome):
    """How a command ended that ran in a process of its own.

    Attributes:
        loaded: the top-level packages that it had imported by its end.
    """

    loaded: frozenset[str]


def run_command(words: Sequence[str], *, cwd: Path) -> Ran:
    """Run ``emo`` as a user does, in a folder, and see what it imports."""
    listing = cwd / "loaded-modules.json"
    code = (
        "import atexit, json, sys\n"
        f"atexit.register(lambda: open({str(listing)!r}, 'w').write(json.dumps(list(sys.modules))))\n"
        f"sys.argv[:] = ['emo', *{list(words)!r}]\n"
        "from emo.cli import main\n"
        "main()\n"
    )
    environment = {**os.environ, "PYTHONPATH": PYTHONPATH}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True, timeout=600
    )
    loaded = frozenset(name.split(".")[0] for name in json.loads(listing.read_text()))
    listing.unlink()
    return Ran(done.returncode, done.stdout, done.stderr, loaded)


Emo = Callable[..., Outcome]
"""Runs one command in this process: ``emo("list", workspace=folder)``."""


def tree(folder: Path) -> dict[str, str]:
    """Every file and folder below, with a hash of what is in it."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "/"
        for path in sorted(folder.rglob("*"))
    }
