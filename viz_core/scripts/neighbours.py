"""Nearest neighbours as a script."""

from viz_core.embed.features import default_layer
from viz_core.embed.neighbours import SEEN, Neighbours
from viz_core.images.datasets import open_dataset
from viz_core.images.picture_set import square
from viz_core.images.render import encode_png
from viz_core.scripts.parts import compose, fill, set_files, value
from viz_core.scripts.script import Script
from viz_core.scripts.vectors import vectors_code

OBEYED = ("dataset", "layer", "query", "k")
_BODY = """
query = vectors(np.asarray(Image.open("query.png"))[None])[0]

# The nearest by Euclidean distance.
distances = np.linalg.norm(known - query.astype(np.float64), axis=1)$leave_out
nearest = np.argsort(distances, kind="stable")[:$k]
result = distances[nearest]
for place in nearest:
    print(files[place].name, distances[place])
"""
_LEAVE_OUT = """
distances[{query}] = np.inf  # the picture itself"""


def write(technique: Neighbours) -> Script:
    """The distances of the nearest pictures by features."""
    network, pictures = technique.network(), open_dataset(technique.dataset)
    layer = network.resolve_layer(technique.layer or default_layer(network))
    leave_out = "" if technique.query is None else _LEAVE_OUT.format(query=technique.query)
    k = min(technique.k, len(pictures) - (technique.query is not None))
    body = vectors_code(value(network, layer), SEEN) + fill(_BODY, k=k, leave_out=leave_out)
    files = set_files(pictures, range(len(pictures)), SEEN)
    files |= {"query.png": lambda: encode_png(square(technique.source(pictures), SEEN))}
    return compose(technique, "features_distances", body, layers=(layer,), files=files)
