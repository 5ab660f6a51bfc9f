"""The checks of explanations as a script, for the gradient; how well methods agree, for the first four."""

import torch

from viz_core.explain import planted
from viz_core.explain.methods import NOISE, NOISY_COPIES, PATH_POINTS
from viz_core.explain.sanity import depths
from viz_core.explain.trust import TEST_PICTURES, Trust
from viz_core.images.datasets import open_dataset
from viz_core.models.work import batch_size
from viz_core.scripts.parts import borrowed, comment, compose, fill, module_use, set_files
from viz_core.scripts.script import Script

OBEYED = ("check", "steps", "dataset", "pictures", "training_steps")
_START = """
x = picture("picture.png", $size)
target = $target  # $name

def strength():  # of the gradient of the class score at each pixel
    pixels = x.clone().requires_grad_()
    return torch.autograd.grad(see(pixels)[0, target], pixels)[0][0].abs().amax(0)
"""
_DELETION = """
# The pixels with the greatest gradient go first, replaced by the network's mean colour.
order = np.argsort(-strength().numpy(), axis=None, kind="stable")
stages = [x.clone()]
for part in np.array_split(order, $steps):
    stages.append(stages[-1].clone())
    stages[-1].flatten(2)[:, :, part] = mean.expand_as(x).flatten(2)[:, :, part]

# How likely the class still is at each stage, and the area under that curve: small if the map is right.
with torch.no_grad():
    result = torch.cat([see(part).softmax(1)[:, target] for part in torch.cat(stages).split($batch)]).numpy()
print("area", (result.sum() - (result[0] + result[-1]) / 2) / $steps)
"""
_RANDOMISE = """
# The network forgets from the top: every layer from here on gets fresh random weights.
learnt = [module for module in net.modules() if hasattr(module, "reset_parameters")]
trained, maps = [{k: v.clone() for k, v in module.state_dict().items()} for module in learnt], [strength()]
for first in $firsts:
    for module, weights in zip(learnt, trained):
        module.load_state_dict(weights)
    torch.manual_seed($seed)
    for module in learnt[first:]:
        module.reset_parameters()
    maps.append(strength())
result = torch.stack(maps).numpy()

# Spearman's rank correlation with the map of the trained network: near 1 means that it depends on nothing learnt.
ranks = result.reshape(len(result), -1).argsort(axis=1).argsort(axis=1)
print("kept at each depth", np.corrcoef(ranks)[0])
"""

_MANY = """
result = []
for file in sorted(Path("pictures").glob("*.png")):  # as the network sees them: squares of $side pixels
    x = torch.from_numpy(np.asarray(Image.open(file)).transpose(2, 0, 1).copy()).float()[None] / 255
    pixels = x.clone().requires_grad_()
    scores = see(pixels)
    target = int(scores.argmax())  # what the network itself sees first
    strength = torch.autograd.grad(scores[0, target], pixels)[0][0].abs().amax(0).numpy()

    # The pixels with the greatest gradient go first, replaced by the network's mean colour.
    order, stages = np.argsort(-strength, axis=None, kind="stable"), [x.clone()]
    for part in np.array_split(order, $steps):
        stages.append(stages[-1].clone())
        stages[-1].flatten(2)[:, :, part] = mean.expand_as(x).flatten(2)[:, :, part]
    with torch.no_grad():
        curve = [see(part).softmax(1)[:, target] for part in torch.cat(stages).split($batch)]
    curve = torch.cat(curve).numpy()
    result.append((curve.sum() - (curve[0] + curve[-1]) / 2) / $steps)  # the area under it: small if the map is right
result = np.array(result, np.float32)
print("mean area", result.mean(), "+-", 2 * result.std(ddof=1) / len(result) ** 0.5)
"""
_PLANTED = """
# A small network that learns on the spot; the direction of the stripes is the class, and there is no other cue.
torch.manual_seed($seed)
net = nn.Sequential(nn.Conv2d(3, 12, 5, padding=2), nn.ReLU(), nn.AvgPool2d(2),
                    nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(24, 24, 3, padding=1), nn.ReLU(),
                    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 3))
optimiser, generator = torch.optim.Adam(net.parameters(), $rate), torch.Generator().manual_seed($seed)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, $rate, total_steps=$steps)
for _ in range($steps):
    x, labels, _ = pictures($batch, generator)
    loss = F.cross_entropy(net((x - 0.5) / 0.25), labels)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    schedule.step()

# Where the gradient of the class score is great, and how much of it lies on the mark that decides.
x, labels, marks = pictures($tested, torch.Generator().manual_seed($seed + 1))
x.requires_grad_()
scores = net((x - 0.5) / 0.25)
print("right", float((scores.argmax(1) == labels).float().mean()))
(slopes,) = torch.autograd.grad(scores[range(len(x)), labels].sum(), x)
result = slopes.abs().amax(1).numpy()
shares = (result * marks.numpy()).sum((1, 2)) / result.sum((1, 2))
print("on the mark", shares.mean(), "by chance", marks.float().mean().item())
"""
_AGREEMENT = """
x = picture("picture.png", $size)
target = $target  # $name

def gradient(x):  # of the class score
    pixels = x.detach().requires_grad_()
    return torch.autograd.grad(see(pixels)[0, target], pixels)[0]

generator, spread = torch.Generator().manual_seed(0), $noise * float(x.max() - x.min())
smooth = sum(gradient(x + spread * torch.randn(x.shape, generator=generator)) for _ in range($copies)) / $copies
total, weight = torch.zeros_like(x), 0.0
for place, share in zip(*np.polynomial.legendre.leggauss($points)):  # on the way from black to the picture
    total, weight = total + float(share / 2) * gradient(float((1 + place) / 2) * x), weight + float(share / 2)
methods = {"gradient": gradient(x), "times input": gradient(x) * x, "SmoothGrad": smooth, "integrated": x * total / weight}

# Spearman's rank correlation of each map with each other: the correlation of the ranks of their pixels.
def ranks(values):  # equal ones share their mean rank
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (count.cumsum() - (count - 1) / 2)[place.ravel()]

result = np.corrcoef([ranks(attribution[0].abs().amax(0).numpy().ravel()) for attribution in methods.values()])
print(*methods)
"""


