"""Nearest neighbours as a script."""

from viz_core.embed.neighbours import Neighbours
from viz_core.images.datasets import open_dataset
from viz_core.images.picture_set import square
from viz_core.images.render import encode_png
from viz_core.scripts.parts import compose, fill, set_files, value
from viz_core.scripts.script import Script
from viz_core.scripts.vectors import vectors_code

OBEYED = ("dataset", "layer", "size", "flat", "query", "k", "off", "why")
_BODY = """
query = vectors(np.asarray(Image.open("query.png"))[None])[0]

# The nearest by Euclidean distance.
apart = known - query.astype(np.float64)$off
distances = np.linalg.norm(apart, axis=1)$leave_out
nearest = np.argsort(distances, kind="stable")[:$k]
result = distances[nearest]
for place in nearest:
    print(files[place].name, distances[place])
"""
_LEAVE_OUT = """
distances[{query}] = np.inf  # the picture itself"""

_OFF = """
off = {off}  # units that are switched off
apart{places}[:, off] = 0"""


def write(technique: Neighbours) -> Script:
    """The distances of the nearest pictures by features."""
    network, pictures = technique.network(), open_dataset(technique.dataset)
    layer, side = technique.chosen_layer(), technique.side()
    leave_out = "" if technique.query is None else _LEAVE_OUT.format(query=technique.query)
    places = f".reshape(len(apart), {technique.units(layer)}, -1)" if technique.flat else ""
    off = _OFF.format(off=list(technique.off), places=places) if technique.off else ""
    k = min(technique.k, len(pictures) - (technique.query is not None))
    body = vectors_code(value(network, layer), side, technique.flat) + fill(_BODY, k=k, leave_out=leave_out, off=off)
    files = set_files(pictures, range(len(pictures)), side)
    files |= {"query.png": lambda: encode_png(square(technique.source(pictures), side))}
    return compose(technique, "features_distances", body, layers=(layer,), files=files)
