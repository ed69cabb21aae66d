"""Write the versions that are installed in this environment to constraints/, for the Python that runs this."""

from __future__ import annotations

import sys
from importlib.metadata import distributions
from pathlib import Path

OURSELVES_AND_INSTALLERS = {"emo", "pip", "uv"}


def main() -> None:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = {one.metadata["Name"].lower().replace("_", "-").replace(".", "-"): one.version for one in distributions()}
    lines = [f"{name}=={version}" for name, version in sorted(found.items()) if name not in OURSELVES_AND_INSTALLERS]
    path = Path(__file__).parents[1] / "constraints" / f"python{python}.txt"
    head = f"# What the tests ran with on Python {python}, Linux: a clean environment with the extras train and dev."
    path.write_text("\n".join([head, *lines, ""]), encoding="utf-8")
    print(f"{path.name}: {len(lines)} versions")


if __name__ == "__main__":
    main()
