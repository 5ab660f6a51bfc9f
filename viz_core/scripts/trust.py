"""Two of the checks of explanations as a script, for the gradient."""

from viz_core.explain.sanity import depths
from viz_core.explain.trust import Trust
from viz_core.models.work import batch_size
from viz_core.scripts.parts import comment, compose, fill, module_use
from viz_core.scripts.script import Script, beyond

OBEYED = ("check", "steps")
_START = """
x = picture("picture.png", $size)
target = $target  # $name

def strength():  # of the gradient of the class score at each pixel
    pixels = x.clone().requires_grad_()
    return torch.autograd.grad(see(pixels)[0, target], pixels)[0][0].abs().amax(0)
"""
_DELETION = """
# The pixels with the greatest gradient go first, replaced by the network's mean colour.
order = np.argsort(-strength().numpy(), axis=None, kind="stable")
stages = [x.clone()]
for part in np.array_split(order, $steps):
    stages.append(stages[-1].clone())
    stages[-1].flatten(2)[:, :, part] = mean.expand_as(x).flatten(2)[:, :, part]

# How likely the class still is at each stage, and the area under that curve: small if the map is right.
with torch.no_grad():
    result = torch.cat([see(part).softmax(1)[:, target] for part in torch.cat(stages).split($batch)]).numpy()
print("area", (result.sum() - (result[0] + result[-1]) / 2) / $steps)
"""
_RANDOMISE = """
# The network forgets from the top: every layer from here on gets fresh random weights.
learnt = [module for module in net.modules() if hasattr(module, "reset_parameters")]
trained, maps = [{k: v.clone() for k, v in module.state_dict().items()} for module in learnt], [strength()]
for first in $firsts:
    for module, weights in zip(learnt, trained):
        module.load_state_dict(weights)
    torch.manual_seed($seed)
    for module in learnt[first:]:
        module.reset_parameters()
    maps.append(strength())
result = torch.stack(maps).numpy()

# Spearman's rank correlation with the map of the trained network: near 1 means that it depends on nothing learnt.
ranks = result.reshape(len(result), -1).argsort(axis=1).argsort(axis=1)
print("kept at each depth", np.corrcoef(ranks)[0])
"""


def write(technique: Trust) -> Script:
    """The deletion curve, or the maps of the forgetting network, of the plain gradient."""
    network, x = technique.network(), technique.input()
    target = network.target_index(technique.target, x)
    size = technique.size or network.input_size
    start = fill(_START, size=size, target=target, name=comment(network.class_name(target))) + "\n\n"
    pictures = {"picture.png": technique.image}
    if technique.check == "deletion":
        body = start + fill(_DELETION, steps=technique.steps, batch=batch_size(network, x))
        return compose(technique, "deletion_gradient", body, pictures=pictures)
    if technique.check != "randomise":
        raise beyond("check")
    learnt = [module_use(network, layer.name)[0] for layer in network.layers() if layer.parameters]
    firsts = [learnt.index(module_use(network, layer)[0]) for layer in depths(network)]
    body = start + fill(_RANDOMISE, firsts=firsts, seed=technique.seed)
    return compose(technique, "maps", body, part=(slice(None), 0), pictures=pictures)
