"""Class images as a script; of several side by side, the first, and of the ladder the last."""

import math
import textwrap
from typing import Any

import numpy as np
import torch

from viz_core.generate import prior
from viz_core.generate.class_image import CENTRE_START, FOURIER_RATE, LADDER, LEVELS, ClassImage
from viz_core.generate.facets import (
    BATCH,
    CENTRE,
    COMPONENTS,
    FACETS,
    KEPT_FOR_EACH,
    MOST_LOOKED_AT,
    NEAREST,
    Phase,
)
from viz_core.generate.prior import Denoise
from viz_core.generate.transform import LUCID, Jitter, Pad, Warp
from viz_core.generate.twins import twins
from viz_core.images.datasets import open_dataset
from viz_core.scripts.parts import (
    LONGEST_LINE,
    Files,
    borrowed,
    comment,
    compose,
    fill,
    relu_rule,
    set_files,
    value,
    wrapped,
)
from viz_core.scripts.script import Script
from viz_core.scripts.steps import BLUR, COEFFICIENTS, VARIATION, fourier_groundwork

OBEYED = (
    *("goal", "also", "layer", "channel", "count", "steps", "start", "optimiser", "rate", "l2", "tv", "decay", "blur"),
    *("blur_every", "small_pixels", "small_contributions", "transforms", "most_rate", "guided", "facets", "dataset"),
    *("measure", "painter", "compare", "canvas", "begin"),
)
_BODY = """
generator = torch.Generator().manual_seed($seed)
$begin
values.requires_grad_()$prepare

def losses():  # what should become small, one number for each picture; its gradient is left in values.grad
    values.grad = None
    $look
    $loss
    loss.sum().backward()
    return loss.detach()

least, best = losses(), $now.clone()
for step in range($steps):
    gradient = values.grad
    with torch.no_grad():
        $move
        $priors
        $clamp
    now = losses()
    best = torch.where((now < least).view(-1, 1, 1, 1), $now, best)
    least = torch.minimum(now, least)
result = best.numpy()
Image.fromarray((255 * result[0].transpose(1, 2, 0)).round().astype(np.uint8)).save("image.png")
"""
_FACETS = """
# Of the pictures the class scores highest, what the network says of each; groups of alike ones, and each group's mean.
x = all_pictures("pictures")  # as the network sees them: squares of $side pixels
codes, scores = [], []
for part in x.split($batch):
    scores.append(see(part)[:, $index])  # $name
    codes.append($codes.flatten(1))
best = torch.cat(scores).argsort(descending=True)[:$kept]
reduced = PCA($components, random_state=$seed).fit_transform(torch.cat(codes)[best].numpy())
near = KMeans($facets, n_init=4, random_state=$seed).fit(reduced).transform(reduced).argsort(0)[:$nearest]
values = torch.stack([x[best][near[:, group]].mean(0) for group in range($facets)]).clamp(0, 1)
"""
_CENTRE = """
values = ($grey + $spread * torch.randn($shape, generator=generator)).clamp(0, 1)$direction
"""
_PHASES = """
generator = torch.Generator().manual_seed($seed)
$begin

# Phases: steps, size of a step and weight of the denoising from first to last, enlargement, how far the view wanders.
$phases
for steps, sizes, weights, larger, wander in phases:
    values = F.interpolate(values.detach(), scale_factor=larger, mode="bicubic").clamp(0, 1).requires_grad_()
    for step in range(steps):
        values.grad = None
        scores = see(window(values, $side, wander, generator))
        (-$wish).sum().backward()
        with torch.no_grad():
            along = step / max(1, steps - 1)
            size, weight = (first + (last - first) * along for first, last in (sizes, weights))
            values -= size / 255 * (values.grad / values.grad.abs().mean((1, 2, 3), keepdim=True))
            values.copy_(0.5 + tv_denoise(values - 0.5, weight / 255, $rounds)).clamp_(0, 1)
    window(values, $side, wander, generator)  # one more look, whose random place is drawn
result = values.detach().numpy()
Image.fromarray((255 * result[0].transpose(1, 2, 0)).round().astype(np.uint8)).save("image.png")
"""
_WINDOW = """
def window(x, side, wander, generator):  # a square about the middle, strayed by a share of the room there is
    room = [length - side for length in x.shape[-2:]]
    draw = (0.5 + wander * torch.randn(2, generator=generator)).clamp(0, 1).tolist()
    top, left = (round(most * share) for most, share in zip(room, draw))
    return x[..., top : top + side, left : left + side]
"""
_ALL_PICTURES = """
def all_pictures(folder):  # in order, (N, 3, H, W) in [0, 1]
    pixels = np.stack([np.asarray(Image.open(file)) for file in sorted(Path(folder).glob("*.png"))])
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32) / np.float32(255))
"""
_FAINTEST = """
def without_faintest(x, worth, percent):  # the pixels of least worth become grey
    bound = worth.flatten(1).quantile(percent / 100, dim=1).view(-1, 1, 1)
    return 0.5 + (x - 0.5) * (worth >= bound)[:, None]
"""
_PROGRESS = """rate = ({wanted} / gradient.flatten(1).square().sum(1)).clamp(max={most})
        values -= rate.view(-1, *[1] * (values.dim() - 1)) * gradient  # as far as the loss should sink on a plane"""
