"""Activations as a script."""

from viz_core.look.activations import Activations, default_layer
from viz_core.scripts.parts import compose, fill, value
from viz_core.scripts.script import Script

OBEYED = (
    "layer",
    "channel",
    "sort",
    "scale",
    "count",
    "first",
    "row",
    "column",
    "other_model",
    "other_image",
    "opacity",
)
_BODY = """
x = picture("picture.png", $size)
see(x)
result = $maps[0].numpy()
result = result.reshape(*result.shape, *(1,) * (3 - result.ndim))  # (channels, height, width)

# The channels that answer most, and where each of them peaks.
for channel in np.argsort(-result.max(axis=(1, 2)), kind="stable")[:8]:
    place = np.unravel_index(result[channel].argmax(), result.shape[1:])
    print("channel", channel, "answers", result[channel].max(), "at", tuple(map(int, place)))
"""


def write(technique: Activations) -> Script:
    """All maps of the layer."""
    network = technique.network()
    layer = network.resolve_layer(technique.layer or default_layer(network))
    body = fill(_BODY, size=technique.size or network.input_size, maps=value(network, layer))
    return compose(technique, "maps", body, pictures={"picture.png": technique.image}, layers=(layer,))
