"""Options that several commands share, defined once, and what turns their texts into values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emo.workspace import Workspace

WorkspaceOption = Annotated[
    Path | None, typer.Option("--workspace", help="Folder of datasets/ and models/; else the nearest with emo.yaml.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, all else on stderr.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of everything drawn at random.")]
UnusedSeedOption = Annotated[
    int, typer.Option("--seed", help="For scripts that give it to every command; this one draws nothing at random.")
]
ThreadsOption = Annotated[int, typer.Option("--threads", help="CPU threads; more are slower where cores are busy.")]
DatasetOption = Annotated[str, typer.Option("--dataset", help="The dataset's name.")]
CopiesOption = Annotated[int, typer.Option("--copies", help="Augmented copies of each crop to learn from.")]
NameOption = Annotated[str, typer.Option("--name", help="The new model's name; emo chooses one if it is left out.")]
EveryOption = Annotated[float, typer.Option("--every", help="Seconds of video between two samples.")]
MinFaceOption = Annotated[int, typer.Option("--min-face", help="The smallest face to look for, in pixels.")]
PersonOption = Annotated[str, typer.Option("--person", help="Who it is.")]


def examples(*lines: str) -> str:
    """Examples under a help page; the control character keeps the line breaks."""
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))


def workspace_at(folder: Path | None) -> Workspace:
    """The workspace that was named, or the one around the current folder."""
    return Workspace.at(folder) if folder else Workspace.find(Path.cwd())


def split(text: str) -> tuple[str, ...]:
    """The parts of a list with commas."""
    return tuple(part for part in text.split(",") if part.strip())
