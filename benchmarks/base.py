"""How good a base is on faces that it never saw, and how much that depends on how tightly they are cut.

FER2013's private test split has FER+ majority labels; nothing of it, exact or near, is in training. The other
collection holds colour press pictures in folders named by label, of people in no training split; its rare labels are
noisy, so its numbers compare bases and say little by themselves.

    python benchmarks/base.py --fer2013 FOLDER --folders FOLDER
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emo.bases.base import Base, load_base
from emo.bases.registry import DEFAULT_BASE
from emo.capture.detectors import load_detector
from emo.capture.filetypes import read_picture
from emo.capture.pictures import face_of_picture
from emo.datasets.crops import CROP_PX, Face, cut_face
from emo.datasets.fer2013 import read_fer2013
from emo.evaluation import metrics
from emo.labels import BASIC_LABELS

FRAMINGS = (0.8, 0.9, 1.0, 1.1, 1.25, 1.4)
"""How many times the base's own framing a face is cut."""

Images = list[tuple[NDArray[np.uint8], Face, int]]


def main() -> None:
    """Measure, print, and write the result beside this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default=DEFAULT_BASE)
    parser.add_argument("--fer2013", type=Path, help="Holds fer2013.csv.gz and fer2013new.csv.")
    parser.add_argument("--folders", type=Path, help="Holds LABEL/*.jpg.")
    parser.add_argument("--most", type=int, default=400, help="Pictures of each label of the folders.")
    options = parser.parse_args()
    if not (options.fer2013 or options.folders):
        parser.error("give --fer2013, --folders or both")
    base = load_base(options.base, threads=1)
    result: dict[str, object] = {"base": base.name, "fingerprint": base.fingerprint[:12]}
    if options.fer2013:
        result["FER+ test"] = scores_by_framing(base, fer2013_test(options.fer2013))
    if options.folders:
        result["press pictures"] = scores_by_framing(base, folders(options.folders, options.most))
    print(json.dumps(result, indent=2))
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n")


def fer2013_test(data: Path) -> Images:
    """The private test split, each picture with its face, if one is found."""
    pictures = read_fer2013(data / "fer2013.csv.gz", votes=data / "fer2013new.csv")
    pictures = pictures.take(pictures.splits == "test")
    find = load_detector().detect_portrait
    return _found(
        (
            (np.repeat(image[:, :, None], 3, axis=2), int(label))
            for image, label in zip(pictures.images, pictures.labels, strict=True)
        ),
        find,
    )


def folders(root: Path, most: int) -> Images:
    """At most so many pictures of each label, drawn with a fixed seed."""
    rng = np.random.default_rng(0)
    detector = load_detector()
    pictures = []
    for index, label in enumerate(BASIC_LABELS):
        paths = sorted((root / label).glob("*.jpg"))
        for path in rng.permutation(np.array(paths, dtype=object))[:most]:
            image = read_picture(path)
            if image is not None:
                pictures.append((image, index))
    return _found(pictures, lambda image: face_of_picture(detector, image))


def scores_by_framing(base: Base, images: Images) -> dict[str, object]:
    """Accuracy, UAR and recalls at the base's own framing, and UAR when faces are cut tighter or looser."""
    truth = np.array([label for _, _, label in images], dtype=np.intp)
    by_framing = {}
    for framing in FRAMINGS:
        crops = np.empty((len(images), CROP_PX, CROP_PX, 3), dtype=np.uint8)
        for (image, face, _), crop in zip(images, crops, strict=True):
            crop[:] = cut_face(image, face, scale=1.5 * framing)
        predicted = base.head.logits(base.features(crops)).argmax(axis=1)
        by_framing[framing] = metrics.confusion_matrix(truth, predicted, len(BASIC_LABELS))
    own = by_framing[1.0]
    recalls = zip(BASIC_LABELS, metrics.per_label_scores(own), strict=True)
    return {
        "pictures": len(images),
        "accuracy": round(metrics.accuracy(own), 4),
        "uar": round(metrics.uar(own), 4),
        "recall": {label: round(score.recall, 4) for label, score in recalls},
        "uar by framing": {str(framing): round(metrics.uar(matrix), 4) for framing, matrix in by_framing.items()},
    }


def _found(pictures: object, find: Callable[[NDArray[np.uint8]], Face | None]) -> Images:
    found = ((image, find(image), label) for image, label in pictures)  # type: ignore[attr-defined]
    return [(image, face, label) for image, face, label in found if face is not None]


if __name__ == "__main__":
    main()
