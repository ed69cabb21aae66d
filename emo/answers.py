"""What the commands answer: each result as lines for people and as a document for programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emo.console import Answer
from emo.errors import EmoError
from emo.workspace import Workspace

if TYPE_CHECKING:
    from emo.bases.base import Base
    from emo.capture.recorder import CaptureResult
    from emo.datasets.recordings import Recording
    from emo.deploy.predict import Prediction
    from emo.evaluation.numbers import Evaluation
    from emo.extension.grow import ExtendResult
    from emo.transfer.evaluate import EvaluateResult
    from emo.transfer.model import Model
    from emo.transfer.personal import TransferResult

_TIMED = ("video", "camera")
"""Kinds of recordings that last; a folder's pictures are numbered, and copies last no longer than what they copy."""


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
    return Answer(lines=[f"{_count(count, 'augmented crop')} in {folder}"], document={"crops": count, "folder": folder})


def transferred(result: TransferResult, workspace: Workspace) -> Answer:
    """What `emo transfer` made."""
    folder = within(result.folder, workspace)
    return Answer(lines=_made(result, folder), document=_made_document(result, folder), notes=result.notes)


def predicted(prediction: Prediction, files: Sequence[Path]) -> Answer:
    """What `emo predict` saw: a video as stretches of one answer, pictures one by one."""
    rows = prediction.to_json()
    if prediction.video:
        lines = [f"{start:6.1f} to {end:6.1f} s  {answer}" for start, end, answer in prediction.segments()]
    else:
        lines = [f"{row['source']}: {_answer(row)}" for row in rows]
    shares = ", ".join(f"{answer} {share:.0%}" for answer, share in prediction.shares().items())
    counts = f"{_count(prediction.faces, 'face')} in {_count(len(rows), 'sample')}"
    lines.append(f"model {prediction.model}, {counts}: {shares}")
    lines += [f"written: {path}" for path in files]
    document = {
        "model": prediction.model,
        "source": prediction.source,
        "labels": list(prediction.labels),
        "shares": prediction.shares(),
        "moments": rows,
        "files": [str(path) for path in files],
    }
    return Answer(lines=lines, document=document)


def extended(result: ExtendResult, workspace: Workspace) -> Answer:
    """What `emo extend` made."""
    folder = within(result.folder, workspace)
    return Answer(lines=_made(result, folder), document=_made_document(result, folder), notes=result.notes)


def evaluated(result: EvaluateResult, workspace: Workspace) -> Answer:
    """What `emo evaluate` found."""
    folder = within(result.folder, workspace)
    lines = [f"model {result.model}: {_score(result.evaluation)}", f"the report: {folder}/report.html"]
    document = {"model": result.model, "folder": folder, "evaluation": result.evaluation.to_document()}
    return Answer(lines=lines, document=document, notes=(*result.notes, result.evaluation.note))


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


def bases(found: Sequence[Base]) -> Answer:
    """The bases that are installed."""
    return Answer(lines=[_base_line(base) for base in found], document={"bases": [_base(base) for base in found]})


def base_card(base: Base) -> Answer:
    """Everything that a base says of itself."""
    import yaml

    text = yaml.safe_dump(_base(base) | {"card": dict(base.card)}, sort_keys=False, allow_unicode=True, width=100)
    return Answer(lines=text.splitlines(), document=_base(base) | {"card": dict(base.card)})


def base_trained(path: Path, base: Base) -> Answer:
    """What `emo base train` made."""
    return Answer(lines=[_base_line(base), f"written to {path}"], document=_base(base) | {"file": str(path)})


def within(path: Path, workspace: Workspace) -> str:
    """A path as seen from the workspace, with forward slashes; as it is when it lies elsewhere."""
    return path.relative_to(workspace.root).as_posix() if path.is_relative_to(workspace.root) else str(path)


def _score(evaluation: Evaluation) -> str:
    """The headline number with what it is to be compared with."""
    low, high = evaluation.interval
    base = evaluation.base_uar_open
    against = "" if base is None else f"; the unadapted base: {base:.0%}"
    interval = f"95% interval: {low:.0%} to {high:.0%}"
    return f"right on {evaluation.uar:.0%} of held-out faces, averaged over labels ({interval}){against}"


def _made(result: TransferResult | ExtendResult, folder: str) -> list[str]:
    return [
        f"model {result.model.name}: {', '.join(result.model.labels)}",
        _score(result.evaluation),
        f"made in {result.seconds:.1f} s; how far to trust it: {folder}/report/report.html",
    ]


def _made_document(result: TransferResult | ExtendResult, folder: str) -> dict[str, Any]:
    document = {"model": _model(result.model), "folder": folder, "seconds": round(result.seconds, 2)}
    return {**document, "evaluation": result.evaluation.to_document()}


def _answer(row: dict[str, Any]) -> str:
    """As in: happy 83 %; or: unsure, happy 41 % at most."""
    if row["label"] is None:
        return "no face"
    label, probability = max(row["probabilities"].items(), key=lambda item: float(item[1]))
    return f"{label} {probability:.0%}" if row["label"] == label else f"{row['label']} ({label} {probability:.0%})"


def _base(base: Base) -> dict[str, Any]:
    return {
        "name": base.name,
        "labels": list(base.labels),
        "features": base.size,
        "preprocessing": base.preprocessing.to_document(),
        "fingerprint": base.fingerprint,
        "test": base.card.get("test"),
    }


def _base_line(base: Base) -> str:
    test = base.card.get("test") or {}
    numbers = f"; on its test set accuracy {test['accuracy']:.1%}, UAR {test['uar']:.1%}" if test else ""
    return f"base {base.name}: {', '.join(base.labels)}; {base.preprocessing.px} px{numbers}"


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
        "seconds": round(sum(item.end_s - item.start_s for item in recordings if item.kind in _TIMED), 1),
        "labels": dict(sorted(labels.items())),
        "persons": sorted({item.person for item in recordings}),
    }


def _dataset_line(document: dict[str, Any]) -> str:
    labels = ", ".join(f"{label} {count}" for label, count in document["labels"].items())
    counts = [_count(document["crops"], "crop"), _count(document["recordings"], "recording")]
    counts += [f"{document['seconds']:.0f} s"] if document["seconds"] else []
    return f"dataset {document['name']}: {', '.join(counts)}, {_count(len(document['persons']), 'person')}: {labels}"


def _model(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "labels": list(model.labels),
        "base": model.base_name,
        "parent": model.parent,
        "created": model.created,
        "recordings": len(model.recordings),
        "uar": model.summary.get("uar"),
        "unit": model.summary.get("unit"),
    }


def _model_line(document: dict[str, Any]) -> str:
    made = f"on {document['base']}, {document['created'][:16]}"
    uar = document["uar"]
    if not isinstance(uar, int | float):
        return f"model {document['name']}: {', '.join(document['labels'])}; {made}"
    # Split by time, the test faces come from the same takes: the number must not stand there without saying so.
    caution = " (optimistic)" if document["unit"] == "time" else ""
    return f"model {document['name']}: {', '.join(document['labels'])}; {made}; UAR {uar:.0%}{caution}"


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
    return _count(len(recording.crops), "crop") + (f", {total} rejected: {counts}" if total else "")


def _count(number: int, noun: str) -> str:
    """As in: 1 face; 2 faces."""
    return f"{number} {noun}" + "s" * (number != 1)
