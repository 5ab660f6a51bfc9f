"""Fast style transfer as a script."""

from safetensors.torch import save

from viz_core.generate.fast_style import FastStyle
from viz_core.generate.style_files import open_style
from viz_core.scripts.parts import compose, fill, numbers
from viz_core.scripts.script import Script

OBEYED = ("style", "mix")
_BODY = """
weights = load_file("style.safetensors")
mix = torch.tensor([$mix])  # how much of each style: $names

def layer(h, name, stride=1, enlarge=1):  # a convolution on a mirrored border, then the style's scale and shift
    conv, scale, shift = (weights[f"{name}.{part}"] for part in ("conv.weight", "norm.scale", "norm.shift"))
    if enlarge > 1:
        h = F.interpolate(h, scale_factor=enlarge, mode="nearest")
    h = F.conv2d(F.pad(h, (conv.shape[-1] // 2,) * 4, mode="reflect"), conv, stride=stride)
    return F.instance_norm(h) * (mix @ scale)[..., None, None] + (mix @ shift)[..., None, None]

x = picture("picture.png", $size)
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
result = (painted[:, :, :height, :width] + keep * x.clamp(0.01, 0.99).logit()).sigmoid().numpy()
Image.fromarray((255 * result[0].transpose(1, 2, 0)).round().astype(np.uint8)).save("painting.png")
"""


def write(technique: FastStyle) -> Script:
    """The painting."""
    trained = open_style(technique.style)
    body = fill(
        _BODY,
        mix=numbers(technique.shares(trained)),
        names=" ".join(", ".join(trained.card.names).split()),
        size=technique.size,
        blocks=trained.network.architecture["blocks"],
    )
    state = {name: tensor.contiguous() for name, tensor in trained.network.state_dict().items()}
    pictures, files = {"picture.png": technique.image}, {"style.safetensors": lambda: save(state)}
    return compose(technique, "image", body, pictures=pictures, network_too=False, files=files)
