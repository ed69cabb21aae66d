"""What `transfer` and `extend` make: a head on a base with its calibration and its history, on disk without a pickle.

    models/<name>/model.json  head.safetensors  README.md  report/

The label order exists once, in ``model.json``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emo.bases.base import Base
from emo.bases.head import Head
from emo.bases.statistics import LabelStatistics
from emo.errors import BaseError, EmoError, FileFormatError, ModelError
from emo.labels import parse_label, parse_name
from emo.workspace import Workspace, new_folder, read_json, storage_errors, write_bytes, write_json

SCHEMA = 1
RECORD = "model.json"
TENSORS = "head.safetensors"
UNSURE = "unsure"
"""What is answered below the threshold."""

_MAX_BYTES = 256 * 2**20
_MAX_LABELS = 1000


@dataclass(frozen=True, kw_only=True)
class Model:
    """A personal model.

    Attributes:
        name: its folder's name, and written nowhere else.
        head: its labels and their rows.
        base_name, base_fingerprint: the one base whose features the head understands.
        temperature: what logits are divided by, above 0.
        threshold: answers less probable than this are ``unsure``, 0 to 1.
        calibration: what is added to each label's logit before the temperature, (L,).
        recordings: ``dataset/label/id`` of every recording that it learned from, its ancestors' too.
        statistics: per label, what its features look like for this person; rehearsed when the head grows.
        created: UTC, ISO 8601 with microseconds.
        parent: the model it was grown from, or "".
        config: the settings that made it.
        summary: the headline numbers of its report.
    """

    name: str
    head: Head
    base_name: str
    base_fingerprint: str
    temperature: float
    threshold: float
    calibration: NDArray[np.float32]
    recordings: tuple[str, ...]
    statistics: Mapping[str, LabelStatistics]
    created: str
    emo_version: str
    parent: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (np.isfinite(self.temperature) and self.temperature > 0 and 0 <= self.threshold <= 1):
            raise ValueError(f"temperature {self.temperature} or threshold {self.threshold} is out of range")
        if self.calibration.shape != self.head.bias.shape or not np.isfinite(self.calibration).all():
            raise ValueError("calibration needs one finite value per label")
        if not set(self.statistics) <= set(self.head.labels):
            raise ValueError("statistics of labels that the head does not have")
        if any(item.mean.shape != self.head.weights.shape[1:] for item in self.statistics.values()):
            raise ValueError("statistics and head differ in the number of features")

    @property
    def labels(self) -> tuple[str, ...]:
        return self.head.labels

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated probabilities, float64 (N, L), of the base's features (N, D)."""
        from emo.evaluation.calibration import softmax

        logits = self.head.logits(features).astype(np.float64) + self.calibration
        return np.asarray(softmax(logits, self.temperature), dtype=np.float64)

    def predict_proba(self, crops: NDArray[np.uint8], base: Base) -> NDArray[np.float64]:
        """Calibrated probabilities, float64 (N, L), of stored crops, uint8 (N, S, S, 3) RGB.

        Raises:
            ModelError: the base is not the one that this model was made on.
        """
        self.check_base(base)
        return self.probabilities(base.features(crops))

    def answers(self, probabilities: NDArray[np.float64]) -> list[str]:
        """The most probable label of each row, or ``unsure``."""
        best = probabilities.argmax(axis=1)
        sure = probabilities.max(axis=1, initial=0) >= self.threshold
        return [self.labels[index] if is_sure else UNSURE for index, is_sure in zip(best, sure, strict=True)]

    def check_base(self, base: Base) -> None:
        """Raise a ModelError unless this is the very base that the model was made on."""
        if base.fingerprint != self.base_fingerprint:
            raise ModelError(
                f"model {self.name}: made on another version of the base {self.base_name}; make it again with: "
                f"emo transfer, or install the emo version {self.emo_version} that made it"
            )


def save_model(folder: Path, model: Model, *, more: Callable[[Path], None] = lambda folder: None) -> None:
    """Write a model whole or not at all; an older one of that name is replaced only by a complete new one.

    Args:
        folder: ``models/<name>``.
        more: writes further files (the card, the report) into the unfinished folder.

    Raises:
        StorageError: the disk is full, read-only or gone.
    """
    import safetensors.numpy

    tensors = {"weight": model.head.weights, "bias": model.head.bias, "calibration": model.calibration}
    for label, item in model.statistics.items():
        tensors |= {f"mean.{label}": item.mean, f"factors.{label}": item.factors, f"diagonal.{label}": item.diagonal}
        tensors[f"count.{label}"] = np.array([item.count], dtype=np.int64)
    blob = safetensors.numpy.save({key: np.ascontiguousarray(value) for key, value in tensors.items()})
    with new_folder(folder) as partial:
        write_bytes(partial / TENSORS, blob)
        more(partial)
        write_json(partial / RECORD, _to_document(model))


