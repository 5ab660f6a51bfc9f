"""Texture as a script: by the statistics of a network's layers, or by copying pixels."""

from typing import cast

from viz_core.generate.colour import JUST_SEEN, colour_statistics, mean_and_root
from viz_core.generate.matching import measured_layers
from viz_core.generate.texture import COPYING, NeuralMethod, Texture
from viz_core.scripts.copying import copying_code
from viz_core.scripts.parts import borrowed, compose, fill
from viz_core.scripts.script import Script
from viz_core.scripts.statistics import matching_code, matching_groundwork
from viz_core.scripts.steps import VARIATION

OBEYED = (
    *("method", "zoom", "side", "reach", "steps", "layers", "layer_weights", "optimiser", "levels", "search"),
    *("coherence", "colour_weight", "smoothness", "rate", "seed"),
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
borders("replicate")
see(sample)
targets = [summary(answers) for answers in style_answers()]
far_colours = colours_like(sample)

# Noise in the sample's colours, changed until the layers have the same statistics.
generator = torch.Generator().manual_seed($seed)
noise = torch.randn((1, 3, $side, $side), generator=generator)
mean, root, _ = mean_and_root(sample)
values = (mean + root @ noise.flatten(2).double()).float().view_as(noise).clamp(0, 1).requires_grad_()
borders("circular")

def losses():
    values.grad = None
    see(values)
    parts = zip($shares, style_answers(), targets)
    loss = sum(share * $distance for share, answers, target in parts)
    $more
    loss.sum().backward()
    return loss.detach()

descend(values, losses, $steps)
result = values.detach().clamp(0, 1).numpy()
"""
_BORDERS = """
# Beyond the border the network sees the maps as they end ("replicate") or their other side ("circular"), not zeros.
def borders(mode):
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            module.padding_mode = mode
"""
_COLOURS = """
# The distance of a picture's colours from those of a sample, in mean and covariance.
def colours_like(sample):
    mean, _, whitening = mean_and_root(sample, $least)
    measure = mean.float(), whitening.float()
    wanted = colour_statistics(sample, *measure)[1]

    def far_colours(x):
        middle, covariance = colour_statistics(x, *measure)
        return (middle.square().sum(1) + (covariance - wanted).square().sum((1, 2))) / 3

    return far_colours
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
    more = f" + {technique.colour_weight!r} * far_colours(values)" if technique.colour_weight else ""
    more += f" + {technique.smoothness!r} * variation(values)" if technique.smoothness else ""
    body = fill(
        _MATCH,
        **pieces | {"distance": pieces["distance"].format("summary(answers)")},
        steps=technique.steps,
        sample=sample,
        side=technique.side,
        seed=technique.seed,
        more="loss = loss" + more if more else "",
    )
    groundwork = "\n\n".join(
        [
            borrowed(mean_and_root, colour_statistics),
            fill(_COLOURS, least=JUST_SEEN**2),
            fill(_BORDERS),
            fill(VARIATION),
            matching_groundwork(stepping),
        ]
    )
    return compose(technique, "image", body, part=part, pictures=pictures, layers=layers, groundwork=groundwork)
