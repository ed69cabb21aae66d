"""What the three commands promise, on a real person's face: frozen, reloadable, alive, atomic, repeatable."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emo.bases.base import Base, load_base
from emo.bases.registry import base_path
from emo.capture.config import CaptureConfig
from emo.capture.recorder import capture_video
from emo.datasets.recordings import recordings_of
from emo.deploy.predict import predict
from emo.errors import DatasetError, FileFormatError, ModelError, StorageError
from emo.extension.config import ExtendConfig
from emo.extension.grow import extend
from emo.labels import BASIC_LABELS
from emo.transfer.config import TransferConfig
from emo.transfer.evaluate import evaluate
from emo.transfer.fitting import Faces, Known, PersonalFit
from emo.transfer.model import RECORD, TENSORS, base_of, find_model, load_model
from emo.transfer.personal import labels_by_crop, transfer
from emo.workspace import Workspace

SEGMENTS = [
    ("sad", 0.0, 2.8),
    ("sad", 3.0, 5.8),
    ("happy", 10.8, 14.6),
    ("happy", 15.0, 19.0),
    ("confusion", 6.7, 9.2),
]
TRANSFER = TransferConfig(copies=1, threads=1)
EXTEND = ExtendConfig(classes=("confusion",), copies=1, threads=1)


@pytest.fixture(scope="module")
def recorded(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with two recordings of two labels and one of a third; tests copy it."""
    workspace = Workspace.at(tmp_path_factory.mktemp("recorded"))
    for label, start_s, end_s in SEGMENTS:
        config = CaptureConfig(label=label, start_s=start_s, end_s=end_s)
        capture_video(media / "WolfgangLanger_Pexels.mp4", workspace.dataset("personal"), config)
    return workspace


@pytest.fixture(scope="module")
def made(recorded: Workspace) -> Workspace:
    """The same with the models `personal` and `personal-extended`."""
    transfer(recorded, "personal", TRANSFER)
    extend(recorded, EXTEND)
    return recorded


@pytest.fixture
def own(made: Workspace, tmp_path: Path) -> Workspace:
    """A copy of that workspace, to change at will."""
    root = tmp_path / "own"
    shutil.copytree(made.root, root)
    return Workspace.at(root)


def crops_of(workspace: Workspace, label: str) -> NDArray[np.uint8]:
    recordings = recordings_of(workspace.dataset("personal"))
    return np.concatenate([one.read_crops() for one in recordings if one.label == label])


