from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from emo.capture.faces import faces_in
from emo.capture.folder import find_albums, import_folder
from emo.datasets.crops import cut_face
from emo.errors import LabelError, NoFaceFound, SourceError


@pytest.fixture
def album(media: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "My pictures"
    for label, names in {"happiness": ["single_face.jpg", "0-f1-su-ph.jpg"], "sad": ["15-f13-anc-ph.jpg"]}.items():
        (folder / label).mkdir(parents=True)
        for name in names:
            (folder / label / name).write_bytes((media / name).read_bytes())
    (folder / "happiness" / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing more")
    (folder / "happiness" / "wall.png").write_bytes(
        cv2.imencode(".png", np.full((300, 300, 3), 90, np.uint8))[1].tobytes()
    )
    (folder / "happiness" / "notes.txt").write_text("not a picture")
    return folder


def test_each_label_becomes_one_recording_and_what_is_left_out_is_named(album: Path, tmp_path: Path) -> None:
    notices: list[str] = []
    happy, sad = import_folder(album, tmp_path / "d", notice=notices.append)
    assert (happy.label, happy.person, happy.kind, happy.source_name) == ("happy", "me", "folder", "My pictures")
    assert (len(happy.crops), happy.rejected) == (2, {"no_face": 1, "unreadable": 1})
    assert happy.read_crops().shape == (2, 256, 256, 3)
    assert (sad.label, len(sad.crops), sad.rejected) == ("sad", 1, {})
    assert notices == ["me/happy: 1 unreadable, left out: broken.jpg"]


def test_importing_again_changes_nothing_and_says_so(album: Path, tmp_path: Path) -> None:
    first = import_folder(album, tmp_path / "d")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "d").rglob("*")}
    notices: list[str] = []
    assert import_folder(album, tmp_path / "d", notice=notices.append) == first
    assert notices == ["me/happy: already there", "me/sad: already there"]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "d").rglob("*")} == before


def test_folders_of_persons_are_told_from_folders_of_labels(album: Path, tmp_path: Path) -> None:
    people = tmp_path / "people"
    (people).mkdir()
    album.rename(people / "Ann")
    albums = find_albums(people)
    assert [(item.person, item.label, len(item.pictures)) for item in albums] == [
        ("Ann", "happy", 4),
        ("Ann", "sad", 1),
    ]


def test_folders_that_hold_nothing_to_learn_from_are_told(media: Path, tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "a.jpg").write_bytes((media / "single_face.jpg").read_bytes())
    with pytest.raises(SourceError, match=r"arrange them as flat/happy/1\.jpg"):
        import_folder(tmp_path / "flat", tmp_path / "d")
    with pytest.raises(SourceError, match="no such folder"):
        import_folder(tmp_path / "missing", tmp_path / "d")
    (tmp_path / "bad" / "CON").mkdir(parents=True)
    (tmp_path / "bad" / "CON" / "a.jpg").write_bytes(b"x")
    with pytest.raises(LabelError, match="CON"):
        import_folder(tmp_path / "bad", tmp_path / "d")
    (tmp_path / "walls" / "happy").mkdir(parents=True)
    (tmp_path / "walls" / "happy" / "a.jpg").write_bytes((media / "free-mountain-vector-01.jpg").read_bytes())
    with pytest.raises(NoFaceFound, match="no usable face in 1 pictures"):
        import_folder(tmp_path / "walls", tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_pictures_of_a_phone_that_cannot_be_read_are_named_and_not_passed_over(album: Path, tmp_path: Path) -> None:
    (album / "sad" / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    notices: list[str] = []
    _, sad = import_folder(album, tmp_path / "d", notice=notices.append)
    assert (len(sad.crops), sad.rejected) == (1, {"unreadable": 1})
    assert "me/sad: 1 unreadable, left out: IMG_1.HEIC" in notices
    (album / "sad" / "15-f13-anc-ph.jpg").unlink()
    for path in (album / "happiness").iterdir():
        path.unlink()
    with pytest.raises(
        NoFaceFound, match=r"me/sad: no usable face in 1 pictures \(unreadable 1\); save unreadable ones"
    ):
        import_folder(album, tmp_path / "e")
    assert not (tmp_path / "e").exists()


def test_a_label_without_a_face_does_not_stop_the_others(album: Path, tmp_path: Path) -> None:
    (album / "angry").mkdir()
    (album / "angry" / "wall.png").write_bytes((album / "happiness" / "wall.png").read_bytes())
    notices: list[str] = []
    recordings = import_folder(album, tmp_path / "d", notice=notices.append)
    assert [recording.label for recording in recordings] == ["happy", "sad"]
    assert "me/angry: no usable face in 1 pictures (no_face 1); left out" in notices
    assert not (tmp_path / "d" / "angry").exists()


def test_tight_portraits_of_a_dataset_are_imported(media: Path, tmp_path: Path) -> None:
    image = np.asarray(cv2.imread(str(media / "0-f1-su-ph.jpg"), cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
    face = next(face for _, _, face in faces_in(media / "0-f1-su-ph.jpg") if face is not None)
    # The forehead is cut off, so that a search for faces finds none.
    small = cut_face(image, face, scale=0.65, px=48)[10:, :, ::-1]
    (tmp_path / "in" / "surprise").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "in" / "surprise" / "1.png"), small)
    (recording,) = import_folder(tmp_path / "in", tmp_path / "d")
    assert len(recording.crops) == 1


def test_faces_in_a_video_are_those_that_capture_writes(media: Path) -> None:
    sightings = list(faces_in(media / "face_noface.mov", every_s=0.2))
    assert len(sightings) == 32
    assert sum(crop is not None for _, crop, _ in sightings) == 12
    assert all((crop is None) == (face is None) for _, crop, face in sightings)
    assert sightings[0][1] is not None
    assert sightings[0][1].shape == (256, 256, 3)


def test_faces_in_a_picture_and_in_a_folder(media: Path, album: Path) -> None:
    ((time_s, crop, face),) = faces_in(media / "multi_face.jpg")
    assert time_s == 0.0
    assert crop is not None
    assert face is not None
    image = np.asarray(cv2.imread(str(media / "multi_face.jpg"), cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
    assert np.array_equal(crop, cut_face(image, face))
    found = [crop is not None for _, crop, _ in faces_in(album)]
    assert found == [True, False, True, False, True]  # by name, label after label


def test_sources_without_pictures_are_told_before_anything_is_done(tmp_path: Path) -> None:
    for path, words in ((tmp_path, "holds no pictures"), (tmp_path / "x.mp4", "no such file")):
        with pytest.raises(SourceError, match=words):
            faces_in(path)
