"""Export MTCNN's three networks from the facenet-pytorch wheel to ONNX, once.

    python scripts/export_mtcnn.py            # writes emo/capture/weights/{pnet,rnet,onet}.onnx
    python scripts/export_mtcnn.py --check    # exports again and compares with what is there

Needs the ``torch`` extra and ``onnx``, ``onnxruntime``, ``onnxscript`` (the ``export`` extra). The
weights are those inside facenet-pytorch 2.5.3 (MIT, see emo/capture/weights/NOTICE.md); nothing is
downloaded. Nothing else in emo calls this script: it is here so that the files can be made again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

WEIGHTS = Path(__file__).resolve().parent.parent / "emo" / "capture" / "weights"
TOLERANCE = 1e-4
"""Largest difference allowed between torch and ONNX Runtime; box offsets are of order 1."""

OUTPUTS = {
    "pnet": ("offsets", "probabilities"),
    "rnet": ("offsets", "probabilities"),
    "onet": ("offsets", "landmarks", "probabilities"),
}
TEST_SHAPES = {
    "pnet": ((1, 3, 12, 12), (1, 3, 55, 97), (1, 3, 130, 14), (1, 3, 31, 200)),
    "rnet": ((1, 3, 24, 24), (7, 3, 24, 24), (64, 3, 24, 24)),
    "onet": ((1, 3, 48, 48), (5, 3, 48, 48)),
}


def export(name: str, target: Path) -> None:
    """Write one network as ONNX: P-Net with free height and width, the others with a free batch."""
    import onnx
    import torch

    network = _network(name)
    if name == "pnet":
        example = torch.zeros(1, 3, 60, 80)
        free = {2: torch.export.Dim("height", min=12, max=8192), 3: torch.export.Dim("width", min=12, max=8192)}
    else:
        side = TEST_SHAPES[name][0][-1]
        example = torch.zeros(2, 3, side, side)
        free = {0: torch.export.Dim("faces", min=1, max=65536)}
    torch.onnx.export(
        network, (example,), target, input_names=["pictures"], output_names=list(OUTPUTS[name]),
        dynamic_shapes=(free,), dynamo=True, external_data=False, optimize=True, verbose=False,
    )  # fmt: skip
    model = onnx.load(target)
    _strip(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, target)


def largest_difference(name: str, path: Path) -> float:
    """Run torch and ONNX Runtime on the same noise, in every test shape."""
    import torch

    from emo.runtime import open_session

    network = _network(name)
    session = open_session(path, threads=1)
    rng = np.random.default_rng(0)
    worst = 0.0
    for shape in TEST_SHAPES[name]:
        pictures = rng.uniform(-1, 1, shape).astype(np.float32)
        with torch.inference_mode():
            expected = [output.numpy() for output in network(torch.from_numpy(pictures))]
        for left, right in zip(expected, session.run(None, {"pictures": pictures}), strict=True):
            if left.shape != right.shape:
                raise SystemExit(f"{name}: {right.shape} instead of {left.shape} for an input {shape}")
            worst = max(worst, float(np.abs(left - right).max()))
    return worst


def _network(name: str):  # type: ignore[no-untyped-def]  # torch must not be imported for --help
    from facenet_pytorch.models import mtcnn

    return {"pnet": mtcnn.PNet, "rnet": mtcnn.RNet, "onet": mtcnn.ONet}[name]().eval()


def _strip(model) -> None:  # type: ignore[no-untyped-def]
    """Drop what differs from machine to machine: stack traces, paths and tool versions."""
    del model.metadata_props[:]
    model.doc_string = ""
    model.producer_name, model.producer_version = "emo", ""
    del model.graph.metadata_props[:]
    for item in [
        *model.graph.node,
        *model.graph.value_info,
        *model.graph.input,
        *model.graph.output,
        *model.graph.initializer,
    ]:
        item.doc_string = ""
        del item.metadata_props[:]
    del model.graph.value_info[:]


def _same_numbers(left: Path, right: Path) -> bool:
    import onnx
    from onnx import numpy_helper

    def numbers(path: Path) -> list[np.ndarray]:
        return [numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer]

    first, second = numbers(left), numbers(right)
    return len(first) == len(second) and all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; compare with the files that are there")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        for name in OUTPUTS:
            fresh = Path(folder) / f"{name}.onnx"
            export(name, fresh)
            difference = largest_difference(name, fresh)
            if difference > TOLERANCE:
                sys.exit(f"{name}: ONNX Runtime differs from torch by {difference:.1e}; nothing was written for it")
            target = WEIGHTS / fresh.name
            if check and not _same_numbers(fresh, target):
                sys.exit(f"{target.name} is not what this script makes; run it without --check")
            if not check:
                target.write_bytes(fresh.read_bytes())
            print(f"{target.name}: {target.stat().st_size / 1024:.0f} KiB, at most {difference:.1e} from torch")


if __name__ == "__main__":
    main()
