"""Class activation maps as a script."""

from viz_core.explain.cam import Cam, chosen_classes
from viz_core.models.work import batch_size
from viz_core.scripts.parts import comment, compose, fill, relu_rule, value
from viz_core.scripts.script import Script

OBEYED = ("method", "layer", "classes", "scale")
_START = """
x = picture("picture.png", $size).requires_grad_()
classes = $classes  # $names
scores = see(x)
maps = $maps  # what the layer answers, (1, channels, h, w)
"""
_CAM = """
$weights
result = torch.einsum("kc,nchw->khw", weights, maps).detach().numpy()
"""
_LINEAR = """
# The last linear layer weighs the maps.
weights = net.get_submodule("$head").weight[classes]
"""
_IDENTITY = """
# The network averages the maps of its classes themselves, so each class weighs its own map alone.
weights = torch.eye(maps.shape[1])[classes]
"""
_GRADIENTS = """
result = []
for target in classes:
    (gradients,) = torch.autograd.grad(scores[0, target], maps, retain_graph=True)
    $weigh
result = torch.cat(result).detach().numpy()
"""
_WEIGH = {
    "gradcam": """weights = gradients.mean(dim=(2, 3))  # how much each map matters, on average over its places
    result.append(torch.einsum("nc,nchw->nhw", weights, maps).relu())""",
    "layercam": "result.append((gradients.relu() * maps).sum(dim=1).relu())  # every place has its own weight",
    "gradcam++": """squares, sums = gradients.square(), maps.sum(dim=(2, 3), keepdim=True)
    alpha = squares / (2 * squares + sums * gradients**3 + 1e-6)
    weights = (gradients.relu() * alpha.where(gradients != 0, 0)).sum(dim=(2, 3))
    result.append(torch.einsum("nc,nchw->nhw", weights, maps).relu())""",
}
_SCORE_CAM = """
# Every map, scaled to [0, 1], is laid over the picture as a mask; it weighs as much as the score that remains.
x, maps = x.detach(), maps.detach()[0]
large = F.interpolate(maps[:, None], x.shape[-2:], mode="bilinear", align_corners=True)
low, high = large.amin(dim=(2, 3), keepdim=True), large.amax(dim=(2, 3), keepdim=True)
mask = (large - low) / (high - low + 1e-8)
remaining = torch.cat([see(mean + part * (x - mean))[:, classes] for part in mask.split($batch)])
result = torch.einsum("kc,chw->khw", remaining.T.softmax(dim=1), maps).relu().numpy()
"""
_GUIDED = """
# Guided Grad-CAM: the maps at the picture's size, times guided backpropagation.
large = F.interpolate(torch.from_numpy(result)[:, None], x.shape[-2:], mode="bilinear")

$rule
guided = [torch.autograd.grad(see(x)[0, target], x)[0][0] for target in classes]
result = (torch.stack(guided) * large).detach().numpy()
"""


def write(technique: Cam) -> Script:
    """The maps of all classes."""
    network, x = technique.network(), technique.input()
    classes = chosen_classes(network, x, network.target_index(technique.target, x), technique.classes)
    layer = technique.used_layer(network)
    body = fill(
        _START,
        size=technique.size or network.input_size,
        classes=classes,
        names=comment(", ".join(network.class_name(index) for index in classes)),
        maps=value(network, layer),
    )
    if technique.method == "cam":
        linear = [layer.name for layer in network.layers() if layer.kind in ("Linear", "Conv2d")][-1]
        weights = fill(_LINEAR, head=linear) if network.layer(linear).kind == "Linear" else fill(_IDENTITY)
        body += "\n\n" + fill(_CAM, weights=weights)
    elif technique.method == "scorecam":
        body += "\n\n" + fill(_SCORE_CAM, batch=batch_size(network, x))
    else:
        weigh = _WEIGH["gradcam" if technique.method == "guided" else technique.method]
        body += "\n\n" + fill(_GRADIENTS, weigh=weigh)
    guided = technique.method == "guided"
    if guided:
        body += "\n\n" + fill(_GUIDED, rule=relu_rule("guided").strip() + "\n")
    array = "detail" if guided else "maps"
    return compose(technique, array, body, pictures={"picture.png": technique.image}, layers=(layer,))
