"""A recipe: everything that decides how a base is trained, in one YAML file."""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from emo.errors import UsageError
from emo.labels import parse_name
from emo.workspace import storage_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a base is trained.

    Attributes:
        name: name of the base.
        network: a network of timm, built without its classifier.
        px: side of the input in pixels.
        scale: side of the input in face sides.
        epochs: passes over the training pictures.
        small_epochs: how many of the first of them run at ``small_px``, which costs less.
        small_px: side of the input in those.
        batch: pictures a step.
        rate: peak learning rate of AdamW, reached after ``warmup_epochs``, then a cosine to zero.
        decay: weight decay of matrices and kernels.
        dropout: share of features dropped before the head.
        balance: power of inverse label frequency with which pictures are drawn; 0 draws evenly
            over pictures, 1 evenly over labels.
        framing: largest relative change of a face's size in training, as a factor.
        shift: standard deviation of the change of its centre, in face sides.
        roll: standard deviation of the change of its angle, degrees.
        erase: probability that a random rectangle is covered, for hands and glasses.
        blur: probability of blurring, and of shrinking and enlarging.
        average: decay of the exponential moving average of the weights, per step.
        patience: epochs without a better validation UAR before training ends; 0 never ends early.
        seed: of everything random.
    """

    name: str
    network: str = "tf_efficientnet_lite0"
    px: int = 96
    scale: float = 0.9
    epochs: int = 10
    small_epochs: int = 4
    small_px: int = 64
    batch: int = 64
    rate: float = 1e-3
    warmup_epochs: float = 0.5
    decay: float = 0.02
    dropout: float = 0.2
    balance: float = 0.5
    framing: float = 1.3
    shift: float = 0.04
    roll: float = 6.0
    erase: float = 0.25
    blur: float = 0.3
    average: float = 0.998
    patience: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        parse_name(self.name, "base")
        at_least = {"px": 32, "small_px": 32, "epochs": 1, "small_epochs": 0, "batch": 2, "patience": 0, "seed": 0}
        for name, least in at_least.items():
            if getattr(self, name) < least:
                raise UsageError(f"recipe {self.name}: {name} must be at least {least}, got {getattr(self, name)}")
        for name in ("balance", "dropout", "erase", "blur", "average"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"recipe {self.name}: {name} must be between 0 and 1, got {getattr(self, name)}")
        if self.framing < 1 or self.rate <= 0 or self.scale <= 0:
            raise UsageError(f"recipe {self.name}: framing must be at least 1, rate and scale above 0")

    def to_document(self) -> dict[str, Any]:
        """The recipe as JSON and YAML have it."""
        return asdict(self)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe from YAML.

    Raises:
        UsageError: it is no mapping, or a key or value of it is unknown; the nearest known key is named.
        StorageError: the file cannot be read.
    """
    import yaml

    with storage_errors(path):
        text = path.read_text(encoding="utf-8")
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{path.name}: not valid YAML ({' '.join(str(error).split())})") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path.name}: a recipe is a list of 'key: value' lines; see emo/bases/recipes for examples")
    known = {field.name: field.type for field in fields(Recipe)}
    for key, value in document.items():
        _check(path, str(key), value, known)
    if "name" not in document:
        raise UsageError(f"{path.name}: has no name; add a line such as 'name: my-base'")
    return Recipe(**document)


def _check(path: Path, key: str, value: object, known: dict[str, Any]) -> None:
    if key not in known:
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known are: {', '.join(known)}"
        raise UsageError(f"{path.name}: unknown key {key!r}{hint}")
    wanted: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,)}
    if isinstance(value, bool) or not isinstance(value, wanted[known[key]]):
        raise UsageError(f"{path.name}: {key} must be of type {known[key]}, got {value!r}")