def load_model(folder: Path) -> Model:
    """Read and check a model.

    Raises:
        ModelError: there is none.
        FileFormatError: it is damaged, foreign or from a newer emo.
        StorageError: it cannot be read.
    """
    import safetensors.numpy

    if not (folder / RECORD).is_file():
        raise ModelError(f"model {folder.name}: not found in {folder.parent}; make one with: emo transfer personal")
    document = read_json(folder / RECORD)
    if document.get("schema") != SCHEMA:
        schema = document.get("schema")
        raise FileFormatError(f"{folder / RECORD}: schema {schema!r} is not {SCHEMA}; update emo to read it")
    path = folder / TENSORS
    with storage_errors(path):
        if path.stat().st_size > _MAX_BYTES:
            raise FileFormatError(f"{path}: larger than any head; delete the folder {folder.name} and make it again")
        data = path.read_bytes()
    try:
        return _parse(folder.name, document, safetensors.numpy.load(data))
    except (
        KeyError, TypeError, ValueError, AttributeError, ArithmeticError, EmoError, safetensors.SafetensorError
    ) as error:  # fmt: skip
        what = f"{type(error).__name__}: {error}"
        raise FileFormatError(f"{folder}: a damaged model ({what}); delete the folder and make it again") from error


def newest_model(workspace: Workspace) -> Model | None:
    """The model that was made last, or None if there is none.

    Raises:
        FileFormatError: one of the models is damaged.
    """
    models = list_models(workspace)
    return max(models, key=lambda model: (model.created, model.name), default=None)


def list_models(workspace: Workspace) -> list[Model]:
    """All models of a workspace, by name.

    Raises:
        FileFormatError: one of them is damaged.
    """
    return [load_model(folder) for folder in _folders(workspace)]


def find_model(workspace: Workspace, name: str) -> Model:
    """A model by name, or the newest one for the name "".

    Raises:
        ModelError: there is none; the message says which there are.
        FileFormatError: it is damaged.
    """
    if name and (workspace.model(name) / RECORD).is_file():
        return load_model(workspace.model(name))
    names = [folder.name for folder in _folders(workspace)]
    if name:
        way_out = f"there are: {', '.join(names)}" if names else "make one with: emo transfer personal"
        raise ModelError(f"model {name}: not found in {workspace.models}; {way_out}")
    newest = newest_model(workspace)
    if newest is None:
        raise ModelError(f"no model in {workspace.models}; make one with: emo transfer personal")
    return newest


def _folders(workspace: Workspace) -> list[Path]:
    # A dot is in the names of folders that are unfinished or about to be replaced, and in no model's.
    return sorted(path.parent for path in workspace.models.glob(f"*/{RECORD}") if "." not in path.parent.name)


def base_of(model: Model, *, threads: int) -> Base:
    """Load the base that a model was made on.

    Raises:
        BaseError: it is not installed.
        ModelError: the installed one is another version.
    """
    from emo.bases.base import load_base

    try:
        base = load_base(model.base_name, threads=threads)
    except BaseError as error:
        raise BaseError(f"model {model.name}: {error}") from error
    model.check_base(base)
    return base


def _to_document(model: Model) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "labels": list(model.labels),
        "base": {"name": model.base_name, "fingerprint": model.base_fingerprint},
        "temperature": model.temperature,
        "threshold": model.threshold,
        "recordings": list(model.recordings),
        "config": dict(model.config),
        "emo_version": model.emo_version,
        "created": model.created,
        "parent": model.parent,
        "summary": dict(model.summary),
    }


def _parse(name: str, document: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> Model:
    if len(document["labels"]) > _MAX_LABELS:
        raise ValueError(f"more than {_MAX_LABELS} labels")
    labels = tuple(parse_label(label) for label in document["labels"])
    head = Head(labels, _floats(tensors["weight"], 2), _floats(tensors["bias"], 1))
    statistics = {
        label: LabelStatistics(
            _floats(tensors[f"mean.{label}"], 1),
            _floats(tensors[f"factors.{label}"], 2),
            _floats(tensors[f"diagonal.{label}"], 1),
            int(tensors[f"count.{label}"][0]),
        )
        for label in labels
        if f"mean.{label}" in tensors
    }
    return Model(
        name=name,
        head=head,
        base_name=parse_name(document["base"]["name"], "base"),
        base_fingerprint=str(document["base"]["fingerprint"]),
        temperature=float(document["temperature"]),
        threshold=float(document["threshold"]),
        calibration=_floats(tensors["calibration"], 1),
        recordings=tuple(str(item) for item in document["recordings"]),
        statistics=statistics,
        created=str(document["created"]),
        emo_version=str(document["emo_version"]),
        parent=str(document["parent"]),
        config=dict(document["config"]),
        summary=dict(document["summary"]),
    )


def _floats(array: NDArray[Any], dimensions: int) -> NDArray[np.float32]:
    if array.dtype != np.float32 or array.ndim != dimensions:
        raise ValueError(f"a tensor is {array.dtype} with {array.ndim} dimensions, not float32 with {dimensions}")
    return np.asarray(array, dtype=np.float32)
