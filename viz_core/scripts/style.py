"""Style transfer as a script."""

from viz_core.generate.style import NOISE, SMALLEST, Style
from viz_core.generate.style_statistics import content_layer, layer_shares
from viz_core.scripts.parts import compose, fill, value
from viz_core.scripts.script import Script, beyond
from viz_core.scripts.statistics import SUMMARIES, answers_code, statistic_code
from viz_core.scripts.steps import VARIATION, clamp_code, step_code, step_groundwork

OBEYED = (
    *("style", "shares", "style_weight", "content_weight", "statistic", "sizes", "steps", "start", "layers"),
    *("layer_weights", "content_layer", "style_zoom", "smoothness", "optimiser", "rate"),
)
_BODY = """
def style_answers():  # of the layers that say what the style is
    return $style_answers

whole = picture("picture.png", $size)
shares = $shares
factors = [max(0.5**level, min(1.0, $smallest / min(whole.shape[-2:]))) for level in reversed(range($sizes))]
painting = None
for factor in factors:  # from small to large, each beginning with the painting before
    x = whole if factor == 1 else resized(whole, tuple(round(side * factor) for side in whole.shape[-2:]))
    manner = picture("style.png", max($smallest, round(min(x.shape[-2:]) * $zoom)))
    see(manner)
    targets = [summary(answers) for answers in style_answers()]
    see(x)
    content = $content_answers
    values = $begin if painting is None else resized(painting, x.shape[-2:])
    values.requires_grad_()

    def losses():  # the distances to what is shown and to the style, and roughness
        values.grad = None
        see(values)
        loss = $content_weight * far($content_answers, content)
        for share, answers, target in zip(shares, style_answers(), targets):
            loss = loss + share * far(summary(answers), target)
        loss = loss + $smoothness * variation(values)
        loss.sum().backward()
        return loss.detach()

    losses()
    step = $step
    for _ in range($steps):
        step()
        $clamp
        losses()
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
    "noise": "(0.5 + {noise} * torch.randn(x.shape, generator=torch.Generator().manual_seed({seed}))).clamp(0, 1)",
}


def write(technique: Style) -> Script:
    """The painting."""
    if technique.statistic not in SUMMARIES:
        raise beyond("statistic")
    network, name = technique.network(), technique.optimiser
    layers = technique.style_layers(network)
    shown = network.resolve_layer(technique.content_layer) if technique.content_layer else content_layer(network)
    everything = tuple(dict.fromkeys((*layers, shown)))
    shares = [share * technique.style_weight for share in layer_shares(layers, technique.layer_weights)]
    begin = _BEGIN[technique.start].format(noise=NOISE, seed=technique.seed)
    body = fill(
        _BODY,
        size=technique.size or network.input_size,
        shares=shares,
        smallest=SMALLEST,
        sizes=technique.sizes,
        zoom=technique.style_zoom,
        style_answers=answers_code([value(network, layer, everything) for layer in layers]),
        content_answers=value(network, shown, everything),
        begin=begin,
        content_weight=repr(technique.content_weight),
        smoothness=repr(technique.smoothness),
        steps=technique.steps,
        step=step_code(name, technique.rate),
        clamp=clamp_code(name),
    )
    body = statistic_code(technique.statistic) + body
    groundwork = fill(_RESIZED) + "\n\n" + fill(VARIATION) + "\n\n" + step_groundwork(name)
    pictures = {"picture.png": technique.image, "style.png": technique.style}
    return compose(technique, "image", body, pictures=pictures, layers=everything, groundwork=groundwork)
