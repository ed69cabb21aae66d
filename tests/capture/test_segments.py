from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from emo.capture.camera import capture_camera, sample_camera
from emo.capture.config import CaptureConfig
from emo.capture.segments import read_segments
from emo.errors import SourceError, UsageError


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "segments.csv"
    path.write_bytes(text.encode())
    return path


def test_segments_are_read_with_their_persons_and_times(tmp_path: Path) -> None:
    path = table(
        tmp_path, "\ufeffStart, End, Label, Person\r\n0, 5.8, sadness,\r\n1:06.5,1:10,happy,Ann\r\n\r\n70,,bored,\r\n"
    )
    assert read_segments(path, every_s=0.5) == [
        CaptureConfig(label="sad", start_s=0, end_s=5.8, every_s=0.5),
        CaptureConfig(label="happy", start_s=66.5, end_s=70, person="Ann", every_s=0.5),
        CaptureConfig(label="bored", start_s=70, every_s=0.5),
    ]


def test_every_bad_row_is_named_by_its_line(tmp_path: Path) -> None:
    good, bad = (
        ["0,5,sad", "40,41,fear"],
        ["7,6,happy", "x,9,happy", "10,11,../x", "4,8,happy", "20,21,", "30,31,a,b,c"],
    )
    rows = [good[0], *bad, good[1]]
    with pytest.raises(UsageError) as caught:
        read_segments(table(tmp_path, "start,end,label,person\n" + "\n".join(rows)))
    message = str(caught.value)
    for part in ("line 3: --end 6", "line 4: 'x' is no time", "line 5: label '../x'", "line 6: overlaps with line 2",
                 "line 7: has no label", "and 1 more"):  # fmt: skip
        assert part in message
    assert "\n" not in message


@pytest.mark.parametrize("text", ["", "0,5,sad\n", "start,end,label\n", "start,end,label,mood\n0,5,sad,good\n"])
def test_a_table_without_segments_or_names_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"segments\.csv"):
        read_segments(table(tmp_path, text))


def test_a_missing_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="check the name"):
        read_segments(tmp_path / "segments.csv")


def test_a_camera_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="camera 77: cannot be opened"):
        capture_camera(77, tmp_path / "d", CaptureConfig(label="happy"), seconds=1)
    with pytest.raises(UsageError, match="--seconds must be above 0"):
        capture_camera(77, tmp_path / "d", CaptureConfig(label="happy"), seconds=0)
    with pytest.raises(UsageError, match="a camera takes --seconds"):
        capture_camera(77, tmp_path / "d", CaptureConfig(label="happy", end_s=3), seconds=1)
    assert not (tmp_path / "d").exists()


def test_a_camera_is_sampled_in_real_time_until_the_seconds_are_over(media: Path) -> None:
    class Camera:
        def __init__(self) -> None:
            self.video = cv2.VideoCapture(str(media / "single_face.mp4"))

        def grab(self) -> bool:
            import time

            time.sleep(0.02)
            return bool(self.video.grab())

        def retrieve(self) -> object:
            return self.video.retrieve()

    frames = list(sample_camera(Camera(), 0, every_s=0.1, seconds=0.45))
    assert [frame.time_s for frame in frames] == sorted(frame.time_s for frame in frames)
    assert 3 <= len(frames) <= 5
    with pytest.raises(SourceError, match="sends no pictures"):
        list(sample_camera(Camera(), 0, every_s=0.5, seconds=60))
