"""Features: the frozen base once per picture, and a cache that may be lost or damaged but never wrong."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emo.bases.base import Base, load_base
from emo.bases.features import cached_features, dataset_features
from emo.capture.config import CaptureConfig
from emo.capture.recorder import capture_video
from emo.datasets.recordings import Recording
from emo.errors import FileFormatError


@pytest.fixture(scope="module")
def base() -> Base:
    return load_base(threads=1)


@pytest.fixture(scope="module")
def recording(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    config = CaptureConfig(label="happy", start_s=11, end_s=14)
    return capture_video(media / "WolfgangLanger_Pexels.mp4", tmp_path_factory.mktemp("dataset"), config).recording


def passes(base: Base, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the faces of every forward pass from now on."""
    sizes: list[int] = []
    run = Base.run
    monkeypatch.setattr(Base, "run", lambda self, inputs: sizes.append(len(inputs)) or run(self, inputs))
    return sizes


def test_a_picture_and_its_copies_cost_one_forward_pass_each_ever(
    base: Base, recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = passes(base, monkeypatch)
    first = cached_features(base, recording, tmp_path, copies=2, seed=0)
    assert sum(sizes) == 3 * len(recording.crops)
    again = cached_features(base, recording, tmp_path, copies=2, seed=0)
    assert sum(sizes) == 3 * len(recording.crops)
    assert first.shape == (3, len(recording.crops), base.size)
    assert (first == again).all()


def test_the_first_plane_is_of_the_crops_as_they_are(base: Base, recording: Recording, tmp_path: Path) -> None:
    features = cached_features(base, recording, tmp_path, copies=1, seed=0)
    np.testing.assert_allclose(features[0], base.features(recording.read_crops()), atol=1e-5)
    assert np.abs(features[1] - features[0]).max() > 0.1


def test_another_seed_makes_other_copies_of_the_same_crops(base: Base, recording: Recording, tmp_path: Path) -> None:
    one = cached_features(base, recording, tmp_path, copies=1, seed=0)
    other = cached_features(base, recording, tmp_path, copies=1, seed=1)
    assert (one[0] == other[0]).all()
    assert not (one[1] == other[1]).all()


def test_changed_crops_are_not_taken_from_the_cache(base: Base, recording: Recording, tmp_path: Path) -> None:
    folder = tmp_path / "label" / recording.id
    shutil.copytree(recording.folder, folder)
    copied = replace(recording, folder=folder)
    before = cached_features(base, copied, tmp_path / "cache", copies=0, seed=0)
    paths = copied.crop_paths
    shutil.copy(paths[0], paths[-1])
    after = cached_features(base, copied, tmp_path / "cache", copies=0, seed=0)
    assert (after[0, -1] == after[0, 0]).all()
    assert not (after[0, -1] == before[0, -1]).all()


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-100], lambda data: data[:500] + b"x" + data[501:], lambda _: b""]
)
def test_a_damaged_cache_file_is_computed_anew(
    base: Base, recording: Recording, tmp_path: Path, damage: object
) -> None:
    assert callable(damage)
    before = cached_features(base, recording, tmp_path, copies=0, seed=0)
    (path,) = tmp_path.rglob("*.npy")
    path.write_bytes(damage(path.read_bytes()))
    assert (cached_features(base, recording, tmp_path, copies=0, seed=0) == before).all()


def test_a_cache_that_cannot_be_written_costs_only_time(base: Base, recording: Recording, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    features = cached_features(base, recording, tmp_path / "cache", copies=0, seed=0)
    assert features.shape == (1, len(recording.crops), base.size)


def test_a_missing_crop_is_named(base: Base, recording: Recording, tmp_path: Path) -> None:
    folder = tmp_path / "label" / recording.id
    shutil.copytree(recording.folder, folder)
    copied = replace(recording, folder=folder)
    copied.crop_paths[1].unlink()
    with pytest.raises(FileFormatError, match=copied.crop_paths[1].name):
        cached_features(base, copied, tmp_path, copies=0, seed=0)


def test_no_recordings_have_no_features(base: Base, tmp_path: Path) -> None:
    assert dataset_features(base, [], tmp_path, copies=2, seed=0).shape == (3, 0, base.size)


def test_progress_reaches_its_end(base: Base, recording: Recording, tmp_path: Path) -> None:
    from collections.abc import Iterator
    from contextlib import contextmanager

    from emo.progress import Advance

    totals: list[float | None] = []
    done: list[float] = []

    @contextmanager
    def watch(description: str, *, total: float | None) -> Iterator[Advance]:
        totals.append(total)
        yield done.append

    for _ in range(2):
        cached_features(base, recording, tmp_path, copies=1, seed=0, progress=watch)
    assert totals == [2 * len(recording.crops)] * 2
    assert sum(done) == sum(total or 0 for total in totals)
