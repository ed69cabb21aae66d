"""Area averages from a table of sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emo.capture.area import area_crops, area_sums, shrink_from_sums


@settings(max_examples=60, deadline=None)
@given(data=st.data(), height=st.integers(1, 60), width=st.integers(1, 60), side=st.integers(1, 50))
def test_a_region_is_averaged_like_torch_does(data: st.DataObject, height: int, width: int, side: int) -> None:
    torch = pytest.importorskip("torch", reason="the reference for area averages needs the 'torch' extra")
    picture = np.random.default_rng(height * 61 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    x1, y1 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    x2, y2 = data.draw(st.integers(x1 + 1, width)), data.draw(st.integers(y1 + 1, height))
    ours = area_crops(area_sums(picture), np.array([[x1, y1, x2, y2]]), side)[0]
    part = torch.from_numpy(picture[y1:y2, x1:x2].copy()).permute(2, 0, 1)[None].float()
    theirs = torch.nn.functional.interpolate(part, size=(side, side), mode="area")[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


@given(height=st.integers(1, 40), width=st.integers(1, 40))
def test_a_picture_at_its_own_size_stays_as_it_is(height: int, width: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    np.testing.assert_array_equal(shrink_from_sums(area_sums(picture), height, width), picture)


def test_sums_that_wrap_around_still_give_the_right_average() -> None:
    picture = np.full((3000, 3000, 3), 255, dtype=np.uint8)
    sums = area_sums(picture)
    assert (sums < 0).any()  # 2.3 thousand million do not fit into 31 bits.
    crop = area_crops(sums, np.array([[0, 0, 3000, 3000]]), 24)
    np.testing.assert_allclose(crop, 255)
