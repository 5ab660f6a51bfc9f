"""DeepDream: whatever a layer sees a little of, show it more."""

from collections.abc import Generator, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import interpolate

from viz_core.generate.canvas import Pixels
from viz_core.generate.flow import carried, flow
from viz_core.generate.loop import Painting, Preview, activations, optimise
from viz_core.generate.objective import Guide, Objective, Strength, Sum
from viz_core.generate.optimiser import NormalisedStep
from viz_core.generate.steering import STEERING, Conductor, Plan, conducted
from viz_core.generate.transform import Roll
from viz_core.images.intake import Picture
from viz_core.images.refs import open_image
from viz_core.images.tensor import to_input, to_pixels
from viz_core.images.video import clip_digest, encode_mp4, open_clip
from viz_core.models.graph import GraphModel
from viz_core.recipe import Recipe
from viz_core.tape import MOST_FRAMES, Tape
from viz_core.technique import Result, Run, Section, Sent, Step, Technique, check_channel

LEVELS = 255
SMALLEST_OCTAVE = 32
ZOOM_PER_SECOND = 12.0
CROP = 0.05  # of each side, from one frame of the zoom to the next
GUIDE_SIDE = 224
MOST_GUIDES = 4096  # places of the guide picture

PRESETS: dict[str, dict[str, Any]] = {
    "google": {"octaves": 4, "octave_scale": 1.4, "steps": 10, "step_size": 1.5, "jitter": 32},
    "small": {"octaves": 4, "octave_scale": 1.4, "steps": 20, "step_size": 1.5, "jitter": 16},
    "tensorflow": {"octaves": 5, "octave_scale": 1.3, "steps": 100, "step_size": 1.0, "jitter": 64},
}


