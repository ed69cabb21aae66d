from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from emo.capture.config import CaptureConfig
from emo.capture.recorder import CaptureResult, capture_video, safe_stem
from emo.datasets.recordings import read_recording
from emo.errors import DatasetError, NoFaceFound, SourceError, StorageError
from emo.progress import Advance

from .clips import frames_of, write_clip

HER = "WolfgangLanger_Pexels.mp4"


def tree(folder: Path) -> dict[str, bytes]:
    """All files of a folder, without the one value that tells when it was made."""
    content = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    for name in content:
        if name.endswith("recording.json"):
            content[name] = json.dumps({**json.loads(content[name]), "created": ""}).encode()
    return content


@pytest.fixture(scope="module")
def sad(media: Path, tmp_path_factory: pytest.TempPathFactory) -> CaptureResult:
    dataset = tmp_path_factory.mktemp("datasets") / "personal"
    return capture_video(media / HER, dataset, CaptureConfig(label="sadness", end_s=5.0))


def test_a_recording_holds_upright_crops_of_one_size_and_all_that_is_known_of_them(sad: CaptureResult) -> None:
    recording = sad.recording
    assert (recording.label, recording.person, recording.kind, recording.source_name) == ("sad", "me", "video", HER)
    assert (recording.start_s, recording.end_s, len(recording.crops), recording.rejected) == (0.0, 5.0, 25, {})
    assert recording.read_crops().shape == (25, 256, 256, 3)
    times = [crop.time_s for crop in recording.crops]
    assert times == pytest.approx([0.2 * k for k in range(25)], abs=0.05)
    assert {name for crop in recording.crops for name in crop.quality} == {
        "sharpness", "brightness", "face_px", "score", "roll",
    }  # fmt: skip
    assert read_recording(recording.folder).crops == recording.crops
    assert recording.folder.name.startswith("WolfgangLanger_Pexels-")
    assert str(recording.folder.parent.parent.parent) not in (recording.folder / "recording.json").read_text()
    assert sad.advice == ""


def test_crops_show_the_whole_face_in_their_middle(sad: CaptureResult) -> None:
    from emo.capture.detectors import load_detector

    detector = load_detector()
    for crop in sad.recording.read_crops()[::6]:
        face = detector.detect(crop)[0]
        assert np.abs(face.center - 128).max() < 12
        assert abs(face.roll) < 8
        assert face.side == pytest.approx(256 / 1.5, rel=0.12)


def test_running_it_again_does_nothing_and_says_so(sad: CaptureResult, media: Path) -> None:
    dataset = sad.recording.folder.parent.parent
    before = {path: path.stat().st_mtime_ns for path in dataset.rglob("*")}
    result = capture_video(media / HER, dataset, CaptureConfig(label="sad", end_s=5.0))
    assert result.already_there
    assert result.recording == sad.recording
    assert {path: path.stat().st_mtime_ns for path in dataset.rglob("*")} == before


def test_again_makes_the_same_recording_anew(media: Path, tmp_path: Path) -> None:
    first = capture_video(media / "single_face.mp4", tmp_path / "personal", CaptureConfig(label="happy"))
    before = tree(tmp_path)
    (first.recording.folder / "000003.jpg").unlink()
    result = capture_video(media / "single_face.mp4", tmp_path / "personal", CaptureConfig(label="happy", again=True))
    assert not result.already_there
    assert tree(tmp_path) == before


def test_the_same_segment_cannot_have_two_labels(sad: CaptureResult, media: Path) -> None:
    dataset = sad.recording.folder.parent.parent
    before = tree(dataset)
    with pytest.raises(DatasetError) as caught:
        capture_video(media / HER, dataset, CaptureConfig(label="happy", end_s=5.0, every_s=0.3))
    assert "already recorded as 'sad' in personal" in str(caught.value)
    assert str(sad.recording.folder) in str(caught.value)
    assert tree(dataset) == before


