"""ONNX Runtime is opened without its telemetry."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_opening_a_network_writes_nothing_into_the_home_folder(tmp_path: Path) -> None:
    # ONNX Runtime keeps quiet by itself when CI is set, which would hide a mistake of ours.
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    code = "from emo.capture.detectors import load_detector; load_detector('mtcnn')"
    subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")},
        check=True,
        timeout=60,
    )
    assert list(tmp_path.rglob("*")) == []
