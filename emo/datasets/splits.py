"""Splits whose numbers hold the next day: by person or by recording, never by frame.

Neighbouring frames of one video are nearly one picture; a split that puts them on both sides
measures memory. So whole takes are held back (see `takes`), whole persons where there are several,
and only a label with a single take is cut by time, with a gap, and with a warning in plain words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emo.datasets.duplicates import Fingerprints, fingerprint_crops, near_duplicates
from emo.datasets.recordings import AUGMENTED, Recording
from emo.datasets.takes import GAP_S, Take, cut_by_time, takes_of
from emo.errors import DatasetError, UsageError

_MORE_FOLDS = 5

Unit = Literal["person", "recording", "time"]


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One division of a dataset: sorted crop indices of both sides; a crop may be in neither."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """The folds of one cross-validation.

    Attributes:
        folds: at least two, save where duplicates leave one; every crop is in at most one test side.
        unit: what was held back as a whole; ``time`` as soon as one label had to be cut by time.
        note: what that means for the numbers, in plain words.
    """

    folds: tuple[Fold, ...]
    unit: Unit
    note: str


def split_by_recording(
    recordings: Sequence[Recording], *, folds: int = 5, seed: int = 0, fingerprints: Fingerprints | None = None
) -> Split:
    """Split a dataset for cross-validation so that nothing seen in training is tested.

    By person when there are several and every label was recorded by at least two, else by recording;
    a label with one recording is cut into time blocks at least `GAP_S` apart. Labels are spread
    evenly over the folds as far as that allows, and every label is in the training side of each fold.

    Of a test crop's twins on the training side, near duplicates are dropped across recordings. Within
    a recording cut by time only byte-identical ones are: there the gap is the remedy, and a calm
    face is allowed to look like itself. Where this would leave a label without training crops, the
    test crops go instead. Augmented copies follow the crop they were made from, into training only.

    Args:
        recordings: crop indices count through them in order.
        folds: how many folds to aim for, at least 2; fewer with fewer recordings, and up to
            five more where only that keeps whole persons apart and every label learnable.
        seed: the same seed and recordings give the same split.
        fingerprints: of all crops, if they are known already; read from the files otherwise.

    Raises:
        UsageError: fewer than two folds.
        DatasetError: nothing is left to train or to test on.
    """
    if folds < 2:
        raise UsageError(f"folds must be at least 2, got {folds}")
    takes = takes_of(recordings)
    if not takes:
        raise DatasetError("only augmented copies and no recordings to test on; use the dataset they were made from")
    prints = fingerprints or fingerprint_crops(recordings)
    fold_of, unit, reason = _assign(takes, folds, np.random.default_rng(seed))
    sources = _sources_of_copies(recordings)
    made = [_make_fold(takes, fold_of, fold, prints) for fold in range(max(int(part.max()) for part in fold_of) + 1)]
    kept = tuple(Fold(_with_copies(fold.train, sources), fold.test) for fold, _ in made if len(fold.test))
    if not kept:
        raise DatasetError("every face that could be tested is a copy of a training face; record another video")
    return Split(kept, unit, reason + _note_on_twins(sum(dropped for _, dropped in made)))


def _assign(takes: Sequence[Take], folds: int, rng: np.random.Generator) -> tuple[list[NDArray[np.intp]], Unit, str]:
    """For each take the fold of each of its crops (-1: never tested), the unit and what to say of it."""
    labels = sorted({take.label for take in takes})
    persons = sorted({take.person for take in takes})
    of_person = np.array([persons.index(take.person) for take in takes])
    of_label = np.array([labels.index(take.label) for take in takes])
    counts = np.zeros((len(persons), len(labels)))
    np.add.at(counts, (of_person, of_label), [len(take) for take in takes])
    for number in range(min(folds, len(persons)), min(folds + _MORE_FOLDS, len(persons)) + 1):
        fold_of = _spread(counts, number, rng)
        if all(len(set(fold_of[column > 0])) >= 2 for column in counts.T):
            parts = [np.full(len(take), fold_of[person]) for take, person in zip(takes, of_person, strict=True)]
            return parts, "person", _PERSON
    return _assign_takes(takes, of_label, folds, rng, several_persons=len(persons) > 1)


def _assign_takes(
    takes: Sequence[Take], of_label: NDArray[np.intp], folds: int, rng: np.random.Generator, *, several_persons: bool
) -> tuple[list[NDArray[np.intp]], Unit, str]:
    per_label = np.bincount(of_label)
    single = per_label[of_label] == 1
    blocks = {index: cut_by_time(takes[index], folds) for index in np.flatnonzero(single).tolist()}
    number = max([min(folds, int(per_label.max()))] + [int(block.max()) + 1 for block in blocks.values()])
    counts = np.zeros((len(takes), len(per_label)))
    counts[np.arange(len(takes)), of_label] = [len(take) for take in takes]
    whole = np.flatnonzero(~single)
    fold_of_take = dict(zip(whole.tolist(), _spread(counts[whole], number, rng), strict=True))
    result = []
    for index, take in enumerate(takes):
        if index in blocks:
            # -1 picks the last entry, which keeps crops that are never tested at -1.
            result.append(np.append(rng.permutation(number), -1)[blocks[index]])
        else:
            result.append(np.full(len(take), fold_of_take[index]))
    if blocks:
        return result, "time", _warn_of_time([takes[index] for index in blocks])
    return result, "recording", _RECORDING_OF_SEVERAL if several_persons else _RECORDING


def _spread(counts: NDArray[np.float64], folds: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Give each group (row of label counts) to a fold, largest first, so that each label is spread evenly.

    Groups of a single label fill as many folds as there are groups before any fold gets a second one.
    """
    share = counts / np.maximum(counts.sum(axis=0), 1)
    load = np.zeros((folds, counts.shape[1]))
    fold_of = np.zeros(len(counts), dtype=np.intp)
    order = rng.permutation(len(counts))
    for group in order[np.argsort(-share[order].max(axis=1, initial=0), kind="stable")]:
        cost = ((load + share[group]) ** 2 - load**2).sum(axis=1)
        ties = np.flatnonzero(cost < cost.min() + 1e-12)
        lightest = load[ties].sum(axis=1)
        fold_of[group] = rng.choice(ties[lightest < lightest.min() + 1e-12])
        load[fold_of[group]] += share[group]
    return fold_of


