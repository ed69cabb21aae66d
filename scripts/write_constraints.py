"""Write down the versions installed in this environment: constraints/python3.X.txt, one for each Python.

python scripts/write_constraints.py      (or: make constraints)
"""

from __future__ import annotations

import sys
from importlib.metadata import distributions
from pathlib import Path

CONSTRAINTS = Path(__file__).resolve().parent.parent / "constraints"
TOOLS = {"emo", "pip", "uv"}
"""Not pinned: this project, and what installs it."""


def main() -> None:
    """Write the file and say where it is."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = {item.metadata["Name"].lower().replace("_", "-"): item.version for item in distributions()}
    pins = [f"{name}=={version}" for name, version in sorted(found.items()) if name not in TOOLS]
    lines = [f"# What the tests ran with on Python {python}; written by: make constraints", *pins]
    path = CONSTRAINTS / f"python{python}.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    print(f"{len(pins)} versions in {path.relative_to(CONSTRAINTS.parent)}")


if __name__ == "__main__":
    main()
