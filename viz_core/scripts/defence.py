"""Adversarial training as a script."""

import io

import numpy as np
from sklearn.datasets import load_digits

from viz_core.generate.defence import BATCH, EVERY, MEASURED, RATE, TESTED, Defence
from viz_core.scripts.parts import compose, fill
from viz_core.scripts.script import Script

OBEYED = ("epsilon", "rounds", "steps")
_BODY = """
# Handwritten digits of 8 x 8 pixels, in random order; $tested of them are kept to be tested on.
digits = np.load("digits.npz")
order = torch.randperm(len(digits["labels"]), generator=torch.Generator().manual_seed($seed))
pictures = torch.from_numpy(digits["pictures"]).float().div(16)[order, None]
labels = torch.from_numpy(digits["labels"])[order]
test, test_labels, pictures, labels = pictures[:$measured], labels[:$measured], pictures[$tested:], labels[$tested:]

def small_network():
    torch.manual_seed($seed)
    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
                         nn.AvgPool2d(2), nn.Flatten(), nn.Linear(32 * 4 * 4, 10))

def attacked(net, x, y, rounds, start=0.0):  # within epsilon in every pixel, where the loss is high
    epsilon, moved = $epsilon, (x + start).clamp(0, 1)
    for _ in range(rounds):
        pixels = moved.detach().requires_grad_()
        (slope,) = torch.autograd.grad(F.cross_entropy(net(pixels), y, reduction="sum"), pixels)
        moved = moved + 2.5 * epsilon / rounds * slope.sign()
        moved = (x + (moved - x).clamp(-epsilon, epsilon)).clamp(0, 1)
    return moved

plain, defended = small_network(), small_network()
optimisers = [torch.optim.Adam(net.parameters(), $rate) for net in (plain, defended)]
generator, result = torch.Generator().manual_seed($seed), []
for step in range(1, $steps + 1):
    rows = torch.randint(len(labels), ($batch,), generator=generator)
    x, y = pictures[rows], labels[rows]
    start = $epsilon * (2 * torch.rand(x.shape, generator=generator) - 1)
    for net, optimiser, seen in zip((plain, defended), optimisers, (x, attacked(defended, x, y, $rounds, start))):
        optimiser.zero_grad()
        F.cross_entropy(net(seen), y).backward()
        optimiser.step()
    if step == 1 or step % $every == 0 or step == $steps:  # how the defended network does on attacked digits
        answers = defended(attacked(defended, test, test_labels, 3)).argmax(1)
        result.append(float((answers == test_labels).float().mean()))
result = np.array(result, np.float32)
"""


def write(technique: Defence) -> Script:
    """How often the defended network is right on attacked digits, during the training."""
    values = {name: getattr(technique, name) for name in ("epsilon", "rounds", "steps", "seed")}
    body = fill(_BODY, tested=TESTED, measured=MEASURED, batch=BATCH, rate=RATE, every=EVERY, **values)
    return compose(technique, "curve: defended_attacked", body, network_too=False, files={"digits.npz": _digits})


def _digits() -> bytes:
    data, content = load_digits(), io.BytesIO()
    np.savez_compressed(content, pictures=data.images, labels=data.target)
    return content.getvalue()
