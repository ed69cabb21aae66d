from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emo.datasets.crops import CROP_SCALE, Face, center_cut, cut_face

UPRIGHT = np.array([[-17.6, -20.35], [17.6, -20.35], [0, 0], [-15, 20.35], [15, 20.35]], dtype=np.float32) / 112
"""Five points of a face of side 1 around its middle, as the 112 px template has them."""


def face_at(x: float, y: float, *, side: float, roll: float = 0.0) -> Face:
    angle = np.radians(roll)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    landmarks = (UPRIGHT * side @ turn.T + np.array([x, y])).astype(np.float32)
    box = np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2], dtype=np.float32)
    return Face(box=box, landmarks=landmarks, score=1.0)


def ramps(width: int, height: int) -> NDArray[np.uint8]:
    """A picture that tells where each of its pixels lies: red grows to the right, green downwards."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.stack([255 * x / width, 255 * y / height, np.zeros_like(x)], axis=2).round().astype(np.uint8)


def her(media: Path) -> NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(media / "single_face.jpg"), cv2.IMREAD_COLOR_RGB), dtype=np.uint8)


def her_face(media: Path) -> Face:
    from emo.capture.detectors import load_detector

    return load_detector().detect(her(media))[0]


@given(st.floats(-170, 170), st.floats(10, 900), st.floats(0, 1000), st.floats(0, 1000))
def test_a_face_knows_its_middle_side_and_roll(roll: float, side: float, x: float, y: float) -> None:
    face = face_at(x, y, side=side, roll=roll)
    assert face.side == pytest.approx(side, rel=1e-3)
    assert face.roll == pytest.approx(roll, abs=0.2)
    assert face.center == pytest.approx(np.array([x, y]), abs=0.01)


@pytest.mark.parametrize("side", [60, 200, 340, 350, 470, 700])
@pytest.mark.parametrize("roll", [-30, 0, 90])
def test_every_pixel_of_a_crop_comes_from_its_place_whatever_the_size_of_the_face(side: float, roll: float) -> None:
    width, height = 1601, 1203  # No multiples of a shrinking factor.
    face = face_at(790.3, 601.8, side=side, roll=roll)
    crop = cut_face(ramps(width, height), face, scale=1.0)
    columns, rows = np.meshgrid(np.arange(256) + 0.5, np.arange(256) + 0.5)
    step = face.side / 256
    across, down = (columns - 128) * step, (rows - 128) * step
    angle = np.radians(face.roll)
    x = face.center[0] + across * np.cos(angle) - down * np.sin(angle)
    y = face.center[1] + across * np.sin(angle) + down * np.cos(angle)
    assert crop[..., 0] == pytest.approx(255 * x / width, abs=1.2)
    assert crop[..., 1] == pytest.approx(255 * y / height, abs=1.2)


@pytest.mark.parametrize("enlarged", [1, 2])
def test_a_mirrored_picture_gives_the_mirrored_crop(media: Path, enlarged: int) -> None:
    face = her_face(media)
    image = np.asarray(cv2.resize(her(media), None, fx=enlarged, fy=enlarged), dtype=np.uint8)
    landmarks = face.landmarks * enlarged
    mirrored = landmarks * np.float32([-1, 1]) + np.float32([image.shape[1], 0])
    crop = cut_face(image, Face(box=face.box, landmarks=landmarks, score=1.0)).astype(int)
    other = cut_face(image[:, ::-1].copy(), Face(box=face.box, landmarks=mirrored[[1, 0, 2, 4, 3]], score=1.0))
    assert np.abs(crop - other[:, ::-1]).mean() < 0.3


def test_a_face_of_the_crops_own_size_is_copied_pixel_by_pixel(media: Path) -> None:
    image = her(media)
    assert np.array_equal(cut_face(image, face_at(250, 260, side=256), scale=1.0), image[132:388, 122:378])


@pytest.mark.parametrize("enlarged", [1.7, 2.0, 3.3])
def test_a_picture_of_more_pixels_gives_the_same_crop(media: Path, enlarged: float) -> None:
    image, face = her(media), her_face(media)
    wanted = cut_face(image, face).astype(int)
    size = (round(image.shape[1] * enlarged), round(image.shape[0] * enlarged))
    zoom = np.array([size[0] / image.shape[1], size[1] / image.shape[0]], dtype=np.float32)
    larger = Face(box=face.box * np.tile(zoom, 2), landmarks=face.landmarks * zoom, score=face.score)
    crop = cut_face(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8), larger)
    assert np.abs(crop - wanted).mean() < 3


def test_beyond_the_border_its_edge_is_repeated() -> None:
    crop = cut_face(ramps(200, 200), face_at(10, 100, side=100), scale=1.5)
    assert np.ptp(crop[128, :100, 0]) <= 1
    assert np.ptp(crop[:, 40, 1]) > 150


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (20, 30)])
def test_a_face_larger_than_its_picture_is_cut_all_the_same(shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 77, np.uint8)
    assert (cut_face(picture, face_at(5, 0.5, side=2000)) == 77).all()


def test_a_stored_crop_holds_every_tighter_framing(media: Path) -> None:
    image, face = her(media), her_face(media)
    direct = cut_face(image, face, scale=1.1, px=112).astype(int)
    stored = center_cut(cut_face(image, face)[None], scale=1.1, px=112)[0]
    assert np.abs(direct - stored).mean() < 3
    assert np.array_equal(center_cut(stored[None], scale=CROP_SCALE, px=112)[0], stored)


def test_the_fine_grain_of_a_large_picture_is_averaged_and_not_picked_from() -> None:
    grain = np.random.default_rng(0).integers(0, 2, (1200, 1200, 1), dtype=np.uint8).repeat(3, axis=2) * np.uint8(255)
    assert cut_face(grain, face_at(600, 600, side=800), scale=1.4).std() < 40
