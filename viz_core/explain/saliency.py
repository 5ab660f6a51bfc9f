"""Saliency: which pixels, changed a little, change the score of a class most; and a segmentation grown from them."""

import dataclasses
from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from viz_core.explain.segment import cut_out, segment
from viz_core.images.render import Limits, colour_bar, heatmap, overlay
from viz_core.images.tensor import to_pixels
from viz_core.models.gradients import score_gradient
from viz_core.models.graph import GraphModel
from viz_core.tape import taped
from viz_core.technique import Result, Run, Section, Step, Technique

Channels = Literal["max", "mean", "red", "green", "blue"]
COLOURS = ("red", "green", "blue")
OVERLAY = 0.7
ALL_BUT_STRONGEST = 0.99
VIEW = ("channels", "signed", "foreground", "background")


class Saliency(Technique):
    """The gradient of a class score with respect to the picture, as a map and as seeds of a segmentation.

    Simonyan, Vedaldi & Zisserman 2013; averaged over noise: Smilkov et al., 2017; along a path: Sundararajan et al., 2017.
    """

    slug: ClassVar[str] = "saliency"
    section: ClassVar[Section] = "explain"
    order: ClassVar[int] = 20
    icon: ClassVar[str] = "flare"
    live: ClassVar[bool] = True
    eager: ClassVar[bool] = True

    size: int | None = Field(
        None,
        ge=32,
        le=512,
        description="short side of the picture for the network, pixels; empty: the network's own",
        json_schema_extra={"advanced": True},
    )
    target: int | str | None = Field(None, description="class index or name; empty: the network's own first choice")
    method: Literal["gradient", "squared", "times_input", "smoothgrad", "smoothgrad_squared", "integrated"] = Field(
        "gradient", description="how the gradient becomes an attribution"
    )
    against: int | None = Field(
        None,
        ge=0,
        description="index of a class to subtract: what speaks for the one and not for the other",
        json_schema_extra={"widget": "class"},
    )
    channels: Channels = Field("max", description="how the three colours become one map")
    signed: bool = Field(False, description="show for and against in two colours")
    samples: int = Field(
        25, ge=1, le=200, description="noisy copies, or points of the path", json_schema_extra={"advanced": True}
    )
    noise: float = Field(
        0.15,
        ge=0.01,
        le=1.0,
        description="standard deviation of the noise, as a share of the picture's range",
        json_schema_extra={"advanced": True, "step": 0.01},
    )
    foreground: float = Field(
        0.95, ge=0.5, le=0.999, description="quantile of the map above which pixels seed the object"
    )
    background: float = Field(
        0.30, ge=0.01, le=0.9, description="quantile of the map below which pixels seed the background"
    )

    @property
    def is_live(self) -> bool:
        """Only the methods that average many gradients take longer than an instant."""
        return self.method in ("smoothgrad", "smoothgrad_squared", "integrated")

    @taped
    def run(self) -> Run:
        """One gradient, or as many as there are samples, each improving the average so far."""
        network, x = self.network(), self.input()
        target = network.target_index(self.target, x)
        against = None if self.against is None else network.target_index(self.against, x)
        attribution, done = torch.zeros_like(x), 0
        for attribution in self.attributions(network, x, target, against):
            done += 1
            if self.is_live and (yield Step(done, self.samples, self.preview(x, attribution))):
                break
        return self.finished(self.viewed(x, self.attribution(attribution.cpu().numpy()[0], x), target, done))

    def attributions(self, network: GraphModel, x: Tensor, target: int, against: int | None) -> Iterator[Tensor]:
        """The gradient (1, 3, H, W), or what is averaged from many of them, better and better."""
        if self.method.startswith("smoothgrad"):
            yield from smoothgrad(
                network,
                x,
                target,
                against,
                samples=self.samples,
                noise=self.noise,
                generator=self.generator(),
                squared=self.method == "smoothgrad_squared",
            )
        elif self.method == "integrated":
            yield from integrated_gradients(network, x, target, against, points=self.samples)
        else:
            yield score_gradient(network, x, target, against=against)

    def attribution(self, found: np.ndarray, x: Tensor) -> np.ndarray:
        """The attribution (3, H, W) of the method from what was computed for it: the gradient, or an average as it is."""
        if self.method == "squared":
            return np.square(found)
        return found * x[0].cpu().numpy() if self.method == "times_input" else found

    def preview(self, x: Tensor, attribution: Tensor) -> np.ndarray:
        """The map so far over the picture."""
        values = reduced(attribution.cpu().numpy()[0], self.channels, self.signed)
        return overlay(to_pixels(x), values, OVERLAY, self.signed, shown_limits(values, signed=self.signed))

    def computed(self) -> "SaliencyMap":
        """The same computation, looked at in the standard way: two techniques that share this share their gradients."""
        standard = {name: type(self).model_fields[name].default for name in VIEW}
        return SaliencyMap(**dict(self) | standard | {"method": self.method if self.is_live else "gradient"})

    def again(self, result: Result) -> Result:
        """The map of this technique from one of `computed()`, without asking the network again, and no segmentation yet."""
        x, scores = torch.from_numpy(result.arrays["input"]), result.scores
        attribution = self.attribution(result.arrays["attribution"], x)
        shown = self.viewed(x, attribution, scores["class_index"], scores["samples"])
        return dataclasses.replace(shown, frames=result.frames)

    def viewed(self, x: Tensor, attribution: np.ndarray, target: int, samples: int) -> Result:
        """Map and overlay of an attribution (3, H, W)."""
        network, pixels = self.network(), to_pixels(x)
        values = reduced(attribution, self.channels, self.signed)
        limits = shown_limits(values, signed=self.signed)
        return self.result(
            arrays={"map": values, "attribution": attribution},
            pictures={
                "overlay": overlay(pixels, values, OVERLAY, self.signed, limits),
                "map": heatmap(values, self.signed, limits),
                "legend": colour_bar(self.signed, limits),
            },
            scores={
                "class": network.class_name(target),
                "class_index": target,
                "score": float(network.scores(x.to(network.device))[target]),
                "samples": samples,
                "sum": float(attribution.sum()),
            },
        )

    def finished(self, result: Result) -> Result:
        """What `viewed` made, with the segmentation: by far the longest part where one gradient is all there is."""
        pixels, magnitude = (
            to_pixels(result.arrays["input"]),
            reduced(result.arrays["attribution"], self.channels, False),
        )
        mask = segment(pixels, magnitude, self.foreground, self.background)
        return dataclasses.replace(
            result,
            arrays={**result.arrays, "mask": mask},
            pictures={
                **result.pictures,
                "mask": np.repeat(255 * mask.astype(np.uint8)[..., None], 3, axis=2),
                "cutout": cut_out(pixels, mask),
            },
            scores={**result.scores, "object_share": float(mask.mean())},
        )