_LUCID = """
def cropped(x, generator, pixels):  # rows and columns cut off, at random from either side
    height, width = (side - pixels for side in x.shape[-2:])
    top, left = torch.randint(0, pixels + 1, (2,), generator=generator).tolist()
    return x[..., top : top + height, left : left + width]

def turned(x, generator, low, high, degrees):  # zoomed and turned at random about the middle
    draw = torch.rand(2, generator=generator).tolist()
    zoom, angle = low + (high - low) * draw[0], math.radians(degrees * (2 * draw[1] - 1))
    (height, width), cos, sin = x.shape[-2:], math.cos(angle) / zoom, math.sin(angle) / zoom
    theta = torch.tensor([[cos, -sin * height / width, 0.0], [sin * width / height, cos, 0.0]])
    where = F.affine_grid(theta.expand(len(x), 2, 3), list(x.shape), align_corners=False)
    return F.grid_sample(x, where, mode="bilinear", padding_mode="border", align_corners=False)

def shaken(x, generator):  # a frame of grey, then shifts, zooms and turns: what survives them is robust
    x = cropped(F.pad(x, ($pad,) * 4, value=$grey), generator, $first)
    return cropped(turned(x, generator, $low, $high, $degrees), generator, $last)
"""


def write(technique: ClassImage) -> Script:
    """The best pictures."""
    technique, place = _first(technique)
    network, fourier = technique.network(), technique.canvas == "fourier"
    side, units = technique.size or network.input_size, technique.units(network)
    layers = () if technique.goal == "class" else (network.resolve_layer(technique.layer),)
    if technique.compare in ("facets", "centre"):
        return _in_phases(technique, units, layers)
    shape = (len(units), *technique.make_canvas(network, torch.Generator()).picture().shape[1:])
    shown = f"fourier(values, {shape[2]}, {shape[3]})" if fourier else "values"
    body = fill(
        _BODY,
        seed=technique.seed,
        begin=_begin(technique, side, shape),
        look=("painted = " + shown + "\n    " if fourier else "") + _look(technique, side),
        loss=_loss(technique, _wish(technique, units, layers)),
        prepare=_prepare(technique),
        steps=technique.steps,
        move=_move(technique),
        priors="\n        ".join(_priors(technique)),
        clamp="" if fourier else "values.clamp_(0, 1)",
        now=f"{shown}.detach()",
    )
    used = [
        (fourier, fourier_groundwork(technique.begin is not None)),
        (technique.blur > 0 and not fourier, fill(BLUR)),
        ("without_faintest" in body, fill(_FAINTEST)),
        (technique.tv > 0, fill(VARIATION)),
        (technique.transforms == "lucid", _lucid()),
        (technique.guided, relu_rule("guided").strip("\n")),
    ]
    groundwork = "\n\n".join(code for wanted, code in used if wanted)
    pictures = {"picture.png": technique.image} if technique.start == "picture" else {}
    if technique.begin is not None:
        pictures = {"begin.png": technique.begin}
    code = _named(technique, units) + body
    return compose(technique, "image", code, part=place, layers=layers, pictures=pictures, groundwork=groundwork)


def _named(technique: ClassImage, units: tuple[int, ...]) -> str:
    """A comment that says which classes are painted."""
    if technique.goal != "class":
        return ""
    names = ", ".join(technique.network().class_name(unit) for unit in units)
    return textwrap.shorten(f"# What is painted: {comment(names)}", LONGEST_LINE, placeholder=" ...") + "\n"


