"""Splits: nothing that was seen in training is tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emo.datasets.duplicates import Fingerprints, fingerprint_crops
from emo.datasets.recordings import CropRecord, Recording, RecordingWriter
from emo.datasets.splits import Split, split_by_recording
from emo.datasets.takes import GAP_S
from emo.errors import DatasetError, FileFormatError, UsageError

LABELS = ("happy", "sad", "boredom")


def make_recording(
    label: str = "happy",
    *,
    name: str = "a",
    person: str = "me",
    kind: str = "video",
    source: str = "",
    times_s: Sequence[float] = (),
    source_name: str = "a.mp4",
) -> Recording:
    crops = tuple(
        CropRecord(file=f"{i:06d}.jpg", time_s=float(t), box=(0, 0, 9, 9), landmarks=((1, 1),) * 5)
        for i, t in enumerate(times_s)
    )
    return Recording(
        folder=Path("datasets/personal") / label / name,
        label=label,
        person=person,
        kind=kind,
        source_name=source_name,
        source_sha256=source or name,
        start_s=0.0,
        end_s=10.0,
        every_s=0.2,
        frame_rate=Fraction(25),
        created="2025-01-01T00:00:00Z",
        crops=crops,
    )


def every(seconds: float, step: float = 0.2) -> list[float]:
    """Time stamps every ``step`` seconds over ``seconds``."""
    return [round(i * step, 6) for i in range(round(seconds / step))]


def all_different(recordings: Sequence[Recording]) -> Fingerprints:
    count = sum(len(recording.crops) for recording in recordings)
    hashes = np.random.default_rng(0).integers(0, 2**63, (count, 4), dtype=np.uint64)
    return Fingerprints(hashes, np.arange(count, dtype=np.uint64))


def split(recordings: Sequence[Recording], *, folds: int = 5, seed: int = 0) -> Split:
    return split_by_recording(recordings, folds=folds, seed=seed, fingerprints=all_different(recordings))


def owner(recordings: Sequence[Recording]) -> np.ndarray:
    """For each crop the index of its recording."""
    return np.repeat(np.arange(len(recordings)), [len(recording.crops) for recording in recordings])


def labels_at(recordings: Sequence[Recording], crops: np.ndarray) -> set[str]:
    return {recordings[index].label for index in owner(recordings)[crops]}


@st.composite
def datasets(draw: st.DrawFn) -> list[Recording]:
    """Datasets that can be split: recordings long enough where a label has only one."""
    recordings = []
    for label in LABELS[: draw(st.integers(1, 3))]:
        number = draw(st.integers(1, 4))
        for index in range(number):
            shortest = 4 if number == 1 else 1
            step = draw(st.sampled_from([0.2, 0.5, 1 / 3]))
            seconds = draw(st.floats(shortest, 30))
            person = draw(st.sampled_from(["me", "you", "them"]))
            kind = draw(st.sampled_from(["video", "camera", "folder"]))
            name = f"{label}{index}"
            recordings.append(make_recording(label, name=name, person=person, kind=kind, times_s=every(seconds, step)))
    return recordings


@given(datasets(), st.integers(2, 6), st.integers(0, 3))
@settings(max_examples=120, deadline=None)
def test_every_fold_is_sound(recordings: list[Recording], folds: int, seed: int) -> None:
    result = split(recordings, folds=folds, seed=seed)
    assert 2 <= len(result.folds) <= (folds + 5 if result.unit == "person" else folds)
    tested = np.concatenate([fold.test for fold in result.folds])
    assert len(tested) == len(set(tested.tolist())), "a crop is tested at most once"
    for fold in result.folds:
        assert len(fold.test) and not set(fold.train) & set(fold.test)
        assert labels_at(recordings, fold.train) == {recording.label for recording in recordings}


@given(datasets(), st.integers(2, 6))
@settings(max_examples=80, deadline=None)
def test_split_keeps_each_recording_on_one_side(recordings: list[Recording], folds: int) -> None:
    result = split(recordings, folds=folds)
    of_label = {label: [r for r in recordings if r.label == label] for label in LABELS}
    for fold in result.folds:
        train, test = (set(owner(recordings)[side].tolist()) for side in (fold.train, fold.test))
        for both in train & test:
            assert result.unit == "time" and len(of_label[recordings[both].label]) == 1


@given(datasets(), st.integers(2, 6))
@settings(max_examples=80, deadline=None)
def test_split_by_time_leaves_a_gap(recordings: list[Recording], folds: int) -> None:
    result = split(recordings, folds=folds)
    times_s = np.array([crop.time_s for recording in recordings for crop in recording.crops])
    owners = owner(recordings)
    for fold in result.folds:
        for index, recording in enumerate(recordings):
            if recording.kind != "folder":
                train, test = (times_s[side[owners[side] == index]] for side in (fold.train, fold.test))
                if len(train) and len(test):
                    assert np.abs(train[:, None] - test).min() >= GAP_S - 1e-6


@given(datasets(), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_split_is_the_same_for_the_same_seed(recordings: list[Recording], seed: int) -> None:
    first, second = split(recordings, seed=seed), split(recordings, seed=seed)
    assert first.note == second.note
    for one, other in zip(first.folds, second.folds, strict=True):
        assert np.array_equal(one.train, other.train) and np.array_equal(one.test, other.test)


def test_split_keeps_each_person_on_one_side_when_there_are_several() -> None:
    recordings = [
        make_recording(label, name=f"{label}-{person}{take}", person=person, times_s=every(6))
        for label in ("happy", "sad")
        for person in ("ann", "bea", "cem", "dot")
        for take in range(2)
    ]
    result = split(recordings)
    assert result.unit == "person" and "person" in result.note and len(result.folds) == 4
    for fold in result.folds:
        train, test = ({recordings[i].person for i in owner(recordings)[side]} for side in (fold.train, fold.test))
        assert not train & test
        assert labels_at(recordings, fold.test) == {"happy", "sad"}


def test_split_is_by_recording_where_one_label_has_a_single_person() -> None:
    recordings = [
        make_recording("happy", name="h-ann", person="ann", times_s=every(6)),
        make_recording("happy", name="h-bea", person="bea", times_s=every(6)),
        make_recording("sad", name="s1", person="ann", times_s=every(6)),
        make_recording("sad", name="s2", person="ann", times_s=every(6)),
    ]
    result = split(recordings)
    assert result.unit == "recording" and "may have seen the person" in result.note


def test_labels_are_spread_evenly_over_the_folds() -> None:
    recordings = [
        make_recording(label, name=f"{label}{take}", times_s=every(6))
        for label in ("happy", "sad")
        for take in range(5)
    ]
    for fold in split(recordings, folds=5).folds:
        assert sorted(recordings[i].label for i in set(owner(recordings)[fold.test])) == ["happy", "sad"]


def test_rare_labels_do_not_pile_up_in_one_fold() -> None:
    recordings = [
        make_recording(label, name=f"{label}{take}", times_s=every(6))
        for label, takes in (("happy", 4), ("sad", 2), ("boredom", 2))
        for take in range(takes)
    ]
    assert [len(fold.test) for fold in split(recordings, folds=4).folds] == [60] * 4


def test_short_recording_is_cut_into_as_many_blocks_as_leave_the_most_to_train_on() -> None:
    result = split([make_recording("sad", times_s=every(5.8))])
    assert sorted(len(fold.train) for fold in result.folds) == [5, 8, 9, 14, 15]


def test_short_single_recordings_are_cut_by_time_and_the_note_warns() -> None:
    recordings = [
        make_recording("sad", name="s", times_s=every(5.8)),
        make_recording("happy", name="h", times_s=every(8.2)),
    ]
    result = split(recordings)
    assert result.unit == "time"
    assert result.note.startswith("Optimistic: `sad` and `happy` have only one recording each")
    tested = np.concatenate([fold.test for fold in result.folds])
    assert len(tested) == 29 + 41, "every face is tested once"
    for fold in result.folds:
        assert (fold.train < 29).sum() >= 5


@pytest.mark.parametrize("count", range(13, 30))
def test_very_short_recordings_are_tested_at_their_ends(count: int) -> None:
    result = split([make_recording("sad", times_s=[0.2 * i for i in range(count)])])
    for fold in result.folds:
        assert len(fold.train) >= 2 and len(fold.test) >= 1


@pytest.mark.parametrize(
    ("recording", "message"),
    [
        (make_recording("sad", times_s=every(1.0)), "record at least 2 s more of `sad`"),
        (make_recording("sad", times_s=[0.0]), "record at least 3 s more of `sad`"),
        (make_recording("sad", kind="folder", times_s=[0, 0]), "add at least 1 more picture of `sad`"),
        (make_recording("sad", kind="augmented", times_s=every(9)), "use the dataset they were made from"),
    ],
)
def test_too_little_to_hold_back_names_the_label_and_the_way_out(recording: Recording, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        split([recording])


def test_following_the_advice_is_enough() -> None:
    assert split([make_recording("sad", times_s=every(1.0 + 2))]).folds
    assert split([make_recording("sad", kind="folder", times_s=[0, 0, 0])]).folds


def test_fewer_than_two_folds_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 2, got 1"):
        split([make_recording(times_s=every(9))], folds=1)


def test_neighbouring_segments_of_one_video_stay_together() -> None:
    recordings = [
        make_recording("sad", name="v-0", source="v", times_s=every(5)),
        make_recording("sad", name="v-1", source="v", times_s=[5 + t for t in every(5)]),
        make_recording("sad", name="w", times_s=every(5)),
    ]
    for fold in split(recordings).folds:
        assert len(set(owner(recordings)[fold.test]) & {0, 1}) in (0, 2)


def test_augmented_copies_follow_their_source_and_are_never_tested() -> None:
    times_s = every(20)
    source = make_recording("sad", name="s", times_s=times_s)
    copies = make_recording("sad", name="s-aug", kind="augmented", source_name="s", times_s=np.repeat(times_s, 3))
    orphan = make_recording("sad", name="x-aug", kind="augmented", source_name="gone", times_s=times_s)
    result = split([source, copies, orphan])
    for fold in result.folds:
        train = set(fold.train.tolist())
        assert fold.test.max() < 100
        for copy in range(300):
            assert (100 + copy in train) == (copy // 3 in train)
        assert max(train) < 400


def test_near_duplicates_of_test_crops_leave_the_training_side() -> None:
    recordings = [
        make_recording(label, name=f"{label}{take}", times_s=every(4))
        for label in ("happy", "sad")
        for take in range(3)
    ]
    prints = all_different(recordings)
    prints.hashes[25] = prints.hashes[3] ^ np.uint64(0b1011)  # 20-39 are the second recording of `happy`
    result = split_by_recording(recordings, fingerprints=prints)
    for fold in result.folds:
        assert not ({3, 25} & set(fold.train.tolist()) and {3, 25} & set(fold.test.tolist()))
    assert "2 faces too much alike" in result.note


def test_a_calm_face_cut_by_time_still_has_a_training_side() -> None:
    recordings = [
        make_recording("sad", name="s", times_s=every(10)),
        make_recording("happy", name="h", times_s=every(10)),
    ]
    prints = all_different(recordings)
    prints.hashes[:50] = prints.hashes[0]
    result = split_by_recording(recordings, fingerprints=prints)
    assert len(np.concatenate([fold.test for fold in result.folds])) == 100


def test_copies_of_one_picture_are_not_tested_and_stay_learnable() -> None:
    recordings = [
        make_recording("sad", name="s", times_s=every(10)),
        make_recording("happy", name="h", times_s=every(10)),
    ]
    prints = all_different(recordings)
    prints.digests[:50] = 7
    result = split_by_recording(recordings, fingerprints=prints)
    for fold in result.folds:
        assert labels_at(recordings, fold.train) == {"happy", "sad"}
        assert labels_at(recordings, fold.test) == {"happy"}
    with pytest.raises(DatasetError, match="every face that could be tested is a copy"):
        split_by_recording(recordings[:1], fingerprints=Fingerprints(prints.hashes[:50], prints.digests[:50]))


def test_the_same_pictures_captured_twice_are_found_on_disk(media: Path, tmp_path: Path) -> None:
    """The second recording is darker and compressed anew: neither may vouch for the other."""
    import cv2

    pictures = [cv2.imread(str(media / name))[:, :, ::-1] for name in ("single_face.jpg", "0-f1-su-ph.jpg")]
    first, third = (cv2.resize(np.ascontiguousarray(picture), (256, 256)) for picture in pictures)
    second = np.clip(first * 0.9, 0, 255).astype(np.uint8)
    recordings = []
    for name, picture in (("first", first), ("second", second), ("third", third)):
        writer = RecordingWriter(tmp_path, label="happy", recording_id=name)
        writer.add(picture, time_s=0, box=(0, 0, 9, 9), landmarks=((1, 1),) * 5, quality={})
        made = make_recording("happy", name=name, times_s=[0])
        recordings.append(writer.commit(lambda folder, crops, made=made: replace(made, folder=folder, crops=crops)))
    assert len(set(fingerprint_crops(recordings).digests.tolist())) == 3
    result = split_by_recording(recordings)
    assert "too much alike" in result.note
    for fold in result.folds:
        assert not ({0, 1} & set(fold.train.tolist()) and {0, 1} & set(fold.test.tolist()))


def test_a_missing_crop_names_its_file(tmp_path: Path) -> None:
    recording = replace(make_recording("happy", times_s=every(9)), folder=tmp_path)
    with pytest.raises(FileFormatError, match=r"000000\.jpg: missing, or no picture; delete the folder"):
        split_by_recording([recording])
