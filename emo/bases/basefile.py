"""The one file of a base: an ONNX graph from pictures to features, with everything else in its metadata.

``metadata_props["emo"]`` is JSON: schema, name, labels, preprocessing, card.
``metadata_props["emo.tensors"]`` is a safetensors blob in base64: ``head.weight``, ``head.bias`` and per
label L ``mean.L``, ``factors.L``, ``diagonal.L``, ``count.L``. The graph's large weights are stored in half
precision under the names of the PyTorch module's state, so that the module can be filled from the file too.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emo.bases.head import Head
from emo.bases.preprocessing import Preprocessing
from emo.bases.statistics import LabelStatistics
from emo.errors import EmoError, FileFormatError, MissingExtra
from emo.labels import parse_label, parse_name
from emo.workspace import write_bytes

if TYPE_CHECKING:
    import onnx

SCHEMA = 1
FEATURES = "features"
"""Name of the graph's one output."""

_DOCUMENT = "emo"
_TENSORS = "emo.tensors"
_HALF_SUFFIX = "/as_float32"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseContent:
    """What a base file says besides its graph."""

    name: str
    preprocessing: Preprocessing
    head: Head
    statistics: Mapping[str, LabelStatistics]
    card: Mapping[str, Any]


def write_base(
    path: Path,
    *,
    onnx_model: bytes,
    name: str,
    labels: Sequence[str],
    preprocessing: Preprocessing,
    head_weight: NDArray[np.float32],
    head_bias: NDArray[np.float32],
    statistics: Mapping[str, LabelStatistics],
    card: Mapping[str, Any],
) -> None:
    """Write a base, whole or not at all.

    Halving the weights moves the features a little: write once, fit head and statistics on the
    features of the written file, and write again.

    Args:
        onnx_model: a serialised ONNX model, float32; its first output, (N, D), becomes ``features``.
        labels: in the order of the rows of ``head_weight``; every one needs its statistics.
        head_weight: float32 (L, D).
        head_bias: float32 (L,).
        card: JSON-able; data, licence, recipe, seed, accuracy, per-label recall.

    Raises:
        MissingExtra: ``onnx`` is not installed.
        StorageError: the file could not be written.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtra("writing a base", "torch") from error
    import safetensors.numpy

    model = onnx.load_model_from_string(onnx_model)
    _forget_origin(model)
    _name_output(model)
    _halve_weights(model)
    head = Head(tuple(labels), np.asarray(head_weight, np.float32), np.asarray(head_bias, np.float32))
    tensors = {"head.weight": head.weights, "head.bias": head.bias}
    for label in head.labels:
        item = statistics[label]
        tensors[f"mean.{label}"] = item.mean
        tensors[f"factors.{label}"] = item.factors.astype(np.float16)
        tensors[f"diagonal.{label}"] = item.diagonal
        tensors[f"count.{label}"] = np.array([item.count], dtype=np.int64)
    document = {
        "schema": SCHEMA,
        "name": name,
        "labels": list(head.labels),
        "preprocessing": preprocessing.to_document(),
        "card": dict(card),
    }
    blob = safetensors.numpy.save({key: np.ascontiguousarray(value) for key, value in tensors.items()})
    onnx.helper.set_model_props(
        model,
        {_DOCUMENT: json.dumps(document, allow_nan=False), _TENSORS: base64.b64encode(blob).decode("ascii")},
    )
    onnx.checker.check_model(model)
    write_bytes(path, model.SerializeToString(deterministic=True))


def parse_metadata(metadata: Mapping[str, str], *, path: Path) -> BaseContent:
    """Read a base's metadata, as ``session.get_modelmeta().custom_metadata_map`` gives it.

    Raises:
        FileFormatError: it is no base, damaged, or from a newer emo.
    """
    import safetensors
    import safetensors.numpy

    if _DOCUMENT not in metadata or _TENSORS not in metadata:
        raise FileFormatError(f"{path}: an ONNX file, but no base of emo; make one with: emo base train")
    try:
        document = json.loads(metadata[_DOCUMENT])
        if document["schema"] != SCHEMA:
            raise FileFormatError(f"{path}: schema {document['schema']!r} is not {SCHEMA}; update emo to read it")
        labels = tuple(parse_label(label) for label in document["labels"])
        tensors = safetensors.numpy.load(base64.b64decode(metadata[_TENSORS], validate=True))
        return BaseContent(
            name=parse_name(document["name"], "base"),
            preprocessing=Preprocessing.from_document(document["preprocessing"]),
            head=Head(labels, tensors["head.weight"].astype(np.float32), tensors["head.bias"].astype(np.float32)),
            statistics={label: _statistics(tensors, label) for label in labels},
            card=dict(document["card"]),
        )
    except FileFormatError:
        raise
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        binascii.Error,
        EmoError,
        safetensors.SafetensorError,
    ) as error:
        what = f"{type(error).__name__}: {error}"
        raise FileFormatError(f"{path}: a damaged base ({what}); reinstall emo or restore the file") from error


def read_state(path: Path) -> dict[str, NDArray[np.float32]]:
    """The graph's weights by name, float32: what fills the PyTorch module of the same network.

    Raises:
        MissingExtra: ``onnx`` is not installed.
        FileFormatError: the file is no ONNX model.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtra("reading a base's weights", "torch") from error
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load(str(path))
    except (DecodeError, ValueError) as error:
        raise FileFormatError(f"{path}: no ONNX model; reinstall emo or restore the file") from error
    return {item.name: np.asarray(onnx.numpy_helper.to_array(item), np.float32) for item in model.graph.initializer}


def _statistics(tensors: Mapping[str, NDArray[Any]], label: str) -> LabelStatistics:
    return LabelStatistics(
        tensors[f"mean.{label}"].astype(np.float32),
        tensors[f"factors.{label}"].astype(np.float32),
        tensors[f"diagonal.{label}"].astype(np.float32),
        int(tensors[f"count.{label}"][0]),
    )


def _forget_origin(model: onnx.ModelProto) -> None:
    """Drop what the exporter notes of its own run: stack traces, with the paths of the machine it ran on."""
    graph = model.graph
    parts = [model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer]
    for function in model.functions:
        parts += [function, *function.node, *function.value_info]
    for part in parts:
        part.doc_string = ""
        del part.metadata_props[:]


def _name_output(model: onnx.ModelProto) -> None:
    """Call the graph's first output ``features``."""
    old = model.graph.output[0].name
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [FEATURES if name == old else name for name in names]
    model.graph.output[0].name = FEATURES


def _halve_weights(model: onnx.ModelProto) -> None:
    """Store matrices and kernels in half precision, each cast back to float32 as the graph starts.

    Vectors stay as they are: batch norm's variances do not fit half precision, and they weigh nothing.
    """
    import onnx

    casts, renamed = [], {}
    for item in model.graph.initializer:
        if item.data_type != onnx.TensorProto.FLOAT or len(item.dims) < 2:
            continue
        values = onnx.numpy_helper.to_array(item)
        if np.abs(values).max(initial=0) > np.finfo(np.float16).max:
            raise ValueError(f"weight {item.name} does not fit half precision")
        item.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), item.name))
        renamed[item.name] = item.name + _HALF_SUFFIX
        casts.append(onnx.helper.make_node("Cast", [item.name], [renamed[item.name]], to=onnx.TensorProto.FLOAT))
    for node in model.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
