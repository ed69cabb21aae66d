"""The README's tour, word by word, on the real video of a real person."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from emo.labels import BASIC_LABELS
from tests.support import Ran, run_command

README = Path(__file__).resolve().parent.parent / "README.md"

pytestmark = pytest.mark.tour


@dataclass(frozen=True)
class Tour:
    """The workspace after the tour, and how each command ended."""

    workspace: Path
    ran: dict[str, Ran]


def commands() -> list[str]:
    """The block after ``<!-- tour -->`` in the README."""
    (block,) = re.findall(r"<!-- tour -->\n```sh\n(.*?)```", README.read_text(), re.DOTALL)
    return str(block).splitlines()


@pytest.fixture(scope="module")
def tour(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Tour:
    workspace = tmp_path_factory.mktemp("tour")
    (workspace / "emo.yaml").touch()
    shutil.copy(media / "WolfgangLanger_Pexels.mp4", workspace / "selfie.mp4")
    ran: dict[str, Ran] = {}
    for command in commands():
        program, *words = shlex.split(command)
        assert program == "emo"
        ran[command] = run_command(words, cwd=workspace)
        assert ran[command].code == 0, f"{command}: {ran[command].err}"
    return Tour(workspace, ran)


def test_tour_has_six_commands() -> None:
    assert [command.split()[1] for command in commands()] == [
        "capture",
        "capture",
        "transfer",
        "capture",
        "extend",
        "predict",
    ]


def test_no_command_of_the_tour_loads_torch(tour: Tour) -> None:
    for command, ran in tour.ran.items():
        assert not ran.loaded & {"torch", "torchvision", "timm"}, command


def test_every_command_of_the_tour_answers_in_a_few_lines(tour: Tour) -> None:
    for command, ran in tour.ran.items():
        assert ran.out.strip(), command
        assert "Traceback" not in ran.err
        # On a slow machine, a line of progress now and then.
        others = [
            line for line in ran.err.splitlines() if not re.match(r"note: |.*: \d+ ?%, about|.*: \d+ s so far", line)
        ]
        assert not others


def test_transfer_leaves_a_model_with_all_seven_labels_and_its_report(tour: Tour) -> None:
    folder = tour.workspace / "models" / "personal"
    assert set(json.loads((folder / "model.json").read_text())["labels"]) == set(BASIC_LABELS)
    for name in ("head.safetensors", "README.md", "report/report.html", "report/report.md", "report/report.json"):
        assert (folder / name).stat().st_size > 0


def test_transfer_says_that_one_recording_a_label_is_optimistic(tour: Tour) -> None:
    said = tour.ran["emo transfer personal"].err
    assert "ptimistic" in said
    assert "ptimistic" in (tour.workspace / "models" / "personal" / "report" / "report.md").read_text()


def test_extend_adds_the_new_label_and_keeps_the_old_ones(tour: Tour) -> None:
    labels = [set(json.loads(path.read_text())["labels"]) for path in tour.workspace.glob("models/*/model.json")]
    assert sorted(labels, key=len) == [set(BASIC_LABELS), {*BASIC_LABELS, "confusion"}]


def test_predict_sees_her_sad_first_and_happy_at_the_end(tour: Tour, media: Path) -> None:
    ran = run_command(["predict", "selfie.mp4", "--json", "--every", "0.5"], cwd=tour.workspace)
    answers = [(moment["time_s"], moment["label"]) for moment in json.loads(ran.out)["moments"]]
    first = [label for time_s, label in answers if time_s < 5]
    last = [label for time_s, label in answers if time_s > 12]
    assert max(set(first), key=first.count) == "sad"
    assert max(set(last), key=last.count) == "happy"


def test_nothing_unfinished_stays_behind(tour: Tour) -> None:
    assert not [path for path in tour.workspace.rglob("*") if ".partial" in path.name or ".outgoing" in path.name]
