"""Trains the bundled network: `python -m viz_core.models.train --twin standard --data DIR --out DIR`."""

import argparse
import copy
import csv
import json
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from viz_core.models.augment import random_views
from viz_core.models.bundled import FIRST, MEAN, STAGES, STD, BundledNet, convolutions, load_folded, unfold
from viz_core.models.muon import Muon
from viz_core.models.pgd import l2_pgd
from viz_core.models.precision import laid_out, mixed_precision, placed
from viz_core.models.tiny_imagenet import SIDE, Labelled, load_split
from viz_core.models.training_recipe import recipe_of, with_history

LOG_FIELDS = (
    "epoch",
    "step",
    "progress",
    "minutes",
    "size",
    "rate",
    "loss",
    "train_top1",
    "val_top1",
    "val_top5",
    "speed",
)


PAUSE = 5.0  # a step this many times longer than usual was a pause
LEAST_REST = 0.05  # share of the time that the schedule has after a pause, at least


@dataclass(frozen=True)
class TrainConfig:
    """Everything a run depends on. Sizes in pixels; radius: L2 over values in [0, 1] at 64 px, less at smaller sizes."""

    seed: int = 0
    start: str = ""  # the weights the run began with: their file and the start of its SHA-256
    begin: float = 0.0  # the progress of the schedule the run began at
    classes: int = 200
    first: int = FIRST
    stages: tuple[tuple[int, ...], ...] = STAGES
    epochs: float = 24
    minutes: float | None = None  # instead of epochs: the schedule is stretched to end after this long
    batch: int = 256
    peak_rate: float = 0.2  # of the first and the last layer and the offsets, by SGD
    muon_rate: float = 0.08  # of the 3x3 kernels, by Muon: the share of a kernel's norm moved in one step
    warmup: float = 0.08  # share of the run
    momentum: float = 0.9
    muon_momentum: float = 0.8
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    teacher: str = (
        ""  # the network whose probabilities are learnt beside the labels, and the pixels at which it saw them
    )
    teacher_weight: float = 0.7
    ema: float = 0.99
    # from this progress on, these sides in turn; up to the largest at which photographs are shown: networks that had seen
    # 96 or 112 px at most named fewer of them at 128 px than at 96 or 112
    sizes: tuple[tuple[float, tuple[int, ...]], ...] = ((0.0, (32,)), (0.3, (48,)), (0.75, (64, 128)))
    # from this progress on batch norm stays as it will be when the network is used, the same for pictures of all sizes
    frozen: float = 0.75
    area: tuple[float, float] = (0.35, 1.0)
    kept: float = 0.5  # share of the views with the very pixels of the picture: scaled ones are softer than it
    colour: float = 0.2
    erased: float = 0.15  # share of the views that lose pixels
    radius: float = 0.0  # adversarial training where above 0
    attack_steps: int = 1
    checkpoint_minutes: float = 3.0
    validate_on: int = 2000
    workers: int = 2  # parts of a batch, each in a thread of its own, which meet once a step


PRESETS = {
    "standard": TrainConfig(),
    "robust": TrainConfig(
        epochs=4,
        peak_rate=0.05,
        muon_rate=0.03,
        label_smoothing=0.0,
        sizes=((0.0, (32,)), (0.3, (48,)), (0.75, (64,))),
        area=(0.4, 1.0),
        colour=0.15,
        erased=0.0,
        radius=0.5,
    ),
}


@dataclass
class Tally:
    """Sums over the pictures of the running epoch."""

    seen: int = 0
    right: int = 0
    loss: float = 0.0
    seconds: float = 0.0

    def add(self, part: "Part") -> None:
        """Count the pictures of one part of a batch."""
        self.seen += part.seen
        self.right += part.right
        self.loss += part.loss * part.seen


@dataclass(frozen=True)
class Part:
    """What one part of a batch gave: gradients in the order of the parameters, pictures, right ones, mean loss."""

    gradients: tuple[Tensor, ...]
    seen: int
    right: int
    loss: float


