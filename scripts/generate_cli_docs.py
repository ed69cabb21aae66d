"""Write docs/cli.md from the commands' own help pages; with --check, only say whether it is fresh.

python scripts/generate_cli_docs.py [--check]
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Help pages wrap at the terminal's width, which must not depend on whose terminal it is.
os.environ.update(COLUMNS="100", TERMINAL_WIDTH="100", NO_COLOR="1")

import typer.main
from typer.testing import CliRunner

from emo.cli import app

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"

HEAD = """# All commands

<!-- Written by scripts/generate_cli_docs.py from the commands themselves; change those and run `make docs`. -->

Every command answers on stdout and reports progress, notes and errors on stderr. It ends with code 0
when all went well, 1 when something is in the way that you can change, 2 when it was called wrongly, and
130 after Ctrl-C.
"""


def render() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(section(words) for words in calls(typer.main.get_command(app)))])


def calls(command: Any, *words: str) -> Iterator[list[str]]:
    """The words that call a command and each one below it, outermost first."""
    yield list(words)
    for name, inner in getattr(command, "commands", {}).items():
        yield from calls(inner, *words, name)


def section(arguments: list[str]) -> str:
    result = CliRunner().invoke(app, [*arguments, "--help"], prog_name="emo", terminal_width=100)
    if result.exit_code:
        raise SystemExit(f"emo {' '.join(arguments)} --help failed: {result.output}")
    page = "\n".join(line.rstrip() for line in result.output.strip().splitlines())
    return f"## {' '.join(['emo', *arguments])}\n\n```\n{page}\n```\n"


def main() -> None:
    page = render()
    if "--check" in sys.argv[1:]:
        if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page:
            sys.exit("docs/cli.md is stale; write it anew with: make docs")
        print("docs/cli.md is fresh")
        return
    PAGE.write_text(page, encoding="utf-8")
    print(f"wrote docs/cli.md, {page.count('## ')} commands")


if __name__ == "__main__":
    main()
