"""Augmented copies: cheap, repeatable, offline, and traceable to their source."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emo.datasets.augmentation import Augmenter, augment_dataset
from emo.datasets.recordings import Recording, RecordingWriter, read_recording, recordings_of
from emo.datasets.splits import split_by_recording
from emo.errors import DatasetError, UsageError
from tests.datasets.test_splits import make_recording

POINTS = ((1.0, 1.0),) * 5


@pytest.fixture(scope="module")
def face(media: Path) -> NDArray[np.uint8]:
    """A real face, uint8 (256, 256, 3) RGB."""
    import cv2

    picture = cv2.imread(str(media / "single_face.jpg"))[:, :, ::-1]
    side = min(picture.shape[:2])
    return np.asarray(cv2.resize(np.ascontiguousarray(picture[:side, :side]), (256, 256)), dtype=np.uint8)


@pytest.fixture
def dataset(face: NDArray[np.uint8], tmp_path: Path) -> Path:
    """Two labels, one recording each of three moving crops."""
    for label in ("happy", "sad"):
        writer = RecordingWriter(tmp_path / "personal", label=label, recording_id=f"{label}-1")
        for step in range(3):
            image = np.roll(face if label == "happy" else face[:, ::-1], 9 * step, axis=1)
            writer.add(image, time_s=4.0 * step, box=(0, 0, 9, 9), landmarks=POINTS, quality={"sharpness": 1.0})
        made = make_recording(label)
        writer.commit(lambda folder, crops, made=made: replace(made, folder=folder, crops=crops))
    return tmp_path / "personal"


def test_augmenter_repeats_itself_by_seed_and_call_order(face: NDArray[np.uint8]) -> None:
    first, second, other = (Augmenter(seed=seed) for seed in (3, 3, 4))
    one, two, three = ([augment(face) for _ in range(8)] for augment in (first, second, other))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, three, strict=True))
    assert len({picture.tobytes() for picture in one}) == 8


def test_augmenter_keeps_the_face_recognisable_and_its_input_untouched(face: NDArray[np.uint8]) -> None:
    before = face.copy()
    augment = Augmenter(seed=0)
    small = face[::2, ::2].astype(float).mean(axis=2)
    for _ in range(50):
        copy = augment(face)
        assert copy.shape == face.shape and copy.dtype == np.uint8
        grey = copy[::2, ::2].astype(float).mean(axis=2)
        assert max(np.corrcoef(grey.ravel(), s.ravel())[0, 1] for s in (small, small[:, ::-1])) > 0.6
    assert np.array_equal(face, before)


def test_augmenting_opens_no_socket_and_loads_no_torch() -> None:
    """In a process of its own, because an import happens once."""
    code = """
import socket, sys
def refuse(*args, **kwargs): raise SystemExit("a socket was opened")
socket.socket.__init__ = socket.getaddrinfo = refuse
import numpy as np
from emo.datasets.augmentation import Augmenter
assert "albumentations" not in sys.modules
Augmenter(seed=0)(np.zeros((32, 32, 3), np.uint8))
assert "albumentations" in sys.modules
print(sorted({"torch", "huggingface_hub", "albumentations.check_version"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "['albumentations.check_version']"), done.stderr


def test_augmented_dataset_holds_the_originals_and_their_copies(dataset: Path) -> None:
    target = dataset.with_name("personal_augmented")
    assert augment_dataset(dataset, target, copies=2, seed=0) == 12
    recordings = recordings_of(target)
    assert [recording.id for recording in recordings] == ["happy-1", "happy-1-augmented", "sad-1", "sad-1-augmented"]
    copies = recordings[1]
    assert (copies.kind, copies.source_name, copies.person) == ("augmented", "happy-1", "me")
    assert [crop.time_s for crop in copies.crops] == [0, 0, 4, 4, 8, 8]
    assert copies.read_crops().shape == (6, 256, 256, 3)
    assert np.array_equal(recordings[0].read_crops(), recordings_of(dataset)[0].read_crops())


def test_augmented_dataset_is_split_by_its_sources(dataset: Path) -> None:
    target = dataset.with_name("personal_augmented")
    augment_dataset(dataset, target, copies=2, seed=0)
    recordings = recordings_of(target)
    is_copy = np.repeat([recording.kind == "augmented" for recording in recordings], [len(r.crops) for r in recordings])
    for fold in split_by_recording(recordings).folds:
        assert not is_copy[fold.test].any()
        assert is_copy[fold.train].sum() == 2 * (~is_copy[fold.train]).sum()


def test_augmenting_again_replaces_the_old_copies(dataset: Path) -> None:
    target = dataset.with_name("personal_augmented")
    augment_dataset(dataset, target, copies=3, seed=0)
    first = augmented(target)
    augment_dataset(dataset, target, copies=1, seed=0)
    assert (len(first.crops), len(augmented(target).crops)) == (9, 3)
    pictures = augmented(target).read_crops()
    augment_dataset(dataset, target, copies=1, seed=0)
    assert np.array_equal(augmented(target).read_crops(), pictures)


def augmented(target: Path) -> Recording:
    return read_recording(target / "happy" / "happy-1-augmented")


def test_augmenting_never_overwrites_what_a_user_recorded(dataset: Path) -> None:
    target = dataset.with_name("precious")
    (target / "happy").mkdir(parents=True)
    with pytest.raises(DatasetError, match="precious: was not made by augmentation and would be lost"):
        augment_dataset(dataset, target, copies=1, seed=0)
    with pytest.raises(UsageError, match="cannot hold its own augmented copies"):
        augment_dataset(dataset, dataset, copies=1, seed=0)
    with pytest.raises(UsageError, match="copies must be at least 1, got 0"):
        augment_dataset(dataset, target, copies=0, seed=0)


def test_interrupted_augmenting_leaves_nothing_behind(dataset: Path) -> None:
    (dataset / "sad" / "sad-1" / "000001.jpg").unlink()
    target = dataset.with_name("personal_augmented")
    with pytest.raises(Exception, match=r"000001\.jpg: missing"):
        augment_dataset(dataset, target, copies=1, seed=0)
    assert sorted(path.name for path in dataset.parent.iterdir()) == ["personal"]


def test_the_mark_says_how_the_copies_were_made(dataset: Path) -> None:
    target = dataset.with_name("personal_augmented")
    augment_dataset(dataset, target, copies=1, seed=5)
    assert json.loads((target / "augmented.json").read_text()) == {"source": "personal", "copies": 1, "seed": 5}
