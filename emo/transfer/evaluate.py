"""`emo evaluate`: how good a model is on recordings of another day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emo.bases.features import dataset_features
from emo.datasets.recordings import AUGMENTED, Recording, labels_of, recordings_of
from emo.errors import DatasetError
from emo.evaluation.numbers import Evaluation
from emo.progress import Progress, silent
from emo.transfer.judging import highest_elsewhere, known_probabilities
from emo.transfer.model import Model, base_of, find_model
from emo.workspace import Workspace, new_folder


@dataclass(frozen=True, kw_only=True)
class EvaluateResult:
    """What `evaluate` found.

    Attributes:
        model: the model's name.
        folder: where the report lies.
        notes: what the user should know, in plain sentences.
    """

    model: str
    evaluation: Evaluation
    folder: Path
    notes: tuple[str, ...]


def evaluate(
    workspace: Workspace, model: str, dataset: str, *, threads: int = 1, progress: Progress = silent
) -> EvaluateResult:
    """Judge a model on every recording of a dataset that it did not learn from.

    Args:
        model: its name; "" is the newest.
        dataset: what to judge it on.
        threads: CPU threads of one forward pass.

    Raises:
        ModelError: there is no such model, or its base is another version.
        DatasetError: the dataset is missing or empty, or nothing in it is new to the model.
        StorageError: the report could not be written.
    """
    judged = find_model(workspace, model)
    recordings, notes = _unseen(judged, dataset, recordings_of(workspace.dataset(dataset)))
    base = base_of(judged, threads=threads)
    features = dataset_features(base, recordings, workspace.cache / "features", copies=0, seed=0, progress=progress)[0]
    truth = [judged.labels.index(recording.label) for recording in recordings for _ in recording.crops]
    evaluation = Evaluation(
        labels=judged.labels,
        truth=np.array(truth, dtype=np.intp),
        probabilities=judged.probabilities(features),
        base_probabilities=known_probabilities(base.head, features, judged.labels),
        base_elsewhere=highest_elsewhere(base.head, features, judged.labels),
        recording_ids=np.array([recording.id for recording in recordings for _ in recording.crops]),
        unit="recording",
        note=f"Judged on the dataset {dataset}: {len(recordings)} recordings, none of which the model learned from.",
        temperature=judged.temperature,
        threshold=judged.threshold,
    )
    folder = _write(workspace, judged, dataset, evaluation)
    return EvaluateResult(model=judged.name, evaluation=evaluation, folder=folder, notes=notes)


def _unseen(model: Model, dataset: str, recordings: Sequence[Recording]) -> tuple[list[Recording], tuple[str, ...]]:
    """The recordings to judge on, and what to say about the others."""
    # A dataset may have been copied or renamed; a recording's id holds the hash of its source.
    learned = {item.rsplit("/", 1)[-1] for item in model.recordings}
    own = [recording for recording in recordings if recording.kind != AUGMENTED and recording.crops]
    new = [recording for recording in own if recording.id not in learned]
    kept = [recording for recording in new if recording.label in model.labels]
    if not kept:
        why = "the model learned from all of its recordings" if not new else "none of its labels is one of the model's"
        raise DatasetError(
            f"dataset {dataset}: {why}; record new ones with: emo capture VIDEO --label LABEL --dataset NAME"
        )
    notes = []
    if len(new) < len(own):
        notes.append(f"{len(own) - len(new)} recordings that the model learned from are left out.")
    unknown = sorted(set(labels_of(new)) - set(model.labels))
    if unknown:
        notes.append(
            f"Recordings of {', '.join(unknown)} are left out: the model {model.name} does not know these labels."
        )
    return kept, tuple(notes)


def _write(workspace: Workspace, model: Model, dataset: str, evaluation: Evaluation) -> Path:
    from emo.evaluation.report import write_report

    folder = workspace.model(model.name) / f"report-on-{dataset}"
    facts = {"base": model.base_name, "judged on": f"dataset {dataset}, {len(evaluation.truth)} face crops"}
    with new_folder(folder) as partial:
        write_report(partial, evaluation, title=f"Model {model.name} on {dataset}", extra=facts)
    return folder
