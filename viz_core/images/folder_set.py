"""A folder on the server as a set of pictures; the name of the sub-folder a picture lies in is its label."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from viz_core.errors import ConvscopeError
from viz_core.images.intake import MOST_BYTES, Picture, load_image
from viz_core.images.picture_set import PictureSet, Skipped, digest_of, labels_from_folders

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
MOST_FILES = 200_000


def folder_set(path: str) -> PictureSet:
    """The pictures in a folder and all below it, in the order of their paths.

    The digest is that of all paths and contents; the contents of files that did not change are not read again. Raises
    ConvscopeError for a folder that is missing, unreadable, too large, or holds no pictures.
    """
    root = _folder(path)
    names, others = _walk(root)
    if not names:
        raise ConvscopeError("dataset_errors.folder_empty", path=path, others=len(others))
    with ThreadPoolExecutor(4) as pool:
        contents = list(pool.map(lambda name: _file_digest(root, name), names))
    return PictureSet(
        name=f"folder:{path}",
        digest=digest_of(part for pair in zip(names, contents, strict=True) for part in pair),
        titles=tuple(names),
        label_of=labels_from_folders(name.rpartition("/")[0] for name in names),
        load=lambda index, enough: _read(root / names[index], enough),
        members=tuple(contents),
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


def _walk(root: Path) -> tuple[list[str], list[str]]:
    """Paths of the pictures and of the other files below the root, by their suffixes; hidden ones are not counted."""
    pictures: list[str] = []
    others: list[str] = []
    for name in _files(root):
        (pictures if Path(name).suffix.lower() in SUFFIXES else others).append(name)
        if len(pictures) + len(others) > MOST_FILES:
            raise ConvscopeError("dataset_errors.folder_too_many", path=root, limit=MOST_FILES)
    return sorted(pictures), sorted(others)


def _files(root: Path) -> Iterator[str]:
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in files:
            if not name.startswith("."):
                yield (Path(folder) / name).relative_to(root).as_posix()


def _file_digest(root: Path, name: str) -> str:
    try:
        status = (root / name).stat()
        return _content_digest(str(root / name), status.st_mtime_ns, status.st_size)
    except OSError:
        return "unreadable"


@lru_cache(maxsize=MOST_FILES)
def _content_digest(path: str, _mtime_ns: int, _size: int) -> str:
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
