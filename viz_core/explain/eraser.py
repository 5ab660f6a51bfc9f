"""The live eraser: what the network says with a patch at one place, quickly enough to follow a pointer."""

from functools import lru_cache

import torch

from viz_core.explain.occlusion import Occlusion, fillings
from viz_core.images.render import encode_jpeg
from viz_core.images.tensor import to_pixels
from viz_core.models.incremental import PatchedForward

QUALITY = 92  # of the pictures, JPEG
REMEMBERED = 4  # clean pictures with all their maps


class Eraser:
    """One picture, one network and one filling; asking for a place costs a forward pass of what the patch can reach.

    clean: class probabilities (classes,) without a patch; clean_jpeg: the picture.
    """

    def __init__(self, technique: Occlusion) -> None:
        self.network = technique.network()
        self.picture = technique.input()
        self.patch = technique.patch
        self.clean_jpeg = encode_jpeg(to_pixels(self.picture), QUALITY)
        self._filled = fillings(self.picture, technique.fill)
        self._same_everywhere = None if technique.fill == "inpaint" else self._jpeg([0], [0])
        self._forward = PatchedForward(self.network, self.picture)
        with torch.inference_mode():
            self.clean = self.network.probabilities(self.picture)[0]

    def probabilities(self, top: int, left: int) -> torch.Tensor:
        """Class probabilities (classes,) with the patch's upper left corner at this pixel of the picture."""
        place = self._place(top, left)
        return self._forward(self._filled(*place, self.patch), *place, self.patch)[0].softmax(dim=0)

    def hidden_jpeg(self, top: int, left: int) -> bytes:
        """The picture whose pixels show where the patch lies, if it lies at this place."""
        return self._same_everywhere or self._jpeg(*self._place(top, left))

    def _jpeg(self, tops: list[int], lefts: list[int]) -> bytes:
        return encode_jpeg(to_pixels(self._filled(tops, lefts, self.patch)), QUALITY)

    def _place(self, top: int, left: int) -> tuple[list[int], list[int]]:
        height, width = self.picture.shape[-2:]
        return [min(max(0, top), height - 1)], [min(max(0, left), width - 1)]


@lru_cache(maxsize=REMEMBERED)
def eraser(technique: Occlusion) -> Eraser:
    """The eraser of a technique, with what it remembers of the clean picture; kept for the next movement of the pointer."""
    return Eraser(technique)


def strongest(probabilities: torch.Tensor, always: list[int], count: int) -> list[int]:
    """The classes to show: those that stay on show, then the likeliest others."""
    likeliest = probabilities.topk(min(count + len(always), len(probabilities))).indices.tolist()
    others = [index for index in likeliest if index not in always]
    return always + others[: max(0, count - len(always))]
