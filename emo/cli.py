"""The commands of ``emo``: parse, build the config, call the core, print. No algorithm lives here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import emo
from emo import answers
from emo.capture.config import EVERY_S, MIN_FACE_PX, CaptureConfig
from emo.cli_base import base_app
from emo.console import INTERRUPTED, ConsoleProgress, show, show_error
from emo.errors import EmoError, UsageError
from emo.extension.config import ExtendConfig
from emo.options import (
    CopiesOption,
    DatasetOption,
    EveryOption,
    JsonOption,
    MinFaceOption,
    NameOption,
    PersonOption,
    SeedOption,
    ThreadsOption,
    UnusedSeedOption,
    WorkspaceOption,
    examples,
    split,
    workspace_at,
)
from emo.transfer.config import TransferConfig
from emo.workspace import DEFAULT_DATASET


class Commands(TyperGroup):
    """The group that turns what a user can act on into one line and an exit code; a bug keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except EmoError as error:
            show_error(str(error))
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            show_error("interrupted; nothing unfinished was kept, run the same command again to go on")
            raise typer.Exit(INTERRUPTED) from error


app = typer.Typer(
    cls=Commands,
    help="A few labelled selfie videos in, a personal facial-expression model out.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help starts faster, and reads the same in a pipe and in docs/cli.md
    pretty_exceptions_enable=False,
)

app.add_typer(base_app, name="base")

_CAPTURE = CaptureConfig(label="happy")
_TRANSFER = TransferConfig()
_EXTEND = ExtendConfig(classes=("boredom",))


@app.command(
    epilog=examples(
        "emo capture video.mp4 --label happy",
        "emo capture long.mp4 --label sad --start 0 --end 5.8",
        "emo capture long.mp4 --segments segments.csv",
        "emo capture --camera 0 --label happy --seconds 20",
    )
)
def capture(
    video: Annotated[Path | None, typer.Argument(help="A video file.", show_default=False)] = None,
    label: Annotated[str, typer.Option("--label", help="What the person shows.")] = "",
    person: PersonOption = _CAPTURE.person,
    start: Annotated[float, typer.Option("--start", help="Where to begin, in seconds.")] = _CAPTURE.start_s,
    end: Annotated[float | None, typer.Option("--end", help="Where to stop, in seconds.")] = _CAPTURE.end_s,
    segments: Annotated[Path | None, typer.Option("--segments", help="CSV: start,end,label[,person].")] = None,
    camera: Annotated[int | None, typer.Option("--camera", help="Record from this camera; 0 is the first.")] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", help="How long to record from the camera.")] = None,
    every: EveryOption = _CAPTURE.every_s,
    min_face: MinFaceOption = _CAPTURE.min_face_px,
    again: Annotated[bool, typer.Option("--again", help="Capture once more what is there already.")] = _CAPTURE.again,
    dataset: DatasetOption = DEFAULT_DATASET,
    workspace: WorkspaceOption = None,
    seed: UnusedSeedOption = 0,
    threads: ThreadsOption = _CAPTURE.threads,
    as_json: JsonOption = False,
) -> None:
    """Cut a person's face out of a video, under a label."""
    from emo.capture.camera import capture_camera
    from emo.capture.recorder import capture_video
    from emo.capture.segments import read_segments

    cut = start != _CAPTURE.start_s or end is not None
    _check_capture(video, label=label, segments=segments, camera=camera, seconds=seconds, cut=cut)
    place, bars = workspace_at(workspace), ConsoleProgress()
    folder = place.dataset(dataset)
    if segments:
        configs = read_segments(
            segments, person=person, every_s=every, min_face_px=min_face, again=again, threads=threads
        )
    else:
        configs = [
            CaptureConfig(
                label=label, person=person, every_s=every, start_s=start, end_s=end,
                min_face_px=min_face, again=again, threads=threads,
            )
        ]  # fmt: skip
    if video:
        results = [capture_video(video, folder, config, progress=bars) for config in configs]
    else:
        results = [capture_camera(camera or 0, folder, configs[0], seconds=seconds or 0, progress=bars)]
    show(answers.captured(results, place), as_json=as_json)


