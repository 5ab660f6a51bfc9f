"""Occlusion as a script."""

from viz_core.explain.occlusion import Occlusion
from viz_core.scripts.parts import comment, compose, fill
from viz_core.scripts.script import Script, beyond

OBEYED = ("patch", "stride", "fill", "show")
_FILLINGS = {
    "grey": "torch.full_like(x, 0.5)",
    "black": "torch.zeros_like(x)",
    "mean": "x.mean(dim=(2, 3), keepdim=True).expand_as(x)",
    "blur": "gaussian_blur(x, [{side}, {side}], [{sigma}, {sigma}])",
}
_BODY = """
x = picture("picture.png", $size)
target = $target  # $name
patch, stride = $patch, $stride
filling = $filling  # what shows where the patch lies

# Slide the patch over the picture and ask each time how likely the class still is.
rows, columns = (1 + max(0, -(-(side - patch) // stride)) for side in x.shape[-2:])
result = np.empty((rows, columns), np.float32)
for row in range(rows):
    hidden = x.repeat(columns, 1, 1, 1)
    for column in range(columns):
        top, left = row * stride, column * stride
        window = filling[0, :, top : top + patch, left : left + patch]
        hidden[column, :, top : top + patch, left : left + patch] = window
    result[row] = see(hidden).softmax(1)[:, target].numpy()
"""


def write(technique: Occlusion) -> Script:
    """The probability of the class at each position of the patch."""
    if technique.fill not in _FILLINGS:
        raise beyond("fill")
    network, x = technique.network(), technique.input()
    target = network.target_index(technique.target, x)
    sigma = min(x.shape[-2:]) / 16
    filling = _FILLINGS[technique.fill].format(sigma=sigma, side=2 * round(2 * sigma) + 1)
    body = fill(
        _BODY,
        size=technique.size or network.input_size,
        target=target,
        name=comment(network.class_name(target)),
        patch=technique.patch,
        stride=technique.stride,
        filling=filling,
    )
    return compose(technique, "map", body, pictures={"picture.png": technique.image})
