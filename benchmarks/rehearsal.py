"""What becomes of the labels that a person did not record.

For people with several pictures under several labels, one label is hidden, a personal head is fitted to two thirds of
the pictures of the others, and both are tested: the rest of the recorded labels, and the hidden one. Without rehearsal
the hidden label is never answered again; the question is what keeps it at the least cost.

    python benchmarks/rehearsal.py --pictures muxspace --people 60

The folder holds LABEL/PERSON_0001.jpg. A single recorded label, which `emo transfer` refuses, is the hardest case
(every difference between this person and others looks like that label) and is listed apart.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emo.bases.base import Base, load_base
from emo.capture.detectors import load_detector
from emo.capture.filetypes import read_picture
from emo.capture.pictures import face_of_picture
from emo.datasets.crops import cut_face
from emo.transfer.fitting import Faces, Known, PersonalFit
from emo.transfer.rehearsal import Plan

PLANS = {
    "nothing rehearsed": Plan(unrecorded=0.0, recorded=0.0, translate=False),
    "others' features only": Plan(moved=0.0, translate=False),
    "features moved to the person": Plan(translate=False),
    "head and features moved (default)": Plan(),
    "head and features moved, all": Plan(moved=1.0),
    "recorded labels rehearsed as much": Plan(recorded=1.0),
    "trusting the offset more": Plan(doubt=1.0),
}
STRENGTHS = (1.0, 0.3, 0.1, 0.03)
FEWEST = 3
MOST = 40


@dataclass(frozen=True, slots=True)
class Task:
    """One person, the labels that were recorded, and the one that is hidden."""

    person: str
    recorded: tuple[str, ...]
    hidden: str


@dataclass(frozen=True, slots=True)
class Pictures:
    """Features (N, D), and label and person of each."""

    features: NDArray[np.float32]
    labels: NDArray[np.str_]
    people: NDArray[np.str_]


def main() -> None:
    """Measure every plan at every strength, print a table, and write it beside this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--people", type=int, default=60)
    options = parser.parse_args()
    base = load_base(threads=1)
    pictures = read(base, options.pictures, options.people)
    tasks = tasks_of(pictures)
    several = [task for task in tasks if len(task.recorded) > 1]
    one = [task for task in tasks if len(task.recorded) == 1]
    result: dict[str, object] = {"pictures": len(pictures.labels), "tasks": len(several), "one label": len(one)}
    print(f"{len(pictures.labels)} pictures; {len(several)} tasks with several labels recorded, {len(one)} with one")
    print(f"{'recall: recorded, hidden':>36} {'strength':>8}   several          one")
    row("unadapted base", "", [unadapted(base, pictures, part) for part in (several, one)], result)
    for name, plan in PLANS.items():
        for strength in STRENGTHS:
            found = [adapted(base, pictures, part, plan, strength) for part in (several, one)]
            row(name, f"{strength:g}", found, result)
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n")


def row(name: str, strength: str, found: list[tuple[float, float]], result: dict[str, object]) -> None:
    """Print one line and keep it."""
    text = "    ".join(f"{recorded:.3f} {hidden:.3f}" for recorded, hidden in found)
    print(f"{name:>36} {strength:>8}   {text}", flush=True)
    numbers = [[round(value, 3) for value in pair] for pair in found]
    result[f"{name} {strength}".strip()] = {"several": numbers[0], "one": numbers[1]}


def read(base: Base, folder: Path, people: int) -> Pictures:
    """Cut the faces of the people with the most labels that have pictures enough, and compute their features."""
    files: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(folder.glob("*/*.jpg")):
        files[path.stem.rsplit("_", 1)[0]][path.parent.name].append(path)
    usable = {
        person: {label: paths for label, paths in labels.items() if len(paths) >= FEWEST and label in base.labels}
        for person, labels in files.items()
    }
    rank = sorted(usable, key=lambda person: (-len(usable[person]), -sum(map(len, usable[person].values())), person))
    rank = [person for person in rank if len(usable[person]) >= 2][:people]
    detector = load_detector(min_face_px=40)
    crops, labels, persons = [], [], []
    for person in rank:
        for label, paths in sorted(usable[person].items()):
            for path in paths[:MOST]:
                image = read_picture(path)
                face = None if image is None else face_of_picture(detector, image)
                if image is not None and face is not None:
                    crops.append(cut_face(image, face))
                    labels.append(label)
                    persons.append(person)
    return Pictures(base.features(np.stack(crops)), np.array(labels), np.array(persons))


def tasks_of(pictures: Pictures) -> list[Task]:
    """Every label of every person hidden in turn; with two labels one remains, with more several do."""
    tasks = []
    for person in dict.fromkeys(pictures.people.tolist()):
        counts = Counter(pictures.labels[pictures.people == person].tolist())
        labels = sorted(label for label, count in counts.items() if count >= FEWEST)
        for hidden in labels:
            recorded = tuple(label for label in labels if label != hidden)
            if recorded:
                tasks.append(Task(person, recorded, hidden))
    return tasks


def unadapted(base: Base, pictures: Pictures, tasks: list[Task]) -> tuple[float, float]:
    """Mean recall of the base on the recorded labels' test pictures and on the hidden label's."""
    found = []
    for task in tasks:
        _, test, hidden = parts(pictures, task)
        found.append([recall(base.head.logits, base, pictures, index) for index in (test, hidden)])
    recorded, unseen = np.mean(found, axis=0)
    return float(recorded), float(unseen)


def adapted(base: Base, pictures: Pictures, tasks: list[Task], plan: Plan, strength: float) -> tuple[float, float]:
    """The same for the personal heads."""
    found = []
    for task in tasks:
        train, test, hidden = parts(pictures, task)
        known = Known(base.head, base.statistics, personal=False)
        faces = Faces(pictures.features[None, train], pictures.labels[train])
        head = PersonalFit(known, base.labels, faces, seed=0, plan=plan).fit(np.arange(len(train)), strength)
        found.append([recall(head.logits, base, pictures, index) for index in (test, hidden)])
    recorded, unseen = np.mean(found, axis=0)
    return float(recorded), float(unseen)


def parts(pictures: Pictures, task: Task) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Indices to learn from, to test on, and of the hidden label; every third picture of a label is tested."""
    own = pictures.people == task.person
    train, test = [], []
    for label in task.recorded:
        index = np.flatnonzero(own & (pictures.labels == label))
        test.append(index[::3])
        train.append(np.setdiff1d(index, index[::3]))
    hidden = np.flatnonzero(own & (pictures.labels == task.hidden))
    return np.concatenate(train), np.concatenate(test), hidden


def recall(logits: object, base: Base, pictures: Pictures, index: NDArray[np.intp]) -> float:
    """Recall averaged over the labels among some pictures."""
    assert callable(logits)
    answers = np.array(base.labels)[logits(pictures.features[index]).argmax(axis=1)]
    truth = pictures.labels[index]
    return float(np.mean([(answers[truth == label] == label).mean() for label in set(truth.tolist())]))


if __name__ == "__main__":
    main()
