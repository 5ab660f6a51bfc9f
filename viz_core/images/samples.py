"""Sample pictures: those that scikit-image and scikit-learn carry in their packages, and drawings made by code."""

import difflib
import importlib.util
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

from viz_core.errors import ConvscopeError
from viz_core.images.drawings import DRAWINGS
from viz_core.images.intake import Picture, load_image
from viz_core.images.render import encode_jpeg, fit
from viz_core.texts import text

Kind = Literal["photo", "texture", "figure", "drawing"]

_SKIMAGE = ("skimage", "data")
_SKLEARN = ("sklearn", "datasets/images")

# The order of the picker. The first is what a stranger sees first: of all these the bundled network knows it best.
_FILES: dict[str, tuple[Kind, tuple[str, str], str]] = {
    "coffee": ("photo", _SKIMAGE, "coffee.png"),
    "chelsea": ("photo", _SKIMAGE, "chelsea.png"),
    "astronaut": ("photo", _SKIMAGE, "astronaut.png"),
    "rocket": ("photo", _SKIMAGE, "rocket.jpg"),
    "china": ("photo", _SKLEARN, "china.jpg"),
    "flower": ("photo", _SKLEARN, "flower.jpg"),
    "motorcycle": ("photo", _SKIMAGE, "motorcycle_left.png"),
    "hubble": ("photo", _SKIMAGE, "hubble_deep_field.jpg"),
    "camera": ("photo", _SKIMAGE, "camera.png"),
    "coins": ("photo", _SKIMAGE, "coins.png"),
    "moon": ("photo", _SKIMAGE, "moon.png"),
    "retina": ("photo", _SKIMAGE, "retina.jpg"),
    "brick": ("texture", _SKIMAGE, "brick.png"),
    "grass": ("texture", _SKIMAGE, "grass.png"),
    "gravel": ("texture", _SKIMAGE, "gravel.png"),
    "tissue": ("texture", _SKIMAGE, "ihc.png"),
    "text": ("texture", _SKIMAGE, "text.png"),
    "page": ("texture", _SKIMAGE, "page.png"),
    "wheel": ("figure", _SKIMAGE, "color.png"),
    "horse": ("figure", _SKIMAGE, "horse.png"),
    "checkerboard": ("figure", _SKIMAGE, "chessboard_GRAY.png"),
    "phantom": ("figure", _SKIMAGE, "phantom.png"),
}


def names(kind: Kind | None = None) -> tuple[str, ...]:
    """Names of the sample pictures, of one kind or all, in the order to show them."""
    kinds = {name: its_kind for name, (its_kind, _, _) in _FILES.items()} | dict.fromkeys(DRAWINGS, "drawing")
    return tuple(name for name, its_kind in kinds.items() if kind in (None, its_kind))


def title(name: str, lang: str = "en") -> str:
    """What a sample picture shows, in one or two words."""
    return text(f"samples.{name}", lang)


@lru_cache(maxsize=32)
def sample(name: str) -> Picture:
    """The sample picture of this name; raises ConvscopeError naming close matches."""
    if name in DRAWINGS:
        return Picture(DRAWINGS[name]())
    if name not in _FILES:
        close = difflib.get_close_matches(name.lower(), names(), n=3, cutoff=0.5)
        key = "image_errors.no_sample_close" if close else "image_errors.no_sample"
        raise ConvscopeError(key, name=name, names=", ".join(close or names()))
    _, (package, folder), file = _FILES[name]
    return load_image((package_folder(package) / folder / file).read_bytes())


@cache
def thumbnail(name: str, side: int = 160) -> bytes:
    """A small JPEG of a sample picture, long side `side` pixels."""
    return encode_jpeg(fit(sample(name).pixels, side))


@cache
def package_folder(package: str) -> Path:
    """The folder of an installed package, found without importing it, which would take a second."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(package)
    return Path(spec.origin).parent
