"""Check the Markdown files: python scripts/check_docs.py.

Links lead somewhere, Python blocks compile and import what exists, commands and their options exist.
"""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import typer.main

from emo.cli import app

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PLACEHOLDER = re.compile(r"…|\.\.\.")


def main() -> None:
    pages = markdown_files()
    problems = [f"{page.relative_to(ROOT)}: {problem}" for page in pages for problem in problems_of(page)]
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(pages)} pages: links, Python blocks and commands hold")


def markdown_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def problems_of(page: Path) -> Iterator[str]:
    text = page.read_text(encoding="utf-8")
    prose = BLOCK.sub("", text)
    for target in LINK.findall(prose):
        yield from link_problems(page, target)
    for language, code in BLOCK.findall(text):
        if language == "python":
            yield from python_problems(code)
        elif language in ("sh", "bash"):
            yield from command_problems(code)


def link_problems(page: Path, target: str) -> Iterator[str]:
    if re.match(r"[a-z]+:", target):  # the web is not asked: no test reaches the network
        return
    name, _, anchor = target.partition("#")
    file = (page.parent / name).resolve() if name else page
    if not file.exists():
        yield f"links to {target}, which is not there"
    elif anchor and anchor not in anchors(file):
        yield f"links to {target}, which has no such heading"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def python_problems(code: str) -> Iterator[str]:
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        yield f"a Python block does not compile: {error}"
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "emo":
            try:
                module = importlib.import_module(str(node.module))
            except ImportError as error:
                yield f"a Python block imports what is not there: {error}"
                continue
            for name in node.names:
                if not hasattr(module, name.name):
                    yield f"a Python block imports {name.name} from {node.module}, which has none"


def command_problems(code: str) -> Iterator[str]:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for line in code.splitlines():
        words = shlex.split(line, comments=True)
        if not words or words[0] != "emo" or PLACEHOLDER.search(line):
            continue
        if words[1] in ("--help", "--version"):
            continue
        command = commands.get(words[1])
        if words[1] == "base" and len(words) > 2:
            command = command.commands.get(words[2])
        if command is None:
            yield f"has a command that does not exist: {line}"
            continue
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        for unknown in [word for word in words[2:] if word.startswith("--") and word not in known]:
            yield f"gives {words[1]} an option that it does not have, {unknown}: {line}"


if __name__ == "__main__":
    main()