def _make_fold(
    takes: Sequence[Take], fold_of: Sequence[NDArray[np.intp]], fold: int, prints: Fingerprints
) -> tuple[Fold, int]:
    """One fold without twins across its sides, and how many crops that took away."""
    tested = [part == fold for part in fold_of]
    test = [take.crops[chosen] for take, chosen in zip(takes, tested, strict=True)]
    train = [take.crops[~take.near(chosen)] for take, chosen in zip(takes, tested, strict=True)]
    twins = [_twins_in(train[index], test, index, prints) for index in range(len(takes))]
    dropped = 0
    for label in sorted({take.label for take in takes}):
        mine = [index for index, take in enumerate(takes) if take.label == label]
        if all(twins[index].all() for index in mine):
            for index in mine:
                test, gone = _without_twins_of(train[index], test, index, prints)
                dropped += gone
                twins[index][:] = False
    dropped += sum(int(twin.sum()) for twin in twins)
    kept = [crops[~twin] for crops, twin in zip(train, twins, strict=True)]
    return Fold(np.sort(np.concatenate(kept)), np.sort(np.concatenate(test))), dropped


def _twins_in(
    crops: NDArray[np.intp], others: Sequence[NDArray[np.intp]], own: int, prints: Fingerprints
) -> NDArray[np.bool_]:
    """Which crops of take ``own`` have a near duplicate in the other takes, or a copy in their own."""
    rest = np.concatenate([other for index, other in enumerate(others) if index != own] or [np.empty(0, np.intp)])
    near = near_duplicates(prints.hashes[crops], prints.hashes[rest])
    return np.asarray(near | np.isin(prints.digests[crops], prints.digests[others[own]]))


def _without_twins_of(
    crops: NDArray[np.intp], test: Sequence[NDArray[np.intp]], own: int, prints: Fingerprints
) -> tuple[list[NDArray[np.intp]], int]:
    """The test crops that are no twins of some training crops of take ``own``, and how many were."""
    before = sum(len(part) for part in test)
    kept = []
    for index, part in enumerate(test):
        one = [crops if other == own else part[:0] for other in range(len(test))]
        kept.append(part[~_twins_in(part, one, index, prints)])
    return kept, before - sum(len(part) for part in kept)


def _sources_of_copies(recordings: Sequence[Recording]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of augmented crops, and of the crop that each was made from; copies of unknown crops are left out."""
    starts = np.cumsum([0, *(len(recording.crops) for recording in recordings)])
    known = {(item.label, item.id): index for index, item in enumerate(recordings) if item.kind != AUGMENTED}
    copies, sources = [np.empty(0, np.intp)], [np.empty(0, np.intp)]
    for index, recording in enumerate(recordings):
        source = known.get((recording.label, recording.source_name)) if recording.kind == AUGMENTED else None
        if source is None or not recording.crops:
            continue
        # The copies of one crop stand together, in the order of their sources.
        number = len(recordings[source].crops)
        position = np.arange(len(recording.crops)) * number // len(recording.crops)
        same = [recordings[source].crops[p].time_s == c.time_s for p, c in zip(position, recording.crops, strict=True)]
        copies.append(starts[index] + np.flatnonzero(same))
        sources.append(starts[source] + position[same])
    return np.concatenate(copies), np.concatenate(sources)


def _with_copies(train: NDArray[np.intp], made: tuple[NDArray[np.intp], NDArray[np.intp]]) -> NDArray[np.intp]:
    copies, sources = made
    return np.sort(np.concatenate([train, copies[np.isin(sources, train)]]))


_PERSON = "Every person was tested by a model that had never seen that person."

_RECORDING = "Every recording was tested by a model that had never seen that recording."

_RECORDING_OF_SEVERAL = (
    "Every recording was tested by a model that had never seen that recording, though it may have seen the person: "
    "not every label was recorded by at least two people."
)


def _warn_of_time(takes: Sequence[Take]) -> str:
    quoted = [f"`{take.label}`" for take in takes]
    names = " and ".join([*([", ".join(quoted[:-1])] if quoted[1:] else []), quoted[-1]])
    if all(take.times_s is None for take in takes):
        return (
            f"Optimistic: {names} came as one folder of pictures, so test and training pictures may show the same "
            "occasion. Record further videos for a number that holds on another day."
        )
    have, each = ("has", "") if len(takes) == 1 else ("have", " each")
    return (
        f"Optimistic: {names} {have} only one recording{each}, so the test faces come from the same take as the "
        f"training faces, at least {GAP_S:g} s apart. Expect less on another day; a second recording makes the number "
        "honest."
    )


def _note_on_twins(count: int) -> str:
    if not count:
        return ""
    return f" {count} {'face' if count == 1 else 'faces'} too much alike across the two sides did not count."