def _check_capture(
    video: Path | None, *, label: str, segments: Path | None, camera: int | None, seconds: float | None, cut: bool
) -> None:
    """Refuse what contradicts itself, before anything is opened."""
    if (video is None) == (camera is None):
        raise UsageError("give either a video file or --camera, as in: emo capture video.mp4 --label happy")
    if bool(label) == (segments is not None):
        raise UsageError("give either --label or --segments, as in: emo capture video.mp4 --label happy")
    if segments is not None and (camera is not None or cut):
        raise UsageError("--segments goes with a video file, and says itself where each segment starts and ends")
    if (camera is None) != (seconds is None):
        raise UsageError("--camera and --seconds go together, as in: --camera 0 --label happy --seconds 20")


@app.command(
    name="import",
    epilog=examples("emo import pictures/ --dataset personal", "emo import friends/ --dataset friends"),
)
def import_(
    folder: Annotated[Path, typer.Argument(help="Holds label/*.jpg or person/label/*.jpg.", show_default=False)],
    dataset: DatasetOption = DEFAULT_DATASET,
    person: PersonOption = _CAPTURE.person,
    min_face: MinFaceOption = _CAPTURE.min_face_px,
    workspace: WorkspaceOption = None,
    seed: UnusedSeedOption = 0,
    threads: ThreadsOption = _CAPTURE.threads,
    as_json: JsonOption = False,
) -> None:
    """Cut the faces out of folders of labelled pictures."""
    from emo.capture.folder import import_folder

    place = workspace_at(workspace)
    notes: list[str] = []
    recordings = import_folder(
        folder, place.dataset(dataset), person=person, min_face_px=min_face, threads=threads,
        notice=notes.append, progress=ConsoleProgress(),
    )  # fmt: skip
    show(answers.imported(recordings, place, notes), as_json=as_json)


@app.command(epilog=examples("emo augment personal --copies 5"))
def augment(
    dataset: Annotated[str, typer.Argument(help="The dataset's name.")] = DEFAULT_DATASET,
    copies: CopiesOption = _TRANSFER.copies,
    workspace: WorkspaceOption = None,
    seed: SeedOption = _TRANSFER.seed,
    as_json: JsonOption = False,
) -> None:
    """Write augmented copies of a dataset as files.

    For tools that read files: transfer makes its own copies and does not need these.
    """
    from emo.datasets.augmentation import augment_dataset

    place = workspace_at(workspace)
    target = place.dataset(f"{dataset}_augmented")
    count = augment_dataset(place.dataset(dataset), target, copies=copies, seed=seed, progress=ConsoleProgress())
    show(answers.augmented(count, target, place), as_json=as_json)


@app.command(epilog=examples("emo transfer personal", "emo transfer personal --only happy,sad,surprise --name three"))
def transfer(
    dataset: Annotated[str, typer.Argument(help="The dataset's name.")] = DEFAULT_DATASET,
    only: Annotated[str, typer.Option("--only", help="Make a closed model of just these labels.")] = "",
    base: Annotated[str, typer.Option("--base", help="The frozen network to start from.")] = _TRANSFER.base,
    name: NameOption = _TRANSFER.name,
    copies: CopiesOption = _TRANSFER.copies,
    workspace: WorkspaceOption = None,
    seed: SeedOption = _TRANSFER.seed,
    threads: ThreadsOption = _TRANSFER.threads,
    as_json: JsonOption = False,
) -> None:
    """Make a personal model and its report from a dataset."""
    from emo.transfer.personal import transfer as make

    config = TransferConfig(only=split(only), base=base, name=name, copies=copies, seed=seed, threads=threads)
    place = workspace_at(workspace)
    show(answers.transferred(make(place, dataset, config, progress=ConsoleProgress()), place), as_json=as_json)


