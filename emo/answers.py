"""What the commands answer: each result as lines for people and as a document for programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emo.console import Answer
from emo.errors import EmoError
from emo.workspace import Workspace

if TYPE_CHECKING:
    from emo.capture.recorder import CaptureResult
    from emo.datasets.recordings import Recording
    from emo.transfer.model import Model


def captured(results: Sequence[CaptureResult], workspace: Workspace) -> Answer:
    """What `emo capture` made."""
    lines, documents, notes = [], [], []
    for result in results:
        recording = result.recording
        there = " (was there already; --again captures it once more)" if result.already_there else ""
        lines.append(f"{recording.label}: {_crops(recording)} in {within(recording.folder, workspace)}{there}")
        documents.append({**_recording(recording, workspace), "already_there": result.already_there})
        if result.advice:
            notes.append(result.advice)
    return Answer(lines=lines, document={"recordings": documents}, notes=tuple(dict.fromkeys(notes)))


def imported(recordings: Sequence[Recording], workspace: Workspace, notes: Sequence[str]) -> Answer:
    """What `emo import` made."""
    lines = [f"{item.person}, {item.label}: {_crops(item)} in {within(item.folder, workspace)}" for item in recordings]
    documents = [_recording(item, workspace) for item in recordings]
    return Answer(lines=lines, document={"recordings": documents}, notes=notes)


def augmented(count: int, target: Path, workspace: Workspace) -> Answer:
    """What `emo augment` wrote."""
    folder = within(target, workspace)
    return Answer(lines=[f"{count} augmented crops in {folder}"], document={"crops": count, "folder": folder})


def inventory(workspace: Workspace) -> Answer:
    """The datasets and models of a workspace; a damaged one is named, and hides none of the others."""
    from emo.datasets.recordings import recordings_of
    from emo.transfer.model import load_model

    notes: list[str] = []
    datasets, models = [], []
    for folder in _folders(workspace.datasets):
        try:
            datasets.append(_dataset(folder.name, recordings_of(folder)))
        except EmoError as error:
            notes.append(str(error))
    for folder in _folders(workspace.models):
        try:
            models.append(_model(load_model(folder)))
        except EmoError as error:
            notes.append(str(error))
    lines = [_dataset_line(item) for item in datasets] + [_model_line(item) for item in models]
    if not lines and not notes:
        lines = [f"nothing in {workspace.root} yet; begin with: emo capture VIDEO --label LABEL"]
    document = {"workspace": str(workspace.root), "datasets": datasets, "models": models}
    return Answer(lines=lines, document=document, notes=notes)


def within(path: Path, workspace: Workspace) -> str:
    """A path as seen from the workspace, with forward slashes; as it is when it lies elsewhere."""
    return path.relative_to(workspace.root).as_posix() if path.is_relative_to(workspace.root) else str(path)


def _folders(parent: Path) -> list[Path]:
    if not parent.is_dir():
        return []
    # What begins with a dot or ends in .partial is unfinished, and about to be replaced or removed.
    return sorted(path for path in parent.iterdir() if path.is_dir() and "." not in path.name)


def _dataset(name: str, recordings: Sequence[Recording]) -> dict[str, Any]:
    labels: dict[str, int] = {}
    for item in recordings:
        labels[item.label] = labels.get(item.label, 0) + len(item.crops)
    return {
        "name": name,
        "recordings": len(recordings),
        "crops": sum(labels.values()),
        "labels": dict(sorted(labels.items())),
        "persons": sorted({item.person for item in recordings}),
    }


def _dataset_line(document: dict[str, Any]) -> str:
    persons = "1 person" if len(document["persons"]) == 1 else f"{len(document['persons'])} persons"
    labels = ", ".join(f"{label} {count}" for label, count in document["labels"].items())
    counts = f"{document['crops']} crops, {document['recordings']} recordings, {persons}"
    return f"dataset {document['name']}: {counts}: {labels}"


def _model(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "labels": list(model.labels),
        "base": model.base_name,
        "parent": model.parent,
        "created": model.created,
        "recordings": len(model.recordings),
    }


def _model_line(document: dict[str, Any]) -> str:
    return (
        f"model {document['name']}: {', '.join(document['labels'])}; on {document['base']}, {document['created'][:16]}"
    )


def _recording(recording: Recording, workspace: Workspace) -> dict[str, Any]:
    return {
        "id": recording.id,
        "folder": within(recording.folder, workspace),
        "label": recording.label,
        "person": recording.person,
        "source": recording.source_name,
        "start_s": recording.start_s,
        "end_s": recording.end_s,
        "crops": len(recording.crops),
        "rejected": dict(recording.rejected),
    }


def _crops(recording: Recording) -> str:
    """As in: 214 crops, 31 rejected: 18 blurred, 9 turned away."""
    total = sum(recording.rejected.values())
    most_first = sorted(recording.rejected.items(), key=lambda item: -item[1])
    counts = ", ".join(f"{count} {reason}" for reason, count in most_first)
    return f"{len(recording.crops)} crops" + (f", {total} rejected: {counts}" if total else "")