class DeepDream(Technique):
    """Change the picture step by step so that a layer answers more strongly, from small sizes to large.

    Mordvintsev, Olah & Tyka 2015, "Inceptionism".
    """

    slug: ClassVar[str] = "deepdream"
    section: ClassVar[Section] = "generate"
    order: ClassVar[int] = 30
    icon: ClassVar[str] = "bedtime"
    live: ClassVar[bool] = True
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS
    steerable: ClassVar[tuple[str, ...]] = ("layer", "channel", "also", "weights", "step_size", "jitter")

    layer: str | None = Field(
        None, description="layer to amplify; empty: about two thirds up", json_schema_extra={"widget": "layer"}
    )
    channel: int | None = Field(None, ge=0, description="one channel of the layer; empty: all of them")
    also: tuple[str, ...] = Field(
        (), description="further layers to amplify as much", json_schema_extra={"widget": "layers", "advanced": True}
    )
    weights: tuple[float, ...] = Field(
        (), description="how much each layer counts, from the first on; those not named count 1"
    )
    octaves: int = Field(4, ge=1, le=8, description="how many sizes to dream at")
    octave_scale: float = Field(1.4, ge=1.1, le=2.0, description="ratio of one size to the next")
    steps: int = Field(10, ge=1, le=200, description="steps at each size")
    step_size: float = Field(1.5, ge=0.1, le=10.0, description="mean change of a pixel in one step, of 255")
    jitter: int = Field(16, ge=0, le=64, description="largest random shift before each step, pixels")
    guided: bool = Field(False, description="dream of a guide picture instead of whatever is there")
    guide: str = Field("sample:flower", description="the guide picture", json_schema_extra={"widget": "picture"})
    zoom: int = Field(0, ge=0, le=100, description="frames of an endless zoom into the dream; 0: one picture")
    film: str | None = Field(None, description="a film to dream of frame by frame: its path; empty: the picture")
    carry: float = Field(
        0.6,
        ge=0,
        le=1,
        description="share of a frame's dream that the next one inherits",
        json_schema_extra={"step": 0.05},
    )
    tile: int | None = Field(
        None,
        ge=64,
        le=512,
        description="side of the tiles large pictures are computed in; empty: whole",
        json_schema_extra={"advanced": True},
    )
    size: int | None = Field(
        192, ge=32, le=1024, description="short side of the picture, pixels", json_schema_extra={"advanced": True}
    )
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="seed of the random shifts", json_schema_extra={"advanced": True}
    )
    begin: str | None = Field(
        None, description="picture to dream on from, such as a frame of an earlier run; none: `image`"
    )
    steering: tuple[str, ...] = Field((), description=STEERING)

    def run(self) -> Run:
        """Dream at every octave: of the picture, of ever closer crops of the dream, or of every frame of a film."""
        return conducted(self, self._run(), self.steering)

    def _run(self) -> Run:
        network, x = self.network(), self.beginning()
        generator, tape = self.generator(), Tape()
        losses: list[float] = []
        conductor = Conductor(self, lambda now: now.plan(network))
        film = self.film_frames(network)
        frames = len(film) or self.zoom + 1
        done: list[Tensor] = []
        for number in range(frames):
            start = self.next_start(x, film, done)
            dream, stopped = yield from self.dream(network, conductor, start, generator, tape, losses, number, frames)
            done = [*done[-MOST_FRAMES:], dream]
            if stopped:
                break
        moving = frames > 1
        return self._finished(film[0] if film else x, done, losses, None if moving else tape.frames)

    def beginning(self) -> Tensor:
        """The picture to begin from: (1, 3, H, W), on the network's device."""
        if self.begin is None:
            return self.input()
        network = self.network()
        return to_input(open_image(self.begin), self.size or network.input_size).to(network.device)

    def film_frames(self, network: GraphModel) -> list[Tensor]:
        """The frames of the film as pictures; none without a film."""
        if self.film is None:
            return []
        size = self.size or network.input_size
        return [to_input(Picture(frame), size).to(network.device) for frame in open_clip(self.film).frames]

    def next_start(self, x: Tensor, film: list[Tensor], done: list[Tensor]) -> Tensor:
        """What the next frame starts from: the picture, the middle of the last dream, or a film's next frame.

        Onto a film's frame goes a share of what was dreamt into the one before, moved along with what moved.
        """
        if not film:
            return closer(done[-1]) if done else x
        frame = film[len(done)]
        if not done:
            return frame
        before = film[len(done) - 1]
        displacement = flow(to_pixels(before), to_pixels(frame))
        return (frame + self.carry * carried(done[-1] - before, displacement)).clamp(0, 1)

    def dream(
        self,
        network: GraphModel,
        conductor: "Conductor[DeepDream]",
        x: Tensor,
        generator: torch.Generator,
        tape: Tape,
        losses: list[float],
        frame: int,
        frames: int,
    ) -> Generator[Step, Sent, tuple[Tensor, bool]]:
        """Dream of one picture at every octave, carrying the dreamt detail, not the picture, to the next size.

        Yields steps; returns the dream and whether somebody asked for the end.
        """
        detail = torch.zeros_like(x)
        total = frames * self.octaves * self.steps
        for octave, base in enumerate(self.octave_bases(x)):
            detail = resized(detail, base.shape[-2:])
            plan = conductor.plan()
            painting = optimise(
                network,
                Pixels((base + detail).clamp(0, 1)),
                plan.objective,
                plan.optimiser,
                self.steps,
                transforms=plan.transforms,
                generator=generator,
                replan=conductor.follow,
                tile=self.tile,
                preview=preview_of(x, base),
                tape=tape,
                before=(frame * self.octaves + octave) * self.steps,
                total=total,
            )
            outcome = yield from _as_activation(painting, losses)
            detail = outcome.last - base
            if outcome.stopped:
                return enlarged(x, detail), True
        return enlarged(x, detail), False

    def plan(self, network: GraphModel) -> Plan:
        """How each octave is dreamt."""
        return Plan(-self.objective(network), NormalisedStep(self.step_size / LEVELS), (Roll(self.jitter),))

    def octave_bases(self, x: Tensor) -> Iterator[Tensor]:
        """The picture at each size, smallest first; sizes too small to hold anything are left at the smallest."""
        height, width = x.shape[-2:]
        for octave in reversed(range(self.octaves)):
            factor = min(1.0, max(self.octave_scale**-octave, SMALLEST_OCTAVE / min(height, width)))
            yield resized(x, (round(height * factor), round(width * factor)))

    def layers(self, network: GraphModel) -> tuple[str, ...]:
        """The layers to amplify."""
        first = network.resolve_layer(self.layer or default_layer(network))
        return tuple(dict.fromkeys((first, *(network.resolve_layer(layer) for layer in self.also))))

    def objective(self, network: GraphModel) -> Objective:
        """What should grow: the strength of the layers, or their agreement with the guide picture."""
        layers = self.layers(network)
        if self.guided:
            wishes: list[Objective] = [Guide(layer, self._features(network, layer)) for layer in layers]
        else:
            channel = check_channel(network, layers[0], self.channel)
            wishes = [Strength(layer, channel if layer == layers[0] else None) for layer in layers]
        weights = (*self.weights, *[1.0] * len(wishes))
        return sum((weight * wish for weight, wish in zip(weights, wishes, strict=False)), start=Sum(()))

    @torch.no_grad()
    def _features(self, network: GraphModel, layer: str) -> Tensor:
        """What the guide picture makes a layer answer: (C, places)."""
        guide = to_input(open_image(self.guide), min(GUIDE_SIDE, self.size or network.input_size)).to(network.device)
        return activations(network, guide, [layer])[layer][0].flatten(1)[:, :MOST_GUIDES]

    def _finished(
        self, x: Tensor, done: list[Tensor], losses: list[float], frames: tuple[np.ndarray, ...] | None
    ) -> Result:
        """The last dream at full size with its loss curve; of several frames also the film, as MP4."""
        film = [to_pixels(dream) for dream in done]
        per_second = open_clip(self.film).per_second if self.film else ZOOM_PER_SECOND
        return self.result(
            arrays={"image": done[-1].cpu().numpy(), "loss": np.asarray(losses, np.float32)},
            pictures={"dream": film[-1], "picture": to_pixels(x)},
            scores={
                "layer": ", ".join(self.layers(self.network())),
                "steps": len(losses),
                "first_loss": losses[0],
                "last_loss": losses[-1],
            },
            frames=tuple(film) if frames is None else frames,
            files={} if frames is not None else {"dream.mp4": encode_mp4(film, per_second)},
        )

    def recipe(self) -> Recipe:
        """Everything needed to make the same dream again, the film by its content."""
        plain = super().recipe()
        if self.film is None:
            return plain
        return plain.model_copy(update={"picture": f"{plain.picture} {clip_digest(open_clip(self.film))}"})