@app.command(
    epilog=examples(
        "emo extend --classes boredom,engagement,confusion", "emo extend --classes boredom,engagement --replace"
    )
)
def extend(
    classes: Annotated[str, typer.Option("--classes", help="The new labels.", show_default=False)],
    replace: Annotated[bool, typer.Option("--replace", help="Keep only the new labels.")] = _EXTEND.replace,
    model: Annotated[str, typer.Option("--model", help="The model to grow; else the newest.")] = _EXTEND.model,
    dataset: DatasetOption = _EXTEND.dataset,
    name: NameOption = _EXTEND.name,
    copies: CopiesOption = _EXTEND.copies,
    workspace: WorkspaceOption = None,
    seed: SeedOption = _EXTEND.seed,
    threads: ThreadsOption = _EXTEND.threads,
    as_json: JsonOption = False,
) -> None:
    """Grow a model by new labels; it forgets none of the old."""
    from emo.extension.grow import extend as grow

    config = ExtendConfig(
        classes=split(classes), replace=replace, model=model, dataset=dataset, name=name,
        copies=copies, seed=seed, threads=threads,
    )  # fmt: skip
    place = workspace_at(workspace)
    show(answers.extended(grow(place, config, progress=ConsoleProgress()), place), as_json=as_json)


@app.command(
    epilog=examples(
        "emo predict new.mp4",
        "emo predict new.mp4 --timeline new.png --every 0.5",
        "emo predict pictures/ --model personal",
    )
)
def predict(
    source: Annotated[Path, typer.Argument(help="A video, a picture or a folder of pictures.", show_default=False)],
    model: Annotated[str, typer.Option("--model", help="The model to ask; else the newest.")] = "",
    every: EveryOption = EVERY_S,
    min_face: MinFaceOption = MIN_FACE_PX,
    timeline: Annotated[Path | None, typer.Option("--timeline", help="Draw the answers over time: FILE.png.")] = None,
    workspace: WorkspaceOption = None,
    seed: UnusedSeedOption = 0,
    threads: ThreadsOption = _TRANSFER.threads,
    as_json: JsonOption = False,
) -> None:
    """Ask a model what it sees in a video or in pictures."""
    from emo.deploy.predict import predict as ask
    from emo.deploy.predict import write_timeline

    prediction = ask(
        workspace_at(workspace), source, model=model, every_s=every, min_face_px=min_face, threads=threads,
        progress=ConsoleProgress(),
    )  # fmt: skip
    files = write_timeline(prediction, timeline) if timeline else ()
    show(answers.predicted(prediction, files), as_json=as_json)


@app.command(epilog=examples("emo evaluate personal --on june"))
def evaluate(
    model: Annotated[str, typer.Argument(help="The model to judge.", show_default=False)],
    on: Annotated[str, typer.Option("--on", help="The dataset to judge it on.", show_default=False)],
    workspace: WorkspaceOption = None,
    seed: UnusedSeedOption = 0,
    threads: ThreadsOption = _TRANSFER.threads,
    as_json: JsonOption = False,
) -> None:
    """Judge a model on recordings that it did not learn from."""
    from emo.transfer.evaluate import evaluate as judge

    place = workspace_at(workspace)
    result = judge(place, model, on, threads=threads, progress=ConsoleProgress())
    show(answers.evaluated(result, place), as_json=as_json)


@app.command(name="list", epilog=examples("emo list", "emo list --json"))
def list_(workspace: WorkspaceOption = None, seed: UnusedSeedOption = 0, as_json: JsonOption = False) -> None:
    """Show datasets and models, one line each."""
    show(answers.inventory(workspace_at(workspace)), as_json=as_json)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"emo {emo.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None: ...


def main() -> None:
    """The ``emo`` command."""
    for stream in (sys.stdout, sys.stderr):
        # A file name that is no valid text, or a terminal without our letters, must not end in a traceback.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    app(prog_name="emo")
