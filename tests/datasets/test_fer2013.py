"""The reader of FER2013 and FER+, on small files in their owners' layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emo.datasets.fer2013 import read_fer2013
from emo.errors import SourceError
from emo.labels import BASIC_LABELS

PIXELS = " ".join(str(value % 256) for value in range(48 * 48))
VOTES_HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_codes_and_splits_are_those_of_the_owner(tmp_path: Path) -> None:
    path = write(tmp_path / "fer2013.csv", "emotion,pixels,Usage", f"3,{PIXELS},Training", f"6,{PIXELS},PrivateTest")
    pictures = read_fer2013(path)
    assert [BASIC_LABELS[index] for index in pictures.labels] == ["happy", "neutral"]
    assert pictures.splits.tolist() == ["train", "test"]
    assert pictures.images.shape == (2, 48, 48)
    assert pictures.images[0, 0, :3].tolist() == [0, 1, 2]


def test_votes_become_shares_and_unclear_pictures_leave(tmp_path: Path) -> None:
    path = write(tmp_path / "fer2013.csv", "emotion,pixels,Usage", *[f"0,{PIXELS},Training"] * 4)
    votes = write(
        tmp_path / "fer2013new.csv",
        VOTES_HEADER,
        "Training,a.png,6,0,0,3,1,0,0,0,0,0",  # the single vote is a slip
        "Training,b.png,0,0,0,2,0,0,0,8,0,0",  # contempt
        "Training,c.png,0,0,0,0,0,0,0,0,0,10",  # no face
        "Training,d.png,0,9,0,0,0,0,0,0,1,0",
    )
    pictures = read_fer2013(path, votes=votes)
    assert [BASIC_LABELS[index] for index in pictures.labels] == ["neutral", "happy"]
    shares = dict(zip(BASIC_LABELS, pictures.targets[0].tolist(), strict=True))
    assert shares["neutral"] == pytest.approx(6 / 9)
    assert shares["sad"] == pytest.approx(3 / 9)
    assert np.allclose(pictures.targets.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (f"9,{PIXELS},Training", "line 3: label 9 where 0 to 6 belong"),
        ("3,1 2 3,Training", "line 3: 3 pixels where 2304 of 0 to 255 belong"),
        (f"3,{PIXELS.replace('255', '256', 1)},Training", "line 3: 2304 pixels where 2304 of 0 to 255 belong"),
        (f"3,{PIXELS},Holdout", "line 3: not a row of fer2013"),
    ],
)
def test_a_malformed_row_is_named(tmp_path: Path, row: str, complaint: str) -> None:
    path = write(tmp_path / "fer2013.csv", "emotion,pixels,Usage", f"3,{PIXELS},Training", row)
    with pytest.raises(SourceError, match=complaint):
        read_fer2013(path)


def test_votes_for_other_pictures_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "fer2013.csv", "emotion,pixels,Usage", f"3,{PIXELS},Training")
    votes = write(tmp_path / "fer2013new.csv", VOTES_HEADER)
    with pytest.raises(SourceError, match="has votes for 0 pictures where there are 1"):
        read_fer2013(path, votes=votes)


def test_a_missing_file_says_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no such file; see docs/base-training\.md"):
        read_fer2013(tmp_path / "fer2013.csv")
