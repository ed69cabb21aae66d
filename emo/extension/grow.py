"""`emo extend`: add labels to a head and forget none of the old ones.

The rows of the old labels stay bitwise as they are; only the new rows are fitted, against the new crops and against
features drawn from the statistics of the old labels, so no old picture is needed. Then old and new are
calibrated together: one number added to the new labels' logits, and one temperature for all.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import emo
from emo.bases.base import Base, load_base
from emo.bases.features import dataset_features
from emo.bases.head import Head
from emo.bases.statistics import LabelStatistics
from emo.datasets.recordings import Recording, labels_of, recordings_of
from emo.errors import DatasetError, ModelError
from emo.extension.balance import Answers, OldAndNew, balance_new_labels, mean_recall, old_and_new
from emo.extension.config import ExtendConfig
from emo.progress import Progress, silent
from emo.transfer.fitting import Faces, Known, PersonalFit, limited_threads
from emo.transfer.judging import HeldOut, careful, evaluate_logits, hold_out, write_papers
from emo.transfer.model import Model, base_of, find_model, newest_model, save_model
from emo.transfer.personal import (
    FEATURE_CACHE,
    capture_command,
    ids_by_crop,
    labels_by_crop,
    now,
    personal_statistics,
    recording_names,
)
from emo.workspace import Workspace

if TYPE_CHECKING:
    from emo.evaluation.report import Evaluation

__all__ = ["ExtendConfig", "ExtendResult", "extend"]

_SUFFIX = "-extended"
_LONGEST_NAME = 40


@dataclass(frozen=True, kw_only=True)
class ExtendResult:
    """What `extend` made.

    Attributes:
        folder: where the model lies.
        old_and_new: what the old labels lost and the new ones reached; None with ``replace``.
        notes: what the user should know, in plain sentences.
        seconds: how long it took.
    """

    model: Model
    evaluation: Evaluation
    folder: Path
    old_and_new: OldAndNew | None
    notes: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class _Parent:
    """What is grown: a model, or the bare base."""

    model: Model | None
    base: Base

    @property
    def known(self) -> Known:
        if self.model is None:
            return Known(self.base.head, self.base.statistics, personal=False)
        return Known(self.model.head, self.model.statistics, personal=True)

    @property
    def calibration(self) -> NDArray[np.float32]:
        return np.zeros_like(self.base.head.bias) if self.model is None else self.model.calibration

    @property
    def words(self) -> str:
        return f"base {self.base.name}" if self.model is None else f"model {self.model.name}"


@dataclass(frozen=True, slots=True)
class _Calibration:
    """What is added to each label's logit, float64 (L,), the temperature, and how old and new labels fare with it."""

    shifts: NDArray[np.float64]
    temperature: float | None
    old_and_new: OldAndNew | None


