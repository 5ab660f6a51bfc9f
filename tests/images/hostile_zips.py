"""Zip archives nobody should have to open: what each is, its bytes, and the sentence it gets."""

import io
import os
import stat
import zipfile
from collections.abc import Callable
from functools import cache

from tests.images.hostile import Upload, photo, saved


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """The bytes of a zip with these entries."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


def _link() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        link = zipfile.ZipInfo("passwords.png")
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return file.getvalue()


def _patched(data: bytes, change: Callable[[bytearray, int], None]) -> bytes:
    """The archive with its first directory entry changed."""
    changed = bytearray(data)
    change(changed, data.index(b"PK\x01\x02"))
    return bytes(changed)


def _encrypted(directory: bytearray, at: int) -> None:
    directory[at + 8] |= 1


def _ten_thousand_declared(directory: bytearray, _at: int) -> None:
    end = directory.rindex(b"PK\x05\x06")
    directory[end + 8 : end + 12] = (10_000).to_bytes(2, "little") * 2


@cache
def zips() -> tuple[Upload, ...]:
    """Every hostile archive, made afresh once per process."""
    picture = saved(photo(), "PNG")
    good = zipped({"a.png": picture})
    bomb = zipped({"bomb.png": bytes(300 * 2**20)}, zipfile.ZIP_DEFLATED)
    many_bombs = zipped({f"{n}.bmp": os.urandom(2**18) + bytes(2**24) for n in range(66)}, zipfile.ZIP_DEFLATED)
    return (
        Upload("empty", b"", "dataset_errors.zip_not"),
        Upload("picture", picture, "dataset_errors.zip_not"),
        Upload("cut", good[: len(good) // 2], "dataset_errors.zip_broken"),
        Upload("broken directory", good.replace(b"PK\x01\x02", b"PK\x09\x09"), "dataset_errors.zip_broken"),
        Upload("path escape", zipped({"../../etc/cron.d/x.png": picture}), "dataset_errors.zip_path"),
        Upload("absolute path", zipped({"/etc/x.png": picture}), "dataset_errors.zip_path"),
        Upload("windows path", zipped({"C:\\Windows\\x.png": picture}), "dataset_errors.zip_path"),
        Upload("backslash escape", zipped({"..\\x.png": picture}), "dataset_errors.zip_path"),
        Upload("link", _link(), "dataset_errors.zip_link"),
        Upload("encrypted", _patched(good, _encrypted), "dataset_errors.zip_encrypted"),
        Upload("bomb", bomb, "dataset_errors.zip_bomb"),
        Upload("many bombs", many_bombs, "dataset_errors.zip_too_large"),
        Upload("nested", zipped({"inner.zip": bomb}), "dataset_errors.zip_nested"),
        Upload("10,000 tiny files", zipped({f"{n}.png": b"" for n in range(10_000)}), "dataset_errors.zip_too_many"),
        Upload("10,000 declared", _patched(good, _ten_thousand_declared), "dataset_errors.zip_too_many"),
        Upload("no pictures", zipped({"readme.txt": b"hello", "a.html": b"<html>"}), "dataset_errors.zip_empty"),
        Upload("nothing", zipped({}), "dataset_errors.zip_empty"),
    )
