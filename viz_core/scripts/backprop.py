"""Backpropagation, deconvnet and guided backpropagation as a script."""

from viz_core.explain.backprop import Backprop
from viz_core.scripts.parts import comment, compose, fill, relu_rule, value
from viz_core.scripts.script import Script

OBEYED = ("layer", "channel", "row", "column", "rule", "scale")
_BODY = """
x = picture("picture.png", $size).requires_grad_()
scores = see(x)

# $what, sent back to the pixels.
$unit.backward()
result = x.grad[0].abs().amax(0).numpy()
"""


def write(technique: Backprop) -> Script:
    """The strongest colour of the gradient at each pixel, by the rule of the overlay."""
    network, x = technique.network(), technique.input()
    facts, _, _ = technique.chosen(network, x)
    layers: tuple[str, ...] = ()
    if technique.layer is None:
        unit, what = f"scores[0, {facts['class_index']}]", f"The score of the class {comment(str(facts['class']))}"
    else:
        layers = (str(facts["layer"]),)
        answers = value(network, layers[0])
        place = f", {facts['row']}, {facts['column']}" if len(network.layer(layers[0]).shape) == 3 else ""
        unit, what = f"{answers}[0, {facts['channel']}{place}]", f"One unit of the layer {layers[0]}"
    body = fill(_BODY, size=technique.size or network.input_size, unit=unit, what=what)
    body = relu_rule(technique.rule) + "\n" + body
    return compose(technique, "map", body, pictures={"picture.png": technique.image}, layers=layers)
