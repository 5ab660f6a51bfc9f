"""A small picture of what each technique makes: `python -m viz_core.thumbnails [slug ...]` makes them anew."""

import sys
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from viz_core.registry import techniques
from viz_core.technique import Technique, finish

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "thumbnails"
WIDTH, HEIGHT = 320, 200
QUALITY = 80
# The most telling picture of a technique, where that is not its first; None: the browser draws it, take a screenshot.
PICTURES: dict[str, str | None] = {
    "autograd": None,
    "audit": None,
    "patches": "wall",
    "neighbours": "features",
    "backprop": "guided",
    "fooling": "difference",
    "inversion": "stage4.relu1",
    "relu": "grids",
    "trust": "depth_0",
}
STRIP = 4  # times as wide as high: two halves one above the other


@cache
def thumbnail(slug: str) -> bytes | None:
    """The picture of a technique as WebP, 320 x 200; None where there is none yet."""
    file = FOLDER / f"{slug}.webp"
    return file.read_bytes() if file.exists() else None


def shrink(pixels: np.ndarray) -> bytes:
    """The middle of a picture (H, W, 3) uint8 as a thumbnail."""
    height, width = pixels.shape[:2]
    if width >= STRIP * height:
        pixels = np.concatenate([pixels[:, : width // 2], pixels[:, width - width // 2 :]])
        height, width = pixels.shape[:2]
    scale = max(WIDTH / width, HEIGHT / height)
    size = (max(WIDTH, round(width * scale)), max(HEIGHT, round(height * scale)))
    whole = Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)
    left, top = (size[0] - WIDTH) // 2, (size[1] - HEIGHT) // 2
    file = BytesIO()
    whole.crop((left, top, left + WIDTH, top + HEIGHT)).save(file, "WEBP", quality=QUALITY, method=6)
    return file.getvalue()


def make(kind: type[Technique]) -> bytes | None:
    """Run a technique as it is by default and shrink what it shows; None where that is no picture of its result."""
    pictures = finish(kind.model_validate({}).run()).pictures
    name = PICTURES.get(kind.slug, next(iter(pictures), None))
    return None if name is None else shrink(pictures[name])


def main() -> None:
    """Make the thumbnails of the techniques named, or of all."""
    FOLDER.mkdir(exist_ok=True)
    for slug in sys.argv[1:] or techniques():
        made = make(techniques()[slug])
        if made is not None:
            (FOLDER / f"{slug}.webp").write_bytes(made)


if __name__ == "__main__":
    main()
