"""An uploaded zip as a set of pictures: checked before it is read, read within limits, and never unpacked to files."""

import hashlib
import stat
import struct
import tempfile
import threading
import zipfile
from collections import OrderedDict
from pathlib import PurePosixPath

from viz_core.errors import ConvscopeError
from viz_core.images.intake import MOST_BYTES, Picture, check_image, load_image
from viz_core.images.picture_set import PictureSet, Skipped, labels_from_folders

ZIP = "zip:"
MOST_ZIP_BYTES = 200 * 2**20
MOST_ENTRIES = 5_000
MOST_UNPACKED_BYTES = 2**30
HIGHEST_RATIO = 100  # pictures are compressed already, so that they hardly shrink
RATIO_FROM_BYTES = 2**20
MOST_KEPT_BYTES = 2**30
ARCHIVES = frozenset({".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".jar"})

_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x07"

_kept: OrderedDict[str, tuple[int, PictureSet]] = OrderedDict()
_lock = threading.Lock()


def keep_zip(data: bytes, name: str = "zip") -> str:
    """Check an uploaded zip, keep it for a while in a private file without a name, and return `zip:<digest>`.

    Raises ConvscopeError for what is no zip, is damaged, encrypted, too large or too many, unpacks to far more than it
    is, names places outside itself, holds links, or holds no pictures.
    """
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    with _lock:
        known = digest in _kept
    if not known:
        opened = _open(data, name, digest)
        with _lock:
            _kept[digest] = (len(data), opened)
            while sum(size for size, _ in _kept.values()) > MOST_KEPT_BYTES:
                _kept.popitem(last=False)  # its file goes when the last reader lets go of the set
    return ZIP + digest


def zip_set(digest: str) -> PictureSet:
    """The kept zip of this digest; raises ConvscopeError if it is no longer kept."""
    with _lock:
        if digest not in _kept:
            raise ConvscopeError("dataset_errors.zip_forgotten")
        _kept.move_to_end(digest)
        return _kept[digest][1]


def _open(data: bytes, name: str, digest: str) -> PictureSet:
    if len(data) > MOST_ZIP_BYTES:
        raise _too_large()
    _check_directory(data)
    file = tempfile.TemporaryFile()  # noqa: SIM115  closed with the last set that reads it
    file.write(data)
    try:
        archive = zipfile.ZipFile(file)
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except Exception as error:  # a damaged directory can make zipfile raise anything
        raise ConvscopeError("dataset_errors.zip_broken") from error
    _check_entries(entries)
    return _as_set(archive, entries, name, digest)


def _too_large() -> ConvscopeError:
    limits = {"limit": MOST_ZIP_BYTES // 2**20, "unpacked": MOST_UNPACKED_BYTES // 2**20}
    return ConvscopeError("dataset_errors.zip_too_large", **limits)


def _too_many() -> ConvscopeError:
    return ConvscopeError("dataset_errors.zip_too_many", limit=MOST_ENTRIES)


def _check_directory(data: bytes) -> None:
    """Bound the directory before zipfile makes an object of every entry in it."""
    tail = data[-(22 + 65_535) :]
    end = tail.rfind(_END)
    if not data or end < 0 or len(tail) - end < 22:
        raise ConvscopeError("dataset_errors.zip_not" if not data.startswith(b"PK") else "dataset_errors.zip_broken")
    count, size = struct.unpack_from("<HI", tail, end + 10)
    if count > MOST_ENTRIES or size > MOST_ENTRIES * 1024 or _END_64 in tail[max(0, end - 20) : end]:
        raise _too_many()


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_ENTRIES:
        raise _too_many()
    for entry in entries:
        if _escapes(entry.orig_filename) or _escapes(entry.filename):
            raise ConvscopeError("dataset_errors.zip_path", name=_printable(entry.filename))
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise ConvscopeError("dataset_errors.zip_link", name=_printable(entry.filename))
        if entry.flag_bits & 1:
            raise ConvscopeError("dataset_errors.zip_encrypted")
        if entry.file_size > max(RATIO_FROM_BYTES, HIGHEST_RATIO * entry.compress_size):
            raise ConvscopeError("dataset_errors.zip_bomb", name=_printable(entry.filename))
    if sum(entry.file_size for entry in entries) > MOST_UNPACKED_BYTES:
        raise _too_large()


def _escapes(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or "\0" in name or path.parts[0][1:2] == ":"


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:80]


def _as_set(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], name: str, digest: str) -> PictureSet:
    pictures: list[tuple[str, zipfile.ZipInfo]] = []
    members: list[str] = []
    skipped: list[Skipped] = []
    for title, entry in sorted(((_name(entry), entry) for entry in entries), key=lambda pair: pair[0]):
        if any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(title).parts):
            continue  # what operating systems leave behind
        try:
            content = _read(archive, entry)
            check_image(content)
            members.append(hashlib.blake2b(content).hexdigest()[:32])
            pictures.append((title, entry))
        except ConvscopeError as reason:
            skipped.append(Skipped(title, reason))
    if not pictures:
        nested = any(PurePosixPath(one.title).suffix.lower() in ARCHIVES for one in skipped)
        raise ConvscopeError(f"dataset_errors.zip_{'nested' if nested else 'empty'}", others=len(skipped))
    return PictureSet(
        name=name,
        digest=digest,
        titles=tuple(title for title, _ in pictures),
        label_of=labels_from_folders(title.rpartition("/")[0] for title, _ in pictures),
        load=lambda index, enough: _picture(archive, pictures[index][1], enough),
        passed_over=tuple(skipped),
        members=tuple(members),
    )


def _name(entry: zipfile.ZipInfo) -> str:
    """The entry's name; Korean Windows writes its own code page without saying so, and zipfile reads that as cp437."""
    if entry.flag_bits & 0x800:
        return entry.filename
    for encoding in ("utf-8", "cp949"):
        try:
            return entry.filename.encode("cp437").decode(encoding)
        except UnicodeError:
            continue
    return entry.filename


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The contents of an entry, as far as a picture may be long; never more than the entry declares."""
    try:
        with archive.open(entry) as file:
            return file.read(MOST_BYTES + 1)
    except (
        Exception
    ) as error:  # wrong check sum, unknown method, damaged stream: zipfile and its decoders raise anything
        raise ConvscopeError("dataset_errors.entry_broken") from error


def _picture(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, enough: int) -> Picture:
    return load_image(_read(archive, entry), enough)
