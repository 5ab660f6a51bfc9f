"""Fast style transfer as a script."""

from collections.abc import Callable

from safetensors.torch import save

from viz_core.generate.fast_style import FastStyle
from viz_core.generate.style_files import open_style
from viz_core.images.intake import Picture
from viz_core.images.render import encode_png
from viz_core.images.tensor import central
from viz_core.scripts.parts import Files, compose, fill, numbers
from viz_core.scripts.script import Script

OBEYED = ("style", "mix", "others", "film")
_ONE = """
result = paint(picture("picture.png", $size))
Image.fromarray((255 * result[0].transpose(1, 2, 0)).round().astype(np.uint8)).save("painting.png")
"""
_SEVERAL = """
for number, file in enumerate(sorted(Path("pictures").iterdir())):
    painted = paint(picture(file, $size))
    Image.fromarray((255 * painted[0].transpose(1, 2, 0)).round().astype(np.uint8)).save(f"painting{number:05d}.png")
    result = painted if number == 0 else result  # the first
"""
_BODY = """
weights = load_file("style.safetensors")
mix = torch.tensor([$mix])  # how much of each style: $names

def layer(h, name, stride=1, enlarge=1):  # a convolution on a mirrored border, then the style's scale and shift
    conv, scale, shift = (weights[f"{name}.{part}"] for part in ("conv.weight", "norm.scale", "norm.shift"))
    if enlarge > 1:
        h = F.interpolate(h, scale_factor=enlarge, mode="nearest")
    h = F.conv2d(F.pad(h, (conv.shape[-1] // 2,) * 4, mode="reflect"), conv, stride=stride)
    return F.instance_norm(h) * (mix @ scale)[..., None, None] + (mix @ shift)[..., None, None]

def paint(x):
    height, width = x.shape[-2:]
    h = F.pad(x, (0, -width % 4, 0, -height % 4), mode="replicate")
    for number, stride in enumerate((1, 2, 2)):  # down to a quarter of the size
        h = layer(h, f"down.{number}", stride).relu()
    for number in range($blocks):
        h = h + layer(layer(h, f"blocks.{number}.first").relu(), f"blocks.{number}.second")
    for number in range(2):  # and up again
        h = layer(h, f"up.{number}", enlarge=2).relu()
    painted = F.conv2d(F.pad(h, (4,) * 4, mode="reflect"), weights["paint.weight"], weights["paint.bias"])
    keep = (mix @ weights["keep"])[..., None, None]  # how much of the picture itself stays
    return (painted[:, :, :height, :width] + keep * x.clamp(0.01, 0.99).logit()).sigmoid().numpy()

$paint
"""


def write(technique: FastStyle) -> Script:
    """The painting; of several pictures, or the frames of a film, the first."""
    trained = open_style(technique.style)
    originals = technique.originals()
    body = fill(
        _BODY,
        mix=numbers(technique.shares(trained)),
        names=" ".join(", ".join(trained.card.names).split()),
        blocks=trained.network.architecture["blocks"],
        paint=fill(_ONE if len(originals) == 1 else _SEVERAL, size=technique.size),
    )
    state = {name: tensor.contiguous() for name, tensor in trained.network.state_dict().items()}
    files: Files = {"style.safetensors": lambda: save(state)}
    if len(originals) == 1:
        files["picture.png"] = _png(originals[0])
    else:
        files |= {f"pictures/{number:05d}.png": _png(original) for number, original in enumerate(originals)}
    return compose(technique, "image", body, network_too=False, files=files)


def _png(original: Picture) -> Callable[[], bytes]:
    """The part of a picture that networks see, as a PNG file."""
    return lambda: encode_png(central(original.pixels))
