"""Training of a network that paints in one pass, in front of your eyes."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from viz_core.errors import ConvscopeError
from viz_core.generate.style_files import Architecture, StyleCard, Training, open_style, pack
from viz_core.generate.style_network import StyleNetwork, one_style
from viz_core.generate.style_training import Crops, StyleTraining, Weights
from viz_core.images import samples
from viz_core.images.refs import open_image
from viz_core.images.render import fit, grid
from viz_core.images.tensor import to_input, to_pixels
from viz_core.models.graph import GraphModel
from viz_core.models.random_state import private_random_state
from viz_core.tape import Tape
from viz_core.technique import Result, Run, Section, Step, Technique

LONGEST_CONTENT = 512  # pictures to train on are kept at this length
MOST_STYLES = 8
LOOKS = 60  # at the own picture during the training, at least
LONGEST_WAIT = 10  # steps between two looks, at most
PREVIEW = 192
SAMPLES = "samples"


class FastStyleTrain(Technique):
    """Train a small network to paint any picture in one style, or in several, in one pass.

    Johnson, Alahi & Fei-Fei 2016; Dumoulin, Shlens & Kudlur 2017.
    """

    slug: ClassVar[str] = "fast-style-train"
    section: ClassVar[Section] = "generate"
    order: ClassVar[int] = 71
    icon: ClassVar[str] = "model_training"
    live: ClassVar[bool] = True
    prepared: ClassVar[bool] = False

    styles: tuple[str, ...] = Field(
        ("sample:strokes",),
        description="pictures whose manner to learn, with commas",
        min_length=1,
        max_length=MOST_STYLES,
    )
    steps: int = Field(150, ge=1, le=100_000, description="steps of training")
    size: int | None = Field(96, ge=32, le=256, description="side of the crops it is trained on, pixels")
    batch: int = Field(2, ge=1, le=16, description="crops in one step", json_schema_extra={"advanced": True})
    style_size: int = Field(
        256, ge=64, le=512, description="short side of the style pictures, pixels", json_schema_extra={"advanced": True}
    )
    style_weight: float = Field(10.0, ge=0.1, le=100.0, description="how much the style counts")
    content_weight: float = Field(1.5, ge=0.0, le=10.0, description="how much what is shown counts")
    smoothness: float = Field(
        2.0, ge=0.0, le=50.0, description="how much roughness is held down", json_schema_extra={"advanced": True}
    )
    width: int = Field(16, ge=8, le=32, description="channels of the first layer", json_schema_extra={"advanced": True})
    blocks: int = Field(5, ge=1, le=8, description="residual blocks", json_schema_extra={"advanced": True})
    rate: float = Field(
        5e-3, ge=1e-5, le=2e-2, description="learning rate", json_schema_extra={"advanced": True, "step": 1e-4}
    )
    begin: str | None = Field(None, description="trained style to go on from: style:<name> or a .safetensors file")
    contents: str = Field(SAMPLES, description="pictures to train on: samples, or a folder of pictures")
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="seed of weights and crops", json_schema_extra={"advanced": True}
    )

    def run(self) -> Run:
        """Train, looking now and then at what becomes of the own picture."""
        judge, tape = self.network(), Tape()
        curves: dict[str, list[float]] = {}
        own = to_input(open_image(self.image), PREVIEW).to(judge.device)
        training = self.training(judge)
        every, preview = min(max(1, self.steps // LOOKS), LONGEST_WAIT), None
        for _ in range(self.steps):
            parts = training.step()
            for name, value in parts.items():
                curves.setdefault(name, []).append(value)
            if training.done % every == 1 or every == 1:
                preview = self.look(training.network, own)
                tape.add(preview)
            if (yield Step(training.done, self.steps, preview, parts)):
                break
        return self.finished(training, judge, own, curves, tape.frames)

    def training(self, judge: GraphModel) -> StyleTraining:
        """The training as the parameters say, before its first step."""
        styles = [to_input(open_image(ref), self.style_size).to(judge.device) for ref in self.styles]
        assert self.size is not None
        return StyleTraining(
            self.start().to(judge.device),
            judge,
            styles,
            Crops(contents(self.contents), self.size, self.generator()),
            self.steps,
            self.batch,
            self.rate,
            Weights(self.style_weight, self.content_weight, self.smoothness),
        )

    def start(self) -> StyleNetwork:
        """The network to begin with: fresh from the seed, or a copy of a trained one with as many styles."""
        if self.begin is None:
            with private_random_state(self.seed):
                return StyleNetwork(len(self.styles), self.width, self.blocks)
        trained = open_style(self.begin)
        if trained.network.styles != len(self.styles):
            names = ", ".join(trained.card.names)
            raise ConvscopeError("style_errors.begin", styles=trained.network.styles, names=names)
        network = StyleNetwork(**trained.network.architecture)
        network.load_state_dict(trained.network.state_dict())
        return network

    @torch.no_grad()
    def look(self, network: StyleNetwork, own: Tensor) -> np.ndarray:
        """The own picture before, and after in each style."""
        after = [to_pixels(network(own, one_style(index, network.styles, own))) for index in range(network.styles)]
        return grid([to_pixels(own), *after], columns=min(4, 1 + len(after)))

    def finished(
        self,
        training: StyleTraining,
        judge: GraphModel,
        own: Tensor,
        curves: dict[str, list[float]],
        frames: tuple[np.ndarray, ...],
    ) -> Result:
        """The trained style as a file, what it makes of the own picture, and the curves."""
        network = training.network
        assert self.size is not None
        card = StyleCard(
            names=tuple(style_name(ref) for ref in self.styles),
            architecture=Architecture(**network.architecture),
            judge=self.model,
            judge_weights=judge.digest,
            contents=SAMPLES if self.contents == SAMPLES else Path(self.contents).name,
            side=self.size,
            steps=training.done,
            training=Training(**self.model_dump(include=set(Training.model_fields))),
        )
        with torch.no_grad():
            paintings = [network(own, one_style(index, network.styles, own)) for index in range(network.styles)]
        return self.result(
            arrays={
                "image": torch.cat(paintings).cpu().numpy(),
                **{f"curve: {name}": np.asarray(values, np.float32) for name, values in curves.items()},
            },
            pictures={
                "before and after": self.look(network, own),
                **{f"style {index + 1}": to_pixels(picture) for index, picture in enumerate(training.styles)},
            },
            scores={"steps": training.done, **{f"last {name}": values[-1] for name, values in curves.items()}},
            frames=frames,
            files={"style.safetensors": pack(network, card), "style.json": card.model_dump_json(indent=2).encode()},
        )


def style_name(ref: str) -> str:
    """What a style is called on its card: the sample's or the file's name."""
    return (ref.partition(":")[2] if ref.startswith(("sample:", "upload:")) else Path(ref).stem)[:80] or ref[:80]


def contents(source: str) -> Sequence[Tensor]:
    """The pictures to train on as tensors (3, H, W) uint8: the sample photographs, or all pictures of a folder."""
    if source == SAMPLES:
        refs = [f"sample:{name}" for name in samples.names("photo")]
    else:
        folder = Path(source)
        refs = sorted(map(str, folder.glob("*.*"))) if folder.is_dir() else []
    pictures = [open_image(ref).pixels for ref in refs if not ref.endswith((".txt", ".csv", ".json"))]
    if not pictures:
        raise ConvscopeError("style_errors.no_contents", folder=source)
    small = [fit(pixels, LONGEST_CONTENT) if max(pixels.shape) > LONGEST_CONTENT else pixels for pixels in pictures]
    return [torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))) for pixels in small]
