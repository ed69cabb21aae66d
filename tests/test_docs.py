"""The check of the documentation sees what would be wrong in it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"


@pytest.fixture(scope="module")
def check_docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_docs", SCRIPTS / "check_docs.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[a](nowhere.md)", "links to nowhere.md"),
        ("# One\n[a](#two)", "no such heading"),
        ("```python\nfrom emo.labels import parse_lable\n```", "imports parse_lable"),
        ("```python\nfrom emo.lables import parse_label\n```", "imports what is not there"),
        ("```python\nif\n```", "does not compile"),
        ("```sh\nemo capturing v.mp4\n```", "command that does not exist"),
        ("```sh\nemo capture v.mp4 --lable happy\n```", "--lable"),
        ("```sh\nemo base trainn r.yaml\n```", "command that does not exist"),
    ],
)
def test_docs_check_sees_what_is_wrong(check_docs: ModuleType, tmp_path: Path, text: str, complaint: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text + "\n")
    problems = list(check_docs.problems_of(page))
    assert len(problems) == 1
    assert complaint in problems[0]


def test_docs_check_passes_what_is_right(check_docs: ModuleType, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A b\n[a](#a-b)\n```sh\nemo capture v.mp4 --label happy  # or sad\nemo base list\n```\n")
    assert list(check_docs.problems_of(page)) == []
