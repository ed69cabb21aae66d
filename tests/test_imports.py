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


def packages_at_top(path: Path) -> set[str]:
    """The packages that importing a file loads at once; below ``if TYPE_CHECKING`` and in functions nothing is."""
    names: list[str] = []
    for node in ast.parse(path.read_text()).body:
        names += [item.name for item in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_modules_load_nothing_but_numpy_before_a_function_needs_it(path: Path) -> None:
    assert not packages_at_top(path) & (HEAVY - {"numpy"})


def test_base_training_is_reached_by_its_command_only() -> None:
    def reaches(path: Path) -> bool:
        return any(
            (isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("emo.bases.training."))
            or (isinstance(node, ast.Import) and any("emo.bases.training" in item.name for item in node.names))
            for node in ast.walk(ast.parse(path.read_text()))
        )

    training = PACKAGE / "bases" / "training"
    others = [path.relative_to(PACKAGE).as_posix() for path in modules() if not path.is_relative_to(training)]
    assert [name for name in others if reaches(PACKAGE / name)] == ["cli_base.py"]


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
