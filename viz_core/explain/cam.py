"""CAM family: which places of a layer's maps speak for a class."""

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import interpolate

from viz_core.images.render import colour_bar, filter_tiles, heatmap, limits_of, overlay
from viz_core.images.tensor import to_pixels
from viz_core.models.cam import at_picture_size, cams, gradient_cams, map_layers
from viz_core.models.gradients import score_gradient
from viz_core.models.graph import GraphModel
from viz_core.models.work import batch_size
from viz_core.tape import taped
from viz_core.technique import Result, Run, Section, Step, Technique

OVERLAY = 0.6


class Cam(Technique):
    """Weigh a layer's maps by what they mean for a class, and add them up.

    CAM: Zhou et al., 2016; Grad-CAM: Selvaraju et al., 2017; Grad-CAM++: Chattopadhay et al., 2018; LayerCAM: Jiang et
    al., 2021; Score-CAM: Wang et al., 2020.
    """

    slug: ClassVar[str] = "cam"
    section: ClassVar[Section] = "explain"
    order: ClassVar[int] = 40
    icon: ClassVar[str] = "thermostat"
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
    method: Literal["cam", "gradcam", "gradcam++", "layercam", "scorecam", "guided"] = Field(
        "gradcam", description="where the weights of the maps come from"
    )
    layer: str | None = Field(
        None,
        description="layer whose maps are weighed; empty: the last one that still has positions",
        json_schema_extra={"widget": "layer", "kinds": ["map"]},
    )
    classes: int = Field(
        3, ge=1, le=6, description="how many classes side by side: the chosen one and the likeliest others"
    )
    scale: Literal["each", "joint"] = Field(
        "joint", description="colours of each class for itself, or one scale for all"
    )

    @property
    def is_live(self) -> bool:
        """Score-CAM asks the network once for every channel; the others take a pass or two."""
        return self.method == "scorecam"

    @taped
    def run(self) -> Run:
        """The maps of all classes, channel by channel for Score-CAM."""
        network, x = self.network(), self.input()
        targets = chosen_classes(network, x, network.target_index(self.target, x), self.classes)
        layer = self.used_layer(network)
        if self.method == "scorecam":
            maps = torch.zeros(len(targets), *x.shape[-2:])
            done = 0
            for maps, done, total in score_cam(network, x, targets, layer):
                preview = overlay(to_pixels(x), maps[0].cpu().numpy(), OVERLAY)
                if (yield Step(done, total, preview)):
                    break
            return self.finished(network, x, targets, layer, maps, done)
        maps = torch.cat(self.at_once(network, x, targets, layer))
        return self.finished(network, x, targets, layer, maps, None)

    def used_layer(self, network: GraphModel) -> str:
        """The layer asked for, or the usual one; CAM itself leaves no choice."""
        head = network.head() if self.method == "cam" else None
        if head is not None:
            return head.layer
        return network.resolve_layer(self.layer) if self.layer else map_layers(network)[-1]

    def at_once(self, network: GraphModel, x: Tensor, targets: list[int], layer: str) -> list[Tensor]:
        """The maps of the classes, each (1, h, w)."""
        if self.method == "cam":
            return cams(network, x, targets)
        assert self.method != "scorecam"  # it takes a pass for every channel
        return gradient_cams(network, x, targets, layer, "gradcam" if self.method == "guided" else self.method)

    def finished(
        self, network: GraphModel, x: Tensor, targets: list[int], layer: str, maps: Tensor, done: int | None
    ) -> Result:
        """Maps, overlays on one scale, and how likely each class is."""
        pixels, values = to_pixels(x), maps.cpu().numpy()
        signed = self.method == "cam"
        joint = limits_of(values, signed=signed)
        pictures, arrays, table = {}, {"map": values[0], "maps": values}, []
        scores = network.scores(x)
        for place, target in enumerate(targets, start=1):
            limits = joint if self.scale == "joint" else limits_of(values[place - 1], signed=signed)
            pictures[f"class_{place}"] = overlay(pixels, values[place - 1], OVERLAY, signed, limits)
            table.append(
                {
                    "index": target,
                    "name": network.class_name(target),
                    "score": float(scores[target]),
                    "probability": float(scores.softmax(0)[target]),
                    "low": limits[0],
                    "high": limits[1],
                }
            )
        if self.method == "guided":
            detail = guided_grad_cam(network, x, targets, maps)
            arrays |= {"detail": detail}
            pictures |= {f"detail_{place}": tile for place, tile in enumerate(filter_tiles(detail), start=1)}
        pictures |= {"map": heatmap(values[0], signed, joint), "legend": colour_bar(signed, joint)}
        return self.result(
            arrays=arrays,
            pictures=pictures,
            scores={"layer": layer, "class": table[0]["name"], "class_index": targets[0], "score": table[0]["score"]}
            | ({} if done is None else {"channels": done}),
            tables={"classes": table},
        )


def picture_map(result: Result) -> np.ndarray:
    """The chosen class's map at the picture's size: (H, W)."""
    values, x = torch.from_numpy(result.arrays["map"]), torch.from_numpy(result.arrays["input"])
    return at_picture_size(values[None], x)[0].numpy()


def chosen_classes(network: GraphModel, x: Tensor, target: int, count: int) -> list[int]:
    """The class asked for, then the likeliest others."""
    others = [index for index, _, _ in network.top(x, count) if index != target]
    return [target, *others][:count]


def guided_grad_cam(network: GraphModel, x: Tensor, targets: list[int], maps: Tensor) -> np.ndarray:
    """Guided backprop times Grad-CAM, for each class: (classes, 3, H, W)."""
    large = at_picture_size(maps, x)
    gradients = torch.cat([score_gradient(network, x, target, "guided") for target in targets])
    return (gradients * large[:, None]).cpu().numpy()


def score_cam(network: GraphModel, x: Tensor, targets: list[int], layer: str) -> Iterator[tuple[Tensor, int, int]]:
    """The maps of the classes (classes, h, w) with the channels tried so far, how many these are, and of how many.

    Each channel, scaled to [0, 1] and to the picture's size, is laid over the picture as a mask, dark where it is silent; a
    channel weighs as much as the softmax over channels of the score that remains.
    """
    with torch.inference_mode():
        maps = network.activations(x, layer)[layer][0]
        total, size = len(maps), batch_size(network, x)
        scores = torch.full((len(targets), total), -torch.inf, device=x.device)
        for start in range(0, total, size):
            part = slice(start, start + size)
            scores[:, part] = network(masked(network, x, maps[part]))[:, targets].T
            done = min(start + size, total)
            yield torch.einsum("tc,chw->thw", scores.softmax(dim=1), maps).relu(), done, total


def masked(network: GraphModel, x: Tensor, maps: Tensor) -> Tensor:
    """The picture faded to the network's mean colour where each of the maps (N, h, w) is weak: (N, 3, H, W)."""
    large = interpolate(maps[:, None], x.shape[-2:], mode="bilinear", align_corners=True)
    low, high = large.amin(dim=(2, 3), keepdim=True), large.amax(dim=(2, 3), keepdim=True)
    mask = (large - low) / (high - low + 1e-8)
    return network.mean + mask * (x - network.mean)
