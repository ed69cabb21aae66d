"""How good a personal head is: answers on recordings it has not seen, calibrated, and put into plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emo.bases.base import Base
from emo.bases.head import Head
from emo.datasets.recordings import Recording
from emo.datasets.splits import Split, split_by_recording
from emo.errors import DatasetError
from emo.transfer.fitting import PersonalFit
from emo.workspace import write_bytes

if TYPE_CHECKING:
    from emo.evaluation.report import Evaluation
    from emo.transfer.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """A fit's answers to crops that it was not fitted on.

    Attributes:
        split: how they were held back.
        crops: (n,) which of the crops were tested.
        logits: float64 (n, L).
        strength: what was chosen for the fit to all crops.
    """

    split: Split
    crops: NDArray[np.intp]
    logits: NDArray[np.float64]
    strength: float


def hold_out(fit: PersonalFit, recordings: Sequence[Recording], *, seed: int) -> HeldOut:
    """Cross-validate a fit by recording, its strength chosen anew inside each training side.

    Args:
        recordings: crop indices count through them in order.

    Raises:
        DatasetError: nothing is left to learn from or to test on.
    """
    split = split_by_recording(recordings, seed=seed)
    strength, per_fold = fit.choose(split.folds)
    crops, logits = [], []
    for fold, chosen in zip(split.folds, per_fold, strict=True):
        if len(fold.test) and fit.can_learn(fold.train):
            crops.append(fold.test)
            logits.append(fit.fit(fold.train, chosen).logits(fit.faces.features[0, fold.test]).astype(np.float64))
    if not crops:
        raise DatasetError("too few face crops to hold any back for testing; record longer videos, or more of them")
    order = np.argsort(np.concatenate(crops), kind="stable")
    return HeldOut(split, np.concatenate(crops)[order], np.concatenate(logits)[order], strength)


def evaluate_logits(
    logits: NDArray[np.float64],
    truth: NDArray[np.str_],
    labels: tuple[str, ...],
    *,
    split: Split,
    recording_ids: NDArray[np.str_],
    known: Head,
    features: NDArray[np.float32],
    temperature: float | None = None,
) -> Evaluation:
    """Calibrate held-out logits and gather what a report needs.

    Args:
        logits: (N, L), of crops that the head was not fitted on.
        truth: (N,), the label of each.
        recording_ids: (N,), the recording of each.
        known: the unadapted head, and features, float32 (N, D), for it.
        temperature: of the calibration; fitted on these very logits when it is left out.
    """
    from emo.evaluation.calibration import fit_temperature, softmax, unsure_threshold
    from emo.evaluation.report import Evaluation

    targets = np.array([labels.index(label) for label in truth], dtype=np.intp)
    if temperature is None:
        temperature = careful(fit_temperature(logits, targets), split)
    probabilities = softmax(logits, temperature)
    return Evaluation(
        labels=labels,
        truth=targets,
        probabilities=probabilities,
        base_probabilities=known_probabilities(known, features, labels) if set(known.labels) & set(truth) else None,
        base_elsewhere=highest_elsewhere(known, features, labels),
        recording_ids=recording_ids,
        unit=split.unit,
        note=split.note,
        temperature=temperature,
        threshold=unsure_threshold(probabilities, targets),
    )


def careful(temperature: float, split: Split) -> float:
    """The temperature, but no surer than the fit itself where the split is within one recording.

    Held-out faces of the very take that was learned from look easier than tomorrow's.
    """
    return max(temperature, 1.0) if split.unit == "time" else temperature


def known_probabilities(known: Head, features: NDArray[np.float32], labels: tuple[str, ...]) -> NDArray[np.float64]:
    """What the unadapted head answers, float64 (N, L); 0 for labels that it lacks."""
    from emo.evaluation.calibration import softmax

    answers = softmax(known.logits(features).astype(np.float64))
    out = np.zeros((len(features), len(labels)))
    for index, label in enumerate(labels):
        if label in known.labels:
            out[:, index] = answers[:, known.labels.index(label)]
    return out


def highest_elsewhere(
    known: Head, features: NDArray[np.float32], labels: tuple[str, ...]
) -> NDArray[np.float64] | None:
    """The unadapted head's highest probability for a label that is not among some, (N,); None if it has none."""
    from emo.evaluation.calibration import softmax

    others = [index for index, label in enumerate(known.labels) if label not in labels]
    if not others:
        return None
    return np.asarray(softmax(known.logits(features).astype(np.float64))[:, others].max(axis=1), dtype=np.float64)


def compared_with_base(evaluation: Evaluation, *, closed: bool) -> list[str]:
    """A sentence if the personal head is not better than the unadapted base beyond noise, else nothing."""
    base = evaluation.base_uar_closed if closed else evaluation.base_uar_open
    if base is None or base < evaluation.interval[0]:
        return []
    return [
        f"Not better than the unadapted base beyond noise: {evaluation.uar:.0%} of the held-out faces, averaged over "
        f"labels, against {base:.0%}; more recordings may help."
    ]


def write_papers(
    folder: Path,
    model: Model,
    evaluation: Evaluation,
    *,
    base: Base,
    recordings: Sequence[Recording],
    title: str,
    extra: dict[str, str],
) -> None:
    """Write a model's README.md and report/ beside its head; neither names a person, for both are made to be shared."""
    from emo.datasets.contact_sheet import write_contact_sheet
    from emo.evaluation.report import model_card, write_report

    rows: dict[str, list[Path]] = {}
    for recording in sorted(recordings, key=lambda one: one.label):
        rows.setdefault(recording.label, []).extend(recording.crop_paths)
    sheet = folder / "report" / "contact_sheet.jpg"
    write_contact_sheet(sheet, rows)
    facts = {
        "base": f"{base.name} ({base.fingerprint[:12]})",
        "licence of the base": str(base.card.get("licence", "unknown")),
        "labels": ", ".join(model.labels),
        "people": str(len({recording.person for recording in recordings})),
        "recordings": f"{len(recordings)}, {sum(len(recording.crops) for recording in recordings)} face crops",
        **extra,
    }
    write_report(folder / "report", evaluation, title=title, contact_sheet=sheet, extra=facts)
    write_bytes(folder / "README.md", model_card(evaluation, name=model.name, facts=facts).encode())
