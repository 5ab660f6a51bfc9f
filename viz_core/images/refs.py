"""References to pictures: a sample by name, an upload by digest, or the path of a file."""

import difflib
import stat
import threading
from collections import OrderedDict
from collections.abc import Hashable
from pathlib import Path

from viz_core.errors import ConvscopeError
from viz_core.images import samples
from viz_core.images.intake import MOST_BYTES, Picture, load_image

SAMPLE = "sample:"
FIRST_PICTURE = SAMPLE + samples.names()[0]  # what a stranger sees first
UPLOAD = "upload:"


class PictureStore:
    """Pictures by key, bounded in bytes: the least recently used leave first. Safe from any thread."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._pictures: OrderedDict[Hashable, Picture] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, key: Hashable, picture: Picture) -> None:
        """Keep a picture as the most recently used; the newest stays even if it alone exceeds the bound."""
        with self._lock:
            before = self._pictures.pop(key, None)
            self._bytes += picture.pixels.nbytes - (before.pixels.nbytes if before else 0)
            self._pictures[key] = picture
            while self._bytes > self._most_bytes and len(self._pictures) > 1:
                self._bytes -= self._pictures.popitem(last=False)[1].pixels.nbytes

    def find(self, key: Hashable) -> Picture | None:
        """The picture under the key, now the most recently used, or None."""
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
            return self._pictures.get(key)

    @property
    def nbytes(self) -> int:
        """Bytes of all kept pixels."""
        return self._bytes


_uploads = PictureStore(256 * 2**20)
_files = PictureStore(128 * 2**20)


def keep_upload(picture: Picture) -> str:
    """Keep an uploaded picture for a while and return its reference, `upload:<digest>`."""
    _uploads.keep(picture.digest, picture)
    return UPLOAD + picture.digest


def open_image(ref: str) -> Picture:
    """The picture behind `sample:<name>`, `upload:<digest>` or a file's path.

    Raises ConvscopeError for an unknown sample, an upload no longer kept, and a file that is missing, unreadable or no
    picture.
    """
    if ref.startswith(SAMPLE):
        return samples.sample(ref.removeprefix(SAMPLE))
    if ref.startswith(UPLOAD):
        picture = _uploads.find(ref.removeprefix(UPLOAD))
        if picture is None:
            raise ConvscopeError("image_errors.forgotten")
        return picture
    return _open_file(ref)


def _open_file(path: str) -> Picture:
    try:
        status = Path(path).stat()
        _check_file(path, status.st_mode, status.st_size)
        key = (str(Path(path).resolve()), status.st_mtime_ns, status.st_size)
        picture = _files.find(key)
        if picture is None:
            picture = load_image(Path(path).read_bytes())
            _files.keep(key, picture)
        return picture
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a null byte in the path
        raise _no_file(path) from error
    except OSError as error:
        raise ConvscopeError("image_errors.unreadable", path=path) from error


def _check_file(path: str, mode: int, size: int) -> None:
    if stat.S_ISDIR(mode):
        raise ConvscopeError("image_errors.directory", path=path)
    if not stat.S_ISREG(mode):  # a pipe or a device may never end
        raise ConvscopeError("image_errors.not_regular", path=path)
    if size > MOST_BYTES:
        raise ConvscopeError("image_errors.too_many_bytes", size=size // 2**20, limit=MOST_BYTES // 2**20)


def _no_file(path: str) -> ConvscopeError:
    folder, name = Path(path).parent, Path(path).name
    known = {sample: SAMPLE + sample for sample in samples.names()} | _neighbours(folder)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.75)
    if close:
        return ConvscopeError("image_errors.no_file_close", path=path, names=", ".join(known[one] for one in close))
    return ConvscopeError("image_errors.no_file", path=path)


def _neighbours(folder: Path) -> dict[str, str]:
    try:
        return {entry.name: str(entry) for entry in folder.iterdir()}
    except (OSError, ValueError):
        return {}
