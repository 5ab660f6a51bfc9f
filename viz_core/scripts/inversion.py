"""Inversion as a script."""

from collections.abc import Sequence

from viz_core.generate.inversion import (
    ALPHA,
    FAINT,
    LBFGS_HISTORY,
    LOUD,
    MV_ALPHA,
    MV_MOMENTUM,
    MV_RATE,
    MV_SCHEDULE,
    MV_TV,
    OWN_TV,
    Inversion,
)
from viz_core.models.graph import GraphModel
from viz_core.scripts.parts import compose, fill, module_use, wrapped
from viz_core.scripts.script import Script
from viz_core.scripts.steps import (
    COEFFICIENTS,
    MOMENTUM,
    VARIATION,
    clamp_code,
    fourier_groundwork,
    step_code,
    step_groundwork,
)

OBEYED = ("layers", "starts", "steps", "schedule", "optimiser", "tv", "beta", "alpha", "canvas", "part", "begin")
_BODY = """
x = picture("picture.png", $size)

$canvas

$layers
smoothness = $smoothness  # how much roughness counts: more for deeper layers
result = []
for layer, weight in zip(layers, smoothness):
    see(x)
    goal = $answers.detach()  # what the layer answers to the picture
    $mask
    size = goal.flatten(1).square().sum(1)
    $begin
    values.requires_grad_()

    def losses():  # how far the layer's answers to the picture are from the goal, and how rough it is
        values.grad = None
        painted = $shown
        see(painted)
        loss = ($answers$masked - goal).flatten(1).square().sum(1) / size
        loss = loss + weight * variation(painted, $beta)$alpha
        loss.sum().backward()
        return loss.detach()

    least, best = losses(), $shown.detach().clone()
    step = $step
    for _ in range($steps):
        step()
        $clamp
        now = losses()
        best = torch.where((now < least).view(-1, 1, 1, 1), $shown.detach(), best)
        least = torch.minimum(now, least)
    result.append(best.clamp(0, 1))
result = torch.cat(result).numpy()
"""
_PIXELS = """
variance = float((x - mean).square().mean())
$rates
"""
_MASKED = """
mask = what_counts(goal)
    goal = goal * mask
"""
_WHAT_COUNTS = {
    "half": """
def what_counts(answers):  # every second channel
    return (torch.arange(answers.shape[1]) % 2 == 0).float().view(1, -1, *[1] * (answers.dim() - 2))
""",
    "centre": """
def what_counts(answers):  # the 5 x 5 places in the middle
    near = [((torch.arange(side) - side // 2).abs() <= 2).float() for side in answers.shape[2:]]
    return near[0][:, None] * near[1] if near else 1
""",
}
_SEED = "generator = torch.Generator().manual_seed({seed})\n    "
_NOISE = _SEED + "values = mean + variance**0.5 * torch.randn(({starts}, *x.shape[1:]), generator=generator)"
_COEFFICIENTS = _SEED + "values = " + COEFFICIENTS
_PICTURE = (
    'start = F.interpolate(picture("begin.png", min(x.shape[-2:])), x.shape[-2:], mode="bilinear")\n'
    "    values = {form}.repeat({starts}, 1, 1, 1{more})"
)
_SCHEDULE = " + ".join(f"{steps} * [{MV_RATE * share!r}]" for steps, share in MV_SCHEDULE)
_RATES = f"rates = [rate * variance * x.numel() for rate in {_SCHEDULE}]  # for length 1"


def write(technique: Inversion) -> Script:
    """The pictures of all layers."""
    network, layers = technique.network(), technique.depths()
    uses = [module_use(network, layer) for layer in layers]  # modules, and which of their uses
    once = not any(use for _, use in uses)
    names = ", ".join(f'"{name}"' if once else f'("{name}", {use})' for name, use in uses)
    name, published = technique.optimiser, technique.schedule == "mahendran"
    fourier = technique.canvas == "fourier" and not published
    roughness, alpha = _smoothness(technique, network, layers)
    body = fill(
        _BODY,
        size=technique.size or network.input_size,
        layers=wrapped(f"layers = [{names}]"),
        smoothness=roughness,
        answers="seen[layer]" if once else "seen[layer[0]][layer[1]]",
        begin=_begin(technique, fourier),
        canvas="" if fourier else fill(_PIXELS, rates=_RATES if published else ""),
        shown="fourier(values, *x.shape[-2:])" if fourier else "values",
        beta=repr(technique.beta),
        mask=_MASKED.strip("\n") if technique.part != "all" else "",
        masked=" * mask" if technique.part != "all" else "",
        alpha=f"\n        loss = loss + {alpha!r} * (painted - mean).abs().flatten(1).pow({ALPHA}).mean(1)"
        if alpha
        else "",
        steps=technique.steps,
        step=f"Descent(values, rates, {MV_MOMENTUM}).step" if published else step_code(name, 0.05),
        clamp="" if fourier or published else clamp_code(name),
    )
    groundwork = [
        fill(VARIATION),
        fill(MOMENTUM) if published else step_groundwork(name, LBFGS_HISTORY),
        fourier_groundwork(technique.begin is not None) if fourier else "",
        fill(_WHAT_COUNTS[technique.part]) if technique.part != "all" else "",
    ]
    pictures = {"picture.png": technique.image}
    if technique.begin is not None:
        pictures["begin.png"] = technique.begin
    code = "\n\n".join(part.strip("\n") for part in groundwork if part)
    return compose(technique, "image", body, pictures=pictures, layers=layers, groundwork=code)


def _begin(technique: Inversion, fourier: bool) -> str:
    """What the canvas begins as: noise, or a picture."""
    if technique.begin is not None:
        form, more = ("coefficients(start)", ", 1") if fourier else ("start", "")
        return _PICTURE.format(form=form, more=more, starts=technique.starts)
    spread = FAINT if technique.starts == 1 else LOUD
    height, width = technique.input().shape[-2:]
    places = {"seed": technique.seed, "starts": technique.starts, "height": height, "half": width // 2 + 1}
    return (_COEFFICIENTS if fourier else _NOISE).format(spread=spread, **places)


def _smoothness(technique: Inversion, network: GraphModel, layers: Sequence[str]) -> tuple[list[float], float]:
    """The weight of the total variation for each layer, and that of the sixth power of the pixels."""
    thirds = [technique.third(network, layer) for layer in layers]
    if technique.schedule == "own":
        return [technique.tv * OWN_TV[third] for third in thirds], technique.alpha
    variance = float((technique.input() - network.mean).square().mean())
    return [MV_TV[third] / 2 / variance for third in thirds], MV_ALPHA / 2 * 255 ** (ALPHA - 2) / variance