def test_neighbouring_segments_and_other_persons_are_no_conflict(media: Path, tmp_path: Path) -> None:
    source = media / "single_face.mp4"
    capture_video(source, tmp_path, CaptureConfig(label="neutral", end_s=1.0))
    capture_video(source, tmp_path, CaptureConfig(label="happy", start_s=1.0))
    capture_video(source, tmp_path, CaptureConfig(label="happy", end_s=1.0, person="twin"))
    assert len(list(tmp_path.glob("*/*/recording.json"))) == 3


def test_a_video_without_a_face_leaves_nothing_on_disk(media: Path, tmp_path: Path) -> None:
    with pytest.raises(NoFaceFound, match=r"no_face.mp4: no face in 20 sampled frames.*--min-face 24"):
        capture_video(media / "no_face.mp4", tmp_path / "personal", CaptureConfig(label="happy"))
    assert not (tmp_path / "personal").exists()


@pytest.mark.parametrize("name", ["face_noface.mov", "noface_face.mov"])
def test_frames_without_the_face_are_counted(media: Path, tmp_path: Path, name: str) -> None:
    result = capture_video(media / name, tmp_path, CaptureConfig(label="happy"))
    assert (len(result.recording.crops), result.recording.rejected) == (12, {"no_face": 20})
    assert "most samples gave no face" in result.advice
    assert "only 12 faces" in result.advice


def test_dark_and_blurred_and_small_faces_are_rejected_by_reason(media: Path, tmp_path: Path) -> None:
    frames = frames_of(media / "single_face.mp4", every_s=0.4, end_s=2.0)
    dark = [(frame * 0.1).astype(np.uint8) for frame in frames]
    blurred = [np.asarray(cv2.GaussianBlur(frame, (0, 0), 14), dtype=np.uint8) for frame in frames]
    clip = write_clip(tmp_path / "mixed.avi", [*frames, *dark, *blurred], frame_rate=5.0)
    recording = capture_video(clip, tmp_path / "a", CaptureConfig(label="happy")).recording
    assert len(recording.crops) == len(frames)
    assert sum(recording.rejected.values()) == 2 * len(frames)
    assert {"too_dark", "blurred"} <= set(recording.rejected)
    with pytest.raises(NoFaceFound, match="too_small"):
        capture_video(clip, tmp_path / "b", CaptureConfig(label="happy", min_face_px=240, end_s=1.0))


def test_another_person_is_never_written(media: Path, tmp_path: Path) -> None:
    me = frames_of(media / "single_face.mp4", every_s=0.1, end_s=2.0)
    other = cv2.resize(frames_of(media / HER, end_s=0.1)[0], (640, 360))
    # He is there for a second, then she joins on the right, then he is gone.
    both = [np.concatenate([frame, other if number >= 10 else 0 * other], axis=1) for number, frame in enumerate(me)]
    alone = [np.concatenate([0 * me[0], other], axis=1)] * 10
    clip = write_clip(tmp_path / "two.avi", [*both, *alone])
    recording = capture_video(clip, tmp_path / "personal", CaptureConfig(label="happy", every_s=0.1)).recording
    assert len(recording.crops) == 20
    assert all(crop.box[2] < 640 for crop in recording.crops)
    assert recording.rejected == {"no_face": 10}


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_a_truncated_video_keeps_what_can_be_decoded_and_says_so(media: Path, tmp_path: Path, suffix: str) -> None:
    clip = tmp_path / f"cut{suffix}"
    if suffix == ".mp4":
        clip.write_bytes((media / HER).read_bytes())
    else:
        write_clip(clip, frames_of(media / HER, every_s=0.1))
    whole_s = 19.7
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    result = capture_video(clip, tmp_path / "personal", CaptureConfig(label="happy", every_s=0.5))
    assert 0.3 * whole_s < result.recording.end_s < 0.7 * whole_s
    assert len(result.recording.crops) == pytest.approx(result.recording.end_s / 0.5, abs=1.5)
    assert "may be cut off" in result.advice


