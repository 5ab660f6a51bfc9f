"""Fast style transfer: a network that has learnt a style paints a picture in one pass, or many pictures, or a film."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from viz_core.errors import ConvscopeError
from viz_core.generate.style_files import TrainedStyle, open_style
from viz_core.images.intake import Picture
from viz_core.images.refs import open_image
from viz_core.images.render import grid
from viz_core.images.tensor import to_input, to_pixels
from viz_core.images.video import clip_digest, encode_mp4, open_clip
from viz_core.models.device import default_device
from viz_core.recipe import Recipe
from viz_core.tape import Tape
from viz_core.technique import Result, Run, Section, Step, Technique

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
MOST_PICTURES = 100  # painted in one run
ABREAST = 4  # of a sheet


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
    others: tuple[str, ...] = Field(
        (), description="further pictures to paint, with commas: sample:<name>, paths or folders"
    )
    film: str | None = Field(None, description="a film to paint frame by frame: its path; empty: the picture")

    def input(self) -> Tensor:
        """The picture, or the first frame of the film, at the size of the painting, (1, 3, H, W) in [0, 1]."""
        assert self.size is not None
        first = open_image(self.image) if self.film is None else Picture(open_clip(self.film).frames[0])
        return to_input(first, self.size).to(default_device())

    def recipe(self) -> Recipe:
        """The recipe, whose weights are those of the trained style; the network that is looked into has no part in it."""
        film = "" if self.film is None else f" {clip_digest(open_clip(self.film))}"
        others = "".join(f" {open_image(file).digest}" for ref in self.others for file in files(ref))
        return Recipe(
            technique=self.slug,
            parameters=self.model_dump(mode="json"),
            weights=open_style(self.style).digest,
            picture=open_image(self.image).digest + film + others,
        )

    def shares(self, trained: TrainedStyle) -> Tensor:
        """How much of each style, (1, styles), summing to 1; raises ConvscopeError where they do not fit the network."""
        styles = trained.network.styles
        if not self.mix:
            return torch.eye(styles)[:1]
        if len(self.mix) != styles or min(self.mix) < 0 or sum(self.mix) <= 0:
            raise ConvscopeError("style_errors.mix", styles=styles, names=", ".join(trained.card.names))
        return torch.tensor([self.mix]) / sum(self.mix)

    @property
    def is_live(self) -> bool:
        """One pass is an instant; a film or many pictures are watched."""
        return self.film is not None or bool(self.others)

    def originals(self) -> Sequence[Picture]:
        """What is painted: the frames of the film, or the picture and the others."""
        if self.film is not None:
            return [Picture(frame) for frame in open_clip(self.film).frames]
        refs = [self.image, *(file for ref in self.others for file in files(ref))]
        if len(refs) > MOST_PICTURES:
            raise ConvscopeError("style_errors.many", pictures=len(refs), most=MOST_PICTURES)
        return [open_image(ref) for ref in refs]

    def run(self) -> Run:
        """One pass for each picture."""
        trained, tape = open_style(self.style), Tape()
        shares, originals = self.shares(trained), self.originals()
        network, device = trained.network.to(default_device()), default_device()
        painted: list[np.ndarray] = []
        image, seconds = torch.zeros(0), 0.0
        for original in originals:
            assert self.size is not None
            x, started = to_input(original, self.size).to(device), time.perf_counter()
            with torch.inference_mode():
                painting = network(x, shares.to(device)).cpu()
            seconds += time.perf_counter() - started
            image = painting if not painted else image
            painted.append(to_pixels(painting))
            if self.is_live:
                tape.add(painted[-1])
                if (yield Step(len(painted), len(originals), painted[-1])):
                    break
        return self.finished(trained, image, painted, seconds / len(painted), tape.frames)

    def finished(
        self,
        trained: TrainedStyle,
        image: Tensor,
        painted: Sequence[np.ndarray],
        seconds: float,
        frames: tuple[np.ndarray, ...],
    ) -> Result:
        """The painting beside the picture; of several each one and a sheet, of a film the film."""
        several = self.film is None and len(painted) > 1
        return self.result(
            arrays={"image": image.numpy()},
            pictures={
                "painting": painted[0],
                "content": to_pixels(self.input()),
                **({f"painting {number}": one for number, one in enumerate(painted[1:], start=2)} if several else {}),
                **({"sheet": grid(painted, columns=min(ABREAST, len(painted)))} if several else {}),
            },
            scores={
                "styles": ", ".join(trained.card.names),
                "seconds": round(seconds, 3),
                "painted": len(painted),
            },
            frames=frames,
            files={} if self.film is None else {"painting.mp4": encode_mp4(painted, open_clip(self.film).per_second)},
        )


def files(ref: str) -> Iterator[str]:
    """The picture, or all pictures of the folder that is named."""
    folder = Path(ref)
    if ":" in ref or not folder.is_dir():
        yield ref
        return
    yield from (str(file) for file in sorted(folder.iterdir()) if file.suffix.lower() in PICTURES)
