"""Style transfer as a script."""

from viz_core.generate.matching import measured_layers
from viz_core.generate.style import NOISE, SMALLEST, Style
from viz_core.generate.style_statistics import content_layer
from viz_core.scripts.parts import compose, fill, value
from viz_core.scripts.script import Script
from viz_core.scripts.statistics import matching_code, matching_groundwork
from viz_core.scripts.steps import VARIATION

OBEYED = (
    *("style", "shares", "style_weight", "content_weight", "statistic", "sizes", "steps", "start", "layers"),
    *("layer_weights", "content_layer", "style_zoom", "smoothness", "optimiser", "rate"),
)
_BODY = """
$summary

def style_answers():  # of the layers that say what the style is
    return $answers

generator = torch.Generator().manual_seed($seed)
whole = picture("picture.png", $size)
factors = [max(0.5**level, min(1.0, $smallest / min(whole.shape[-2:]))) for level in reversed(range($sizes))]
painting = None
for factor in factors:  # from small to large, each beginning with the painting before
    x = whole if factor == 1 else resized(whole, tuple(round(side * factor) for side in whole.shape[-2:]))
    manner = picture("style.png", max($smallest, round(min(x.shape[-2:]) * $zoom)))
    see(manner)
    targets = [summary(answers) for answers in style_answers()]
    see(x)
    content = $content_answers
    painting = $begin if painting is None else painting
    values = resized(painting, x.shape[-2:]).requires_grad_()

    def losses():  # the distances to what is shown and to the style, and roughness
        values.grad = None
        see(values)
        loss = $content_weight * far($content_answers, content)
        for share, answers, target in zip($shares, style_answers(), targets):
            loss = loss + share * $distance
        loss = loss + $smoothness * variation(values)
        loss.sum().backward()
        return loss.detach()

    $descent
    painting = values.detach().clamp(0, 1)
result = painting.numpy()
"""
_RESIZED = """
def resized(picture, shape):
    return F.interpolate(picture, shape, mode="bilinear", antialias=True).clamp(0, 1)
"""
_BEGIN = {
    "content": "x.clone()",
    "style": "resized(manner, x.shape[-2:])",
    "noise": "(0.5 + {noise} * torch.randn(x.shape, generator=generator)).clamp(0, 1)",
}


def write(technique: Style) -> Script:
    """The painting."""
    network = technique.network()
    layers = measured_layers(network, technique.layers)
    shown = network.resolve_layer(technique.content_layer) if technique.content_layer else content_layer(network)
    watched = tuple(dict.fromkeys((*layers, shown)))
    pieces = matching_code(
        network, layers, watched, technique.layer_weights, technique.stepping, technique.steps, indent="    "
    )
    pieces["shares"] = [share * technique.style_weight for share in pieces["shares"]]
    body = fill(
        _BODY,
        **pieces,
        seed=technique.seed,
        size=technique.size or network.input_size,
        smallest=SMALLEST,
        sizes=technique.sizes,
        zoom=technique.style_zoom,
        content_answers=value(network, shown, watched),
        begin=_BEGIN[technique.start].format(noise=NOISE),
        content_weight=repr(technique.content_weight),
        smoothness=repr(technique.smoothness),
    )
    groundwork = "\n\n".join([fill(_RESIZED), fill(VARIATION), matching_groundwork(technique.stepping)])
    pictures = {"picture.png": technique.image, "style.png": technique.style}
    return compose(technique, "image", body, pictures=pictures, layers=watched, groundwork=groundwork)
