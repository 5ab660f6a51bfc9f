"""Fooling as a script."""

from viz_core.generate.fooling import LEVELS, MADRY, Fooling
from viz_core.scripts.parts import comment, compose, fill
from viz_core.scripts.script import Script, beyond

OBEYED = ("attack", "aim", "start", "epsilon", "norm", "steps", "step", "confidence", "other")
_START = """
def rounded(x):  # as a picture can be shown and saved: 8 bits
    return (255 * x.clamp(0, 1)).round() / 255

goal = $goal  # $name
x = $begin
"""
_WALK = """
before = x = rounded(x)
for step in range($steps):
    pixels = x.detach().requires_grad_()
    loss = $sign see(pixels).log_softmax(1)[0, goal]  # $what
    (gradient,) = torch.autograd.grad(loss, pixels)
    $move
    x = x.clamp(0, 1)$until
result = rounded(x).numpy()
"""
_UNTIL = """
    probabilities = see(rounded(x)).softmax(1)[0]
    if $fooled:
        break"""
_MOVES = {
    "gradient": "x = x - {step!r} * gradient / gradient.abs().mean()",
    "fgsm": "x = x - {epsilon!r} * gradient.sign()",
    "linf": "x = x - {size!r} * gradient.sign()\n    x = before + (x - before).clamp({low!r}, {radius!r})",
    "l2": "x = x - {size!r} * gradient / gradient.norm()\n"
    "    x = before + (x - before) * ({radius!r} / (x - before).norm()).clamp(max=1)",
}
_DEEPFOOL = """
# DeepFool: walk to the nearest boundary as if the network were linear, until another class comes first.
before = x = rounded(x)
classes, change = see(x)[0].argsort(descending=True)[:10], torch.zeros_like(x)
for _ in range($steps):
    pixels = x.detach().requires_grad_()
    scores = see(pixels)[0]
    if scores.argmax() != classes[0]:
        break
    heights = scores[classes[1:]] - scores[classes[0]]
    slopes = torch.stack([torch.autograd.grad(height, pixels, retain_graph=True)[0][0] for height in heights])
    lengths = slopes.flatten(1).norm(dim=1) + 1e-8
    distances = heights.detach().abs() / lengths
    nearest = int(distances.argmin())
    change = change + (distances[nearest] + 1e-4) / lengths[nearest] * slopes[nearest]
    x = (before + 1.02 * change).clamp(0, 1)

# The least larger change that survives rounding.
change = x - before
shown = [rounded(before + 1.05**tries * change) for tries in range(60)]
fooled = (one for one in shown if see(one)[0].argmax() != goal)
result = next(fooled, rounded(x)).numpy()
"""


def write(technique: Fooling) -> Script:
    """The picture that fools, in 8 bits."""
    if technique.attack in ("pixel", "hog"):
        raise beyond("attack")
    network = technique.network()
    before = technique.beginning()
    towards, goal = technique.goal(network, network.target_index(None, before))
    size, shape = technique.size or network.input_size, tuple(technique.input().shape)
    noise = f"0.5 + 0.15 * torch.randn({shape}, generator=torch.Generator().manual_seed({technique.seed}))"
    begin = noise if technique.start == "noise" else f'picture("picture.png", {size})'
    body = fill(_START, goal=goal, name=comment(network.class_name(goal)), begin=begin) + "\n\n"
    body += _deepfool(technique) if technique.attack == "deepfool" else _walk(technique, towards)
    pictures = {"picture.png": technique.image} if technique.start == "picture" else None
    return compose(technique, "image", body, pictures=pictures)


def _deepfool(technique: Fooling) -> str:
    return fill(_DEEPFOOL, steps=technique.steps)


def _walk(technique: Fooling, towards: bool) -> str:
    attack = technique.norm if technique.attack == "pgd" else technique.attack
    radius = technique.radius(technique.input())
    move = _MOVES[attack].format(
        step=technique.step / LEVELS,
        epsilon=technique.epsilon / LEVELS,
        size=MADRY * radius / technique.steps,
        low=-radius,
        radius=radius,
    )
    sure = f"probabilities.argmax() == goal and float(probabilities[goal]) >= {technique.confidence!r}"
    fooled = sure if towards else "probabilities.argmax() != goal"
    return fill(
        _WALK,
        steps=1 if attack == "fgsm" else technique.steps,
        sign="-" if towards else "+",
        what="the class should become likely" if towards else "the class should become unlikely",
        move=move,
        until="\n    " + fill(_UNTIL, fooled=fooled).replace("\n", "\n    ").replace("        ", "        ")
        if attack == "gradient"
        else "",
    )
