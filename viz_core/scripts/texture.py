"""Texture as a script: by the statistics of a network's layers, or by copying pixels."""

from typing import cast

from viz_core.generate.matching import measured_layers
from viz_core.generate.texture import COPYING, NOISE, NeuralMethod, Texture
from viz_core.scripts.copying import copying_code
from viz_core.scripts.parts import compose, fill
from viz_core.scripts.script import Script
from viz_core.scripts.statistics import matching_code, matching_groundwork
from viz_core.scripts.steps import VARIATION

OBEYED = (
    *("method", "zoom", "side", "reach", "steps", "layers", "layer_weights", "optimiser", "levels", "search"),
    *("smoothness", "rate", "seed"),
)
_SAMPLE = """
whole = picture("picture.png", $large)
top, left = ((length - $size) // 2 for length in whole.shape[-2:])
sample = whole[..., top : top + $size, left : left + $size]
"""
_MATCH = """
def style_answers():  # of the layers that say what the texture is
    return $answers

$sample
see(sample)
targets = [summary(answers) for answers in style_answers()]

# Noise about the sample's mean colour, changed until the layers have the same statistics.
generator = torch.Generator().manual_seed($seed)
noise = torch.randn((1, 3, $side, $side), generator=generator)
values = (sample.mean((2, 3), keepdim=True) + $spread * noise).clamp(0, 1).requires_grad_()

def losses():
    values.grad = None
    see(values)
    parts = zip($shares, style_answers(), targets)
    loss = sum(share * $distance for share, answers, target in parts)
    $rough
    loss.sum().backward()
    return loss.detach()

descend(values, losses, $steps)
result = values.detach().clamp(0, 1).numpy()
"""


def write(technique: Texture) -> Script:
    """The texture; of all methods side by side, the one of Gatys and others."""
    size = technique.size or technique.network().input_size
    method = "gram" if technique.method == "side-by-side" else technique.method
    sample = fill(_SAMPLE, large=round(size * technique.zoom), size=size)
    place = technique.methods.index(method)
    part, pictures = (slice(place, place + 1),), {"picture.png": technique.image}
    if method in COPYING:
        copying, groundwork = copying_code(technique)
        body = sample + "\n\n" + copying
        return compose(technique, "image", body, part=part, pictures=pictures, network_too=False, groundwork=groundwork)
    network, stepping = technique.network(), technique.stepping(cast(NeuralMethod, method))
    layers = measured_layers(network, technique.layers)
    pieces = matching_code(network, layers, layers, technique.layer_weights, stepping)
    body = fill(
        _MATCH,
        **pieces | {"distance": pieces["distance"].format("summary(answers)")},
        steps=technique.steps,
        sample=sample,
        side=technique.side,
        seed=technique.seed,
        spread=NOISE,
        rough=f"loss = loss + {technique.smoothness!r} * variation(values)" if technique.smoothness else "",
    )
    groundwork = fill(VARIATION) + "\n\n" + matching_groundwork(stepping)
    return compose(technique, "image", body, part=part, pictures=pictures, layers=layers, groundwork=groundwork)
