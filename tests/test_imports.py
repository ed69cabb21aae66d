"""Imports point one way, and nothing heavy is loaded before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import emo
from tests.support import run_command

PACKAGE = Path(emo.__file__).parent

GROUND = {"", "ahead", "errors", "labels", "progress", "runtime", "workspace"}
ALLOWED = {
    **dict.fromkeys(GROUND, GROUND),
    "datasets": GROUND | {"datasets"},
    "evaluation": GROUND | {"evaluation"},
    "capture": GROUND | {"datasets", "capture"},
    "bases": GROUND | {"datasets", "bases"},
    "transfer": GROUND | {"datasets", "evaluation", "bases", "transfer"},
    "extension": GROUND | {"datasets", "evaluation", "bases", "transfer", "extension"},
    "deploy": GROUND | {"datasets", "evaluation", "capture", "bases", "transfer", "extension", "deploy"},
    "console": GROUND | {"console"},
    "answers": None,
    "options": GROUND | {"options"},
    "cli_base": None,
    "cli": None,
    "__main__": None,
}
"""Which parts a part may import; None means all of them."""

HEAVY = {"torch", "torchvision", "timm", "cv2", "numpy", "scipy", "sklearn", "albumentations", "onnxruntime"} | {
    "matplotlib",
    "PIL",
    "jinja2",
    "yaml",
    "safetensors",
}


def parts_imported(path: Path) -> Iterator[tuple[int, str]]:
    """The line and first part below ``emo`` of every import in a file, at its top or in a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [item.name for item in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: write imports out in full"
            names = [node.module or ""]
            if node.module == "emo":  # from emo import answers
                names = [f"emo.{item.name}" for item in node.names]
        else:
            continue
        yield from ((node.lineno, [*name.split("."), ""][1]) for name in names if name.split(".")[0] == "emo")


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    inside = path.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem.replace("__init__", "")


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_one_way(path: Path) -> None:
    part = part_of(path)
    assert part in ALLOWED, f"{part} has no place in the order of imports yet; give it one in this test"
    allowed = ALLOWED[part]
    if allowed is not None:
        wrong = [f"line {line} imports emo.{name}" for line, name in parts_imported(path) if name not in allowed]
        assert not wrong, f"emo.{part} may import {sorted(allowed)} only"


def test_torch_is_imported_inside_functions_only_outside_of_base_training() -> None:
    for path in modules():
        for node in ast.parse(path.read_text()).body:
            names = [item.name for item in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] in {"torch", "torchvision", "timm"} for name in names), path


@pytest.mark.parametrize("arguments", [["--help"], ["capture", "--help"], ["transfer", "--help"], ["extend", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    ran = run_command(arguments, cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert not ran.loaded & HEAVY


def test_help_answers_in_a_fraction_of_a_second(tmp_path: Path) -> None:
    def seconds(*words: str) -> float:
        begun = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, capture_output=True, cwd=tmp_path)
        return time.perf_counter() - begun

    # A busy machine is slow at everything: what counts is how much more it is than loading Typer alone,
    # taken in turns, and the best of each, because nothing but work of our own makes the best one slower.
    pairs = [(seconds("-c", "import typer.main"), seconds("-m", "emo", "--help")) for _ in range(7)]
    floor, ours = (min(times) for times in zip(*pairs, strict=True))
    assert ours < max(0.3, 2.5 * floor)