def extend(workspace: Workspace, config: ExtendConfig, *, progress: Progress = silent) -> ExtendResult:
    """Grow a model by the recorded crops of new labels, or make the closed model of just those, and write it.

    Raises:
        DatasetError: a new label is not recorded, or the dataset is missing.
        ModelError: there is no such model, or it has one of the labels already.
        FileFormatError: a recording, the model or the base is damaged.
        StorageError: the model could not be written; older ones stay whole.
    """
    begun = time.monotonic()
    parent = _find_parent(workspace, config)
    new, old = _choose_recordings(workspace, config, parent)
    recordings = [*new, *old]
    labels = config.classes if config.replace else (*parent.known.head.labels, *config.classes)
    faces = _read_faces(workspace, config, parent.base, new, old, progress)
    with limited_threads(config.threads), progress("fitting the new labels", total=None):
        fit = PersonalFit(parent.known, labels, faces, seed=config.seed, grow=not config.replace)
        held_out = hold_out(fit, recordings, seed=config.seed)
        every_crop = np.arange(len(faces.labels))
        head = fit.fit(every_crop, held_out.strength)
        calibration = _calibrate(fit, held_out, head, parent, config)
    evaluation = evaluate_logits(
        held_out.logits + calibration.shifts,
        faces.labels[held_out.crops],
        labels,
        split=held_out.split,
        recording_ids=ids_by_crop(recordings)[held_out.crops],
        known=parent.base.head,
        features=faces.features[0, held_out.crops],
        temperature=calibration.temperature,
    )
    compared = {} if calibration.old_and_new is None else calibration.old_and_new.to_document()
    model = Model(
        name=_name(config, parent),
        head=head,
        base_name=parent.base.name,
        base_fingerprint=parent.base.fingerprint,
        temperature=evaluation.temperature,
        threshold=evaluation.threshold,
        calibration=calibration.shifts.astype(np.float32),
        recordings=_ancestry(config.dataset, new, parent),
        statistics=_statistics(labels, faces, config, parent, offset=fit.offset(every_crop)),
        created=now(),
        emo_version=emo.__version__,
        parent="" if parent.model is None else parent.model.name,
        config={**asdict(config), "classes": list(config.classes), "strength": held_out.strength},
        summary={**evaluation.to_document(), **compared},
    )
    notes = _notes(evaluation, calibration.old_and_new, parent)
    _save(workspace, model, evaluation, parent, new, notes)
    return ExtendResult(
        model=model,
        evaluation=evaluation,
        folder=workspace.model(model.name),
        old_and_new=calibration.old_and_new,
        notes=notes,
        seconds=time.monotonic() - begun,
    )


def _find_parent(workspace: Workspace, config: ExtendConfig) -> _Parent:
    """The model to grow, or the base where there is none, checked against the new labels."""
    model = find_model(workspace, config.model) if config.model else newest_model(workspace)
    base = load_base(threads=config.threads) if model is None else base_of(model, threads=config.threads)
    parent = _Parent(model, base)
    known = [label for label in config.classes if label in parent.known.head.labels]
    if known and not config.replace:
        if model is not None and model.parent and known[0] not in base.labels:
            advice = f"to learn it anew begin from the model before, as in: --model {model.parent}"
        else:
            advice = "leave it out of --classes; recordings of known labels are learned by: emo transfer"
        raise ModelError(f"{parent.words}: knows `{known[0]}` already; {advice}")
    return parent


def _choose_recordings(
    workspace: Workspace, config: ExtendConfig, parent: _Parent
) -> tuple[list[Recording], list[Recording]]:
    """The recordings of the new labels, to learn from, and of the old ones, to test on."""
    every = [item for item in recordings_of(workspace.dataset(config.dataset)) if item.crops]
    found = labels_of(every)
    for label in config.classes:
        if label not in found:
            command = capture_command(label, config.dataset)
            raise DatasetError(f"dataset {config.dataset}: `{label}` is not recorded; record it with: {command}")
    new = [item for item in every if item.label in config.classes]
    old = [] if config.replace else [item for item in every if item.label in parent.known.head.labels]
    return new, old


def _read_faces(
    workspace: Workspace,
    config: ExtendConfig,
    base: Base,
    new: Sequence[Recording],
    old: Sequence[Recording],
    progress: Progress,
) -> Faces:
    cache = workspace.cache / FEATURE_CACHE
    learned = dataset_features(base, new, cache, copies=config.copies, seed=config.seed, progress=progress)
    tested = dataset_features(base, old, cache, copies=0, seed=config.seed, progress=progress)
    # Crops of old labels are tested on and never learned from, so nobody looks at their planes of copies.
    padded = np.broadcast_to(tested, (len(learned), *tested.shape[1:]))
    return Faces(np.concatenate([learned, padded], axis=1), labels_by_crop([*new, *old]))


