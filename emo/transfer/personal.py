"""`emo transfer`: from a dataset of one person to that person's model."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import emo
from emo.bases.base import Base, load_base
from emo.bases.features import dataset_features
from emo.bases.statistics import LabelStatistics
from emo.datasets.recordings import Recording, labels_of, recordings_of
from emo.errors import DatasetError
from emo.progress import Progress, silent
from emo.transfer.config import TransferConfig
from emo.transfer.fitting import Faces, Known, PersonalFit, limited_threads
from emo.transfer.judging import compared_with_base, evaluate_logits, hold_out, write_papers
from emo.transfer.model import Model, save_model
from emo.transfer.rehearsal import moved
from emo.workspace import DEFAULT_DATASET, Workspace

if TYPE_CHECKING:
    from emo.evaluation.report import Evaluation

__all__ = ["TransferConfig", "TransferResult", "transfer"]

FEATURE_CACHE = "features"
"""The folder in the workspace's cache where features are kept."""


@dataclass(frozen=True, kw_only=True)
class TransferResult:
    """What `transfer` made.

    Attributes:
        folder: where the model lies.
        notes: what the user should know, in plain sentences.
        seconds: how long it took; ``fit_seconds`` of it for everything after the features.
    """

    model: Model
    evaluation: Evaluation
    folder: Path
    notes: tuple[str, ...]
    seconds: float
    fit_seconds: float


def transfer(
    workspace: Workspace, dataset: str, config: TransferConfig, *, progress: Progress = silent
) -> TransferResult:
    """Fit a person's head on the frozen base, judge it on held-out recordings, and write the model.

    Raises:
        DatasetError: the dataset is missing, empty, or has fewer than two usable labels.
        BaseError: there is no such base.
        FileFormatError: a recording or the base is damaged.
        StorageError: the model could not be written; an older one stays whole.
    """
    begun = time.monotonic()
    every = recordings_of(workspace.dataset(dataset))
    base = load_base(config.base, threads=config.threads)
    labels = config.only or base.labels
    recordings, notes = _usable(dataset, every, labels, base, closed=bool(config.only))
    features = dataset_features(
        base, recordings, workspace.cache / FEATURE_CACHE, copies=config.copies, seed=config.seed, progress=progress
    )
    fitting = time.monotonic()
    faces = Faces(features, labels_by_crop(recordings))
    with limited_threads(config.threads), progress("fitting the head", total=None):
        fit = PersonalFit(Known(base.head, base.statistics, personal=False), labels, faces, seed=config.seed)
        held_out = hold_out(fit, recordings, seed=config.seed)
        every_crop = np.arange(len(faces.labels))
        head = fit.fit(every_crop, held_out.strength)
    evaluation = evaluate_logits(
        held_out.logits,
        faces.labels[held_out.crops],
        labels,
        split=held_out.split,
        recording_ids=ids_by_crop(recordings)[held_out.crops],
        known=base.head,
        features=features[0, held_out.crops],
    )
    model = Model(
        name=config.name or dataset,
        head=head,
        base_name=base.name,
        base_fingerprint=base.fingerprint,
        temperature=evaluation.temperature,
        threshold=evaluation.threshold,
        calibration=np.zeros(len(labels), np.float32),
        recordings=recording_names(dataset, recordings),
        statistics=personal_statistics(labels, faces, base.statistics, fit.offset(every_crop)),
        created=now(),
        emo_version=emo.__version__,
        config={**asdict(config), "only": list(config.only), "dataset": dataset, "strength": held_out.strength},
        summary=evaluation.to_document(),
    )
    folder = workspace.model(model.name)
    extra = {"augmented copies": str(config.copies), "seed": str(config.seed), "how it was tested": evaluation.note}

    def papers(partial: Path) -> None:
        title = f"Model {model.name}"
        write_papers(partial, model, evaluation, base=base, recordings=recordings, title=title, extra=extra)

    save_model(folder, model, more=papers)
    return TransferResult(
        model=model,
        evaluation=evaluation,
        folder=folder,
        notes=(*notes, evaluation.note, *compared_with_base(evaluation, closed=bool(config.only))),
        seconds=time.monotonic() - begun,
        fit_seconds=time.monotonic() - fitting,
    )


def _usable(
    dataset: str, every: Sequence[Recording], labels: tuple[str, ...], base: Base, *, closed: bool
) -> tuple[list[Recording], list[str]]:
    """The recordings that this model learns from, and what to say about the others."""
    found = labels_of(every)
    lacking = [label for label in labels if label not in found and label not in base.labels]
    if lacking:
        command = capture_command(lacking[0], dataset)
        raise DatasetError(f"dataset {dataset}: `{lacking[0]}` is not recorded; record it with: {command}")
    kept = [recording for recording in every if recording.label in labels and recording.crops]
    used = labels_of(kept)
    new = [] if closed else [label for label in found if label not in labels]
    if len(used) < 2:
        which = f"only `{used[0]}` is recorded" if used else "no label is recorded"
        among = f" of {', '.join(labels)}"
        wait = f" ({', '.join(new)} can be added afterwards with emo extend)" if new else ""
        command = capture_command(next(label for label in labels if label not in used), dataset)
        raise DatasetError(f"dataset {dataset}: {which}{among}{wait}; record a second label, as in: {command}")
    if not new:
        return kept, []
    names = ",".join(new)
    return kept, [f"{names}: no label of the base, so not used yet; add it with: emo extend --classes {names}"]


def personal_statistics(
    labels: tuple[str, ...], faces: Faces, known: Mapping[str, LabelStatistics], offset: NDArray[np.float32]
) -> dict[str, LabelStatistics]:
    """Per label what this person's features look like: measured where recorded, else everybody's, moved."""
    recorded = set(faces.labels.tolist())
    return {
        label: LabelStatistics.fit(faces.features[0, faces.labels == label])
        if label in recorded
        else moved(known[label], offset)
        for label in labels
    }


def capture_command(label: str, dataset: str) -> str:
    """The command that records a label."""
    return f"emo capture VIDEO --label {label}" + ("" if dataset == DEFAULT_DATASET else f" --dataset {dataset}")


def labels_by_crop(recordings: Sequence[Recording]) -> NDArray[np.str_]:
    """The label of every crop, counted through the recordings in order."""
    return np.array([recording.label for recording in recordings for _ in recording.crops])


def ids_by_crop(recordings: Sequence[Recording]) -> NDArray[np.str_]:
    """The recording of every crop, counted through the recordings in order; the id alone is not unique over labels."""
    return np.array([f"{recording.label}/{recording.id}" for recording in recordings for _ in recording.crops])


def recording_names(dataset: str, recordings: Sequence[Recording]) -> tuple[str, ...]:
    """How a model names what it learned from."""
    return tuple(f"{dataset}/{recording.label}/{recording.id}" for recording in recordings)


def now() -> str:
    """UTC, ISO 8601; microseconds, so that the newest of several models is known."""
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")
