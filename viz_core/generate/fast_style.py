"""Fast style transfer: a network that has learnt a style paints a picture in one pass."""

import time
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from viz_core.errors import ConvscopeError
from viz_core.generate.style_files import TrainedStyle, open_style
from viz_core.images.refs import open_image
from viz_core.images.tensor import to_input, to_pixels
from viz_core.models.device import default_device
from viz_core.recipe import Recipe
from viz_core.technique import Run, Section, Technique


class FastStyle(Technique):
    """Paint a picture in a learnt style in one pass; styles that share a network can be mixed.

    Johnson, Alahi & Fei-Fei 2016; Dumoulin, Shlens & Kudlur 2017.
    """

    slug: ClassVar[str] = "fast-style"
    section: ClassVar[Section] = "generate"
    order: ClassVar[int] = 70
    icon: ClassVar[str] = "bolt"

    style: str = Field("style:drawings", description="trained style: style:<name>, or a .safetensors file")
    mix: tuple[float, ...] = Field((), description="how much of each of its styles, with commas; empty: the first")
    size: int | None = Field(384, ge=64, le=1024, description="short side of the painting, pixels")

    def input(self) -> Tensor:
        """The picture at the size of the painting, (1, 3, H, W) in [0, 1]."""
        assert self.size is not None
        return to_input(open_image(self.image), self.size).to(default_device())

    def recipe(self) -> Recipe:
        """The recipe, whose weights are those of the trained style; the network that is looked into has no part in it."""
        return Recipe(
            technique=self.slug,
            parameters=self.model_dump(mode="json"),
            weights=open_style(self.style).digest,
            picture=open_image(self.image).digest,
        )

    def shares(self, trained: TrainedStyle) -> Tensor:
        """How much of each style, (1, styles), summing to 1; raises ConvscopeError where they do not fit the network."""
        styles = trained.network.styles
        if not self.mix:
            return torch.eye(styles)[:1]
        if len(self.mix) != styles or min(self.mix) < 0 or sum(self.mix) <= 0:
            raise ConvscopeError("style_errors.mix", styles=styles, names=", ".join(trained.card.names))
        return torch.tensor([self.mix]) / sum(self.mix)

    @torch.inference_mode()
    def run(self) -> Run:
        """One pass."""
        trained, x = open_style(self.style), self.input()
        shares = self.shares(trained)
        network = trained.network.to(x.device)
        started = time.perf_counter()
        painting = network(x, shares.to(x.device))
        seconds = time.perf_counter() - started
        return self.result(
            arrays={"image": painting.cpu().numpy()},
            pictures={"painting": to_pixels(painting), "content": to_pixels(x)},
            scores={"styles": ", ".join(trained.card.names), "seconds": round(seconds, 3)},
        )
        yield  # nothing to watch: the result is there at once
