"""The map by principal components as a script; t-SNE and UMAP are libraries of their own."""

from viz_core.embed.map import Map
from viz_core.images.datasets import open_dataset
from viz_core.scripts.parts import compose, fill, set_files, value
from viz_core.scripts.script import Script, beyond
from viz_core.scripts.vectors import vectors_code

OBEYED = ("dataset", "method", "layer", "size", "flat", "perplexity", "exaggeration", "steps", "neighbours", "min_dist")
SMALL = 500  # up to here the principal components are exact
_BODY = """
# Principal components: the directions in which the vectors differ most.
centred = known - known.mean(axis=0)
_, _, directions = np.linalg.svd(centred, full_matrices=False)
directions = directions[:2]
largest = np.abs(directions).argmax(axis=1)  # the sign of a direction is free: its largest part is positive
directions *= np.sign(directions[[0, 1], largest])[:, None]
result = (centred @ directions.T).astype(np.float32)
"""


def write(technique: Map) -> Script:
    """Where every picture lies on the map."""
    network, pictures = technique.network(), open_dataset(technique.dataset)
    layer, side = technique.chosen_layer(), technique.side()
    if technique.method != "pca":
        raise beyond("method")
    body = vectors_code(value(network, layer), side, technique.flat) + fill(_BODY)
    files = set_files(pictures, range(len(pictures)), side)
    return compose(technique, "map", body, layers=(layer,), files=files)
