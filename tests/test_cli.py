"""The command line: help, options that arrive, one document for programs, and what Ctrl-C leaves."""

from __future__ import annotations

import dataclasses
import json
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from emo.capture.config import CaptureConfig
from emo.cli import app
from emo.errors import DatasetError
from emo.extension.config import ExtendConfig
from emo.labels import BASIC_LABELS
from emo.transfer.config import TransferConfig
from tests.support import Emo, tree

GROUP: Any = typer.main.get_command(app)
COMMANDS = {name: command for name, command in GROUP.commands.items() if name != "base"}
BASE_COMMANDS = {f"base {name}": command for name, command in GROUP.commands["base"].commands.items()}
EVERY_COMMAND = COMMANDS | BASE_COMMANDS


class Reached(Exception):
    """Stands for the core: the command got that far, with these arguments."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args)
        self.options = options


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every core function raises `Reached` instead of working."""

    def reached(*args: Any, **options: Any) -> None:
        raise Reached(*args, **options)

    for name in (
        "emo.capture.recorder.capture_video",
        "emo.capture.camera.capture_camera",
        "emo.transfer.personal.transfer",
        "emo.extension.grow.extend",
    ):
        monkeypatch.setattr(name, reached)
    yield


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_the_options_that_all_share(name: str) -> None:
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    assert {"--workspace", "--json", "--seed"} <= options


@pytest.mark.parametrize("name", BASE_COMMANDS)
def test_base_commands_answer_programs_too(name: str) -> None:
    assert "--json" in {option for parameter in BASE_COMMANDS[name].params for option in parameter.opts}


@pytest.mark.parametrize("name", EVERY_COMMAND)
def test_every_option_says_what_it_is(name: str) -> None:
    assert EVERY_COMMAND[name].help
    assert not [parameter.name for parameter in EVERY_COMMAND[name].params if not parameter.help]


@pytest.mark.parametrize("name", EVERY_COMMAND)
def test_every_help_page_has_examples_that_parse(name: str) -> None:
    examples = [line.strip() for line in EVERY_COMMAND[name].epilog.splitlines() if line.startswith("  emo ")]
    assert examples
    for example in examples:
        assert example.startswith(f"emo {name}")
        EVERY_COMMAND[name].make_context(name, shlex.split(example.removeprefix(f"emo {name}")))


CAPTURE_ARGUMENTS = {
    "label": ("--label", "sad", "sad"),
    "person": ("--person", "anna", "anna"),
    "every_s": ("--every", "0.5", 0.5),
    "start_s": ("--start", "1.5", 1.5),
    "end_s": ("--end", "9", 9.0),
    "min_face_px": ("--min-face", "24", 24),
    "again": ("--again", None, True),
    "threads": ("--threads", "3", 3),
}
TRANSFER_ARGUMENTS = {
    "only": ("--only", "happy,sad", ("happy", "sad")),
    "base": ("--base", "other", "other"),
    "name": ("--name", "mine", "mine"),
    "copies": ("--copies", "2", 2),
    "seed": ("--seed", "7", 7),
    "threads": ("--threads", "3", 3),
}
EXTEND_ARGUMENTS = {
    "classes": ("--classes", "boredom,confusion", ("boredom", "confusion")),
    "replace": ("--replace", None, True),
    "model": ("--model", "mine", "mine"),
    "dataset": ("--dataset", "work", "work"),
    "name": ("--name", "grown", "grown"),
    "copies": ("--copies", "2", 2),
    "seed": ("--seed", "7", 7),
    "threads": ("--threads", "3", 3),
}


@pytest.mark.parametrize(
    ("command", "config", "arguments"),
    [
        (("capture", "a.mp4"), CaptureConfig, CAPTURE_ARGUMENTS),
        (("transfer", "personal"), TransferConfig, TRANSFER_ARGUMENTS),
        (("extend",), ExtendConfig, EXTEND_ARGUMENTS),
    ],
    ids=["capture", "transfer", "extend"],
)
@pytest.mark.usefixtures("core")
def test_every_setting_is_an_option_and_reaches_the_core(
    command: tuple[str, ...], config: type, arguments: dict[str, tuple[str, str | None, Any]], emo: Emo
) -> None:
    assert set(arguments) == {field.name for field in dataclasses.fields(config)}
    words = [word for option, value, _ in arguments.values() for word in (option, value) if word]
    with pytest.raises(Reached) as reached:
        emo(*command, *words)
    (given,) = [argument for argument in reached.value.args if isinstance(argument, config)]
    assert dataclasses.asdict(given) == {name: wanted for name, (_, _, wanted) in arguments.items()}
    for name, (_, _, wanted) in arguments.items():
        field = config.__dataclass_fields__[name]
        assert wanted != field.default, f"the test gives {name} its default, which shows nothing"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("capture", "a.mp4", "--label", "sad"), CaptureConfig(label="sad")),
        (("transfer",), TransferConfig()),
        (("extend", "--classes", "boredom"), ExtendConfig(classes=("boredom",))),
    ],
    ids=["capture", "transfer", "extend"],
)
@pytest.mark.usefixtures("core")
def test_what_is_not_said_has_the_default_of_its_config(words: tuple[str, ...], wanted: object, emo: Emo) -> None:
    with pytest.raises(Reached) as reached:
        emo(*words)
    assert wanted in reached.value.args


