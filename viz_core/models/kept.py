"""Networks that people brought along: kept in a bounded folder, and the only files of the server a link may name."""

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from viz_core.cache_folder import cache_folder
from viz_core.errors import ConvscopeError
from viz_core.models.own import DESCRIPTION, SUFFIXES, is_own

MOST_NETWORKS = 8
OFFERED = "CONVSCOPE_NETWORKS"


def kept_folder() -> Path:
    """Where brought networks lie, a folder each."""
    return cache_folder() / "networks"


def keep_network(file_name: str, weights: bytes, architecture: str | None, class_names: str) -> str:
    """Put a network's files down; the name under which `load` finds it. The one used longest ago leaves when there are many.

    class_names: one a line, may be empty. Raises ConvscopeError for another kind of file, or a full disk.
    """
    suffix = Path(file_name).suffix.lower()
    if suffix not in SUFFIXES:
        raise ConvscopeError("model_errors.other_file", name=file_name, known=", ".join(SUFFIXES))
    description: dict[str, object] = {"weights": f"weights{suffix}"}
    if suffix != ".pt2":
        description["architecture"] = architecture
    names = [line.strip() for line in class_names.splitlines() if line.strip()]
    if names:
        description["classes"] = names
    told = json.dumps(description, ensure_ascii=False)
    folder = kept_folder() / hashlib.blake2b(weights + told.encode(), digest_size=8).hexdigest()
    try:
        if not folder.is_dir():
            _write(folder, {description["weights"]: weights, DESCRIPTION: told.encode()})
        os.utime(folder)
        _forget_oldest()
    except OSError as error:
        raise ConvscopeError("model_errors.not_kept", reason=error.strerror or error) from error
    return str(folder)


def _write(folder: Path, files: dict[object, bytes]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as part:
        for name, content in files.items():
            Path(part, str(name)).write_bytes(content)
        shutil.copytree(part, folder)


def _forget_oldest() -> None:
    folders = sorted((path for path in kept_folder().iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for folder in folders[:-MOST_NETWORKS]:
        shutil.rmtree(folder, ignore_errors=True)


def forget(name: str) -> None:
    """Take away a kept network that turned out not to work."""
    if Path(name).parent == kept_folder():
        shutil.rmtree(name, ignore_errors=True)


def may_be_named(name: str) -> bool:
    """Whether a visitor's link may name this network: not another file of the server.

    Own networks must lie among the kept ones or in the folders that whoever runs the server offers (CONVSCOPE_NETWORKS).
    """
    if not is_own(name):
        return True
    path = Path(name.partition("?")[0]).resolve()
    offered = [kept_folder(), *map(Path, filter(None, os.environ.get(OFFERED, "").split(os.pathsep)))]
    return any(path.is_relative_to(folder.resolve()) for folder in offered)
