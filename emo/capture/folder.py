"""Import folders of pictures: label/*.jpg or person/label/*.jpg."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from emo.capture.config import MIN_FACE_PX, PERSON
from emo.capture.detectors import SearchingDetector, load_detector
from emo.capture.filetypes import is_picture_name, read_picture
from emo.capture.pictures import face_of_picture
from emo.capture.quality import NO_FACE, measure, why_rejected
from emo.capture.recorder import file_sha256, hashed, new_writer, now, safe_stem
from emo.datasets.crops import cut_face
from emo.datasets.recordings import RECORD, Recording, RecordingWriter, read_recording
from emo.errors import NoFaceFound, SourceError
from emo.labels import parse_label, parse_name
from emo.progress import Advance, Progress, silent

UNREADABLE = "unreadable"
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Album:
    """The pictures of one person under one label, by name."""

    person: str
    label: str
    pictures: tuple[Path, ...]


def import_folder(
    folder: Path,
    dataset: Path,
    *,
    person: str = PERSON,
    min_face_px: int = MIN_FACE_PX,
    threads: int = 1,
    notice: Callable[[str], None] = lambda text: None,
    progress: Progress = silent,
) -> list[Recording]:
    """Cut the main face of every picture, one recording per person and label.

    Running it again adds only what is new; pictures that cannot be read are left out.

    Args:
        folder: holds ``label/*.jpg`` or ``person/label/*.jpg``.
        dataset: the dataset's folder; made if it is missing.
        min_face_px: faces with a shorter side, in pixels of the picture, are rejected.
        threads: CPU threads of one network.
        progress: in pictures.
        person: who it is where the folders name only labels.
        notice: is told, a line each, what was left out or there already.

    Returns:
        One recording per person and label, those that were there already too.

    Raises:
        SourceError: the folder is missing or has no pictures in label folders.
        NoFaceFound: not one picture shows a usable face.
        LabelError: a folder's name can be no label or person.
        StorageError: a recording cannot be written.
    """
    albums = find_albums(folder, person=person)
    detector = load_detector(min_face_px=min_face_px, threads=threads)
    recordings: list[Recording] = []
    without: list[str] = []
    total = float(sum(len(album.pictures) for album in albums))
    with progress(f"importing {folder.name}", total=total) as advance:
        for album in albums:
            try:
                recordings.append(_import_album(album, folder, dataset, detector, min_face_px, notice, advance))
            except NoFaceFound as error:
                notice(f"{error}; left out")
                without.append(str(error))
    if not recordings:
        problems = "; ".join(without[:_SHOWN])
        raise NoFaceFound(f"{folder}: {problems}; save unreadable ones as JPEG, and for small faces try --min-face 24")
    return recordings


def find_albums(folder: Path, *, person: str = PERSON) -> list[Album]:
    """What a folder holds, by person and label.

    Raises:
        SourceError: it is missing or has no pictures in label folders.
        LabelError: a folder's name can be no label or person.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder}: no such folder; for a video use: emo capture {folder} --label LABEL")
    albums = []
    for first in _folders(folder):
        if pictures := _pictures(first):
            albums.append(Album(parse_name(person, "person"), parse_label(first.name), pictures))
        for second in _folders(first):
            if pictures := _pictures(second):
                albums.append(Album(parse_name(first.name, "person"), parse_label(second.name), pictures))
    if not albums:
        raise SourceError(f"{folder}: no pictures in folders named by label; arrange them as {folder.name}/happy/1.jpg")
    return albums


def _import_album(
    album: Album,
    folder: Path,
    dataset: Path,
    detector: SearchingDetector,
    min_face_px: int,
    notice: Callable[[str], None],
    advance: Advance,
) -> Recording:
    sha256 = _album_sha256(album)
    stem = safe_stem(folder.absolute().name)
    recording_id = f"{stem}-{hashed([sha256, album.label, album.person])}"
    if (dataset / album.label / recording_id / RECORD).is_file():
        notice(f"{album.person}/{album.label}: already there")
        advance(float(len(album.pictures)))
        return read_recording(dataset / album.label / recording_id)
    writer = new_writer(dataset, album.label, recording_id)
    try:
        rejected = _write_pictures(album, writer, detector, min_face_px, notice, advance)
        if writer.count == 0:
            reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(rejected.items()))
            raise NoFaceFound(
                f"{album.person}/{album.label}: no usable face in {len(album.pictures)} pictures ({reasons})"
            )
        return writer.commit(
            lambda place, crops: Recording(
                folder=place,
                label=album.label,
                person=album.person,
                kind="folder",
                source_name=folder.absolute().name,
                source_sha256=sha256,
                start_s=0.0,
                end_s=float(len(album.pictures)),
                every_s=1.0,  # Pictures have no time; their position stands for it.
                frame_rate=Fraction(0),
                created=now(),
                crops=crops,
                rejected=dict(sorted(rejected.items())),
            )
        )
    except BaseException:
        writer.discard()
        raise


def _write_pictures(
    album: Album,
    writer: RecordingWriter,
    detector: SearchingDetector,
    min_face_px: int,
    notice: Callable[[str], None],
    advance: Advance,
) -> Counter[str]:
    """Write each picture's face; how many gave none, by reason."""
    rejected: Counter[str] = Counter()
    unreadable: list[str] = []
    for position, path in enumerate(album.pictures):
        advance(1.0)
        image = read_picture(path)
        if image is None:
            rejected[UNREADABLE] += 1
            unreadable.append(path.name)
            continue
        face = face_of_picture(detector, image)
        if face is None:
            rejected[NO_FACE] += 1
            continue
        crop = cut_face(image, face)
        quality = measure(crop, face)
        reason = why_rejected(quality, min_face_px=min_face_px)
        if reason is not None:
            rejected[reason] += 1
            continue
        box, landmarks = face.box.tolist(), face.landmarks.tolist()
        writer.add(crop, time_s=float(position), box=box, landmarks=landmarks, quality=quality)
    if unreadable:
        more = f" and {len(unreadable) - _SHOWN} more" if len(unreadable) > _SHOWN else ""
        names = ", ".join(unreadable[:_SHOWN])
        notice(f"{album.person}/{album.label}: {len(unreadable)} unreadable, left out: {names}{more}")
    return rejected


def _album_sha256(album: Album) -> str:
    digest = hashlib.sha256()
    for path in album.pictures:
        digest.update(f"{path.name}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _pictures(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(path for path in folder.iterdir() if is_picture_name(path) and path.is_file()))
