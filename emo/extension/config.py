"""What a user can set about extension; free of heavy imports, so that the command line can quote the defaults."""

from __future__ import annotations

from dataclasses import dataclass

from emo.errors import UsageError
from emo.labels import parse_labels, parse_name
from emo.transfer.config import check_learning
from emo.workspace import DEFAULT_DATASET


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendConfig:
    """How a model is grown by new labels.

    Attributes:
        classes: the new labels.
        replace: keep only the new labels.
        model: the model to grow; empty means the newest, or the base where there is none.
        dataset: where the recordings of the new labels are.
        name: of the grown model; empty lets emo choose.
        copies: augmented copies of each crop to learn from.
        seed: of everything drawn at random.
        threads: CPU threads of the network.

    Raises:
        LabelError: a label or a name cannot name a folder.
        UsageError: a number is out of its range.
    """

    classes: tuple[str, ...]
    replace: bool = False
    model: str = ""
    dataset: str = DEFAULT_DATASET
    name: str = ""
    copies: int = 5
    seed: int = 0
    threads: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", parse_labels(self.classes))
        object.__setattr__(self, "dataset", parse_name(self.dataset, "dataset"))
        for field in ("model", "name"):
            if getattr(self, field):
                object.__setattr__(self, field, parse_name(getattr(self, field), "model"))
        if self.replace and len(self.classes) < 2:
            raise UsageError(
                "--replace: a model of one label has nothing to tell apart; name at least two in --classes"
            )
        check_learning(copies=self.copies, seed=self.seed, threads=self.threads)
