"""Recipes: what they accept, and how they complain."""

from __future__ import annotations

from pathlib import Path

import pytest

import emo.bases
from emo.bases.training.recipe import Recipe, read_recipe
from emo.errors import UsageError

RECIPES = sorted((Path(emo.bases.__file__).parent / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_packaged_recipes_are_valid(path: Path) -> None:
    assert read_recipe(path).name


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name: mine\nepoch: 3", "unknown key 'epoch'; did you mean 'epochs'?"),
        ("name: mine\nepochs: many", "epochs must be of type int, got 'many'"),
        ("name: mine\nepochs: true", "epochs must be of type int, got True"),
        ("name: mine\nepochs: 0", "epochs must be at least 1, got 0"),
        ("name: mine\nbalance: 2", "balance must be between 0 and 1, got 2"),
        ("epochs: 3", "has no name; add a line such as 'name: my-base'"),
        ("- a\n- b", "a recipe is a list of 'key: value' lines"),
        ("name: [", "not valid YAML"),
        ("name: ../x", "cannot name a folder"),
    ],
)
def test_a_wrong_recipe_gets_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_recipe(path)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_recipe_survives_its_document() -> None:
    recipe = Recipe(name="mine", epochs=3, balance=0.25)
    assert Recipe(**recipe.to_document()) == recipe
