"""A folder on the server as a set of pictures; the name of the sub-folder a picture lies in is its label."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from viz_core.errors import ConvscopeError
from viz_core.images.intake import MOST_BYTES, Picture, load_image
from viz_core.images.picture_set import PictureSet, Skipped, digest_of, labels_from_folders

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
MOST_FILES = 200_000


class File(NamedTuple):
    """A file below the root: its path from there, when it was last changed (ns), and its size in bytes."""

    name: str
    changed: int
    size: int


def folder_set(path: str) -> PictureSet:
    """The pictures in a folder and all below it, in the order of their paths.

    The digest is that of all paths and contents; the contents of files that did not change are not read again. Raises
    ConvscopeError for a folder that is missing, unreadable, too large, or holds no pictures.
    """
    root = _folder(path)
    files, others = _walk(root)
    if not files:
        raise ConvscopeError("dataset_errors.folder_empty", path=path, others=len(others))
    return _unchanged(path, root, files, others)


@lru_cache(maxsize=2)
def _unchanged(path: str, root: Path, files: tuple[File, ...], others: tuple[str, ...]) -> PictureSet:
    """The set of these files: the very one of before while nothing changed, since a page asks for it a dozen times."""
    names = tuple(file.name for file in files)
    with ThreadPoolExecutor(4) as pool:
        contents = tuple(pool.map(partial(_file_digest, root), files))
    return PictureSet(
        name=f"folder:{path}",
        digest=digest_of(part for pair in zip(names, contents, strict=True) for part in pair),
        titles=names,
        label_of=labels_from_folders(name.rpartition("/")[0] for name in names),
        load=lambda index, enough: _read(root / names[index], enough),
        members=contents,
        passed_over=tuple(Skipped(name, ConvscopeError("dataset_errors.not_a_picture")) for name in others),
    )


def _folder(path: str) -> Path:
    try:
        root = Path(path).expanduser().resolve()
        if not root.exists():
            raise ConvscopeError("dataset_errors.folder_missing", path=path)
        if not root.is_dir():
            raise ConvscopeError("dataset_errors.folder_is_file", path=path)
        os.listdir(root)
    except (OSError, ValueError, RuntimeError) as error:  # ValueError: a null byte; RuntimeError: a ring of links
        raise ConvscopeError("dataset_errors.folder_unreadable", path=path) from error
    return root


def _walk(root: Path) -> tuple[tuple[File, ...], tuple[str, ...]]:
    """The pictures and the paths of the other files below the root, by their suffixes; hidden ones are not counted."""
    pictures: list[File] = []
    others: list[str] = []
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        inside = folder.removeprefix(str(root)).strip("/")
        for file in files:
            if file.startswith("."):
                continue
            name = f"{inside}/{file}" if inside else file
            if os.path.splitext(file)[1].lower() in SUFFIXES:
                pictures.append(File(name, *_stamp(f"{folder}/{file}")))
            else:
                others.append(name)
        if len(pictures) + len(others) > MOST_FILES:
            raise ConvscopeError("dataset_errors.folder_too_many", path=root, limit=MOST_FILES)
    return tuple(sorted(pictures)), tuple(sorted(others))


def _stamp(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return 0, -1
    return status.st_mtime_ns, status.st_size


def _file_digest(root: Path, file: File) -> str:
    try:
        return _content_digest(str(root / file.name), file.changed, file.size)
    except OSError:
        return "unreadable"


@lru_cache(maxsize=MOST_FILES)
def _content_digest(path: str, _changed: int, _size: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:32]


def _read(path: Path, enough: int) -> Picture:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise ConvscopeError("image_errors.too_many_bytes", size=size // 2**20, limit=MOST_BYTES // 2**20)
        return load_image(path.read_bytes(), enough)
    except OSError as error:
        raise ConvscopeError("image_errors.unreadable", path=path.name) from error
