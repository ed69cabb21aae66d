"""What a user can set about transfer; free of heavy imports, so that the command line can quote the defaults."""

from __future__ import annotations

from dataclasses import dataclass

from emo.bases.registry import DEFAULT_BASE
from emo.errors import UsageError
from emo.labels import parse_labels, parse_name


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferConfig:
    """How a personal model is made.

    Attributes:
        only: the labels of a closed model; empty means all of the base's.
        base: the frozen network to start from.
        name: of the model; empty means the dataset's.
        copies: augmented copies of each crop to learn from.
        seed: of everything drawn at random.
        threads: CPU threads of the network.

    Raises:
        LabelError: a label or the name cannot name a folder.
        UsageError: a number is out of its range.
    """

    only: tuple[str, ...] = ()
    base: str = DEFAULT_BASE
    name: str = ""
    copies: int = 5
    seed: int = 0
    threads: int = 2

    def __post_init__(self) -> None:
        if self.only:
            object.__setattr__(self, "only", parse_labels(self.only))
            if len(self.only) < 2:
                raise UsageError(f"--only {self.only[0]}: name at least two labels, as in: --only happy,sad")
        if self.name:
            object.__setattr__(self, "name", parse_name(self.name, "model"))
        check_learning(copies=self.copies, seed=self.seed, threads=self.threads)


def check_learning(*, copies: int, seed: int, threads: int) -> None:
    """Check the numbers that transfer and extension share.

    Raises:
        UsageError: one of them is out of its range.
    """
    if not 0 <= copies <= 100:
        raise UsageError(f"--copies {copies}: give a number of augmented copies between 0 and 100")
    if not 0 <= seed < 2**32:
        raise UsageError(f"--seed {seed}: give a number between 0 and {2**32 - 1}")
    if not 1 <= threads <= 256:
        raise UsageError(f"--threads {threads}: give a number between 1 and 256")
