"""The picture that shows at a glance what was captured."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from emo.datasets.contact_sheet import write_contact_sheet


def test_a_contact_sheet_has_one_row_per_label(media: Path, tmp_path: Path) -> None:
    files = [media / "single_face.jpg"] * 30
    write_contact_sheet(tmp_path / "sheet.png", {"happy": files, "sad": files[:2]})
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape == (248, 1204, 3)
    second = sheet[126:]
    assert np.ptp(second[60, :200]) > 50
    assert (second[30:, 220:] == 255).all()
