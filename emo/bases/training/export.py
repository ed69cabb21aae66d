"""From a trained network to the one file of a base."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emo.bases.base import Base, load_base
from emo.bases.basefile import write_base
from emo.bases.preprocessing import Preprocessing
from emo.bases.statistics import LabelStatistics
from emo.bases.training.faces import FoundFaces
from emo.bases.training.loop import MEAN, STD, Trained
from emo.bases.training.network import build_network
from emo.bases.training.recipe import Recipe
from emo.datasets.crops import CROP_PX, cut_face
from emo.datasets.fer2013 import Pictures
from emo.labels import BASIC_LABELS
from emo.progress import Progress, silent

if TYPE_CHECKING:
    from torch import nn

_BATCH = 256


def export_base(
    path: Path,
    trained: Trained,
    recipe: Recipe,
    pictures: Pictures,
    faces: FoundFaces,
    *,
    licence: str,
    threads: int = 1,
    progress: Progress = silent,
) -> Base:
    """Write a trained network as a base, with its feature statistics and its accuracy on the test split.

    Everything that the file says of itself is measured on the written graph, half-precision weights
    included, through the same cut and preprocessing as in use.

    Args:
        pictures: ``train`` gives the statistics, ``test`` the accuracy.
        licence: terms of the base and of what it was trained on.

    Raises:
        StorageError: the file could not be written.
    """
    state = {name: value.numpy() for name, value in trained.state.items()}
    parts: dict[str, Any] = {
        "onnx_model": _to_onnx(_body(trained, recipe), recipe.px),
        "name": recipe.name,
        "labels": BASIC_LABELS,
        "preprocessing": Preprocessing(px=recipe.px, scale=recipe.scale, grey=True, mean=(MEAN,) * 3, std=(STD,) * 3),
        "head_weight": state["head.weight"],
        "head_bias": state["head.bias"],
    }
    nothing = np.zeros(state["head.weight"].shape[1], dtype=np.float32)
    unknown = LabelStatistics(nothing, nothing[None], nothing, 1)
    write_base(path, **parts, statistics=dict.fromkeys(BASIC_LABELS, unknown), card={})
    draft = load_base(path, threads=threads)

    train, test = (np.flatnonzero(pictures.splits == split) for split in ("train", "test"))
    features = _features(draft, pictures, faces, np.concatenate([train, test]), progress)
    labels = pictures.labels[train]
    statistics = {
        label: LabelStatistics.fit(features[: len(train)][labels == index]) for index, label in enumerate(BASIC_LABELS)
    }
    scores = _scores(draft.head.logits(features[len(train) :]), pictures.labels[test])
    card = {
        "licence": licence,
        "data": {
            "train": f"FER2013 training split, FER+ votes, {len(train)} pictures, duplicates of other splits removed",
            "test": f"FER2013 private test split with FER+ majority labels, {len(test)} pictures",
            "faces_found": round(float(faces.found.mean()), 4),
        },
        "recipe": recipe.to_document(),
        "epochs": [
            {"epoch": one.number, "loss": one.loss, "val_accuracy": one.accuracy, "val_uar": one.uar}
            for one in trained.history
        ],
        "best_epoch": trained.best.number,
        "test": scores,
    }
    write_base(path, **parts, statistics=statistics, card=card)
    return load_base(path, threads=threads)


def _body(trained: Trained, recipe: Recipe) -> nn.Module:
    body = build_network(recipe.network)
    prefix = "body."
    body.load_state_dict(
        {name.removeprefix(prefix): value for name, value in trained.state.items() if name.startswith(prefix)}
    )
    return body.eval()


def _to_onnx(body: nn.Module, px: int) -> bytes:
    """The graph with batch norm kept apart, so that its tensors are those of the PyTorch module."""
    import torch

    batch = torch.export.Dim("batch", min=1, max=4096)
    program = torch.onnx.export(
        body,
        (torch.zeros(2, 3, px, px),),
        input_names=["faces"],
        output_names=["features"],
        dynamic_shapes=({0: batch},),
        dynamo=True,
        optimize=False,
        verbose=False,
    )
    assert program is not None
    buffer = io.BytesIO()
    program.save(buffer)  # type: ignore[arg-type]
    return buffer.getvalue()


def _features(
    base: Base, pictures: Pictures, faces: FoundFaces, index: NDArray[np.intp], progress: Progress
) -> NDArray[np.float32]:
    """Features of stored crops cut from these pictures, float32 (len(index), D)."""
    rows = []
    with progress("features for the statistics", total=len(index)) as advance:
        for start in range(0, len(index), _BATCH):
            part = index[start : start + _BATCH]
            crops = np.empty((len(part), CROP_PX, CROP_PX, 3), dtype=np.uint8)
            for place, target in zip(part, crops, strict=True):
                target[:] = cut_face(np.repeat(pictures.images[place][:, :, None], 3, axis=2), faces.face(int(place)))
            rows.append(base.features(crops))
            advance(len(part))
    return np.concatenate(rows)


def _scores(logits: NDArray[np.float32], truth: NDArray[np.intp]) -> Mapping[str, Any]:
    predicted = logits.argmax(axis=1)
    recall = {
        label: round(float((predicted[truth == index] == index).mean()), 4)
        for index, label in enumerate(BASIC_LABELS)
        if (truth == index).any()
    }
    return {
        "accuracy": round(float((predicted == truth).mean()), 4),
        "uar": round(float(np.mean(list(recall.values()))), 4),
        "recall": recall,
    }
