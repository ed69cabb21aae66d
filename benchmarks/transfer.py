"""How long a transfer takes, measured in forward passes of the frozen base over all its faces.

Prints ratios, because seconds are the machine's. The classical loop is what most tutorials do: write the augmented
pictures to disk, and in every epoch read them and compute every convolution again.

    python benchmarks/transfer.py --crops 600 --copies 5 --threads 1
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from emo.bases.base import BATCH, Base, load_base
from emo.datasets.augmentation import augment_dataset
from emo.datasets.recordings import Recording, recordings_of
from emo.transfer.personal import TransferConfig, TransferResult, transfer
from emo.workspace import Workspace

EPOCHS = 5


def main() -> None:
    """Measure, print, and write the result beside this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=int, default=600)
    parser.add_argument("--copies", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--videos", type=Path, default=Path(".demo/feat/tests/data"), help="Folder of the demo's video."
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.at(Path(folder))
        make_dataset(workspace.dataset("bench"), options.videos, options.crops)
        result = measure(workspace, copies=options.copies, threads=options.threads)
    for name, value in result.items():
        print(f"{name:>45}: {value:.2f}" if isinstance(value, float) else f"{name:>45}: {value}")
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n")


def make_dataset(dataset: Path, videos: Path, crops: int) -> None:
    """Capture real faces until there are enough: the demo video's two expressions, sampled finely."""
    from emo.capture.config import CaptureConfig
    from emo.capture.recorder import capture_video

    video = videos / "WolfgangLanger_Pexels.mp4"
    spans = {"sad": (0.0, 5.8), "happy": (10.8, 19.0)}
    # At 24 frames a second the two spans hold 336 crops; more are had by beginning again a moment later.
    rounds = -(-crops // 336)
    every_s = rounds * sum(end - start for start, end in spans.values()) / crops
    for number in range(rounds):
        for label, (start_s, end_s) in spans.items():
            config = CaptureConfig(label=label, start_s=start_s + number * 0.02, end_s=end_s, every_s=every_s)
            capture_video(video, dataset, config)


def measure(workspace: Workspace, *, copies: int, threads: int) -> dict[str, float | int | str]:
    """Time the bare forward pass, `transfer` from an empty cache, and the classical loop."""
    base = load_base(threads=threads)
    recordings = recordings_of(workspace.dataset("bench"))
    crops = sum(len(recording.crops) for recording in recordings)
    faces = crops * (1 + copies)
    warm_up(workspace, threads)
    before = timed(lambda: forward(base, faces))
    made: list[TransferResult] = []
    whole = timed(lambda: made.append(transfer(workspace, "bench", TransferConfig(copies=copies, threads=threads))))
    # The machine may be busy: the pass is measured on both sides of what is compared with it.
    after = timed(lambda: forward(base, faces))
    classical = timed(lambda: classical_loop(workspace, base, copies))
    wall_s, cpu_s = (before[0] + after[0]) / 2, (before[1] + after[1]) / 2
    return {
        "base": base.name,
        "threads": threads,
        "crops": crops,
        "faces with copies": faces,
        "CPU ms per face, forward pass": 1000 * cpu_s / faces,
        "transfer / forward pass, CPU": whole[1] / cpu_s,
        "transfer / forward pass, wall": whole[0] / wall_s,
        "seconds after the features": made[0].fit_seconds,
        f"classical, {EPOCHS} epochs / forward pass, CPU": classical[1] / cpu_s,
        f"classical, {EPOCHS} epochs / forward pass, wall": classical[0] / wall_s,
    }


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and seconds of all cores: the second hardly depends on who else is running."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def warm_up(workspace: Workspace, threads: int) -> None:
    """Import everything once and without copies, so that the measurement is of work and not of loading libraries."""
    transfer(workspace, "bench", TransferConfig(copies=1, seed=99, threads=threads, name="warm"))


def forward(base: Base, faces: int) -> None:
    """One pass over as many faces as there are, prepared beforehand."""
    inputs = np.zeros((BATCH, 3, base.preprocessing.px, base.preprocessing.px), np.float32)
    for start in range(0, faces, BATCH):
        base.run(inputs[: min(BATCH, faces - start)])


def classical_loop(workspace: Workspace, base: Base, copies: int) -> None:
    """Augmented files, and in every epoch reading them and running the whole network; its backward pass not counted."""
    augment_dataset(workspace.dataset("bench"), workspace.dataset("files"), copies=copies, seed=0)
    files: list[Recording] = recordings_of(workspace.dataset("files"))
    for _ in range(EPOCHS):
        for recording in files:
            base.features(recording.read_crops())


if __name__ == "__main__":
    main()
