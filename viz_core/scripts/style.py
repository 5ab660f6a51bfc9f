"""Style transfer as a script."""

from viz_core.generate.style import NOISE, SMALLEST, Style
from viz_core.generate.style_statistics import content_layer, layer_shares
from viz_core.scripts.parts import compose, fill, value
from viz_core.scripts.script import Script, beyond
from viz_core.scripts.statistics import SUMMARIES, answers_code, statistic_code
from viz_core.scripts.steps import VARIATION, clamp_code, closure_code, optimiser_code, scale_code, step_code

OBEYED = (
    *("style", "shares", "style_weight", "content_weight", "statistic", "sizes", "steps", "start", "layers"),
    *("layer_weights", "content_layer", "style_zoom", "smoothness", "optimiser", "rate"),
)
_BODY = """
def resized(picture, shape):
    return F.interpolate(picture, shape, mode="bilinear", antialias=True).clamp(0, 1)

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
    size = content.flatten(1).square().sum(1).clamp_min(1e-12)
    $begin
    values.requires_grad_()

    def losses():  # the distances to what is shown and to the style, and roughness
        values.grad = None
        see(values)
        loss = $content_weight * (($content_answers - content).flatten(1).square().sum(1) / size)
        for share, answers, target in zip(shares, style_answers(), targets):
            loss = loss + share * far(summary(answers), target)
        loss = loss + $smoothness * variation(values)
        loss.sum().backward()
        return loss.detach()

    $closure
    losses()
    $scale
    $optimiser
    for step in range($steps):
        $step
        losses()
    painting = values.detach().clamp(0, 1)
result = painting.numpy()
"""
_BEGIN = {
    "content": "start = x",
    "style": "start = resized(manner, x.shape[-2:])",
    "noise": "start = (0.5 + {noise} * torch.randn(x.shape, generator=torch.Generator().manual_seed({seed}))).clamp(0, 1)",
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
    later = "values = start.clone() if painting is None else resized(painting, x.shape[-2:])"
    body = fill(
        _BODY,
        size=technique.size or network.input_size,
        shares=shares,
        smallest=SMALLEST,
        sizes=technique.sizes,
        zoom=technique.style_zoom,
        style_answers=answers_code([value(network, layer, everything) for layer in layers]),
        content_answers=value(network, shown, everything),
        begin=f"{begin}\n    {later}",
        content_weight=repr(technique.content_weight),
        smoothness=repr(technique.smoothness),
        closure=closure_code(name).strip().replace("\n", "\n    "),
        scale=scale_code(name).strip(),
        optimiser=optimiser_code(name, technique.rate).replace("\n", "\n    "),
        steps=technique.steps,
        step=step_code(name) + clamp_code(name).replace("\n", "\n        "),
    )
    body = "\n".join(line.rstrip() for line in body.splitlines())
    body = statistic_code(technique.statistic) + fill(VARIATION) + "\n\n" + body
    pictures = {"picture.png": technique.image, "style.png": technique.style}
    return compose(technique, "image", body, pictures=pictures, layers=everything)