def fingerprint(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_frozen_base_is_bitwise_equal_after_fit(recorded: Workspace) -> None:
    before, base = base_path("emo-lite0").read_bytes(), load_base(threads=1)
    faces = crops_of(recorded, "sad")
    features = base.features(faces)
    transfer(recorded, "personal", replace(TRANSFER, name="frozen"))
    assert base_path("emo-lite0").read_bytes() == before
    assert (load_base(threads=1).features(faces) == features).all()
    shutil.rmtree(recorded.model("frozen"))


def test_torch_and_onnx_give_the_same_features_on_real_faces(made: Workspace) -> None:
    torch = pytest.importorskip("torch", reason="the PyTorch side of a base needs the torch extra")
    from emo.bases.training.network import build_network, load_base_weights

    base = load_base(threads=1)
    network = build_network("tf_efficientnet_lite0").eval()
    load_base_weights(network, base_path("emo-lite0"))
    inputs = base.preprocessing(crops_of(made, "happy")[:8])
    with torch.inference_mode():
        expected = network(torch.from_numpy(inputs)).numpy()
    np.testing.assert_allclose(base.run(inputs), expected, atol=1e-4)


def test_bundle_reload_predicts_the_same(recorded: Workspace) -> None:
    result = transfer(recorded, "personal", replace(TRANSFER, name="reloaded"))
    faces, base = crops_of(recorded, "happy"), load_base(threads=1)
    again = load_model(result.folder)
    assert (again.predict_proba(faces, base) == result.model.predict_proba(faces, base)).all()
    assert again.labels == BASIC_LABELS
    shutil.rmtree(result.folder)


def test_the_same_seed_makes_the_same_head(recorded: Workspace) -> None:
    heads = []
    for name in ("first", "second"):
        shutil.rmtree(recorded.cache, ignore_errors=True)
        result = transfer(recorded, "personal", replace(TRANSFER, name=name))
        heads.append((result.folder / TENSORS).read_bytes())
        shutil.rmtree(result.folder)
    assert heads[0] == heads[1]


@pytest.mark.parametrize("strength", [1e-1, 1e-4])
def test_labels_that_were_not_recorded_stay_alive(made: Workspace, strength: float) -> None:
    base = load_base(threads=1)
    recordings = [one for one in recordings_of(made.dataset("personal")) if one.label in BASIC_LABELS]
    features = base.features(np.concatenate([one.read_crops() for one in recordings]))
    labels = labels_by_crop(recordings)
    fit = PersonalFit(
        Known(base.head, base.statistics, personal=False), BASIC_LABELS, Faces(features[None], labels), seed=0
    )
    head = fit.fit(np.arange(len(labels)), strength)
    rng = np.random.default_rng(1)
    for label in set(BASIC_LABELS) - {"sad", "happy"}:
        drawn = base.statistics[label].sample(200, rng)
        index = BASIC_LABELS.index(label)
        before = (base.head.logits(drawn).argmax(axis=1) == index).mean()
        after = (head.logits(drawn).argmax(axis=1) == index).mean()
        assert after > before - 0.25, label


def test_growing_leaves_old_logits_unchanged(made: Workspace) -> None:
    parent, grown = find_model(made, "personal"), find_model(made, "personal-extended")
    features = load_base(threads=1).features(crops_of(made, "sad"))
    assert grown.labels == (*parent.labels, "confusion")
    assert (grown.head.logits(features)[:, : len(parent.labels)] == parent.head.logits(features)).all()
    assert (grown.calibration[: len(parent.labels)] == parent.calibration).all()


def test_a_grown_model_knows_the_new_label_and_the_old_ones(made: Workspace) -> None:
    grown = find_model(made, "personal-extended")
    base = base_of(grown, threads=1)
    for label in ("sad", "happy", "confusion"):
        answers = grown.predict_proba(crops_of(made, label), base).argmax(axis=1)
        assert (answers == grown.labels.index(label)).mean() > 0.7, label


def test_only_and_replace_make_closed_models(own: Workspace) -> None:
    closed = transfer(own, "personal", replace(TRANSFER, only=("happy", "sad"), name="two")).model
    assert closed.labels == ("happy", "sad")
    capture = next(one for one in recordings_of(own.dataset("personal")) if one.label == "sad")
    # A second new state, made of other seconds of the video, so that there are two to tell apart.
    target = own.dataset("personal") / "boredom" / "boredom-1"
    shutil.copytree(capture.folder, target)
    record = target / "recording.json"
    record.write_text(record.read_text().replace('"label": "sad"', '"label": "boredom"'))
    shutil.rmtree(capture.folder)
    replaced = extend(own, ExtendConfig(classes=("boredom", "confusion"), replace=True, copies=1, threads=1)).model
    assert replaced.labels == ("boredom", "confusion")


def test_a_failing_write_leaves_the_older_model_whole(own: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = own.model("personal")
    before = fingerprint(folder)

    def full(*args: object, **kwargs: object) -> None:
        raise StorageError("no space left on device")

    monkeypatch.setattr("emo.transfer.model.write_json", full)
    with pytest.raises(StorageError):
        transfer(own, "personal", replace(TRANSFER, seed=7))  # another head, were it to be written
    assert fingerprint(folder) == before
    assert sorted(path.name for path in own.models.iterdir()) == ["personal", "personal-extended"]


def test_deleting_the_cache_loses_only_time(own: Workspace) -> None:
    first = transfer(own, "personal", replace(TRANSFER, name="one"))
    shutil.rmtree(own.cache)
    second = transfer(own, "personal", replace(TRANSFER, name="two"))
    assert (first.folder / TENSORS).read_bytes() == (second.folder / TENSORS).read_bytes()


def test_a_damaged_cache_file_is_computed_again(own: Workspace) -> None:
    first = transfer(own, "personal", replace(TRANSFER, name="one"))
    for path in own.cache.rglob("*.npy"):
        path.write_bytes(path.read_bytes()[:-100])
    second = transfer(own, "personal", replace(TRANSFER, name="two"))
    assert (first.folder / TENSORS).read_bytes() == (second.folder / TENSORS).read_bytes()


@pytest.mark.parametrize("file", [RECORD, TENSORS])
def test_a_damaged_model_is_named_and_not_used(own: Workspace, file: str) -> None:
    path = own.model("personal") / file
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(FileFormatError, match="personal"):
        load_model(own.model("personal"))


def test_a_model_holds_no_pickle_and_no_path(made: Workspace) -> None:
    folder = made.model("personal-extended")
    names = {path.name for path in folder.iterdir()}
    assert names == {RECORD, TENSORS, "README.md", "report"}
    for path in folder.rglob("*"):
        if path.is_file():
            assert str(made.root).encode() not in path.read_bytes(), path.name


def test_predict_tells_the_parts_of_the_video_apart(made: Workspace, media: Path) -> None:
    seen = predict(made, media / "WolfgangLanger_Pexels.mp4", model="personal-extended", threads=1)
    answers = np.array(seen.answers)
    for label, start_s, end_s in SEGMENTS:
        part = answers[(seen.times_s >= start_s) & (seen.times_s < end_s)]
        assert (part == label).mean() > 0.6, (label, start_s)


def test_predict_answers_pictures_and_folders(made: Workspace, media: Path, tmp_path: Path) -> None:
    one = predict(made, media / "single_face.jpg", model="personal", threads=1)
    assert (one.faces, one.video) == (1, False)
    for name in ("single_face.jpg", "multi_face.jpg"):
        shutil.copy(media / name, tmp_path / name)
    both = predict(made, tmp_path, model="personal", threads=1)
    assert both.names == ("multi_face.jpg", "single_face.jpg")
    assert both.to_json()[1]["label"] == one.to_json()[0]["label"]


def test_evaluate_leaves_out_what_the_model_learned_from(own: Workspace, media: Path) -> None:
    with pytest.raises(DatasetError, match="learned from all of its recordings"):
        evaluate(own, "personal-extended", "personal", threads=1)
    config = CaptureConfig(label="happy", start_s=9.6, end_s=10.7)
    new = capture_video(media / "WolfgangLanger_Pexels.mp4", own.dataset("personal"), config).recording
    result = evaluate(own, "personal-extended", "personal", threads=1)
    assert set(result.evaluation.recording_ids) == {new.id}
    assert (result.folder / "report.html").is_file()


def test_a_model_of_another_base_is_refused(own: Workspace) -> None:
    record = own.model("personal") / RECORD
    base: Base = load_base(threads=1)
    record.write_text(record.read_text().replace(base.fingerprint, "0" * 64))
    with pytest.raises(ModelError, match="another version of the base"):
        base_of(load_model(own.model("personal")), threads=1)
