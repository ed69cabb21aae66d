"""Face detection on real people: like the reference, at any size, and never where nobody is."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emo.capture.detectors import SMALLEST_FACE_PX, SearchingDetector, load_detector
from emo.datasets.crops import Face
from emo.errors import MissingExtra, UsageError

Image = NDArray[np.uint8]

PICTURES = ("multi_face.jpg", "single_face.jpg", "0-f1-su-ph.jpg", "45-m7-di-ph.jpg")
WOMAN = "WolfgangLanger_Pexels.mp4"


@pytest.fixture(scope="module")
def detector() -> SearchingDetector:
    return load_detector("mtcnn")


@pytest.fixture(scope="module")
def reference() -> SearchingDetector:
    if importlib.util.find_spec("facenet_pytorch") is None or importlib.util.find_spec("torch") is None:
        pytest.skip("the reference needs the 'torch' extra")
    return load_detector("facenet")


@pytest.fixture(scope="module")
def woman(media: Path) -> list[Image]:
    """Every fifth frame of a woman in front of the camera."""
    return frames(media / WOMAN, every=5)


@pytest.fixture(scope="module")
def nobody(media: Path) -> Image:
    return frames(media / "no_face.mp4", every=1, count=1)[0]


def frames(path: Path, *, every: int, count: int = 1000) -> list[Image]:
    video = cv2.VideoCapture(str(path))
    taken: list[Image] = []
    index = 0
    while len(taken) < count and video.grab():
        if index % every == 0:
            taken.append(rgb(video.retrieve()[1]))
        index += 1
    assert taken, path
    return taken


def read(path: Path) -> Image:
    return rgb(cv2.imread(str(path)))


def rgb(picture: object) -> Image:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)  # type: ignore[call-overload]


def shrunk(picture: Image, width: int) -> Image:
    height = round(picture.shape[0] * width / picture.shape[1])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def distance(face: Face, other: Face) -> float:
    """Mean distance of the landmarks, in face sides."""
    return float(np.linalg.norm(face.landmarks - other.landmarks, axis=1).mean() / other.side)


def assert_same_faces(found: list[Face], expected: list[Face]) -> None:
    assert len(found) == len(expected)
    for face in expected:  # By place: faces that are equally sure have no order.
        nearest = min(found, key=lambda other: distance(other, face))
        np.testing.assert_allclose(nearest.box, face.box, atol=0.5)
        np.testing.assert_allclose(nearest.landmarks, face.landmarks, atol=0.5)
        assert nearest.score == pytest.approx(face.score, abs=1e-3)


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_give_the_same_faces_as_the_reference(
    detector: SearchingDetector, reference: SearchingDetector, media: Path, name: str
) -> None:
    picture = read(media / name)
    expected = reference.detect(picture)
    assert expected
    assert_same_faces(detector.detect(picture), expected)


@pytest.mark.parametrize("width", [320, 480, 640, 800])
def test_boxes_that_are_equally_sure_are_chosen_between_like_the_reference(
    detector: SearchingDetector, reference: SearchingDetector, media: Path, width: int
) -> None:
    # In this portrait several boxes of one face score exactly 1.
    picture = shrunk(read(media / "45-m7-di-ph.jpg"), width)
    for least in (20, 40):
        expected = reference._backend.find(picture, min_face_px=least)
        assert_same_faces(detector._backend.find(picture, min_face_px=least), expected)


def test_video_frames_give_the_same_faces_as_the_reference(
    detector: SearchingDetector, reference: SearchingDetector, woman: list[Image]
) -> None:
    for frame in woman[::12]:
        assert_same_faces(detector.detect(frame), reference.detect(frame))


def test_refining_gives_the_same_face_as_the_reference(
    detector: SearchingDetector, reference: SearchingDetector, woman: list[Image]
) -> None:
    (face,) = detector.detect(woman[0])
    found, expected = detector.refine(woman[2], face), reference.refine(woman[2], face)
    assert found is not None and expected is not None
    assert_same_faces([found], [expected])


def test_every_person_of_a_group_is_found_best_score_first(detector: SearchingDetector, media: Path) -> None:
    faces = detector.detect(read(media / "multi_face.jpg"))
    assert len(faces) == 5
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)


def test_box_and_landmarks_are_in_pixels_of_the_source(detector: SearchingDetector, woman: list[Image]) -> None:
    (small,) = detector.detect(shrunk(woman[0], 320))
    (large,) = detector.detect(shrunk(woman[0], 640))
    np.testing.assert_allclose(large.box, 2 * small.box, atol=6)
    assert distance(Face(box=2 * small.box, landmarks=2 * small.landmarks, score=1.0), large) < 0.03
    for face in (small, large):
        assert face.box.dtype == face.landmarks.dtype == np.float32
        left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
        assert left_eye[0] < nose[0] < right_eye[0] and left_mouth[0] < right_mouth[0]
        assert left_eye[1] < nose[1] < left_mouth[1]


def test_nobody_is_found_in_a_video_without_people(detector: SearchingDetector, media: Path) -> None:
    for frame in frames(media / "no_face.mp4", every=40, count=4):
        assert detector.detect(frame) == []


def test_a_far_face_is_found_by_the_second_search(
    detector: SearchingDetector, woman: list[Image], nobody: Image
) -> None:
    (face,) = detector.detect(woman[0])
    scene = np.array(cv2.resize(nobody, (960, 540)))
    height = 45  # 15 px in the first search, which finds nothing below 24.
    small = shrunk(woman[0], round(woman[0].shape[1] * height / (face.box[3] - face.box[1])))
    scene[200 : 200 + small.shape[0], 600 : 600 + small.shape[1]] = small
    (far,) = detector.detect(scene)
    zoom = small.shape[1] / woman[0].shape[1]
    expected = Face(box=face.box, landmarks=face.landmarks * zoom + np.array([600, 200], np.float32), score=1.0)
    assert distance(far, expected) < 0.1
    assert load_detector(min_face_px=120).detect(scene) == []


def test_refining_follows_a_moving_face(detector: SearchingDetector, woman: list[Image]) -> None:
    distances = []
    face = detector.detect(woman[0])[0]
    for frame in woman[1:]:
        followed = detector.refine(frame, face)
        assert followed is not None
        distances.append(distance(followed, detector.detect(frame)[0]))
        face = followed
    assert np.median(distances) < 0.02
    assert max(distances) < 0.15


def test_refining_catches_a_face_that_moved_by_a_fifth_of_its_side(
    detector: SearchingDetector, woman: list[Image]
) -> None:
    (face,) = detector.detect(woman[0])
    for step in ((0.2, 0), (-0.2, 0), (0, 0.2), (0, -0.2)):
        shift = (np.array(step) * face.side).astype(np.float32)
        before = Face(box=face.box + np.tile(shift, 2), landmarks=face.landmarks + shift, score=1.0)
        found = detector.refine(woman[0], before)
        assert found is not None
        assert distance(found, face) < 0.04


def test_refining_loses_a_face_that_is_gone(detector: SearchingDetector, woman: list[Image], nobody: Image) -> None:
    (face,) = detector.detect(woman[0])
    assert detector.refine(np.array(cv2.resize(nobody, (640, 360))), face) is None
    beside = Face(box=np.array([0, 0, 120, 150], np.float32), landmarks=face.landmarks, score=1.0)
    assert detector.refine(woman[0], beside) is None


@pytest.mark.parametrize(("side", "tilt", "error"), [(1.0, 0, 0.03), (0.8, 0, 0.03), (0.8, 40, 0.03), (0.8, -70, 0.1)])
def test_faces_that_fill_a_tiny_grey_picture_are_found(
    detector: SearchingDetector, woman: list[Image], side: float, tilt: int, error: float
) -> None:
    errors = []
    for frame in woman[::6]:
        (face,) = detector.detect(frame)
        picture, landmarks = tiny(frame, face, side=side, tilt=tilt)
        found = detector.detect_portrait(picture)
        assert found is not None
        errors.append(np.linalg.norm(found.landmarks - landmarks, axis=1).mean() / 48)
    assert np.median(errors) < error


def tiny(frame: Image, face: Face, *, side: float, tilt: float) -> tuple[Image, NDArray[np.float32]]:
    """A picture like FER2013's, ``side`` face sides wide, tilted; and where its landmarks are."""
    x, y = (float(value) for value in face.center)
    zoom = 48 / (side * face.side)
    matrix = cv2.getRotationMatrix2D((x, y), tilt, zoom)
    matrix[:, 2] += 24 - np.array([x, y])
    landmarks = face.landmarks @ matrix[:, :2].T + matrix[:, 2]
    matrix[:, :2] /= zoom
    cut = cv2.warpAffine(shrunk(frame, round(frame.shape[1] * zoom)), matrix, (48, 48))
    grey = cv2.cvtColor(cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(grey, dtype=np.uint8), np.asarray(landmarks, dtype=np.float32)


def test_a_picture_of_nothing_is_no_portrait(detector: SearchingDetector, nobody: Image) -> None:
    for y in range(0, 400, 130):
        for x in range(0, 800, 160):
            assert detector.detect_portrait(nobody[y : y + 150, x : x + 150]) is None


def test_a_strip_is_no_portrait(detector: SearchingDetector, woman: list[Image]) -> None:
    assert detector.detect_portrait(woman[0][100:300]) is None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("backend", ["mtcnn", "facenet"])
def test_squares_beside_the_picture_are_left_out(
    detector: SearchingDetector, request: pytest.FixtureRequest, woman: list[Image], backend: str
) -> None:
    searching = detector if backend == "mtcnn" else request.getfixturevalue("reference")
    (face,) = detector.detect(woman[0])
    boxes = np.stack([face.box - 2000, face.box, face.box + 2000])
    (found,) = searching._backend.look_at(woman[0], boxes)
    assert distance(found, face) < 0.05


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    seed=st.integers(0, 2**32 - 1),
    box=st.lists(st.floats(-300, 300, width=32), min_size=4, max_size=4),
)
def test_boxes_are_finite_whatever_the_picture(
    detector: SearchingDetector, height: int, width: int, seed: int, box: list[float]
) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    somewhere = Face(box=np.array(box, np.float32), landmarks=np.zeros((5, 2), np.float32), score=1.0)
    faces = [*detector.detect(picture), detector.detect_portrait(picture), detector.refine(picture, somewhere)]
    for face in faces:
        if face is not None:
            assert np.isfinite(face.box).all() and np.isfinite(face.landmarks).all()
            assert (face.box[2:] > face.box[:2]).all()
            assert 0 <= face.score <= 1


def test_an_unknown_detector_is_named_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="there is no face detector 'yolo'; choose from mtcnn, facenet"):
        load_detector("yolo")


def test_a_face_smaller_than_the_networks_can_see_is_refused() -> None:
    with pytest.raises(UsageError, match=f"at least {SMALLEST_FACE_PX} px, got 5"):
        load_detector(min_face_px=5)


def test_the_reference_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "facenet_pytorch", None)
    with pytest.raises(MissingExtra, match=r"pip install 'emo\[torch\]'"):
        load_detector("facenet")