def write(technique: Trust) -> Script:
    """Of the gradient the deletion curve or its areas, the maps of the forgetting network, or those of a planted cue."""
    writers = {"deletion": _deletion, "randomise": _randomise, "many": _many, "planted": _planted}
    return writers.get(technique.check, _agreement)(technique)


def _about(technique: Trust) -> dict[str, object]:
    """Which picture and class a script is about."""
    network = technique.network()
    target = network.target_index(technique.target, technique.input())
    size = technique.size or network.input_size
    return {"size": size, "target": target, "name": comment(network.class_name(target))}


def _deletion(technique: Trust) -> Script:
    batch = batch_size(technique.network(), technique.input())
    body = fill(_START, **_about(technique)) + "\n\n" + fill(_DELETION, steps=technique.steps, batch=batch)
    return compose(technique, "deletion_gradient", body, pictures={"picture.png": technique.image})


def _randomise(technique: Trust) -> Script:
    network = technique.network()
    learnt = [module_use(network, layer.name)[0] for layer in network.layers() if layer.parameters]
    firsts = [learnt.index(module_use(network, layer)[0]) for layer in depths(network)]
    body = fill(_START, **_about(technique)) + "\n\n" + fill(_RANDOMISE, firsts=firsts, seed=technique.seed)
    return compose(technique, "maps", body, part=(slice(None), 0), pictures={"picture.png": technique.image})


def _many(technique: Trust) -> Script:
    network, pictures = technique.network(), open_dataset(technique.dataset)
    side = technique.size or network.input_size
    x = torch.zeros(1, 3, side, side)
    body = fill(_MANY, side=side, steps=technique.steps, batch=batch_size(network, x))
    files = set_files(pictures, technique.members(pictures), side)
    return compose(technique, "deletion", body, part=(slice(None), 1), files=files)


def _planted(technique: Trust) -> Script:
    sizes = {"steps": technique.training_steps, "batch": planted.BATCH, "rate": planted.RATE, "tested": TEST_PICTURES}
    body, groundwork = fill(_PLANTED, seed=technique.seed, **sizes), borrowed(planted.pictures)
    return compose(technique, "maps", body, part=(slice(None), 0), network_too=False, groundwork=groundwork)


def _agreement(technique: Trust) -> Script:
    sizes = {"noise": NOISE, "copies": NOISY_COPIES, "points": PATH_POINTS}
    body = fill(_AGREEMENT, **_about(technique), **sizes)
    return compose(technique, "map", body, part=(slice(4), slice(4)), pictures={"picture.png": technique.image})
