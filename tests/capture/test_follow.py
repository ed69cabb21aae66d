from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emo.capture.follow import FULL_EVERY, Follower, most_prominent
from emo.datasets.crops import Face

PICTURE = np.zeros((360, 640, 3), dtype=np.uint8)


def face_at(x: float, y: float, *, side: float = 100.0, score: float = 0.99) -> Face:
    landmarks = np.array([[-0.16, -0.18], [0.16, -0.18], [0, 0], [-0.14, 0.18], [0.14, 0.18]], dtype=np.float32)
    half = side / 2
    box = np.array([x - half, y - half, x + half, y + half], dtype=np.float32)
    return Face(box=box, landmarks=landmarks * side + np.array([x, y], dtype=np.float32), score=score)


class Scene:
    """A detector that sees what it is told; its O-Net sees the face nearest to the known place."""

    def __init__(self) -> None:
        self.faces: list[Face] = []
        self.searches = 0

    def detect(self, image: NDArray[np.uint8]) -> list[Face]:
        self.searches += 1
        return self.faces

    def refine(self, image: NDArray[np.uint8], face: Face) -> Face | None:
        return min(self.faces, key=lambda other: float(np.linalg.norm(other.center - face.center)), default=None)


def follow(scenes: Sequence[Sequence[Face]], *, every_s: float = 0.2) -> tuple[list[Face | None], Scene]:
    scene = Scene()
    follower = Follower(scene)
    found = []
    for number, faces in enumerate(scenes):
        scene.faces = list(faces)
        found.append(follower.find(PICTURE, number * every_s))
    return found, scene


def test_the_largest_most_central_face_is_followed_first() -> None:
    large, corner, small = face_at(300, 180, side=120), face_at(40, 40, side=130), face_at(330, 180, side=60)
    assert most_prominent([small, corner, large], PICTURE.shape) is large
    assert most_prominent([], PICTURE.shape) is None


def test_a_larger_face_that_comes_in_later_is_not_followed() -> None:
    me, other = face_at(200, 180), face_at(480, 180, side=180)
    found, _ = follow([[me], *[[other, me]] * 25])
    assert all(face is me for face in found)


def test_nobody_is_followed_while_the_person_is_out_of_the_picture() -> None:
    me, other = face_at(250, 180), face_at(480, 180)
    found, _ = follow([[me, other], [other], [other], [me, other]])
    assert found[0] is found[3] is me
    assert found[1] is found[2] is None


def test_the_whole_picture_is_searched_on_every_tenth_sample_and_on_loss_only() -> None:
    me = face_at(300, 180)
    _, scene = follow([[me]] * (1 + 2 * FULL_EVERY))
    assert scene.searches == 3
    _, scene = follow([[me], [], [], [me], [me]])
    assert scene.searches == 4


def test_a_doubtful_find_is_not_followed() -> None:
    found, _ = follow([[face_at(100, 100, score=0.77)], [face_at(400, 180)]])
    assert found[0] is None
    assert found[1] is not None


@given(st.lists(st.tuples(st.floats(-20, 20), st.floats(-20, 20)), min_size=1, max_size=40))
def test_a_person_who_moves_a_little_is_never_lost_to_another_one(steps: list[tuple[float, float]]) -> None:
    x, y, scenes, mine = 250.0, 180.0, [], []
    for dx, dy in steps:
        x, y = float(np.clip(x + dx, 100, 300)), float(np.clip(y + dy, 100, 260))
        mine.append(face_at(x, y, side=110))
        scenes.append([face_at(560, 180, side=100), mine[-1]])
    found, _ = follow(scenes)
    assert all(face is own for face, own in zip(found, mine, strict=True))


def test_sizes_that_jump_are_other_people() -> None:
    me, far = face_at(300, 180, side=120), face_at(310, 180, side=30)
    found, _ = follow([[me], [far]])
    assert found[0] is me
    assert found[1] is None


@pytest.mark.parametrize("gap", [1, 5])
def test_the_person_is_found_again_after_a_while(gap: int) -> None:
    me = face_at(300, 180)
    back = face_at(380, 200)
    found, _ = follow([[me], *[[]] * gap, [back]])
    assert found[-1] is back


def test_nobody_takes_the_place_of_a_person_who_was_in_company_and_left() -> None:
    me, other = face_at(300, 180), face_at(500, 180)
    found, _ = follow([[me, other], *[[other]] * 60, [me, other]])
    assert found[0] is found[-1] is me
    assert found[1:-1] == [None] * 60


def test_a_person_alone_is_found_again_at_the_other_end_of_the_picture() -> None:
    me, passer_by, back = face_at(100, 180), face_at(400, 180, side=30), face_at(560, 180)
    alone = [[me]] * (FULL_EVERY + 1)
    found, _ = follow([[me, passer_by], *alone, *[[]] * 50, [back]])
    assert found[-1] is back