def _in_phases(technique: ClassImage, units: tuple[int, ...], layers: tuple[str, ...]) -> Script:
    """The facets of a class, or pictures painted from the centre."""
    network, side = technique.network(), technique.size or technique.network().input_size
    facets, files = technique.compare == "facets", Files()
    if facets:
        layers = (network.layer_names[-2],)
        begin, files = _facets(technique, units[0], side)
    else:
        spread, grey = CENTRE_START
        shape = (len(units), 3, side, side)
        direction = _direction(technique) if technique.goal == "direction" else ""
        begin = fill(_CENTRE, grey=grey, spread=spread, shape=shape, direction=direction)
    named = "" if facets else _named(technique, units)
    body = named + fill(
        _PHASES,
        seed=technique.seed,
        begin=begin,
        phases=wrapped(f"phases = {_phases(FACETS if facets else CENTRE, technique.steps)}"),
        side=side,
        wish=_wish(technique, units, layers),
        rounds=Denoise(1.0).rounds,
    )
    groundwork = [
        fill(_ALL_PICTURES) if facets else "",
        borrowed(prior._divergence, prior._forward_difference, prior.tv_denoise),
        fill(_WINDOW),
    ]
    code = "\n\n".join(part.strip("\n") for part in groundwork if part)
    return compose(technique, "image", body, layers=layers, groundwork=code, files=files)


def _facets(technique: ClassImage, index: int, side: int) -> tuple[str, Files]:
    """The code that finds what each facet begins as, with the pictures it looks at."""
    network, pictures = technique.network(), open_dataset(technique.dataset)
    looked_at = np.unique(np.linspace(0, len(pictures) - 1, min(len(pictures), MOST_LOOKED_AT)).round().astype(int))
    kept = min(technique.facets * KEPT_FOR_EACH, len(looked_at))
    codes = value(network, network.layer_names[-2])
    numbers = math.prod(network.layer(network.layer_names[-2], (side, side)).shape)
    code = fill(
        _FACETS,
        side=side,
        batch=BATCH,
        index=index,
        name=comment(network.class_name(index)),
        codes=codes,
        kept=kept,
        components=min(COMPONENTS, kept, numbers),
        seed=technique.seed,
        facets=technique.facets,
        nearest=min(NEAREST, kept),
    )
    return code, set_files(pictures, looked_at.tolist(), side)


def _phases(phases: tuple[Phase, ...], steps: int) -> list[tuple[Any, ...]]:
    """The phases that a run of so many steps has, as a script writes them."""
    ends = np.cumsum([phase.share for phase in phases]) / sum(phase.share for phase in phases) * steps
    found, done = [], 0
    for phase, end in zip(phases, ends.round().astype(int).tolist(), strict=True):
        if end > done:
            found.append((end - done, phase.size, phase.denoise, phase.enlarge, phase.wander))
            done = end
    return found


def _first(technique: ClassImage) -> tuple[ClassImage, tuple[slice, ...]]:
    """The painting that the script makes, and which of the pictures it is."""
    alone = technique.model_copy(update={"compare": "one"})
    pictures = len(technique.units(technique.network()))
    if technique.compare == "one":
        return technique, ()
    if technique.compare == "ladder":
        return alone.model_copy(update=list(LADDER.values())[-1]), (slice(-pictures, None),)
    if technique.compare == "starts":
        return alone.model_copy(update={"start": "noise"}), (slice(pictures),)
    if technique.compare == "twins":
        changes = {
            "model": twins(technique.model)[0],
            "painter": "itself",
            "target": technique.units(technique.network())[0],
        }
        return alone.model_copy(update=changes), (slice(pictures),)
    return technique, ()


def _lucid() -> str:
    pad, first, warp, last = LUCID
    assert isinstance(pad, Pad)
    assert isinstance(first, Jitter)
    assert isinstance(warp, Warp)
    assert isinstance(last, Jitter)
    sizes = {"pad": pad.pixels, "grey": pad.value, "first": first.pixels, "last": last.pixels}
    return fill(_LUCID, low=warp.scale[0], high=warp.scale[1], degrees=warp.degrees, **sizes)