@pytest.mark.usefixtures("core")
def test_camera_gets_its_number_and_seconds(emo: Emo, workspace: Path) -> None:
    with pytest.raises(Reached) as reached:
        emo("capture", "--camera", "1", "--seconds", "3", "--label", "happy")
    assert reached.value.args == (1, workspace / "datasets" / "personal", CaptureConfig(label="happy"))
    assert reached.value.options["seconds"] == 3


def test_capture_says_what_it_made_and_does_it_once(emo: Emo, media: Path, workspace: Path) -> None:
    words = (
        "capture",
        str(media / "WolfgangLanger_Pexels.mp4"),
        "--label",
        "happiness",
        "--start",
        "11",
        "--end",
        "12",
    )
    first = emo(*words)
    assert first.out.startswith("happy: 5 crops in datasets/personal/happy/WolfgangLanger_Pexels-")
    before = tree(workspace)
    again = emo(*words, "--json")
    (recording,) = again.document["recordings"]
    assert recording["already_there"] is True
    assert recording["crops"] == 5
    assert (workspace / recording["folder"] / "recording.json").is_file()
    assert tree(workspace) == before


def test_segments_are_captured_one_by_one(emo: Emo, media: Path, tmp_path: Path) -> None:
    table = tmp_path / "segments.csv"
    table.write_text("start,end,label,person\n0,1,sad,\n0:11,0:12,happy,anna\n")
    done = emo("capture", str(media / "WolfgangLanger_Pexels.mp4"), "--segments", str(table), "--json")
    assert [(item["label"], item["person"]) for item in done.document["recordings"]] == [
        ("sad", "me"),
        ("happy", "anna"),
    ]


def test_json_is_one_document_and_progress_and_notes_go_to_stderr(emo: Emo, media: Path) -> None:
    done = emo("capture", str(media / "single_face.mp4"), "--label", "happy", "--end", "1", "--json")
    assert json.loads(done.out)["recordings"]
    assert "note: " in done.err
    assert json.loads(done.out)["notes"]


def test_import_makes_a_recording_for_each_person_and_label(emo: Emo, media: Path, tmp_path: Path) -> None:
    for place in ("anna/happy", "ben/sad"):
        folder = tmp_path / "friends" / place
        folder.mkdir(parents=True)
        (folder / "one.jpg").write_bytes((media / "single_face.jpg").read_bytes())
    done = emo("import", str(tmp_path / "friends"), "--dataset", "friends", "--json")
    assert sorted((item["person"], item["label"]) for item in done.document["recordings"]) == [
        ("anna", "happy"),
        ("ben", "sad"),
    ]


def test_augment_writes_a_dataset_beside_the_first(emo: Emo, recorded: Path) -> None:
    done = emo("augment", "personal", "--copies", "2", "--json", workspace=recorded)
    crops = len(list((recorded / "datasets" / "personal").glob("*/*/0*.jpg")))
    assert done.document == {"crops": 2 * crops, "folder": "datasets/personal_augmented", "notes": []}
    assert len(list((recorded / "datasets" / "personal_augmented").glob("*/*-augmented/*.jpg"))) == 2 * crops


def test_list_shows_datasets_one_line_each(emo: Emo, recorded: Path) -> None:
    lines = emo("list", workspace=recorded).out.splitlines()
    assert lines == ["dataset personal: 20 crops, 2 recordings, 10 s, 1 person: happy 10, sad 10"]


