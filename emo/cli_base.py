"""The commands of ``emo base``: what bases there are, what one is, and training one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emo import answers
from emo.bases.registry import DEFAULT_BASE, base_names, base_path
from emo.console import INTERRUPTED, ConsoleProgress, show, show_error
from emo.options import JsonOption, ThreadsOption, examples

base_app = typer.Typer(help="The frozen networks under every model.", no_args_is_help=True, rich_markup_mode=None)


@base_app.command(name="list", epilog=examples("emo base list", "emo base list --json"))
def list_(as_json: JsonOption = False) -> None:
    """Show the bases, one line each."""
    from emo.bases.base import load_base

    show(answers.bases([load_base(name, threads=1) for name in base_names()]), as_json=as_json)


@base_app.command(epilog=examples("emo base card", "emo base card emo-lite0 --json"))
def card(
    name: Annotated[str, typer.Argument(help="The base's name.")] = DEFAULT_BASE, as_json: JsonOption = False
) -> None:
    """Show what a base was trained on, under which terms, and how well it does."""
    from emo.bases.base import load_base

    show(answers.base_card(load_base(base_path(name), threads=1)), as_json=as_json)


@base_app.command(
    epilog=examples(
        "emo base train emo/bases/recipes/lite0.yaml --data fer2013/ --output runs/lite0",
        "emo base train emo/bases/recipes/lite0.yaml --data fer2013/ --output runs/lite0 --resume",
    )
)
def train(
    recipe: Annotated[Path, typer.Argument(help="A YAML file.", show_default=False)],
    data: Annotated[Path, typer.Option("--data", help="Holds fer2013.csv and fer2013new.csv.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", help="For checkpoints and the base.", show_default=False)],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last whole epoch.")] = False,
    seed: Annotated[int | None, typer.Option("--seed", help="Instead of the recipe's.", show_default=False)] = None,
    threads: ThreadsOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Train a base on FER2013 with FER+ votes; needs the train extra."""
    from dataclasses import replace

    from emo.bases.training.recipe import read_recipe
    from emo.bases.training.train import train_base
    from emo.capture.detectors import load_detector

    read = read_recipe(recipe)
    try:
        path, base = train_base(
            read if seed is None else replace(read, seed=seed), data=data, output=output,
            find=load_detector().detect_portrait, resume=resume, threads=threads, progress=ConsoleProgress(),
        )  # fmt: skip
    except KeyboardInterrupt as interrupt:
        show_error("interrupted; whole epochs are kept, add --resume to the same command to go on")
        raise typer.Exit(INTERRUPTED) from interrupt
    show(answers.base_trained(path, base), as_json=as_json)
