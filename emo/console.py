"""What a person at a terminal sees: answers on stdout; progress, notes and errors on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emo.progress import Advance

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the number of the signal, as shells have it."""

_PLAIN_EVERY_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command found out, for people and for programs.

    Attributes:
        lines: for people.
        document: the same for programs; only what JSON has.
        notes: what a person should know besides, a sentence each; also in the document.
    """

    lines: Sequence[str]
    document: dict[str, Any]
    notes: Sequence[str] = ()


def show(answer: Answer, *, as_json: bool) -> None:
    """Print an answer: lines, or one JSON document; the notes go to stderr either way."""
    for note in answer.notes:
        print(f"note: {one_line(note)}", file=sys.stderr)
    if as_json:
        print(json.dumps({**answer.document, "notes": list(answer.notes)}, indent=2, ensure_ascii=False))
    else:
        for line in answer.lines:
            print(line)


def show_error(message: str) -> None:
    """Print an error as one line on stderr, exactly as it is: brackets in a file name are no markup."""
    print(f"error: {one_line(message)}", file=sys.stderr)


def one_line(text: str) -> str:
    """The text with every run of blanks and line breaks turned into one blank."""
    return " ".join(text.split())


class ConsoleProgress:
    """Implements `emo.progress.Progress`: bars with an estimate on a terminal, now and then a line elsewhere."""

    def __init__(self) -> None:
        self._bars: Bars | None = None

    @contextmanager
    def __call__(self, description: str, *, total: float | None) -> Iterator[Advance]:
        """Show one task while the block runs; a task opened inside another one gets its own bar below."""
        if not sys.stderr.isatty():
            yield _plain(description, total)
            return
        outermost = self._bars is None
        bars = self._bars = self._bars or _bars()
        # A file name may hold square brackets, which rich would take for markup.
        task = bars.add_task(description.replace("[", r"\["), total=total)
        try:
            if outermost:
                bars.start()
            yield lambda amount: bars.advance(task, amount)
        finally:
            bars.remove_task(task)
            if outermost:
                bars.stop()
                self._bars = None


def _bars() -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=Console(stderr=True),
        transient=True,
    )


def _plain(description: str, total: float | None) -> Advance:
    """Progress for a log file: a line every few seconds, none for what is done sooner."""
    begun = last = time.monotonic()
    done = 0.0

    def advance(amount: float) -> None:
        nonlocal done, last
        done += amount
        now = time.monotonic()
        if now - last < _PLAIN_EVERY_S:
            return
        last = now
        if total and done:
            left = (now - begun) * max(total - done, 0) / done
            print(f"{description}: {min(done / total, 1):.0%}, about {left:.0f} s left", file=sys.stderr, flush=True)
        else:
            print(f"{description}: {now - begun:.0f} s so far", file=sys.stderr, flush=True)

    return advance
