"""The training of a fast style as a script."""

from collections.abc import Callable

from safetensors.torch import save

from viz_core.errors import ConvscopeError
from viz_core.generate.fast_style_train import PREVIEW, FastStyleTrain, contents
from viz_core.generate.style_network import ConditionalNorm, ConvNorm, Residual, StyleNetwork, mirrored, one_style
from viz_core.generate.style_statistics import content_layer, style_layers
from viz_core.generate.style_training import LAST_RATE, MOST_GRADIENT, WARM_UP, cells
from viz_core.images.render import encode_png
from viz_core.scripts.parts import MOST_PICTURES, Files, borrowed, compose, fill, value
from viz_core.scripts.script import Script
from viz_core.scripts.statistics import FAR, answers_code

OBEYED = (
    *("styles", "steps", "batch", "style_size", "style_weight", "content_weight", "smoothness", "width", "blocks"),
    *("rate", "contents", "begin"),
)
PAINTER = (mirrored, ConditionalNorm, ConvNorm, Residual, StyleNetwork, one_style)
_BODY = """
def style_answers():  # of the layers that say what a style is
    return $answers

targets = []
for number in range($styles):
    see(picture(f"style{number}.png", $style_size))
    targets.append([summaries(maps) for maps in style_answers()])
targets = [[torch.cat(of_all_styles) for of_all_styles in zip(*layer)] for layer in zip(*targets)]
contents = all_pictures("contents")
torch.manual_seed($seed)
painter, generator = StyleNetwork($styles, $width, $blocks), torch.Generator().manual_seed($seed)
$begin
optimiser = torch.optim.Adam(painter.parameters(), lr=$rate)
for step in range($steps):
    x = torch.cat([crop(contents, $size, generator) for _ in range($batch)])
    which = (torch.arange($batch) + step * $batch) % $styles  # the styles in turn
    see(x)
    shown, painted = $content.detach(), painter(x, torch.eye($styles)[which])
    see(painted)
    far_off = []
    for maps, of_layer in zip(style_answers(), targets):
        parts = cells(maps)  # each has to show the style: over the whole picture a few glaring spots would do
        whose = which.repeat_interleave(len(parts) // $batch)
        far_off += [far(ours, target[whose]).mean() for ours, target in zip(summaries(parts), of_layer)]
    content = ($content - shown).square().mean() / shown.square().mean().clamp_min(1e-8)
    rough = sum(painted.diff(dim=axis).square().mean() for axis in (2, 3))
    optimiser.param_groups[0]["lr"] = $rate * pace(step / $steps, step)
    painter.zero_grad()
    ($style_weight * torch.stack(far_off).mean() + $content_weight * content + $smoothness * rough).backward()
    torch.nn.utils.clip_grad_norm_(painter.parameters(), $most)
    optimiser.step()
own = picture("picture.png", $own)
result = torch.cat([painter(own, style[None]) for style in torch.eye($styles)]).detach().numpy()
"""
_SUMMARIES = """
def summaries(maps):  # which channels answer together (the Gram matrix), and each one's mean and deviation
    flat, share = maps.flatten(2), 1 / (maps.shape[2] * maps.shape[3])
    half = flat @ flat.detach().transpose(1, 2) / flat.shape[2]
    together = 2 * half - half.detach()  # symmetric: the gradient of one factor, twice
    average = (maps * share).sum((2, 3))
    variance = ((maps - average[..., None, None]).square() * share).sum((2, 3))
    return together, torch.stack([average, (variance + 1e-8).sqrt()], 1)
"""
_PACE = """
# The share of the learning rate: a short rise, then half a cosine over the training (0 to 1).
def pace(progress, step):
    return min(1.0, (step + 1) / $warm_up) * ($last + (1 - $last) * 0.5 * (1 + math.cos(math.pi * progress)))
"""
_CROP = """
# All pictures of a folder, in order: (3, H, W) uint8.
def all_pictures(folder):
    files = sorted(Path(folder).iterdir())
    return [torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1) for file in files]

# A random square of one of the pictures (3, H, W) uint8, flipped at random: (1, 3, side, side) in [0, 1].
def crop(pictures, side, generator):
    draw = torch.rand(4, generator=generator).tolist()
    picture = pictures[int(draw[0] * len(pictures))]
    short = min(picture.shape[1:])
    size = round(min(side, short) + draw[1] * max(0, short - side))
    top, left = (int(draw[2 + axis] * (picture.shape[1 + axis] - size + 1)) for axis in range(2))
    part = picture[None, :, top : top + size, left : left + size].float() / 255
    part = part.flip(3) if draw[2] * 1000 % 1 < 0.5 else part
    return F.interpolate(part, (side, side), mode="bilinear", antialias=True)
"""


def write(technique: FastStyleTrain) -> Script:
    """What the trained network makes of the own picture, in each style."""
    network = technique.network()
    layers, shown = style_layers(network), content_layer(network)
    start = technique.start()
    watched = tuple(dict.fromkeys((*layers, shown)))
    body = fill(
        _BODY,
        answers=answers_code([value(network, layer, watched) for layer in layers]),
        content=value(network, shown, watched),
        own=PREVIEW,
        most=MOST_GRADIENT,
        **technique.model_dump(exclude={"styles", "begin", "width", "blocks"}) | start.architecture,
        begin='painter.load_state_dict(load_file("style.safetensors"))' if technique.begin else "",
    )
    painter = borrowed(*PAINTER)
    pace = fill(_PACE, warm_up=WARM_UP, last=LAST_RATE)
    state = {name: tensor.detach().contiguous() for name, tensor in start.state_dict().items()}
    trained: Files = {"style.safetensors": lambda: save(state)} if technique.begin else {}
    styles = {f"style{number}.png": ref for number, ref in enumerate(technique.styles)}
    return compose(
        technique,
        "image",
        body,
        pictures={"picture.png": technique.image, **styles},
        layers=watched,
        groundwork="\n\n".join([fill(FAR), painter, borrowed(cells), pace, fill(_CROP), fill(_SUMMARIES)]),
        files=_content_files(technique) | trained,
    )


def _content_files(technique: FastStyleTrain) -> Files:
    """The pictures to train on, as PNG files in their order; raises ConvscopeError for too many."""
    pictures = contents(technique.contents)
    if len(pictures) > MOST_PICTURES:
        raise ConvscopeError("script_errors.large_set", pictures=len(pictures), most=MOST_PICTURES)

    def png(number: int) -> Callable[[], bytes]:
        return lambda: encode_png(pictures[number].permute(1, 2, 0).numpy())

    return {f"contents/{number:05d}.png": png(number) for number in range(len(pictures))}
