from __future__ import annotations

import math
import os
import subprocess
import sys
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emo.capture.video import Frame, VideoSource, as_frame_rate
from emo.errors import SourceError

from .clips import frames_of, turn_by_metadata, write_clip


def samples(path: Path, **options: float) -> list[Frame]:
    with VideoSource(path) as video:
        return list(video.sample(**{"every_s": 0.2, **options}))


def times(path: Path, **options: float) -> list[float]:
    with VideoSource(path) as video:
        return [frame.time_s for frame in video.sample(**{"every_s": 0.2, **options})]


@pytest.mark.parametrize("name", ["WolfgangLanger_Pexels.mp4", "single_face.mp4", "face_noface.mov", "noface_face.mov"])
def test_samples_are_the_first_frames_at_or_after_each_due_time(media: Path, name: str) -> None:
    every = times(media / name, every_s=0.001)
    sampled = times(media / name, every_s=0.5, start_s=0.3)
    due = [0.3 + 0.5 * k for k in range(int((every[-1] - 0.3) / 0.5) + 1)]
    expected = [next(time for time in every if time >= moment - 0.002) for moment in due]
    assert sampled == expected


@pytest.mark.parametrize(
    ("name", "start_s"),
    [("WolfgangLanger_Pexels.mp4", 12.3), ("noface_face.mov", 5.2), ("face_noface.mov", 5.6)],
)
def test_a_late_start_gives_the_very_frames_that_decoding_through_gives(
    media: Path, name: str, start_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered = samples(media / name, start_s=start_s)
    monkeypatch.setattr("emo.capture.video.FAR_S", 1e9)
    through = samples(media / name, start_s=start_s)
    assert [frame.time_s for frame in entered] == [frame.time_s for frame in through]
    assert all(np.array_equal(one.image, other.image) for one, other in zip(entered, through, strict=True))


def test_a_late_start_is_reached_without_decoding_all_that_lies_before(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = VideoSource._grab, []
    monkeypatch.setattr(VideoSource, "_grab", lambda video: seen.append(real(video)) or seen[-1])
    assert times(media / "WolfgangLanger_Pexels.mp4", start_s=18.0)[0] == pytest.approx(18.0, abs=0.05)
    assert seen[0] == pytest.approx(16.0, abs=0.5)
    assert len(seen) < 100


@pytest.mark.parametrize("landed_s", [12.3, 15.0, None])
def test_a_seek_that_misses_is_made_good_from_the_beginning(
    media: Path, landed_s: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def land(video: VideoSource) -> float | None:
        monkeypatch.undo()  # The seek alone misses.
        return landed_s

    monkeypatch.setattr(VideoSource, "_grab", land)
    with VideoSource(media / "WolfgangLanger_Pexels.mp4") as video:
        video._enter_near(12.3)
        assert video.reached_s is None
        assert video._grab() == 0.0


def test_a_segment_ends_before_its_end(media: Path) -> None:
    sampled = times(media / "single_face.mp4", start_s=1.0, end_s=1.6)
    assert sampled == pytest.approx([1.0, 1.2, 1.4], abs=0.04)


def test_variable_frame_rate_is_sampled_by_time_and_not_by_count(media: Path) -> None:
    # Claims 26.5 frames a second, and shows 30 in some seconds and fewer in others.
    assert times(media / "noface_face.mov", every_s=0.01)[:3] == pytest.approx([0.0, 0.0137, 0.0553], abs=1e-3)
    sampled = times(media / "noface_face.mov", every_s=0.5)
    assert sampled == pytest.approx([0.5 * k for k in range(len(sampled))], abs=0.07)


def test_frames_are_upright_when_the_file_says_how_it_was_held(media: Path, tmp_path: Path) -> None:
    lying = write_clip(tmp_path / "lying.mp4", frames_of(media / "single_face.mp4")[:3])
    plain = frames_of(lying, every_s=0.1)[0]
    turned = frames_of(turn_by_metadata(lying, tmp_path / "held.mp4"), every_s=0.1)[0]
    assert np.array_equal(turned, np.rot90(plain, k=-1))


def test_frame_rates_are_fractions(media: Path) -> None:
    assert as_frame_rate(29.97002997) == Fraction(30000, 1001)
    with VideoSource(media / "WolfgangLanger_Pexels.mp4") as video:
        assert video.frame_rate == Fraction(24000, 1001)
        assert video.duration_s == pytest.approx(19.7, abs=0.1)


@given(st.floats())
def test_any_claimed_frame_rate_becomes_a_fraction_of_at_least_zero(claimed: float) -> None:
    rate = as_frame_rate(claimed)
    assert rate >= 0
    if math.isfinite(claimed) and claimed > 1:
        assert float(rate) == pytest.approx(claimed, rel=1e-3)


def bad_files(folder: Path, media: Path) -> dict[str, tuple[Path, str]]:
    (folder / "folder.mp4").mkdir()
    (folder / "text.mp4").write_text("this is no video\n" * 40)
    (folder / "list.mp4").write_text("#EXTM3U\nhttp://example.org/a.ts\n")
    (folder / "empty.mp4").touch()
    (folder / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    (folder / "photo.mp4").write_bytes((media / "single_face.jpg").read_bytes())
    whole = (media / "single_face.mp4").read_bytes()
    (folder / "headless.mp4").write_bytes(whole[: whole.index(b"moov") - 8] if b"moov" in whole else whole[:100])
    with wave.open(str(folder / "sound.mp4"), "wb") as sound:
        sound.setparams((1, 1, 8000, 0, "NONE", ""))
        sound.writeframes(b"\x80" * 4000)
    return {
        "missing": (folder / "missing.mp4", "no such file"),
        "folder": (folder / "folder.mp4", "emo import"),
        "text": (folder / "text.mp4", "is a text file"),
        "playlist": (folder / "list.mp4", "is a text file"),
        "empty": (folder / "empty.mp4", "is empty"),
        "noise": (folder / "noise.mp4", "no video that can be decoded"),
        "photo": (folder / "photo.mp4", "emo import"),
        "headless": (folder / "headless.mp4", "decoded"),
        "sound": (folder / "sound.mp4", "no video that can be decoded"),
    }


KINDS = ["missing", "folder", "text", "playlist", "empty", "noise", "photo", "headless", "sound"]


@pytest.mark.parametrize("kind", KINDS)
def test_unreadable_video_names_the_file_and_the_way_out(media: Path, tmp_path: Path, kind: str) -> None:
    path, words = bad_files(tmp_path, media)[kind]
    with pytest.raises(SourceError) as caught, VideoSource(path) as video:
        list(video.sample(every_s=0.2))
    message = str(caught.value)
    assert str(path) in message
    assert words in message
    assert "\n" not in message


def test_decoder_chatter_stays_off_stderr(media: Path, tmp_path: Path) -> None:
    broken = bytearray((media / "single_face.mp4").read_bytes())
    broken[20_000:120_000:50] = b"\xff" * len(broken[20_000:120_000:50])
    (tmp_path / "broken.mp4").write_bytes(broken)
    bad_files(tmp_path, media)
    script = (
        "import sys; from pathlib import Path\n"
        "import cv2\n"  # As another module may have done before.
        "from emo.capture.video import VideoSource\n"
        "from emo.capture.camera import open_camera\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n"
        "        print(len(list(VideoSource(Path(name)).sample(every_s=0.2))))\n"
        "    except Exception as error: print(type(error).__name__)\n"
        "try: open_camera(77)\n"
        "except Exception as error: print(type(error).__name__)\n"
    )
    names = [str(tmp_path / name) for name in ("broken.mp4", "noise.mp4", "headless.mp4", "sound.mp4")]
    env = {name: value for name, value in os.environ.items() if not name.startswith("OPENCV")}
    done = subprocess.run([sys.executable, "-c", script, *names], capture_output=True, text=True, check=True, env=env)
    assert done.stderr == ""
    assert done.stdout.split()[1:] == ["SourceError"] * 4


def test_a_start_after_the_end_names_the_duration(media: Path) -> None:
    for start_s in (2.5, 400.0):
        with pytest.raises(SourceError, match=r"single_face\.mp4: nothing to sample .* it is 2\.4 s long"):
            times(media / "single_face.mp4", start_s=start_s)
