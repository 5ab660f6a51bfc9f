"""The chain of maps by depth as a script."""

import textwrap

import numpy as np

from viz_core.embed.depth import Depth, stages
from viz_core.embed.projection import KEPT_AT, chunk, neighbours_for
from viz_core.embed.store import LOOK_SIDE
from viz_core.images.datasets import open_dataset
from viz_core.scripts.parts import compose, fill, set_files, value
from viz_core.scripts.script import Script
from viz_core.scripts.vectors import BATCH, arranged_code, graph_code, plane_code

OBEYED = ("dataset", "count", "perplexity", "steps")
_BODY = """
files = sorted(Path("pictures").glob("*.png"))  # as the network sees them: squares of $side pixels
pixels = np.stack([np.asarray(Image.open(file)) for file in files])
x = torch.tensor(pixels).permute(0, 3, 1, 2).float() / 255

# How the pictures are described: by their small pixels, then by what each stage answers, on average over its places.
small = (F.adaptive_avg_pool2d(x, $small) * 255).round().numpy() / np.float32(255)
spaces = [[small.reshape(len(x), -1)], *([] for _ in range($stages))]
for part in x.split($batch):
    see(part)
    answered = $answers
    for space, answers in zip(spaces[1:], answered):
        space.append((answers.flatten(2).mean(dim=2) if answers.dim() > 2 else answers).numpy().astype(np.float16))

# One map after the other by t-SNE, each from the one before, scaled into the unit square.
spaces, result = [np.concatenate(space) for space in spaces], []
points = plane(spaces[0])
for number, space in enumerate(spaces):
    places, far = neighbour_graph(space, $width)
    points = arranged(points, places, far, $perplexity, 4.0 if number else 12.0, $steps)
    low, high = points.min(axis=0), points.max(axis=0)
    result.append((points - (low + high) / 2) / (high - low).max() + 0.5)
result = np.stack(result).astype(np.float32)
"""


def write(technique: Depth) -> Script:
    """The maps of all depths."""
    network, whole = technique.network(), open_dataset(technique.dataset)
    evenly = np.unique(np.linspace(0, len(whole) - 1, min(technique.count, len(whole))).astype(int)).tolist()
    side = technique.side()
    layers = tuple(stages(network, side))
    body = fill(
        _BODY,
        side=side,
        small=LOOK_SIDE,
        stages=len(layers),
        batch=BATCH,
        answers=_wrapped(", ".join(value(network, layer, layers) for layer in layers)),
        width=max(neighbours_for(technique.perplexity, len(evenly)), KEPT_AT),
        perplexity=technique.perplexity,
        steps=technique.steps,
    )
    groundwork = "\n\n".join([plane_code(), graph_code(), arranged_code(chunk(len(evenly)))])
    files = set_files(whole, evenly, side)
    return compose(technique, "maps", body, layers=layers, files=files, groundwork=groundwork)


def _wrapped(listed: str) -> str:
    """A list on as many lines as it needs."""
    return textwrap.fill(f"[{listed}]", 100, subsequent_indent=" " * 16, break_long_words=False, break_on_hyphens=False)
