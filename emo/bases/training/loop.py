"""The training loop of a base: epochs, moving average, checkpoints, resume."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emo.bases.training.faces import FoundFaces, cut_sample
from emo.bases.training.network import build_network, load_imagenet
from emo.bases.training.recipe import Recipe
from emo.datasets.crops import cut_face
from emo.datasets.fer2013 import Pictures
from emo.errors import BaseError
from emo.labels import BASIC_LABELS
from emo.progress import Progress, silent
from emo.workspace import storage_errors

if TYPE_CHECKING:
    import torch
    from torch import nn

MEAN, STD = 127 / 255, 128 / 255
"""EfficientNet-Lite's own: (pixel - 127) / 128."""

_CHECKPOINT = "last.pt"


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch came to, on the validation split with the averaged weights."""

    number: int
    loss: float
    accuracy: float
    uar: float


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished training.

    Attributes:
        state: weights of the network and its head (``head.weight``, ``head.bias``).
        history: one entry per epoch.
        best: the epoch whose weights these are, chosen on the validation split.
    """

    state: dict[str, torch.Tensor]
    history: tuple[Epoch, ...]
    best: Epoch


class Trainer:
    """Trains one network by one recipe.

    Args:
        pictures: with ``train`` and ``val`` splits.
        faces: where the face is in each of them.
        folder: where the checkpoint of the last whole epoch is kept.
    """

    def __init__(self, pictures: Pictures, faces: FoundFaces, recipe: Recipe, folder: Path) -> None:
        import torch

        self._pictures, self._faces, self._recipe, self._folder = pictures, faces, recipe, folder
        self._train = np.flatnonzero(pictures.splits == "train")
        torch.manual_seed(recipe.seed)
        self._network = _with_head(recipe)
        self._average = torch.optim.swa_utils.AveragedModel(
            self._network,
            multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(recipe.average),  # type: ignore[no-untyped-call]
            use_buffers=True,
        )
        self._optimizer = torch.optim.AdamW(_groups(self._network, recipe.decay), lr=recipe.rate)
        steps = len(self._train) // recipe.batch
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, _warmup_cosine(recipe, steps))
        self._history: list[Epoch] = []
        self._best: dict[str, torch.Tensor] = {}

    def run(self, *, resume: bool = False, progress: Progress = silent) -> Trained:
        """Train to the end, or from the last whole epoch on if ``resume``."""
        if resume:
            self._load()
        while len(self._history) < self._recipe.epochs and not self._exhausted():
            self._one_epoch(len(self._history), progress)
            self._save()
        best = max(self._history, key=lambda epoch: epoch.uar + epoch.accuracy)
        return Trained(self._best, tuple(self._history), best)

    def _one_epoch(self, number: int, progress: Progress) -> None:
        import torch

        recipe = self._recipe
        px = recipe.small_px if number < recipe.small_epochs else recipe.px
        torch.manual_seed(recipe.seed * 1000 + number)
        losses = []
        self._network.train()
        with progress(f"epoch {number + 1} of {recipe.epochs}", total=len(self._train)) as advance:
            for inputs, targets in self._batches(number, px):
                loss = torch.nn.functional.cross_entropy(self._network(inputs), targets)
                self._optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(self._network.parameters(), 5.0)
                self._optimizer.step()
                self._schedule.step()
                self._average.update_parameters(self._network)
                losses.append(loss.item())
                advance(len(inputs))
        accuracy, uar = self._validate(px)
        epoch = Epoch(number + 1, float(np.mean(losses)), accuracy, uar)
        self._history.append(epoch)
        if epoch == max(self._history, key=lambda one: one.uar + one.accuracy):
            self._best = {name: value.clone() for name, value in self._average.module.state_dict().items()}

    def _batches(self, number: int, px: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        recipe, pictures = self._recipe, self._pictures
        rng = np.random.default_rng([recipe.seed, number])
        labels = pictures.labels[self._train]
        weights = np.bincount(labels, minlength=len(BASIC_LABELS))[labels] ** -float(recipe.balance)
        drawn = rng.choice(self._train, len(self._train), p=weights / weights.sum())
        for start in range(0, len(drawn) - recipe.batch + 1, recipe.batch):
            index = drawn[start : start + recipe.batch]
            samples = [cut_sample(pictures.images[i], self._faces.face(i), recipe, px=px, rng=rng) for i in index]
            yield _to_input(np.stack(samples)), _tensor(pictures.targets[index])

    def _validate(self, px: int) -> tuple[float, float]:
        """Accuracy and UAR of the averaged weights on the validation split."""
        import torch

        index = np.flatnonzero(self._pictures.splits == "val")
        self._average.eval()
        answers = []
        with torch.inference_mode():
            for start in range(0, len(index), 256):
                cuts = [self._plain_cut(i, px) for i in index[start : start + 256]]
                answers.append(self._average(_to_input(np.stack(cuts))).argmax(dim=1).numpy())
        hits = np.concatenate(answers) == self._pictures.labels[index]
        per_label = [hits[self._pictures.labels[index] == label] for label in range(len(BASIC_LABELS))]
        return float(hits.mean()), float(np.mean([part.mean() for part in per_label if len(part)]))

    def _plain_cut(self, index: int, px: int) -> NDArray[np.uint8]:
        picture = np.repeat(self._pictures.images[index][:, :, None], 3, axis=2)
        return cut_face(picture, self._faces.face(index), scale=self._recipe.scale, px=px)[:, :, 0]

    def _exhausted(self) -> bool:
        if not self._recipe.patience or not self._history:
            return False
        best = max(self._history, key=lambda epoch: epoch.uar + epoch.accuracy)
        return len(self._history) - best.number >= self._recipe.patience

    def _save(self) -> None:
        import torch

        path = self._folder / _CHECKPOINT
        parts = {
            "recipe": self._recipe.to_document(),
            "history": [asdict(epoch) for epoch in self._history],
            "network": self._network.state_dict(),
            "average": self._average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "best": self._best,
        }
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            torch.save(parts, partial)
            partial.replace(path)

    def _load(self) -> None:
        import torch

        path = self._folder / _CHECKPOINT
        if not path.is_file():
            raise BaseError(f"{path}: no checkpoint to resume from; run the same command without --resume")
        parts: dict[str, Any] = torch.load(path, weights_only=True)
        if parts["recipe"] != self._recipe.to_document():
            raise BaseError(f"{path}: was made by another recipe; run without --resume or choose another --output")
        self._network.load_state_dict(parts["network"])
        self._average.load_state_dict(parts["average"])
        self._optimizer.load_state_dict(parts["optimizer"])
        self._schedule.load_state_dict(parts["schedule"])
        self._history = [Epoch(**epoch) for epoch in parts["history"]]
        self._best = parts["best"]


def _with_head(recipe: Recipe) -> nn.Module:
    """Backbone, dropout and a linear head in one module, the backbone from ImageNet."""
    from collections import OrderedDict

    import torch
    from torch import nn

    body = build_network(recipe.network)
    load_imagenet(body, recipe.network)
    head = nn.Linear(int(body.num_features), len(BASIC_LABELS))  # type: ignore[arg-type]
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    whole = nn.Sequential(OrderedDict(body=body, dropout=nn.Dropout(recipe.dropout), head=head))
    return whole.to(memory_format=torch.channels_last)


def _groups(network: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Matrices and kernels decay; biases and batch norm do not."""
    parameters = list(network.parameters())
    return [
        {"params": [one for one in parameters if one.ndim > 1], "weight_decay": decay},
        {"params": [one for one in parameters if one.ndim <= 1], "weight_decay": 0.0},
    ]


def _warmup_cosine(recipe: Recipe, steps: int) -> Any:
    warmup, total = max(1, round(recipe.warmup_epochs * steps)), recipe.epochs * steps

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, total - warmup))))

    return factor


def _to_input(grey: NDArray[np.uint8]) -> torch.Tensor:
    """uint8 (N, px, px) to normalised float32 (N, 3, px, px)."""
    import torch

    values = (torch.from_numpy(grey).float() / 255 - MEAN) / STD
    return values[:, None].expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def _tensor(values: NDArray[np.float32]) -> torch.Tensor:
    import torch

    return torch.from_numpy(values)
