"""The one file of a base: what is written comes back, and what is damaged is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from emo.bases.base import load_base
from emo.bases.basefile import FEATURES, parse_metadata, write_base
from emo.bases.preprocessing import Preprocessing
from emo.bases.registry import base_names, base_path
from emo.bases.statistics import LabelStatistics
from emo.errors import BaseError, FileFormatError

onnx = pytest.importorskip("onnx", reason="writing a base needs onnx")

PREPROCESSING = Preprocessing(px=8, scale=0.9, grey=True, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
LABELS = ("happy", "sad")


def tiny_network(weight: np.ndarray) -> bytes:
    """A network with one layer, features (N, D) = flattened faces times weight, in the legacy exporter's manner."""
    helper = onnx.helper
    nodes = [
        helper.make_node("Flatten", ["faces"], ["flat"]),
        helper.make_node("MatMul", ["flat", "layer.weight"], ["out"]),
        helper.make_node("Add", ["out", "layer.bias"], ["17"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("faces", onnx.TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("17", onnx.TensorProto.FLOAT, ["n", weight.shape[1]])],
        [
            onnx.numpy_helper.from_array(weight, "layer.weight"),
            onnx.numpy_helper.from_array(np.full(weight.shape[1], 1e-6, np.float32), "layer.bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def write_tiny(path: Path) -> np.ndarray:
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(192, 5)).astype(np.float32)
    statistics = {label: LabelStatistics.fit(rng.normal(size=(20, 5)).astype(np.float32)) for label in LABELS}
    write_base(
        path,
        onnx_model=tiny_network(weight),
        name="tiny",
        labels=LABELS,
        preprocessing=PREPROCESSING,
        head_weight=rng.normal(size=(2, 5)).astype(np.float32),
        head_bias=np.array([0.25, -0.5], np.float32),
        statistics=statistics,
        card={"licence": "MIT"},
    )
    return weight


def test_a_written_base_comes_back(tmp_path: Path) -> None:
    weight = write_tiny(tmp_path / "tiny.onnx")
    base = load_base(tmp_path / "tiny.onnx", threads=1)
    assert (base.name, base.labels, base.size, base.card) == ("tiny", LABELS, 5, {"licence": "MIT"})
    assert base.preprocessing == PREPROCESSING
    assert base.head.bias.tolist() == [0.25, -0.5]
    assert base.statistics["sad"].count == 20
    faces = np.random.default_rng(1).random((3, 3, 8, 8), dtype=np.float32)
    # Half precision in the file, single precision in the computation.
    expected = faces.reshape(3, -1) @ weight.astype(np.float16).astype(np.float32) + 1e-6
    np.testing.assert_allclose(base.run(faces), expected, rtol=1e-5, atol=1e-6)


def test_vectors_keep_their_precision_and_matrices_their_names(tmp_path: Path) -> None:
    write_tiny(tmp_path / "tiny.onnx")
    stored = {item.name: item for item in onnx.load(str(tmp_path / "tiny.onnx")).graph.initializer}
    assert stored["layer.weight"].data_type == onnx.TensorProto.FLOAT16
    assert stored["layer.bias"].data_type == onnx.TensorProto.FLOAT


def test_the_embedded_base_is_small_and_complete() -> None:
    path = base_path("emo-lite0")
    assert path.stat().st_size < 10_000_000
    base = load_base(threads=1)
    assert set(base.statistics) == set(base.labels)
    assert {"licence", "data", "recipe", "test"} <= set(base.card)


def test_an_unknown_base_names_the_known_ones() -> None:
    with pytest.raises(BaseError, match=f"'other'.*{base_names()[0]}"):
        load_base("other")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BaseError, match=r"gone\.onnx"):
        load_base(tmp_path / "gone.onnx")


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.onnx"
    path.write_text("not a network")
    with pytest.raises(FileFormatError, match=r"text\.onnx"):
        load_base(path)


def test_a_network_that_is_no_base_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.onnx"
    path.write_bytes(tiny_network(np.ones((192, 5), np.float32)))
    with pytest.raises(FileFormatError, match="no base of emo"):
        load_base(path)


def metadata_of(path: Path) -> dict[str, str]:
    return {item.key: item.value for item in onnx.load(str(path)).metadata_props}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"schema": 99}, "schema 99"),
        ({"labels": ["happy", "../x"]}, "damaged"),
        ({"labels": ["happy"]}, "damaged"),
        ({"labels": ["happy", "fear"]}, "damaged"),
        ({"preprocessing": {}}, "damaged"),
        ({"name": 7}, "damaged"),
    ],
)
def test_foreign_metadata_is_refused(tmp_path: Path, change: dict[str, object], what: str) -> None:
    write_tiny(tmp_path / "tiny.onnx")
    metadata = metadata_of(tmp_path / "tiny.onnx")
    metadata["emo"] = json.dumps({**json.loads(metadata["emo"]), **change})
    with pytest.raises(FileFormatError, match=what):
        parse_metadata(metadata, path=tmp_path / "tiny.onnx")


@pytest.mark.parametrize("blob", ["", "????", "AAAA"])
def test_damaged_tensors_are_refused(tmp_path: Path, blob: str) -> None:
    write_tiny(tmp_path / "tiny.onnx")
    with pytest.raises(FileFormatError, match="damaged"):
        parse_metadata({**metadata_of(tmp_path / "tiny.onnx"), "emo.tensors": blob}, path=tmp_path / "tiny.onnx")


def test_a_network_that_does_not_fit_its_metadata_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    write_tiny(path)
    model = onnx.load(str(path))
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 16
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 16
    path.write_bytes(model.SerializeToString())
    with pytest.raises(FileFormatError):
        load_base(path)
    assert FEATURES == "features"
