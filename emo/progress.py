"""How long work reports that it moves, without knowing who is watching."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[float], None]
"""Called with the amount of work done since the last call, in the unit of ``total``."""


class Progress(Protocol):
    """Opens one task: ``with progress("capturing a.mp4", total=12.4) as advance: advance(0.2)``."""

    def __call__(self, description: str, *, total: float | None) -> AbstractContextManager[Advance]:
        """Open a task of ``total`` units of work, or of nobody knows how many."""
        ...


@contextmanager
def silent(description: str, *, total: float | None) -> Iterator[Advance]:
    """The progress that shows nothing; the default of every library function."""
    yield lambda amount: None
