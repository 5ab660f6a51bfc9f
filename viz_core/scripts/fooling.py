"""Fooling as a script."""

from viz_core.generate import hog
from viz_core.generate.fooling import LEVELS, MADRY, PEOPLE, STRENGTH_STEPS, STRENGTHS, Fooling, bundled_twins
from viz_core.generate.one_pixel import AT_ONCE, MUTATION
from viz_core.scripts.parts import borrowed, comment, compose, fill
from viz_core.scripts.script import Script

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
    "gradient": "x = x - {step!r} * (gradient / gradient.abs().mean())",
    "fgsm": "x = x - {epsilon!r} * gradient.sign()",
    "linf": "x = x - {size!r} * gradient.sign()\n    x = before + (x - before).clamp({low!r}, {radius!r})",
    "l2": "x = x - {size!r} * (gradient / gradient.norm())\n"
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

_PIXEL = """
# One pixel, (row, column, red, green, blue) in [0, 1], found by differential evolution: no gradient is needed.
before, generator = rounded(x), torch.Generator().manual_seed($seed)

def painted(places):  # the picture with one pixel painted over, once for each place
    pictures, (height, width) = before.repeat(len(places), 1, 1, 1), before.shape[-2:]
    rows, columns = (places[:, 0] * height).long(), (places[:, 1] * width).long()
    rows, columns = rows.clamp(max=height - 1), columns.clamp(max=width - 1)
    pictures[torch.arange(len(places)), :, rows, columns] = rounded(places[:, 2:])
    return pictures

def worth(places):  # $what
    return $sign torch.cat([see(painted(part)).log_softmax(1)[:, goal] for part in places.split($at_once)])

places = torch.rand($people, 5, generator=generator)
worths = worth(places)
for _ in range($steps):
    first, second, third = (torch.randperm($people, generator=generator) for _ in range(3))
    children = (places[first] + $mutation * (places[second] - places[third])).clamp(0, 1)
    theirs = worth(children)
    places = torch.where((theirs > worths)[:, None], children, places)  # a child replaces the parent it is better than
    worths = torch.maximum(theirs, worths)
    best = places[worths.argmax()][None]
    if $fooled:
        break
result = rounded(painted(best)).numpy()
"""
_STRENGTH = """
# PGD away from what is seen first, within ever larger balls around the picture.
before, result = rounded(x), []
for epsilon in $strengths:
    x, radius = before, epsilon / 255
    for step in range($steps):
        pixels = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(see(pixels).log_softmax(1)[0, goal], pixels)
        x = x - $madry * radius / $steps * gradient.sign()
        x = (before + (x - before).clamp(-radius, radius)).clamp(0, 1)
    scores = see(rounded(x))[0]
    print("epsilon", epsilon, "sees", int(scores.argmax()), "left", float(scores.softmax(0)[goal]))
    result.append((255 * rounded(x)[0]).round().byte().permute(1, 2, 0).numpy())
result = np.stack(result)
"""
_HOG = """
def rounded(x):  # as a picture can be shown and saved: 8 bits
    return (255 * x.clamp(0, 1)).round() / 255

before = rounded(picture("picture.png", $size))
other = picture("other.png", min(before.shape[-2:]))
other = rounded(F.interpolate(other, before.shape[-2:], mode="bilinear", antialias=True))

# Change the first picture until its histograms of oriented gradients are those of the other.
wanted, values = hog(other, smooth=True), before.clone().requires_grad_()
optimiser = torch.optim.Adam([values], $rate)

def loss():
    optimiser.zero_grad()
    apart = (hog(values, smooth=True) - wanted).flatten(1).square().sum() / wanted.square().sum()
    loss = apart + 0.5 * (values - before).abs().pow(2.0).mean()
    loss.backward()
    return float(loss.detach())

least, best = loss(), values.detach().clone()
for _ in range($steps):
    optimiser.step()
    values.data.clamp_(0, 1)
    now = loss()
    if now < least:
        least, best = now, values.detach().clone()
result = rounded(best).numpy()
"""


def write(technique: Fooling) -> Script:
    """The picture that fools, in 8 bits."""
    if technique.attack == "hog":
        return _hog(technique)
    network = technique.network()
    before = technique.beginning()
    towards, goal = technique.goal(network, network.target_index(None, before))
    if technique.attack == "strength":
        towards, goal = False, network.target_index(None, before)
    size, shape = technique.size or network.input_size, tuple(technique.input().shape)
    noise = f"0.5 + 0.15 * torch.randn({shape}, generator=torch.Generator().manual_seed({technique.seed}))"
    begin = noise if technique.start == "noise" else f'picture("picture.png", {size})'
    body = fill(_START, goal=goal, name=comment(network.class_name(goal)), begin=begin) + "\n\n"
    part: tuple[slice, ...] = ()
    if technique.attack == "deepfool":
        body += fill(_DEEPFOOL, steps=technique.steps)
    elif technique.attack == "pixel":
        body += _pixel(technique, towards)
    elif technique.attack == "strength":
        body += fill(_STRENGTH, strengths=STRENGTHS, steps=STRENGTH_STEPS, madry=MADRY)
        learnt = [twin for twin in bundled_twins() if twin != "bundled-random"]
        first = learnt.index(technique.model) * len(STRENGTHS) if technique.model in learnt else 0
        part = (slice(first, first + len(STRENGTHS)),)
    else:
        body += _walk(technique, towards)
    pictures = {"picture.png": technique.image} if technique.start == "picture" else None
    return compose(technique, "image", body, part=part, pictures=pictures)


def _pixel(technique: Fooling, towards: bool) -> str:
    first = "int(see(painted(best))[0].argmax())"
    return fill(
        _PIXEL,
        seed=technique.seed,
        what="how likely the class is" if towards else "how unlikely the class is",
        sign="" if towards else "-",
        people=PEOPLE,
        at_once=AT_ONCE,
        mutation=MUTATION,
        steps=technique.steps,
        fooled=f"{first} {'==' if towards else '!='} goal",
    ).replace("return  torch", "return torch")


def _hog(technique: Fooling) -> Script:
    network = technique.network()
    body = fill(_HOG, size=technique.size or network.input_size, steps=technique.steps, rate=2 / LEVELS)
    groundwork = borrowed(hog._unit, hog._gradients, hog._votes, hog.hog)
    pictures = {"picture.png": technique.image, "other.png": technique.other}
    return compose(technique, "image", body, pictures=pictures, network_too=False, groundwork=groundwork)


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