def _calibrate(fit: PersonalFit, held_out: HeldOut, head: Head, parent: _Parent, config: ExtendConfig) -> _Calibration:
    """Put the new labels on the scale of the old ones, and see what that does to either."""
    from emo.evaluation.calibration import fit_temperature

    shifts = np.zeros(len(fit.labels))
    if config.replace:
        return _Calibration(shifts, None, None)
    count = len(parent.known.head.labels)
    shifts[:count] = parent.calibration
    is_new = np.arange(len(fit.labels)) >= count
    # Drawn with another seed than what the head rehearsed.
    drawn = fit.rehearsal(np.arange(len(fit.faces.labels)), seed=config.seed + 2)
    crops = Answers(held_out.logits + shifts, _indices(fit.faces.labels[held_out.crops], fit.labels))
    imagined = Answers(head.logits(drawn.features).astype(np.float64) + shifts, drawn.targets)
    missing = ~np.isin(imagined.truth, crops.truth)
    both = Answers(
        np.concatenate([crops.logits, imagined.logits[missing]]), np.concatenate([crops.truth, imagined.truth[missing]])
    )
    of_old = ~is_new[both.truth]
    before = mean_recall(both.logits[of_old][:, :count], both.truth[of_old])
    shift = balance_new_labels(both, is_new, before=before) * is_new
    of_old = ~is_new[crops.truth]
    own = crops.logits[of_old][:, :count]
    compared = old_and_new(
        Answers(crops.logits + shift, crops.truth),
        Answers(imagined.logits + shift, imagined.truth),
        is_new,
        parent_crops=Answers(own, crops.truth[of_old]),
        parent_drawn=Answers(imagined.logits[:, :count], imagined.truth),
    )
    temperature = careful(fit_temperature(both.logits + shift, both.truth), held_out.split)
    return _Calibration(shifts + shift, temperature, compared)


def _indices(names: NDArray[np.str_], labels: tuple[str, ...]) -> NDArray[np.intp]:
    return np.array([labels.index(name) for name in names], dtype=np.intp)


def _statistics(
    labels: tuple[str, ...], faces: Faces, config: ExtendConfig, parent: _Parent, *, offset: NDArray[np.float32]
) -> dict[str, LabelStatistics]:
    """The new labels' from their crops; the old ones' as the parent has them, or the base's moved to the person."""
    new = np.isin(faces.labels, config.classes)
    known = {} if config.replace else parent.known.statistics
    return personal_statistics(labels, Faces(faces.features[:, new], faces.labels[new]), known, offset)


def _ancestry(dataset: str, new: Sequence[Recording], parent: _Parent) -> tuple[str, ...]:
    before = () if parent.model is None else parent.model.recordings
    return tuple(dict.fromkeys([*before, *recording_names(dataset, new)]))


def _name(config: ExtendConfig, parent: _Parent) -> str:
    """A name that says what it is; growing a grown model again replaces it, for nothing in it is lost."""
    if config.name:
        return config.name
    if config.replace:
        return "-".join(config.classes)[:_LONGEST_NAME].rstrip("-_")
    name = config.dataset if parent.model is None else parent.model.name
    return name if name.endswith(_SUFFIX) else name[: _LONGEST_NAME - len(_SUFFIX)] + _SUFFIX


def _notes(evaluation: Evaluation, compared: OldAndNew | None, parent: _Parent) -> tuple[str, ...]:
    if compared is None:
        return (evaluation.note,)
    if compared.old_before is None or compared.old_after is None:
        where, before, after = "features drawn for them", compared.drawn_before, compared.drawn_after
    else:
        where, before, after = "your own crops of them", compared.old_before, compared.old_after
    return (
        evaluation.note,
        f"Old labels: {before:.0%} right before and {after:.0%} after, on {where}; new labels: {compared.new:.0%}. "
        f"The rows of the old labels are those of the {parent.words}, bit by bit.",
    )


def _save(
    workspace: Workspace,
    model: Model,
    evaluation: Evaluation,
    parent: _Parent,
    recordings: Sequence[Recording],
    notes: Sequence[str],
) -> None:
    extra = {"grown from": parent.words, "new labels": ", ".join(model.config["classes"]), "notes": " ".join(notes)}

    def papers(folder: Path) -> None:
        write_papers(
            folder,
            model,
            evaluation,
            base=parent.base,
            recordings=recordings,
            title=f"Model {model.name}",
            extra=extra,
        )

    save_model(workspace.model(model.name), model, more=papers)
