"""Class images as a script; of several side by side, the first, and of the ladder the last."""

from viz_core.generate.class_image import FOURIER_RATE, LADDER, LEVELS, ClassImage
from viz_core.generate.transform import LUCID, Jitter, Pad, Warp
from viz_core.generate.twins import twins
from viz_core.scripts.parts import comment, compose, fill, relu_rule, value
from viz_core.scripts.script import Script, beyond
from viz_core.scripts.steps import BLUR, COEFFICIENTS, VARIATION, fourier_groundwork

OBEYED = (
    *("goal", "also", "layer", "channel", "count", "steps", "start", "optimiser", "rate", "l2", "tv", "decay", "blur"),
    *("blur_every", "small_pixels", "small_contributions", "transforms", "most_rate", "guided", "facets", "dataset"),
    *("measure", "painter", "compare", "canvas"),
)
_BODY = """
generator = torch.Generator().manual_seed($seed)
$begin
values.requires_grad_()$prepare

def losses():  # what should become small, one number for each picture; its gradient is left in values.grad
    values.grad = None
    $look
    loss = $loss
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
    names = ", ".join(network.class_name(unit) for unit in units) if technique.goal == "class" else ""
    shape = (len(units), 3, side, side)
    shown = f"fourier(values, {side}, {side})" if fourier else "values"
    body = fill(
        _BODY,
        seed=technique.seed,
        begin=_begin(technique, shape),
        look=("painted = " + shown + "\n    " if fourier else "") + _look(technique, side),
        loss=_loss(technique, units, layers),
        prepare=_prepare(technique),
        steps=technique.steps,
        move=_move(technique),
        priors="\n        ".join(_priors(technique)),
        clamp="" if fourier else "values.clamp_(0, 1)",
        now=f"{shown}.detach()",
    )
    used = [
        (fourier, fourier_groundwork()),
        (technique.blur > 0 and not fourier, fill(BLUR)),
        ("without_faintest" in body, fill(_FAINTEST)),
        (technique.tv > 0, fill(VARIATION)),
        (technique.transforms == "lucid", _lucid()),
    ]
    groundwork = "\n\n".join(code for wanted, code in used if wanted)
    wanted = f"# What is painted: {comment(names)}\n" if names else ""
    rule = relu_rule("guided") + "\n" if technique.guided else ""
    pictures = {"picture.png": technique.image} if technique.start == "picture" else None
    code = rule + wanted + body
    return compose(technique, "image", code, part=place, layers=layers, pictures=pictures, groundwork=groundwork)


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
    raise beyond("compare")


def _lucid() -> str:
    pad, first, warp, last = LUCID
    assert isinstance(pad, Pad)
    assert isinstance(first, Jitter)
    assert isinstance(warp, Warp)
    assert isinstance(last, Jitter)
    sizes = {"pad": pad.pixels, "grey": pad.value, "first": first.pixels, "last": last.pixels}
    return fill(_LUCID, low=warp.scale[0], high=warp.scale[1], degrees=warp.degrees, **sizes)


def _begin(technique: ClassImage, shape: tuple[int, ...]) -> str:
    if technique.canvas == "fourier":
        return "values = " + COEFFICIENTS.format(spread=0.01, starts=shape[0], height=shape[2], half=shape[3] // 2 + 1)
    if technique.start == "picture":
        return f'values = picture("picture.png", {shape[-1]}).repeat({shape[0]}, 1, 1, 1)'
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


def _loss(technique: ClassImage, units: tuple[int, ...], layers: tuple[str, ...]) -> str:
    network = technique.network()
    each, chosen = f"[range({len(units)}), {list(units)}]", f"[:, {units[0]}]"
    pick = chosen if len(units) == 1 else each
    if technique.goal == "class":
        wish = f"scores.log_softmax(1){pick}" if technique.measure == "probability" else f"scores{pick}"
    else:
        answers = value(network, layers[0])
        maps = len(network.layer(layers[0]).shape) == 3
        if technique.goal == "layer":
            wish = f"({answers}.flatten(1).square().mean(1) / 2)"
        elif technique.goal == "direction":
            each = f'torch.einsum("nc...,c->n...", {answers}, direction)'
            wish = f"{each}.flatten(1).mean(1)" if maps else each
        elif technique.goal == "neuron" and maps:
            height, width = network.layer(layers[0], (technique.size or network.input_size,) * 2).shape[1:]
            wish = f"{answers}{pick}[..., {min(int(0.5 * height), height - 1)}, {min(int(0.5 * width), width - 1)}]"
        else:
            wish = f"{answers}{pick}.flatten(1).mean(1)" if maps else f"{answers}{pick}"
    shown = "painted" if technique.canvas == "fourier" else "values"
    terms = [f"-{wish}"]
    if technique.l2:
        terms.append(f"{technique.l2!r} * ({shown} - 0.5).abs().flatten(1).pow(2.0).mean(1)")
    if technique.tv:
        terms.append(f"{technique.tv!r} * variation({shown})")
    return " + ".join(terms)


def _prepare(technique: ClassImage) -> str:
    lines = []
    if technique.goal == "direction":
        layer = technique.network().resolve_layer(technique.layer)
        count = technique.network().layer(layer).shape[0]
        drawn = f"torch.randn({count}, generator=torch.Generator().manual_seed({technique.seed}))"
        lines.append(f"direction = {drawn} / {count**0.5!r}")
    if technique.optimiser == "adam":
        rate = technique.rate if technique.canvas == "fourier" else technique.rate / LEVELS
        lines.append(f"optimiser = torch.optim.Adam([values], lr={rate!r})")
    return "".join(f"\n{line}" for line in lines)


def _move(technique: ClassImage) -> str:
    if technique.optimiser == "adam":
        return "optimiser.step()"
    if technique.optimiser == "gradient":
        return f"values -= {technique.rate / LEVELS**2!r} * gradient"
    if technique.optimiser == "progress":
        return _PROGRESS.format(wanted=technique.rate, most=technique.most_rate / LEVELS**2)
    fourier = technique.canvas == "fourier"
    size, sides = (FOURIER_RATE * technique.rate, (1, 2, 3, 4)) if fourier else (technique.rate / LEVELS, (1, 2, 3))
    return f"values -= {size!r} * (gradient / gradient.abs().mean({sides}, keepdim=True))"


def _priors(technique: ClassImage) -> list[str]:
    if technique.canvas == "fourier":
        return []
    lines = []
    if technique.decay > 0:
        lines.append(f"values.copy_(0.5 + (values - 0.5) * {1 - technique.decay!r})  # pixels fade")
    if technique.blur > 0:
        blur = f"values.copy_(0.5 + blur(values - 0.5, {technique.blur!r}))"
        every = technique.blur_every
        lines.append(blur if every == 1 else f"if step % {every} == 0:\n            {blur}")
    if technique.small_pixels > 0:
        lines.append(f"values.copy_(without_faintest(values, (values - 0.5).norm(dim=1), {technique.small_pixels!r}))")
    if technique.small_contributions > 0:
        worth = "((values - 0.5) * gradient).sum(1).abs()"
        lines.append(f"values.copy_(without_faintest(values, {worth}, {technique.small_contributions!r}))")
    return lines
