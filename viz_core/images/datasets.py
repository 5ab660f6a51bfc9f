"""Sets of pictures by reference: built in, a folder on the server, an uploaded zip, or one of torchvision's."""

import re

from viz_core.errors import ConvscopeError
from viz_core.images.builtin_set import builtin, photographs
from viz_core.images.folder_set import folder_set
from viz_core.images.picture_set import PictureSet, Skipped, square
from viz_core.images.subset_set import SUBSET, keep_subset, picked, subset_set
from viz_core.images.torchvision_sets import SOURCES, download, is_here, torchvision_set
from viz_core.images.zip_set import ZIP, keep_zip, zip_set
from viz_core.texts import has_text, text

__all__ = [
    "PictureSet",
    "Skipped",
    "download",
    "is_here",
    "keep_subset",
    "keep_zip",
    "label_title",
    "names",
    "open_dataset",
    "picked",
    "picture_title",
    "square",
]

BUILTIN = "builtin"
PHOTOGRAPHS = "photographs"
FOLDER = "folder:"
TORCHVISION = "torchvision:"


def names() -> tuple[str, ...]:
    """References of all sets that have a name: the built-in ones and torchvision's."""
    return (BUILTIN, PHOTOGRAPHS, *(TORCHVISION + name for name in SOURCES))


def open_dataset(ref: str) -> PictureSet:
    """The set behind `builtin`, `photographs`, `folder:PATH`, `zip:<digest>`, `subset:<digest>` or `torchvision:<name>`.

    torchvision's are fetched first if they are not here; `download` does that with progress. Raises ConvscopeError for
    everything that is no usable set.
    """
    if ref == BUILTIN:
        return builtin()
    if ref == PHOTOGRAPHS:
        return photographs()
    if ref.startswith(FOLDER):
        return folder_set(ref.removeprefix(FOLDER))
    if ref.startswith(ZIP):
        return zip_set(ref.removeprefix(ZIP))
    if ref.startswith(SUBSET):
        return subset_set(ref.removeprefix(SUBSET), open_dataset)
    if ref.startswith(TORCHVISION):
        return torchvision_set(ref.removeprefix(TORCHVISION))
    raise ConvscopeError("dataset_errors.unknown_ref", ref=ref, known=", ".join(names()))


def label_title(label: str, lang: str = "en") -> str:
    """A label as people read it: those of the built-in set in their language, others as they are."""
    for key in (f"samples.{label}", f"datasets.labels.{label}"):
        if has_text(key, lang):
            return text(key, lang)
    return label


def picture_title(title: str, dataset: str, lang: str = "en") -> str:
    """The title of a member of a set as people read it: the words of built-in ones in their language, others as they are."""
    if dataset not in (BUILTIN, PHOTOGRAPHS):
        return title
    return re.sub(r"[a-z][a-z_]*", lambda word: _word(word.group(), lang), title)


def _word(word: str, lang: str) -> str:
    for key in (f"samples.{word}", f"datasets.words.{word}"):
        if has_text(key, lang):
            return text(key, lang)
    return word
