"""Occlusion as a script."""

from viz_core.explain.occlusion import INPAINT_MARGIN, INPAINT_RADIUS, Occlusion
from viz_core.scripts.parts import comment, compose, fill
from viz_core.scripts.script import Script

OBEYED = ("patch", "stride", "fill", "show", "several")
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
$prepare

# Slide the patch over the picture and ask each time how likely the class still is.
rows, columns = (1 + max(0, -(-(side - patch) // stride)) for side in x.shape[-2:])
result = np.empty((rows, columns), np.float32)
for row in range(rows):
    hidden = x.repeat(columns, 1, 1, 1)
    for column in range(columns):
        top, left = row * stride, column * stride
        $hide
    result[row] = see(hidden).softmax(1)[:, target].numpy()
"""
_HIDE = """window = filling[0, :, top : top + patch, left : left + patch]
        hidden[column, :, top : top + patch, left : left + patch] = window"""
_LEVELS = "levels = np.rint(x[0].numpy().transpose(1, 2, 0) * np.float32(255)).astype(np.uint8)"
_GROW = """hole = np.zeros(levels.shape[:2], np.uint8)  # which is grown over from what surrounds it (Telea 2004)
        hole[top : top + patch, left : left + patch] = 1
        height, width = (slice(max(0, place - {margin}), place + patch + {margin}) for place in (top, left))
        around, hole = levels[height, width].copy(), hole[height, width].copy()
        grown = cv2.inpaint(around, hole, {radius}, cv2.INPAINT_TELEA)
        grown = grown[top - height.start :, left - width.start :][:patch, :patch]
        hidden[column, :, top : top + patch, left : left + patch] = torch.from_numpy(grown).permute(2, 0, 1) / 255"""


def write(technique: Occlusion) -> Script:
    """The probability of the class at each position of the patch."""
    network, x = technique.network(), technique.input()
    target = network.target_index(technique.target, x)
    sigma = min(x.shape[-2:]) / 16
    prepare, hide = _LEVELS, _GROW.format(margin=INPAINT_MARGIN, radius=INPAINT_RADIUS)
    if technique.fill != "inpaint":
        filling = _FILLINGS[technique.fill].format(sigma=sigma, side=2 * round(2 * sigma) + 1)
        prepare, hide = f"filling = {filling}  # what shows where the patch lies", _HIDE
    body = fill(
        _BODY,
        size=technique.size or network.input_size,
        target=target,
        name=comment(network.class_name(target)),
        patch=technique.patch,
        stride=technique.stride,
        prepare=prepare,
        hide=hide,
    )
    return compose(technique, "map", body, pictures={"picture.png": technique.image})