@dataclass
class Pace:
    """How far the schedule has come, 0 to 1: by steps, or stretched over a time so that it ends annealed at any speed.

    A step that takes much longer than usual was a pause: it hardly advances the schedule, and what is left is compressed
    into the time that is left, or into a twentieth of the whole time where less is left.
    """

    total_steps: int
    minutes: float | None = None
    progress: float = 0.0
    usual: float | None = None
    deadline: float = field(init=False)

    def __post_init__(self) -> None:
        self.deadline = time.time() + 60 * (self.minutes or 0)

    def advance(self, seconds: float) -> None:
        """One more step, which took this long."""
        if self.minutes is None:
            self.progress = min(1.0, self.progress + 1 / self.total_steps)
            return
        self.usual = self.usual or seconds
        worked = min(seconds, PAUSE * self.usual)
        self.usual += 0.02 * (worked - self.usual)
        if seconds > worked:
            self.deadline = max(self.deadline, time.time() + LEAST_REST * 60 * self.minutes)
        left = self.deadline - time.time() + worked
        self.progress = 1.0 if left <= worked else self.progress + (1 - self.progress) * worked / left

    @property
    def done(self) -> bool:
        return self.progress > 1 - 1e-9


class Run:
    """A training run that can stop at any step and go on exactly: its randomness comes from the seed and the step."""

    def __init__(self, config: TrainConfig, train: Labelled, val: Labelled, out: Path, device: torch.device) -> None:
        self.config, self.out, self.device = config, out, device
        self.train, self.val = train.to(device), val.to(device)
        torch.manual_seed(config.seed)
        self.net = placed(BundledNet(config.classes, config.first, config.stages, batch_norm=True), device)
        soften(self.net.conv1)
        self.average = placed(BundledNet(config.classes, config.first, config.stages, batch_norm=True), device).eval()
        self.average.load_state_dict(self.net.state_dict())
        self.taught: Tensor | None = None  # the teacher's probabilities [N, classes] for the training pictures
        self.nets = [self.net, *(sharing(self.net) for _ in range(config.workers - 1))]
        self.crew = ThreadPoolExecutor(config.workers, initializer=torch.set_num_threads, initargs=(1,))
        self.optimizers = optimizers(self.net, config)
        self.epoch_steps = max(1, len(train) // config.batch)
        self.pace = Pace(round(config.epochs * self.epoch_steps), config.minutes, config.begin)
        self.step, self.tally, self.minutes = 0, Tally(), 0.0
        self.history: list[dict[str, Any]] = []  # recipes of the runs whose weights this one began with

    def start_from(self, weights: Path) -> None:
        """Begin with the averaged weights of another run's checkpoint, or with a network that was shipped (.safetensors)."""
        if weights.suffix == ".safetensors":
            average = unfold(load_folded(weights), self._views(1000)).state_dict()
            recipe = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))["recipe"]
        else:
            state = torch.load(weights, map_location=self.device, weights_only=True)
            average, recipe = state["average"], recipe_of(state)
        self.net.load_state_dict(average)
        self.average.load_state_dict(average)
        self.history = with_history(recipe)

    def _views(self, count: int) -> Tensor:
        """Normalised training views of the first pictures, on which a shipped network gets its batch norm back."""
        generator = torch.Generator().manual_seed(self.config.seed)
        return normalised(self._drawn(torch.arange(min(count, len(self.train))), side_at(self.config, 0, 0), generator))

    def _drawn(self, rows: Tensor, size: int, generator: torch.Generator) -> Tensor:
        """Training views of these pictures."""
        config = self.config
        return random_views(
            self.train.images[rows], size, generator, config.area, config.colour, config.erased, config.kept
        )

    def compile(self) -> None:
        """Let a compiler fuse what lies between the convolutions: a fifth to a quarter more pictures a second on two cores."""
        torch._dynamo.config.recompile_limit = 8 * len(self.nets)  # each thread's network at each size
        for net in self.nets:
            net.compile(dynamic=False)

    def go(self, until_step: int | None = None) -> None:
        """Train to the end of the schedule, or up to a step."""
        saved = time.time()
        while not self.pace.done and self.step != until_step:
            begun = time.time()
            self._one_step()
            seconds = time.time() - begun
            self.tally.seconds += seconds
            self.minutes += seconds / 60
            self.pace.advance(seconds)
            if self.step % self.epoch_steps == 0 or self.pace.done:
                self._finish_epoch()
            if time.time() - saved > 60 * self.config.checkpoint_minutes or self.pace.done:
                self.save()
                saved = time.time()

    def _one_step(self) -> None:
        config = self.config
        rows = self._rows().chunk(config.workers)
        parts = list(self.crew.map(self._part, self.nets, rows, range(config.workers)))
        parameters = list(self.net.parameters())
        for parameter, *gradients in zip(parameters, *(part.gradients for part in parts), strict=True):
            parameter.grad = torch.stack(gradients).mean(0)
        for optimizer, peak in zip(self.optimizers, (config.peak_rate, config.muon_rate), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = peak * rate_at(config, self.pace.progress)
            optimizer.step()
        self.step += 1
        self._follow()
        for part in parts:
            self.tally.add(part)

    def _part(self, net: BundledNet, rows: Tensor, number: int) -> "Part":
        """The gradients of one part of the batch, in its own thread."""
        config, size = self.config, side_at(self.config, self.pace.progress, self.step)
        generator = torch.Generator().manual_seed((config.seed * 1_000_003 + self.step) * 64 + number)
        labels = self.train.labels[rows]
        pictures = laid_out(self._drawn(rows, size, generator))
        net.train()
        if self.pace.progress >= config.frozen:
            freeze(net, self.average)

        def logits_of(pictures: Tensor, forward: Callable[[Tensor], Tensor] = net) -> Tensor:
            with mixed_precision(self.device):
                return forward(normalised(pictures)).float()

        if config.radius:
            radius = config.radius * size / SIDE
            # not as compiled: torch expects gradients of replicated borders in another layout than they have
            plain = partial(logits_of, forward=net.forward)
            pictures = l2_pgd(plain, pictures, labels, radius, config.attack_steps, generator)
        logits = logits_of(pictures)
        loss = F.cross_entropy(logits, self._targets(rows))
        gradients = torch.autograd.grad(loss, list(net.parameters()))
        return Part(gradients, len(labels), int((logits.argmax(1) == labels).sum()), float(loss.detach()))

    def _targets(self, rows: Tensor) -> Tensor:
        """What the network should say: the smoothed label, mixed with what the teacher says if there is one."""
        config = self.config
        targets = F.one_hot(self.train.labels[rows], config.classes).float()
        targets.lerp_(torch.full_like(targets, 1 / config.classes), config.label_smoothing)
        if self.taught is not None:
            targets.lerp_(self.taught[rows.cpu()].to(targets), config.teacher_weight)
        return targets

    def _rows(self) -> Tensor:
        """The pictures of this step: a new shuffle each epoch."""
        epoch, place = divmod(self.step, self.epoch_steps)
        order = torch.randperm(
            len(self.train), generator=torch.Generator().manual_seed(self.config.seed + 7919 * epoch)
        )
        return order[place * self.config.batch : (place + 1) * self.config.batch].to(self.device)

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the averaged weights towards the trained ones (Polyak averaging, faster at the start)."""
        decay = min(self.config.ema, self.step / (10 + self.step))
        for mean, now in zip(self.average.state_dict().values(), self.net.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - decay)

    def _finish_epoch(self) -> None:
        top1, top5 = accuracy(self.average, self.val.images, self.val.labels, self.config.validate_on)
        tally, config = self.tally, self.config
        seen = max(1, tally.seen)
        row = {
            "epoch": round(self.step / self.epoch_steps, 2),
            "step": self.step,
            "progress": round(self.pace.progress, 4),
            "minutes": round(self.minutes, 2),
            "size": side_at(config, self.pace.progress, self.step),
            "rate": round(rate_at(config, self.pace.progress), 5),
            "loss": round(tally.loss / seen, 4),
            "train_top1": round(tally.right / seen, 4),
            "val_top1": round(top1, 4),
            "val_top5": round(top5, 4),
            "speed": round(seen / max(tally.seconds, 1e-9)),
        }
        write_row(self.out / "log.csv", row)
        print(row, flush=True)
        self.tally = Tally()

    @property
    def checkpoint(self) -> Path:
        return self.out / "checkpoint.pt"

    def save(self) -> None:
        """Write everything the run needs to go on, atomically."""
        self.out.mkdir(parents=True, exist_ok=True)
        state = {
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "progress": self.pace.progress,
            "minutes": self.minutes,
            "tally": asdict(self.tally),
            "config": asdict(self.config),
            "history": self.history,
        }
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.checkpoint)

    def resume(self) -> None:
        """Go on from the checkpoint in the output folder."""
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.pace.progress, self.minutes = state["step"], state["progress"], state["minutes"]
        self.tally, self.history = Tally(**state["tally"]), state["history"]


@torch.no_grad()
def soften(conv: nn.Conv2d, sigma: float = 1.0) -> None:
    """Blur the starting filters, keeping their size: what training leaves alone is then smooth colour, not noise."""
    offsets = torch.arange(-2, 3, device=conv.weight.device).float()
    bell = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = torch.outer(bell, bell) / bell.sum() ** 2
    blurred = F.conv2d(conv.weight.flatten(0, 1)[:, None], kernel[None, None], padding=2).view_as(conv.weight)
    conv.weight.copy_(blurred * conv.weight.std() / blurred.std())


def freeze(net: BundledNet, average: BundledNet) -> None:
    """Let the batch norm of a network take the averaged statistics instead of those of each batch."""
    for norm, kept in zip(norms(net), norms(average), strict=True):
        for own, other in zip(norm.buffers(), kept.buffers(), strict=True):
            own.copy_(other)
        norm.eval()


def norms(net: nn.Module) -> list[nn.BatchNorm2d]:
    """The batch norms of a network."""
    return [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]


def optimizers(net: BundledNet, config: TrainConfig) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Muon for the 3x3 kernels, SGD for the rest: weight decay on its kernels, none on offsets and norms."""
    kernels = [conv.weight for name, conv in convolutions(net) if name != "conv1"]
    others = [parameter for parameter in net.parameters() if parameter.ndim <= 1]
    decayed: dict[str, Any] = {"params": [net.conv1.weight, net.fc.weight], "weight_decay": config.weight_decay}
    sgd = torch.optim.SGD([decayed, {"params": others}], lr=0.0, momentum=config.momentum, nesterov=True)
    return sgd, Muon(kernels, momentum=config.muon_momentum)


def sharing(net: BundledNet) -> BundledNet:
    """A network with the same parameters, the very tensors, but with running statistics of its own."""
    other = copy.deepcopy(net)
    for module, source in zip(other.modules(), net.modules(), strict=True):
        for name, parameter in source.named_parameters(recurse=False):
            setattr(module, name, parameter)
    return other


def normalised(pictures: Tensor) -> Tensor:
    """Pictures [B, 3, H, W] in [0, 1] as the network takes them."""
    mean, std = (torch.tensor(values, device=pictures.device)[:, None, None] for values in (MEAN, STD))
    return (pictures - mean) / std


def rate_at(config: TrainConfig, progress: float) -> float:
    """The share of the peak learning rate: linear warm-up, then a cosine down to nothing (one cycle, Smith 2018)."""
    if progress < config.warmup:
        return (progress + 0.01) / (config.warmup + 0.01)
    return 0.5 * (1 + math.cos(math.pi * (progress - config.warmup) / (1 - config.warmup)))


def side_at(config: TrainConfig, progress: float, step: int) -> int:
    """The side of the training pictures, which grows with the run (progressive resizing) and may change by the step."""
    sides = [sides for start, sides in config.sizes if progress >= start][-1]
    return sides[step % len(sides)]


@torch.no_grad()
def predictions(net: nn.Module, images: Tensor, size: int = SIDE, batch: int = 250) -> Iterator[Tensor]:
    """Logits, batch by batch, of pictures uint8 [N, 3, H, W] scaled to `size` pixels."""
    for chunk in images.split(batch):
        pictures = chunk.float() / 255
        if size != pictures.shape[-1]:
            pictures = F.interpolate(pictures, size=(size, size), mode="bilinear", antialias=True)
        with mixed_precision(images.device):
            yield net(laid_out(normalised(pictures))).float()


def accuracy(
    net: nn.Module, images: Tensor, labels: Tensor, count: int | None = None, size: int = SIDE
) -> tuple[float, float]:
    """Top-1 and top-5 accuracy, 0 to 1, on the first `count` pictures."""
    images, labels = images[:count], labels[:count]
    logits = torch.cat(list(predictions(net, images, size)))
    ranked = logits.topk(min(5, logits.shape[1])).indices == labels[:, None]
    return float(ranked[:, 0].float().mean()), float(ranked.any(1).float().mean())


def write_row(path: Path, row: dict[str, Any]) -> None:
    """Append one line to the log, with the names of the columns first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, LOG_FIELDS)
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, then start the run or go on with it."""
    parser = argparse.ArgumentParser(prog="python -m viz_core.models.train", description=main.__doc__)
    parser.add_argument("--twin", choices=sorted(PRESETS), default="standard")
    parser.add_argument("--data", type=Path, required=True, help="folder of Tiny-ImageNet-200 in parquet files")
    parser.add_argument(
        "--out", type=Path, default=Path("out/train"), help="folder for checkpoint, log and decoded pictures"
    )
    parser.add_argument(
        "--start", type=Path, help="what to begin with: a checkpoint, or shipped weights (.safetensors)"
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=1.0,
        help="share of the usual learning rates: below 1 to go on from trained weights",
    )
    parser.add_argument(
        "--begin", type=float, default=0.0, help="with --start: the progress to begin at, 0.8 to repeat the end alone"
    )
    parser.add_argument("--teacher", type=Path, help="what `viz_core.models.teach` wrote, to learn from it as well")
    parser.add_argument("--epochs", type=float, help="length of the run in passes over the data")
    parser.add_argument("--minutes", type=float, help="length of the run in minutes, instead of epochs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--compile", action="store_true", help="a fifth faster on a processor; needs a C++ compiler")
    options = parser.parse_args(arguments)
    if options.begin and not options.start:
        parser.error("the end of a schedule needs trained weights: give --start")
    start = f"{options.start.name} {sha256(options.start.read_bytes()).hexdigest()[:12]}" if options.start else None
    teaching = torch.load(options.teacher, weights_only=True) if options.teacher else None
    teacher = f"{teaching['teacher']} at {teaching['size']} px" if teaching else None
    changes = {
        "seed": options.seed,
        "minutes": options.minutes,
        "epochs": options.epochs,
        "start": start,
        "begin": options.begin,
        "teacher": teacher,
    }
    changes = {name: value for name, value in changes.items() if value is not None}
    preset = PRESETS[options.twin]
    rates = {"peak_rate": options.rate * preset.peak_rate, "muon_rate": options.rate * preset.muon_rate}
    config = replace(preset, **rates, **changes)
    torch.set_num_threads(config.workers)
    train, val = (load_split(options.data, split, options.out / "decoded") for split in ("train", "val"))
    run = Run(config, train, val, options.out / options.twin, torch.device(options.device))
    run.taught = teaching["taught"] if teaching else None
    if run.checkpoint.exists():
        run.resume()
    elif options.start:
        run.start_from(options.start)
    if options.compile:
        run.compile()
    run.go()


if __name__ == "__main__":
    main()
