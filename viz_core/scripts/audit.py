"""The check of a data set as a script: how far each picture lies from its neighbours, and which are nearly the same."""

from viz_core.embed.audit import Audit
from viz_core.images.datasets import open_dataset
from viz_core.scripts.parts import compose, fill, set_files, value
from viz_core.scripts.script import Script
from viz_core.scripts.vectors import graph_code, vectors_code

OBEYED = ("dataset", "layer", "flat", "k", "alike", "count")
_BODY = """
# Outliers are far from their nearest others, compared with what is usual in the set.
places, far = neighbour_graph(known, $k)
result = far.mean(axis=1) / max(float(np.median(far.mean(axis=1))), 1e-12)
for place in np.argsort(-result)[:$count]:
    print("far from all others:", files[place].name, result[place])

# Near-duplicates have nearly the same direction as one of their neighbours.
unit = known / np.maximum(np.linalg.norm(known, axis=1, keepdims=True), 1e-12)
for one, other in sorted({(min(n, int(m)), max(n, int(m))) for n in range(len(known)) for m in places[n]}):
    if unit[one] @ unit[other] >= $alike:
        print("nearly the same:", files[one].name, files[other].name)
"""


def write(technique: Audit) -> Script:
    """How remote every picture is."""
    network, pictures = technique.network(), open_dataset(technique.dataset)
    layer, side = technique.chosen_layer(), technique.side()
    k = min(technique.k, len(pictures) - 1)
    body = fill(_BODY, k=k, alike=technique.alike, count=technique.count)
    code = vectors_code(value(network, layer), side, technique.flat) + body
    files = set_files(pictures, range(len(pictures)), side)
    return compose(technique, "remoteness", code, layers=(layer,), files=files, groundwork=graph_code())
