"""Inversion as a script."""

from viz_core.generate.inversion import ALPHA, FAINT, LOUD, OWN_TV, Inversion
from viz_core.scripts.parts import compose, fill, module_use, value, wrapped
from viz_core.scripts.script import Script, beyond
from viz_core.scripts.steps import COEFFICIENTS, VARIATION, clamp_code, fourier_groundwork, step_code, step_groundwork

OBEYED = ("layers", "starts", "steps", "optimiser", "tv", "beta", "alpha", "canvas", "part")
_BODY = """
x = picture("picture.png", $size)

$canvas

$layers
smoothness = $smoothness  # how much roughness counts: more for deeper layers
result = []
for layer, weight in zip(layers, smoothness):
    see(x)
    goal = $answers.detach()  # what the layer answers to the picture$mask
    size = goal.flatten(1).square().sum(1)
    $begin
    values.requires_grad_()

    def losses():  # how far the layer's answers to the picture are from the goal, and how rough it is
        values.grad = None
        painted = shown(values)
        see(painted)
        loss = ($answers$masked - goal).flatten(1).square().sum(1) / size
        loss = loss + weight * variation(painted, $beta)$alpha
        loss.sum().backward()
        return loss.detach()

    least, best = losses(), shown(values).detach().clone()
    step = $step
    for _ in range($steps):
        step()
        $clamp
        now = losses()
        best = torch.where((now < least).view(-1, 1, 1, 1), shown(values).detach(), best)
        least = torch.minimum(now, least)
    result.append(best.clamp(0, 1))
result = torch.cat(result).numpy()
"""
_PIXELS = """
variance = float((x - mean).square().mean())

def shown(values):  # the values are the pixels
    return values
"""
_FOURIER = """
def shown(values):  # the values are Fourier coefficients
    return fourier(values, *x.shape[-2:])
"""
_MASKS = {
    "half": """
    mask = (torch.arange(goal.shape[1]) % 2 == 0).float().view(1, -1, *[1] * (goal.dim() - 2))  # every second channel
    goal = goal * mask""",
    "centre": """
    near = [((torch.arange(side) - side // 2).abs() <= 2).float() for side in goal.shape[2:]]  # of the middle
    mask = near[0][:, None] * near[1] if near else 1
    goal = goal * mask""",
}
_NOISE = """generator = torch.Generator().manual_seed({seed})
    values = mean + variance**0.5 * torch.randn(({starts}, *x.shape[1:]), generator=generator)"""
_COEFFICIENTS = "generator = torch.Generator().manual_seed({seed})\n    values = " + COEFFICIENTS


def write(technique: Inversion) -> Script:
    """The pictures of all layers."""
    network, layers = technique.network(), technique.depths()
    answers = {value(network, layer, layers) for layer in layers}
    if any("]" + "[" in one for one in answers):
        raise beyond("layers")
    names = ", ".join(f'"{module_use(network, layer)[0]}"' for layer in layers)
    spread = FAINT if technique.starts == 1 else LOUD
    height, width = technique.input().shape[-2:]
    name, fourier = technique.optimiser, technique.canvas == "fourier"
    body = fill(
        _BODY,
        size=technique.size or network.input_size,
        layers=wrapped(f"layers = [{names}]"),
        smoothness=[technique.tv * OWN_TV[technique.third(network, layer)] for layer in layers],
        answers="seen[layer]",
        begin=(_COEFFICIENTS if fourier else _NOISE).format(
            starts=technique.starts, seed=technique.seed, spread=spread, height=height, half=width // 2 + 1
        ),
        canvas=fill(_FOURIER if fourier else _PIXELS),
        beta=repr(technique.beta),
        mask=_MASKS[technique.part] if technique.part != "all" else "",
        masked=" * mask" if technique.part != "all" else "",
        alpha=f"\n        loss = loss + {technique.alpha!r} * (painted - mean).abs().flatten(1).pow({ALPHA}).mean(1)"
        if technique.alpha
        else "",
        steps=technique.steps,
        step=step_code(name, 0.05),
        clamp="" if fourier else clamp_code(name),
    )
    groundwork = fill(VARIATION) + "\n\n" + step_groundwork(name)
    if fourier:
        groundwork += fourier_groundwork()
    pictures = {"picture.png": technique.image}
    return compose(technique, "image", body, pictures=pictures, layers=layers, groundwork=groundwork)
