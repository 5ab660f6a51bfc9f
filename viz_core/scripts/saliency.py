"""Saliency as a script."""

from viz_core.explain.saliency import COLOURS, Saliency
from viz_core.scripts.parts import comment, compose, fill
from viz_core.scripts.script import Script

OBEYED = ("method", "against", "channels", "signed", "samples", "noise", "foreground", "background")
_GRADIENT = """
x = picture("picture.png", $size)
target = $target  # $name

def gradient(x):  # of the class score, with respect to every pixel and colour
    x = x.detach().requires_grad_()
    scores = see(x)
    return torch.autograd.grad($score.sum(), x)[0]
"""
_PLAIN = {
    "gradient": "attribution = gradient(x)[0]",
    "squared": "attribution = gradient(x)[0].square()",
    "times_input": "attribution = (gradient(x) * x)[0]",
}
_SMOOTH = """
# SmoothGrad: the mean over copies of the picture with noise on them.
generator, total = torch.Generator().manual_seed($seed), torch.zeros_like(x)
spread = $noise * float(x.max() - x.min())
for _ in range($samples):
    total += gradient(x + spread * torch.randn(x.shape, generator=generator))$squared
attribution = (total / $samples)[0]
"""
_PATH = """
# Integrated gradients: the mean on the way from black to the picture, by Gauss-Legendre quadrature, times the picture.
total, weight = torch.zeros_like(x), 0.0
for place, share in zip(*np.polynomial.legendre.leggauss($samples)):
    total += float(share / 2) * gradient(float((1 + place) / 2) * x)
    weight += float(share / 2)
attribution = (x * total / weight)[0]
"""


def write(technique: Saliency) -> Script:
    """The map made of the gradients."""
    network, x = technique.network(), technique.input()
    target = network.target_index(technique.target, x)
    score = (
        "scores[:, target]" if technique.against is None else f"(scores[:, target] - scores[:, {technique.against}])"
    )
    size = technique.size or network.input_size
    body = fill(_GRADIENT, size=size, target=target, name=comment(network.class_name(target)), score=score) + "\n\n"
    if technique.method in _PLAIN:
        body += _PLAIN[technique.method]
    elif technique.method == "integrated":
        body += fill(_PATH, samples=technique.samples)
    else:
        squared = ".square()" if technique.method == "smoothgrad_squared" else ""
        body += fill(_SMOOTH, seed=technique.seed, noise=technique.noise, samples=technique.samples, squared=squared)
    body += "\n\n# One number for each pixel.\n" + _reduction(technique)
    return compose(technique, "map", body, pictures={"picture.png": technique.image})


def _reduction(technique: Saliency) -> str:
    if technique.channels == "max" and technique.signed:
        return "result = attribution.gather(0, attribution.abs().argmax(0, keepdim=True))[0].numpy()"
    values = "attribution" if technique.signed else "attribution.abs()"
    if technique.channels in COLOURS:
        return f"result = {values}[{COLOURS.index(technique.channels)}].numpy()  # {technique.channels}"
    return f"result = {values}.{'amax' if technique.channels == 'max' else 'mean'}(0).numpy()"
