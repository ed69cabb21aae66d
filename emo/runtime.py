"""The one door to ONNX Runtime, which every frozen network runs in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime


def open_session(model: Path | bytes, *, threads: int) -> onnxruntime.InferenceSession:
    """Open a network on the CPU, with nothing sent anywhere.

    Args:
        model: an ONNX file, or its bytes.
        threads: threads that one forward pass may use.

    Raises:
        Exception: ONNX Runtime's own, which have no public base class; the file is no network it can run.
    """
    # Its official builds report usage to their maker from 1.29 on, unless this is set before the
    # import; disable_telemetry_events() comes too late, after a device id has been written.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A thread that spins while it waits takes its core from decoding and preparing.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