def test_list_counts_seconds_of_video_but_not_of_pictures_and_copies(
    emo: Emo, media: Path, recorded: Path, tmp_path: Path
) -> None:
    (tmp_path / "friends" / "happy").mkdir(parents=True)
    shutil.copy(media / "single_face.jpg", tmp_path / "friends" / "happy")
    emo("import", str(tmp_path / "friends"), "--dataset", "friends", workspace=recorded)
    emo("augment", "personal", "--copies", "1", workspace=recorded)
    datasets = emo("list", "--json", workspace=recorded).document["datasets"]
    assert {item["name"]: item["seconds"] for item in datasets} == {
        "friends": 0,
        "personal": 10,
        "personal_augmented": 10,  # the originals are in it, too
    }


def test_list_shows_a_model_with_its_number_and_how_far_to_trust_it(emo: Emo, recorded: Path) -> None:
    made = emo("transfer", "--copies", "0", "--threads", "1", "--json", workspace=recorded).document
    uar = made["evaluation"]["uar"]
    (model,) = emo("list", "--json", workspace=recorded).document["models"]
    assert (model["name"], model["base"], model["uar"], model["unit"]) == ("personal", "emo-lite0", uar, "time")
    line = emo("list", workspace=recorded).out.splitlines()[-1]
    assert line.startswith(f"model personal: {', '.join(BASIC_LABELS)}; on emo-lite0, {model['created'][:16]}")
    assert line.endswith(f"; UAR {uar:.0%} (optimistic)")


def test_list_names_what_is_damaged_and_shows_the_rest(emo: Emo, recorded: Path) -> None:
    broken = recorded / "datasets" / "broken" / "happy" / "one"
    broken.mkdir(parents=True)
    (broken / "recording.json").write_text("{")
    done = emo("list", workspace=recorded)
    assert done.code == 0
    assert "dataset personal" in done.out
    assert done.err.startswith(f"note: {broken / 'recording.json'}: not valid JSON")


def test_list_of_an_empty_workspace_says_how_to_begin(emo: Emo, workspace: Path) -> None:
    done = emo("list")
    assert done.out == f"nothing in {workspace} yet; begin with: emo capture VIDEO --label LABEL\n"


def test_workspace_is_the_nearest_folder_with_the_marker(
    emo: Emo, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = workspace / "videos" / "june"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert emo("list", "--json", workspace=None).document["workspace"] == str(workspace)


def test_error_is_one_line_and_keeps_square_brackets(emo: Emo, tmp_path: Path) -> None:
    done = emo("capture", str(tmp_path / "[bold]me[/bold]\n.mp4"), "--label", "happy")
    assert (done.code, done.out) == (1, "")
    assert done.err == f"error: {tmp_path}/[bold]me[/bold] .mp4: no such file; check the name\n"


def test_error_of_the_core_gives_its_exit_code(emo: Emo, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise DatasetError("dataset x: too small; record more")

    monkeypatch.setattr("emo.transfer.personal.transfer", fail)
    done = emo("transfer", "x")
    assert (done.code, done.out, done.err) == (1, "", "error: dataset x: too small; record more\n")


def test_bug_keeps_its_traceback(emo: Emo, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("emo.transfer.personal.transfer", fail)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        emo("transfer", "x")


def test_interrupt_ends_with_130_and_says_how_to_go_on(emo: Emo, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("emo.transfer.personal.transfer", interrupt)
    done = emo("transfer", "x")
    assert (done.code, done.out) == (130, "")
    assert done.err == "error: interrupted; nothing unfinished was kept, run the same command again to go on\n"


def test_interrupted_capture_leaves_nothing_and_is_finished_by_running_it_again(media: Path, workspace: Path) -> None:
    words = ["capture", str(media / "WolfgangLanger_Pexels.mp4"), "--label", "happy", "--every", "0.04"]
    command = [sys.executable, "-m", "emo", *words, "--workspace", str(workspace)]
    before = tree(workspace)
    # What a shell starts in the background ignores Ctrl-C, and hands that down to its children.
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts)
    while not list(workspace.glob("datasets/personal/happy/*.partial/*.jpg")):
        assert process.poll() is None, "the capture ended before it could be interrupted"
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "error: interrupted; nothing unfinished was kept, run the same command again to go on\n"
    assert tree(workspace) == before
    command[command.index("0.04")] = "2"  # the rest of the story need not be as long
    assert subprocess.run(command, capture_output=True).returncode == 0
    assert len(list(workspace.glob("datasets/personal/happy/*/recording.json"))) == 1


def heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_version_is_the_package_s(emo: Emo) -> None:
    import emo as package

    assert emo("--version", workspace=None).out == f"emo {package.__version__}\n"
