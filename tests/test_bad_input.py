"""Whatever goes wrong: one clear line that names the thing and the way out, and a workspace as it was before."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import Emo, Outcome, tree


@pytest.fixture
def fails(emo: Emo, workspace: Path) -> Iterator[Emo]:
    """Runs a command that has to fail in one line, and holds the workspace to what it was before."""

    def run(*words: str, workspace: Path = workspace) -> Outcome:
        before = tree(workspace)
        done = emo(*words, workspace=workspace)
        assert done.code in (1, 2)
        assert done.out == ""
        lines = [line for line in done.err.splitlines() if not line.startswith("note: ")]
        assert len(lines) == 1, done.err
        assert lines[0].startswith("error: ")
        after = tree(workspace)
        assert {name: after[name] for name in after if not name.startswith(".emo")} == before
        return Outcome(done.code, done.out, lines[0].removeprefix("error: "))

    yield run


def capture(source: object, label: str = "happy") -> tuple[str, ...]:
    return "capture", str(source), "--label", label


def test_missing_video_is_named(fails: Emo, tmp_path: Path) -> None:
    done = fails(*capture(tmp_path / "none.mp4"))
    assert (done.code, done.err) == (1, f"{tmp_path}/none.mp4: no such file; check the name")


def test_text_file_named_mp4_is_no_video(fails: Emo, tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("dear diary\n")
    done = fails(*capture(tmp_path / "notes.mp4"))
    assert (done.code, done.err) == (
        1,
        f"{tmp_path}/notes.mp4: is a text file, not a video; give the video itself",
    )


def test_empty_file_is_no_video(fails: Emo, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert fails(*capture(tmp_path / "empty.mp4")).err == f"{tmp_path}/empty.mp4: is empty; copy or record it again"


def test_folder_is_no_video(fails: Emo, tmp_path: Path) -> None:
    done = fails(*capture(tmp_path))
    assert done.err == f"{tmp_path}: is a folder, not a video; for folders of pictures use: emo import {tmp_path}"


def test_video_cut_off_at_its_beginning_cannot_be_decoded(fails: Emo, media: Path, tmp_path: Path) -> None:
    whole = (media / "single_face.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[:3000])
    done = fails(*capture(tmp_path / "cut.mp4"))
    assert done.code == 1
    assert done.err.startswith(f"{tmp_path}/cut.mp4: ")
    assert "record it anew" in done.err


def test_video_without_a_face_is_named(fails: Emo, media: Path) -> None:
    done = fails(*capture(media / "no_face.mp4"))
    assert done.code == 1
    assert done.err.startswith("no_face.mp4: no ")


def test_video_without_a_face_leaves_an_older_recording_alone(fails: Emo, media: Path, recorded: Path) -> None:
    assert fails(*capture(media / "no_face.mp4"), workspace=recorded).code == 1


@pytest.mark.parametrize("label", ["../x", "CON", "con", "a/b", "a\\b", ".", "..", "-x", "x" * 41, "a:b", "nul", " "])
def test_label_that_cannot_name_a_folder_is_refused(label: str, fails: Emo, media: Path) -> None:
    done = fails("capture", str(media / "single_face.mp4"), f"--label={label}")
    assert done.code == 2
    assert done.err.startswith(f"label {label!r} ")


@pytest.mark.parametrize("option", ["--person", "--dataset"])
def test_name_that_leaves_the_workspace_is_refused(option: str, fails: Emo, media: Path) -> None:
    done = fails(*capture(media / "single_face.mp4"), option, "../../x")
    assert done.code == 2
    assert done.err.startswith(f"{option[2:]} '../../x' cannot name a folder; ")


def test_end_before_start_is_refused(fails: Emo, media: Path) -> None:
    done = fails(*capture(media / "single_face.mp4"), "--start", "5", "--end", "2")
    assert (done.code, done.err) == (2, "--end 2 is not after --start 5; give an end that is later")


def test_start_after_the_end_of_the_video_is_refused(fails: Emo, media: Path) -> None:
    done = fails(*capture(media / "WolfgangLanger_Pexels.mp4"), "--start", "500")
    assert done.code == 1
    assert "choose an earlier --start" in done.err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ("capture", "--label", "happy"),
            "give either a video file or --camera, as in: emo capture video.mp4 --label happy",
        ),
        (
            ("capture", "a.mp4", "--camera", "0", "--label", "happy"),
            "give either a video file or --camera, as in: emo capture video.mp4 --label happy",
        ),
        (("capture", "a.mp4"), "give either --label or --segments, as in: emo capture video.mp4 --label happy"),
        (
            ("capture", "a.mp4", "--label", "happy", "--segments", "s.csv"),
            "give either --label or --segments, as in: emo capture video.mp4 --label happy",
        ),
        (
            ("capture", "a.mp4", "--segments", "s.csv", "--end", "3"),
            "--segments goes with a video file, and says itself where each segment starts and ends",
        ),
        (
            ("capture", "--camera", "0", "--label", "happy"),
            "--camera and --seconds go together, as in: --camera 0 --label happy --seconds 20",
        ),
        (("transfer", "--only", "happy"), None),
        (("transfer", "--copies", "-1"), None),
        (("transfer", "--name", "../x"), None),
        (("extend", "--classes", ","), "no label given; name at least one, as in: happy,sad"),
        (("extend", "--classes", "boredom,../x"), None),
        (("extend", "--classes", "boredom", "--replace"), None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_call_ends_with_code_2(words: tuple[str, ...], line: str | None, fails: Emo) -> None:
    done = fails(*words)
    assert done.code == 2
    assert line is None or done.err == line


def test_missing_workspace_is_refused(emo: Emo, tmp_path: Path) -> None:
    done = emo("list", workspace=tmp_path / "none")
    wanted = f"error: workspace {tmp_path}/none: no such folder; create it first, as in: mkdir -p {tmp_path}/none\n"
    assert (done.code, done.out, done.err) == (2, "", wanted)


@pytest.mark.parametrize("command", ["transfer", "augment"])
def test_missing_dataset_says_how_to_record_it(command: str, fails: Emo, workspace: Path) -> None:
    done = fails(command, "june")
    assert done.code == 1
    assert done.err.startswith(f"dataset june: not found in {workspace}/datasets; record it with: emo capture ")


@pytest.mark.parametrize("command", ["transfer", "augment"])
def test_empty_dataset_says_how_to_record_it(command: str, fails: Emo, workspace: Path) -> None:
    (workspace / "datasets" / "personal" / "happy").mkdir(parents=True)
    done = fails(command, "personal")
    assert done.code == 1
    assert done.err.startswith("dataset personal: holds no face crops; record some with: emo capture VIDEO ")


def test_one_label_alone_is_not_enough(fails: Emo, recorded: Path) -> None:
    shutil.rmtree(recorded / "datasets" / "personal" / "sad")
    done = fails("transfer", "personal", workspace=recorded)
    assert done.code == 1
    assert done.err.startswith("dataset personal: only `happy` is recorded")
    assert "emo capture VIDEO --label" in done.err


def test_labels_that_the_base_does_not_know_wait_for_extend(fails: Emo, recorded: Path) -> None:
    relabel(recorded, "happy", "boredom")
    relabel(recorded, "sad", "engagement")
    done = fails("transfer", "personal", workspace=recorded)
    assert done.code == 1
    assert done.err.startswith("dataset personal: ")
    assert "emo extend" in done.err


def test_new_label_without_a_recording_says_how_to_record_it(fails: Emo, recorded: Path) -> None:
    done = fails("extend", "--classes", "boredom", workspace=recorded)
    assert done.code == 1
    assert "boredom" in done.err
    assert "emo capture VIDEO --label boredom" in done.err


def test_unknown_model_is_named(fails: Emo, media: Path, recorded: Path) -> None:
    for words in (
        ("predict", str(media / "single_face.jpg"), "--model", "nosuch"),
        ("extend", "--classes", "boredom", "--model", "nosuch"),
        ("evaluate", "nosuch", "--on", "personal"),
    ):
        done = fails(*words, workspace=recorded)
        assert done.code == 1
        assert done.err.startswith("model nosuch: ")


def test_unknown_base_is_named_with_those_there_are(fails: Emo, recorded: Path) -> None:
    done = fails("transfer", "--base", "resnet99", workspace=recorded)
    assert (done.code, done.err) == (1, "base 'resnet99': not known; choose one of: emo-lite0")


def test_predict_without_any_model_says_how_to_make_one(fails: Emo, media: Path) -> None:
    done = fails("predict", str(media / "single_face.jpg"))
    assert done.code == 1
    assert "emo transfer" in done.err


def test_full_disk_is_said_and_nothing_is_lost(
    fails: Emo, media: Path, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = Path.write_bytes, [3]

    def write_bytes(path: Path, data: bytes) -> int:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    done = fails(*capture(media / "single_face.mp4", "surprise"), workspace=recorded)
    assert done.code == 1
    assert done.err.startswith(f"{recorded}/datasets/personal/surprise/single_face-")
    assert done.err.endswith(": no space left on device; free some space and run the same command again")


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A workspace on a disk of its own, which is small."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "emo-test", str(place)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk, and not in every container")
    try:
        (place / "datasets").mkdir()
        (place / "emo.yaml").touch()
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_really_full_disk_is_said_and_nothing_half_written_stays(fails: Emo, media: Path, mounted: Path) -> None:
    video = media / "WolfgangLanger_Pexels.mp4"
    done = fails(*capture(video), "--every", "0.1", workspace=mounted)
    assert done.code == 1
    assert done.err.endswith(": no space left on device; free some space and run the same command again")
    done = fails("import", str(media), "--dataset", "full", workspace=mounted)
    assert done.code == 1


def test_read_only_workspace_is_said(fails: Emo, media: Path, mounted: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True, capture_output=True)
    done = fails(*capture(media / "single_face.mp4"), workspace=mounted)
    assert done.code == 1
    assert done.err.startswith(f"{mounted}/datasets/personal/happy/single_face-")
    advice = ": read-only file system; make the folder writable or choose another one with --workspace"
    assert done.err.endswith(advice)


def test_workspace_that_may_not_be_written_is_said(
    fails: Emo, media: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid():
        (workspace / "datasets").chmod(0o555)
    else:  # root may write everywhere
        real = Path.mkdir

        def mkdir(path: Path, *args: int, **options: bool) -> None:
            if path.is_relative_to(workspace):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            real(path, *args, **options)

        monkeypatch.setattr(Path, "mkdir", mkdir)
    done = fails(*capture(media / "single_face.mp4"))
    assert done.code == 1
    advice = ": permission denied; make the folder writable or choose another one with --workspace"
    assert done.err.endswith(advice)


def relabel(workspace: Path, old: str, new: str) -> None:
    """Turn the recordings of one label into ones of another, as a user does with a file manager and an editor."""
    folder = (workspace / "datasets" / "personal" / old).rename(workspace / "datasets" / "personal" / new)
    for path in folder.glob("*/recording.json"):
        path.write_text(path.read_text().replace(f'"label": "{old}"', f'"label": "{new}"'))
