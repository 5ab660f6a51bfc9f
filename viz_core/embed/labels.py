"""Whether the network's first choice for a picture is what its label says, where labels are names of classes."""

import re
from collections.abc import Sequence

import numpy as np


def _names(text: str) -> set[str]:
    """The synonyms in a class name or label, in small letters: "tabby, tabby cat" and "tabby_cat" share one."""
    return {re.sub(r"[\W_]+", " ", part).strip().lower() for part in text.split(",")} - {""}


def correct(labels: Sequence[str], classes: np.ndarray, class_names: Sequence[str]) -> np.ndarray | None:
    """For each picture whether its class (N,) goes by its label: (N,) bool; None where no label is a class's name."""
    known = {name: index for index, names in enumerate(class_names) for name in _names(names)}
    meant = {label: {known[name] for name in _names(label) if name in known} for label in set(labels)}
    if not any(meant.values()):
        return None
    return np.array([int(first) in meant[label] for label, first in zip(labels, classes, strict=True)])
