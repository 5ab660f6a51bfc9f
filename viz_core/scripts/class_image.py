"""Class images as a script."""

from viz_core.generate.class_image import LEVELS, ClassImage
from viz_core.scripts.parts import comment, compose, fill, relu_rule, value
from viz_core.scripts.script import Script, beyond
from viz_core.scripts.steps import BLUR, VARIATION

OBEYED = (
    *("goal", "also", "layer", "channel", "count", "steps", "start", "optimiser", "rate", "l2", "tv", "decay", "blur"),
    *(
        "blur_every",
        "small_pixels",
        "small_contributions",
        "transforms",
        "most_rate",
        "guided",
        "facets",
        "dataset",
        "measure",
        "painter",
    ),
)
_BODY = """
generator = torch.Generator().manual_seed($seed)
$begin
values.requires_grad_()$prepare
centre = 0.5

def losses():  # what should become small, one number for each picture; its gradient is left in values.grad
    values.grad = None
    $look
    loss = $loss
    loss.sum().backward()
    return loss.detach()

least, best = losses(), values.detach().clone()
for step in range($steps):
    gradient = values.grad
    with torch.no_grad():
        $move
        $priors
        values.clamp_(0, 1)
    now = losses()
    best = torch.where((now < least).view(-1, 1, 1, 1), values.detach(), best)
    least = torch.minimum(now, least)
result = best.numpy()
Image.fromarray((255 * result[0].transpose(1, 2, 0)).round().astype(np.uint8)).save("image.png")
"""
_FAINTEST = """
def without_faintest(x, worth, percent):  # the pixels of least worth become grey
    bound = worth.flatten(1).quantile(percent / 100, dim=1).view(-1, 1, 1)
    return x * (worth >= bound)[:, None]
"""
_PROGRESS = """rate = ({wanted} / gradient.flatten(1).square().sum(1)).clamp(max={most})
        values -= rate.view(-1, 1, 1, 1) * gradient  # as far as the loss should sink if it were a plane"""


def write(technique: ClassImage) -> Script:
    """The best pictures."""
    if technique.transforms == "lucid":
        raise beyond("transforms")
    network = technique.network()
    side, units = technique.size or network.input_size, technique.units(network)
    layers = () if technique.goal == "class" else (network.resolve_layer(technique.layer),)
    names = ", ".join(network.class_name(unit) for unit in units) if technique.goal == "class" else ""
    shape = (len(units), 3, side, side)
    body = fill(
        _BODY,
        seed=technique.seed,
        begin=_begin(technique, shape),
        look=_look(technique, side),
        loss=_loss(technique, units, layers),
        prepare=_prepare(technique),
        steps=technique.steps,
        move=_move(technique),
        priors="\n        ".join(_priors(technique)),
    )
    used = [
        (technique.blur > 0, BLUR),
        (technique.small_pixels > 0 or technique.small_contributions > 0, _FAINTEST),
        (technique.tv > 0, VARIATION),
    ]
    groundwork = "".join(fill(code) + "\n\n" for wanted, code in used if wanted)
    wanted = f"# What is painted: {comment(names)}\n" if names else ""
    rule = relu_rule("guided") + "\n" if technique.guided else ""
    pictures = {"picture.png": technique.image} if technique.start == "picture" else None
    return compose(technique, "image", rule + wanted + body, layers=layers, pictures=pictures, groundwork=groundwork)


def _begin(technique: ClassImage, shape: tuple[int, ...]) -> str:
    if technique.start == "picture":
        return f'values = picture("picture.png", {shape[-1]}).repeat({shape[0]}, 1, 1, 1)'
    if technique.start == "noise":
        return f"values = 0.5 + {10 / LEVELS!r} * torch.randn({shape}, generator=generator)"
    return f"values = torch.full({shape}, 0.5)  # grey"


def _look(technique: ClassImage, side: int) -> str:
    if technique.transforms == "none":
        return "scores = see(values)"
    far = max(1, side // 16)
    return (
        f"shift = torch.randint({-far}, {far + 1}, (2,), generator=generator).tolist()  # so that no pixel counts alone\n"
        "    scores = see(values.roll(shift, (2, 3)))"
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
            raise beyond("goal")
        elif technique.goal == "neuron" and maps:
            height, width = network.layer(layers[0], (technique.size or network.input_size,) * 2).shape[1:]
            wish = f"{answers}{pick}[..., {min(int(0.5 * height), height - 1)}, {min(int(0.5 * width), width - 1)}]"
        else:
            wish = f"{answers}{pick}.flatten(1).mean(1)" if maps else f"{answers}{pick}"
    terms = [f"-{wish}"]
    if technique.l2:
        terms.append(f"{technique.l2!r} * (values - 0.5).abs().flatten(1).pow(2.0).mean(1)")
    if technique.tv:
        terms.append(f"{technique.tv!r} * variation(values)")
    return " + ".join(terms)


def _prepare(technique: ClassImage) -> str:
    if technique.optimiser == "adam":
        return f"\noptimiser = torch.optim.Adam([values], lr={technique.rate / LEVELS!r})"
    return ""


def _move(technique: ClassImage) -> str:
    if technique.optimiser == "adam":
        return "optimiser.step()"
    if technique.optimiser == "gradient":
        return f"values -= {technique.rate / LEVELS**2!r} * gradient"
    if technique.optimiser == "progress":
        return _PROGRESS.format(wanted=technique.rate, most=technique.most_rate / LEVELS**2)
    return f"values -= {technique.rate / LEVELS!r} * (gradient / gradient.abs().mean((1, 2, 3), keepdim=True))"


def _priors(technique: ClassImage) -> list[str]:
    lines = []
    if technique.decay > 0:
        lines.append(f"values.copy_(centre + (values - centre) * {1 - technique.decay!r})  # pixels fade")
    if technique.blur > 0:
        blur = f"values.copy_(centre + blur(values - centre, {technique.blur!r}))"
        every = technique.blur_every
        lines.append(blur if every == 1 else f"if step % {every} == 0:\n            {blur}")
    about = "values - centre"
    if technique.small_pixels > 0:
        worth = f"({about}).norm(dim=1)"
        lines.append(f"values.copy_(centre + without_faintest({about}, {worth}, {technique.small_pixels!r}))")
    if technique.small_contributions > 0:
        worth = f"(({about}) * gradient).sum(1).abs()"
        lines.append(f"values.copy_(centre + without_faintest({about}, {worth}, {technique.small_contributions!r}))")
    return lines
