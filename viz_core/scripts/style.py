"""Style transfer as a script."""

from viz_core.generate import colour
from viz_core.generate.matching import measured_layers
from viz_core.generate.style import NOISE, SMALLEST, Style
from viz_core.generate.style_statistics import content_layer
from viz_core.scripts.parts import borrowed, compose, fill, value, wrapped
from viz_core.scripts.script import Script
from viz_core.scripts.statistics import matching_code, matching_groundwork
from viz_core.scripts.steps import VARIATION

OBEYED = (
    *("style", "other_styles", "shares", "mask", "style_weight", "content_weight", "statistic", "sizes", "steps"),
    *("colours", "start", "layers", "layer_weights", "content_layer", "style_zoom", "smoothness", "optimiser", "rate"),
)
_BODY = """
def style_answers():  # of the layers that say what the style is
    return $answers

$counts
generator = torch.Generator().manual_seed($seed)
whole = picture("picture.png", $size)
factors = [max(0.5**level, min(1.0, $smallest / min(whole.shape[-2:]))) for level in reversed(range($sizes))]
painting = None
for factor in factors:  # from small to large, each beginning with the painting before
    x = whole if factor == 1 else resized(whole, tuple(round(side * factor) for side in whole.shape[-2:]))
    $region
    targets = []
    for file, weight in styles.items():
        see($manner)
        targets += [(weight * share, $where summary(maps)) for share, maps in zip($shares, style_answers())]
    see(by_pixel($content))
    $kept
    painting = $begin if painting is None else painting
    values = resized(painting, x.shape[-2:]).clone(memory_format=torch.contiguous_format).requires_grad_()

    def losses():  # the distances to what is shown and to the styles, and roughness
        values.grad = None
        see(now := by_pixel($now))
        loss = $content_weight * $content_far
        for maps, (weight, $given target) in zip(style_answers()$times, targets):
            loss = loss + weight * $distance
        loss = loss + $smoothness * variation(now)
        loss.sum().backward()
        return loss.detach()

    descend(values, losses, $steps)
    painting = $painting.detach().clamp(0, 1)
result = $shown.numpy()
"""
_RESIZED = """
def resized(picture, shape):
    same = tuple(picture.shape[-2:]) == tuple(shape)
    return picture if same else F.interpolate(picture, shape, mode="bilinear", antialias=True).clamp(0, 1)
"""
_BY_PIXEL = """
def by_pixel(x):  # the channels of a pixel beside each other in memory: the network is faster then
    return x.contiguous(memory_format=torch.channels_last)
"""
_FAR_INSIDE = """
def far_inside(maps, content, inside):  # as a share of the content's size, both in a region alone
    shown = (content * inside).flatten(1).square().sum(1).clamp_min(1e-12)
    return ((maps - content) * inside).flatten(1).square().sum(1) / shown
"""
_BEGIN = {
    "content": "{content}",
    "style": "resized({manner}, x.shape[-2:])",
    "noise": "(0.5 + {noise} * torch.randn(x.shape, generator=generator)).clamp(0, 1)",
}
_MANNERS = {"style": "{}", "match": "match_colours({}, x)", "luminance": "brightness({})"}
_REGION = """
region = resized(brightness(picture("mask.png", min(x.shape[-2:])))[:, :1], x.shape[-2:])  # 1: the first style
"""


def write(technique: Style) -> Script:
    """The painting."""
    network, stepping = technique.network(), technique.stepping
    layers = measured_layers(network, technique.layers)
    shown = network.resolve_layer(technique.content_layer) if technique.content_layer else content_layer(network)
    watched = tuple(dict.fromkeys((*layers, shown)))
    pieces = matching_code(network, layers, watched, technique.layer_weights, stepping)
    region, grey = technique.mask is not None, technique.colours == "luminance"
    stays = region and not technique.other_styles
    files = ["style.png", *(f"style{number}.png" for number in range(2, len(technique.manners) + 1))]
    content = "brightness(x)" if grey else "x"
    side = f"max({SMALLEST}, round(min(x.shape[-2:]) * {technique.style_zoom}))"
    manner = _MANNERS[technique.colours]
    start = "resized(brightness(whole), x.shape[-2:])" if grey else "x"
    begin = _BEGIN[technique.start].format(
        content=start, manner=manner.format(f'picture("style.png", {side})'), noise=NOISE
    )
    answers = value(network, shown, watched)
    now = f"{content} + region * (values - {content})" if stays else "values"
    body = fill(
        _BODY,
        **pieces | {"distance": pieces["distance"].format("summary(maps, where)" if region else "summary(maps)")},
        counts=wrapped(f"styles = {_counts(technique, files)}  # how much each counts"),
        seed=technique.seed,
        size=technique.size or network.input_size,
        smallest=SMALLEST,
        sizes=technique.sizes,
        region=_REGION.strip("\n") if region else "",
        manner=manner.format(f"picture(file, {side})"),
        where='region if file == "style.png" else 1 - region,' if region else "",
        content=content,
        content_answers=answers,
        begin=begin,
        content_weight=repr(technique.content_weight),
        given="where," if region else "",
        times=f" * {len(files)}" if len(files) > 1 else "",
        smoothness=repr(technique.smoothness),
        steps=technique.steps,
        kept=f'content, inside = {answers}, F.interpolate(region, {answers}.shape[-2:], mode="area")'
        if stays
        else f"content = {answers}",
        content_far=f"far_inside({answers}, content, inside)" if stays else f"far({answers}, content)",
        now=now,
        painting=f"({now})" if stays else now,
        shown="with_colours_of(painting, x)" if grey else "painting",
    )
    body = body.replace("share,  summary", "share, summary").replace("(weight,  target)", "(weight, target)")
    groundwork = [
        fill(_BY_PIXEL),
        fill(_RESIZED),
        _colours(technique),
        fill(VARIATION),
        fill(_FAR_INSIDE) if stays else "",
        matching_groundwork(stepping, region),
    ]
    pictures = {"picture.png": technique.image, **dict(zip(files, technique.manners, strict=True))}
    if technique.mask is not None:
        pictures["mask.png"] = technique.mask
    return compose(
        technique,
        "image",
        body,
        pictures=pictures,
        layers=watched,
        groundwork="\n\n".join(part for part in groundwork if part),
    )


def _counts(technique: Style, files: list[str]) -> dict[str, float]:
    """How much each style counts; inside a mask the first alone, outside it the others."""
    shares = technique.manner_shares()
    if technique.mask is not None:
        rest = sum(shares[1:]) or 1.0
        shares = (1.0, *(share / rest for share in shares[1:]))
    return {file: share * technique.style_weight for file, share in zip(files, shares, strict=True)}


def _colours(technique: Style) -> str:
    """The functions that bring the colours of one picture to another, or keep its brightness alone."""
    parts = []
    if technique.colours == "match":
        parts.append(borrowed(colour.mean_and_root, colour.match_colours))
    if technique.colours == "luminance" or technique.mask is not None:
        rows = [[round(part, 6) for part in row] for row in colour.YIQ.tolist()]
        parts.append(f"# Brightness and two differences of colours.\nYIQ = torch.tensor({rows})")
        parts.append(borrowed(colour.brightness))
    if technique.colours == "luminance":
        parts.append(borrowed(colour.with_colours_of))
    return "\n\n".join(part.strip("\n") for part in parts)