def _as_activation(painting: Painting, losses: list[float]) -> Painting:
    """The painting with one curve, the sum of its terms; notes each value."""
    sent: Sent = None
    while True:
        try:
            step = painting.send(sent)
        except StopIteration as end:
            return end.value
        losses.append(sum(step.curves.values()))
        sent = yield Step(step.done, step.total, step.preview, {"activation": losses[-1]})


def default_layer(network: GraphModel) -> str:
    """The convolution about two thirds up the network: shapes with eyes and fur, not yet whole objects."""
    convolutions = network.convolutions()
    return convolutions[(2 * len(convolutions)) // 3]


def resized(x: Tensor, size: tuple[int, int] | torch.Size) -> Tensor:
    """Pictures (or changes of them) brought to (height, width)."""
    return interpolate(x, tuple(size), mode="bilinear", antialias=True)


def preview_of(x: Tensor, base: Tensor) -> Preview:
    """How the dream of an octave is shown while it is dreamt: what was added to `base`, on the picture."""
    return lambda dream: to_pixels(enlarged(x, dream - base))


def enlarged(x: Tensor, detail: Tensor) -> Tensor:
    """The picture with the detail dreamt so far, brought to its full size; [0, 1]."""
    return (x + resized(detail, x.shape[-2:])).clamp(0, 1)


def closer(x: Tensor) -> Tensor:
    """The middle of a picture, brought back to its size: one frame nearer."""
    height, width = x.shape[-2:]
    top, left = max(1, round(CROP / 2 * height)), max(1, round(CROP / 2 * width))
    return resized(x[..., top : height - top, left : width - left], (height, width)).clamp(0, 1)
