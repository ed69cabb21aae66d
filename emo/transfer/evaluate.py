"""`emo evaluate`: a finished model on a dataset that it may or may not have seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emo.bases.features import dataset_features
from emo.datasets.recordings import Recording, labels_of, recordings_of
from emo.errors import DatasetError
from emo.progress import Progress, silent
from emo.transfer.judging import known_probabilities
from emo.transfer.model import Model, base_of, find_model
from emo.transfer.personal import FEATURE_CACHE, ids_by_crop, labels_by_crop, recording_names
from emo.workspace import Workspace, new_folder

if TYPE_CHECKING:
    from emo.evaluation.report import Evaluation


@dataclass(frozen=True, kw_only=True)
class EvaluateResult:
    """What `evaluate` found.

    Attributes:
        folder: where the report lies.
        notes: what the user should know, in plain sentences.
    """

    model: Model
    evaluation: Evaluation
    folder: Path
    notes: tuple[str, ...]


def evaluate(
    workspace: Workspace, model: str, dataset: str, *, threads: int = 2, progress: Progress = silent
) -> EvaluateResult:
    """Test a model on a dataset's crops as they are, and write the report into the model's folder.

    Recordings that the model learned from are left out; if nothing else is there they are used, with a warning.

    Args:
        model: its name; "" takes the newest.

    Raises:
        ModelError: there is no such model, or its base is another one by now.
        DatasetError: the dataset is missing, or has none of the model's labels.
        StorageError: the report could not be written.
    """
    from emo.evaluation.report import Evaluation, write_report

    chosen = find_model(workspace, model)
    every = [item for item in recordings_of(workspace.dataset(dataset)) if item.kind != "augmented" and item.crops]
    recordings, notes = _fair(chosen, dataset, every)
    base = base_of(chosen, threads=threads)
    features = dataset_features(base, recordings, workspace.cache / FEATURE_CACHE, copies=0, seed=0, progress=progress)[
        0
    ]
    truth = np.array([chosen.labels.index(label) for label in labels_by_crop(recordings)], dtype=np.intp)
    evaluation = Evaluation(
        labels=chosen.labels,
        truth=truth,
        probabilities=chosen.probabilities(features),
        base_probabilities=known_probabilities(base.head, features, chosen.labels),
        recording_ids=ids_by_crop(recordings),
        unit="recording",
        note=notes[0],
        temperature=chosen.temperature,
        threshold=chosen.threshold,
    )
    folder = workspace.model(chosen.name) / f"report-on-{dataset}"
    with new_folder(folder) as partial:
        write_report(partial, evaluation, title=f"Model {chosen.name} on {dataset}")
    return EvaluateResult(model=chosen, evaluation=evaluation, folder=folder, notes=tuple(notes))


def _fair(model: Model, dataset: str, every: Sequence[Recording]) -> tuple[list[Recording], list[str]]:
    """The recordings to test on, and in plain words what that means."""
    mine = [item for item in every if item.label in model.labels]
    if not mine:
        raise DatasetError(
            f"dataset {dataset}: has {', '.join(labels_of(every)) or 'no crops'} and none of the labels of model "
            f"{model.name}: {', '.join(model.labels)}; name another one with --on"
        )
    # Datasets can be copied and renamed: what a model has seen is known by label and id.
    seen = {name.split("/", 1)[1] for name in model.recordings}
    fresh = [item for item, name in zip(mine, recording_names("", mine), strict=True) if name[1:] not in seen]
    notes = []
    if fresh:
        left_out = len(mine) - len(fresh)
        seen_words = f"; {left_out} that it learned from were left out" if left_out else ""
        notes.append(f"Tested on {len(fresh)} recordings that the model has never seen{seen_words}.")
    else:
        notes.append("Flattering: the model learned from every one of these recordings. Record new ones to know.")
    unknown = sorted({item.label for item in every} - set(model.labels))
    if unknown:
        notes.append(f"{', '.join(unknown)}: no label of this model, so not tested.")
    return fresh or mine, notes
