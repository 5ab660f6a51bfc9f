"""DeepDream: whatever a layer sees a little of, show it more."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch.nn.functional import interpolate

from viz_core.images.tensor import to_pixels
from viz_core.models.graph import GraphModel
from viz_core.technique import Run, Section, Step, Technique, check_channel

MOST_FRAMES = 60
SMALLEST_OCTAVE = 32


class DeepDream(Technique):
    """Change the picture step by step so that a layer answers more strongly, from small sizes to large.

    Mordvintsev, Olah & Tyka 2015, "Inceptionism".
    """

    slug: ClassVar[str] = "deepdream"
    section: ClassVar[Section] = "generate"
    order: ClassVar[int] = 30
    icon: ClassVar[str] = "bedtime"
    live: ClassVar[bool] = True

    size: int | None = Field(
        224, ge=32, le=1024, description="short side of the picture, pixels", json_schema_extra={"advanced": True}
    )
    layer: str | None = Field(
        None, description="layer to amplify; empty: about two thirds up", json_schema_extra={"widget": "layer"}
    )
    channel: int | None = Field(None, ge=0, description="one channel of the layer; empty: all of them")
    octaves: int = Field(4, ge=1, le=8, description="how many sizes to dream at")
    octave_scale: float = Field(1.4, ge=1.1, le=2.0, description="ratio of one size to the next")
    steps: int = Field(20, ge=1, le=200, description="steps at each size")
    step_size: float = Field(1.5, ge=0.1, le=10.0, description="mean change of a pixel in one step, of 255")
    jitter: int = Field(16, ge=0, le=64, description="largest random shift before each step, pixels")
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="seed of the random shifts", json_schema_extra={"advanced": True}
    )

    def run(self) -> Run:
        """Dream at every octave, carrying the dreamt detail, not the picture, to the next size."""
        network, x = self.network(), self.input()
        layer = network.resolve_layer(self.layer or default_layer(network))
        channel = check_channel(network, layer, self.channel)
        generator, total = self.generator(), self.octaves * self.steps
        detail, frames, losses = torch.zeros_like(x), [], []
        done = 0
        for base in self.octave_bases(x):
            detail = interpolate(detail, base.shape[-2:], mode="bilinear", antialias=True)
            for _ in range(self.steps):
                dream, loss = self.step(network, layer, channel, (base + detail).clamp(0, 1), generator)
                detail = dream - base
                losses.append(loss)
                done += 1
                preview = to_pixels(enlarged(x, detail))
                if done % max(1, total // MOST_FRAMES) == 0:
                    frames.append(preview)
                if (yield Step(done, total, preview, {"activation": loss})):
                    return self.finished(x, detail, layer, losses, frames)
        return self.finished(x, detail, layer, losses, frames)

    def octave_bases(self, x: torch.Tensor) -> Iterator[torch.Tensor]:
        """The picture at each size, smallest first; sizes too small to hold anything are left at the smallest."""
        height, width = x.shape[-2:]
        for octave in reversed(range(self.octaves)):
            factor = max(self.octave_scale**-octave, SMALLEST_OCTAVE / min(height, width))
            size = (round(height * min(1.0, factor)), round(width * min(1.0, factor)))
            yield interpolate(x, size, mode="bilinear", antialias=True)

    def step(
        self, network: GraphModel, layer: str, channel: int | None, dream: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, float]:
        """One gradient step on half the mean square of the activations, of fixed mean size, on a shifted picture."""
        shift = torch.randint(-self.jitter, self.jitter + 1, (2,), generator=generator).tolist()
        shifted = dream.roll(shift, (2, 3)).requires_grad_()
        activation = network.activations(shifted, layer)[layer]
        if channel is not None:
            activation = activation[:, channel]
        loss = activation.square().mean() / 2
        (gradient,) = torch.autograd.grad(loss, shifted)
        change = self.step_size / 255 * gradient / gradient.abs().mean().clamp_min(1e-12)
        moved = (shifted.detach() + change.nan_to_num()).clamp(0, 1)
        return moved.roll([-pixels for pixels in shift], (2, 3)), float(loss.detach())

    def finished(self, x: torch.Tensor, detail: torch.Tensor, layer: str, losses: list[float], frames: list):
        """The dream at full size with its loss curve and film."""
        dream = enlarged(x, detail)
        return self.result(
            arrays={"image": dream.cpu().numpy(), "loss": np.asarray(losses, np.float32)},
            pictures={"dream": to_pixels(dream), "picture": to_pixels(x)},
            scores={"layer": layer, "steps": len(losses), "first_loss": losses[0], "last_loss": losses[-1]},
            frames=frames,
        )


def default_layer(network: GraphModel) -> str:
    """The convolution about two thirds up the network: shapes with eyes and fur, not yet whole objects."""
    convolutions = network.convolutions()
    return convolutions[(2 * len(convolutions)) // 3]


def enlarged(x: torch.Tensor, detail: torch.Tensor) -> torch.Tensor:
    """The picture with the detail dreamt so far, brought to its full size; [0, 1]."""
    return (x + interpolate(detail, x.shape[-2:], mode="bilinear", antialias=True)).clamp(0, 1)