class SaliencyMap(Saliency):
    """Saliency for a page that shows the map before the segmentation: its results lack the latter."""

    def finished(self, result: Result) -> Result:
        """The result as it is."""
        return result


def shown_limits(*maps: np.ndarray, signed: bool = False) -> Limits:
    """The limits of the colours: a few pixels are so strong that beside them nothing else would be seen, and are clipped."""
    strongest = max(float(np.quantile(np.abs(values), ALL_BUT_STRONGEST)) for values in maps)
    return (-strongest, strongest) if signed else (0.0, strongest)


def smoothgrad(
    network: GraphModel,
    x: Tensor,
    target: int,
    against: int | None = None,
    *,
    samples: int,
    noise: float,
    generator: torch.Generator,
    squared: bool = False,
) -> Iterator[Tensor]:
    """The mean gradient, or mean square of it, over noisy copies of the picture (1, 3, H, W), after each further copy."""
    total, spread = torch.zeros_like(x), noise * float(x.max() - x.min())
    for count in range(1, samples + 1):
        noisy = x + spread * torch.randn(x.shape, generator=generator).to(x.device)
        gradient = score_gradient(network, noisy, target, against=against)
        total += gradient.square() if squared else gradient
        yield total / count


def integrated_gradients(
    network: GraphModel, x: Tensor, target: int, against: int | None = None, *, points: int
) -> Iterator[Tensor]:
    """The picture times its mean gradient on the way from black, by Gauss-Legendre quadrature, after each further point.

    In the end it sums up to the score of the picture less that of black.
    """
    places, weights = np.polynomial.legendre.leggauss(points)
    total, weight = torch.zeros_like(x), 0.0
    for place, share in zip((1 + places) / 2, weights / 2, strict=True):
        total += float(share) * score_gradient(network, float(place) * x, target, against=against)
        weight += float(share)
        yield x * total / weight


def reduced(attribution: np.ndarray, channels: Channels, signed: bool) -> np.ndarray:
    """One map (H, W) from the attribution (3, H, W) of the colours: the strongest of them, their mean, or one alone.

    Magnitudes if not signed, else with the sign that the strongest colour, the mean or the one colour has.
    """
    if channels == "max":
        strongest = np.abs(attribution).argmax(axis=0)
        values = np.take_along_axis(attribution, strongest[None], axis=0)[0]
        return values if signed else np.abs(values)
    values = attribution if signed else np.abs(attribution)
    return values.mean(axis=0) if channels == "mean" else values[COLOURS.index(channels)]