def _begin(technique: ClassImage, side: int, shape: tuple[int, ...]) -> str:
    """What the canvas begins as."""
    if technique.begin is not None:
        begun = f'picture("begin.png", {side})'
        return f"values = coefficients({begun})" if technique.canvas == "fourier" else f"values = {begun}"
    if technique.canvas == "fourier":
        return "values = " + COEFFICIENTS.format(spread=0.01, starts=shape[0], height=shape[2], half=shape[3] // 2 + 1)
    if technique.start == "picture":
        return f'values = picture("picture.png", {side}).repeat({shape[0]}, 1, 1, 1)'
    if technique.start == "noise":
        return f"values = 0.5 + {10 / LEVELS!r} * torch.randn({shape}, generator=generator)"
    return f"values = torch.full({shape}, 0.5)  # grey"


def _look(technique: ClassImage, side: int) -> str:
    shown = "painted" if technique.canvas == "fourier" else "values"
    if technique.transforms == "none":
        return f"scores = see({shown})"
    if technique.transforms == "lucid":
        return f"scores = see(shaken({shown}, generator))"
    far = max(1, side // 16)
    return (
        f"shift = torch.randint({-far}, {far + 1}, (2,), generator=generator).tolist()  # so that no pixel counts alone\n"
        f"    scores = see({shown}.roll(shift, (2, 3)))"
    )


def _wish(technique: ClassImage, units: tuple[int, ...], layers: tuple[str, ...]) -> str:
    """What should grow, one number for each picture."""
    network = technique.network()
    each, chosen = f"[range({len(units)}), {list(units)}]", f"[:, {units[0]}]"
    pick = chosen if len(set(units)) == 1 else each
    if technique.compare == "facets":
        return f"scores{pick}"
    if technique.goal == "class":
        likely = technique.measure == "probability" or technique.compare == "centre"
        return f"scores.log_softmax(1){pick}" if likely else f"scores{pick}"
    answers = value(network, layers[0])
    maps = len(network.layer(layers[0]).shape) == 3
    if technique.goal == "layer":
        return f"({answers}.flatten(1).square().mean(1) / 2)"
    if technique.goal == "direction":
        along = f'torch.einsum("nc...,c->n...", {answers}, direction)'
        return f"{along}.flatten(1).mean(1)" if maps else along
    if technique.goal == "neuron" and maps:
        height, width = network.layer(layers[0], (technique.size or network.input_size,) * 2).shape[1:]
        return f"{answers}{pick}[..., {min(int(0.5 * height), height - 1)}, {min(int(0.5 * width), width - 1)}]"
    return f"{answers}{pick}.flatten(1).mean(1)" if maps else f"{answers}{pick}"


def _loss(technique: ClassImage, wish: str) -> str:
    """What should become small, term by term."""
    shown = "painted" if technique.canvas == "fourier" else "values"
    lines = [f"loss = -{wish}"]
    if technique.l2:
        lines.append(f"loss = loss + {technique.l2!r} * ({shown} - 0.5).abs().flatten(1).pow(2.0).mean(1)")
    if technique.tv:
        lines.append(f"loss = loss + {technique.tv!r} * variation({shown})")
    return "\n    ".join(lines)


def _prepare(technique: ClassImage) -> str:
    lines = [_direction(technique).strip("\n")] if technique.goal == "direction" else []
    if technique.optimiser == "adam":
        rate = technique.rate if technique.canvas == "fourier" else technique.rate / LEVELS
        lines.append(f"optimiser = torch.optim.Adam([values], lr={rate!r})")
    return "".join(f"\n{line}" for line in lines)


def _direction(technique: ClassImage) -> str:
    """A random direction in a layer."""
    layer = technique.network().resolve_layer(technique.layer)
    count = technique.network().layer(layer).shape[0]
    drawn = f"torch.randn({count}, generator=torch.Generator().manual_seed({technique.seed}))"
    return f"\ndirection = {drawn} / {count**0.5!r}"


def _move(technique: ClassImage) -> str:
    if technique.optimiser == "adam":
        return "optimiser.step()"
    if technique.optimiser == "gradient":
        return f"values -= {technique.rate / LEVELS**2!r} * gradient"
    if technique.optimiser == "progress":
        return _PROGRESS.format(wanted=technique.rate, most=technique.most_rate / LEVELS**2)
    fourier = technique.canvas == "fourier"
    size, ones = (FOURIER_RATE * technique.rate, "1, 1, 1, 1") if fourier else (technique.rate / LEVELS, "1, 1, 1")
    return f"values -= {size!r} * (gradient / gradient.flatten(1).abs().mean(1).view(-1, {ones}))"


def _priors(technique: ClassImage) -> list[str]:
    if technique.canvas == "fourier":
        return []
    lines = []
    if technique.decay > 0:
        lines.append(f"values.copy_(0.5 + (values - 0.5) * {1 - technique.decay!r})  # pixels fade")
    if technique.blur > 0:
        sigma, every = repr(technique.blur), technique.blur_every
        blurred = f"blur(values - 0.5, {sigma})"
        lines.append(f"values.copy_(0.5 + ({blurred} if step % {every} == 0 else values - 0.5))")
    if technique.small_pixels > 0:
        lines.append(
            f"values.copy_(without_faintest(values, (values - 0.5).square().sum(1).sqrt(), {technique.small_pixels!r}))"
        )
    if technique.small_contributions > 0:
        worth = "((values - 0.5) * gradient).sum(1).abs()"
        lines.append(f"values.copy_(without_faintest(values, {worth}, {technique.small_contributions!r}))")
    return lines
