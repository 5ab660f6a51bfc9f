"""Results as files: `result.json`, one PNG for each picture, `arrays.npz`, and a GIF of the run."""

import csv
import io
import json
import os
import platform
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision

from viz_core import __version__
from viz_core.errors import ConvscopeError
from viz_core.images.render import encode_gif, read_recipe, resize
from viz_core.images.video import encode_mp4
from viz_core.recipe import Recipe, parse
from viz_core.technique import Result

FRAME_MS = 80
FILM_SIDE = 384  # of an enlarged film, about, pixels


def versions() -> dict[str, str]:
    """The versions that a result depends on."""
    return {
        "convscope": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "numpy": np.__version__,
    }


def pictures_png(result: Result) -> dict[str, bytes]:
    """Every picture as PNG bytes that carry the recipe."""
    return {name: result.png(name) for name in result.pictures}


def arrays_npz(result: Result) -> bytes:
    """All arrays as the bytes of one compressed `.npz`."""
    return npz(result.arrays)


def npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Named arrays as the bytes of one compressed `.npz`."""
    buffer = io.BytesIO()
    named: dict[str, Any] = dict(arrays)
    np.savez_compressed(buffer, **named)
    return buffer.getvalue()


def csv_table(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows of the same columns as a table that opens in a spreadsheet."""
    file = io.StringIO()
    table = csv.DictWriter(file, list(rows[0]))
    table.writeheader()
    table.writerows(rows)
    return file.getvalue().encode("utf-8-sig")


def facts_json(**facts: Any) -> str:
    """Facts and the versions they depend on, as indented JSON."""
    return json.dumps({**facts, "versions": versions()}, indent=2, ensure_ascii=False)


def film_mp4(frames: Sequence[np.ndarray]) -> bytes:
    """The frames of a run as MP4, each brought to the size of the last one; small ones are enlarged to be seen."""
    height, width = frames[-1].shape[:2]
    times = max(1, round(FILM_SIDE / min(height, width)))
    size = (times * height, times * width)
    return encode_mp4([frame if frame.shape[:2] == size else resize(frame, size) for frame in frames], 1000 / FRAME_MS)


def summary_json(result: Result, seconds: float | None = None) -> str:
    """Scores, tables, recipe, versions and weights digest as indented JSON."""
    summary: dict[str, Any] = {
        "technique": result.recipe.technique,
        "scores": dict(result.scores),
        "tables": {name: [dict(row) for row in rows] for name, rows in result.tables.items()},
        "recipe": result.recipe.model_dump(),
        "versions": versions(),
        "weights": result.recipe.weights,
        "pictures": sorted(result.pictures),
        "arrays": {name: list(array.shape) for name, array in result.arrays.items()},
    }
    if seconds is not None:
        summary["seconds"] = round(seconds, 3)
    return json.dumps(summary, indent=2, ensure_ascii=False)


def save(result: Result, folder: Path, seconds: float) -> list[Path]:
    """Write the result into a folder, each file whole or not at all; raises ConvscopeError where that cannot be done."""
    files = {f"{name}.png": png for name, png in pictures_png(result).items()}
    files |= result.files
    files["arrays.npz"] = arrays_npz(result)
    if result.frames:
        files["run.gif"] = encode_gif(result.frames, FRAME_MS)
    files["result.json"] = summary_json(result, seconds).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(folder / name, content) for name, content in files.items()]
    except OSError as error:
        raise ConvscopeError("recipe_errors.cannot_write", path=folder, reason=error.strerror or error) from error


def _write(path: Path, content: bytes) -> Path:
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
        part.write(content)
    try:
        os.chmod(part.name, 0o644)
        os.replace(part.name, path)
    except OSError:
        os.unlink(part.name)
        raise
    return path


def recipe_of(content: bytes) -> Recipe:
    """The recipe in an exported PNG, a `result.json` or a bare recipe; raises ConvscopeError where there is none."""
    if content.startswith(b"\x89PNG"):
        found = read_recipe(content)
        if found is None:
            raise ConvscopeError("recipe_errors.not_a_recipe")
        return parse(found)
    try:
        told = json.loads(content)
    except ValueError as error:
        raise ConvscopeError("recipe_errors.not_a_recipe") from error
    if not isinstance(told, dict):
        raise ConvscopeError("recipe_errors.not_a_recipe")
    return parse(json.dumps(told.get("recipe", told)))
