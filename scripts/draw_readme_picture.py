"""Draw docs/images/timeline.png from what `make demo` left, without the person's face: no face goes into git.

python scripts/draw_readme_picture.py      (or: make picture)
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from demo import ROOT, VIDEO, WORKSPACE

from emo.deploy.predict import predict, write_timeline
from emo.workspace import Workspace, write_bytes

PICTURE = ROOT / "docs" / "images" / "timeline.png"


def main() -> None:
    prediction = predict(Workspace.at(WORKSPACE), (WORKSPACE / VIDEO).resolve())
    with TemporaryDirectory() as folder:
        picture, _ = write_timeline(replace(prediction, thumbnails=()), Path(folder) / PICTURE.name)
        write_bytes(PICTURE, picture.read_bytes())
    print(f"wrote {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