def test_the_same_seconds_sampled_otherwise_are_pointed_out(media: Path, tmp_path: Path) -> None:
    source = media / "single_face.mp4"
    first = capture_video(source, tmp_path / "d", CaptureConfig(label="happy"))
    second = capture_video(source, tmp_path / "d", CaptureConfig(label="happy", every_s=0.1))
    assert f"these seconds are recorded in {first.recording.folder} too" in second.advice
    shutil.rmtree(first.recording.folder)
    anew = capture_video(source, tmp_path / "d", CaptureConfig(label="happy", every_s=0.1, again=True))
    assert anew.advice == ""


def test_a_segment_without_a_face_is_named(media: Path, tmp_path: Path) -> None:
    config = CaptureConfig(label="happy", start_s=1.0, end_s=2.0)
    with pytest.raises(NoFaceFound, match=r"no_face\.mp4 from 1 s to 2 s: no face in 5 sampled frames"):
        capture_video(media / "no_face.mp4", tmp_path / "personal", config)


def test_a_killed_capture_is_finished_by_running_it_again(media: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from emo.capture.recorder import capture_video, CaptureConfig\n"
        "capture_video(Path(sys.argv[1]), Path(sys.argv[2]), CaptureConfig(label='sad', every_s=0.05, end_s=6.0))\n"
    )
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    command = [sys.executable, "-c", script, str(media / HER)]
    process = subprocess.Popen([*command, str(killed)])
    deadline = time.monotonic() + 60
    while len(list(killed.rglob("*.jpg"))) < 10:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    left = list(killed.glob("sad/*"))
    assert [path.suffix for path in left] == [".partial"]
    # What a kill in the middle of writing recording.json leaves:
    (left[0] / ".recording.json.x.partial").write_text("{")
    (left[0] / "000900.jpg").write_bytes(b"")
    for dataset in (killed, whole):
        subprocess.run([*command, str(dataset)], check=True)
    assert tree(killed) == tree(whole)
    assert len(tree(whole)) == 121


def test_ctrl_c_leaves_nothing_that_looks_finished(media: Path, tmp_path: Path) -> None:
    @contextmanager
    def impatient(description: str, *, total: float | None) -> Iterator[Advance]:
        done = 0.0

        def advance(amount: float) -> None:
            nonlocal done
            done += amount
            if done > 1:
                raise KeyboardInterrupt

        yield advance

    with pytest.raises(KeyboardInterrupt):
        capture_video(
            media / "single_face.mp4", tmp_path / "personal", CaptureConfig(label="happy"), progress=impatient
        )
    assert not (tmp_path / "personal").exists()


def test_progress_reaches_the_seconds_of_the_segment(media: Path, tmp_path: Path) -> None:
    seen: dict[str, Any] = {"done": 0.0}

    @contextmanager
    def watching(description: str, *, total: float | None) -> Iterator[Advance]:
        seen.update(description=description, total=total)

        def advance(amount: float) -> None:
            seen["done"] += amount

        yield advance

    config = CaptureConfig(label="happy", start_s=0.5, end_s=1.5)
    capture_video(media / "single_face.mp4", tmp_path, config, progress=watching)
    assert seen["description"] == "capturing single_face.mp4"
    assert seen["total"] == pytest.approx(1.0)
    assert seen["done"] == pytest.approx(1.0, abs=0.3)


def test_a_disk_that_fails_is_told_and_nothing_stays(
    media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match="no space left"):
        capture_video(media / "single_face.mp4", tmp_path / "personal", CaptureConfig(label="happy"))
    assert not (tmp_path / "personal").exists()


def test_a_missing_video_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        capture_video(tmp_path / "x.mp4", tmp_path / "personal", CaptureConfig(label="happy"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("stem", "safe"),
    [("IMG_2041", "IMG_2041"), ("my selfie (1)", "my_selfie_1"), ("\u0443\u043b", "recording"), ("..", "recording")],
)
def test_ids_are_safe_folder_names(stem: str, safe: str) -> None:
    assert safe_stem(stem) == safe
